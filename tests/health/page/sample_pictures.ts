/**
 * Pictures of fleets for the tests of the page, the browser's among them. All figures are made from a shard's
 * number, so that each run draws the same.
 *
 * @module
 */

import type {
  FaultLine,
  FleetPicture,
  Series,
  ShardLine,
  StreamRanges,
  WorkerLine,
} from "../../../src/health/page/fleet_picture.ts";

/** Each sample's name, and how it is made. */
export const SAMPLES: Readonly<Record<SampleName, () => FleetPicture>> = {
  three: () => healthyFleet(3, 2),
  picture: () => healthyFleet(6, 3),
  healthy: () => healthyFleet(16, 4),
  large: () => healthyFleet(300, 12),
  failing: () => failingFleet(300, 12),
  handoff: handoffs,
  empty,
  waiting: () => ({ ...healthyFleet(3, 1), table: { type: "waiting" }, ranges: [], workers: [] }),
  failedLook: () => ({
    ...healthyFleet(3, 1),
    table: {
      type: "failed",
      problems: [
        'Cannot read lease table "orders": AccessDeniedException: not authorized to perform dynamodb:Scan',
      ],
    },
    ranges: [],
    workers: [],
  }),
  staleLook: () => ({
    ...healthyFleet(16, 4),
    table: {
      type: "read",
      ageMs: 95_000,
      problems: ["The read of 40 s ago failed: ThrottlingException: Rate exceeded"],
    },
  }),
  ownOnly: () => ({ ...healthyFleet(3, 1), table: { type: "own" }, ranges: [], workers: [] }),
  manyStreams,
  hostile,
  huge: () => failingFleet(10_000, 200),
};

/** A sample. */
export type SampleName =
  | "three"
  | "picture"
  | "healthy"
  | "large"
  | "failing"
  | "handoff"
  | "empty"
  | "waiting"
  | "failedLook"
  | "staleLook"
  | "ownOnly"
  | "manyStreams"
  | "hostile"
  | "huge";

/** A fleet in which one shard at most is a little behind. */
export function healthyFleet(shards: number, workers: number): FleetPicture {
  const lines = Array.from({ length: shards }, (_, index) => shardLine(index, workers));
  const behind = shards > 3 ? Math.min(8, shards - 1) : -1;
  const sorted = lines.map((line, index): ShardLine =>
    index !== behind ? line : {
      ...line,
      lagMs: 252_000,
      lagHistory: rising(840_000).toReversed(),
      level: "warning",
      notes: ["behind, caught up in about 6 min"],
    }
  ).sort((a, b) => (b.lagMs ?? 0) - (a.lagMs ?? 0));
  const worst = sorted[0];
  return {
    application: "orders",
    streams: ["orders-v2"],
    region: "eu-central-1",
    workerId: workerId(0),
    version: "0.1.0",
    epochMs: Date.UTC(2026, 10, 26, 14, 12, 3),
    verdict: { isHealthy: true, sinceMs: 273_600_000, faults: [] },
    table: { type: "read", ageMs: 4_000, problems: [] },
    sums: {
      largestLag: worst === undefined ? undefined : { lagMs: worst.lagMs ?? 0, leaseKey: worst.leaseKey },
      catchUpMs: behind < 0 ? undefined : 360_000,
      lagHistory: worst?.lagHistory ?? [],
      recordsPerSecond: sum(lines.map(({ recordsPerSecond }) => recordsPerSecond ?? 0)),
      recordsHistory: jitter(7, 900 * shards),
      kBps: 0.96 * sum(lines.map(({ kBps }) => kBps ?? 0)),
      trimmedInMs: 86_100_000,
      isLossCertain: false,
      retentionMs: 86_400_000,
      warnBelowMs: 21_600_000,
      unfinished: shards,
      read: shards,
      waiting: shards > 9 ? 1 : 0,
    },
    ranges: [rangesOf("orders-v2", lines)],
    shards: sorted,
    workers: Array.from({ length: workers }, (_, index) => workerLine(index, lines)),
  };
}

/** A fleet that is in trouble everywhere: holes, shards without a reader, loss ahead, workers that are silent. */
export function failingFleet(shards: number, workers: number): FleetPicture {
  const good = healthyFleet(shards, workers);
  const lines = good.shards.map((line, index): ShardLine => {
    const lagMs = 70_000_000 - index * (60_000_000 / shards);
    return {
      ...line,
      owner: index % 50 === 7 ? undefined : line.owner,
      state: index % 50 === 7 ? "free" : index % 9 === 2 ? "notRenewed" : line.state,
      lagMs,
      lagHistory: rising(lagMs),
      trimmedInMs: 86_400_000 - lagMs,
      checkpointAgeMs: lagMs / 2,
      level: "error",
      notes: ["readsFailing", "falls behind by 12 s a minute"],
    };
  });
  const faults = lines.slice(0, 40).map(({ leaseKey }): FaultLine => ({
    level: "error",
    code: "readsFailing",
    leaseKey,
    text:
      "Reads have failed for 19 h 26 min: AccessDeniedException: User is not authorized to perform kinesis:GetRecords.",
    advice:
      "No record of this shard is read. Give the role the permission that the text names; deploy/iam has the policies.",
  }));
  const [range] = good.ranges;
  return {
    ...good,
    verdict: {
      isHealthy: false,
      sinceMs: 69_960_000,
      faults: [
        {
          level: "warning",
          code: "behind",
          leaseKey: lines[0]?.leaseKey,
          text: "Unread records are trimmed in 4 h 33 min.",
          advice: "Give the fleet more workers, or the stream a longer retention.",
        },
        ...faults,
        {
          level: "error",
          code: "hole",
          leaseKey: undefined,
          text: "No lease covers 3.3 % of the hash range of stream orders-v2.",
          advice: "Records of these keys are not read. Run kclite doctor.",
        },
      ],
    },
    sums: {
      ...good.sums,
      largestLag: { lagMs: lines[0]?.lagMs ?? 0, leaseKey: lines[0]?.leaseKey ?? "" },
      catchUpMs: undefined,
      lagHistory: rising(70_000_000),
      trimmedInMs: 16_400_000,
      isLossCertain: true,
      read: lines.filter(({ owner }) => owner !== undefined).length,
      waiting: 0,
    },
    ranges: range === undefined ? [] : [{
      ...range,
      parts: range.parts.map((part, index) =>
        index % 90 === 30
          ? { ...part, leaseKey: undefined, owner: undefined }
          : index % 50 === 7
          ? { ...part, owner: undefined }
          : part
      ),
    }],
    shards: lines,
    workers: good.workers.map((worker, index) =>
      index % 5 === 3 ? { ...worker, state: "silent", reportAgeMs: 1_320_000 } : worker
    ),
  };
}

function handoffs(): FleetPicture {
  const good = healthyFleet(6, 3);
  return {
    ...good,
    shards: good.shards.map((line, index): ShardLine =>
      index % 2 === 0
        ? line
        : { ...line, state: "handoff", phase: "shutdownRequested", nextOwner: workerId(2) }
    ),
    workers: good.workers.map((worker, index) => index === 1 ? { ...worker, isDraining: true } : worker),
  };
}

function empty(): FleetPicture {
  const good = healthyFleet(0, 0);
  return {
    ...good,
    region: undefined,
    workerId: undefined,
    verdict: { isHealthy: false, sinceMs: undefined, faults: [] },
    sums: {
      largestLag: undefined,
      catchUpMs: undefined,
      lagHistory: [],
      recordsPerSecond: undefined,
      recordsHistory: [],
      kBps: undefined,
      trimmedInMs: undefined,
      isLossCertain: false,
      retentionMs: undefined,
      warnBelowMs: undefined,
      unfinished: 0,
      read: 0,
      waiting: 0,
    },
    ranges: [],
  };
}

function manyStreams(): FleetPicture {
  const good = healthyFleet(0, 6);
  const streams = Array.from({ length: 240 }, (_, index) => `events-of-customer-${1000 + index}`);
  const lines = streams.flatMap((name, index) =>
    [0, 1].map((shard) => ({
      ...shardLine(2 * index + shard, 6),
      leaseKey: `123456789012:${name}:1700000000:shardId-00000000000${shard}`,
    }))
  );
  return {
    ...good,
    streams,
    sums: { ...good.sums, unfinished: lines.length, read: lines.length },
    ranges: streams.map((name, index) => {
      const range = rangesOf(name, lines.slice(2 * index, 2 * index + 2));
      return index !== 17 ? range : {
        ...range,
        parts: range.parts.map((part) => ({ ...part, leaseKey: undefined, owner: undefined })),
      };
    }),
    shards: lines,
    workers: Array.from({ length: 6 }, (_, index) => workerLine(index, lines)),
  };
}

/** What no page may obey. */
export const HOSTILE = `"><script>alert(1)</script><img src=x onerror=alert(2)>&'\u202e\u0000\u001b[31m`;
/** No page may show it. */
export const SECRET = "AKIDSECRETSECRETSECRE";

function hostile(): FleetPicture {
  const good = failingFleet(4, 2);
  const long = `${"worker-with-a-name-that-does-not-end".repeat(12)}${HOSTILE}`;
  return {
    ...good,
    application: HOSTILE,
    streams: [HOSTILE],
    region: HOSTILE,
    workerId: long,
    version: HOSTILE,
    epochMs: 1e20,
    verdict: {
      ...good.verdict,
      faults: [{
        level: "error",
        code: HOSTILE,
        leaseKey: HOSTILE,
        text: `${HOSTILE} x-amz-security-token=${SECRET}`,
        advice: HOSTILE,
      }],
    },
    table: { type: "failed", problems: [`${HOSTILE} x-amz-security-token=${SECRET}`] },
    sums: { ...good.sums, largestLag: { lagMs: Infinity, leaseKey: HOSTILE } },
    ranges: [{ streamName: HOSTILE, parts: [{ from: -1, to: 7, leaseKey: HOSTILE, owner: HOSTILE }] }],
    shards: good.shards.map((line, index) => ({
      ...line,
      leaseKey: index < 2 ? HOSTILE : `${HOSTILE}${index}${"x".repeat(600)}`,
      owner: index === 0 ? HOSTILE : long,
      nextOwner: HOSTILE,
      checkpoint: HOSTILE,
      lagHistory: [NaN, Infinity, -5, undefined, 3],
      notes: Array.from({ length: 9 }, () => HOSTILE),
    })),
    workers: good.workers.map((worker) => ({ ...worker, workerId: long })),
  };
}

function shardLine(index: number, workers: number): ShardLine {
  const owner = index % Math.max(1, workers);
  const isWaiting = index === 9;
  return {
    leaseKey: `shardId-${String(index + 4).padStart(12, "0")}`,
    owner: workerId(owner),
    nextOwner: undefined,
    isOwn: owner === 0,
    state: "held",
    phase: owner !== 0 ? undefined : isWaiting ? "waitingOnParents" : "processing",
    lagMs: isWaiting ? undefined : [420, 180, 0, 1200][index % 4],
    lagHistory: isWaiting ? [] : jitter(index, 1200),
    recordsPerSecond: isWaiting ? undefined : 100 + (index * 379) % 800,
    kBps: isWaiting ? undefined : 90 + (index * 211) % 500,
    checkpointAgeMs: 400 + (index * 733) % 2000,
    checkpoint: `4966${index}`,
    trimmedInMs: 86_100_000,
    level: "good",
    notes: isWaiting ? ["waits for shardId-000000000008"] : [],
  };
}

function workerLine(index: number, shards: readonly ShardLine[]): WorkerLine {
  const held = shards.filter(({ owner }) => owner === workerId(index));
  return {
    workerId: workerId(index),
    isLeader: index === 0,
    isOwn: index === 0,
    state: "reports",
    isDraining: false,
    leases: held.length,
    cpuPercent: [41, 38, 52, 12][index % 4],
    kBps: sum(held.map(({ kBps }) => kBps ?? 0)),
    reportAgeMs: [3_000, 9_000, 5_000, 21_000][index % 4],
  };
}

function rangesOf(streamName: string, lines: readonly ShardLine[]): StreamRanges {
  return {
    streamName,
    parts: lines.map(({ leaseKey, owner }, index) => ({
      from: index / lines.length,
      to: (index + 1) / lines.length,
      leaseKey,
      owner,
    })),
  };
}

function workerId(index: number): string {
  return `orders-7f9c-${index < 26 ? String.fromCharCode(97 + index) : index}`;
}

/** A quiet hour. */
function jitter(seed: number, most: number): Series {
  return Array.from(
    { length: 60 },
    (_, minute) =>
      most * (0.35 + 0.25 * Math.sin((minute + 11 * seed) / 9) + 0.12 * Math.sin(minute * (3 + seed % 5))),
  );
}

/** An hour in which lag grew. */
function rising(to: number): Series {
  return Array.from(
    { length: 60 },
    (_, minute) => to * (0.3 + 0.7 * (minute / 59) + 0.02 * Math.sin(minute * 2.3)) / 1.02,
  );
}

function sum(figures: readonly number[]): number {
  return figures.reduce((all, figure) => all + figure, 0);
}
