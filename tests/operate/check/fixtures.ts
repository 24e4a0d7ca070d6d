/** A setup with defaults. */

import type { WorkerSetup } from "../../../src/operate/check/worker_setup.ts";

/** One stream, polled, without metrics. */
export function setupOf(more: Partial<WorkerSetup> = {}): WorkerSetup {
  return {
    applicationName: "app",
    tableName: "app",
    region: "us-east-1",
    tableRegion: "us-east-1",
    streams: [{ streamName: "orders", streamArn: undefined }],
    isMany: false,
    initialPosition: "LATEST",
    retrievalMode: "POLLING",
    consumerName: "app",
    failoverTimeMs: 10_000,
    leaseDiscoveryIntervalMs: 1000,
    leaseAssignmentIntervalMs: 2500,
    leaseTablePitrEnabled: false,
    migrateAllEntitiesToLeaseTable: false,
    ignoreUnexpectedChildShards: false,
    deregistersConsumer: false,
    metricsNamespace: undefined,
    ...more,
  };
}
