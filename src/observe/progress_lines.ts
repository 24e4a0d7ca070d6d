// Pure.
/**
 * A worker's progress since the last look, as lines for a terminal: one for the worker, one for each held
 * shard.
 *
 * @module
 */

import { bytesText, counted, durationText, numberText, shortPosition } from "./format.ts";
import { largestLagMs } from "./lag.ts";
import { oneLine } from "./one_line.ts";
import { heldShards, lagMs, type ShardTotals } from "./shard_totals.ts";
import type { Snapshot } from "./totals.ts";

/**
 * The lines, without control characters. The first one sums up, the others follow in the order of lease keys.
 *
 * @param snapshot Now.
 * @param previous The last look; undefined at the first one, when there are no rates yet.
 */
export function progressLines(snapshot: Snapshot, previous: Snapshot | undefined): string[] {
  const held = heldShards(snapshot.shards);
  const width = Math.max(0, ...held.map((shard) => shard.leaseKey.length));
  return [
    summary(snapshot, previous, held.length),
    ...held.map((shard) => shardLine(shard, snapshot, previous, width)),
  ].map((line) => oneLine(line));
}

function summary(snapshot: Snapshot, previous: Snapshot | undefined, held: number): string {
  const { worker } = snapshot;
  const largest = largestLagMs(snapshot);
  const parts = [
    `${worker.workerId ?? "worker"}${worker.leader ? " (leader)" : ""}: ${counted(held, "shard")}`,
    largest === undefined ? "lag unknown" : `lag ${durationText(largest)}`,
  ];
  const seconds = secondsSince(snapshot, previous);
  if (previous !== undefined && seconds > 0) {
    const grown = (name: "processed_records_total" | "processed_bytes_total") =>
      (total(snapshot, name) - total(previous, name)) / seconds;
    parts.push(`${numberText(grown("processed_records_total"))} records/s`);
    parts.push(`${bytesText(grown("processed_bytes_total"))}/s`);
  }
  parts.push(`${counted(total(snapshot, "processed_records_total"), "record")} so far`);
  const skipped = total(snapshot, "skipped_records_total");
  if (skipped > 0) parts.push(`${numberText(skipped)} SKIPPED`);
  return parts.join(", ");
}

function shardLine(
  shard: ShardTotals,
  snapshot: Snapshot,
  previous: Snapshot | undefined,
  width: number,
): string {
  const before = previous?.shards.find((other) =>
    // The lease was gained again since then: its count has started at 0.
    other.leaseKey === shard.leaseKey && other.heldSinceMs === shard.heldSinceMs
  );
  const seconds = secondsSince(snapshot, previous);
  const records = shard.recordsProcessed - (before?.recordsProcessed ?? 0);
  const rate = seconds > 0 ? `${numberText(records / seconds)} records/s` : "";
  const lag = lagMs(shard, snapshot.atMs);
  return [
    `- ${shard.leaseKey.padEnd(width)}`,
    shard.phase.padEnd("waitingOnParents".length),
    (lag === undefined ? "lag unknown" : `lag ${durationText(lag)}`).padEnd("lag 59 min 59 s".length),
    rate.padStart("100,000 records/s".length),
    `at ${shortPosition(shard.checkpoint)}`,
  ].join("  ");
}

function secondsSince(snapshot: Snapshot, previous: Snapshot | undefined): number {
  return previous === undefined ? 0 : (snapshot.atMs - previous.atMs) / 1000;
}

function total(
  snapshot: Snapshot,
  name: "processed_records_total" | "processed_bytes_total" | "skipped_records_total",
): number {
  return snapshot.series.find((series) => series.name === name)?.sum ?? 0;
}
