import { assertEquals, assertThrows } from "@std/assert";
import {
  cgroupV1Limit,
  cgroupV1UsedMs,
  cgroupV2Limit,
  cgroupV2UsedMs,
  cpusIn,
  ecsLimit,
  ecsPercent,
  ecsReading,
  hostReading,
  percentUsed,
} from "../../src/host/cpu_readings.ts";

const CPU_STAT = `usage_usec 3912547250
user_usec 2581236112
system_usec 1331311137
nr_periods 38121
nr_throttled 12
throttled_usec 190233
`;

const PROC_STAT = `cpu  397755 43 81944 514313 5185 0 2023 75216 0 0
cpu0 197138 27 40328 261977 1213 0 676 36892 0 0
intr 3617443 0 0 0
ctxt 9637926
`;

Deno.test("cgroupV2UsedMs() reads usage_usec, in ms", () => {
  assertEquals(cgroupV2UsedMs(CPU_STAT), 3_912_547.25);
});

Deno.test("cgroupV2Limit() divides quota by period; max is no limit", () => {
  assertEquals(cgroupV2Limit("150000 100000\n"), 1.5);
  assertEquals(cgroupV2Limit("max 100000\n"), undefined);
});

Deno.test("cgroupV1UsedMs() reads nanoseconds, in ms", () => {
  assertEquals(cgroupV1UsedMs("4933734830625\n"), 4_933_734.830625);
});

Deno.test("cgroupV1Limit() divides quota by period; -1 is no limit", () => {
  assertEquals(cgroupV1Limit("50000\n", "100000\n"), 0.5);
  assertEquals(cgroupV1Limit("-1\n", "100000\n"), undefined);
});

Deno.test("cpusIn() counts the processors of a list", () => {
  assertEquals(["0\n", "0-1\n", "0-2,5", "1,3,8-15"].map(cpusIn), [1, 2, 4, 10]);
});

Deno.test("hostReading() counts neither waiting for disks nor other guests as used", () => {
  assertEquals(hostReading(PROC_STAT), { used: 479_742, available: 999_240 });
});

Deno.test("percentUsed() is what was used of what could have been, within 0 to 100", () => {
  const before = { used: 100, available: 1000 };
  assertEquals(percentUsed(before, { used: 150, available: 1200 }), 25);
  assertEquals(percentUsed(before, { used: 400, available: 1200 }), 100);
  assertEquals(percentUsed(before, { used: 90, available: 1200 }), 0);
  assertEquals(percentUsed(before, before), undefined);
});

Deno.test("The readers refuse what they do not know, and show it", () => {
  for (
    const read of [
      () => cgroupV2UsedMs("user_usec 1\n"),
      () => cgroupV2Limit(""),
      () => cgroupV1UsedMs("1.5"),
      () => cgroupV1Limit("x", "1"),
      () => cpusIn(""),
      () => cpusIn("0-"),
      () => hostReading("cpu0 1 2 3 4 5"),
      () => ecsReading({ cpu_stats: { online_cpus: 2 } }),
      () => ecsReading("no"),
    ]
  ) assertThrows(read, SyntaxError, "got");
});

/** As the agent of a task with two containers on two processors answers, shortened. */
const STATS = {
  read: "2026-01-30T12:00:01.000000000Z",
  cpu_stats: {
    cpu_usage: { total_usage: 40_300_000_000, percpu_usage: [20_200_000_000, 20_100_000_000] },
    system_cpu_usage: 9_002_000_000_000,
    online_cpus: 2,
  },
  precpu_stats: {
    cpu_usage: { total_usage: 40_000_000_000 },
    system_cpu_usage: 9_000_000_000_000,
    online_cpus: 2,
  },
};
const CONTAINER = { DockerId: "a-1", Name: "worker", Limits: { CPU: 30, Memory: 512 } };
const SIDECAR = { DockerId: "b-2", Name: "agent", Limits: { CPU: 10 } };

Deno.test("ecsLimit() is the container's part of the task's limit, by shares", () => {
  const task = { Limits: { CPU: 1, Memory: 2048 }, Containers: [SIDECAR, CONTAINER] };
  assertEquals(ecsLimit(CONTAINER, task, 2), 0.75);
  assertEquals(ecsLimit(SIDECAR, task, 2), 0.25);
});

Deno.test("ecsLimit() takes all processors where the task has no limit, and 2 shares where a container has none", () => {
  const { Limits: _, ...bare } = CONTAINER;
  assertEquals(ecsLimit(bare, { Containers: [bare] }, 4), 4);
  assertEquals(ecsLimit(bare, { Limits: { Memory: 5 }, Containers: [bare, SIDECAR] }, 6), 1);
  assertEquals(ecsLimit(bare, {}, 4), 4);
});

Deno.test("ecsPercent() is of the container's part: 0.3 processors of 0.75", () => {
  assertEquals(ecsPercent(ecsReading(STATS), 0.75), 40);
  assertEquals(ecsPercent(ecsReading(STATS), 0.1), 100);
});

Deno.test("ecsPercent() is undefined in a container that has just started", () => {
  const fresh = { ...STATS, precpu_stats: { cpu_usage: { total_usage: 0 }, system_cpu_usage: 0 } };
  assertEquals(ecsPercent(ecsReading(fresh), 1), undefined);
  const { precpu_stats: _, ...older } = STATS;
  assertEquals(ecsPercent(ecsReading(older), 1), undefined);
});
