import { assertEquals, assertMatch } from "@std/assert";
import { lossOutlook, lossTrouble, workerOutlook } from "../../src/observe/data_loss.ts";
import { Totals } from "../../src/observe/totals.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { sample, SAMPLE_EVENTS } from "./sample_events.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const KEY = "shardId-000000000000";

/** A worker that reads one stream which keeps records for a day, under a clock that stands at 0. */
function bed(retentionMs = 24 * HOUR) {
  const clock = new FakeClock();
  const totals = new Totals(clock);
  totals.listener(SAMPLE_EVENTS.workerStarting);
  if (retentionMs > 0) {
    totals.listener(sample("streamDescribed", { streamIdentifier: undefined, retentionMs }));
  }
  totals.listener(SAMPLE_EVENTS.leaseGained);
  const shard = (leaseKey = KEY) => {
    const snapshot = totals.snapshot();
    const found = snapshot.shards.find((one) => one.leaseKey === leaseKey);
    if (found === undefined) throw new Error(`Cannot find ${leaseKey}`);
    return [snapshot, found] as const;
  };
  return {
    clock,
    totals,
    outlook: (leaseKey?: string) => lossOutlook(...shard(leaseKey)),
    trouble: (limitMs?: number) => lossTrouble(...shard(), limitMs),
    /** Lets minutes pass, with batches that end at a lag. */
    pass(minutes: number, lag: (minute: number) => number, leaseKey = KEY) {
      for (let minute = 1; minute <= minutes; minute++) {
        clock.jump(MINUTE);
        totals.listener(
          sample("batchProcessed", { leaseKey, shardId: leaseKey, millisBehindLatest: lag(minute), ms: 0 }),
        );
      }
    },
    /** Lets minutes pass in which nothing but renewals is heard. */
    hang(minutes: number) {
      for (let minute = 1; minute <= minutes; minute++) {
        clock.jump(MINUTE);
        totals.listener(SAMPLE_EVENTS.leaseRenewed);
      }
    },
  };
}

Deno.test("lossOutlook() says when records are trimmed, when they are lost, and when the reader has caught up", () => {
  const { pass, outlook } = bed();
  pass(30, (minute) => 12 * HOUR + minute * MINUTE / 2);
  assertEquals(outlook(), {
    trimmedInMs: 12 * HOUR - 15 * MINUTE,
    lossInMs: 2 * (12 * HOUR - 15 * MINUTE),
    catchUpMs: undefined,
    slope: 0.5,
  });
  pass(30, (minute) => 12 * HOUR - minute * MINUTE / 2);
  assertEquals(outlook(), {
    trimmedInMs: 12 * HOUR + 15 * MINUTE,
    lossInMs: undefined,
    catchUpMs: 24 * HOUR - 30 * MINUTE,
    slope: -0.5,
  });
});

Deno.test("lossOutlook() of a shard without a figure, or of a stream without a retention period, foresees nothing", () => {
  const nothing = { trimmedInMs: undefined, lossInMs: undefined, catchUpMs: undefined, slope: undefined };
  const { outlook, pass } = bed();
  assertEquals(outlook(), nothing);
  pass(30, () => NaN);
  assertEquals(outlook(), nothing);
  const unknown = bed(0);
  unknown.pass(30, (minute) => 40 * HOUR + minute * MINUTE);
  assertEquals(unknown.outlook(), { ...nothing, slope: 1 });
  assertEquals(unknown.trouble(), undefined);
});

Deno.test("lossTrouble() is silent while a reader that began at the oldest record catches up", () => {
  for (const slope of [-0.1, -1, -30]) {
    const { pass, trouble, outlook, clock, totals } = bed();
    totals.listener(sample("pageFetched", { millisBehindLatest: 24 * HOUR }));
    for (let minute = 0; minute < 120; minute++) {
      assertEquals(trouble(), undefined, `minute ${minute} at ${slope}`);
      pass(1, () => Math.max(0, 24 * HOUR + slope * clock.monotonicMs()));
    }
    assertEquals(outlook().lossInMs, undefined);
  }
});

Deno.test("lossTrouble() warns below a quarter of the retention period, or below the limit that is set", () => {
  const { pass, trouble } = bed();
  pass(30, () => 18 * HOUR - 1);
  assertEquals(trouble(), undefined);
  pass(30, () => 18 * HOUR + MINUTE);
  assertEquals(trouble(), {
    level: "warning",
    text:
      "Unread records are trimmed in 5 h 59 min if none is read: its reader is 18 h 1 min behind, catches up " +
      "nothing, and the stream keeps records for 1 d. Raise the stream's retention period now, then find out why " +
      "the reader is slow: kclite lag, kclite explain.",
  });
  assertEquals(trouble(5 * HOUR), undefined);
});

Deno.test("lossTrouble() is an error when loss is certain at the present pace and within the limit", () => {
  const { pass, trouble } = bed();
  pass(30, (minute) => 20 * HOUR + minute * MINUTE / 4);
  assertEquals(trouble()?.level, "warning", "15 h at this pace");
  pass(30, (minute) => 21 * HOUR + minute * MINUTE * 0.9);
  assertEquals(trouble()?.level, "error");
  assertMatch(
    trouble()?.text ?? "",
    /^Records will be lost in 2 h 50 min at the present pace: its reader is 21 h 27 min behind, falls behind by 54 min an hour, /,
  );
});

Deno.test("lossTrouble() sees a shard of which nothing but renewals is heard", () => {
  const { pass, hang, trouble } = bed();
  pass(1, () => 22 * HOUR);
  hang(9);
  assertEquals(trouble(), undefined);
  hang(3);
  assertMatch(trouble()?.text ?? "", /^Records will be lost in 1 h 48 min/);
  hang(120);
  assertMatch(
    trouble()?.text ?? "",
    /^Records are trimmed unread and lost: its reader is 1 d behind, falls behind/,
  );
});

Deno.test("lossTrouble() knows loss from a lag that stays at the end of what the stream keeps", () => {
  const { pass, trouble, outlook } = bed();
  pass(30, (minute) => 24 * HOUR - (minute % 4) * 10_000);
  assertEquals(outlook().lossInMs, 0);
  assertEquals(trouble()?.level, "error");
});

Deno.test("lossTrouble() does not depend on the wall clock, and ends with the lease", () => {
  const { pass, trouble, clock, totals } = bed();
  pass(15, (minute) => 22 * HOUR + minute * MINUTE);
  const before = trouble();
  clock.setEpochMs(0);
  assertEquals(trouble(), before);
  assertEquals(before?.level, "error");
  totals.listener(SAMPLE_EVENTS.leaseLost);
  assertEquals(trouble(), undefined);
});

Deno.test("workerOutlook() is of the shard that comes to it first", () => {
  const { pass, totals, outlook } = bed();
  const second = "shardId-000000000001";
  totals.listener(sample("leaseGained", { leaseKey: second, shardId: second }));
  assertEquals(workerOutlook(totals.snapshot()).trimmedInMs, undefined);
  for (let minute = 1; minute <= 15; minute++) {
    pass(1, () => 23 * HOUR - minute * MINUTE * 5); // furthest behind, and catching up
    totals.listener(sample("batchProcessed", {
      leaseKey: second,
      shardId: second,
      millisBehindLatest: 12 * HOUR + minute * MINUTE,
      ms: 0,
    }));
  }
  const worker = workerOutlook(totals.snapshot());
  assertEquals(worker.trimmedInMs, outlook().trimmedInMs);
  assertEquals(worker.lossInMs, outlook(second).lossInMs);
  assertEquals([worker.leaseKey, worker.catchUpMs], [KEY, outlook().catchUpMs]);
  assertEquals(worker.lossInMs, 12 * HOUR - 15 * MINUTE);
});
