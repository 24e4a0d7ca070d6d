// Pure.
/**
 * What is counted, under which name, and what each event adds to it. The tables here are the whole list of
 * counters; gauges are read off the totals when they are asked for (`metrics.ts`).
 *
 * No counter has a shard for a label: shards come and go, and a reshard must not multiply the series.
 *
 * @module
 */

import { classify } from "../aws/retry.ts";
import type { WorkerEvent } from "../events.ts";

/** Label names and values of one series. */
export type Labels = Readonly<Record<string, string>>;

/** A counter, by its name without the prefix `kclite_`. */
export type CounterName =
  | "initialization_failures_total"
  | "pass_failures_total"
  | "pass_seconds"
  | "leadership_changes_total"
  | "leases_gained_total"
  | "leases_lost_total"
  | "leases_released_total"
  | "lease_renewals_total"
  | "leases_created_total"
  | "leases_deleted_total"
  | "leases_assigned_total"
  | "handoffs_started_total"
  | "leases_unreadable_total"
  | "assignment_pass_seconds"
  | "pages_fetched_total"
  | "fetched_records_total"
  | "fetched_bytes_total"
  | "fetch_failures_total"
  | "iterators_expired_total"
  | "checkpoints_trimmed_total"
  | "callback_seconds"
  | "callback_errors_total"
  | "batches_processed_total"
  | "processed_records_total"
  | "processed_bytes_total"
  | "batches_failed_total"
  | "given_up_records_total"
  | "dead_letter_failures_total"
  | "shards_stopped_total"
  | "skipped_records_total"
  | "aggregate_problems_total"
  | "aggregated_records_lost_total"
  | "processor_restarts_total"
  | "checkpoints_total"
  | "shards_ended_total"
  | "shard_ends_not_checkpointed_total"
  | "child_lease_failures_total"
  | "requests_total"
  | "request_seconds"
  | "requests_throttled_total"
  | "request_retries_total"
  | "credentials_refreshes_total";

/** How a counter is reported. */
export interface CounterSpec {
  readonly help: string;
  /** A summary reports the sum of what was added and how many times (`_sum`, `_count`), without quantiles. */
  readonly type: "counter" | "summary";
  /** Series that are reported from the start as 0, so that their first increase is seen as one. */
  readonly known: readonly Labels[];
}

/** One addition to one series. */
export interface Count {
  readonly name: CounterName;
  readonly labels: Labels;
  readonly by: number;
}

/** Every counter, in the order of the report. */
export const COUNTERS: Readonly<Record<CounterName, CounterSpec>> = {
  initialization_failures_total: counter("Failed attempts to start."),
  pass_failures_total: counter("Failed passes of the worker's loops, by pass.", []),
  pass_seconds: summary("Time of the passes of the worker's loops, by pass.", []),
  leadership_changes_total: counter("Times this worker became or ceased to be the leader, by change.", [
    { change: "gained" },
    { change: "lost" },
  ]),
  leases_gained_total: counter("Leases that this worker gained."),
  leases_lost_total: counter("Leases that this worker lost, by reason.", [
    { reason: "taken" },
    { reason: "namesake" },
    { reason: "superseded" },
    { reason: "expired" },
    { reason: "handoffOverdue" },
    { reason: "deleted" },
    { reason: "givenUp" },
  ]),
  leases_released_total: counter("Leases that this worker gave away in order."),
  lease_renewals_total: counter("Lease renewals, by outcome.", outcomes()),
  leases_created_total: counter("Leases that this worker created for new shards."),
  leases_deleted_total: counter("Leases that this worker deleted, by reason.", []),
  leases_assigned_total: counter("Leases that this worker, as the leader, gave an owner."),
  handoffs_started_total: counter("Graceful handoffs that this worker, as the leader, started."),
  leases_unreadable_total: counter("Items of the lease table that could not be read as leases."),
  assignment_pass_seconds: summary("Time of the leader's assignment passes.", [{}]),
  pages_fetched_total: counter("Pages read from Kinesis, empty ones included."),
  fetched_records_total: counter("Records read from Kinesis, before de-aggregation."),
  fetched_bytes_total: counter("Payload read from Kinesis, before de-aggregation."),
  fetch_failures_total: counter("Failed reads of Kinesis."),
  iterators_expired_total: counter("Shard iterators that expired before they were used."),
  checkpoints_trimmed_total: counter(
    "Checkpoints whose record is no longer in the stream, so that records may be lost, by what became of the shard.",
    [{ outcome: "trim-horizon" }, { outcome: "latest" }, { outcome: "stop" }],
  ),
  callback_seconds: summary("Time spent in the record processors, by callback.", [
    { callback: "processRecords" },
  ]),
  callback_errors_total: counter("Record processor callbacks that threw, by callback.", [
    { callback: "processRecords" },
  ]),
  batches_processed_total: counter("Batches that processRecords returned from."),
  processed_records_total: counter("Records that processRecords returned from, after de-aggregation."),
  processed_bytes_total: counter("Payload that processRecords returned from."),
  batches_failed_total: counter("Batches that processRecords threw on, by what became of them.", [
    { outcome: "skipped" },
    { outcome: "retrying" },
    { outcome: "split" },
    { outcome: "parked" },
    { outcome: "givenUp" },
    { outcome: "leaseGivenUp" },
  ]),
  given_up_records_total: counter(
    "Records given up by the option errors, by what became of them.",
    [{ outcome: "skipped" }, { outcome: "deadLettered" }],
  ),
  dead_letter_failures_total: counter("Failed tries to store a dead letter."),
  shards_stopped_total: counter("Times a shard was stopped by the option errors."),
  skipped_records_total: counter("Records passed over because processRecords threw."),
  aggregate_problems_total: counter(
    "Records that did not yield what an aggregate holds, by what became of them.",
    [
      { outcome: "deliveredRaw" },
      { outcome: "dropped" },
      { outcome: "cutShort" },
    ],
  ),
  aggregated_records_lost_total: counter(
    "User records of aggregates that were dropped (foreignAggregates) or cut short.",
  ),
  processor_restarts_total: counter("Record processors started afresh because they could not go on."),
  checkpoints_total: counter("Checkpoints, by outcome.", outcomes()),
  shards_ended_total: counter("Shards that were read to their end, with SHARD_END stored."),
  shard_ends_not_checkpointed_total: counter("Times shardEnded returned without SHARD_END being stored."),
  child_lease_failures_total: counter("Failed attempts to create the leases of an ended shard's children."),
  requests_total: counter("Requests to AWS, by service, operation and error code (ok = none).", []),
  request_seconds: summary("Time of requests to AWS, by service and operation.", []),
  requests_throttled_total: counter("Requests that AWS refused as too many, by service and operation.", []),
  request_retries_total: counter("Requests to AWS sent again, by service and operation.", []),
  credentials_refreshes_total: counter("Refreshes of credentials, by outcome.", outcomes()),
};

/** What one event adds. */
export function countsOf(event: WorkerEvent): readonly Count[] {
  switch (event.type) {
    case "initializationFailed":
      return [count("initialization_failures_total")];
    case "passFailed":
      return [count("pass_failures_total", { pass: event.pass })];
    case "passEnded":
      return event.isSkipped ? [] : [count("pass_seconds", { pass: event.pass }, event.ms / 1000)];
    case "leadershipGained":
      return [count("leadership_changes_total", { change: "gained" })];
    case "leadershipLost":
      return [count("leadership_changes_total", { change: "lost" })];
    case "leaseGained":
      return [count("leases_gained_total")];
    case "leaseLost":
      return [count("leases_lost_total", { reason: event.reason })];
    case "leaseReleased":
      return [count("leases_released_total")];
    case "leaseRenewed":
      return [count("lease_renewals_total", { outcome: "succeeded" })];
    case "leaseRenewalFailed":
      return [count("lease_renewals_total", { outcome: "failed" })];
    case "leaseCreated":
      return [count("leases_created_total")];
    case "leaseDeleted":
      return [count("leases_deleted_total", { reason: event.reason })];
    case "leaseAssigned":
      return [count("leases_assigned_total")];
    case "handoffStarted":
      return [count("handoffs_started_total")];
    case "leaseUnreadable":
      return [count("leases_unreadable_total")];
    case "assignmentPass":
      return [count("assignment_pass_seconds", {}, event.ms / 1000)];
    case "pageFetched":
      return [
        count("pages_fetched_total"),
        count("fetched_records_total", {}, event.records),
        count("fetched_bytes_total", {}, event.bytes),
      ];
    case "fetchFailed":
      return [count("fetch_failures_total")];
    case "iteratorExpired":
      return [count("iterators_expired_total")];
    case "checkpointTrimmed":
      return [count("checkpoints_trimmed_total", { outcome: event.outcome })];
    case "callbackEnded": {
      const labels = { callback: event.callback };
      const time = count("callback_seconds", labels, event.ms / 1000);
      return event.error === undefined ? [time] : [time, count("callback_errors_total", labels)];
    }
    case "batchProcessed":
      return [
        count("batches_processed_total"),
        count("processed_records_total", {}, event.records),
        count("processed_bytes_total", {}, event.bytes),
      ];
    case "batchFailed": {
      const failed = count("batches_failed_total", { outcome: event.outcome });
      return event.outcome === "skipped"
        ? [failed, count("skipped_records_total", {}, event.records)]
        : [failed];
    }
    case "recordsGivenUp":
      return [count("given_up_records_total", { outcome: event.outcome }, event.records)];
    case "deadLetterFailed":
      return [count("dead_letter_failures_total")];
    case "shardStopped":
      return [count("shards_stopped_total")];
    case "processorRestarting":
      return [count("processor_restarts_total")];
    case "checkpointed":
      return [count("checkpoints_total", { outcome: "succeeded" })];
    case "checkpointFailed":
      return [count("checkpoints_total", { outcome: "failed" })];
    case "childLeasesFailed":
      return [count("child_lease_failures_total")];
    case "shardCompleted":
      return [count("shards_ended_total")];
    case "shardEndNotCheckpointed":
      return [count("shard_ends_not_checkpointed_total")];
    case "requestSent": {
      const labels = { service: event.service, operation: event.operation };
      const counts = [
        count("requests_total", { ...labels, code: event.code ?? "ok" }),
        count("request_seconds", labels, event.ms / 1000),
      ];
      const isThrottled = event.code !== undefined &&
        classify({ code: event.code, status: event.status }) === "throttled";
      return isThrottled ? [...counts, count("requests_throttled_total", labels)] : counts;
    }
    case "requestRetried":
      return [count("request_retries_total", { service: event.service, operation: event.operation })];
    case "credentialsRefreshed":
      return [count("credentials_refreshes_total", { outcome: "succeeded" })];
    case "credentialsRefreshFailed":
      return [count("credentials_refreshes_total", { outcome: "failed" })];
    case "aggregateProblem":
      return [
        count("aggregate_problems_total", { outcome: event.outcome }),
        count("aggregated_records_lost_total", {}, event.lost),
      ];
    case "workerStarting":
    case "errorRule":
    case "tableCreated":
    case "streamAdded":
    case "streamRemoved":
    case "streamDescribed":
    case "workerReady":
    case "superseded":
    case "workerStopping":
    case "workerStopped":
    case "passRecovered":
    case "eventLoopTurned":
    case "leaderSeen":
    case "fleetAudited":
    case "coverageAudited":
    case "leasesDiscovered":
    case "iteratorGiven":
    case "mergeParentMissing":
    case "shardsSynced":
    case "phaseChanged":
    case "shardBlocked":
    case "callbackStarted":
    case "shardEndReached":
    case "notice":
    case "faultBegan":
    case "faultEnded":
    case "clockSkewLearned":
      return [];
  }
}

function count(name: CounterName, labels: Labels = {}, by = 1): Count {
  return { name, labels, by };
}

function counter(help: string, known: readonly Labels[] = [{}]): CounterSpec {
  return { help, type: "counter", known };
}

function summary(help: string, known: readonly Labels[]): CounterSpec {
  return { help, type: "summary", known };
}

function outcomes(): readonly Labels[] {
  return [{ outcome: "succeeded" }, { outcome: "failed" }];
}
