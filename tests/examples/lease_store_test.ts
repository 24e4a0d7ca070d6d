import { assertEquals } from "@std/assert";
import { MapCoordinatorStore } from "../../examples/custom_lease_store/coordinator_store.ts";
import { MapLeaseStore } from "../../examples/custom_lease_store/lease_store.ts";
import type { LeaderLock } from "../../src/lease/coordinator_store.ts";
import type { Lease } from "../../src/lease/lease.ts";
import {
  assign,
  checkpoint,
  evict,
  type LeaseWrite,
  prepareCheckpoint,
  renew,
  setChildShardIds,
  setHashKeyRange,
  startHandoff,
} from "../../src/lease/lease_write.ts";
import { withProgress } from "../../src/lease/progress_write.ts";
import { MemoryLeaseStore } from "../../src/store/memory_lease_store.ts";
import { MemoryTable } from "../../src/store/memory_table.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import { newLease, SHARD_ID } from "../lease/fixtures.ts";

const range = { startingHashKey: "1", endingHashKey: "2" };
const owned = (lease: Lease) => ({ ...lease, leaseOwner: lease.leaseOwner ?? "" });

/** A life of a lease; each write is made from the lease as it stands, or from the one before, which is refused. */
const WRITES: readonly ((lease: Lease) => LeaseWrite)[] = [
  (lease) => assign(lease, "Ada"),
  (lease) => renew(lease, 12),
  (lease) => ({ ...renew(lease), set: { ...renew(lease).set, kcliteIncarnation: "Ada/17/0f/3" } }),
  (lease) => withProgress(renew(lease), lease, { lagMs: 4200, recordsPerSecond: 490.5 }),
  (lease) => withProgress(renew(lease), lease, { lagMs: 0, recordsPerSecond: undefined }),
  (lease) => withProgress(renew(lease), lease, undefined),
  (lease) => prepareCheckpoint(lease, positionAt("7"), new Uint8Array([1])),
  (lease) => checkpoint(lease, { sequenceNumber: "7", subSequenceNumber: 2 }),
  (lease) => setHashKeyRange(lease, range),
  (lease) => setChildShardIds(lease, ["b", "c"]),
  (lease) => startHandoff(owned(lease), "Bea"),
  (lease) => assign(lease, "Bea"),
  (lease) => evict(lease),
];

Deno.test("MapLeaseStore does with each write what the library's own store does, refusals included", async () => {
  const table = new MemoryTable("app", "leaseKey");
  const [own, theirs] = [new MemoryLeaseStore(table), new MapLeaseStore(() => [])];
  await own.ensureTable();
  const lease = newLease();
  for (const store of [own, theirs]) {
    assertEquals([await store.create(lease), await store.create(lease)], [true, false]);
  }
  let refused = 0;
  for (const write of WRITES) {
    const before = await own.get(SHARD_ID);
    assertEquals(await theirs.get(SHARD_ID), before);
    if (before === undefined) throw new Error("the lease is gone");
    for (const lease of [before, { ...before, leaseCounter: 99 }, before]) {
      const outcome = await own.apply(write(lease));
      if (!outcome.applied) refused++;
      assertEquals(await theirs.apply(write(lease)), outcome);
    }
    assertEquals(await theirs.leaseKeysOwnedBy("Ada"), await own.leaseKeysOwnedBy("Ada"));
  }
  assertEquals(refused > WRITES.length, true);
  await theirs.delete(SHARD_ID);
  assertEquals([await theirs.get(SHARD_ID), await theirs.someLease()], [undefined, undefined]);
});

Deno.test("MapCoordinatorStore gives the lock to one, and to another only by the version that was watched", async () => {
  const store = new MapCoordinatorStore();
  const lock = (ownerName: string, recordVersionNumber: string): LeaderLock => ({
    ...{ ownerName, recordVersionNumber, leaseDurationMs: 1000, isReleased: false },
  });
  assertEquals(await store.putLock("leaseTable", lock("a", "1"), { type: "absent" }), true);
  assertEquals(await store.putLock("leaseTable", lock("b", "2"), { type: "absent" }), false);
  assertEquals(await store.putLock("leaseTable", lock("b", "2"), { type: "released" }), false);
  assertEquals(await store.heartbeatLock("leaseTable", "1", lock("a", "3")), true);
  const byVersion = { type: "version", recordVersionNumber: "1" } as const;
  assertEquals(await store.putLock("leaseTable", lock("b", "4"), byVersion), false);
  assertEquals(await store.releaseLock("leaseTable", lock("a", "1")), false);
  assertEquals(await store.releaseLock("leaseTable", lock("a", "3")), true);
  assertEquals(await store.readLock(), undefined);
});
