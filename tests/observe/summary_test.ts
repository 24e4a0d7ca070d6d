import { assertEquals, assertMatch } from "@std/assert";
import { summaryLine } from "../../src/observe/summary.ts";
import { Totals } from "../../src/observe/totals.ts";
import { healthOf } from "../../src/observe/verdict.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { sample, SAMPLE_EVENTS } from "./sample_events.ts";

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

Deno.test("summaryLine() counts every held shard, has rates since the last look, and names what was skipped", () => {
  const clock = new FakeClock();
  const totals = new Totals(clock);
  totals.listener(SAMPLE_EVENTS.workerReady);
  totals.listener(SAMPLE_EVENTS.leadershipGained);
  for (const leaseKey of ["shard-b", "shard-a"]) totals.listener(sample("leaseGained", { leaseKey }));
  const before = totals.snapshot();
  assertEquals(
    summaryLine(before, undefined, { healthy: true, ready: true, faults: [] }).text,
    "Healthy: w1 (leader): 2 shards, lag unknown, 0 records so far",
  );
  clock.jump(2000);
  totals.listener(
    sample("batchProcessed", { leaseKey: "shard-a", records: 5000, bytes: 4096, millisBehindLatest: 1200 }),
  );
  totals.listener(sample("batchFailed", { leaseKey: "shard-b", records: 3 }));
  assertEquals(
    summaryLine(totals.snapshot(), before, { healthy: true, ready: true, faults: [] }).text,
    "Healthy: w1 (leader): 2 shards, lag 1.2 s, 2,500 records/s, 2.0 KiB/s, 5,000 records so far, 3 SKIPPED",
  );
});
