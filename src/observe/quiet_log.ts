/**
 * A listener that writes log lines and says the same thing at most once a minute. While DynamoDB is away,
 * every lease and every loop of every worker has the same to complain of, several times a second.
 *
 * Three kinds of lines are held back: failures that are tried again, the message that these work again, and
 * dropped aggregates. The last come many in a row. All other events about records and leases are written
 * every time.
 *
 * @module
 */

import { errorClass, errorCode } from "../errors.ts";
import type { WorkerEvent, WorkerEventListener } from "../events.ts";
import type { Clock } from "../system.ts";
import { type LogLine, logLine } from "./log_lines.ts";

/** For how long a repeated failure is held back. Ours. */
const PERIOD_MS = 60_000;
/** The most kinds of failure that are remembered; codes are AWS's texts. Ours. */
const MOST_KINDS = 1000;

/**
 * Makes the listener. The first failure of a kind is written immediately. The next one, after a minute, says
 * how many there were in between.
 *
 * @param write Called with each line, of all levels, and its event.
 */
export function quietLog(
  clock: Clock,
  write: (line: LogLine, event: WorkerEvent) => void,
): WorkerEventListener {
  const told = new Map<string, { readonly atMs: number; held: number }>();
  /** Passes of which the log says that they fail. */
  const failing = new Set<string>();
  return (event) => {
    const line = logLine(event);
    if (line === undefined) return;
    if (event.type === "passRecovered" && !failing.delete(event.pass)) return;
    const kind = kindOfFailure(event);
    if (kind === undefined) return write(line, event);
    const nowMs = clock.monotonicMs();
    const before = told.get(kind);
    if (before !== undefined && nowMs - before.atMs < PERIOD_MS) {
      before.held++;
      return;
    }
    if (before === undefined && told.size >= MOST_KINDS) told.clear();
    told.set(kind, { atMs: nowMs, held: 0 });
    if (event.type === "passFailed") failing.add(event.pass);
    const held = before?.held ?? 0;
    write(held === 0 ? line : { ...line, text: `${line.text} (and ${held} more like it before)` }, event);
  };
}

/**
 * Two failures are the same if the event and the error's code are equal, for any lease. The text holds
 * request ids.
 */
function kindOfFailure(event: WorkerEvent): string | undefined {
  switch (event.type) {
    case "passFailed":
      return `${event.type} ${event.pass} ${kindOf(event.error)}`;
    case "leaseRenewalFailed":
    case "fetchFailed":
    case "checkpointFailed":
    case "childLeasesFailed":
    case "credentialsRefreshFailed":
      return `${event.type} ${kindOf(event.error)}`;
    case "aggregateProblem":
      return event.outcome === "dropped" ? `${event.type} ${event.leaseKey}` : undefined;
    case "requestRetried":
      return event.code === "TimeoutError" ? `${event.type} ${event.service}` : undefined;
    default:
      return undefined;
  }
}

function kindOf(error: unknown): string {
  return errorCode(error) ?? errorClass(error);
}
