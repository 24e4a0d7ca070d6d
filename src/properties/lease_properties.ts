// Pure.
/**
 * The part of the table of properties that is about leases and their table.
 *
 * @module
 */

import { option, type Property, setting } from "./property.ts";
import {
  boolean,
  count,
  INT_MAX,
  milliseconds,
  oneOf,
  secondOrMore,
  tags,
  text,
  wholeNumber,
} from "./property_value.ts";

/** Rows of the table. */
export const LEASE_PROPERTIES: readonly Property[] = [
  option({
    name: "tableName",
    type: text,
    option: "tableName",
    kcl: "`applicationName`",
    note: "Name of the lease table",
  }),
  option({
    name: "failoverTimeMillis",
    type: secondOrMore,
    option: "failoverTimeMs",
    kcl: "10000",
    note: "How long a lease may go without renewal before others take it. All workers must agree",
  }),
  option({
    name: "leaseAssignmentIntervalMillis",
    type: milliseconds,
    option: "leaseAssignmentIntervalMs",
    kcl: "2 × `failoverTimeMillis`",
    default: "¼ × `failoverTimeMillis`",
    note: "How often the leader assigns leases",
  }),
  option({
    name: "leaseDiscoveryIntervalMillis",
    type: milliseconds,
    option: "leaseDiscoveryIntervalMs",
    default: "1000",
    note: "How often a worker looks for leases assigned to it; half a read unit or one each time",
  }),
  option({
    name: "maxLeasesForWorker",
    type: count({ max: INT_MAX }),
    option: "maxLeasesForWorker",
    kcl: "no limit",
    note: "How many leases one worker may hold. Too few leave shards unread",
  }),
  option({
    name: "maxLeaseRenewalThreads",
    type: count({ max: INT_MAX }),
    option: "maxLeaseRenewals",
    kcl: "20",
    note: "How many renewals may be under way at once",
  }),
  option({
    name: "gracefulLeaseHandoffTimeoutMillis",
    aliases: ["gracefulLeaseHandoffConfigBean.gracefulLeaseHandoffTimeoutMillis"],
    type: milliseconds,
    option: "gracefulLeaseHandoffTimeoutMs",
    kcl: "30000",
    note: "How long a processor has to finish when its shard moves to another worker",
  }),
  option({
    name: "cleanupLeasesUponShardCompletion",
    type: boolean,
    option: "cleanupLeasesUponShardCompletion",
    kcl: "true",
    note:
      "Whether the lease of a shard that is done is deleted. KCL ignores `false`; here it counts. A shard that is gone from the stream loses its lease in any case",
  }),
  option({
    name: "leaseCleanupIntervalMillis",
    type: milliseconds,
    option: "leaseCleanupIntervalMs",
    default: "60000",
    note: "How often ended shards are looked at for that. In KCL it cannot be set in a file",
  }),
  option({
    name: "parentShardPollIntervalMillis",
    type: milliseconds,
    option: "parentShardPollIntervalMs",
    kcl: "10000",
    default: "2000",
    note: "How often a shard looks whether its parents have ended",
  }),
  option({
    name: "leasesRecoveryAuditorExecutionFrequencyMillis",
    type: milliseconds,
    option: "leaseAuditIntervalMs",
    default: "10000",
    note: "How often the leader checks that the leases cover the stream. In KCL it cannot be set in a file",
  }),
  option({
    name: "ignoreUnexpectedChildShards",
    type: boolean,
    option: "ignoreUnexpectedChildShards",
    kcl: "false",
    note: "Whether a listing in which the parent of a child is still open is used anyway",
  }),
  option({
    name: "skipShardSyncAtWorkerInitializationIfLeasesExist",
    type: boolean,
    option: "skipShardSyncAtWorkerInitializationIfLeasesExist",
    kcl: "false",
    note: "Whether a start with leases in the table goes without listing the shards",
  }),
  setting({
    name: "billingMode",
    type: oneOf(["PAY_PER_REQUEST", "PROVISIONED"]),
    setting: "billingMode",
    default: "PAY_PER_REQUEST",
    note: "Capacity of a lease table that has to be created. In KCL it cannot be set in a file",
  }),
  setting({
    name: "initialLeaseTableReadCapacity",
    type: count({ max: INT_MAX }),
    setting: "readCapacity",
    kcl: "10, without effect",
    default: "10",
    note: "Only with `billingMode = PROVISIONED`",
  }),
  setting({
    name: "initialLeaseTableWriteCapacity",
    type: count({ max: INT_MAX }),
    setting: "writeCapacity",
    kcl: "10, without effect",
    default: "10",
    note: "Only with `billingMode = PROVISIONED`",
  }),
  option({
    name: "leaseTableDeletionProtectionEnabled",
    type: boolean,
    option: "leaseTableDeletionProtectionEnabled",
    kcl: "false",
    note: "Whether a table that has to be created is protected from deletion",
  }),
  option({
    name: "leaseTablePitrEnabled",
    type: boolean,
    option: "leaseTablePitrEnabled",
    kcl: "false",
    note: "Whether point-in-time recovery is switched on for the table",
  }),
  option({
    name: "leaseTableTags",
    type: tags,
    option: "leaseTableTags",
    note:
      "Tags of a table that has to be created, `key=value,key=value`. In KCL they cannot be set in a file",
  }),
  option({
    name: "leaseTableScanTotalSegments",
    type: wholeNumber({ max: 1_000_000 }),
    option: "leaseTableScanTotalSegments",
    kcl: "by table size",
    note: "In how many parallel segments the leader scans the table; 0 = by table size",
  }),
  option({
    name: "migrateAllEntitiesToLeaseTable",
    type: boolean,
    option: "migrateAllEntitiesToLeaseTable",
    kcl: "false",
    note: "As the Java workers have it, where the extra tables of KCL 3.0 to 3.4 exist; else without effect",
  }),
];
