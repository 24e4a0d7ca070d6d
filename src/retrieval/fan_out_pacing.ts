// Pure.
/**
 * Decides when a shard may be subscribed to again.
 *
 * Kinesis takes one SubscribeToShard a second for each shard and consumer. It refuses a second one within
 * five seconds of a success as ResourceInUse; later the second one takes over. So a new owner meets
 * ResourceInUse after a failover, for up to five seconds.
 *
 * Source: the SubscribeToShard page of the Kinesis API reference.
 *
 * @module
 */

/** How the last subscription began and ended. */
export interface LastSubscription {
  /** Monotonic ms at which the call was sent. */
  readonly sentMs: number;
  /** Monotonic ms at which it was accepted; undefined when it was not. */
  readonly acceptedMs: number | undefined;
  /** Monotonic ms at which it was over. */
  readonly endedMs: number;
  /**
   * Failures in a row, this one included and no event in between; 0 when it ended in order, as it does after
   * five minutes.
   */
  readonly failures: number;
  /** Whether it failed because the shard has another subscriber. */
  readonly isInUse: boolean;
}

const MIN_CALL_INTERVAL_MS = 1000;
const TAKEOVER_MS = 5000;
const MAX_BACKOFF_MS = 30_000;

/**
 * When the next subscription may be requested, in monotonic ms; may lie in the past.
 *
 * @param random Spreads workers that failed together: a back-off grows by up to a quarter of itself.
 */
export function nextSubscribeMs(last: LastSubscription, random: number): number {
  const byCalls = last.sentMs + MIN_CALL_INTERVAL_MS;
  const byTakeover = last.acceptedMs === undefined ? byCalls : last.acceptedMs + TAKEOVER_MS;
  const doubled = last.failures === 0 ? 0 : MIN_CALL_INTERVAL_MS * 2 ** Math.min(last.failures - 1, 10);
  const backoffMs = Math.max(last.isInUse ? TAKEOVER_MS : 0, Math.min(MAX_BACKOFF_MS, doubled));
  return Math.max(byCalls, byTakeover, last.endedMs + backoffMs * (1 + random / 4));
}
