// Pure.
/**
 * The part of the table of properties that is about spreading leases over the workers. The leader's count for
 * all.
 *
 * @module
 */

import { notYet, option, type Property, type Row, setting } from "./property.ts";
import {
  boolean,
  count,
  decimal,
  duration,
  INT_MAX,
  milliseconds,
  oneOf,
  type ValueType,
} from "./property_value.ts";

/** Rows of the table. */
export const BALANCING_PROPERTIES: readonly Property[] = [
  option({
    name: "leaseAssignmentStrategy",
    type: oneOf(["WORKER_UTILIZATION_AWARE", "LEASE_COUNT_BASED"]),
    option: "leaseAssignmentStrategy",
    default: "WORKER_UTILIZATION_AWARE",
    note:
      "By what leases are spread: by how busy workers are, or by count alone. In KCL it cannot be set in a file",
  }),
  setting({
    ...row("disableWorkerMetrics", boolean, "false"),
    setting: "disableWorkerMetrics",
    note:
      "Whether this worker keeps to itself how busy its processor is; then it is weighed by the throughput of its leases",
  }),
  option({
    ...row("maxThroughputPerHostKBps", decimal, "no limit"),
    option: "maxThroughputPerHostKBps",
    note: "A worker whose leases bring more is given no more. Too little leaves shards unread",
  }),
  option({
    ...row("dampeningPercentage", count({ max: 100 }), "60"),
    option: "dampeningPercentage",
    note: "How much of what a worker has too much is moved at a time",
  }),
  option({
    ...row("reBalanceThresholdPercentage", count({ max: INT_MAX }), "10"),
    option: "reBalanceThresholdPercentage",
    note: "How far from the average a worker may be before leases move",
  }),
  option({
    ...row("allowThroughputOvershoot", boolean, "true"),
    option: "allowThroughputOvershoot",
    note: "Whether a busy worker's smallest lease moves when even that is more than it should give away",
  }),
  option({
    name: "isGracefulLeaseHandoffEnabled",
    aliases: ["gracefulLeaseHandoffConfigBean.isGracefulLeaseHandoffEnabled"],
    type: boolean,
    option: "isGracefulLeaseHandoffEnabled",
    kcl: "true",
    note: "Whether the leader asks a live owner for a lease, and does not simply take it",
  }),
  fixed("inMemoryWorkerMetricsCaptureFrequencyMillis", milliseconds, "1000"),
  fixed("workerMetricsReporterFreqInMillis", milliseconds, "30000"),
  fixed("noOfPersistedMetricsPerWorkerMetrics", count({ max: INT_MAX }), "10"),
  fixed("varianceBalancingFrequency", count({ max: INT_MAX }), "3"),
  fixed("workerMetricsEMAAlpha", decimal, "0.5"),
  fixed("staleWorkerMetricsEntryCleanupDuration", duration, "P1D"),
];

function fixed(name: string, type: ValueType<unknown>, kcl: string): Property {
  return notYet({ ...row(name, type, kcl), note: "Cannot be changed here" });
}

function row<V>(name: string, type: ValueType<V>, kcl: string): Omit<Row<V>, "note"> {
  return { name, aliases: [`workerUtilizationAwareAssignmentConfigBean.${name}`], type, kcl };
}
