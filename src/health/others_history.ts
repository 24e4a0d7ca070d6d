/**
 * Keeps what the looks at a table show of other workers' shards: an hour of lag and records. There is
 * something to keep only while somebody looks.
 *
 * @module
 */

import { type History, LagHistory } from "../observe/lag_history.ts";
import type { SeenFleet } from "./page/seen_fleet.ts";

/** The most shards of which an hour is kept. Ours: half a megabyte. */
const MOST_SHARDS = 2_000;

/** A look that was made longer ago says nothing of the time in between, in ms. Ours. */
const MOST_GAP_MS = 60_000;

/** See the module. */
export class OthersHistory {
  #history = new LagHistory();
  #kept: ReadonlySet<string> = new Set();
  #noted: SeenFleet | undefined;

  /** Notes a look, once. @param held Shards that this worker holds: it knows them better. */
  note(fleet: SeenFleet, held: ReadonlySet<string>): void {
    const before = this.#noted;
    if (fleet === before) return;
    this.#noted = fleet;
    const known = [...fleet.leases.values()].filter(({ leaseKey, lagMs, recordsPerSecond }) =>
      !held.has(leaseKey) && (lagMs !== undefined || recordsPerSecond !== undefined)
    ).slice(0, MOST_SHARDS);
    const kept = new Set(known.map(({ leaseKey }) => leaseKey));
    for (const leaseKey of this.#kept) if (!kept.has(leaseKey)) this.#history.end(leaseKey);
    const gapMs = before === undefined ? 0 : Math.min(MOST_GAP_MS, fleet.seenMs - before.seenMs);
    for (const { leaseKey, lagMs, recordsPerSecond = 0 } of known) {
      if (!this.#kept.has(leaseKey)) this.#history.begin(leaseKey, fleet.seenMs);
      if (lagMs !== undefined) this.#history.noteLag(leaseKey, lagMs, fleet.seenMs);
      const records = recordsPerSecond * gapMs / 1000;
      this.#history.noteProcessed(leaseKey, { records, bytes: 0 }, fleet.seenMs);
    }
    this.#kept = kept;
  }

  /** The last hour, up to now. */
  at(nowMs: number): History {
    return this.#history.at(nowMs);
  }
}
