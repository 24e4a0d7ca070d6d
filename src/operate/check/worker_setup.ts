// Pure.
/**
 * What of a configuration decides what a worker creates, calls and costs.
 *
 * @module
 */

import type { StreamReference } from "../../aws/kinesis.ts";
import type { InitialPosition } from "../../stream/sequence_number.ts";
import type { LeaseTableOptions } from "../../store/lease_table.ts";

/** The setup. */
export interface WorkerSetup extends LeaseTableOptions {
  readonly applicationName: string;
  readonly region: string;
  /** Where the table is, if not in the same region. */
  readonly tableRegion: string;
  readonly streams: readonly StreamReference[];
  /** Whether leases are of many streams. */
  readonly isMany: boolean;
  readonly initialPosition: InitialPosition;
  readonly retrievalMode: "POLLING" | "FANOUT";
  readonly consumerName: string;
  readonly failoverTimeMs: number;
  readonly leaseDiscoveryIntervalMs: number;
  readonly leaseAssignmentIntervalMs: number;
  readonly leaseTablePitrEnabled: boolean;
  readonly migrateAllEntitiesToLeaseTable: boolean;
  readonly ignoreUnexpectedChildShards: boolean;
  readonly deregistersConsumer: boolean;
  /** The namespace of metrics. Undefined: none are sent. */
  readonly metricsNamespace: string | undefined;
}
