/**
 * What a fleet stores next to its leases, as a contract: the leader's lock, each worker's metrics, and the
 * two migration states. Types and prose only.
 *
 * @module
 */

import type { Incarnation } from "./incarnation.ts";

/**
 * The leader's lock. Observers trust only its version, watched on their own clock, and its duration.
 *
 * @experimental
 */
export interface LeaderLock {
  /** The worker that holds the lock. */
  readonly ownerName: string;
  /** How long the lock is valid after a heartbeat, in ms. */
  readonly leaseDurationMs: number;
  /** New at every acquisition and heartbeat. */
  readonly recordVersionNumber: string;
  /** Set by other users of the lock client; KCL deletes the item instead. */
  readonly isReleased: boolean;
}

/**
 * What a worker that joins leaves at the leader's lock: an attribute of ours, which Java ignores. It is lost
 * when the lock is put anew.
 *
 * @experimental
 */
export interface LockRing {
  /** New each time. */
  readonly ring: string;
}

/**
 * What must hold in the table for a lock to be written.
 *
 * @experimental
 */
export type LockCondition =
  /** No lock item exists. */
  | { readonly type: "absent" }
  /** The item is marked released. */
  | { readonly type: "released" }
  /** The item still has the version that was watched until it expired. */
  | { readonly type: "version"; readonly recordVersionNumber: string };

/**
 * A worker's report about itself. It shows a leader that the worker is alive and how busy it is.
 *
 * @experimental
 */
export interface WorkerMetrics {
  /** The worker's name. */
  readonly workerId: string;
  /** Epoch seconds; undefined on a malformed item, which a leader ignores. */
  readonly lastUpdateEpochS: number | undefined;
  /**
   * Averages by metric name (`C` CPU, `M` memory, `NI`, `NO` network), oldest first; −1 = capture failed.
   * Empty: the leader balances this worker by throughput.
   */
  readonly stats: Readonly<Record<string, readonly number[]>>;
  /** `[maxUtilization]` by metric name; same names as `stats`. */
  readonly operatingRange: Readonly<Record<string, readonly number[]>>;
  /** Highest breaking feature that the worker supports: 1 = single-table format. */
  readonly supportCode: number | undefined;
  /** Epoch seconds at which the support code was set. */
  readonly supportEpochS: number | undefined;
  /** The process that reports, or of ours the last one; Java writes none and leaves ours alone. */
  readonly incarnation?: Incarnation | undefined;
  /**
   * Since when an operator has had the worker drained, in epoch seconds: an attribute of ours. A report never
   * sets it. It keeps the mark of its own process, and removes one that was set for an earlier process.
   */
  readonly drainingSinceEpochS?: number | undefined;
  /**
   * Of a report: the process that the item is known to be of, and whose work this one continues. It saves a
   * request, and keeps that one's mark.
   */
  readonly replaces?: Incarnation | undefined;
}

/**
 * A migration state item: `Migration3.0` (attribute `cv`) or `TableMigration3.5` (attribute `tm`).
 *
 * @experimental
 */
export interface MigrationState {
  /** Which migration it is about. */
  readonly key: "Migration3.0" | "TableMigration3.5";
  /** The full enum text, e.g. `CLIENT_VERSION_3X`. */
  readonly value: string;
  /** The worker that wrote it last. */
  readonly modifiedBy: string;
  /** When it was written last, in epoch ms. */
  readonly modifiedEpochMs: number;
  /** Newest first, at most 10. */
  readonly history: readonly Omit<MigrationState, "key" | "history">[];
}

/**
 * Where the items live. `leaseTable`: the single-table format of KCL 3.5; `legacy`: the two extra tables of
 * KCL 3.0–3.4, which kclite uses where it finds them and never creates.
 *
 * @experimental
 */
export type TablePlace = "leaseTable" | "legacy";

/**
 * Lock, metrics and migration state. Methods throw `AwsServiceError` when the table cannot be reached, and
 * `LeaseTableError` when the lock or `Migration3.0` is there but cannot be read.
 *
 * @experimental
 */
export interface CoordinatorStore {
  /**
   * Whether the legacy coordinator table exists.
   *
   * @throws when DescribeTable fails for any other reason than that there is no such table.
   */
  legacyTableExists(signal?: AbortSignal): Promise<boolean>;

  /** Reads a migration state, strongly consistent. */
  readMigration(
    place: TablePlace,
    key: MigrationState["key"],
    signal?: AbortSignal,
  ): Promise<MigrationState | undefined>;
  /** Writes a migration state unless one exists. @returns Whether it was written. */
  createMigration(place: TablePlace, state: MigrationState, signal?: AbortSignal): Promise<boolean>;

  /** Reads the leader's lock, strongly consistent. */
  readLock(place: TablePlace, signal?: AbortSignal): Promise<LeaderLock | undefined>;
  /**
   * Watches the leader's lock, eventually consistent, for half the price. Whoever takes the lock has read it
   * by {@linkcode readLock}. A store that lacks this method is always asked by that one.
   */
  watchLock?(place: TablePlace, signal?: AbortSignal): Promise<LeaderLock | undefined>;
  /** Writes the whole lock item. @returns false when the condition does not hold. */
  putLock(place: TablePlace, lock: LeaderLock, when: LockCondition, signal?: AbortSignal): Promise<boolean>;
  /**
   * Gives our own lock a new version.
   *
   * @returns false when it is no longer ours at `heldVersion`; what was rung last since the lock was put; or
   * true.
   */
  heartbeatLock(
    place: TablePlace,
    heldVersion: string,
    next: LeaderLock,
    signal?: AbortSignal,
  ): Promise<boolean | LockRing>;
  /**
   * Rings at the lock of a leader, which hears it with its next heartbeat: a worker has joined. The lock's
   * version stays. A store that lacks this method has leaders that look at the leases as often when they are
   * alone.
   *
   * @returns false when the lock is not this worker's.
   */
  ringLock?(place: TablePlace, ownerName: string, ring: LockRing, signal?: AbortSignal): Promise<boolean>;
  /** Deletes our own lock. @returns false when it is no longer ours at this version. */
  releaseLock(place: TablePlace, held: LeaderLock, signal?: AbortSignal): Promise<boolean>;

  /**
   * Writes or overwrites a worker's metrics item. Not written if the item is of a newer incarnation than the
   * reporting one. Other attributes on the item are kept.
   *
   * @returns The newer incarnation, whose item is left as it is; undefined when the item was written.
   */
  writeWorkerMetrics(
    place: TablePlace,
    metrics: WorkerMetrics,
    signal?: AbortSignal,
  ): Promise<Incarnation | undefined>;
  /**
   * All worker metrics of the legacy table. Those of the lease table come with {@linkcode LeaseStore.list}.
   */
  listLegacyWorkerMetrics(signal?: AbortSignal): Promise<readonly WorkerMetrics[]>;
  /**
   * Deletes a worker's metrics item if it still has this `lastUpdateEpochS`, and this incarnation if one is
   * given.
   *
   * @returns Whether it was deleted.
   */
  deleteWorkerMetrics(
    place: TablePlace,
    metrics: Pick<WorkerMetrics, "workerId" | "lastUpdateEpochS" | "incarnation">,
    signal?: AbortSignal,
  ): Promise<boolean>;
}

/**
 * Marks of workers that an operator has drained. A `CoordinatorStore` needs this method only for the command
 * that sets them.
 *
 * @experimental
 */
export interface DrainStore {
  /**
   * Marks a worker's metrics item, or removes the mark.
   *
   * @param sinceEpochS Undefined removes it.
   * @returns false when the worker has no metrics item; none is made.
   */
  markDraining(
    place: TablePlace,
    workerId: string,
    sinceEpochS: number | undefined,
    signal?: AbortSignal,
  ): Promise<boolean>;
}

/**
 * The slice lock of a worker that runs in slices, as its metrics item keeps it: an attribute of its own,
 * which Java ignores and keeps.
 *
 * @experimental
 */
export interface SliceLock {
  /** Until when the slice may run, in epoch ms of its own clock. */
  readonly untilEpochMs: number;
  /** Names the slice: hexadecimal digits. */
  readonly sliceId: string;
}

/**
 * What the item of a worker that runs in slices holds besides its metrics.
 *
 * @experimental
 */
export interface SliceRow {
  /** Undefined while no slice runs. */
  readonly lock: SliceLock | undefined;
  /** What the last slice left for the next one, as text. */
  readonly memory: string | undefined;
  /** The process that reported last. */
  readonly incarnation: Incarnation | undefined;
}

/**
 * Slice locks, in the lease table. A `CoordinatorStore` needs these methods only for workers that run in
 * slices.
 *
 * @experimental
 */
export interface SliceStore {
  /**
   * Locks a worker's item for a slice, and reports that the worker is alive.
   *
   * @param replaces The lock that may be replaced. Undefined: there must be none.
   * @param mayCreate Whether the item is made if there is none. If not, there must be one.
   * @returns What the item holds: with our lock if it was taken; undefined when there is no item.
   */
  lockSlice(
    request: {
      readonly workerId: string;
      readonly lock: SliceLock;
      readonly replaces: SliceLock | undefined;
      readonly lastUpdateEpochS: number;
      readonly mayCreate: boolean;
    },
    signal?: AbortSignal,
  ): Promise<{ readonly isLocked: boolean; readonly row: SliceRow | undefined }>;
  /**
   * Unlocks the item at the end of a slice, and leaves a memory for the next one.
   *
   * @returns false when the lock is not ours any more; then nothing is changed.
   */
  unlockSlice(
    request: {
      readonly workerId: string;
      readonly lock: SliceLock;
      /** Undefined leaves that of an earlier slice. */
      readonly memory: string | undefined;
      readonly lastUpdateEpochS: number;
    },
    signal?: AbortSignal,
  ): Promise<boolean>;
}
