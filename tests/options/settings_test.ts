import { assertEquals, assertThrows } from "@std/assert";
import { ASSIGNMENT_DEFAULTS } from "../../src/lease/assignment.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import { settingsOf } from "../../src/options/settings.ts";

const processor = () => ({ processRecords: () => {}, shardEnded: () => {} });

function settings(more: Partial<WorkerOptions>): ReturnType<typeof settingsOf> {
  return settingsOf({ applicationName: "app", streamName: "words", processor, ...more });
}

/** All values, of whatever group, by name. */
function flat(more: Partial<WorkerOptions>): Readonly<Record<string, unknown>> {
  const { clients, table, syncing, leasing, cleaning, reading, delivery, assignment, stopping } = settings(
    more,
  );
  return {
    ...clients,
    ...table,
    ...syncing,
    ...leasing,
    ...cleaning,
    ...reading,
    ...delivery,
    ...assignment,
    ...stopping,
  };
}

Deno.test("settingsOf() assigns leases as KCL does unless it is told otherwise", () => {
  const { assignment, table } = settings({});
  assertEquals(assignment, { ...ASSIGNMENT_DEFAULTS, failoverTimeMs: 10_000 });
  assertEquals(assignment, {
    strategy: "WORKER_UTILIZATION_AWARE",
    failoverTimeMs: 10_000,
    maxLeasesForWorker: Infinity,
    maxThroughputPerHostKBps: Infinity,
    dampeningPercentage: 60,
    reBalanceThresholdPercentage: 10,
    allowThroughputOvershoot: true,
    gracefulHandoff: true,
    handoffTimeoutMs: 30_000,
  });
  assertEquals(table.migrateAllEntitiesToLeaseTable, false);
});

Deno.test("settingsOf() gives the leader every option on assignment, under the name that it goes by", () => {
  const given = {
    failoverTimeMs: 1000,
    maxLeasesForWorker: 7,
    maxThroughputPerHostKBps: 8,
    dampeningPercentage: 9,
    reBalanceThresholdPercentage: 11,
    allowThroughputOvershoot: false,
  };
  const renamed = {
    leaseAssignmentStrategy: "LEASE_COUNT_BASED",
    isGracefulLeaseHandoffEnabled: false,
    gracefulLeaseHandoffTimeoutMs: 12,
  } as const;
  assertEquals(settings({ ...given, ...renamed }).assignment, {
    ...given,
    strategy: "LEASE_COUNT_BASED",
    gracefulHandoff: false,
    handoffTimeoutMs: 12,
  });
});

Deno.test("settingsOf() refuses what assignment cannot go by", () => {
  const wrong: readonly [Partial<Record<keyof WorkerOptions, unknown>>, string][] = [
    [{ leaseAssignmentStrategy: "RANDOM" }, 'got "RANDOM"'],
    [{ maxThroughputPerHostKBps: -1 }, "maxThroughputPerHostKBps must be >= 0: got -1"],
    [{ dampeningPercentage: 0 }, "dampeningPercentage must be 1 to 100: got 0"],
    [{ dampeningPercentage: 101 }, "dampeningPercentage must be 1 to 100: got 101"],
    [{ reBalanceThresholdPercentage: NaN }, "expected reBalanceThresholdPercentage to be a number"],
    [{ cpuUtilization: 50 }, "expected cpuUtilization to be a function"],
  ];
  for (const [options, message] of wrong) {
    assertThrows(() => settings(options as Partial<WorkerOptions>), Error, message);
  }
});

Deno.test("settingsOf() lets a quiet shard rest four times the idle time, 10 s at the most, unless it is told otherwise", () => {
  const longest = (more: Partial<WorkerOptions>) => settings(more).reading.pacing.maxIdleTimeBetweenReadsMs;
  assertEquals(settings({}).reading.pacing.idlePacing, "adaptive");
  assertEquals([{}, { idleTimeBetweenReadsMs: 200 }].map(longest), [4000, 800]);
  assertEquals([5000, 60_000].map((idleTimeBetweenReadsMs) => longest({ idleTimeBetweenReadsMs })), [
    10_000,
    60_000,
  ]);
  assertEquals(longest({ maxIdleTimeBetweenReadsMs: 30_000 }), 30_000);
});

Deno.test("settingsOf() refuses a longest rest that is shorter than the idle time, or that health would take for a fault", () => {
  for (const maxIdleTimeBetweenReadsMs of [999, 30_001]) {
    assertThrows(
      () => settings({ maxIdleTimeBetweenReadsMs }),
      RangeError,
      `maxIdleTimeBetweenReadsMs must be 1000 to 30000: got ${maxIdleTimeBetweenReadsMs}`,
    );
  }
  const wrong = { idlePacing: "slow" } as unknown as Partial<WorkerOptions>;
  assertThrows(() => settings(wrong), TypeError, 'idlePacing to be one of "adaptive", "fixed": got "slow"');
});

Deno.test("settingsOf() begins at the tip, and names table and consumer after the application, unless options say otherwise", () => {
  const named = (
    { finding, table, reading }: ReturnType<typeof settings>,
  ) => [finding.initialPosition, table.tableName, reading.consumerName];
  assertEquals(named(settings({})), ["LATEST", "app", "app"]);
  const given = {
    initialPositionInStream: "TRIM_HORIZON",
    tableName: "leases",
    consumerName: "readers",
  } as const;
  assertEquals(named(settings(given)), ["TRIM_HORIZON", "leases", "readers"]);
});

Deno.test("settingsOf() takes false and 0 as they are given", () => {
  const zero = {
    shutdownGraceMs: 0,
    maxBufferedBytes: 0,
    waitPeriodToDeleteFormerStreamsMs: 0,
    maxThroughputPerHostKBps: 0,
    reBalanceThresholdPercentage: 0,
  };
  const off = {
    cleanupLeasesUponShardCompletion: false,
    allowThroughputOvershoot: false,
  };
  const set = flat({ ...zero, ...off });
  assertEquals({ ...set, ...zero, ...off }, set);
  assertEquals(settings({ isGracefulLeaseHandoffEnabled: false }).assignment.gracefulHandoff, false);
});

Deno.test("settingsOf() takes what is true as it is given", () => {
  const on = {
    migrateAllEntitiesToLeaseTable: true,
    ignoreUnexpectedChildShards: true,
    deregisterConsumerOnStop: true,
    callProcessRecordsEvenForEmptyRecordList: true,
  };
  const set = flat(on);
  assertEquals({ ...set, ...on }, set);
  const plain = flat({});
  for (const name of Object.keys(on) as (keyof typeof on)[]) assertEquals(plain[name], false, name);
});

Deno.test("settingsOf() derives the passes of the leader from the failover time", () => {
  assertEquals(settings({}).leadership.leaseAssignmentIntervalMs, 2500);
  assertEquals(settings({ failoverTimeMs: 30_000 }).leadership.leaseAssignmentIntervalMs, 7500);
  assertEquals(
    settings({ failoverTimeMs: 30_000, leaseAssignmentIntervalMs: 100 }).leadership.leaseAssignmentIntervalMs,
    100,
  );
});
