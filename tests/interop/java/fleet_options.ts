/**
 * How a fleet and each of its workers are started: types only.
 *
 * @module
 */

import type { LeasesMode } from "../../../src/edge/mod.ts";
import type { KclVersion } from "./bed.ts";
import type { Ticks } from "./edge_worker.ts";
import type { Pace } from "./pace.ts";

/** How a worker is started. */
export interface StartOptions {
  /** Reads the fleet's stream for another application. @default the fleet's own */
  readonly application?: string;
  /** Of the KCL, for a Java worker. */
  readonly version?: KclVersion;
  /** What a kclite worker is told of many streams, in place of their names. */
  readonly streams?: readonly string[];
  /** Of a kclite worker that runs in slices, which reads one stream. */
  readonly slices?: Ticks & {
    readonly leases: LeasesMode;
    /** @default that of the fleet */
    readonly failoverTimeMs?: number;
  };
}

/** Options of `Fleet.create`. */
export interface FleetOptions {
  readonly name: string;
  /** Of each stream. */
  readonly shards: number;
  /** Whether two streams are read, `name-a` and `name-b`; else one, `name`. Lines then name shards as `stream/shardId`. */
  readonly isMany?: boolean;
  readonly pace: Pace;
  /** How Java's leader assigns. KCL's default is WORKER_UTILIZATION_AWARE. */
  readonly javaStrategy: "WORKER_UTILIZATION_AWARE" | "LEASE_COUNT_BASED";
  /** How often Java's leader assigns, in ms; its workers look for leases twice as often. @default 1000 */
  readonly javaAssignmentMs?: number;
  /** Where a shard without a checkpoint is read from; with LATEST the producer waits for `Fleet.startPutting`. */
  readonly start: "TRIM_HORIZON" | "LATEST";
  /** Whether workers send metrics, to the emulator. @default {false} */
  readonly hasMetrics?: boolean;
}
