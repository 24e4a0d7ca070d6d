// Pure.
/**
 * Decides when a shard may be read again.
 *
 * Kinesis allows each shard five GetRecords a second and 2 MiB a second, shared by all applications that poll it.
 * While behind, reading goes as fast as these allow; at the tip it rests for the idle time, as KCL always does.
 *
 * @module
 */

/** How fast one shard is read. */
export interface Pacing {
  /** Rest between the starts of two reads at the tip, in ms. */
  readonly idleTimeBetweenReadsMs: number;
  /** Reads a second at the most. */
  readonly maxReadsPerSecond: number;
  /** Payload bytes a second at the most. */
  readonly maxReadBytesPerSecond: number;
}

/** What the last read was like. */
export interface LastRead {
  /** Monotonic ms at which it was sent. */
  readonly startedMs: number;
  readonly records: number;
  readonly bytes: number;
  /** Undefined where the service does not tell. */
  readonly millisBehindLatest: number | undefined;
  /** The most records that it could have returned. */
  readonly limit: number;
}

/**
 * When the next read may start, in monotonic ms; may lie in the past.
 *
 * A read is behind the tip when the service says so, or when it came back full. An empty read that is behind is
 * not at the tip: sparse shards answer hundreds of empty pages before the first record.
 */
export function nextReadMs(last: LastRead, pacing: Pacing): number {
  const isBehind = (last.millisBehindLatest ?? 0) > 0 || last.records >= last.limit;
  const byCalls = 1000 / pacing.maxReadsPerSecond;
  const byBytes = last.bytes * 1000 / pacing.maxReadBytesPerSecond;
  const rest = isBehind ? 0 : pacing.idleTimeBetweenReadsMs;
  return last.startedMs + Math.max(byCalls, byBytes, rest);
}

/** The pause after a failed read: the idle time, doubled by each failure in a row, up to 30 s, less up to a quarter of it. */
export function retryReadMs(failures: number, pacing: Pacing, random: number): number {
  const base = Math.max(pacing.idleTimeBetweenReadsMs, 1000 / pacing.maxReadsPerSecond);
  return Math.min(30_000, base * 2 ** (failures - 1)) * (1 - random / 4);
}
