// Pure.
/**
 * The properties of KCL that kclite accepts and ignores: the part of the table that ought to shrink. Their
 * values are checked nevertheless, so that mistakes in a file are found.
 *
 * @module
 */

import { noEffect, notYet, type Property, type PropertyGroup, setting } from "./property.ts";
import {
  boolean,
  count,
  INT_MAX,
  milliseconds,
  oneOf,
  tags,
  text,
  type ValueType,
  wholeNumber,
} from "./property_value.ts";

const FLEET: readonly Property[] = [
  noEffect({
    name: "clientVersionConfig",
    // Anything else would change which algorithm the whole fleet uses, so it is refused, not ignored.
    type: oneOf(["CLIENT_VERSION_CONFIG_3X"], " (kclite joins fleets of KCL 3.x only)"),
    kcl: "CLIENT_VERSION_CONFIG_3X",
    note: "kclite joins fleets of KCL 3.x only: anything else is refused",
  }),
  notYet({
    name: "tableMigrationCompleteBakeTimeSeconds",
    type: count(),
    kcl: "86400",
    note: "The migration to one table is led by Java workers",
  }),
  ...legacyTable("coordinatorState", "coordinatorStateTableConfigBean", "coordinatorStateTableName"),
  ...legacyTable("workerMetrics", "workerMetricStatsTableConfigBean", "workerMetricsTableName"),
];

const OTHERS: readonly Property[] = [
  registration("maxDescribeStreamSummaryRetries", count({ max: INT_MAX }), "10"),
  registration("maxDescribeStreamConsumerRetries", count({ max: INT_MAX }), "10"),
  registration("registerStreamConsumerRetries", count({ max: INT_MAX }), "10"),
  registration("retryBackoffMillis", milliseconds, "1000"),
  notYet({
    name: "millisBehindLatestThresholdForReducedTps",
    aliases: ["pollingConfig.millisBehindLatestThresholdForReducedTps"],
    type: wholeNumber(),
    kcl: "0, off",
    note: "Fewer reads near the tip; `idleTimeBetweenReadsInMillis` does the like",
  }),
  noEffect({
    name: "shardSyncIntervalMillis",
    type: milliseconds,
    kcl: "60000",
    note:
      "The leader lists the shards when the leases show a gap, see `leasesRecoveryAuditorExecutionFrequencyMillis`",
  }),
  noEffect({
    name: "listShardsBackoffTimeInMillis",
    type: milliseconds,
    kcl: "1500",
    note: "Retries of every call have their own pauses",
  }),
  noEffect({
    name: "maxListShardsRetryAttempts",
    type: count({ max: INT_MAX }),
    kcl: "50",
    note: "Retries of every call have their own limits",
  }),
  noEffect({
    name: "retryGetRecordsInSeconds",
    aliases: ["pollingConfig.retryGetRecordsInSeconds"],
    type: wholeNumber({ max: INT_MAX }),
    kcl: "none, without effect",
    note: "Switches KCL to polling, nothing else",
  }),
  noEffect({
    name: "maxGetRecordsThreadPool",
    aliases: ["pollingConfig.maxGetRecordsThreadPool"],
    type: wholeNumber({ max: INT_MAX }),
    kcl: "none, without effect",
    note: "Switches KCL to polling, nothing else",
  }),
  noEffect({
    name: "maxActiveThreads",
    type: { ...wholeNumber({ min: -INT_MAX, max: INT_MAX }), label: "whole number" },
    kcl: "0, no limit",
    note: "There are no threads here",
  }),
  noEffect({
    name: "maxLeasesToStealAtOneTime",
    type: count({ max: INT_MAX }),
    kcl: "1",
    note: "Only KCL 2.x steals leases",
  }),
  noEffect({
    name: "enablePriorityLeaseAssignment",
    type: boolean,
    kcl: "true",
    note: "Only for KCL 2.x",
  }),
  noEffect({
    name: "validateSequenceNumberBeforeCheckpointing",
    type: boolean,
    kcl: "none, without effect",
    note: "Checkpoints are always checked against what was delivered",
  }),
];

/** The table's part without effect, by subject. */
export const WITHOUT_EFFECT: readonly PropertyGroup[] = [
  { title: "Fleets of KCL 2.x and 3.0 to 3.4", properties: FLEET },
  { title: "Others without effect", properties: OTHERS },
];

function registration(name: string, type: ValueType<unknown>, kcl: string): Property {
  const note = "Shards wait for the consumer for as long as it takes";
  return noEffect({ name: `fanoutConfig.${name}`, type, kcl, note });
}

/**
 * The properties of one of the extra tables of KCL 3.0 to 3.4, which kclite uses where they exist and never
 * creates.
 */
function legacyTable(
  prefix: "coordinatorState" | "workerMetrics",
  bean: string,
  name: "coordinatorStateTableName" | "workerMetricsTableName",
): Property[] {
  const note = "kclite never creates that table";
  const row = (suffix: string, type: ValueType<unknown>, kcl: string) =>
    noEffect({ name: prefix + suffix, aliases: [`${bean}.${prefix}${suffix}`], type, kcl, note });
  const suffix = prefix === "coordinatorState" ? "CoordinatorState" : "WorkerMetricStats";
  return [
    setting({
      name,
      aliases: [`${bean}.${name}`],
      type: text,
      setting: name,
      kcl: `\`applicationName\`-${suffix}`,
      note:
        "Only the default name is accepted: a fleet that keeps its state elsewhere would not notice this worker",
    }),
    row("BillingMode", oneOf(["PAY_PER_REQUEST", "PROVISIONED"]), "PAY_PER_REQUEST"),
    row("ReadCapacity", wholeNumber(), "0"),
    row("WriteCapacity", wholeNumber(), "0"),
    row("PointInTimeRecoveryEnabled", boolean, "false"),
    row("DeletionProtectionEnabled", boolean, "false"),
    row("Tags", tags, "none"),
  ];
}
