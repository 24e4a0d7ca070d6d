/**
 * What every lease store of ours must do beyond the public contract of
 * `src/testing/unit/lease_store_contract.ts`: what it does with items that are no leases or broken, and that
 * a refused write leaves the items as they were.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
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
import { positionAt } from "../../src/stream/sequence_number.ts";
import { newLease, SHARD_ID } from "../lease/fixtures.ts";
import { type Fixture, fixtureTest } from "./fixtures.ts";

/** Registers the contract's tests for one kind of store. */
export function leaseItemsContract(kind: string, open: () => Promise<Fixture>): void {
  const test = fixtureTest(kind, open);

  test("methods reject with the reason of an aborted signal and write nothing", async (fixture) => {
    const { leases } = fixture;
    await leases.create(newLease());
    const lease = await held(fixture);
    const before = await fixture.items();
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    for (
      const call of [
        () => leases.ensureTable(signal),
        () => leases.list(signal),
        () => leases.listSmall?.(signal) ?? Promise.reject(reason),
        () => leases.someLease(signal),
        () => leases.get(lease.leaseKey, signal),
        () => leases.leaseKeysOwnedBy("a", signal),
        () => leases.create(newLease(SHARD_ID, { leaseKey: "other" }), signal),
        () => leases.apply(renew(lease), signal),
        () => leases.delete(lease.leaseKey, signal),
      ]
    ) {
      assertEquals(await assertRejects<Error>(call), reason);
    }
    assertEquals(await fixture.items(), before);
  });

  test(
    "someLease() finds a lease among items of other kinds, and none among none",
    async (fixture) => {
      const { leases } = fixture;
      for (let i = 0; i < 30; i++) {
        await fixture.put({ leaseKey: { S: `worker-${i}` }, entityType: { S: "WORKER_METRIC_STATS" } });
      }
      await fixture.put({ leaseKey: { S: "broken" }, leaseCounter: { S: "x" } });
      assertEquals(await leases.someLease(), undefined);
      const lease = newLease();
      await leases.create(lease);
      assertEquals((await leases.someLease())?.leaseKey, lease.leaseKey);
    },
  );

  test(
    "listSmall() shows a table of 24 items, with the lock and owned keys as the index has them, and none of 25",
    async (fixture) => {
      const { leases } = fixture;
      assertEquals((await leases.listSmall?.())?.lock, undefined);
      await leases.create(newLease());
      const lease = await held(fixture);
      const owner = lease.leaseOwner ?? "";
      await fixture.put({
        leaseKey: { S: "Leader" },
        entityType: { S: "LEADER" },
        ownerName: { S: "w" },
        leaseDuration: { S: "10000" },
        recordVersionNumber: { S: "v1" },
      });
      await fixture.put({ leaseKey: { S: "broken" }, leaseCounter: { S: "x" }, leaseOwner: { S: owner } });
      const small = await leases.listSmall?.();
      const { leases: listed, workers, unreadable } = await leases.list();
      assertEquals([small?.leases, small?.workers, small?.unreadable], [listed, workers, unreadable]);
      assertEquals(small?.lock, {
        ownerName: "w",
        leaseDurationMs: 10_000,
        recordVersionNumber: "v1",
        isReleased: false,
      });
      assertEquals(
        small?.keysOwnedBy(owner).toSorted(),
        (await leases.leaseKeysOwnedBy(owner)).toSorted(),
      );
      await fixture.put({ leaseKey: { S: "Leader" }, entityType: { S: "LEADER" } });
      assertEquals((await leases.listSmall?.())?.lock, undefined, "a lock that cannot be read");
      for (let i = (await fixture.items()).length; i < 24; i++) await leases.create(newLease(`shard-${i}`));
      assertEquals((await leases.listSmall?.())?.leases.length, 22);
      await leases.create(newLease("one-more"));
      assertEquals(await leases.listSmall?.(), undefined);
    },
  );

  test("create() writes unless the key is taken, even by something else", async (fixture) => {
    const { leases } = fixture;
    assertEquals(await leases.create(newLease()), true);
    const before = await fixture.items();
    assertEquals(await leases.create(newLease(SHARD_ID, { checkpoint: positionAt("LATEST") })), false);
    assertEquals(await fixture.items(), before);
    await fixture.put({ leaseKey: { S: "Leader" }, entityType: { S: "LEADER" } });
    assertEquals(await leases.create(newLease(SHARD_ID, { leaseKey: "Leader" })), false);
  });

  test("get() tells what create() wrote", async ({ leases }) => {
    const streamIdentifier = "123456789012:orders:1700000000";
    const created = newLease(SHARD_ID, {
      leaseKey: `${streamIdentifier}:shardId-000000000002`,
      shardId: "shardId-000000000002",
      streamIdentifier,
      checkpoint: positionAt("AT_TIMESTAMP"),
      parentShardIds: ["shardId-000000000001", "shardId-000000000000"],
      hashKeyRange: { startingHashKey: "7", endingHashKey: "9" },
    });
    await leases.create(created);
    assertEquals(await leases.get(created.leaseKey), {
      ...created,
      parentShardIds: ["shardId-000000000000", "shardId-000000000001"],
      leaseCounter: 0,
      leaseOwner: undefined,
      checkpointOwner: undefined,
      ownerSwitchesSinceCheckpoint: 0,
      pendingCheckpoint: undefined,
      pendingCheckpointState: undefined,
      latestEpochMs: undefined,
      childShardIds: [],
      throughputKBps: undefined,
      mark: undefined,
    });
  });

  test(
    "get() tells nothing of what is no lease, cannot be read, or is not there",
    async (fixture) => {
      await fixture.put({ leaseKey: { S: "Leader" }, entityType: { S: "LEADER" } });
      await fixture.put({ leaseKey: { S: "half" }, leaseCounter: { N: "1" } });
      for (const key of ["Leader", "half", "none"]) assertEquals(await fixture.leases.get(key), undefined);
    },
  );

  test("list() sorts what one table holds", async (fixture) => {
    await fixture.leases.create(newLease());
    const old = {
      leaseKey: { S: "old" },
      leaseCounter: { N: "7" },
      ownerSwitchesSinceCheckpoint: { N: "0" },
      checkpoint: { S: "LATEST" },
    };
    await fixture.put(old);
    await fixture.put({ ...old, leaseKey: { S: "new kind" }, entityType: { S: "FROM_THE_FUTURE" } });
    await fixture.put({ leaseKey: { S: "Leader" }, entityType: { S: "LEADER" }, ownerName: { S: "w" } });
    await fixture.put({ leaseKey: { S: "half" }, entityType: { S: "LEASE" }, leaseCounter: { N: "1" } });
    const metrics = {
      workerId: "w",
      lastUpdateEpochS: 1_770_000_000,
      stats: { C: [0.5] },
      operatingRange: { C: [100] },
      supportCode: undefined,
      supportEpochS: undefined,
    };
    await fixture.coordinator.writeWorkerMetrics("leaseTable", metrics);
    await fixture.put({
      leaseKey: { S: "v" },
      entityType: { S: "WORKER_METRIC_STATS" },
      sts: { S: "no map" },
    });
    const { leases, workers, unreadable } = await fixture.leases.list();
    assertEquals(leases.map((lease) => lease.leaseKey).toSorted(), ["old", "shardId-000000000000"]);
    assertEquals(workers, [metrics]);
    assertEquals(unreadable.toSorted((a, b) => a.key < b.key ? -1 : 1), [
      { key: "half", problem: "ownerSwitchesSinceCheckpoint is missing" },
      { key: "v", problem: "sts has type S, expected M", isMetrics: true },
    ]);
  });

  test(
    "apply() refuses each write to a lease that is gone, and brings none back",
    async (fixture) => {
      const lease = await ownedLease(fixture);
      await fixture.leases.delete(lease.leaseKey);
      for (const write of [...everyWrite, blindWrite]) {
        assertEquals(await fixture.leases.apply(write(lease)), { applied: false, found: undefined });
      }
      assertEquals(await fixture.items(), []);
    },
  );

  test(
    "apply() refuses writes at a counter that has moved, and tells what it found",
    async (fixture) => {
      const stale = await ownedLease(fixture);
      const moved = await fixture.leases.apply(renew(stale));
      assert(moved.applied);
      const before = await fixture.items();
      for (
        const write of [
          renew(stale),
          renew({ ...stale, checkpointOwner: "somebody" }),
          assign(stale, "thief"),
          evict(stale),
          checkpoint(stale, positionAt("5")),
          prepareCheckpoint(stale, positionAt("5")),
          setChildShardIds(stale, ["shardId-000000000001"]),
        ]
      ) {
        assertEquals(
          await fixture.leases.apply(write),
          { applied: false, found: moved.lease },
          write.operation,
        );
      }
      assertEquals(await fixture.items(), before);
    },
  );

  test("apply() refuses writes when the owners are not those that were read", async (fixture) => {
    const owned = await ownedLease(fixture);
    const before = await fixture.items();
    const others: readonly Lease[] = [
      { ...owned, leaseOwner: undefined },
      { ...owned, leaseOwner: "another" },
      { ...owned, checkpointOwner: "another" },
    ];
    for (const other of others) {
      for (const write of [assign(other, "w9"), evict(other)]) {
        assertEquals(await fixture.leases.apply(write), { applied: false, found: owned });
      }
    }
    assertEquals(
      await fixture.leases.apply(startHandoff({ ...owned, leaseOwner: "another" }, "w9")),
      { applied: false, found: owned },
    );
    assertEquals(await fixture.items(), before);
  });

  test("apply() finds nothing readable where a refused write met a broken item", async (fixture) => {
    const lease = await ownedLease(fixture);
    await fixture.put({ leaseKey: { S: lease.leaseKey }, leaseCounter: { N: "99" } });
    assertEquals(await fixture.leases.apply(renew(lease)), { applied: false, found: undefined });
  });

  test("apply() leaves the attributes of others alone", async (fixture) => {
    const lease = await ownedLease(fixture);
    const [item] = await fixture.items();
    const foreign = {
      note: { S: "ours" },
      tags: { SS: ["x", "y"] },
      deep: { M: { list: { L: [{ BOOL: true }] } } },
    };
    await fixture.put({ ...item, ...foreign });
    let current: Lease = lease;
    for (const write of everyWrite) {
      const outcome = await fixture.leases.apply(write(current));
      assert(outcome.applied, write(current).operation);
      current = outcome.lease;
    }
    const [after] = await fixture.items();
    const { note, tags, deep } = after ?? {};
    assertEquals({ note, tags, deep }, foreign);
  });

  test("apply() refuses to write an empty owner or an empty set", async (fixture) => {
    const lease = await ownedLease(fixture);
    const before = await fixture.items();
    for (const write of [assign(lease, ""), setChildShardIds(lease, [])]) {
      await assertRejects(
        async () => await fixture.leases.apply(write),
        RangeError,
        "Cannot write attribute",
      );
    }
    assertEquals(await fixture.items(), before);
  });
}

/** One write of each kind, each of which applies after the one before it. */
const everyWrite: readonly ((lease: Lease) => LeaseWrite)[] = [
  (lease) => assign(lease, "w1"),
  (lease) => startHandoff({ ...lease, leaseOwner: lease.leaseOwner ?? "w1" }, "w2"),
  (lease) => renew(lease, 12.345678),
  (lease) => prepareCheckpoint(lease, positionAt("49", 1), new Uint8Array([0, 255])),
  (lease) => setChildShardIds(lease, ["shardId-000000000001", "shardId-000000000002"]),
  (lease) => setHashKeyRange(lease, { startingHashKey: "0", endingHashKey: "99" }),
  (lease) => checkpoint(lease, positionAt("50", 3)),
  (lease) => assign(lease, "w3"),
  (lease) => evict(lease),
];

/** A write whose condition by itself holds for a lease that is gone. */
const blindWrite = (lease: Lease): LeaseWrite => ({
  ...setHashKeyRange(lease, { startingHashKey: "0", endingHashKey: "99" }),
  when: { checkpointOwner: null },
});

async function read(fixture: Fixture, leaseKey = newLease().leaseKey): Promise<Lease> {
  const lease = await fixture.leases.get(leaseKey);
  assert(lease !== undefined, `expected a lease "${leaseKey}"`);
  return lease;
}

async function held(fixture: Fixture): Promise<Lease & { readonly leaseOwner: string }> {
  const outcome = await fixture.leases.apply(assign(await read(fixture), "w1"));
  assert(outcome.applied);
  return { ...outcome.lease, leaseOwner: "w1" };
}

async function ownedLease(fixture: Fixture): Promise<Lease & { readonly leaseOwner: string }> {
  await fixture.leases.create(newLease());
  return await held(fixture);
}
