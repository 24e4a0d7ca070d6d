import { assertEquals, assertThrows } from "@std/assert";
import type { WorkerOptions } from "../../src/worker/options.ts";
import { settingsOf } from "../../src/worker/settings.ts";

const processor = () => ({ processRecords: () => {}, shardEnded: () => {} });

function settings(more: Partial<WorkerOptions>): ReturnType<typeof settingsOf> {
  return settingsOf({ applicationName: "app", streamName: "words", processor, ...more });
}

Deno.test("settingsOf() assigns leases as KCL does unless it is told otherwise", () => {
  const {
    leaseAssignmentStrategy,
    maxThroughputPerHostKBps,
    dampeningPercentage,
    reBalanceThresholdPercentage,
    allowThroughputOvershoot,
    isGracefulLeaseHandoffEnabled,
    migrateAllEntitiesToLeaseTable,
  } = settings({});
  assertEquals(
    [
      leaseAssignmentStrategy,
      maxThroughputPerHostKBps,
      dampeningPercentage,
      reBalanceThresholdPercentage,
      allowThroughputOvershoot,
      isGracefulLeaseHandoffEnabled,
      migrateAllEntitiesToLeaseTable,
    ],
    ["WORKER_UTILIZATION_AWARE", Infinity, 60, 10, true, true, false],
  );
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
