// Pure.
/**
 * One line about the state of a worker, for a log that would otherwise be silent while all is healthy.
 * Without it, silence could also mean a worker that hangs.
 *
 * @module
 */

import { bytesText, counted, durationText, numberText } from "./format.ts";
import { largestLagMs } from "./lag.ts";
import type { LogLine } from "./log_lines.ts";
import { oneLine } from "./one_line.ts";
import { heldShards } from "./shard_totals.ts";
import type { Snapshot } from "./totals.ts";
import type { Health } from "./verdict.ts";

/** How often the command line writes it, in ms. Ours. */
export const SUMMARY_INTERVAL_MS = 600_000;

/**
 * The line, without control characters; a warning, with the codes of the faults, if there are any.
 *
 * @param snapshot Now.
 * @param previous The last look; undefined at the first one, when there are no rates yet.
 */
export function summaryLine(snapshot: Snapshot, previous: Snapshot | undefined, health: Health): LogLine {
  const summary = summaryOf(snapshot, previous);
  if (health.healthy) return { level: "info", text: oneLine(`Healthy: ${summary}`) };
  const faults = health.faults.map(({ code, leaseKey }) =>
    leaseKey === undefined ? code : `${leaseKey} ${code}`
  );
  return { level: "warning", text: oneLine(`Failing: ${summary}; faults: ${faults.join(", ")}`) };
}

function summaryOf(snapshot: Snapshot, previous: Snapshot | undefined): string {
  const held = heldShards(snapshot.shards).length;
  const { worker } = snapshot;
  const largest = largestLagMs(snapshot);
  const parts = [
    `${worker.workerId ?? "worker"}${worker.leader ? " (leader)" : ""}: ${counted(held, "shard")}`,
    largest === undefined ? "lag unknown" : `lag ${durationText(largest)}`,
  ];
  const seconds = previous === undefined ? 0 : (snapshot.atMs - previous.atMs) / 1000;
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

function total(
  snapshot: Snapshot,
  name: "processed_records_total" | "processed_bytes_total" | "skipped_records_total",
): number {
  return snapshot.series.find((series) => series.name === name)?.sum ?? 0;
}
