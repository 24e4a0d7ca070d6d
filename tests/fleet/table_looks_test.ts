import { assertEquals, assertRejects } from "@std/assert";
import { type TableLook, TableLooks } from "../../src/fleet/table_looks.ts";
import { newLease } from "../lease/fixtures.ts";
import { MemoryBed } from "../support/memory_bed.ts";

const { signal } = new AbortController();

/** Looks at a table in memory, and what they ask for. */
function bed(isWhole = true) {
  const memory = new MemoryBed();
  const { store } = memory;
  const asked = { small: 0, all: 0 };
  const { list, listSmall } = store;
  store.list = (...call) => {
    asked.all++;
    return list.apply(store, call);
  };
  store.listSmall = (...call) => {
    asked.small++;
    return listSmall.apply(store, call);
  };
  const seen: TableLook[] = [];
  const looks = new TableLooks({
    leaseStore: store,
    clock: memory.clock,
    isWhole,
    onLook: (look) => void seen.push(look),
  });
  const grow = async (count: number) => {
    for (let i = 0; i < count; i++) await store.create(newLease(`more-${i}`));
  };
  return { memory, asked, looks, seen, grow, clock: memory.clock };
}

Deno.test("TableLooks.look() gives all of a small table, with the lock and the worker's leases", async () => {
  const { memory, looks, seen } = bed();
  await memory.lease("a", "me");
  await memory.lease("b", "you");
  const lock = { ownerName: "you", leaseDurationMs: 10_000, recordVersionNumber: "v1", isReleased: false };
  await memory.coordinator.putLock("leaseTable", lock, { type: "absent" });
  assertEquals(looks.areShared, false, "nobody knows yet");
  const look = await looks.look(signal);
  assertEquals(look?.listing.leases.map(({ leaseKey }) => leaseKey), ["a", "b"]);
  assertEquals([look?.listing.lock, look?.listing.keysOwnedBy("me")], [lock, ["a"]]);
  assertEquals([looks.areShared, seen], [true, look === undefined ? [] : [look]]);
});

Deno.test("TableLooks.look() of a larger table asks for no more for five minutes, and then again", async () => {
  const { looks, asked, seen, grow, clock } = bed();
  await grow(25);
  assertEquals([await looks.look(signal), looks.areShared, asked.small], [undefined, false, 1]);
  await clock.advance(299_000);
  await looks.look(signal);
  assertEquals(asked, { small: 1, all: 0 });
  await clock.advance(1000);
  await looks.look(signal);
  assertEquals([asked, seen], [{ small: 2, all: 0 }, []]);
});

Deno.test("TableLooks ends to share its looks when the table has grown, and lists all of it", async () => {
  const { looks, asked, seen, grow } = bed();
  await grow(24);
  assertEquals([(await looks.list(signal)).leases.length, looks.areShared], [24, true]);
  await grow(25);
  assertEquals([(await looks.list(signal)).leases.length, looks.areShared], [25, false]);
  assertEquals([asked, seen.length], [{ small: 2, all: 1 }, 1]);
});

Deno.test("TableLooks.look() that fails is made again after half a minute; meanwhile each part looks for itself", async () => {
  const { memory, looks, asked, clock } = bed();
  const { listSmall } = memory.store;
  await looks.look(signal);
  memory.store.listSmall = () => Promise.reject(new Error("throttled"));
  assertEquals([await looks.look(signal), looks.areShared], [undefined, false]);
  memory.store.listSmall = listSmall;
  assertEquals(await looks.look(signal), undefined, "not at once");
  await clock.advance(30_000);
  await looks.look(signal);
  assertEquals([looks.areShared, asked.small], [true, 2]);
});

Deno.test("TableLooks.look() that is aborted rejects with the signal's reason, and is tried again at once", async () => {
  const { looks } = bed();
  const reason = new Error("enough");
  assertEquals(await assertRejects(() => looks.look(AbortSignal.abort(reason))), reason);
  await looks.look(signal);
  assertEquals(looks.areShared, true);
});

Deno.test("TableLooks never shares its looks where the lock is in another table, or the store cannot tell", async () => {
  const legacy = bed(false);
  assertEquals([await legacy.looks.look(signal), legacy.asked.small], [undefined, 0]);
  const other = bed();
  Object.assign(other.memory.store, { listSmall: undefined });
  await other.grow(2);
  assertEquals([await other.looks.look(signal), other.looks.areShared], [undefined, false]);
  assertEquals([(await other.looks.list(signal)).leases.length, other.asked.all], [2, 1]);
});
