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

import type { Suspicions } from "../fleet/shard_syncer.ts";
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
  /** What audits have found and not confirmed yet. */
  readonly suspicions: Suspicions | undefined;
  /** Leases that this worker kept at the end: the index may not list them. */
  readonly held: readonly string[];
  /** The lock of another leader, and since when it is unchanged. */
  readonly lock: readonly [version: string, sinceMs: number] | undefined;
  /** The counters of leases, and since when they are unchanged. */
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
    const { version, start, ledMs, comparedMs, cleanedMs, lastRead, held, suspicions, lock, leases } = found;
    const { atMs, format, stream } = start;
    const { place, mayLead, supportCode, isFinal } = format;
    const isWhole = version === 1 && [atMs, ledMs, comparedMs, cleanedMs].every(Number.isFinite) &&
      (place === "leaseTable" || place === "legacy") && typeof mayLead === "boolean" &&
      typeof isFinal === "boolean" && (supportCode === undefined || supportCode === 1) &&
      (lastRead === undefined || typeof lastRead === "string") &&
      Array.isArray(held) && held.every((key) => typeof key === "string") && typeof leases === "object" &&
      (lock === undefined || isSighting(lock, "string")) &&
      Object.values(leases).every((sighting) => isSighting(sighting, "number")) && isStream(stream) &&
      areSuspicions(suspicions);
    if (!isWhole) return undefined;
    return {
      start: { atMs, format: { place, mayLead, supportCode, isFinal }, stream },
      ...{ ledMs, comparedMs, cleanedMs, lastRead, held, suspicions, lock, leases },
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

function areSuspicions(value: unknown): boolean {
  if (value === undefined) return true;
  if (typeof value !== "object" || value === null) return false;
  const { hole, counts, auditedMs } = value as Readonly<Record<string, unknown>>;
  return (hole === undefined || typeof hole === "object" && hole !== null && "hole" in hole) &&
    Array.isArray(counts) && counts.every((count) => isSighting(count, "string")) &&
    (auditedMs === undefined || Number.isFinite(auditedMs));
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

/** What audits have found, on the monotonic clock of this process. */
export function suspicionsOf({ suspicions }: SliceMemory, now: Moment): Suspicions | undefined {
  if (suspicions?.auditedMs === undefined) return suspicions;
  const { hole, counts, auditedMs } = suspicions;
  return { hole, counts, auditedMs: now.monotonicMs - (now.epochMs - auditedMs) };
}

/** What audits have found, as it is remembered. */
export function rememberedSuspicions(found: Suspicions | undefined, now: Moment): SliceMemory["suspicions"] {
  if (found === undefined) return undefined;
  const { hole, counts, auditedMs } = found;
  return {
    hole,
    counts: counts.slice(0, MOST_LEASES),
    auditedMs: auditedMs === undefined ? undefined : epochOf(auditedMs, now),
  };
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
 * The sightings as they are remembered: those that were remembered before and are unchanged, which keep their
 * time; then those of owners that seem to be gone; then as many others as there is room for, not always the
 * same.
 */
export function rememberedLeases(
  { sightings }: TableWatch,
  isGone: (leaseKey: string) => boolean,
  before: SliceMemory | undefined,
  now: Moment,
): SliceMemory["leases"] {
  const known = (leaseKey: string, leaseCounter: number) => {
    const sighting = before?.leases[leaseKey];
    return sighting?.[0] === leaseCounter ? sighting : undefined;
  };
  const owned = [...sightings].flatMap(([leaseKey, { leaseCounter, sinceMs }]) =>
    sinceMs === undefined ? [] : [{ leaseKey, leaseCounter, sinceMs, known: known(leaseKey, leaseCounter) }]
  );
  const start = Math.floor(now.epochMs / 1000) % Math.max(1, owned.length);
  const turned = [...owned.slice(start), ...owned.slice(0, start)];
  const rank = (one: typeof owned[number]) => one.known !== undefined ? 0 : isGone(one.leaseKey) ? 1 : 2;
  return Object.fromEntries(
    turned.toSorted((a, b) => rank(a) - rank(b)).slice(0, MOST_LEASES).map((one) =>
      [one.leaseKey, one.known ?? [one.leaseCounter, epochOf(one.sinceMs, now)] as const] as const
    ),
  );
}

/** The moment of an earlier process; later by the margin, and never after now. */
function monotonicOf(epochMs: number, now: Moment): number {
  return Math.min(now.monotonicMs, now.monotonicMs - (now.epochMs - epochMs) + CLOCK_MARGIN_MS);
}

function epochOf(monotonicMs: number, now: Moment): number {
  return Math.round(now.epochMs - (now.monotonicMs - monotonicMs));
}

/** By lease key, those after the last one read first: each slice goes on where the one before has ended. */
export function afterLast<T extends { readonly leaseKey: string }>(
  leases: readonly T[],
  lastRead: string | undefined,
): readonly T[] {
  const sorted = leases.toSorted((a, b) => a.leaseKey < b.leaseKey ? -1 : 1);
  if (lastRead === undefined) return sorted;
  const next = sorted.filter(({ leaseKey }) => leaseKey > lastRead);
  return [...next, ...sorted.slice(0, sorted.length - next.length)];
}
