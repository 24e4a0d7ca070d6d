/**
 * What the leader hands to those who do a part of its pass.
 *
 * @module
 */

/** The pass of the leader on whose behalf it is done. */
export interface Leading {
  /** Wall time in ms, taken before the table was listed. */
  readonly sinceEpochMs: number;
  /** Monotonic ms since which the table is watched without a gap. What was seen before does not count. */
  readonly watchedSinceMs?: number;
  /** Asked before every write. */
  readonly isLeading: () => boolean;
  /** Told of each write that was answered. */
  readonly onProgress: () => void;
  /** Whether the stream may be compared with its leases now. @default {true} */
  readonly mayCompare?: boolean;
}
