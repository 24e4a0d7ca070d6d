/**
 * What must hold where keys are parked: while as much of a shard is parked as may be, nothing more of it is
 * taken.
 *
 * What a delivery has taken is seen by the filter, which is asked about each record once. A record is surely
 * parked when it comes alone again after as many failures as the policy allows. So the rule counts fewer
 * records than are parked, and never more.
 *
 * @module
 */

import type { KinesisRecord } from "../../stream/record.ts";
import type { Visit } from "./delivery_rules.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** What the policy allows. */
export interface ParkLimits {
  /** How many times a record is tried again before its key is parked. */
  readonly attempts: number;
  /** The most records of a shard that may be parked. */
  readonly records: number;
  /** The most payload bytes of a shard that may be parked. */
  readonly bytes: number;
}

/** A record that was taken and is not finished. */
interface Taken {
  readonly key: string;
  readonly bytes: number;
}

/** What one processor's delivery has of its shard, by place. */
interface Hold {
  readonly taken: Map<number, Taken>;
  /** How many times a record has failed alone. */
  readonly failures: Map<number, number>;
  /** The record that is tried again and again, by key. */
  readonly parked: Map<string, number>;
  /** Virtual ms at which the last slice was taken. */
  takenMs: number;
  /** How many slices were taken since as much was parked as may be. */
  slicesWhenFull: number;
}

/** One slice may have been on its way when the park became full. */
const MOST_SLICES_WHEN_FULL = 1;

/** See the module. */
export class ParkRules {
  readonly #time: VirtualTime;
  readonly #limits: ParkLimits;
  readonly #holds = new Map<Visit, Hold>();

  constructor(time: VirtualTime, limits: ParkLimits) {
    this.#time = time;
    this.#limits = limits;
  }

  /** A delivery takes a record. @returns what is wrong with that. */
  taken(visit: Visit, place: number, { partitionKey: key, data }: KinesisRecord): string | undefined {
    const { nowMs } = this.#time;
    const hold = this.#holdOf(visit);
    const isNewSlice = nowMs !== hold.takenMs;
    hold.takenMs = nowMs;
    const parked = isNewSlice ? this.#parkedIn(hold) : undefined;
    hold.taken.set(place, { key, bytes: data.length });
    if (parked === undefined) return undefined;
    if (!this.#isFull(parked)) hold.slicesWhenFull = 0;
    else if (++hold.slicesWhenFull > MOST_SLICES_WHEN_FULL) {
      const { records, bytes } = this.#limits;
      return `record ${place} is taken while ${parked.records} records of ${parked.bytes} bytes are parked, ` +
        `${records} of ${bytes} at most`;
    }
    return undefined;
  }

  /** A call begins. */
  called(visit: Visit, [place, ...others]: readonly number[]): void {
    if (place === undefined || others.length > 0) return;
    const { taken, failures, parked } = this.#holdOf(visit);
    const record = taken.get(place);
    if (record !== undefined && (failures.get(place) ?? 0) > this.#limits.attempts) {
      parked.set(record.key, place);
    }
  }

  /** A call has ended, and its records are not finished. */
  failed(visit: Visit, [place, ...others]: readonly number[]): void {
    const hold = this.#holds.get(visit);
    if (hold === undefined || place === undefined || others.length > 0 || !hold.taken.has(place)) return;
    hold.failures.set(place, (hold.failures.get(place) ?? 0) + 1);
  }

  /** A record is finished. The others of its key may go on. */
  finished(visit: Visit, place: number): void {
    const hold = this.#holds.get(visit);
    const record = hold?.taken.get(place);
    if (hold === undefined || record === undefined) return;
    hold.taken.delete(place);
    hold.failures.delete(place);
    if (hold.parked.get(record.key) === place) hold.parked.delete(record.key);
    if (hold.slicesWhenFull > 0 && !this.#isFull(this.#parkedIn(hold))) hold.slicesWhenFull = 0;
  }

  /** A processor is over, or its process has died. */
  over(visit: Visit): void {
    this.#holds.delete(visit);
  }

  #parkedIn({ taken, parked }: Hold): { readonly records: number; readonly bytes: number } {
    const waiting = [...taken.values()].filter(({ key }) => parked.has(key));
    return { records: waiting.length, bytes: waiting.reduce((sum, { bytes }) => sum + bytes, 0) };
  }

  #isFull({ records, bytes }: { readonly records: number; readonly bytes: number }): boolean {
    return records >= this.#limits.records || bytes >= this.#limits.bytes;
  }

  #holdOf(visit: Visit): Hold {
    let hold = this.#holds.get(visit);
    if (hold === undefined) {
      hold = {
        taken: new Map(),
        failures: new Map(),
        parked: new Map(),
        takenMs: -Infinity,
        slicesWhenFull: 0,
      };
      this.#holds.set(visit, hold);
    }
    return hold;
  }
}
