/**
 * What a fleet keeps beside its leases: the leader's lock, what each worker reports, and the state of migrations.
 *
 * @module
 */

import type {
  CoordinatorStore,
  LeaderLock,
  LockCondition,
  MigrationState,
  WorkerMetrics,
} from "@kclite/kclite";

/** A coordinator store for the workers of one process. Places are all one: only KCL 3.0 to 3.4 had two. */
export class MapCoordinatorStore implements CoordinatorStore {
  readonly #migrations = new Map<string, MigrationState>();
  readonly #workers = new Map<string, WorkerMetrics>();
  #lock: LeaderLock | undefined;

  workers = (): readonly WorkerMetrics[] => [...this.#workers.values()];
  readLock = async (): Promise<LeaderLock | undefined> => this.#lock;
  legacyTableExists = async (): Promise<boolean> => false;
  listLegacyWorkerMetrics = async (): Promise<readonly WorkerMetrics[]> => [];

  readMigration = async (_place: unknown, key: string): Promise<MigrationState | undefined> =>
    this.#migrations.get(key);

  async createMigration(_place: unknown, state: MigrationState): Promise<boolean> {
    if (this.#migrations.has(state.key)) return false;
    this.#migrations.set(state.key, state);
    return true;
  }

  async putLock(_place: unknown, lock: LeaderLock, when: LockCondition): Promise<boolean> {
    if (when.type === "absent" && this.#lock !== undefined) return false;
    if (when.type === "released" && this.#lock?.isReleased !== true) return false;
    if (when.type === "version" && this.#lock?.recordVersionNumber !== when.recordVersionNumber) return false;
    this.#lock = lock;
    return true;
  }

  heartbeatLock(place: unknown, recordVersionNumber: string, next: LeaderLock): Promise<boolean> {
    return this.putLock(place, next, { type: "version", recordVersionNumber });
  }

  async releaseLock(_place: unknown, held: LeaderLock): Promise<boolean> {
    if (this.#lock?.recordVersionNumber !== held.recordVersionNumber) return false;
    this.#lock = undefined;
    return true;
  }

  writeWorkerMetrics = async (_place: unknown, metrics: WorkerMetrics): Promise<undefined> =>
    void this.#workers.set(metrics.workerId, metrics);

  async deleteWorkerMetrics(_place: unknown, gone: WorkerMetrics): Promise<boolean> {
    const found = this.#workers.get(gone.workerId); // one that has reported again meanwhile stays
    return found?.lastUpdateEpochS === gone.lastUpdateEpochS && this.#workers.delete(gone.workerId);
  }
}
