/** Slices that give up their leases at their end, under another worker's lead, as beside Java. */

import { assert, assertEquals, assertGreater, assertLess, assertStringIncludes } from "@std/assert";
import type { SliceOptions, SliceResult } from "../../src/edge/slice_options.ts";
import type { Lease } from "../../src/lease/lease.ts";
import { assign, checkpoint } from "../../src/lease/lease_write.ts";
import { SHARD_END } from "../../src/stream/sequence_number.ts";
import { idOf, MemoryEdgeBed } from "./memory_edge_bed.ts";

const limits: SliceOptions = { budgetMs: 40_000, reserveMs: 2000 };
const failoverTimeMs = 10_000;

/** A bed whose leader is another worker, and leases that are nobody's. */
async function bedUnderJava(shards = 2): Promise<MemoryEdgeBed> {
  const bed = new MemoryEdgeBed(shards);
  await bed.drive(bed.worker({ leases: "relay", failoverTimeMs }).runSlice(limits));
  const lock = {
    ownerName: "java",
    leaseDurationMs: 600_000,
    recordVersionNumber: "v1",
    isReleased: false,
  };
  assert(await bed.coordinator.putLock("leaseTable", lock, { type: "absent" }));
  return bed;
}

async function give(bed: MemoryEdgeBed, index: number, owner: string): Promise<void> {
  const outcome = await bed.store.apply(assign(await bed.read(idOf(index)), owner));
  assert(outcome.applied);
}

/** The leader stops in order. */
async function releaseLock(bed: MemoryEdgeBed): Promise<void> {
  const found = await bed.coordinator.readLock("leaseTable");
  assert(found !== undefined);
  const when = { type: "version", recordVersionNumber: "v1" } as const;
  assert(await bed.coordinator.putLock("leaseTable", { ...found, isReleased: true }, when));
}

/** Runs a slice, and each step at its time of the slice, in ms. */
async function sliceWith(
  bed: MemoryEdgeBed,
  steps: readonly (readonly [ms: number, step: () => unknown])[],
  more: Partial<SliceOptions> = {},
): Promise<{ readonly result: SliceResult; readonly ms: number }> {
  const startedMs = bed.clock.monotonicMs();
  const slice = bed.worker({ leases: "relay", failoverTimeMs }).runSlice({ ...limits, ...more });
  const told = (async () => {
    for (const [ms, step] of steps) {
      await bed.clock.sleep(startedMs + ms - bed.clock.monotonicMs());
      await step();
    }
  })();
  const result = await bed.drive(slice);
  const ms = bed.clock.monotonicMs() - startedMs;
  await bed.drive(told);
  return { result, ms };
}

Deno.test("EdgeWorker.runSlice() with relay stays for its time under another leader, and reads what it is given late", async () => {
  const bed = await bedUnderJava();
  bed.put("a", 0);
  const { result, ms } = await sliceWith(bed, [
    [10_000, () => give(bed, 0, "edge-1")],
    [20_000, () => bed.put("b", 0)],
    [25_000, () => assertEquals(bed.texts, ["a", "b"])],
  ]);
  assertEquals([result.outcome, result.failures], ["budget", []]);
  assertEquals(result.shards.map(({ shardId, records }) => [shardId, records]), [[idOf(0), 2]]);
  assertGreater(ms, 30_000);
  assertEquals((await bed.read(idOf(0))).leaseOwner, undefined, "given up at the end");
});

Deno.test("EdgeWorker.runSlice() with relay reads at the tip at the pace of an ordinary worker while it stays", async () => {
  const bed = await bedUnderJava();
  await give(bed, 0, "edge-1");
  bed.calls.length = 0;
  await sliceWith(bed, []);
  const reads = bed.calls.filter((call) => call.startsWith("GetRecords")).length;
  assertGreater(reads, 25);
  assertLess(reads, 45);
});

Deno.test("EdgeWorker.runSlice() with relay reads a lease again that the leader took away and gave back", async () => {
  const bed = await bedUnderJava();
  await give(bed, 0, "edge-1");
  bed.put("a", 0);
  const { result } = await sliceWith(bed, [
    [5000, () => give(bed, 0, "java")],
    [15_000, () => assertEquals(bed.texts, ["a"])],
    [15_001, () => give(bed, 0, "edge-1")],
    [16_000, () => bed.put("b", 0)],
  ]);
  assertEquals(bed.texts, ["a", "b"]);
  assertEquals(result.shards.map(({ records }) => records), [2], "both times count");
});

Deno.test("EdgeWorker.runSlice() with relay counts only leases that it reads against maxShards while it stays", async () => {
  const bed = await bedUnderJava();
  await give(bed, 0, "edge-1");
  bed.put("b", 1);
  await sliceWith(bed, [
    [5000, () => give(bed, 0, "java")],
    [15_000, () => give(bed, 1, "edge-1")],
  ], { maxShards: 1 });
  assertEquals(bed.texts, ["b"]);
});

Deno.test("EdgeWorker.runSlice() with relay ends early again once the other leader is gone, and takes all", async () => {
  const bed = await bedUnderJava();
  bed.put("a", 0);
  bed.put("b", 1);
  const { result, ms } = await sliceWith(bed, [
    [8000, () => releaseLock(bed)],
  ]);
  assertEquals(bed.texts.toSorted(), ["a", "b"]);
  assertEquals(result.outcome, "caughtUp");
  assertLess(ms, 20_000);
});

Deno.test("EdgeWorker.runSlice() with relay that keeps its leases ends at the tip, and wants to be called in time to renew", async () => {
  const bed = await bedUnderJava();
  await give(bed, 0, "edge-1");
  bed.put("a", 0);
  const kept = { atEnd: "hold", budgetMs: 6000 } as const;
  const { result, ms } = await sliceWith(bed, [], kept);
  assertEquals([result.outcome, bed.texts], ["caughtUp", ["a"]]);
  assertLess(ms, 1000);
  const quiet = await sliceWith(bed, [], kept);
  assertEquals(quiet.result.nextInMs, 3333, "not the 4000 ms of a quiet shard");
  assertEquals((await bed.read(idOf(0))).leaseOwner, "edge-1");
});

Deno.test("EdgeWorker.runSlice() with hold refuses a leader of Java's that has the same failover time", async () => {
  const bed = new MemoryEdgeBed();
  const hold = { leases: "hold", failoverTimeMs: 120_000 } as const;
  assertEquals((await bed.drive(bed.worker(hold).runSlice(limits))).outcome, "caughtUp");
  await bed.clock.advance(40_000);
  const lock = { ownerName: "java", leaseDurationMs: 120_000, recordVersionNumber: "v1", isReleased: false };
  assert(await bed.coordinator.putLock("leaseTable", lock, { type: "absent" }));
  await bed.coordinator.writeWorkerMetrics("leaseTable", {
    ...{ workerId: "java", stats: {}, operatingRange: {} },
    ...{ lastUpdateEpochS: Math.floor(bed.clock.epochMs() / 1000) },
    ...{ supportCode: undefined, supportEpochS: undefined },
  });
  const { outcome, failures } = await bed.drive(bed.worker(hold).runSlice(limits));
  assertEquals(outcome, "stopped");
  assertStringIncludes(failures[0]?.text ?? "", 'got "java", a worker of Java');
});

/** A lease whose shard has ended. */
async function endedLease(bed: MemoryEdgeBed, index: number): Promise<Lease> {
  const lease = await bed.read(idOf(index));
  const outcome = await bed.store.apply(checkpoint(lease, SHARD_END));
  assert(outcome.applied);
  await give(bed, index, "edge-1");
  return await bed.read(idOf(index));
}

Deno.test("EdgeWorker.runSlice() with relay renews the leases of shards that have ended, or the leader finds them expired", async () => {
  const bed = await bedUnderJava();
  const before = await endedLease(bed, 1);
  const counts: number[] = [];
  const note = async () => void counts.push((await bed.read(idOf(1))).leaseCounter);
  const { result } = await sliceWith(bed, [0, 10_000, 20_000, 30_000].map((ms) => [ms, note] as const));
  assertEquals([result.outcome, result.failures], ["budget", []]);
  for (const [i, count] of counts.slice(1).entries()) assertGreater(count, counts[i] ?? 0);
  await give(bed, 1, "edge-1");
  const kept = (await bed.read(idOf(1))).leaseCounter;
  await sliceWith(bed, [], { atEnd: "hold", budgetMs: 6000 });
  const after = await bed.read(idOf(1));
  assertEquals([after.leaseCounter > kept, after.leaseOwner], [true, before.leaseOwner]);
});

Deno.test("EdgeWorker.runSlice() with relay leaves shards that have ended once the other leader is gone", async () => {
  const bed = await bedUnderJava();
  await endedLease(bed, 1);
  const { result, ms } = await sliceWith(bed, [[8000, () => releaseLock(bed)]]);
  assertEquals(result.outcome, "caughtUp");
  assertLess(ms, 20_000);
});
