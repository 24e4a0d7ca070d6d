/**
 * What every lease store must do, as tests for a store of your own. They run in any framework that registers
 * a test by name.
 *
 * @module
 */

import { AwsServiceError } from "../../errors.ts";
import type { Lease, NewLease } from "../../lease/lease.ts";
import type { LeaseStore } from "../../lease/lease_store.ts";
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
} from "../../lease/lease_write.ts";
import { resetLease } from "../../lease/reset_lease.ts";
import { MAX_HASH_KEY } from "../../stream/hash_key.ts";
import { positionAt } from "../../stream/sequence_number.ts";
import { expect, expectEqual, rejection } from "./equality.ts";

/** Registers one test: `Deno.test`, `test` of `node:test`, `it` of Vitest or Jest. */
export type RegisterTest = (name: string, run: () => Promise<void>) => unknown;

/** Options of {@linkcode leaseStoreContract}. */
export interface LeaseStoreContractOptions {
  /** Registers a test. */
  readonly test: RegisterTest;
  /** Makes a store whose table does not exist yet. Called once for each test. */
  readonly open: () => LeaseStore | Promise<LeaseStore>;
  /** Lets go of what `open` made. Called after each test, also after one that failed. */
  readonly close?: ((store: LeaseStore) => void | Promise<void>) | undefined;
}

/**
 * Registers the tests of the contract. A store that passes can be a worker's `leaseStore`.
 *
 * ```ts ignore
 * import test from "node:test";
 * import { leaseStoreContract } from "@kclite/kclite/testing";
 *
 * leaseStoreContract({ test, open: () => new MyLeaseStore(":memory:") });
 * ```
 */
export function leaseStoreContract({ test, open, close }: LeaseStoreContractOptions): void {
  for (const { name, needsTable, run } of CLAUSES) {
    test(name, async () => {
      const store = await open();
      try {
        if (needsTable) await store.ensureTable();
        await run(store);
      } finally {
        await close?.(store);
      }
    });
  }
}

interface Clause {
  readonly name: string;
  readonly needsTable: boolean;
  readonly run: (store: LeaseStore) => Promise<void>;
}

const SHARD_ID = "shardId-000000000000";

function clause(name: string, run: Clause["run"], needsTable = true): Clause {
  return { name, needsTable, run };
}

const CLAUSES: readonly Clause[] = [
  clause("ensureTable() creates the table once", async (store) => {
    expectEqual(await store.ensureTable(), { created: true }, "the first ensureTable()");
    expectEqual(await store.ensureTable(), { created: false }, "the second ensureTable()");
    expectEqual(await store.list(), { leases: [], workers: [], unreadable: [] }, "list() of an empty table");
    expectEqual(await store.someLease(), undefined, "someLease() of an empty table");
  }, false),

  clause("methods reject with ResourceNotFoundException while there is no table", async (store) => {
    for (const call of [() => store.list(), () => store.get("a"), () => store.create(newLease())]) {
      const error = await rejection(call, "a call without a table");
      expect(
        error instanceof AwsServiceError && error.code === "ResourceNotFoundException",
        "an AwsServiceError with the code ResourceNotFoundException",
      );
    }
  }, false),

  clause("methods reject with the reason of an aborted signal and write nothing", async (store) => {
    const lease = await ownedLease(store);
    const before = await allLeases(store);
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    const calls: readonly (readonly [string, () => Promise<unknown>])[] = [
      ["ensureTable()", () => store.ensureTable(signal)],
      ["list()", () => store.list(signal)],
      ["someLease()", () => store.someLease(signal)],
      ["get()", () => store.get(lease.leaseKey, signal)],
      ["leaseKeysOwnedBy()", () => store.leaseKeysOwnedBy("w1", signal)],
      ["create()", () => store.create(newLease({ leaseKey: "other" }), signal)],
      ["apply()", () => store.apply(renew(lease), signal)],
      ["delete()", () => store.delete(lease.leaseKey, signal)],
    ];
    for (const [name, call] of calls) {
      expect(await rejection(call, name) === reason, `${name} to reject with the signal's reason`);
    }
    expectEqual(await allLeases(store), before, "the leases after aborted calls");
  }),

  clause("create() writes unless the key is taken", async (store) => {
    expectEqual(await store.create(newLease()), true, "create() of a new key");
    const before = await allLeases(store);
    expectEqual(
      await store.create(newLease({ checkpoint: positionAt("LATEST") })),
      false,
      "create() of a taken key",
    );
    expectEqual(await allLeases(store), before, "the lease after a refused create()");
  }),

  clause(
    "a reset moves position and counter, and leaves no owner and nothing of the old position",
    async (store) => {
      const owned = await ownedLease(store);
      const noted = await applied(store, setChildShardIds(owned, ["shardId-000000000001"]));
      const done = await applied(store, checkpoint(noted, positionAt("50", 3), "ahead"));
      const old = await applied(store, prepareCheckpoint(done, positionAt("51"), new Uint8Array([1])));
      const write = resetLease(old, { checkpoint: positionAt("40", 2) });
      for (const stale of [owned, { ...old, leaseOwner: "w2" }, { ...old, checkpointOwner: "w2" }]) {
        const refused = await store.apply({
          ...write,
          when: resetLease(stale, { checkpoint: old.checkpoint }).when,
        });
        expectEqual(refused.applied, false, "a reset of a lease that moved");
      }
      const { finishedAhead: _, ...rest } = old;
      expectEqual(await applied(store, write), {
        ...rest,
        leaseCounter: old.leaseCounter + 1,
        leaseOwner: undefined,
        ownerSwitchesSinceCheckpoint: 0,
        checkpoint: positionAt("40", 2),
        pendingCheckpoint: undefined,
        pendingCheckpointState: undefined,
        childShardIds: [],
      }, "the lease after a reset");
      const again = await leaseOf(store);
      const back = {
        checkpoint: positionAt("50", 3),
        childShardIds: ["shardId-000000000001"],
        finishedAhead: "ahead",
        latestEpochMs: 12_345,
        pendingCheckpoint: positionAt("51", 1),
        pendingCheckpointState: new Uint8Array([1]),
      };
      expectEqual(
        await applied(store, resetLease(again, back)),
        { ...again, ...back, leaseCounter: again.leaseCounter + 1 },
        "the lease after a reset to all that it was",
      );
    },
  ),

  clause("get() returns what create() wrote, and undefined for a missing key", async (store) => {
    const streamIdentifier = "123456789012:orders:1700000000";
    const created = newLease({
      leaseKey: `${streamIdentifier}:shardId-000000000002`,
      shardId: "shardId-000000000002",
      streamIdentifier,
      checkpoint: positionAt("AT_TIMESTAMP"),
      parentShardIds: ["shardId-000000000000", "shardId-000000000001"],
      hashKeyRange: { startingHashKey: "7", endingHashKey: "9" },
    });
    await store.create(created);
    const fresh = { ...created, leaseCounter: 0, ownerSwitchesSinceCheckpoint: 0, childShardIds: [] };
    expectEqual(await store.get(created.leaseKey), fresh, "get() after create()");
    expectEqual(await store.get("none"), undefined, "get() of a missing key");
    expectEqual((await store.someLease())?.leaseKey, created.leaseKey, "someLease()");
  }),

  clause("leaseKeysOwnedBy() returns the keys of one worker, also during a handoff to it", async (store) => {
    for (const leaseKey of ["a", "b", "c"]) await store.create(newLease({ leaseKey, shardId: leaseKey }));
    const owned = async (worker: string) => (await store.leaseKeysOwnedBy(worker)).toSorted();
    await applied(store, assign(await leaseOf(store, "a"), "w1"));
    const handed = await applied(store, assign(await leaseOf(store, "b"), "w2"));
    expectEqual(await owned("w1"), ["a"], "the keys of w1");
    await applied(store, startHandoff({ ...handed, leaseOwner: "w2" }, "w1"));
    expectEqual(await owned("w1"), ["a", "b"], "the keys of w1 during a handoff to it");
    expectEqual(await owned("w2"), [], "the keys of w2 during a handoff from it");
    await applied(store, evict(await leaseOf(store, "a")));
    expectEqual(await owned("w1"), ["b"], "the keys of w1 after it lost one");
  }),

  clause("listSmall(), where there is one, shows what list() and leaseKeysOwnedBy() do", async (store) => {
    if (store.listSmall === undefined) return;
    for (const leaseKey of ["a", "b"]) await store.create(newLease({ leaseKey, shardId: leaseKey }));
    await applied(store, assign(await leaseOf(store, "a"), "w1"));
    const small = await store.listSmall();
    const { leases, workers, unreadable } = await store.list();
    expectEqual(small?.leases, leases, "the leases of listSmall()");
    expectEqual(small?.workers, workers, "the workers of listSmall()");
    expectEqual(small?.unreadable, unreadable, "the unreadable items of listSmall()");
    expectEqual(small?.keysOwnedBy("w1"), await store.leaseKeysOwnedBy("w1"), "the keys of w1");
  }),

  clause("apply() returns the lease as it is now, for each kind of write", async (store) => {
    await store.create(newLease());
    let lease = await leaseOf(store);
    for (const write of EVERY_WRITE) {
      const { operation } = write(lease);
      const after = await applied(store, write(lease));
      expectEqual(after, await leaseOf(store), `the lease that apply() returns after ${operation}`);
      lease = after;
    }
    expectEqual(lease.leaseCounter, 7, "the counter after all writes");
    expectEqual(lease.checkpoint, positionAt("49"), "the checkpoint after all writes");
    expectEqual(lease.childShardIds, [], "the child shards after a reset");
    expectEqual(lease.pendingCheckpoint, undefined, "the prepared checkpoint after a checkpoint");
    expectEqual(lease.leaseOwner, undefined, "the owner after an eviction");
  }),

  clause("apply() stores a prepared checkpoint with its state", async (store) => {
    const lease = await ownedLease(store);
    const state = new Uint8Array([0, 255]);
    await applied(store, prepareCheckpoint(lease, positionAt("49", 1), state));
    const { pendingCheckpoint, pendingCheckpointState, checkpoint } = await leaseOf(store);
    expectEqual(
      { pendingCheckpoint, pendingCheckpointState, checkpoint },
      { pendingCheckpoint: positionAt("49", 1), pendingCheckpointState: state, checkpoint: lease.checkpoint },
      "the prepared checkpoint",
    );
  }),

  clause(
    "apply() stores what is finished ahead with a checkpoint, and removes it with the next",
    async (store) => {
      const lease = await ownedLease(store);
      const ahead = "1 6dfce010 50/3 51 BC";
      const after = await applied(store, checkpoint(lease, positionAt("50", 3), ahead));
      expectEqual(after.finishedAhead, ahead, "what is finished ahead of the checkpoint");
      const assigned = await applied(store, assign(await leaseOf(store), "w2"));
      expectEqual(assigned.finishedAhead, ahead, "what the next owner finds finished ahead");
      await applied(store, checkpoint(assigned, positionAt("60")));
      expectEqual(
        (await leaseOf(store)).finishedAhead,
        undefined,
        "what is finished ahead of the next checkpoint",
      );
    },
  ),

  clause("apply() refuses each write to a lease that is gone, and brings none back", async (store) => {
    const lease = await ownedLease(store);
    await store.delete(lease.leaseKey);
    for (const write of [...EVERY_WRITE, blindWrite]) {
      const outcome = await store.apply(write(lease));
      expectEqual(outcome, { applied: false }, `${write(lease).operation} of a missing lease`);
    }
    expectEqual(await allLeases(store), [], "the leases after refused writes");
  }),

  clause("apply() refuses writes at a counter that has moved, and returns what it found", async (store) => {
    const stale = await ownedLease(store);
    const found = await applied(store, renew(stale));
    const writes = [
      renew(stale),
      renew({ ...stale, checkpointOwner: "somebody" }),
      assign(stale, "thief"),
      evict(stale),
      checkpoint(stale, positionAt("5")),
      prepareCheckpoint(stale, positionAt("5")),
      setChildShardIds(stale, ["shardId-000000000001"]),
    ];
    for (const write of writes) {
      expectEqual(
        await store.apply(write),
        { applied: false, found },
        `${write.operation} at an old counter`,
      );
    }
    expectEqual(await leaseOf(store), found, "the lease after refused writes");
  }),

  clause("apply() refuses writes when the owners are not those that were read", async (store) => {
    const found = await ownedLease(store);
    const others: readonly Lease[] = [
      { ...found, leaseOwner: undefined },
      { ...found, leaseOwner: "another" },
      { ...found, checkpointOwner: "another" },
    ];
    for (const other of others) {
      for (const write of [assign(other, "w9"), evict(other)]) {
        expectEqual(
          await store.apply(write),
          { applied: false, found },
          `${write.operation} with other owners`,
        );
      }
    }
    expectEqual(await leaseOf(store), found, "the lease after refused writes");
  }),

  clause("apply() refuses a renewal that does not know of a handoff", async (store) => {
    const owned = await ownedLease(store);
    const found = await applied(store, startHandoff(owned, "w2"));
    expectEqual(await store.apply(renew(owned)), { applied: false, found }, "a renewal without the handoff");
    await applied(store, renew(found));
  }),

  clause("apply() lets one of twenty writers at the same counter win", async (store) => {
    const lease = await ownedLease(store);
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, i) => store.apply(assign(lease, `thief-${i}`))),
    );
    const after = await leaseOf(store);
    expectEqual(outcomes.filter((outcome) => outcome.applied).length, 1, "the number of winners");
    expectEqual(after.leaseCounter, lease.leaseCounter + 1, "the counter after twenty writers");
    for (const outcome of outcomes) {
      expectEqual(outcome.applied ? outcome.lease : outcome.found, after, "what a writer is told");
    }
  }),

  clause("delete() removes one lease, and accepts a missing one", async (store) => {
    const lease = await ownedLease(store);
    await store.create(newLease({ leaseKey: "other" }));
    await store.delete(lease.leaseKey);
    await store.delete(lease.leaseKey);
    expectEqual((await allLeases(store)).map(({ leaseKey }) => leaseKey), ["other"], "what is left");
  }),
];

/** One write of each kind, each of which applies after the one before it. */
const EVERY_WRITE: readonly ((lease: Lease) => LeaseWrite)[] = [
  (lease) => assign(lease, "w1"),
  (lease) => startHandoff({ ...lease, leaseOwner: lease.leaseOwner ?? "w1" }, "w2"),
  (lease) => renew(lease, 12.345678),
  (lease) => prepareCheckpoint(lease, positionAt("49", 1), new Uint8Array([0, 255])),
  (lease) => setChildShardIds(lease, ["shardId-000000000001", "shardId-000000000002"]),
  (lease) => setHashKeyRange(lease, { startingHashKey: "0", endingHashKey: "99" }),
  (lease) => checkpoint(lease, positionAt("50", 3)),
  (lease) => assign(lease, "w3"),
  (lease) => evict(lease),
  (lease) => resetLease(lease, { checkpoint: positionAt("49") }),
];

/** A write whose condition by itself holds for a lease that is gone. */
function blindWrite(lease: Lease): LeaseWrite {
  return {
    ...setHashKeyRange(lease, { startingHashKey: "0", endingHashKey: "99" }),
    when: { checkpointOwner: null },
  };
}

function newLease(changes: Partial<NewLease> = {}): NewLease {
  return {
    leaseKey: SHARD_ID,
    shardId: SHARD_ID,
    streamIdentifier: undefined,
    checkpoint: positionAt("TRIM_HORIZON"),
    parentShardIds: [],
    hashKeyRange: { startingHashKey: "0", endingHashKey: `${MAX_HASH_KEY}` },
    ...changes,
  };
}

async function allLeases(store: LeaseStore): Promise<readonly Lease[]> {
  const { leases } = await store.list();
  return leases.toSorted((a, b) => a.leaseKey < b.leaseKey ? -1 : 1);
}

async function leaseOf(store: LeaseStore, leaseKey = SHARD_ID): Promise<Lease> {
  const lease = await store.get(leaseKey);
  expect(lease !== undefined, `a lease "${leaseKey}"`);
  return lease;
}

async function applied(store: LeaseStore, write: LeaseWrite): Promise<Lease> {
  const outcome = await store.apply(write);
  expect(outcome.applied, `${write.operation} to be applied`);
  return outcome.lease;
}

async function ownedLease(store: LeaseStore): Promise<Lease & { readonly leaseOwner: string }> {
  await store.create(newLease());
  return { ...await applied(store, assign(await leaseOf(store), "w1")), leaseOwner: "w1" };
}
