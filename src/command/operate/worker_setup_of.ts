/**
 * What a configuration decides, with the defaults of a worker filled in, for `plan`, `doctor` and `table`.
 *
 * @module
 */

import type { StreamAccess } from "../../operate/fleet_access.ts";
import type { WorkerSetup } from "../../operate/check/worker_setup.ts";
import { metricsTarget } from "../cloudwatch_setup.ts";
import type { ProgramConfiguration } from "../configuration.ts";

/** KCL's defaults. Source: KCL 3.5.1, `LeaseManagementConfig`. Ours: `leaseDiscoveryIntervalMs`. */
const FAILOVER_MS = 10_000, DISCOVERY_MS = 1000;

/**
 * The setup.
 *
 * @param isKinesisGiven Whether Kinesis itself is handed in, by a test.
 */
export function workerSetup(
  configuration: ProgramConfiguration,
  { streams, region }: Pick<StreamAccess, "streams" | "region">,
  isKinesisGiven: boolean,
): WorkerSetup {
  const { options, retrieval } = configuration;
  const { applicationName = "", failoverTimeMs = FAILOVER_MS } = options;
  return {
    applicationName,
    tableName: options.tableName ?? applicationName,
    billingMode: options.billingMode,
    leaseTableDeletionProtectionEnabled: options.leaseTableDeletionProtectionEnabled,
    leaseTableTags: options.leaseTableTags,
    region,
    tableRegion: options.dynamoDBRegion ?? region,
    streams,
    isMany: options.streams !== undefined,
    initialPosition: options.initialPositionInStream ?? "LATEST",
    retrievalMode: retrieval.mode === "POLLING" ? "POLLING" : "FANOUT",
    consumerName: options.consumerName ?? applicationName,
    failoverTimeMs,
    leaseDiscoveryIntervalMs: options.leaseDiscoveryIntervalMs ?? DISCOVERY_MS,
    leaseAssignmentIntervalMs: options.leaseAssignmentIntervalMs ?? failoverTimeMs / 4,
    leaseTablePitrEnabled: options.leaseTablePitrEnabled ?? false,
    migrateAllEntitiesToLeaseTable: options.migrateAllEntitiesToLeaseTable ?? false,
    ignoreUnexpectedChildShards: options.ignoreUnexpectedChildShards ?? false,
    deregistersConsumer: options.deregisterConsumerOnStop ?? false,
    metricsNamespace: metricsTarget(configuration, isKinesisGiven).type === "none"
      ? undefined
      : applicationName,
  };
}
