import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Locked, lockSlice } from "../../src/edge/slice_lock.ts";
import { CLOCK_MARGIN_MS } from "../../src/edge/slice_memory.ts";
import { MemoryBed } from "../support/memory_bed.ts";

const signal = new AbortController().signal;

function lock(bed: MemoryBed, sliceId: string, mayCreate = true): Promise<Locked> {
  const { coordinator: store, clock } = bed;
  return lockSlice(
    { store, workerId: "edge-1", sliceId, budgetMs: 20_000, clock, left: undefined, mayHold: () => {} },
    mayCreate,
    signal,
  );
}

Deno.test("lockSlice() lets the first slice win until its time and the margin of clocks are over", async () => {
  const bed = new MemoryBed();
  assertEquals((await lock(bed, "a")).type, "locked");
  assertEquals(await lock(bed, "b"), { type: "busy", forMs: 20_000 + CLOCK_MARGIN_MS });
  await bed.clock.advance(20_000 + CLOCK_MARGIN_MS - 1);
  assertEquals((await lock(bed, "b")).type, "busy");
  await bed.clock.advance(1);
  assertEquals((await lock(bed, "b")).type, "locked");
  assertEquals((await lock(bed, "a")).type, "busy");
});

Deno.test("lockSlice() makes no item for a worker that must start first", async () => {
  const bed = new MemoryBed();
  assertEquals(await lock(bed, "a", false), { type: "new" });
  assertEquals(bed.table.items(), []);
  bed.table.drop();
  assertEquals(await lock(bed, "a", false), { type: "new" });
  await assertRejects(() => lock(bed, "a", true));
});

Deno.test("lockSlice() of a free item keeps what other programs wrote to it, and shows a complete metrics item", async () => {
  const bed = new MemoryBed();
  await lock(bed, "a");
  const { workers, unreadable, leases } = await bed.store.list();
  assertEquals([workers.map(({ workerId }) => workerId), unreadable, leases], [["edge-1"], [], []]);
  const { incarnation } = bed.identity("edge-1");
  const report = { workerId: "edge-1", lastUpdateEpochS: 1, stats: {}, operatingRange: {}, incarnation };
  await bed.coordinator.writeWorkerMetrics("leaseTable", { ...report, supportCode: 1, supportEpochS: 1 });
  assertEquals((await lock(bed, "b")).type, "busy", "a report leaves the lock alone");
});

Deno.test("unlockSlice() leaves the lock of another slice alone, and keeps the memory", async () => {
  const bed = new MemoryBed();
  const first = await lock(bed, "a");
  assert(first.type === "locked");
  const request = { workerId: "edge-1", lastUpdateEpochS: 7, memory: "m" };
  const other = { ...first.lock, sliceId: "b" };
  assertEquals(await bed.coordinator.unlockSlice({ ...request, lock: other }), false);
  assertEquals((await lock(bed, "c")).type, "busy");
  assertEquals(await bed.coordinator.unlockSlice({ ...request, lock: first.lock }), true);
  const next = await lock(bed, "c");
  assert(next.type === "locked");
  assertEquals(next.row?.memory, "m");
});

Deno.test("lockSlice() knows its own lock again where its answer was lost", async () => {
  const bed = new MemoryBed();
  await lock(bed, "a");
  assertEquals((await lock(bed, "a")).type, "locked");
});

Deno.test("lockSlice() does not wait for a time that no budget explains", async () => {
  const bed = new MemoryBed();
  bed.clock.setEpochMs(bed.clock.epochMs() + 10 * 86_400_000);
  await lock(bed, "a");
  bed.clock.setEpochMs(bed.clock.epochMs() - 10 * 86_400_000);
  assertEquals((await lock(bed, "b")).type, "locked");
});
