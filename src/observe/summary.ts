// Pure.
/**
 * One line about the state of a worker, for a log that would otherwise be silent while all is healthy.
 * Without it, silence could also mean a worker that hangs.
 *
 * @module
 */

import type { LogLine } from "./log_lines.ts";
import { oneLine } from "./one_line.ts";
import { progressLines } from "./progress_lines.ts";
import type { Snapshot } from "./totals.ts";
import type { Health } from "./verdict.ts";

/** How often the command line writes it, in ms. Ours. */
export const SUMMARY_INTERVAL_MS = 600_000;

/** The line; a warning, with the codes of the faults, if there are any. */
export function summaryLine(snapshot: Snapshot, previous: Snapshot | undefined, health: Health): LogLine {
  const [summary = ""] = progressLines(snapshot, previous);
  if (health.healthy) return { level: "info", text: `Healthy: ${summary}` };
  const faults = health.faults.map(({ code, leaseKey }) =>
    leaseKey === undefined ? code : `${leaseKey} ${code}`
  );
  return { level: "warning", text: oneLine(`Failing: ${summary}; faults: ${faults.join(", ")}`) };
}
