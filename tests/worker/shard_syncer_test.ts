import { assertEquals, assertRejects } from "@std/assert";
import type { Kinesis, ShardFilter } from "../../src/aws/kinesis.ts";
import type { LeaseStore } from "../../src/lease/lease_store.ts";
import { assign } from "../../src/lease/lease_write.ts";
import { settingsOf } from "../../src/worker/settings.ts";
import { ShardSyncer } from "../../src/worker/shard_syncer.ts";
import { rangeOf } from "../lease/fixtures.ts";
import { MemoryBed } from "../support/memory_bed.ts";
import { ScriptedKinesis, shardWith } from "../support/scripted_kinesis.ts";

const signal = new AbortController().signal;

/** A stream of two shards, and a table whose writes fail from the second on until they are told not to. */
function bed() {
  const memory = new MemoryBed();
  const filters: (ShardFilter | undefined)[] = [];
  const kinesis = new ScriptedKinesis();
  kinesis.shards = [0, 1].map((i) => shardWith(`s-${i}`, { hashKeyRange: rangeOf(i, i + 1, 2) }));
  const noting: Kinesis = Object.assign(Object.create(kinesis), {
    listShards: (...[, filter]: Parameters<Kinesis["listShards"]>) => {
      filters.push(filter);
      return kinesis.listShards();
    },
  });
  const state = { left: 1 };
  const store: LeaseStore = Object.assign(Object.create(memory.store), {
    create: (...args: Parameters<LeaseStore["create"]>) =>
      state.left-- > 0 ? memory.store.create(...args) : Promise.reject(new Error("throttled")),
  });
  const syncer = () =>
    new ShardSyncer({
      settings: settingsOf({
        applicationName: "app",
        streamName: "words",
        processor: () => ({ processRecords() {}, shardEnded() {} }),
      }),
      stream: {
        streamIdentifier: undefined,
        reference: { streamName: "words", streamArn: undefined },
        initialPosition: "LATEST",
        consumerArn: undefined,
      },
      kinesis: noting,
      leaseStore: store,
      clock: memory.clock,
      emit: memory.emit,
    });
  const leases = async () => (await memory.store.list()).leases;
  return { memory, filters, syncer, state, leases };
}

Deno.test("ShardSyncer completes first leases at the next pass, at the time at which they were begun", async () => {
  for (const isSameLeader of [true, false]) {
    const { memory, filters, syncer, state, leases } = bed();
    const first = syncer();
    const begunMs = memory.clock.epochMs();
    await assertRejects(() => first.syncIfNeeded([], signal), Error, "throttled");
    assertEquals((await leases()).map((lease) => lease.leaseKey), ["s-0"]);
    await memory.clock.advance(2500);
    state.left = 5;
    const next = isSameLeader ? first : syncer();
    assertEquals(await next.syncIfNeeded(await leases(), signal), true);
    assertEquals(
      (await leases()).map(({ leaseKey, checkpoint: { sequenceNumber }, latestEpochMs }) => [
        leaseKey,
        sequenceNumber,
        latestEpochMs,
      ]),
      [["s-0", "LATEST", begunMs], ["s-1", "LATEST", begunMs]],
    );
    assertEquals(filters, [{ type: "AT_LATEST" }, { type: "AT_TIMESTAMP", timestampMs: begunMs }]);
  }
});

Deno.test("ShardSyncer leaves a hole to the audits once any lease was given out", async () => {
  const { memory, filters, syncer, state, leases } = bed();
  const leader = syncer();
  await assertRejects(() => leader.syncIfNeeded([], signal), Error, "throttled");
  await memory.store.apply(assign(await memory.read("s-0"), "w"));
  state.left = 5;
  assertEquals(await leader.syncIfNeeded(await leases(), signal), false);
  assertEquals(filters.length, 1);
});
