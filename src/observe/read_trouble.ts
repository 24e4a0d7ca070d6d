/**
 * Notices reads that fail again and again while some succeed. The shard makes progress, so it is no fault of
 * `/health`. But another application shares its read limit, or the connection is bad. A read that is
 * throttled from time to time has no line of its own.
 *
 * @module
 */

import type { WorkerEvent } from "../events.ts";
import { counted, durationText } from "./format.ts";
import { errorLine } from "./one_line.ts";

/** Failed reads of one shard, none further from the next than the gap. */
interface Streak {
  readonly sinceMs: number;
  readonly lastMs: number;
  readonly failures: number;
  readonly error: unknown;
}

/**
 * Failures further apart than this are not one trouble; a trouble without a failure for this long is over, in
 * ms. Ours.
 */
const GAP_MS = 60_000;
/** For how long reads fail again and again until it is worth a line, in ms. Ours. */
const LASTING_MS = 600_000;

/** The failed reads of one worker, by lease. */
export class ReadTroubles {
  readonly #streaks = new Map<string, Streak>();

  /** Takes note of an event. */
  hear(event: WorkerEvent, nowMs: number): void {
    if (event.type !== "fetchFailed") return;
    const { leaseKey, error } = event;
    const before = this.#streaks.get(leaseKey);
    const goesOn = before !== undefined && nowMs - before.lastMs <= GAP_MS;
    this.#streaks.set(leaseKey, {
      sinceMs: goesOn ? before.sinceMs : nowMs,
      lastMs: nowMs,
      failures: goesOn ? before.failures + 1 : 1,
      error,
    });
  }

  /** The troubles that last, each with its sentence; forgets those that are over. */
  lasting(nowMs: number): readonly { readonly leaseKey: string; readonly text: string }[] {
    const found: { leaseKey: string; text: string }[] = [];
    for (const [leaseKey, { sinceMs, lastMs, failures, error }] of this.#streaks) {
      if (nowMs - lastMs > GAP_MS) this.#streaks.delete(leaseKey);
      else if (lastMs - sinceMs >= LASTING_MS) {
        const within = `${counted(failures, "time")} within ${durationText(lastMs - sinceMs)}`;
        found.push({ leaseKey, text: `Reads have failed again and again, ${within}: ${errorLine(error)}` });
      }
    }
    return found;
  }
}
