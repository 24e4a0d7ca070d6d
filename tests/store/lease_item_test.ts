import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../support/fast_check.ts";
import type { AttributeValue, Item } from "../../src/aws/dynamodb.ts";
import type { Lease } from "../../src/lease/lease.ts";
import { assign, prepareCheckpoint, renew } from "../../src/lease/lease_write.ts";
import { leaseItemWrite, leaseOf, newLeaseItem } from "../../src/store/lease_item.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import cases from "../cases/lease_readouts.json" with { type: "json" };
import { seeded } from "../support/seed.ts";
import { newLease, SHARD_ID } from "../lease/fixtures.ts";
import { leaseIn } from "./fixtures.ts";

interface ReadoutCase {
  readonly comment: string;
  readonly item: Item;
  /** Undefined attributes are left out; state is a list of bytes. */
  readonly lease?: Omit<Lease, "pendingCheckpointState"> & {
    readonly pendingCheckpointState?: readonly number[];
  };
  readonly problem?: string;
}

Deno.test("leaseOf() reads a lease, or says why it cannot", async (t) => {
  for (const { comment, item, lease, problem } of cases as unknown as readonly ReadoutCase[]) {
    await t.step(comment, () => {
      if (lease === undefined) {
        assert(problem !== undefined);
        assertEquals(leaseOf(item), { type: "unreadable", problem });
        return;
      }
      const state = lease.pendingCheckpointState;
      const value: Lease = {
        ...{ leaseOwner: undefined, checkpointOwner: undefined, pendingCheckpoint: undefined },
        ...{ hashKeyRange: undefined, throughputKBps: undefined, streamIdentifier: undefined },
        ...{ latestEpochMs: undefined, mark: undefined },
        ...lease,
        pendingCheckpointState: state === undefined ? undefined : new Uint8Array(state),
      };
      assertEquals(leaseOf(item), { type: "read", value });
    });
  }
});

Deno.test("leaseOf() never throws, whatever the item", () => {
  const scalar: fc.Arbitrary<AttributeValue> = fc.oneof(
    fc.record({ S: fc.oneof(fc.string(), fc.constantFrom("LEASE", "TRIM_HORIZON", "7", "")) }),
    fc.record({ N: fc.oneof(fc.integer().map(String), fc.string()) }),
    fc.record({ B: fc.oneof(fc.base64String(), fc.string()) }),
    fc.record({ BOOL: fc.boolean() }),
    fc.record({ SS: fc.array(fc.string()) }),
    fc.constant({ NULL: true } as const),
  );
  const value = fc.oneof(scalar, fc.record({ L: fc.array(scalar) }));
  const whole = newLeaseItem(newLease());
  const name = fc.constantFrom(
    ...Object.keys(whole),
    "leaseOwner",
    "checkpointOwner",
    "parentShardId",
    "childShardIds",
    "pendingCheckpoint",
    "pendingCheckpointState",
    "throughputKBps",
    "kcliteIncarnation",
    "kcliteProgress",
    "streamName",
    "shardId",
  );
  fc.assert(
    fc.property(fc.dictionary(name, value), fc.boolean(), (changes, onWhole) => {
      const readout = leaseOf(onWhole ? { ...whole, ...changes } : changes);
      if (readout.type === "unreadable") assert(readout.problem !== "");
    }),
    seeded(),
  );
});

Deno.test("newLeaseItem() and leaseOf() agree about many-streams leases", () => {
  const streamIdentifier = "123456789012:orders:1700000000";
  const lease = newLease(SHARD_ID, {
    streamIdentifier,
    leaseKey: `${streamIdentifier}:shardId-000000000000`,
  });
  const { leaseKey, shardId, checkpoint, hashKeyRange } = leaseIn(newLeaseItem(lease));
  assertEquals({ ...lease, leaseKey, shardId, checkpoint, hashKeyRange }, lease);
});

Deno.test("newLeaseItem() refuses empty texts", () => {
  assertThrows(
    () => newLeaseItem(newLease(SHARD_ID, { leaseKey: "" })),
    RangeError,
    'Cannot write attribute "leaseKey": expected a text: got ""',
  );
  assertThrows(() => newLeaseItem(newLease(SHARD_ID, { parentShardIds: [""] })), RangeError, "parentShardId");
});

Deno.test("leaseItemWrite() always asks that the lease exists", () => {
  const lease = leaseIn(newLeaseItem(newLease()));
  for (const write of [renew(lease), assign(lease, "w"), { ...renew(lease), when: {} }]) {
    assertEquals(leaseItemWrite(write).when.leaseKey, "present");
  }
});

Deno.test("leaseItemWrite() refuses numbers that are none", () => {
  const lease = leaseIn(newLeaseItem(newLease()));
  for (const throughputKBps of [NaN, Infinity, 2 ** 60]) {
    assertThrows(() => leaseItemWrite(renew(lease, throughputKBps)), RangeError, "throughputKBps");
  }
});

Deno.test("leaseItemWrite() writes state of any size, none included", () => {
  const lease = leaseIn(newLeaseItem(newLease()));
  for (const bytes of [0, 1, 100_000]) {
    const state = new Uint8Array(bytes).fill(200);
    const { set } = leaseItemWrite(prepareCheckpoint(lease, positionAt("1"), state)).update;
    const readout = leaseOf({ ...newLeaseItem(newLease()), ...set });
    assert(readout.type === "read");
    assertEquals(readout.value.pendingCheckpointState, state);
  }
});
