// Pure.
/**
 * What `clone` would make, as lines and as JSON.
 *
 * @module
 */

import { counted, shortPosition } from "../../observe/format.ts";
import { oneLine } from "../../observe/one_line.ts";
import type { ClonePlan } from "../../operate/change/clone.ts";
import type { Billing, CloneTarget } from "../../operate/change/clone_target.ts";
import type { LeaseChange } from "../../operate/change/reset_plan.ts";
import type { ExtendedSequenceNumber } from "../../stream/sequence_number.ts";
import { type Column, tableLines } from "../../terminal/text_table.ts";

/** What is shown of a clone. */
export interface ShownClone {
  readonly plan: ClonePlan;
  readonly there: CloneTarget;
  readonly as: string;
  readonly billing: Billing;
  /** Undefined: the stream of the leases. */
  readonly toStream: string | undefined;
}

/** The leases of the copy, and how it begins. */
export function cloneLines({ plan, there, as, billing, toStream }: ShownClone, columns: number): string[] {
  const { changes, arrivals, source, target, omitted } = plan;
  const position = ({ checkpoint }: { readonly checkpoint: ExtendedSequenceNumber }) =>
    oneLine(shortPosition(checkpoint));
  const table: readonly Column<LeaseChange>[] = [
    { title: "LEASE", cell: ({ lease }) => oneLine(lease.leaseKey) },
    ...(target === undefined || toStream !== undefined ? [] : [{
      title: "HERE",
      cell: ({ lease }: LeaseChange) => {
        const here = source.get(lease.leaseKey);
        return here === undefined ? "no lease" : position(here);
      },
    }]),
    { title: "COPY", cell: ({ lease }) => position(lease) },
    ...(target === undefined ? [] : [{
      title: "ITS RECORD ARRIVED",
      cell: ({ lease }: LeaseChange) => isoOf(arrivals.get(lease.leaseKey)) ?? "-",
    }]),
  ];
  const kept = changes.filter(({ type }) => type === "keep").length;
  const stream = toStream === undefined ? "" : ` of stream ${oneLine(toStream)}`;
  return [
    ...tableLines(changes, table, columns),
    ...beginLines(plan, stream),
    ...(omitted.length === 0 ? [] : [
      `Not copied: ${counted(omitted.length, "lease")} of other streams, such as ${
        oneLine(omitted[0] ?? "")
      }`,
    ]),
    there.description === undefined
      ? `Table ${as} is not there yet: it is made, ${billingText(billing)}.`
      : `Table ${as} is there, with ${kept === 0 ? "no leases" : `${kept} of these leases`}.`,
  ];
}

/** The same for programs. */
export function cloneJson({ plan, there, billing, toStream }: ShownClone): Readonly<Record<string, unknown>> {
  const { changes, arrivals, source, target, omitted } = plan;
  return {
    position: target === undefined
      ? "same"
      : target.type === "time"
      ? new Date(target.epochMs).toISOString()
      : target.type,
    toStream: toStream ?? null,
    tableExists: there.description !== undefined,
    billingMode: there.description?.billingMode ?? (billing === "PAY_PER_REQUEST" ? billing : "PROVISIONED"),
    leases: changes.map(({ type, lease: { leaseKey, shardId, checkpoint } }) => ({
      leaseKey,
      shardId,
      isThere: type === "keep",
      here: source.get(leaseKey)?.checkpoint ?? null,
      checkpoint,
      arrival: isoOf(arrivals.get(leaseKey)) ?? null,
    })),
    notCopied: omitted,
  };
}

function beginLines({ target, changes }: ClonePlan, stream: string): string[] {
  switch (target?.type) {
    case undefined: {
      const moving = changes.filter(({ lease: { checkpoint: { sequenceNumber }, latestEpochMs } }) =>
        sequenceNumber === "AT_TIMESTAMP" || (sequenceNumber === "LATEST" && latestEpochMs === undefined)
      );
      return moving.length === 0 ? [] : [
        `${counted(moving.length, "lease")} without a record yet, such as ${
          oneLine(moving[0]?.lease.leaseKey ?? "")
        }: ` +
        "where the copy begins depends on when and how its workers start",
      ];
    }
    case "time":
      return [
        `The copy reads every record${stream} that arrived from ${isoOf(target.epochMs)} on.`,
        ...(stream === "" ? [] : [
          "Some records come again. Records that arrived in the other stream sooner than in this one need " +
          "an earlier --at.",
        ]),
      ];
    case "earliest":
      return [`The copy reads every record${stream} that is still there.`];
    default:
      return [`The copy reads every record${stream} that arrives from now on.`];
  }
}

function billingText(billing: Billing): string {
  return billing === "PAY_PER_REQUEST"
    ? "billed on demand"
    : `with ${billing.readCapacity} read and ${billing.writeCapacity} write units, as the table here`;
}

function isoOf(epochMs: number | undefined): string | undefined {
  return epochMs === undefined ? undefined : new Date(epochMs).toISOString();
}
