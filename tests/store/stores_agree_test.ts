/**
 * Memory, dynalite and the simulated DynamoDB, given the same random writes, stale ones among them, tell the same outcomes and end with equal tables.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import fc from "../support/fast_check.ts";
import type { LockCondition } from "../../src/lease/coordinator_store.ts";
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
import { seeded } from "../support/seed.ts";
import { newLease, SHARD_ID } from "../lease/fixtures.ts";
import { dynaliteFixture, type Fixture, memoryFixture, simulatedAwsFixture } from "./fixtures.ts";

/** One step, done to a fixture with what was known of the leases so far, oldest first. */
type Step = (fixture: Fixture, known: readonly Lease[]) => Promise<unknown>;

interface NamedStep {
  readonly name: string;
  readonly run: Step;
}

const workerId = fc.constantFrom("w1", "w2", "w3");
const leaseKey = fc.constantFrom("a", "b");
const position = fc.tuple(fc.bigInt(0n, 1n << 180n), fc.nat(9)).map(([at, sub]) => positionAt(`${at}`, sub));

const leaseWrite: fc.Arbitrary<(lease: Lease) => LeaseWrite> = fc.oneof(
  fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: undefined })
    .map((throughput) => (lease: Lease) => renew(lease, throughput)),
  workerId.map((id) => (lease: Lease) => assign(lease, id)),
  workerId.map((id) => (lease: Lease) =>
    startHandoff({ ...lease, leaseOwner: lease.leaseOwner ?? "nobody" }, id)
  ),
  fc.constant((lease: Lease) => evict(lease)),
  position.map((at) => (lease: Lease) => checkpoint(lease, at)),
  fc.tuple(position, fc.option(fc.uint8Array({ minLength: 1, maxLength: 8 }), { nil: undefined }))
    .map(([at, state]) => (lease: Lease) => prepareCheckpoint(lease, at, state)),
  fc.array(fc.constantFrom("c1", "c2", "c3"), { minLength: 1 })
    .map((children) => (lease: Lease) => setChildShardIds(lease, children)),
  fc.nat(99).map((start) => (lease: Lease) =>
    setHashKeyRange(lease, { startingHashKey: `${start}`, endingHashKey: "100" })
  ),
);

const lock = fc.record({
  ownerName: workerId,
  recordVersionNumber: fc.constantFrom("v1", "v2", "v3"),
  leaseDurationMs: fc.constantFrom(10_000, 120_000),
  isReleased: fc.boolean(),
});

const lockCondition: fc.Arbitrary<LockCondition> = fc.oneof(
  fc.constant({ type: "absent" } as const),
  fc.constant({ type: "released" } as const),
  fc.constantFrom("v1", "v2", "v3")
    .map((recordVersionNumber) => ({ type: "version", recordVersionNumber }) as const),
);

const metrics = fc.record({
  workerId,
  lastUpdateEpochS: fc.constantFrom(100, 200),
  stats: fc.dictionary(fc.constantFrom("C", "M"), fc.array(fc.nat(100), { minLength: 1, maxLength: 3 })),
  operatingRange: fc.constant({ C: [100] }),
  supportCode: fc.constantFrom(undefined, 1),
  supportEpochS: fc.constantFrom(undefined, 100),
});

const step: fc.Arbitrary<NamedStep> = fc.oneof(
  {
    weight: 6,
    // Mostly the newest reading, at times an older one.
    arbitrary: fc.tuple(leaseWrite, fc.constantFrom(0, 0, 0, 1, 2)).map(([write, age]): NamedStep => ({
      name: `apply ${write} aged ${age}`,
      run: async ({ leases }, known) => {
        const lease = known.at(-1 - age);
        return lease === undefined ? undefined : await leases.apply(write(lease));
      },
    })),
  },
  {
    weight: 2,
    arbitrary: leaseKey.map((key) => ({
      name: `create ${key}`,
      run: ({ leases }: Fixture) => leases.create(newLease(SHARD_ID, { leaseKey: key, shardId: key })),
    })),
  },
  {
    weight: 3,
    arbitrary: leaseKey.map((key) => ({ name: `get ${key}`, run: ({ leases }: Fixture) => leases.get(key) })),
  },
  {
    weight: 1,
    arbitrary: leaseKey.map((key) => ({
      name: `delete ${key}`,
      run: ({ leases }: Fixture) => leases.delete(key),
    })),
  },
  {
    weight: 1,
    arbitrary: workerId.map((id) => ({
      name: `leaseKeysOwnedBy ${id}`,
      run: async ({ leases }: Fixture) => (await leases.leaseKeysOwnedBy(id)).toSorted(),
    })),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(lock, lockCondition).map(([next, when]) => ({
      name: `putLock ${JSON.stringify([next, when])}`,
      run: ({ coordinator }: Fixture) => coordinator.putLock("leaseTable", next, when),
    })),
  },
  {
    weight: 1,
    arbitrary: lock.map((next) => ({
      name: `heartbeatLock ${JSON.stringify(next)}`,
      run: ({ coordinator }: Fixture) => coordinator.heartbeatLock("leaseTable", "v1", next),
    })),
  },
  {
    weight: 1,
    arbitrary: lock.map((held) => ({
      name: `releaseLock ${JSON.stringify(held)}`,
      run: ({ coordinator }: Fixture) => coordinator.releaseLock("leaseTable", held),
    })),
  },
  {
    weight: 1,
    arbitrary: metrics.map((next) => ({
      name: `writeWorkerMetrics ${JSON.stringify(next)}`,
      run: ({ coordinator }: Fixture) => coordinator.writeWorkerMetrics("leaseTable", next),
    })),
  },
  {
    weight: 1,
    arbitrary: metrics.map((seen) => ({
      name: `deleteWorkerMetrics ${JSON.stringify(seen)}`,
      run: ({ coordinator }: Fixture) => coordinator.deleteWorkerMetrics("leaseTable", seen),
    })),
  },
);

Deno.test("memory, dynalite and the simulated DynamoDB agree on random writes", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      await using memory = await memoryFixture();
      await using dynalite = await dynaliteFixture();
      await using simulated = await simulatedAwsFixture();
      const known: Lease[] = [];
      for (const { leases } of [memory, dynalite, simulated]) {
        await leases.ensureTable();
        for (const key of ["a", "b"]) {
          await leases.create(newLease(SHARD_ID, { leaseKey: key, shardId: key }));
        }
      }
      known.push(...(await memory.leases.list()).leases);
      for (const { name, run } of steps) {
        const wanted = await run(memory, known);
        assertEquals(await run(dynalite, known), wanted, `${name} on dynalite`);
        assertEquals(await run(simulated, known), wanted, `${name}, simulated`);
        const lease = leaseIn(wanted);
        if (lease !== undefined) known.push(lease);
      }
      for (const { items } of [dynalite, simulated]) assertEquals(await items(), await memory.items());
    }),
    { ...seeded(), numRuns: 25 },
  );
});

/** The lease that a step told of, if it did. */
function leaseIn(outcome: unknown): Lease | undefined {
  if (typeof outcome !== "object" || outcome === null) return undefined;
  if ("leaseKey" in outcome) return outcome as Lease;
  if ("lease" in outcome) return outcome.lease as Lease;
  return "found" in outcome ? outcome.found as Lease | undefined : undefined;
}
