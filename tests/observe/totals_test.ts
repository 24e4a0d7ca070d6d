import { assertEquals } from "@std/assert";
import type { WorkerEvent } from "../../src/events.ts";
import { largestLagMs, shardLags } from "../../src/observe/lag.ts";
import type { ShardTotals } from "../../src/observe/shard_totals.ts";
import { Totals } from "../../src/observe/totals.ts";
import { retentionOfLease } from "../../src/observe/worker_totals.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { CHECKPOINTED_END, sample, SAMPLE_EVENTS } from "./sample_events.ts";

const KEY = "shardId-000000000000";

Deno.test("Totals forgets ended shards after ten minutes", () => {
  const { clock, totals } = worker(SAMPLE_EVENTS.leaseGained, SAMPLE_EVENTS.leaseLost);
  clock.jump(600_000);
  assertEquals(totals.snapshot().shards.map(({ ended }) => ended?.why), ["taken"]);
  clock.jump(1);
  assertEquals(totals.snapshot().shards, []);
});

Deno.test("Totals keeps at most a hundred ended shards, the latest ones", () => {
  const { clock, totals } = worker();
  for (let i = 0; i < 150; i++) {
    const leaseKey = `shard-${String(i).padStart(3, "0")}`;
    totals.listener(sample("leaseGained", { leaseKey }));
    clock.jump(1);
    totals.listener(sample("leaseLost", { leaseKey }));
  }
  const { shards } = totals.snapshot();
  assertEquals([shards.length, shards[0]?.leaseKey], [100, "shard-050"]);
});

Deno.test("Totals keeps an ended shard for as long as its callback runs", () => {
  const { clock, totals } = worker(
    SAMPLE_EVENTS.leaseGained,
    SAMPLE_EVENTS.callbackStarted,
    SAMPLE_EVENTS.leaseLost,
  );
  clock.jump(3_600_000);
  assertEquals(totals.snapshot().shards.length, 1);
  totals.listener(SAMPLE_EVENTS.callbackEnded);
  assertEquals(totals.snapshot().shards, []);
});

Deno.test("Totals shows the oldest of the callbacks that run, and forgets each as it ends", () => {
  const { clock, totals } = worker(SAMPLE_EVENTS.leaseGained);
  for (const call of [7, 8, 9]) {
    totals.listener(sample("callbackStarted", { call, records: call }));
    clock.jump(10);
  }
  const shown = () => {
    const [shard] = totals.snapshot().shards;
    return [shard?.callback, ...shard?.laterCallbacks ?? []].map((one) => one?.call);
  };
  assertEquals(shown(), [7, 8, 9]);
  totals.listener(sample("callbackEnded", { call: 8 }));
  assertEquals(shown(), [7, 9]);
  totals.listener(sample("callbackEnded", { call: 7, error: new Error("one of many") }));
  assertEquals(shown(), [9]);
  // Of an earlier hold of the lease.
  totals.listener(sample("callbackEnded", { call: 3 }));
  assertEquals(shown(), [9]);
  totals.listener(sample("callbackEnded", { call: 9 }));
  assertEquals(shown(), [undefined]);
});

Deno.test("Totals keeps the first reason for which a lease ended, and counts no loss after the shard's end", () => {
  const { totals } = worker(
    SAMPLE_EVENTS.leaseGained,
    SAMPLE_EVENTS.shardCompleted,
    sample("leaseLost", { reason: "deleted" }),
  );
  const { shards, series } = totals.snapshot();
  assertEquals(shards.map(({ ended }) => ended?.why), ["completed"]);
  assertEquals(series.filter(({ name, sum }) => name === "leases_lost_total" && sum > 0), []);
});

Deno.test("Totals ignores a lease that was never gained here", () => {
  const { totals } = worker(
    SAMPLE_EVENTS.leaseAssigned,
    SAMPLE_EVENTS.leaseReleased,
    SAMPLE_EVENTS.pageFetched,
  );
  assertEquals(totals.snapshot().shards, []);
});

Deno.test("Totals starts a shard anew when its lease is gained again, and sums the time held", () => {
  const { clock, totals } = worker(SAMPLE_EVENTS.leaseGained, SAMPLE_EVENTS.batchProcessed);
  clock.jump(1000);
  totals.listener(SAMPLE_EVENTS.leaseLost);
  clock.jump(5000);
  totals.listener(SAMPLE_EVENTS.leaseGained);
  clock.jump(200);
  const { shards, leaseHeldMs } = totals.snapshot();
  assertEquals(shards.map(({ recordsProcessed, ended }) => [recordsProcessed, ended]), [[0, undefined]]);
  assertEquals(leaseHeldMs, 1200);
});

/** Restarts in a row of a lease, lost and gained again after the work. */
function restartsAfter(between: (bed: ReturnType<typeof worker>) => void, leaseKey = KEY) {
  const bed = worker(
    sample("leaseGained", { leaseKey }),
    ...Array(3).fill(sample("processorRestarting", { leaseKey })),
  );
  bed.totals.listener(sample("leaseLost", { leaseKey }));
  between(bed);
  bed.totals.listener(sample("leaseGained", { leaseKey }));
  bed.totals.listener(sample("processorRestarting", { leaseKey }));
  return bed.totals.snapshot().shards.find((shard) => shard.leaseKey === leaseKey)?.restarts?.inARow;
}

Deno.test("Totals remembers what failed in a row longer than it shows ended shards", () => {
  assertEquals(restartsAfter(({ clock }) => clock.jump(3_600_000)), 4);
  const others = ({ clock, totals }: ReturnType<typeof worker>, count: number) => {
    for (let i = 0; i < count; i++) {
      totals.listener(sample("leaseGained", { leaseKey: `other-${i}` }));
      totals.listener(sample("batchFailed", { leaseKey: `other-${i}` }));
      totals.listener(sample("leaseLost", { leaseKey: `other-${i}` }));
      clock.jump(1);
    }
  };
  assertEquals(restartsAfter((bed) => others(bed, 500)), 4);
});

Deno.test("Totals takes a deleted lease for no longer held, though nobody has called its shard completed", () => {
  const endOf = (reason: "completed" | "garbage" | "formerStream") => {
    const { totals } = worker(SAMPLE_EVENTS.leaseGained, sample("leaseDeleted", { leaseKey: KEY, reason }));
    return totals.snapshot().shards[0]?.ended?.why;
  };
  assertEquals([endOf("completed"), endOf("garbage")], ["completed", "completed"]);
  assertEquals(endOf("formerStream"), undefined, "its holder finds out by itself");
});

Deno.test("Totals forgets what failed in a row with a shard that is completed or deleted, and with its stream", () => {
  const ended = (event: WorkerEvent) => {
    const { totals } = worker(SAMPLE_EVENTS.leaseGained, SAMPLE_EVENTS.processorRestarting, event);
    totals.listener(SAMPLE_EVENTS.leaseGained);
    return totals.snapshot().shards[0]?.restarts;
  };
  assertEquals(ended(SAMPLE_EVENTS.leaseReleased)?.inARow, 1);
  assertEquals(ended(SAMPLE_EVENTS.shardCompleted), undefined);
  assertEquals(ended(sample("leaseLost", { reason: "deleted" })), undefined);

  const { streamIdentifier } = SAMPLE_EVENTS.streamRemoved;
  const leaseKey = `${streamIdentifier}:${KEY}`;
  for (const waitMs of [0, 3_600_000]) {
    const removed = (event: WorkerEvent) =>
      restartsAfter(({ clock, totals }) => {
        clock.jump(waitMs);
        totals.snapshot();
        totals.listener(event);
      }, leaseKey);
    assertEquals(removed(SAMPLE_EVENTS.streamRemoved), 1);
    assertEquals(removed(sample("streamRemoved", { streamIdentifier: `${streamIdentifier}0` })), 4);
  }
  assertEquals(
    restartsAfter(({ clock, totals }) => {
      clock.jump(3_600_000);
      totals.snapshot();
      totals.listener(SAMPLE_EVENTS.leaseDeleted);
    }),
    1,
  );
});

Deno.test("Totals ends every shard when the worker stops", () => {
  const { totals } = worker(SAMPLE_EVENTS.leaseGained, SAMPLE_EVENTS.workerStopped);
  assertEquals(totals.snapshot().shards.map(({ ended }) => ended?.why), ["workerStopped"]);
});

Deno.test("Totals follows leadership and forgets the fleet with it", () => {
  const { totals } = worker(SAMPLE_EVENTS.leadershipGained, SAMPLE_EVENTS.assignmentPass);
  assertEquals(totals.snapshot().worker.fleet, {
    leases: 4,
    workers: 2,
    expired: 1,
    unread: 1,
    maxLagMs: 4200,
    maxLagLeaseKey: "shardId-000000000003",
  });
  totals.listener(SAMPLE_EVENTS.leadershipLost);
  const { leader, fleet } = totals.snapshot().worker;
  assertEquals([leader, fleet], [false, undefined]);
});

Deno.test("foldShard() resets the count of uncheckpointed ends once SHARD_END is stored", () => {
  const { totals } = worker(SAMPLE_EVENTS.leaseGained, sample("shardEndNotCheckpointed", { attempt: 7 }));
  totals.listener(SAMPLE_EVENTS.checkpointed);
  assertEquals(only(totals).shardEndsNotCheckpointed, 7);
  totals.listener(CHECKPOINTED_END);
  assertEquals(only(totals).shardEndsNotCheckpointed, 0);
});

Deno.test("Totals knows since when the worker has been well, or not, by its own watch", () => {
  const { clock, totals } = worker();
  const since = () => {
    const { verdictSinceMs, troubles } = totals.snapshot().worker;
    return [verdictSinceMs, [...troubles.values()].map(({ code }) => code)];
  };
  const tell = (type: "faultBegan" | "faultEnded", level: "error" | "warning", leaseKey: string) => {
    const code = level === "error" ? "noProgress" : "callbackSlow";
    totals.listener(
      type === "faultBegan"
        ? { type, code, level, leaseKey, text: "It stands." }
        : { type, code, leaseKey, ms: 1 },
    );
    clock.jump(1000);
  };
  assertEquals(since(), [undefined, []]);
  clock.jump(1000);
  totals.listener(SAMPLE_EVENTS.workerReady);
  clock.jump(1000);
  tell("faultBegan", "warning", "a");
  assertEquals(since(), [1000, ["callbackSlow"]]);
  tell("faultBegan", "error", "a");
  tell("faultBegan", "error", "b");
  tell("faultEnded", "warning", "a");
  tell("faultEnded", "error", "a");
  assertEquals(since(), [3000, ["noProgress"]]);
  tell("faultEnded", "error", "b");
  tell("faultEnded", "error", "b");
  assertEquals(since(), [7000, []]);
  totals.listener(SAMPLE_EVENTS.workerStopped);
  assertEquals(since(), [undefined, []]);
});

Deno.test("Totals knows when a checkpoint was last stored, or else when the lease was gained", () => {
  const { clock, totals } = worker(SAMPLE_EVENTS.leaseGained);
  clock.jump(1000);
  totals.listener(SAMPLE_EVENTS.leaseRenewed);
  assertEquals(only(totals).checkpointMs, 0);
  totals.listener(SAMPLE_EVENTS.checkpointed);
  assertEquals(only(totals).checkpointMs, 1000);
});

Deno.test("lagMs() is what Kinesis told while it is fresh, and grows with its age after ten seconds", () => {
  const { clock, totals } = worker(
    SAMPLE_EVENTS.leaseGained,
    sample("pageFetched", { records: 0, millisBehindLatest: 500 }),
  );
  clock.jump(10_000);
  assertEquals(largestLagMs(totals.snapshot()), 500);
  clock.jump(1);
  assertEquals(largestLagMs(totals.snapshot()), 10_501);
});

Deno.test("lagMs() is that of processing: a page read ahead of a running batch does not lower it", () => {
  const { totals } = worker(
    SAMPLE_EVENTS.leaseGained,
    sample("pageFetched", { millisBehindLatest: 90_000 }),
    SAMPLE_EVENTS.callbackStarted,
    sample("pageFetched", { records: 0, millisBehindLatest: 0 }),
  );
  assertEquals(largestLagMs(totals.snapshot()), 90_000);
  totals.listener(SAMPLE_EVENTS.callbackEnded);
  totals.listener(sample("pageFetched", { records: 0, millisBehindLatest: 0 }));
  assertEquals(largestLagMs(totals.snapshot()), 0);
});

Deno.test("lagMs() counts the time that the batch itself took", () => {
  const { clock, totals } = worker(SAMPLE_EVENTS.leaseGained, SAMPLE_EVENTS.callbackStarted);
  clock.jump(30_000);
  totals.listener(sample("batchProcessed", { millisBehindLatest: 1000, ms: 30_000 }));
  assertEquals(largestLagMs(totals.snapshot()), 31_000);
});

Deno.test("largestLagMs() is the largest of the held shards, and unknown without any", () => {
  const { totals } = worker();
  assertEquals(largestLagMs(totals.snapshot()), undefined);
  for (const [leaseKey, millisBehindLatest] of [["a", 5], ["b", 7000], ["c", 900_000]] as const) {
    totals.listener(sample("leaseGained", { leaseKey }));
    totals.listener(sample("pageFetched", { leaseKey, millisBehindLatest }));
  }
  totals.listener(sample("leaseLost", { leaseKey: "c" }));
  assertEquals(largestLagMs(totals.snapshot()), 7000);
});

Deno.test("shardLags() tells owner, checkpoint, lag and last progress of held shards", () => {
  const { clock, totals } = worker(SAMPLE_EVENTS.leaseGained, SAMPLE_EVENTS.phaseChanged);
  clock.jump(1500);
  const start = {
    shardId: KEY,
    leaseKey: KEY,
    owner: "w1",
    phase: "processing" as const,
    checkpoint: { sequenceNumber: "4967", subSequenceNumber: 0 },
    lastProgress: "2026-01-30T12:00:00.000Z",
  };
  assertEquals(shardLags(totals.snapshot()), [
    { ...start, millisBehindLatest: null, lagMs: null, msSinceProgress: 1500 },
  ]);
  totals.listener(SAMPLE_EVENTS.leaseReleased);
  assertEquals(shardLags(totals.snapshot()), []);
});

function worker(...events: readonly WorkerEvent[]): { readonly clock: FakeClock; readonly totals: Totals } {
  const clock = new FakeClock();
  const totals = new Totals(clock);
  for (const event of events) totals.listener(event);
  return { clock, totals };
}

function only(totals: Totals): ShardTotals {
  const [shard] = totals.snapshot().shards;
  if (shard === undefined) throw new Error("no shard is known");
  return shard;
}

Deno.test("Totals keeps an hour of the lag of held shards, a figure a minute, and of the worker", () => {
  const { clock, totals } = worker(SAMPLE_EVENTS.leaseGained);
  const batch = (millisBehindLatest: number) =>
    totals.listener(sample("batchProcessed", { millisBehindLatest, records: 600, ms: 0 }));
  batch(9000);
  batch(4000);
  clock.jump(60_000);
  totals.listener(sample("pageFetched", { records: 0, millisBehindLatest: 1000 }));
  clock.setEpochMs(0); // a wall clock that jumps
  clock.jump(60_000);
  // Nothing but a renewal is heard of it: it falls behind as time passes.
  totals.listener(SAMPLE_EVENTS.leaseRenewed);
  const { history } = totals.snapshot();
  assertEquals(history.lagOf(KEY), [9000, 1000, 61_000]);
  assertEquals(history.largestLag(), [9000, 1000, 61_000]);
  assertEquals(history.recordsPerSecond(), [20, 0, undefined]);
  totals.listener(SAMPLE_EVENTS.leaseLost);
  assertEquals(totals.snapshot().history.lagOf(KEY), []);
  assertEquals(totals.snapshot().history.largestLag(), [9000, 1000, 61_000]);
  totals.listener(SAMPLE_EVENTS.leaseGained);
  assertEquals(totals.snapshot().history.lagOf(KEY), []);
});

Deno.test("Totals knows how long each stream keeps its records, and forgets a stream that is removed", () => {
  const { totals } = worker(SAMPLE_EVENTS.workerStarting);
  const orders = "123456789012:orders:1700000000";
  const retention = (leaseKey: string) => retentionOfLease(totals.snapshot().worker, leaseKey);
  assertEquals(retention(KEY), undefined);
  totals.listener(sample("streamDescribed", { streamIdentifier: undefined, retentionMs: 3_600_000 }));
  totals.listener(sample("streamDescribed", { streamIdentifier: orders, retentionMs: 7_200_000 }));
  assertEquals([retention(KEY), retention(`${orders}:${KEY}`)], [3_600_000, 7_200_000]);
  assertEquals(retention(`999999999999:orders:1700000000:${KEY}`), undefined);
  totals.listener(sample("streamRemoved", { streamIdentifier: orders }));
  assertEquals([retention(KEY), retention(`${orders}:${KEY}`)], [3_600_000, undefined]);
});
