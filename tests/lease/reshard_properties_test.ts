/**
 * Random histories of a stream: shards split and merge, the oldest are trimmed, and a table has any leases of them. What is
 * created then must lead, shard end by shard end, to a lease for every open shard.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import fc from "../support/fast_check.ts";
import { childLeases } from "../../src/lease/child_leases.ts";
import { cleanupStep } from "../../src/lease/cleanup.ts";
import { auditLeases } from "../../src/lease/gaps.ts";
import type { Lease, NewLease } from "../../src/lease/lease.ts";
import { leasesToCreate } from "../../src/lease/shard_sync.ts";
import { firstHole, MAX_HASH_KEY } from "../../src/stream/hash_key.ts";
import { type InitialPosition, isShardEnd, SHARD_END } from "../../src/stream/sequence_number.ts";
import { childrenOf, isOpen, parentsOf, type Shard } from "../../src/stream/shard.ts";
import { seeded } from "../support/seed.ts";
import { leaseOf } from "./fixtures.ts";

const history = fc.record({
  roots: fc.integer({ min: 1, max: 4 }),
  reshards: fc.array(fc.record({ kind: fc.constantFrom("split", "merge"), pick: fc.nat(1000) }), {
    maxLength: 25,
  }),
  trimmed: fc.double({ min: 0, max: 1, noNaN: true }),
});

type History = typeof history extends fc.Arbitrary<infer T> ? T : never;

interface LiveShard {
  readonly id: string;
  readonly from: bigint;
  readonly to: bigint;
  readonly parents: readonly string[];
  readonly born: number;
  closed: number | undefined;
}

/** The stream's listing at the end of its history; of the closed shards the first `trimmed` part is gone, reshard by reshard. */
function shardsAfter({ roots, reshards, trimmed }: History): Shard[] {
  const all: LiveShard[] = [];
  let step = 0;
  const open = (from: bigint, to: bigint, parents: readonly LiveShard[]) => {
    const id = `shard-${String(all.length).padStart(4, "0")}`;
    all.push({ id, from, to, parents: parents.map((parent) => parent.id), born: step, closed: undefined });
    for (const parent of parents) parent.closed = step;
  };
  const edge = (n: number) => ((MAX_HASH_KEY + 1n) * BigInt(n)) / BigInt(roots);
  for (let n = 0; n < roots; n++) open(edge(n), edge(n + 1) - 1n, []);
  for (const { kind, pick } of reshards) {
    step++;
    const opened = all.filter((shard) => shard.closed === undefined).toSorted((a, b) =>
      a.from < b.from ? -1 : 1
    );
    const at = pick % opened.length;
    const one = opened[at], next = opened[at + 1];
    if (one === undefined) continue;
    if (kind === "merge" && next !== undefined) open(one.from, next.to, [one, next]);
    else if (kind === "split" && one.to - one.from > 3n) {
      const middle = (one.from + one.to) / 2n;
      open(one.from, middle, [one]);
      open(middle + 1n, one.to, [one]);
    }
  }
  const trimUntil = trimmed * step;
  return all.filter((shard) => shard.closed === undefined || shard.closed > trimUntil).map((shard) => ({
    shardId: shard.id,
    parentShardId: shard.parents[0],
    adjacentParentShardId: shard.parents[1],
    hashKeyRange: { startingHashKey: `${shard.from}`, endingHashKey: `${shard.to}` },
    startingSequenceNumber: `${shard.born}`,
    endingSequenceNumber: shard.closed === undefined ? undefined : `${shard.closed}`,
  }));
}

const position: fc.Arbitrary<InitialPosition> = fc.constantFrom<InitialPosition[]>(
  "LATEST",
  "TRIM_HORIZON",
  new Date(1000),
);

function created(lease: NewLease): Lease {
  return { ...leaseOf({ key: lease.leaseKey, checkpoint: lease.checkpoint.sequenceNumber }), ...lease };
}

/** The leases of a table in which a sync has run; fails where the sync would not. */
function synced(
  shards: readonly Shard[],
  leases: readonly Lease[],
  initialPosition: InitialPosition,
): Lease[] {
  const plan = leasesToCreate({
    shards,
    leases,
    isFirstSync: leases.length === 0,
    initialPosition,
    streamIdentifier: undefined,
    ignoreUnexpectedChildShards: false,
  });
  assert(plan.type === "create", plan.type === "relist" ? plan.problem : "");
  const keys = plan.leases.map((lease) => lease.leaseKey);
  assertEquals(new Set(keys).size, keys.length, "a lease is created twice");
  assert(!leases.some((lease) => keys.includes(lease.leaseKey)), "a lease is created that is there");
  // So it does not matter which of them are there already when a leader dies half way.
  const isChild = ({ parentShardIds }: NewLease) => parentShardIds.some((id) => keys.includes(id));
  assert(!plan.leases.some(isChild), "a lease is created together with its parent's");
  return [...leases, ...plan.leases.map(created)];
}

/** Lets closed shards end whose parents are done, as their owners would, until nothing changes. */
function lived(
  shards: readonly Shard[],
  start: readonly Lease[],
  mayEnd: (place: number) => boolean = () => true,
): Lease[] {
  const leases = new Map(start.map((lease) => [lease.leaseKey, lease]));
  const isDone = (id: string) => {
    const lease = leases.get(id);
    return lease === undefined || isShardEnd(lease.checkpoint);
  };
  for (let changed = true; changed;) {
    changed = false;
    for (const [place, shard] of shards.entries()) {
      const lease = leases.get(shard.shardId);
      if (lease === undefined || isOpen(shard) || isShardEnd(lease.checkpoint)) continue;
      if (!mayEnd(place)) continue;
      if (!parentsOf(shard).every(isDone)) continue;
      const children = childrenOf(shard.shardId, shards);
      const plan = childLeases({
        childShards: children,
        leased: new Set(leases.keys()),
        streamIdentifier: undefined,
        chance: 0.9,
      });
      if (plan.type === "wait") continue;
      assert(plan.type === "create", plan.type);
      for (const child of plan.leases) leases.set(child.leaseKey, created(child));
      leases.set(lease.leaseKey, {
        ...lease,
        checkpoint: SHARD_END,
        childShardIds: children.map((child) => child.shardId),
      });
      changed = true;
    }
  }
  return [...leases.values()];
}

function unread(shards: readonly Shard[], leases: readonly Lease[]): string[] {
  const leased = new Set(leases.map((lease) => lease.leaseKey));
  return shards.filter((shard) => isOpen(shard) && !leased.has(shard.shardId)).map((shard) => shard.shardId);
}

Deno.test("leasesToCreate() in an empty table covers all hash keys once, and leads to every open shard", () => {
  fc.assert(
    fc.property(history, position, (history, position) => {
      const shards = shardsAfter(history);
      const leases = synced(shards, [], position);
      const width = leases.reduce(
        (sum, { hashKeyRange: range }) =>
          sum + (range ? BigInt(range.endingHashKey) - BigInt(range.startingHashKey) + 1n : 0n),
        0n,
      );
      assertEquals(width, MAX_HASH_KEY + 1n);
      assertEquals(
        firstHole(leases.map((lease) => lease.hashKeyRange).filter((range) => range !== undefined)),
        undefined,
      );
      assertEquals(unread(shards, lived(shards, leases)), []);
    }),
    { ...seeded(), numRuns: 500 },
  );
});

Deno.test("leasesToCreate() in an empty table is the same whether or not the service filters", () => {
  fc.assert(
    fc.property(history, position, (history, position) => {
      const shards = shardsAfter(history);
      const listed = new Set(shards.map((shard) => shard.shardId));
      const filtered = position === "LATEST"
        ? shards.filter(isOpen)
        : shards.filter((shard) => !parentsOf(shard).some((parent) => listed.has(parent)));
      assertEquals(synced(filtered, [], position), synced(shards, [], position));
    }),
    seeded(),
  );
});

const chosen = fc.array(fc.constantFrom("none", "none", "none", "begun", "fresh"), {
  minLength: 60,
  maxLength: 60,
});

Deno.test("leasesToCreate() with any leases in the table leads to every open shard, without reading a shard twice", () => {
  fc.assert(
    fc.property(history, position, chosen, (history, position, chosen) => {
      const shards = shardsAfter(history);
      const before = shards.flatMap((shard, place) => {
        const kind = chosen[place % chosen.length];
        if (kind === "none") return [];
        const key = shard.shardId;
        return [{
          ...leaseOf({ key, checkpoint: kind === "begun" ? "5" : "TRIM_HORIZON" }),
          hashKeyRange: shard.hashKeyRange,
        }];
      });
      if (before.length === 0) return;
      const after = synced(shards, before, position);
      assertEquals(synced(shards, after, position), after, "a second sync finds more");
      assertEquals(unread(shards, lived(shards, after)), []);
      // What was created has no leased ancestor: it would be read from there.
      const byId = new Map(shards.map((shard) => [shard.shardId, shard]));
      const leased = new Set(after.map((lease) => lease.leaseKey));
      const hasLeasedAncestor = (id: string): boolean => {
        const shard = byId.get(id);
        return shard !== undefined &&
          parentsOf(shard).some((parent) =>
            byId.has(parent) && (leased.has(parent) || hasLeasedAncestor(parent))
          );
      };
      for (const lease of after.slice(before.length)) {
        assert(!hasLeasedAncestor(lease.leaseKey), "read twice");
      }
    }),
    { ...seeded(), numRuns: 1000 },
  );
});

Deno.test("leasesToCreate() finds any one lease again that was deleted from a table that was whole", () => {
  fc.assert(
    fc.property(history, position, fc.nat(30), fc.nat(1000), (history, position, ends, pick) => {
      const shards = shardsAfter(history);
      const whole = lived(shards, synced(shards, [], position), (place) => place < ends);
      const lost = whole[pick % whole.length];
      const left = whole.filter((lease) => lease !== lost);
      if (left.length === 0) return;
      assertEquals(unread(shards, lived(shards, synced(shards, left, position))), []);
    }),
    { ...seeded(), numRuns: 500 },
  );
});

Deno.test("auditLeases() never finds a hole while shards end, and cleanupStep() never makes one", () => {
  fc.assert(
    fc.property(history, position, fc.nat(30), (history, position, ends) => {
      const shards = shardsAfter(history);
      let leases = lived(shards, synced(shards, [], position), (place) => place < ends)
        .map((lease) =>
          isShardEnd(lease.checkpoint) ? lease : { ...lease, checkpoint: { ...lease.checkpoint } }
        );
      assertEquals(auditLeases(undefined, leases), { sighting: undefined, syncNow: false });
      // Whatever has begun is cleaned up behind, oldest first, and the stream stays covered.
      leases = leases.map((lease) =>
        isShardEnd(lease.checkpoint)
          ? lease
          : { ...lease, checkpoint: { sequenceNumber: "7", subSequenceNumber: 0 } }
      );
      for (let deleted = true; deleted;) {
        const all = new Map(leases.map((lease) => [lease.leaseKey, lease]));
        const kept = leases.filter((lease) => cleanupStep(lease, { leases: all }).type !== "delete");
        deleted = kept.length < leases.length;
        leases = kept;
      }
      assertEquals(auditLeases(undefined, leases), { sighting: undefined, syncNow: false });
      assertEquals(synced(shards, leases, position), leases, "what was cleaned up is created again");
      assert(!leases.some((lease) => isShardEnd(lease.checkpoint)), "a finished lease is kept for ever");
    }),
    { ...seeded(), numRuns: 500 },
  );
});
