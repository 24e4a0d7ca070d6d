// Pure.
/**
 * Values of KCL's metrics, read off the events of one worker. Nothing is counted twice: what Prometheus and
 * health show comes from the same events.
 *
 * KCL renews all leases in one pass; here each lease has its own time. So what KCL reports at the end of such
 * a pass is reported each time that the worker has looked for leases.
 *
 * Source: KCL 3.5.1, `DynamoDBLeaseRenewer`, `DynamoDBLeaseDiscoverer`, `LeaseAssignmentManager`,
 * `PeriodicShardSyncManager`; see `metric_names.ts`, and `shard_points.ts` for shards.
 *
 * @module
 */

import { AwsServiceError } from "../errors.ts";
import type { WorkerEvent, WorkerEventListener } from "../events.ts";
import type { Clock } from "../system.ts";
import { type MetricId, METRICS } from "./metric_names.ts";
import type { MetricSink } from "./metric_point.ts";
import { MetricWriter } from "./metric_writer.ts";
import { ShardPoints } from "./shard_points.ts";

/** Whose metrics they are. */
export interface MetricPointsOptions {
  /** The dimension WorkerIdentifier. */
  readonly workerIdentifier: string;
  /** Whether metrics of a shard name its stream. */
  readonly isMultiStream: boolean;
  /**
   * Lets MillisBehindLatest of a batch that fails again and again grow with the time that passes. Without a
   * clock it stays as Kinesis reported it.
   */
  readonly clock?: Pick<Clock, "monotonicMs"> | undefined;
}

/** An event of one type. */
type EventOf<Type extends WorkerEvent["type"]> = Extract<WorkerEvent, { readonly type: Type }>;

/** Audits of one pass of the leader, of all its streams. */
interface Audits {
  partial: number;
  synced: number;
  ms: number;
  isGood: boolean;
}

/** Turns events into values. Each value goes to the sink at once. */
export class MetricPoints {
  readonly #writer: MetricWriter;
  readonly #shards: ShardPoints;
  readonly #streams = new Set<string>();
  #lost = 0;
  /** The renewals since leases were last looked for. */
  #renewals: { worstMs: number; isGood: boolean } = { worstMs: 0, isGood: true };
  #audits: Audits | undefined;
  /** Whether the leader's pass under way has assigned leases, and how many before it have failed in a row. */
  #hasAssigned = false;
  #failedPasses = 0;

  constructor(options: MetricPointsOptions, sink: MetricSink) {
    const { workerIdentifier, isMultiStream, clock } = options;
    this.#writer = new MetricWriter(sink, workerIdentifier);
    this.#shards = new ShardPoints({ isMultiStream, clock }, this.#writer);
  }

  /** To be given each event of the worker. */
  readonly listener: WorkerEventListener = (event) => {
    switch (event.type) {
      case "workerReady":
        return this.#writer.add("Scheduler:Initialize/Initialize.Success", 1);
      case "initializationFailed":
        return this.#writer.add("Scheduler:Initialize/Initialize.Success", 0);
      case "streamAdded":
        return void this.#streams.add(event.streamIdentifier);
      case "streamRemoved":
        return void this.#streams.delete(event.streamIdentifier);
      case "passEnded":
        return this.#passEnded(event);
      case "passFailed":
        return this.#passFailed(event);
      case "leadershipLost":
        return this.#leadershipLost();
      case "assignmentPass":
        return this.#assigned(event);
      case "coverageAudited":
        return this.#audited(event);
      case "fleetAudited":
        return this.#endAudits();
      case "shardsSynced":
        this.#writer.add("ShardSyncTask/SyncShards.Success", 1);
        this.#writer.add("ShardSyncTask/Success", 1);
        return this.#writer.add("ShardSyncTask/Time", event.ms);
      case "leaseCreated":
        return this.#leaseCreated(event);
      case "mergeParentMissing":
        return this.#writer.add(
          event.missing === "parent"
            ? "ShutdownTask/MissingMergeParent"
            : "ShutdownTask/MissingMergeParentLease",
          1,
        );
      case "leasesDiscovered":
        return this.#discovered(event);
      case "leaseRenewed":
        this.#renewals.worstMs = Math.max(this.#renewals.worstMs, event.ms);
        this.#writer.add("RenewAllLeases/RenewLease.Success", 1);
        return this.#writer.add("RenewAllLeases/RenewLease.Time", event.ms);
      case "leaseRenewalFailed":
        this.#renewals.isGood = false;
        return this.#writer.add("RenewAllLeases/RenewLease.Success", 0);
      case "leaseLost":
        return void this.#lost++;
      case "workerStopped": // no look for leases follows
        this.#writer.addIfAny("RenewAllLeases/LostLeases", this.#lost);
        this.#lost = 0;
        return;
      default: // the rest is about shards, or has no equal in KCL
        return this.#shards.add(event);
    }
  };

  #passEnded({ pass, ms, isSkipped }: EventOf<"passEnded">): void {
    switch (pass) {
      case "assignment":
        this.#hasAssigned = false;
        if (!isSkipped) return; // a leader's pass has its own event
        this.#writer.add("LeaderDecider/LeaderDecider:IsLeader", 0);
        this.#writer.add("LeaseAssignmentManager/Success", 1);
        return this.#writer.add("LeaseAssignmentManager/Time", ms);
      case "workerMetrics":
        this.#writer.add("WorkerMetricStatsReporter/Success", 1);
        return this.#writer.add("WorkerMetricStatsReporter/Time", ms);
      case "streams":
        return this.#writer.add("MultiStreamTracker/ActiveStreams.Count", this.#streams.size);
      default:
        return;
    }
  }

  #passFailed({ pass, error }: EventOf<"passFailed">): void {
    switch (pass) {
      case "assignment":
        this.#failedPasses++;
        // What failed after the assignments was the audit, which says so itself.
        if (!this.#hasAssigned) this.#writer.add("LeaseAssignmentManager/Success", 0);
        this.#hasAssigned = false;
        return;
      case "discovery":
        if (error instanceof AwsServiceError && error.operation === "GetItem") {
          this.#writer.add("LeaseDiscovery/GetLease:Error", 1);
        }
        return this.#writer.add("LeaseDiscovery/Success", 0);
      case "workerMetrics":
        return this.#writer.add("WorkerMetricStatsReporter/Success", 0);
      default:
        return;
    }
  }

  #leadershipLost(): void {
    if (this.#failedPasses > 0) this.#writer.add("LeaseAssignmentManager/ForceLeaderRelease", 1);
    this.#failedPasses = 0;
  }

  #assigned(pass: EventOf<"assignmentPass">): void {
    this.#hasAssigned = true;
    this.#failedPasses = 0;
    this.#writer.add("LeaderDecider/LeaderDecider:IsLeader", 1);
    this.#writer.add("LeaseAssignmentManager/TotalLeases", pass.leases);
    this.#writer.add("LeaseAssignmentManager/NumWorkers", pass.workers);
    this.#writer.add("LeaseAssignmentManager/ExpiredLeases", pass.expired + pass.free); // as KCL counts
    this.#writer.addIfAny("LeaseAssignmentManager/LeaseSpillover", pass.spillover);
    this.#writer.addIfAny("LeaseAssignmentManager/NumWorkersWithInvalidEntry", pass.unreadableWorkers);
    this.#writer.addIfAny("LeaseAssignmentManager/LeaseDeserializationFailureCount", pass.unreadable);
    this.#writer.add("LeaseAssignmentManager/LeaseAndWorkerMetricsLoad.Time", pass.readMs);
    this.#writer.add("LeaseAssignmentManager/AssignExpiredOrUnassignedLeases.Time", pass.planMs);
    if (pass.balanced !== undefined) {
      // One plan decides both.
      this.#writer.add("LeaseAssignmentManager/BalanceWorkerVariance.Time", pass.planMs);
      this.#writer.add("LeaseAssignmentManager/NumOfLeasesReassignment", pass.balanced);
    }
    this.#writer.add("LeaseAssignmentManager/ParallelyAssignLeases.Success", 1);
    this.#writer.add("LeaseAssignmentManager/ParallelyAssignLeases.Time", pass.writeMs);
    this.#writer.add("LeaseAssignmentManager/FailedAssignmentCount", pass.refused);
    this.#writer.add("LeaseAssignmentManager/Success", 1);
    this.#writer.add("LeaseAssignmentManager/Time", pass.ms);
  }

  #audited({ isCovered, isSynced, ms, error }: EventOf<"coverageAudited">): void {
    const audits = this.#audits ??= { partial: 0, synced: 0, ms: 0, isGood: true };
    if (!isCovered) audits.partial++;
    if (isSynced) audits.synced++;
    audits.ms += ms;
    if (error === undefined) return;
    audits.isGood = false;
    if (!isSynced) return;
    this.#writer.add("ShardSyncTask/SyncShards.Success", 0);
    this.#writer.add("ShardSyncTask/Success", 0);
  }

  /** The leader has been through all streams. */
  #endAudits(): void {
    const audits = this.#audits;
    if (audits === undefined) return;
    this.#audits = undefined;
    this.#writer.add("PeriodicShardSyncManager/NumStreamsWithPartialLeases", audits.partial);
    this.#writer.add("PeriodicShardSyncManager/NumStreamsToSync", audits.synced);
    this.#writer.add("PeriodicShardSyncManager/NumSkippedShardSyncTask", 0); // a sync never waits for another
    this.#writer.add("PeriodicShardSyncManager/Success", audits.isGood ? 1 : 0);
    this.#writer.add("PeriodicShardSyncManager/Time", audits.ms);
  }

  #leaseCreated({ checkpoint, parentLeaseKey, ms }: EventOf<"leaseCreated">): void {
    const task = parentLeaseKey === undefined ? "ShardSyncTask" : "ShutdownTask";
    this.#writer.add(`${task}/CreateLease.Success`, 1);
    this.#writer.add(`${task}/CreateLease.Time`, ms);
    const at = `${task}/CreateLease_${checkpoint.sequenceNumber}.Success`;
    if (isMetricId(at)) this.#writer.add(at, 1);
  }

  #discovered({ held, found, foreign, listMs, beginMs }: EventOf<"leasesDiscovered">): void {
    if (listMs !== undefined) this.#writer.add("LeaseDiscovery/ListLeaseKeysForWorker.Time", listMs);
    this.#writer.add("LeaseDiscovery/FetchNewLeases.Time", beginMs);
    this.#writer.add("LeaseDiscovery/NewLeasesDiscovered", found - foreign);
    this.#writer.addIfAny("LeaseDiscovery/OwnerMismatch", foreign);
    this.#writer.add("LeaseDiscovery/Success", 1);
    this.#writer.add("LeaseDiscovery/Time", (listMs ?? 0) + beginMs);
    this.#writer.add("RenewAllLeases/CurrentLeases", held);
    this.#writer.add("RenewAllLeases/LostLeases", this.#lost);
    this.#writer.add("RenewAllLeases/Success", this.#renewals.isGood ? 1 : 0);
    this.#writer.add("RenewAllLeases/Time", this.#renewals.worstMs);
    this.#lost = 0;
    this.#renewals = { worstMs: 0, isGood: true };
  }
}

function isMetricId(text: string): text is MetricId {
  return Object.hasOwn(METRICS, text);
}
