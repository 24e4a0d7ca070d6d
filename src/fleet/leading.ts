/**
 * What the leader passes to the parts that do a share of its pass.
 *
 * @module
 */

/** The leader's pass that the work belongs to. */
export interface Leading {
  /** Wall time in ms, taken before the table was listed. */
  readonly sinceEpochMs: number;
  /** Monotonic ms since which the table is watched without a gap. What was seen before does not count. */
  readonly watchedSinceMs?: number;
  /** Checked before every write. */
  readonly isLeading: () => boolean;
  /** Called for each write that was answered. */
  readonly onProgress: () => void;
  /** Whether the stream may be compared with its leases now. @default {true} */
  readonly mayCompare?: boolean;
}
