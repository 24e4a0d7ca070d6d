// Pure.
/**
 * What `reset` and `clone` would do, or did, as lines and as JSON.
 *
 * @module
 */

import { counted, shortPosition } from "../../observe/format.ts";
import { errorLine, oneLine } from "../../observe/one_line.ts";
import type { ApplyReport } from "../../operate/change/apply_changes.ts";
import type { LeaseChange } from "../../operate/change/reset_plan.ts";
import type { SignsOfLife } from "../../operate/change/signs_of_life.ts";
import type { ExtendedSequenceNumber } from "../../stream/sequence_number.ts";
import { type Column, tableLines } from "../../terminal/text_table.ts";

/** The changes of a plan, with when the record at each new position arrived. */
export interface ShownChanges {
  readonly changes: readonly LeaseChange[];
  /** In ms since 1970, by lease key. */
  readonly arrivals: ReadonlyMap<string, number>;
}

/** A table of the leases that change, and how many do not. */
export function changeLines({ changes, arrivals }: ShownChanges, columns: number): string[] {
  const rows = changes.filter(({ type }) => type !== "keep");
  const kept = keptLines(changes);
  if (rows.length === 0) return kept;
  const table: readonly Column<LeaseChange>[] = [
    { title: "LEASE", cell: ({ lease }) => oneLine(lease.leaseKey) },
    {
      title: "NOW",
      cell: (change) => change.type === "create" ? "no lease" : positionText(change.lease.checkpoint),
    },
    { title: "THEN", cell: (change) => positionText(targetOfChange(change)) },
    { title: "ITS RECORD ARRIVED", cell: (change) => arrivalText(change, arrivals) },
  ];
  return [...tableLines(rows, table, columns), ...kept];
}

/** The same for programs. */
export function changesJson(
  { changes, arrivals }: ShownChanges,
): readonly Readonly<Record<string, unknown>>[] {
  return changes.map((change) => {
    const { leaseKey, shardId } = change.lease;
    const arrivalMs = change.type === "keep" ? undefined : arrivals.get(leaseKey);
    return {
      leaseKey,
      shardId,
      action: change.type,
      ...(change.type === "keep" ? { reason: change.reason } : {}),
      before: change.type === "create" ? null : {
        ...change.lease.checkpoint,
        leaseOwner: change.lease.leaseOwner ?? null,
        leaseCounter: change.lease.leaseCounter,
      },
      after: targetOfChange(change),
      arrival: arrivalMs === undefined ? null : new Date(arrivalMs).toISOString(),
    };
  });
}

/** Who is alive, and what to do. */
export function aliveLines({ reports, moved, owners }: SignsOfLife): string[] {
  return [
    ...reports.slice(0, MOST_SHOWN).map(({ workerId, ageS, freshForS }) =>
      `Worker ${oneLine(workerId)} reported ${ageS < 0 ? "just now" : `${ageS} s ago`}: stop it` +
      (freshForS > 0 ? `, or wait ${freshForS} s if it has died` : "")
    ),
    ...more(reports.length, "worker"),
    ...(moved.length === 0 ? [] : [
      `${counted(moved.length, "lease")} changed meanwhile, such as ${oneLine(moved[0] ?? "")}` +
      (owners.length === 0
        ? ""
        : `, owned by ${owners.slice(0, MOST_SHOWN).map((owner) => oneLine(owner)).join(", ")}`) +
      ": stop all workers",
    ]),
  ];
}

/** What was written, and what not. */
export function reportLines(report: ApplyReport, undo: string): string[] {
  const { written, refused, failed, notTried } = report;
  const isComplete = refused.length + failed.length + notTried.length === 0;
  if (isComplete) return [`Wrote ${counted(written.length, "lease")}. ${undo}`];
  return [
    `Stopped half-way: wrote ${counted(written.length, "lease")}`,
    ...leaseList("Written", written),
    ...refused.slice(0, MOST_SHOWN).map(({ leaseKey, found }) =>
      `Refused: ${oneLine(leaseKey)} ${
        found === undefined ? "is gone" : `was changed by ${oneLine(found.leaseOwner ?? "somebody")}`
      }: stop all workers`
    ),
    ...failed.slice(0, MOST_SHOWN).map(({ leaseKey, error }) =>
      `Failed: ${oneLine(leaseKey)}: ${errorLine(error)}`
    ),
    ...leaseList("Not written", notTried),
    `The same command writes the rest. ${undo}`,
  ];
}

/** The same for programs. */
export function reportJson(
  { written, refused, failed, notTried }: ApplyReport,
): Readonly<Record<string, unknown>> {
  return {
    written,
    refused: refused.map(({ leaseKey }) => leaseKey),
    failed: failed.map(({ leaseKey, error }) => ({ leaseKey, error: errorLine(error) })),
    notWritten: notTried,
  };
}

/** How many of a kind are named; a fleet may have thousands. */
const MOST_SHOWN = 10;

const REASONS = {
  same: ["stays: it is there already", "stay: they are there already"],
  notListed: [
    "stays: its shard is no longer in the stream",
    "stay: their shards are no longer in the stream",
  ],
  notChosen: ["stays: it is not asked for", "stay: they are not asked for"],
} as const;

function keptLines(changes: readonly LeaseChange[]): string[] {
  return (["same", "notChosen", "notListed"] as const).flatMap((reason) => {
    const count = changes.filter((change) => change.type === "keep" && change.reason === reason).length;
    return count === 0 ? [] : [`${counted(count, "lease")} ${REASONS[reason][count === 1 ? 0 : 1]}`];
  });
}

function targetOfChange(change: LeaseChange): ExtendedSequenceNumber {
  return change.type === "move" ? change.to.checkpoint : change.lease.checkpoint;
}

function arrivalText({ lease: { leaseKey } }: LeaseChange, arrivals: ReadonlyMap<string, number>): string {
  const arrivalMs = arrivals.get(leaseKey);
  return arrivalMs === undefined ? "-" : new Date(arrivalMs).toISOString();
}

function positionText(position: ExtendedSequenceNumber): string {
  return oneLine(shortPosition(position));
}

function leaseList(title: string, leaseKeys: readonly string[]): string[] {
  if (leaseKeys.length === 0) return [];
  const shown = leaseKeys.slice(0, MOST_SHOWN).map((key) => oneLine(key)).join(", ");
  const rest = leaseKeys.length - MOST_SHOWN;
  return [`${title}: ${shown}${rest > 0 ? ` and ${rest} more` : ""}`];
}

function more(count: number, noun: string): string[] {
  return count > MOST_SHOWN ? [`and ${counted(count - MOST_SHOWN, noun)} more`] : [];
}
