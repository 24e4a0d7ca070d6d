// Pure.
/**
 * Makes the picture of a fleet from what one worker knows of itself and what a look at the table has shown.
 *
 * @module
 */

import { adviceOf } from "../../observe/advice.ts";
import { lossLimitMs, workerOutlook } from "../../observe/data_loss.ts";
import { heldShards } from "../../observe/shard_totals.ts";
import { retentionOfLease } from "../../observe/worker_totals.ts";
import { VERSION } from "../../version.ts";
import type {
  FaultLine,
  FleetPicture,
  FleetSums,
  PictureVerdict,
  Series,
  ShardLine,
  StreamRanges,
  TableSight,
  WorkerLine,
} from "./fleet_picture.ts";
import type { PictureFacts } from "./picture_facts.ts";
import { hasReader, shardLines } from "./shard_lines.ts";

/** Makes it. */
export function pictureOf(facts: PictureFacts): FleetPicture {
  const { snapshot, region, sight } = facts;
  const { worker } = snapshot;
  const verdict = verdictOf(facts);
  const shards = shardLines(facts, verdict.faults);
  return {
    application: worker.applicationName ?? "kclite",
    streams: worker.streams,
    region,
    workerId: worker.workerId,
    version: VERSION,
    epochMs: snapshot.epochMs,
    verdict,
    table: tableOf(facts),
    sums: sumsOf(facts, shards),
    ranges: sight.type === "read" ? rangesNow(sight.fleet.ranges, shards, worker.streams) : [],
    shards,
    workers: workersOf(facts, shards),
  };
}

function verdictOf({ health, snapshot: { worker, atMs } }: PictureFacts): PictureVerdict {
  const troubles = [...worker.troubles.values()].filter(({ level }) => level === "warning");
  const errors = [...worker.troubles.values()].some(({ level }) => level === "error");
  const faults: readonly FaultLine[] = [
    ...health.faults.map(({ code, leaseKey, text }): FaultLine => {
      const advice = adviceOf(code);
      // The text of a fault of the fleet has it already.
      const isSaid = advice !== undefined && text.includes(advice);
      return { level: "error", code, leaseKey, text, advice: isSaid ? undefined : advice };
    }),
    ...troubles.map(({ code, level, leaseKey, text }): FaultLine => {
      return { level, code, leaseKey, text, advice: adviceOf(code) };
    }),
  ];
  // The worker's own watch may have other limits than this page.
  const { verdictSinceMs } = worker;
  const isSame = health.healthy !== errors && (worker.phase === "ready" || worker.phase === "stopping");
  return {
    isHealthy: health.healthy,
    sinceMs: isSame && verdictSinceMs !== undefined ? atMs - verdictSinceMs : undefined,
    faults,
  };
}

function tableOf({ sight, snapshot }: PictureFacts): TableSight {
  if (sight.type !== "read") return sight;
  const { fleet, problems } = sight;
  return { type: "read", ageMs: snapshot.atMs - fleet.seenMs, problems: [...problems, ...fleet.problems] };
}

function sumsOf({ snapshot, limits, sight, others }: PictureFacts, shards: readonly ShardLine[]): FleetSums {
  const furthest = shards.reduce<ShardLine | undefined>(
    (most, line) => (line.lagMs ?? -1) > (most?.lagMs ?? -1) ? line : most,
    undefined,
  );
  const open = shards.filter(({ state }) => state !== "finished");
  const waiting = open.filter(({ phase }) => phase === "waitingOnParents").length;
  const ready = open.filter(({ phase, isOwn, owner }) =>
    phase !== "waitingOnParents" && (sight.type === "read" || isOwn || owner !== undefined)
  );
  const isRead = sight.type === "read";
  const outlook = workerOutlook(snapshot);
  const nearest = shards.reduce<ShardLine | undefined>(
    (least, line) => (line.trimmedInMs ?? Infinity) < (least?.trimmedInMs ?? Infinity) ? line : least,
    undefined,
  );
  const retentionMs = nearest === undefined ? undefined : retentionOfLease(snapshot.worker, nearest.leaseKey);
  return {
    largestLag: furthest?.lagMs === undefined
      ? undefined
      : { lagMs: furthest.lagMs, leaseKey: furthest.leaseKey },
    // Of other workers' shards the trend is not known.
    catchUpMs: furthest?.leaseKey === outlook.leaseKey ? outlook.catchUpMs : undefined,
    lagHistory: isRead
      ? together(snapshot.history.largestLag(), others.largestLag(), (a, b) => Math.max(a ?? 0, b ?? 0))
      : snapshot.history.largestLag(),
    recordsPerSecond: sumOf(shards.map(({ recordsPerSecond }) => recordsPerSecond)),
    recordsHistory: isRead
      ? together(
        snapshot.history.recordsPerSecond(),
        others.recordsPerSecond(),
        (a, b) => a === undefined || b === undefined ? undefined : a + b,
      )
      : snapshot.history.recordsPerSecond(),
    kBps: sumOf(shards.map(({ kBps }) => kBps)),
    trimmedInMs: nearest?.trimmedInMs,
    isLossCertain: outlook.lossInMs !== undefined,
    retentionMs,
    warnBelowMs: retentionMs === undefined ? undefined : lossLimitMs(retentionMs, limits.dataLossLimitMs),
    unfinished: ready.length,
    read: ready.filter(hasReader).length,
    waiting,
  };
}

/** Of what is known. */
function sumOf(figures: readonly (number | undefined)[]): number | undefined {
  const known = figures.filter((figure) => figure !== undefined);
  return known.length === 0 ? undefined : known.reduce((a, b) => a + b, 0);
}

/** Both end now. */
function together(
  a: Series,
  b: Series,
  join: (a: number | undefined, b: number | undefined) => number | undefined,
): Series {
  const length = Math.max(a.length, b.length);
  return Array.from({ length }, (_, index) => {
    const [one, other] = [a[a.length - length + index], b[b.length - length + index]];
    return one === undefined && other === undefined ? undefined : join(one, other);
  });
}

/** With the owners as they are known now. */
function rangesNow(
  ranges: readonly StreamRanges[],
  shards: readonly ShardLine[],
  streams: readonly string[],
): readonly StreamRanges[] {
  const owners = new Map(shards.map((line) => [line.leaseKey, hasReader(line) ? line.owner : undefined]));
  return ranges.map(({ streamName, parts }) => ({
    streamName: streamName === "" ? streams[0] ?? "" : streamName,
    parts: parts.map((part) => ({
      ...part,
      owner: part.leaseKey === undefined ? undefined : owners.get(part.leaseKey),
    })),
  }));
}

function workersOf({ snapshot, sight }: PictureFacts, shards: readonly ShardLine[]): readonly WorkerLine[] {
  const { worker, atMs } = snapshot;
  if (sight.type !== "read") {
    if (worker.workerId === undefined) return [];
    return [{
      workerId: worker.workerId,
      isLeader: worker.leader,
      isOwn: true,
      state: "reports",
      isDraining: false,
      leases: heldShards(snapshot.shards).length,
      cpuPercent: undefined,
      kBps: sumOf(shards.map(({ kBps }) => kBps)) ?? 0,
      reportAgeMs: undefined,
    }];
  }
  const passedMs = atMs - sight.fleet.seenMs;
  return sight.fleet.workers.map((row) => {
    const isOwn = row.workerId === worker.workerId;
    return {
      workerId: row.workerId,
      isLeader: isOwn ? worker.leader : row.isLeader && !worker.leader,
      isOwn,
      state: row.state,
      isDraining: row.drainingSinceEpochS !== undefined,
      leases: isOwn ? heldShards(snapshot.shards).length : row.leases,
      cpuPercent: row.cpuPercent,
      kBps: row.throughputKBps,
      reportAgeMs: row.reportAgeMs === undefined ? undefined : row.reportAgeMs + passedMs,
    };
  });
}
