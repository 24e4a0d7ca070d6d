/**
 * Keeps the last hour of a worker's lag and pace, one figure a minute: for each held shard the largest lag,
 * for the worker the largest lag and the records.
 *
 * It has no timer: what is noted turns the minutes. It takes 248 bytes a shard, in columns that all shards
 * share. Minutes are of the monotonic clock, and begin with the first note: a wall clock that jumps changes
 * nothing. What is no figure is not kept.
 *
 * @module
 */

/** One figure a minute, the oldest first; the last is of the minute under way. Undefined: none is known. */
export type MinuteFigures = readonly (number | undefined)[];

/** What a shard, or the worker, has processed a second, over the last minute or two. */
export interface Pace {
  readonly recordsPerSecond: number;
  readonly bytesPerSecond: number;
}

/** The last hour. It is read from what is kept: read it before the worker goes on. */
export interface History {
  /**
   * A held shard's largest lag in ms, from its first minute on. Empty while none is known.
   *
   * @param minutes The last of them. @default {60}
   */
  lagOf(leaseKey: string, minutes?: number): MinuteFigures;
  /** The pace of a held shard; undefined for others. */
  paceOf(leaseKey: string): Pace | undefined;
  /** The largest lag of all shards, in ms. */
  largestLag(): MinuteFigures;
  /** Records a second. Undefined while the minute under way is too young to tell. */
  recordsPerSecond(): MinuteFigures;
  /** The pace of the worker. */
  pace(): Pace;
}

/** The minutes that are kept. */
export const HISTORY_MINUTES = 60;

const MINUTE_MS = 60_000;

/** A minute under way says no pace before. Ours. */
const LEAST_PACE_MS = 10_000;

/** Room for shards at first. It doubles when it is full. */
const FIRST_ROOM = 16;

/** The figures of all shards in one minute, by their places. */
type Column = Float32Array;

/** See the module. */
export class LagHistory {
  /** A ring of minutes: a minute's column is at its number modulo the length. */
  readonly #lags: Column[] = Array.from({ length: HISTORY_MINUTES }, () => column(FIRST_ROOM, NaN));
  /** Of the minute under way, and of the one before. */
  #records: Pair<Column> = [column(FIRST_ROOM, 0), column(FIRST_ROOM, 0)];
  #bytes: Pair<Column> = [column(FIRST_ROOM, 0), column(FIRST_ROOM, 0)];
  readonly #largest = column(HISTORY_MINUTES, NaN);
  readonly #sums = new Float64Array(HISTORY_MINUTES);
  #byteSums: Pair<number> = [0, 0];
  /** Where each held shard's figures are. */
  readonly #places = new Map<string, number>();
  readonly #free: number[] = [];
  #room = FIRST_ROOM;
  #startMs: number | undefined;
  #minute = 0;

  /** How many bytes the figures take. */
  get bytes(): number {
    const columns = [...this.#lags, ...this.#records, ...this.#bytes, this.#largest, this.#sums];
    return columns.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  /** A shard is held from now on. What was kept of its key is forgotten. */
  begin(leaseKey: string, nowMs: number): void {
    this.#turn(nowMs);
    let place = this.#places.get(leaseKey) ?? this.#free.pop();
    if (place === undefined) {
      place = this.#places.size;
      if (place === this.#room) this.#grow();
    }
    this.#places.set(leaseKey, place);
    for (const lags of this.#lags) lags[place] = NaN;
    for (const counts of [...this.#records, ...this.#bytes]) counts[place] = 0;
  }

  /** A shard is no longer held: its place is for another one. */
  end(leaseKey: string): void {
    const place = this.#places.get(leaseKey);
    if (place === undefined) return;
    this.#places.delete(leaseKey);
    this.#free.push(place);
  }

  /** Notes a lag, if it is one. */
  noteLag(leaseKey: string, lagMs: number, nowMs: number): void {
    const place = this.#places.get(leaseKey);
    if (place === undefined || !(lagMs >= 0 && lagMs < Infinity)) return;
    this.#turn(nowMs);
    const at = this.#minute % HISTORY_MINUTES;
    noteLargest(this.#lags[at], place, lagMs);
    noteLargest(this.#largest, at, lagMs);
  }

  /** Notes what was processed. */
  noteProcessed(
    leaseKey: string,
    { records, bytes }: { readonly records: number; readonly bytes: number },
    nowMs: number,
  ): void {
    if (!(records >= 0 && bytes >= 0 && records + bytes < Infinity)) return;
    this.#turn(nowMs);
    add(this.#sums, this.#minute % HISTORY_MINUTES, records);
    this.#byteSums = [this.#byteSums[0] + bytes, this.#byteSums[1]];
    const place = this.#places.get(leaseKey);
    if (place === undefined) return;
    add(this.#records[0], place, records);
    add(this.#bytes[0], place, bytes);
  }

  /** The last hour, up to now. */
  at(nowMs: number): History {
    this.#turn(nowMs);
    const sinceMs = this.#startMs ?? nowMs;
    const elapsedMs = Math.max(0, nowMs - sinceMs - this.#minute * MINUTE_MS);
    const pace = (records: Pair<number>, bytes: Pair<number>): Pace => ({
      recordsPerSecond: this.#perSecond(records, elapsedMs),
      bytesPerSecond: this.#perSecond(bytes, elapsedMs),
    });
    return {
      lagOf: (leaseKey, minutes) => {
        const place = this.#places.get(leaseKey);
        return place === undefined ? [] : this.#series((at) => this.#lags[at]?.[place], minutes);
      },
      paceOf: (leaseKey) => {
        const place = this.#places.get(leaseKey);
        return place === undefined
          ? undefined
          : pace(pairAt(this.#records, place), pairAt(this.#bytes, place));
      },
      largestLag: () => this.#series((at) => this.#largest[at]),
      recordsPerSecond: () =>
        this.#series((at) => {
          const sum = this.#sums[at] ?? 0;
          if (at !== this.#minute % HISTORY_MINUTES) return sum / (MINUTE_MS / 1000);
          return elapsedMs < LEAST_PACE_MS ? undefined : sum / (elapsedMs / 1000);
        }),
      pace: () => pace([this.#sumOf(this.#minute), this.#sumOf(this.#minute - 1)], this.#byteSums),
    };
  }

  #sumOf(minute: number): number {
    return minute < 0 ? 0 : this.#sums[minute % HISTORY_MINUTES] ?? 0;
  }

  #perSecond([now, before]: Pair<number>, elapsedMs: number): number {
    const ms = elapsedMs + (this.#minute === 0 ? 0 : MINUTE_MS);
    return (now + before) / (Math.max(ms, LEAST_PACE_MS) / 1000);
  }

  /** From the first minute that has a figure on. */
  #series(figure: (at: number) => number | undefined, minutes: number = HISTORY_MINUTES): MinuteFigures {
    const found: (number | undefined)[] = [];
    const first = this.#minute - Math.min(minutes, HISTORY_MINUTES) + 1;
    for (let minute = Math.max(0, first); minute <= this.#minute; minute++) {
      const value = figure(minute % HISTORY_MINUTES);
      const known = value === undefined || Number.isNaN(value) ? undefined : value;
      if (known !== undefined || found.length > 0) found.push(known);
    }
    return found;
  }

  /** Makes the minute of a time the one under way. A clock that goes back stays in its minute. */
  #turn(nowMs: number): void {
    this.#startMs ??= nowMs;
    const minute = Math.floor((nowMs - this.#startMs) / MINUTE_MS);
    if (!(minute > this.#minute)) return;
    const passed = minute - this.#minute;
    for (let next = Math.max(this.#minute + 1, minute - HISTORY_MINUTES + 1); next <= minute; next++) {
      const at = next % HISTORY_MINUTES;
      this.#lags[at]?.fill(NaN);
      this.#largest[at] = NaN;
      this.#sums[at] = 0;
    }
    this.#minute = minute;
    this.#records = turned(this.#records, passed);
    this.#bytes = turned(this.#bytes, passed);
    this.#byteSums = [0, passed === 1 ? this.#byteSums[0] : 0];
  }

  #grow(): void {
    this.#room *= 2;
    this.#lags.forEach((lags, at) => this.#lags[at] = larger(lags, this.#room));
    this.#records = [larger(this.#records[0], this.#room), larger(this.#records[1], this.#room)];
    this.#bytes = [larger(this.#bytes[0], this.#room), larger(this.#bytes[1], this.#room)];
  }
}

/** The minute under way, and the one before. */
type Pair<Value> = readonly [now: Value, before: Value];

function column(length: number, value: number): Column {
  return new Float32Array(length).fill(value);
}

/** With room for more, which {@linkcode LagHistory.begin} sets. */
function larger(old: Column, length: number): Column {
  const all = new Float32Array(length);
  all.set(old);
  return all;
}

/** The columns a minute later, or more. */
function turned([now, before]: Pair<Column>, passed: number): Pair<Column> {
  if (passed > 1) now.fill(0);
  before.fill(0);
  return [before, now];
}

function pairAt([now, before]: Pair<Column>, place: number): Pair<number> {
  return [now[place] ?? 0, before[place] ?? 0];
}

function noteLargest(figures: Column | undefined, at: number, value: number): void {
  // NaN is not smaller.
  if (figures !== undefined && !((figures[at] ?? NaN) >= value)) figures[at] = value;
}

function add(sums: Float32Array | Float64Array, at: number, by: number): void {
  sums[at] = (sums[at] ?? 0) + by;
}
