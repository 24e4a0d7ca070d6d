// Pure.
/**
 * The settings of a worker, in groups: types only. A group is named for what its readers do.
 *
 * @module
 */

import type { WireFormat } from "../aws/wire_format.ts";
import type { DeliverySettings } from "../consumer/delivery.ts";
import type { FailureSettings } from "../failures/failure_options.ts";
import type { AssignmentOptions } from "../lease/assignment.ts";
import type { FormerStreamsLeasesDeletionStrategy } from "../lease/former_streams.ts";
import type { Pacing } from "../retrieval/pacing.ts";
import type { OnTrimmedCheckpoint } from "../retrieval/start_position.ts";
import type { InitialPosition } from "../stream/sequence_number.ts";
import type { StreamsSetting } from "./stream_settings.ts";

/** Options with all defaults filled in. Clients, credentials and system are made elsewhere. */
export interface WorkerSettings {
  readonly applicationName: string;
  /** Undefined: the worker draws a name. */
  readonly workerIdentifier: string | undefined;
  readonly clients: ClientSettings;
  readonly table: TableSettings;
  readonly finding: FindingSettings;
  readonly starting: StartingSettings;
  readonly leadership: LeadershipSettings;
  readonly assignment: AssignmentOptions;
  readonly syncing: SyncingSettings;
  readonly leasing: LeasingSettings;
  readonly cleaning: CleaningSettings;
  readonly reading: ReadingSettings;
  readonly delivery: DeliverySettings & {
    /** Whether the user has decided what becomes of a batch that failed, or it is the default. */
    readonly isErrorRuleChosen: boolean;
    /** Whether that is a policy, and `onProcessError` does not count. */
    readonly isPolicy: boolean;
  };
  /** Undefined: no option asks for it, and nothing of `src/failures` is loaded. */
  readonly failures: FailureSettings | undefined;
  readonly watching: WatchingSettings;
  readonly stopping: { readonly shutdownGraceMs: number };
}

/** How the services are called. Read where a worker's clients are made. */
export interface ClientSettings {
  readonly region: string | undefined;
  readonly kinesisEndpoint: string | undefined;
  readonly dynamoDBRegion: string | undefined;
  readonly dynamoDBEndpoint: string | undefined;
  readonly dynamoDBStreamsEndpoint: string | undefined;
  readonly wireFormat: WireFormat;
}

/** What the lease table is called, and is like when this worker creates it. */
export interface TableSettings {
  readonly tableName: string;
  readonly migrateAllEntitiesToLeaseTable: boolean;
  readonly billingMode: "PAY_PER_REQUEST" | { readonly readCapacity: number; readonly writeCapacity: number };
  readonly leaseTableDeletionProtectionEnabled: boolean;
  readonly leaseTablePitrEnabled: boolean;
  readonly leaseTableTags: Readonly<Record<string, string>>;
  readonly leaseTableScanTotalSegments: number;
}

/** Which streams are read. Read by `Streams`, which finds them. */
export interface FindingSettings {
  readonly streams: StreamsSetting;
  readonly region: string | undefined;
  readonly initialPosition: InitialPosition;
}

/** How often a start is tried. */
export interface StartingSettings {
  readonly maxInitializationAttempts: number;
  readonly schedulerInitializationBackoffTimeMs: number;
}

/** When a worker leads, and how often a leader looks at the table. */
export interface LeadershipSettings {
  readonly failoverTimeMs: number;
  readonly leaseAssignmentIntervalMs: number;
  readonly leaseAuditIntervalMs: number;
}

/** How the leader keeps the leases of streams complete. */
export interface SyncingSettings {
  readonly leaseAuditIntervalMs: number;
  readonly ignoreUnexpectedChildShards: boolean;
  readonly newStreamCheckIntervalMs: number;
  readonly formerStreamsLeasesDeletionStrategy: FormerStreamsLeasesDeletionStrategy;
  readonly waitPeriodToDeleteFormerStreamsMs: number;
  readonly streamIdentifiersForLeaseCleanup: (() => readonly string[]) | undefined;
}

/** How leases are found, held and handed over. */
export interface LeasingSettings {
  readonly failoverTimeMs: number;
  readonly gracefulLeaseHandoffTimeoutMs: number;
  readonly leaseDiscoveryIntervalMs: number;
  readonly maxLeaseRenewals: number;
}

/** When the leases of shards that are done go. */
export interface CleaningSettings {
  readonly leaseCleanupIntervalMs: number;
  readonly cleanupLeasesUponShardCompletion: boolean;
}

/** How shards are read. */
export interface ReadingSettings {
  readonly retrievalMode: "POLLING" | "FANOUT";
  readonly consumerName: string;
  readonly deregisterConsumerOnStop: boolean;
  readonly onTrimmedCheckpoint: OnTrimmedCheckpoint;
  readonly maxRecords: number;
  readonly maxBufferedBytes: number;
  readonly pacing: Pacing;
}

/** From where on something is a fault, and a call of a processor is slow. */
export interface WatchingSettings {
  readonly failoverTimeMs: number;
  readonly callbackLimitMs: number;
  readonly dataLossLimitMs: number | undefined;
  readonly idleTimeBetweenReadsMs: number;
  readonly logWarningForTaskAfterMs: number | undefined;
}
