import { assertEquals, assertMatch } from "@std/assert";
import { summaryLine } from "../../src/observe/summary.ts";
import { Totals } from "../../src/observe/totals.ts";
import { healthOf } from "../../src/observe/verdict.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { SAMPLE_EVENTS } from "./sample_events.ts";

Deno.test("summaryLine() says in one line how a worker is, and names its faults", () => {
  const clock = new FakeClock();
  const totals = new Totals(clock);
  const { workerStarting, workerReady, leaseGained, batchProcessed } = SAMPLE_EVENTS;
  [workerStarting, workerReady, leaseGained].forEach(totals.listener);
  const before = totals.snapshot();
  clock.jump(10_000);
  totals.listener(batchProcessed);
  const now = totals.snapshot();
  assertEquals(summaryLine(now, before, healthOf(now)), {
    level: "info",
    text: "Healthy: w1: 1 shard, lag 0 ms, 1 records/s, 100 B/s, 10 records so far",
  });
  clock.jump(20_000);
  const later = totals.snapshot();
  const { level, text } = summaryLine(later, now, healthOf(later));
  assertEquals(level, "warning");
  assertMatch(text, /^Failing: w1: 1 shard, .*; faults: shardId-000000000000 renewalOverdue$/);
});
