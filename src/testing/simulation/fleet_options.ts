/**
 * The options of the workers of a world: as its user sets them, or drawn from the seed.
 *
 * @module
 */

import type { WorkerOptions } from "../../options/options.ts";
import type { StreamOptions } from "../../options/stream_options.ts";
import type { Chance } from "../model/chance.ts";
import { WORLD_EPOCH_MS } from "../model/simulated_stream.ts";

/** Options of all workers of a world: those of `KinesisWorker` that have a meaning there. */
export type FleetOptions = Omit<
  WorkerOptions,
  | "applicationName"
  | keyof StreamOptions
  | "workerIdentifier"
  | "processor"
  | "region"
  | "credentials"
  | "dynamoDBCredentials"
  | "kinesisEndpoint"
  | "dynamoDBEndpoint"
  | "dynamoDBStreamsEndpoint"
  | "dynamoDBRegion"
  | "tableName"
  | "onEvent"
  | "log"
  | "system"
  | "kinesis"
  | "kinesisConsumers"
  | "leaseStore"
  | "coordinatorStore"
>;

/** Where a world begins by default: so that every record counts. */
export const DEFAULT_FLEET_OPTIONS: FleetOptions = { initialPositionInStream: "TRIM_HORIZON" };

/** The longest time that the workers of a world without a leader wait before they start, in virtual ms. */
export const LATE_START_MS = 20_000;

/** Options as users set them, and unusual ones. */
export function variedOptions(chance: Chance): FleetOptions {
  const pick = <T>(first: T, ...others: readonly T[]): T => chance.pick([first, ...others]) ?? first;
  const position = chance.next();
  const options: FleetOptions = {
    initialPositionInStream: position < 0.6
      ? "TRIM_HORIZON"
      : position < 0.8
      ? "LATEST"
      : new Date(WORLD_EPOCH_MS + Math.floor(chance.between(0, LATE_START_MS))),
    failoverTimeMs: pick(10_000, 10_000, 3000, 20_000),
    gracefulLeaseHandoffTimeoutMs: pick(30_000, 5000),
    isGracefulLeaseHandoffEnabled: chance.happens(0.7),
    leaseAssignmentStrategy: pick("LEASE_COUNT_BASED", "WORKER_UTILIZATION_AWARE"),
    onProcessError: pick("retry", "stop", "skip"),
    callProcessRecordsEvenForEmptyRecordList: chance.happens(0.2),
    leaseCleanupIntervalMs: pick(20_000, 60_000),
    maxRecords: pick(10_000, 10, 2),
    maxBufferedBytes: pick(67_108_864, 500, 0),
    idleTimeBetweenReadsMs: pick(1000, 1000, 200),
    retrievalMode: chance.happens(0.3) ? "FANOUT" : "POLLING",
    shutdownGraceMs: pick(30_000, 3000),
    deregisterConsumerOnStop: chance.happens(0.2),
    maxLeaseRenewals: pick(20, 20, 1),
    cleanupLeasesUponShardCompletion: chance.happens(0.9),
  };
  const idlePacing = pick("adaptive", "adaptive", "adaptive", "fixed");
  // Two records a second would never catch up.
  return { ...options, idlePacing: options.maxRecords === 2 ? "adaptive" : idlePacing };
}
