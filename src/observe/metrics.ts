// Pure.
/**
 * Everything that is measured, as Prometheus families: the body of `/metrics`. Base units (seconds, bytes),
 * the prefix `kclite_`. Alarm on `kclite_healthy`, on `kclite_data_loss_in_seconds`, and on
 * `kclite_max_lag_seconds`, which outlives the shard ids of a reshard. `kclite_fleet_max_lag_seconds` is the
 * same of the whole fleet, from the leader alone.
 *
 * The cost of leasing, in requests per shard and hour since the start, is
 * `kclite_dynamodb_requests_per_shard_hour`. Over the last hour it is `3600 *
 * sum(rate(kclite_requests_total{service="dynamodb"}[1h])) / sum(rate(kclite_lease_held_seconds_total[1h]))`.
 *
 * @module
 */

import type { ShardPhase } from "../events.ts";
import { VERSION } from "../version.ts";
import { type CounterName, COUNTERS, type Labels } from "./counts.ts";
import { trimmedInMs, workerOutlook } from "./data_loss.ts";
import { largestLagMs } from "./lag.ts";
import { type Family, prometheusText, type Sample } from "./prometheus.ts";
import { heldShards, lagMs, type ShardTotals } from "./shard_totals.ts";
import type { Series } from "./tally.ts";
import type { Snapshot } from "./totals.ts";
import type { Health } from "./verdict.ts";

/** What `/metrics` holds. */
export interface MetricsOptions {
  /**
   * Whether there is a series for each held shard: five for each. Without them thousands of shards are no
   * burden for a metrics server; the largest lag, and what is nearest to loss, stay.
   *
   * @default {true}
   */
  readonly shardMetrics?: boolean | undefined;
}

/** The body of `/metrics`. */
export function metricsText(
  snapshot: Snapshot,
  health: Health,
  { shardMetrics = true }: MetricsOptions = {},
): string {
  return prometheusText([
    ...workerFamilies(snapshot, health),
    ...(shardMetrics ? shardFamilies(snapshot) : []),
    ...counterFamilies(snapshot.series),
  ]);
}

const PHASES: Readonly<Record<ShardPhase, true>> = {
  waitingOnParents: true,
  initializing: true,
  processing: true,
  shutdownRequested: true,
  shardEnded: true,
  leaseLost: true,
  ended: true,
};

function workerFamilies(snapshot: Snapshot, health: Health): readonly Family[] {
  const { worker } = snapshot;
  const held = heldShards(snapshot.shards);
  const largest = largestLagMs(snapshot);
  const outlook = workerOutlook(snapshot);
  const info: Labels = {
    application: worker.applicationName ?? "",
    // Of many streams the names would change while the worker runs, and each change would be another series.
    stream: worker.streams.length === 1 ? worker.streams.join() : "",
    table: worker.tableName ?? "",
    worker: worker.workerId ?? "",
    version: VERSION,
  };
  return [
    gauge("info", "Always 1; its labels name the worker and the version of kclite.", [{
      labels: info,
      value: 1,
    }]),
    gauge(
      "healthy",
      "Whether every held shard makes progress, renewals succeed and the leader finds no fault in its fleet.",
      one(+health.healthy),
    ),
    gauge("ready", "Whether the worker has started and is not stopping.", one(+health.ready)),
    gauge("leader", "Whether this worker leads its fleet.", one(+worker.leader)),
    gauge("streams", "Streams that this worker reads.", one(worker.streams.length)),
    gauge("leases_held", "Leases that this worker holds.", one(held.length)),
    gauge(
      "shards",
      "Held shards, by phase.",
      Object.keys(PHASES).map((phase) => ({
        labels: { phase },
        value: held.filter((shard) => shard.phase === phase).length,
      })),
    ),
    gauge(
      "max_lag_seconds",
      "How far behind the tip the held shard is that is furthest behind.",
      secondsIfKnown(largest),
    ),
    gauge(
      "min_trimmed_in_seconds",
      "Until unread records are trimmed if none is read from now on, of the held shard that comes to it first.",
      secondsIfKnown(outlook.trimmedInMs),
    ),
    gauge(
      "data_loss_in_seconds",
      "Until unread records are trimmed at the present pace, 0 while they are; left out while none will be.",
      secondsIfKnown(outlook.lossInMs),
    ),
    gauge(
      "clock_skew_seconds",
      "What is added to the local clock to get that of AWS.",
      one(worker.clockSkewMs / 1000),
    ),
    gauge("fleet_leases", "Leases in the table, as the leader sees them.", ifKnown(worker.fleet?.leases)),
    gauge("fleet_workers", "Live workers, as the leader sees them.", ifKnown(worker.fleet?.workers)),
    gauge("fleet_expired_leases", "Expired leases, as the leader sees them.", ifKnown(worker.fleet?.expired)),
    gauge(
      "fleet_unread_shards",
      "Shards that nobody reads, as the leader sees them: no live owner, or no lease that can be read.",
      ifKnown(worker.fleet?.unread),
    ),
    gauge(
      "fleet_max_lag_seconds",
      "How far behind the tip the shard of the fleet is that is furthest behind, as the leader sees it; of kclite's owners.",
      maxLagOf(worker),
    ),
    gauge(
      "unreadable_leases",
      "Items of the lease table that the leader could not read as leases: their shards are read by nobody.",
      worker.leader ? one(worker.unreadableLeases.size) : [],
    ),
    {
      name: "kclite_lease_held_seconds_total",
      help: "Time for which leases were held, summed over leases: one lease for an hour adds 3600.",
      type: "counter",
      samples: one(snapshot.leaseHeldMs / 1000),
    },
    gauge(
      "dynamodb_requests_per_shard_hour",
      "Requests to DynamoDB since the start, over the hours for which leases were held, summed over leases.",
      snapshot.leaseHeldMs === 0 ? [] : one(dynamoDBRequests(snapshot) * 3_600_000 / snapshot.leaseHeldMs),
    ),
  ];
}

function maxLagOf({ fleet }: Snapshot["worker"]): readonly Sample[] {
  const { maxLagMs, maxLagLeaseKey = "" } = fleet ?? {};
  return maxLagMs === undefined ? [] : [{ labels: { shard: maxLagLeaseKey }, value: maxLagMs / 1000 }];
}

function dynamoDBRequests({ series }: Snapshot): number {
  return series.reduce(
    (sum, { name, labels, sum: count }) =>
      name === "requests_total" && labels.service === "dynamodb" ? sum + count : sum,
    0,
  );
}

function shardFamilies(snapshot: Snapshot): readonly Family[] {
  const { shards, atMs, epochMs } = snapshot;
  const held = heldShards(shards);
  const each = (value: (shard: ShardTotals) => number | undefined): readonly Sample[] =>
    held.flatMap((shard) => {
      const found = value(shard);
      return found === undefined ? [] : [{ labels: { shard: shard.leaseKey }, value: found }];
    });
  const seconds = (ms: number | undefined) => ms === undefined ? undefined : ms / 1000;
  return [
    gauge(
      "shard_lag_seconds",
      "How far behind the tip the shard's processor is.",
      each((s) => seconds(lagMs(s, atMs))),
    ),
    gauge(
      "shard_trimmed_in_seconds",
      "Until the shard's oldest unread record is trimmed if none is read from now on.",
      each((s) => seconds(trimmedInMs(snapshot, s))),
    ),
    gauge(
      "shard_last_progress_timestamp_seconds",
      "When the shard last got on: a page, a callback that returned, a checkpoint.",
      each((s) => Math.round(epochMs - (atMs - s.lastProgressMs)) / 1000),
    ),
    gauge(
      "shard_callback_running_seconds",
      "How long the callback that runs now has been running; 0 when none does.",
      each((s) => s.callback === undefined ? 0 : (atMs - s.callback.sinceMs) / 1000),
    ),
    {
      name: "kclite_shard_processed_records_total",
      help: "Records processed since this worker gained the shard's lease.",
      type: "counter",
      samples: each((s) => s.recordsProcessed),
    },
  ];
}

function counterFamilies(series: readonly Series[]): readonly Family[] {
  return (Object.keys(COUNTERS) as CounterName[]).map((name) => {
    const { help, type } = COUNTERS[name];
    const own = series.filter((one) => one.name === name);
    const samples = own.flatMap(({ labels, sum, times }): readonly Sample[] =>
      type === "counter"
        ? [{ labels, value: sum }]
        : [{ suffix: "_sum", labels, value: sum }, { suffix: "_count", labels, value: times }]
    );
    return { name: `kclite_${name}`, help, type, samples };
  });
}

function gauge(name: string, help: string, samples: readonly Sample[]): Family {
  return { name: `kclite_${name}`, help, type: "gauge", samples };
}

function one(value: number): readonly Sample[] {
  return [{ value }];
}

function secondsIfKnown(ms: number | undefined): readonly Sample[] {
  return ifKnown(ms === undefined ? undefined : ms / 1000);
}

function ifKnown(value: number | undefined): readonly Sample[] {
  return value === undefined ? [] : one(value);
}
