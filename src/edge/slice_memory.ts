// Pure.
/**
 * What one slice leaves for the next in the worker's item: the timestamps of duties, and what was seen of
 * leases and of the leader's lock. A slice lasts for seconds, and a lease expires over minutes. A process
 * that begins anew with each tick would never see one expire.
 *
 * Times are wall times of this worker's slices, perhaps of other machines. So what was seen counts as seen
 * {@linkcode CLOCK_MARGIN_MS} later, and whatever is done about it is guarded by counters and versions. A
 * memory that cannot be read is none.
 *
 * @module
 */

import type { TableFormat } from "../lease/table_format.ts";
import { newWatch, type TableWatch } from "../lease/table_watch.ts";
import type { LockSighting } from "../lease/leader.ts";

/** By how much the clocks of two machines may differ, in ms. Ours. */
export const CLOCK_MARGIN_MS = 30_000;
/** For how long the start of a worker need not be repeated, in ms. Ours. */
export const FORMAT_LIFE_MS = 600_000;
/** The most leases that are remembered: an item of some kilobytes. Ours. */
export const MOST_LEASES = 100;

/** See the module. Times in epoch ms. */
export interface SliceMemory {
  /** What the start of a worker found. */
  readonly start: {
    readonly atMs: number;
    readonly format: TableFormat;
    /** Undefined where many streams are read. */
    readonly stream:
      | { readonly streamArn: string | undefined; readonly creationEpochS: number | undefined }
      | undefined;
  };
  /** When this worker led last, compared the stream with its leases, and cleaned up. */
  readonly ledMs: number;
  readonly comparedMs: number;
  readonly cleanedMs: number;
  /** The last lease that was read: the next slice begins after it. */
  readonly lastRead: string | undefined;
  /** Leases that this worker kept at the end: the index may not list them. */
  readonly held: readonly string[];
  /** The lock of another leader, and since when it is unchanged. */
  readonly lock: readonly [version: string, sinceMs: number] | undefined;
  /** The counters of leases of workers that seem to be gone, and since when they are unchanged. */
  readonly leases: Readonly<Record<string, readonly [leaseCounter: number, sinceMs: number]>>;
}

/** As the item keeps it. */
export function memoryText(memory: SliceMemory): string {
  return JSON.stringify({ version: 1, ...memory });
}

/** Reads {@linkcode memoryText}. Undefined for anything else. */
export function memoryIn(text: string | undefined): SliceMemory | undefined {
  if (text === undefined) return undefined;
  try {
    const found = JSON.parse(text);
    const { version, start, ledMs, comparedMs, cleanedMs, lastRead, held, lock, leases } = found;
    const { atMs, format, stream } = start;
    const { place, mayLead, supportCode, isFinal } = format;
    const isWhole = version === 1 && [atMs, ledMs, comparedMs, cleanedMs].every(Number.isFinite) &&
      (place === "leaseTable" || place === "legacy") && typeof mayLead === "boolean" &&
      typeof isFinal === "boolean" && (supportCode === undefined || supportCode === 1) &&
      (lastRead === undefined || typeof lastRead === "string") &&
      Array.isArray(held) && held.every((key) => typeof key === "string") && typeof leases === "object" &&
      (lock === undefined || isSighting(lock, "string")) &&
      Object.values(leases).every((sighting) => isSighting(sighting, "number")) && isStream(stream);
    if (!isWhole) return undefined;
    return {
      start: { atMs, format: { place, mayLead, supportCode, isFinal }, stream },
      ...{ ledMs, comparedMs, cleanedMs, lastRead, held, lock, leases },
    };
  } catch {
    return undefined; // what others wrote there is no reason to fail
  }
}

function isStream(stream: unknown): boolean {
  if (stream === undefined) return true;
  if (typeof stream !== "object" || stream === null) return false;
  const { streamArn, creationEpochS } = stream as Readonly<Record<string, unknown>>;
  return (streamArn === undefined || typeof streamArn === "string") &&
    (creationEpochS === undefined || Number.isFinite(creationEpochS));
}

function isSighting(value: unknown, type: "string" | "number"): boolean {
  return Array.isArray(value) && typeof value[0] === type && Number.isFinite(value[1]);
}

/** Whether something that was done then is due again. A time in the future is of another clock: it is due. */
export function isDue(atMs: number | undefined, intervalMs: number, nowEpochMs: number): boolean {
  return atMs === undefined || atMs > nowEpochMs + CLOCK_MARGIN_MS || nowEpochMs - atMs >= intervalMs;
}

/** Both clocks of a process at one moment, in ms. */
export interface Moment {
  readonly epochMs: number;
  readonly monotonicMs: number;
}

/** What was seen of the leases, on the monotonic clock of this process. */
export function watchOf(memory: SliceMemory, now: Moment): TableWatch {
  const sightings = Object.entries(memory.leases).map(([leaseKey, [leaseCounter, sinceMs]]) =>
    [leaseKey, { leaseCounter, sinceMs: monotonicOf(sinceMs, now) }] as const
  );
  return { ...newWatch(now.monotonicMs), sightings: new Map(sightings) };
}

/** What was seen of the lock. */
export function lockOf({ lock }: SliceMemory, now: Moment): LockSighting | undefined {
  if (lock === undefined) return undefined;
  return { recordVersionNumber: lock[0], firstSeenMs: monotonicOf(lock[1], now) };
}

/** A lock sighting as it is remembered. What was remembered before keeps its time. */
export function rememberedLock(
  seen: LockSighting | undefined,
  before: SliceMemory | undefined,
  now: Moment,
): SliceMemory["lock"] {
  if (seen === undefined) return undefined;
  const { recordVersionNumber, firstSeenMs } = seen;
  return before?.lock?.[0] === recordVersionNumber
    ? before.lock
    : [recordVersionNumber, epochOf(firstSeenMs, now)];
}

/**
 * The sightings as they are remembered: of leases whose owners seem to be gone, those that are unchanged for
 * the longest time first. What was remembered before keeps its time.
 */
export function rememberedLeases(
  { sightings }: TableWatch,
  isGone: (leaseKey: string) => boolean,
  before: SliceMemory | undefined,
  now: Moment,
): SliceMemory["leases"] {
  const gone = [...sightings].filter(([leaseKey, { sinceMs }]) => sinceMs !== undefined && isGone(leaseKey))
    .toSorted(([, a], [, b]) => (a.sinceMs ?? 0) - (b.sinceMs ?? 0));
  return Object.fromEntries(
    gone.slice(0, MOST_LEASES).map(([leaseKey, { leaseCounter, sinceMs = 0 }]) => {
      const known = before?.leases[leaseKey];
      const isSame = known?.[0] === leaseCounter;
      return [leaseKey, isSame ? known : [leaseCounter, epochOf(sinceMs, now)] as const] as const;
    }),
  );
}

/** The moment of an earlier process; later by the margin, and never after now. */
function monotonicOf(epochMs: number, now: Moment): number {
  return Math.min(now.monotonicMs, now.monotonicMs - (now.epochMs - epochMs) + CLOCK_MARGIN_MS);
}

function epochOf(monotonicMs: number, now: Moment): number {
  return Math.round(now.epochMs - (now.monotonicMs - monotonicMs));
}
