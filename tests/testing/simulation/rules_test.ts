/**
 * The rules that could be blind: what they let pass, and the first thing that they do not.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import type { Item } from "../../../src/aws/dynamodb.ts";
import type { Lease } from "../../../src/lease/lease.ts";
import { assign, checkpoint, type LeaseWrite, renew, startHandoff } from "../../../src/lease/lease_write.ts";
import { leaseItemWrite, leaseOf, newLeaseItem } from "../../../src/store/lease_item.ts";
import { updatedItem } from "../../../src/store/item_write.ts";
import { positionAt, SHARD_END } from "../../../src/stream/sequence_number.ts";
import type { RecordsBatch, ShardContext } from "../../../src/consumer/record_processor.ts";
import { Chance } from "../../../src/testing/model/chance.ts";
import { type Callback, DeliveryRules } from "../../../src/testing/simulation/delivery_rules.ts";
import { History } from "../../../src/testing/simulation/history.ts";
import { LeaseRules } from "../../../src/testing/simulation/lease_rules.ts";
import { Progress } from "../../../src/testing/simulation/processed_records.ts";
import { ReadingRules } from "../../../src/testing/simulation/reading_rules.ts";
import { SimulatedStream, WORLD_EPOCH_MS } from "../../../src/testing/model/simulated_stream.ts";
import { SimulatedStreams } from "../../../src/testing/simulation/simulated_streams.ts";
import { VirtualTime } from "../../../src/testing/simulation/virtual_time.ts";
import { output } from "../../support/scripted_kinesis.ts";
import { newLease } from "../../lease/fixtures.ts";

/** A world's time and history, and what moves the time. */
function world() {
  const time = new VirtualTime();
  const history = new History(time);
  const passes = async (ms: number) => {
    const untilMs = time.nowMs + ms;
    time.after(ms, () => {});
    await time.run(() => time.nowMs < untilMs);
  };
  return { time, history, passes, broken: () => history.violation?.invariant };
}

Deno.test("readsKeepTheirPace: six reads of a shard within a second pass, by whatever readers, seven do not", async () => {
  for (
    const [count, pauseMs, broken] of [[6, 0, undefined], [7, 0, "readsKeepTheirPace"], [
      50,
      200,
      undefined,
    ]] as const
  ) {
    const { time, history, passes, broken: found } = world();
    const rules = new ReadingRules({ time, history, maxBufferedBytes: 0 });
    for (let i = 0; i < count; i++) {
      for (const shard of ["s", "another"]) {
        // Each by a reader of its own; so many within ten seconds are against another rule.
        if (count < 25 || i < 20) rules.opened("w", shard, { type: "LATEST" });
        rules.read("w", shard);
      }
      if (pauseMs > 0) await passes(pauseMs);
    }
    assertEquals(found(), broken);
  }
});

Deno.test("readsKeepTheirPace: a reader leaves a fifth of a second between two reads, a new one does not wait for it", async () => {
  for (
    const [pauseMs, isNew, found] of [[150, false, "readsKeepTheirPace"], [150, true, undefined]] as const
  ) {
    const { time, history, passes, broken } = world();
    const rules = new ReadingRules({ time, history, maxBufferedBytes: 0 });
    rules.read("w", "s");
    await passes(pauseMs);
    if (isNew) rules.opened("w", "s", { type: "LATEST" });
    rules.read("w", "s");
    assertEquals(broken(), found);
  }
});

Deno.test("buffersKeepTheirBounds: pages wait up to the bytes of the worker and two of each shard", () => {
  const page = (n: number) => output([n], "next", { bytes: 100 });
  const { time, history, broken } = world();
  const rules = new ReadingRules({ time, history, maxBufferedBytes: 100 });
  for (const n of [1, 2, 3]) rules.fetched("w", "a", page(n));
  rules.fetched("other", "a", page(4));
  assertEquals(broken(), undefined, "300 of 300 bytes, and another worker");
  rules.handedOver("w", "a", positionAt("1"));
  rules.fetched("w", "a", page(4));
  assertEquals(broken(), undefined, "what was handed over does not wait");
  rules.fetched("w", "a", page(5));
  assertEquals(broken(), "buffersKeepTheirBounds");
});

Deno.test("buffersKeepTheirBounds: six pages of a shard wait, however small, and a new reader keeps none of the old ones", () => {
  const { time, history, broken } = world();
  const rules = new ReadingRules({ time, history, maxBufferedBytes: 1e9 });
  for (let n = 1; n <= 6; n++) rules.fetched("w", "a", output([n]));
  rules.fetched("w", "a", output([])); // an empty page is none
  for (let i = 0; i < 9; i++) rules.fetched("w", "a", output([6])); // the same again stands for itself
  rules.opened("w", "a", { type: "TRIM_HORIZON" });
  for (let n = 1; n <= 6; n++) rules.fetched("w", "a", output([n]));
  assertEquals(broken(), undefined);
  rules.fetched("w", "a", output([7]));
  assertEquals(broken(), "buffersKeepTheirBounds");
});

Deno.test("positionsExist: only numbers are asked for by number", () => {
  const { time, history, broken } = world();
  const rules = new ReadingRules({ time, history, maxBufferedBytes: 0 });
  rules.opened("w", "a", { type: "AT_SEQUENCE_NUMBER", sequenceNumber: "17" });
  assertEquals(broken(), undefined);
  rules.opened("w", "a", { type: "AT_SEQUENCE_NUMBER", sequenceNumber: "SHARD_END" });
  assertEquals(broken(), "positionsExist");
});

/** A table of one lease under the rules, in which processes `<worker>#<n>` write. */
function lease() {
  const base = world();
  const { time, history } = base;
  const stream = new SimulatedStream({
    chance: new Chance("test"),
    shardCount: 1,
    payload: () => new Uint8Array(),
  });
  const [shardId = ""] = stream.shards.keys();
  const progress = new Progress(new SimulatedStreams([stream]), "TRIM_HORIZON");
  const rules = new LeaseRules({
    time,
    history,
    streams: new SimulatedStreams([stream]),
    failoverTimeMs: 10_000,
    handoffTimeoutMs: 30_000,
    isHandoffGraceful: true,
    progress,
    workerOf: (machine) => machine.replace(/#\d+$/, ""),
    supersededMs: (machine) => machine === "old#1" && time.nowMs >= 5000 ? 5000 : undefined,
    isGone: (workerId) => workerId === "dead",
  });
  let item: Item | undefined;
  const put = (by: string, after: Item | undefined) => {
    rules.applied({ by, sentMs: time.nowMs, key: shardId, before: item, after, update: undefined });
    item = after;
  };
  put("w1#1", newLeaseItem(newLease(shardId)));
  const current = (): Lease => {
    const readout = item === undefined ? undefined : leaseOf(item);
    if (readout?.type !== "read") throw new Error("no lease");
    return readout.value;
  };
  const write = (by: string, make: (lease: Lease) => LeaseWrite) => {
    const before = item;
    const { update } = leaseItemWrite(make(current()));
    item = updatedItem(before ?? {}, update);
    rules.applied({ by, sentMs: time.nowMs, key: shardId, before, after: item, update });
  };
  const acquire = (worker: string) => {
    write("leader#1", (lease) => assign(lease, worker));
    write(`${worker}#1`, renew);
    return current().leaseCounter;
  };
  return { ...base, stream, shardId, progress, rules, put, write, acquire };
}

/** Processors of two processes of one name, and one of another, under the rules for deliveries. */
function deliveries() {
  const made = lease();
  const { time, history, stream, progress, rules: leases, shardId, passes, write } = made;
  const reading = new ReadingRules({ time, history, maxBufferedBytes: 0 });
  const rules = new DeliveryRules({
    ...{ time, history, progress, reading, streams: new SimulatedStreams([stream]) },
    ...{ failoverTimeMs: 10_000, isHandoffGraceful: true, leases: () => leases },
    workerOf: (machine) => machine.replace(/#\d+$/, ""),
    supersededMs: (machine) => machine === "old#1" && time.nowMs >= 5000 ? 5000 : undefined,
  });
  /** A process takes the lease by a heartbeat and begins. @returns what delivers: it renews first. */
  const begin = async (machine: string) => {
    write(machine, renew);
    const token = leases.leaseOf(shardId)?.leaseCounter ?? 0;
    const visit = rules.begin(machine, {
      ...{ leaseKey: shardId, shardId, initialCheckpoint: positionAt("TRIM_HORIZON") },
      ...{ fencingToken: { token }, signal: new AbortController().signal },
    } as unknown as ShardContext);
    const call = (callback: Callback) => {
      rules.enter(visit, callback);
      if (callback === "processRecords") rules.deliver(visit, { records: [] } as unknown as RecordsBatch);
      rules.leave(visit);
    };
    call("initialize");
    return (ms: number, isRenewed = true) => {
      if (isRenewed) write(machine, renew);
      call("processRecords");
      return passes(ms);
    };
  };
  return { ...made, begin };
}

Deno.test("oneIncarnationDelivers: an older process of the name goes on for the failover time, and no longer", async () => {
  for (const [second, found] of [["w1#2", "oneIncarnationDelivers"], ["w1#1", undefined]] as const) {
    const { acquire, begin, broken } = deliveries();
    acquire("w1");
    const first = await begin("w1#1");
    await first(1000);
    const newer = await begin(second);
    await newer(1000);
    for (let ms = 1000; ms < 10_000; ms += 3000) await first(3000);
    await first(1);
    assertEquals(broken(), undefined);
    await first(0);
    assertEquals(broken(), found, "one process that begins anew is no other one");
  }
});

Deno.test("oneIncarnationDelivers: the newer process has had no records before it delivers, and goes on for ever", async () => {
  const { acquire, begin, broken } = deliveries();
  acquire("w1");
  const first = await begin("w1#1");
  await first(1000);
  const newer = await begin("w1#2");
  await first(9000);
  for (let i = 0; i < 20; i++) await newer(1000);
  assertEquals(broken(), undefined);
});

Deno.test("theSupersededAreIdle: they write nothing but the end of their lock, and begin nothing", async () => {
  const { acquire, begin, rules, time, broken } = deliveries();
  acquire("old");
  const deliver = await begin("old#1");
  await deliver(6000);
  const end = { by: "old#1", sentMs: time.nowMs, before: {}, after: undefined, update: undefined };
  rules.applied({ ...end, key: "Leader" });
  rules.applied({ ...end, key: "old", sentMs: 5000 });
  assertEquals(broken(), undefined, "its lock is given back, and what was under way arrives");
  rules.applied({ ...end, key: "old" });
  assertEquals(broken(), "theSupersededAreIdle");

  const other = deliveries();
  other.acquire("old");
  const late = await other.begin("old#1");
  await other.passes(6000);
  await late(0, false);
  assertEquals(other.broken(), "theSupersededAreIdle");
});

Deno.test("goneWorkersAreGivenNothing: a lease is given to a worker that is gone twice, and no more", async () => {
  const { acquire, write, passes, broken } = lease();
  for (let round = 1; round <= 3; round++) {
    acquire("w1");
    write("w1#1", (lease) => startHandoff({ ...lease, leaseOwner: "w1" }, "dead"));
    write("w1#1", (lease) => assign(lease, "dead"));
    assertEquals(broken(), round <= 2 ? undefined : "goneWorkersAreGivenNothing");
    await passes(10_001);
  }
});

Deno.test("fencingTokensGrow: a token is a counter that its process has written, and the owner's is the greatest", async () => {
  const right = lease();
  const first = right.acquire("w1");
  right.rules.begun("w1#1", right.shardId, first);
  right.rules.begun("w1#1", right.shardId, first); // a fresh processor of the same acquisition
  await right.passes(10_001);
  const second = right.acquire("w2");
  right.rules.begun("w2#1", right.shardId, second);
  right.rules.begun("w1#1", right.shardId, first); // was late, and does not own it any more
  assertEquals([first, second, right.broken()], [2, 4, undefined]);

  const foreign = lease();
  foreign.rules.begun("w1#1", foreign.shardId, foreign.acquire("w1") - 1);
  assertEquals(foreign.broken(), "fencingTokensGrow");
  assertMatch(foreign.history.violation?.detail ?? "", /token 1, a counter that nobody has written/);

  const stale = lease();
  const old = stale.acquire("w1");
  await stale.passes(10_001);
  stale.rules.begun("w2#1", stale.shardId, stale.acquire("w2"));
  await stale.passes(10_001);
  stale.acquire("w1");
  assertEquals(stale.broken(), undefined);
  stale.rules.begun("w1#1", stale.shardId, old);
  assertEquals(stale.broken(), "fencingTokensGrow");
});

Deno.test("noLiveLeaseTaken: only when the counter stood still for longer than the failover time", async () => {
  for (const [ms, broken] of [[10_000, "noLiveLeaseTaken"], [10_001, undefined]] as const) {
    const { acquire, passes, broken: found } = lease();
    acquire("w1");
    await passes(ms);
    acquire("w2");
    assertEquals(found(), broken);
  }
});

Deno.test("noLiveLeaseTaken: a lease that was given to a worker that has left is free until that worker begins it", () => {
  const item = (stands: boolean) => stands ? { entityType: { S: "WORKER_METRIC_STATS" } } : undefined;
  const cases = [[[true, false], false, undefined], [[true, false], true, "noLiveLeaseTaken"], [
    [true],
    false,
    "noLiveLeaseTaken",
  ], [[], false, "noLiveLeaseTaken"]] as const;
  for (const [items, hasBegun, broken] of cases) {
    const { write, rules, time, broken: found } = lease();
    let before: Item | undefined;
    for (const stands of items) {
      const after = item(stands);
      rules.applied({ by: "w1#1", sentMs: time.nowMs, key: "w1", before, after, update: undefined });
      before = after;
    }
    write("leader#1", (lease) => assign(lease, "w1"));
    if (hasBegun) write("w1#1", (lease) => renew(lease));
    write("leader#1", (lease) => assign(lease, "w2"));
    assertEquals(found(), broken);
  }
});

Deno.test("unfinishedLeaseDeleted, nothingUnprocessedBehindACheckpoint: as soon as it is written", () => {
  const { stream, shardId, progress, write, acquire, put, broken, history } = lease();
  stream.put(0);
  const [step] = stream.shards.get(shardId)?.steps ?? [];
  if (step === undefined) throw new Error("nothing was put");
  acquire("w1");
  progress.process(shardId, 0);
  write("w1#1", (lease) => checkpoint(lease, step.position));
  assertEquals(broken(), undefined);
  put("w1#1", undefined);
  assertEquals(broken(), "unfinishedLeaseDeleted");
  assertMatch(history.violation?.detail ?? "", /deleted by w1#1/);

  const hasty = lease();
  hasty.stream.put(0);
  hasty.acquire("w1");
  hasty.write("w1#1", (lease) => checkpoint(lease, SHARD_END));
  assertEquals(hasty.broken(), "nothingUnprocessedBehindACheckpoint");
});

Deno.test("Progress promises LATEST from the first lease on, and less where its worker's clock is ahead", () => {
  const stream = new SimulatedStream({
    chance: new Chance("test"),
    shardCount: 1,
    payload: () => new Uint8Array(),
  });
  const [shardId = ""] = stream.shards.keys();
  for (const ms of [0, 4000, 10_000]) stream.put(ms);
  const steps = stream.shards.get(shardId)?.steps ?? [];
  const promised = (epochMs: number | undefined) => {
    const progress = new Progress(new SimulatedStreams([stream]), "LATEST");
    progress.leased(shardId, 1000, epochMs);
    progress.leased(shardId, 20_000, epochMs); // the first one counts
    return new Set(
      steps.filter((_, place) => !progress.isOptional(shardId, place)).map(({ putMs }) => putMs),
    );
  };
  assertEquals(promised(WORLD_EPOCH_MS + 1000), new Set([10_000]));
  assertEquals(promised(WORLD_EPOCH_MS - 9000), new Set([10_000]));
  assertEquals(promised(WORLD_EPOCH_MS + 7000), new Set());
  assertEquals(promised(undefined), new Set([10_000]));
});

Deno.test("Progress knows what is trimmed, and a key out of order", () => {
  const stream = new SimulatedStream({
    chance: new Chance("3"),
    shardCount: 1,
    payload: () => new Uint8Array(),
  });
  const [shard] = stream.shards.values();
  if (shard === undefined) throw new Error("no shard");
  while (shard.records.length < 30) stream.put(0);
  const progress = new Progress(new SimulatedStreams([stream]), "TRIM_HORIZON");
  const [, second] = shard.records;
  if (second === undefined) throw new Error("no record");
  stream.trim(shard, { sequenceNumber: second.sequenceNumber, subSequenceNumber: 9 });
  const trimmed = shard.placeAfter.get(second.sequenceNumber) ?? 0;
  assertEquals([trimmed - 1, trimmed].map((place) => progress.isTrimmed(shard.shardId, place)), [
    true,
    false,
  ]);
  assertEquals(progress.isOptional(shard.shardId, 0), false);
  const later = shard.steps.findIndex(({ step }) => step === 2);
  assertMatch(progress.process(shard.shardId, later) ?? "", /step 2, but step 1 .* was not processed/);
});

Deno.test("repairsSlowDown: a process is refused 25 iterators of a shard within ten seconds, and not 26", async () => {
  for (
    const [count, pauseMs, found] of [[25, 100, undefined], [26, 100, "repairsSlowDown"], [
      60,
      500,
      undefined,
    ]] as const
  ) {
    const { time, history, passes, broken } = world();
    const rules = new ReadingRules({ time, history, maxBufferedBytes: 0 });
    for (let i = 0; i < count; i++) {
      for (const shard of ["s", "another"]) {
        rules.opened("w", shard, { type: "LATEST" });
        rules.refused("w", shard);
      }
      await passes(pauseMs);
    }
    assertEquals(broken(), found);
  }
});
