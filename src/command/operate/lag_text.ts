// Pure.
/**
 * A fleet's lag as lines of text.
 *
 * @module
 */

import { counted, durationText } from "../../observe/format.ts";
import { oneLine } from "../../observe/one_line.ts";
import type { LagReport, LagRow, LagState } from "../../operate/lag_report.ts";
import { type Column, tableLines } from "../../terminal/text_table.ts";
import type { Tone } from "../../terminal/text_width.ts";

/** How lines are made. */
export interface LagStyle {
  /** How wide a line may be. */
  readonly columns: number;
  readonly paint: (tone: Tone, text: string) => string;
}

const STATES: Readonly<Record<LagState, readonly [word: string, tone: Tone | undefined]>> = {
  atTip: ["at the tip", "good"],
  behind: ["behind", undefined],
  waiting: ["waiting", "dim"],
  trimmed: ["trimmed", "bad"],
  lost: ["lost", "bad"],
  notBegun: ["not begun", "dim"],
  gone: ["no such shard", "bad"],
  unknown: ["unknown", "warning"],
};

/** Sooner than this is shown as bad. */
const SOON_TRIMMED_MS = 3_600_000;

/** Shards that get a line of their own. JSON has all of them. */
const MOST_WITHOUT_LEASE = 10;

/** The lines. */
export function lagLines(report: LagReport, style: LagStyle): string[] {
  const blocks = [
    [headline(report, style)],
    ...leaseBlocks(report, style),
    noteLines(report.leases),
    withoutLeaseLines(report, style),
    report.notRead.map((text) => style.paint("warning", oneLine(text))),
  ];
  return blocks.filter((block) => block.length > 0).flatMap((block, at) => at === 0 ? block : ["", ...block]);
}

/** The lines that name the shards over a limit. */
export function overLines(rows: readonly LagRow[], maxMs: number): string[] {
  return rows.map(({ leaseKey, state, behindMs }) =>
    behindMs === undefined
      ? oneLine(`${leaseKey}: its checkpoint is ${STATES[state][0]}`)
      : oneLine(`${leaseKey}: ${durationText(behindMs)} behind, over ${durationText(maxMs)}`)
  );
}

function headline(report: LagReport, { paint }: LagStyle): string {
  const { leases, maxBehindMs, maxBehindLeaseKey, finishedLeases } = report;
  const shards = [
    counted(leases.length, "shard"),
    ...(finishedLeases === 0 ? [] : [`${finishedLeases} finished`]),
  ];
  const most = maxBehindMs === undefined || maxBehindLeaseKey === undefined
    ? "no lag could be measured"
    : maxBehindMs === 0
    ? "all at the tip"
    : `${durationText(maxBehindMs)} behind at most, ${oneLine(maxBehindLeaseKey)}`;
  return `${paint("bold", oneLine(report.tableName))}: ${shards.join(" and ")}; ${most}`;
}

/** Of many streams each has a block of its own. */
function leaseBlocks({ leases, betweenMs }: LagReport, style: LagStyle): string[][] {
  const streams = [...new Set(leases.map(({ streamIdentifier }) => streamIdentifier))];
  return streams.map((stream) => {
    const rows = leases.filter(({ streamIdentifier }) => streamIdentifier === stream);
    const lines = tableLines(rows, columnsOf(rows, betweenMs !== undefined, style), style.columns);
    return stream === undefined ? lines : [style.paint("bold", oneLine(stream)), ...lines];
  });
}

function columnsOf(
  rows: readonly LagRow[],
  isCompared: boolean,
  { paint }: LagStyle,
): readonly Column<LagRow>[] {
  return [
    {
      title: "SHARD",
      cell: ({ shardId, hasFinishedAhead }) => `${oneLine(shardId)}${hasFinishedAhead ? " +" : ""}`,
    },
    {
      title: "STATE",
      shrink: "never",
      cell: ({ state }) => {
        const [word, tone] = STATES[state];
        return tone === undefined ? word : paint(tone, word);
      },
    },
    { title: "OWNER", cell: ({ owner }) => owner === undefined ? "–" : oneLine(owner) },
    { title: "BEHIND", align: "right", cell: ({ behindMs }) => timeText(behindMs) },
    { title: "CHECKPOINT", align: "right", cell: ({ checkpointAgeMs }) => timeText(checkpointAgeMs) },
    ...(rows.some(({ throughputKBps }) => throughputKBps !== undefined)
      ? [{
        title: "KB/S",
        align: "right" as const,
        cell: ({ throughputKBps }: LagRow) => throughputKBps?.toFixed(1) ?? "–",
      }]
      : []),
    ...(isCompared || rows.some(({ waitsFor }) => waitsFor.length > 0)
      ? [{ title: "PACE", shrink: "end" as const, cell: paceText }]
      : []),
    {
      title: "TRIMMED IN",
      align: "right",
      cell: ({ trimmedInMs, state }) => {
        if (state === "lost") return paint("bad", "lost");
        if (trimmedInMs === undefined) return "–";
        const text = durationText(trimmedInMs);
        return trimmedInMs < SOON_TRIMMED_MS ? paint("bad", text) : text;
      },
    },
  ];
}

function timeText(ms: number | undefined): string {
  return ms === undefined ? "–" : durationText(ms);
}

function paceText({ slope, behindMs, catchUpMs, lossInMs, checkpointMoved, waitsFor }: LagRow): string {
  if (waitsFor.length > 0) return `waits for ${waitsFor.map(shortShard).join(", ")}`;
  if (behindMs === 0 || behindMs === undefined || slope === undefined) return "–";
  if (checkpointMoved === false) return "stands still";
  if (catchUpMs !== undefined) return `catches up in ${durationText(catchUpMs)}`;
  if (lossInMs !== undefined && lossInMs > 0) return `loses records in ${durationText(lossInMs)}`;
  return slope > 0 ? "falls behind" : "keeps pace";
}

/** `shardId-000000000012` is `12`. */
function shortShard(shardId: string): string {
  return oneLine(/^shardId-0*(\d+)$/.exec(shardId)?.[1] ?? shardId);
}

function noteLines(leases: readonly LagRow[]): string[] {
  return leases.some(({ hasFinishedAhead }) => hasFinishedAhead)
    ? ["+ Records after the checkpoint are finished already. The lag is counted from the checkpoint."]
    : [];
}

function withoutLeaseLines({ openShardsWithoutLease: shards }: LagReport, { paint }: LagStyle): string[] {
  if (shards.length === 0) return [];
  const more = shards.length - MOST_WITHOUT_LEASE;
  return [
    paint("bad", `${counted(shards.length, "open shard")} without a lease, which nobody reads:`),
    ...shards.slice(0, MOST_WITHOUT_LEASE).map(({ streamName, shardId }) =>
      `  ${streamName} ${oneLine(shardId)}`
    ),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}
