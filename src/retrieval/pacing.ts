// Pure.
/**
 * Decides when a shard may be read again.
 *
 * Kinesis allows each shard five GetRecords a second and 2 MiB a second, shared by all applications that poll
 * it. Within these limits, adaptive pacing does not rest while it is behind. At the tip it rests for the idle
 * time, and longer with every read that finds nothing. Fixed pacing rests for the idle time after every read,
 * behind or not: that is KCL's.
 *
 * Source: KCL 3.5.1, `KinesisSleepTimeController` (which counts from the end of a read, not from its start).
 *
 * @module
 */

/** How the reads of one shard are paced, at its tip and behind it. */
export type IdlePacing = "adaptive" | "fixed";

/** How fast one shard is read. */
export interface Pacing {
  readonly idlePacing: IdlePacing;
  /** Rest between the starts of two reads, in ms. Adaptive: at the tip only. */
  readonly idleTimeBetweenReadsMs: number;
  /** Adaptive: the longest rest at the tip of a shard that has long been quiet, in ms. */
  readonly maxIdleTimeBetweenReadsMs: number;
  /** Reads a second at the most. */
  readonly maxReadsPerSecond: number;
  /** Payload bytes a second at the most. */
  readonly maxReadBytesPerSecond: number;
}

/** What a read brought. */
export interface ReadResult {
  readonly records: number;
  /** Undefined if the service does not report it. */
  readonly millisBehindLatest: number | undefined;
  /** The most records that it could have returned. */
  readonly limit: number;
}

/** What the last read was like. */
export interface LastRead extends ReadResult {
  /** Monotonic ms at which it was sent. */
  readonly startedMs: number;
  readonly bytes: number;
  /** Reads in a row that found nothing at the tip, this one included. */
  readonly quietReads: number;
}

/**
 * Each quiet read makes the rest longer by this part of it. So the rest is never longer than the idle time
 * plus a tenth of the time for which the shard has been quiet. From 1 s to 4 s it takes half a minute. Ours.
 */
const GROWTH = 0.1;

/**
 * When the next read may start, in monotonic ms; may lie in the past.
 *
 * An empty read that is behind is not at the tip: sparse shards answer hundreds of empty pages before the
 * first record.
 */
export function nextReadMs(last: LastRead, pacing: Pacing): number {
  const byCalls = 1000 / pacing.maxReadsPerSecond;
  const byBytes = last.bytes * 1000 / pacing.maxReadBytesPerSecond;
  return last.startedMs + Math.max(byCalls, byBytes, restMs(last, pacing));
}

/**
 * How many payload bytes one read is meant to bring. Kinesis gives up to 10 MiB. Such pages take more memory
 * and bring no record sooner: a shard gives 2 MiB a second. Ours.
 */
const PAGE_BYTES = 3.5 * 1024 * 1024;
/** A read asks for at least this many records: a few large ones must not make the next page small. Ours. */
const LEAST_RECORDS = 1000;
/** How many records of 1 KiB make a page. */
const FIRST_RECORDS = PAGE_BYTES / 1024;

/**
 * How many records the next read asks for, by the size of those of the last page that had any.
 *
 * Fixed pacing reads one page for each rest, so a smaller page would slow it down. It asks for the most.
 *
 * @param most What the user set as the most, which is never exceeded.
 */
export function recordsToRead(
  last: { readonly records: number; readonly bytes: number } | undefined,
  most: number,
  idlePacing: IdlePacing,
): number {
  if (idlePacing === "fixed") return most;
  const wanted = last === undefined ? FIRST_RECORDS : Math.floor(PAGE_BYTES * last.records / last.bytes);
  return Math.min(most, Math.max(LEAST_RECORDS, wanted));
}

/** The reads in a row that found nothing at the tip, after one more. */
export function quietReadsAfter(read: ReadResult, before: number): number {
  return read.records === 0 && !isBehind(read) ? before + 1 : 0;
}

function restMs(last: LastRead, pacing: Pacing): number {
  const { idleTimeBetweenReadsMs: idleMs, maxIdleTimeBetweenReadsMs: maxMs } = pacing;
  switch (pacing.idlePacing) {
    case "fixed":
      return idleMs;
    case "adaptive":
      return isBehind(last) ? 0 : Math.min(maxMs, Math.round(idleMs * (1 + GROWTH) ** last.quietReads));
  }
}

/**
 * Whether there is more to read: the service says so, or the answer had as many records as one answer may
 * have.
 */
function isBehind({ millisBehindLatest, records, limit }: ReadResult): boolean {
  return (millisBehindLatest ?? 0) > 0 || records >= limit;
}

/**
 * The pause after a failed read: the idle time, doubled by each failure in a row, up to 30 s. Up to a quarter
 * of it is subtracted by chance. The calls allowed in a second set the shortest pause.
 */
export function retryReadMs(failures: number, pacing: Pacing, random: number): number {
  const byCalls = 1000 / pacing.maxReadsPerSecond;
  const base = Math.max(pacing.idleTimeBetweenReadsMs, byCalls);
  return Math.max(byCalls, Math.min(30_000, base * 2 ** (failures - 1)) * (1 - random / 4));
}
