// Pure.
/**
 * How quickly the fleets of the interop run go: as quickly as their DynamoDB can bear.
 *
 * @module
 */

/** How quickly a fleet goes, by what its DynamoDB can bear. */
export interface Pace {
  /** How long a lease lasts. Java's own default is 10 s. */
  readonly failoverTimeMs: number;
  /** How long a shard is not read again, and about how long the producer pauses. Each batch is a checkpoint. */
  readonly readEveryMs: number;
  /** Each wait may take so many times as long. */
  readonly patience: number;
  /** Whether a lease lasts, as long as its worker does: only then no record may come twice to live workers. */
  readonly isSteady: boolean;
}

/** On our emulator, which answers within a ms. */
export const quickPace: Pace = { failoverTimeMs: 5000, readEveryMs: 250, patience: 1, isSteady: true };

/**
 * On moto, which takes some ms for each call, one after the other. On a busy machine a lease expires all the same, so nothing
 * is said of records that come twice.
 */
export const slowPace: Pace = { failoverTimeMs: 10_000, readEveryMs: 1000, patience: 3, isSteady: false };
