/** What other rooms offer to slices, each on its own. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { signedDynamoDB } from "../../src/aws/dynamodb.ts";
import { Identity } from "../../src/fleet/identity.ts";
import { LeaderLockKeeper } from "../../src/fleet/leader_lock.ts";
import { MarkedLeaseStore } from "../../src/fleet/marked_lease_store.ts";
import { renew } from "../../src/lease/lease_write.ts";
import { readLeases } from "../../src/lease/lease_store.ts";
import { DynamoDBLeaseStore } from "../../src/store/dynamodb_lease_store.ts";
import { simulatedAws } from "../../src/testing/mod.ts";
import { LeaseHold, type LeaseHoldOptions } from "../../src/worker/lease_hold.ts";
import { newLease } from "../lease/fixtures.ts";
import { MemoryBed } from "../support/memory_bed.ts";

async function holdBed(more: Partial<LeaseHoldOptions> = {}) {
  const memory = new MemoryBed();
  const lease = await memory.lease("s", "me");
  const hold = new LeaseHold(lease, memory.clock.monotonicMs(), {
    store: memory.marked("me"),
    identity: memory.identity("me"),
    workerId: "me",
    leasing: { failoverTimeMs: 9000, gracefulLeaseHandoffTimeoutMs: 30_000 },
    clock: memory.clock,
    emit: memory.emit,
    successorOf: () => undefined,
    isKept: () => true,
    ...more,
  });
  return { memory, hold, counter: async () => (await memory.read("s")).leaseCounter };
}

Deno.test("LeaseHold.handOver() of a lease that is kept writes only what its renewal needs", async () => {
  for (const [afterMs, writes] of [[2974, 0], [2976, 1]] as const) {
    const { memory, hold, counter } = await holdBed();
    const before = await counter();
    await memory.clock.advance(afterMs);
    await hold.handOver();
    assertEquals(
      [await counter() - before, (await memory.read("s")).leaseOwner],
      [writes, "me"],
      `${afterMs}`,
    );
    assert(hold.lost.aborted);
    assertEquals(hold.lossReason, undefined, "given away in order");
    await assertRejects(() => hold.renew());
  }
});

Deno.test("LeaseHold.handOver() of a lease that is kept hands it over where that was asked for", async () => {
  const { memory, hold } = await holdBed();
  await memory.handoff("s", "you");
  await memory.clock.advance(4000); // the last renewal finds out
  await hold.handOver();
  const { leaseOwner, checkpointOwner } = await memory.read("s");
  assertEquals([leaseOwner, checkpointOwner], ["you", undefined]);
});

Deno.test("LeaseHold.callbackSignal aborts with the loss, and when callbacks should return", async () => {
  const end = new AbortController();
  const { hold } = await holdBed({ callbacksEnd: end.signal });
  assertEquals(hold.callbackSignal.aborted, false);
  end.abort();
  assertEquals([hold.callbackSignal.aborted, hold.lost.aborted], [true, false]);
  const { hold: other } = await holdBed();
  other.drop("givenUp");
  assert(other.callbackSignal.aborted);
});

Deno.test("LeaderLockKeeper takes a lock left over by its own name at once, where that is known", async () => {
  for (const isNameOurs of [false, true]) {
    const memory = new MemoryBed();
    const lock = { ownerName: "me", leaseDurationMs: 9000, recordVersionNumber: "v", isReleased: false };
    await memory.coordinator.putLock("leaseTable", lock, { type: "absent" });
    const keeper = new LeaderLockKeeper({
      store: memory.coordinator,
      place: "leaseTable",
      workerId: "me",
      identity: memory.identity("me"),
      durationMs: 9000,
      heartbeatMs: 1800,
      patienceMs: () => 0,
      isNameOurs,
      system: memory.system,
      emit: memory.emit,
    });
    await keeper.step(new AbortController().signal);
    assertEquals([keeper.isLeading, keeper.found?.recordVersionNumber], [isNameOurs, "v"]);
  }
});

Deno.test("LeaderLockKeeper counts from what an earlier process of its worker saw", async () => {
  const memory = new MemoryBed();
  await memory.clock.advance(20_000);
  const lock = { ownerName: "you", leaseDurationMs: 9000, recordVersionNumber: "v", isReleased: false };
  await memory.coordinator.putLock("leaseTable", lock, { type: "absent" });
  const step = async (firstSeenMs: number) => {
    const keeper = new LeaderLockKeeper({
      store: memory.coordinator,
      place: "leaseTable",
      workerId: "me",
      identity: memory.identity("me"),
      durationMs: 9000,
      heartbeatMs: 1800,
      patienceMs: () => 0,
      sighting: { recordVersionNumber: "v", firstSeenMs },
      system: memory.system,
      emit: memory.emit,
    });
    await keeper.step(new AbortController().signal);
    return keeper.isLeading;
  };
  assertEquals(await step(15_000), false);
  assertEquals(await step(10_000), true);
});

Deno.test("DynamoDBLeaseStore.getAll() reads a hundred leases in a request, and again what was left out", async () => {
  const aws = simulatedAws({ streams: {} });
  const asked: string[] = [];
  const { clock, random } = aws.system;
  const dynamodb = signedDynamoDB({
    region: "us-east-1",
    endpoint: undefined,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    system: {
      clock,
      random,
      fetch(input, init) {
        const headers = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined));
        asked.push(headers.get("x-amz-target")?.split(".").at(-1) ?? "");
        return aws.system.fetch(input, init);
      },
    },
  });
  const store = new DynamoDBLeaseStore({ tableName: "leases", dynamodb, system: aws.system });
  await store.ensureTable();
  const keys = Array.from({ length: 120 }, (_, index) => `s${index}`);
  await Promise.all(keys.map((leaseKey) => store.create(newLease("s", { leaseKey }))));
  asked.length = 0;
  const found = await store.getAll([...keys, "none", "s0"]);
  assertEquals(found.map(({ leaseKey }) => leaseKey).toSorted(), keys.toSorted());
  assertEquals(asked, ["BatchGetItem", "BatchGetItem"]);
  aws.faults.next("BatchGetItem", { type: "unprocessed", count: 5 });
  assertEquals((await store.getAll(keys.slice(0, 10))).length, 10);
  aws.faults.next("BatchGetItem", { type: "unprocessed", count: 10, times: 9 });
  await assertRejects(() => store.getAll(keys.slice(0, 10)), Error, "left all of them unprocessed 4 times");
});

Deno.test("readLeases() asks one by one where a store cannot do better, and each lease is looked at", async () => {
  const memory = new MemoryBed();
  await memory.lease("a", "me");
  await memory.lease("b", "me");
  const found = await readLeases(memory.store, ["a", "none", "b"]);
  assertEquals(found.map(({ leaseKey }) => leaseKey), ["a", "b"]);
  assertEquals(await readLeases(memory.store, []), []);
  const older = memory.identity("me");
  await memory.clock.advance(1000);
  const newer = new Identity({ workerId: "me", system: memory.system, emit: memory.emit });
  newer.claim();
  await new MarkedLeaseStore(memory.store, newer).apply(renew(await memory.read("a")));
  await new MarkedLeaseStore(memory.store, older).getAll(["b"]);
  assertEquals(older.superseded.aborted, false);
  await new MarkedLeaseStore(memory.store, older).getAll(["a"]);
  assert(older.superseded.aborted);
});
