/**
 * Golden items: what stands in the table after each of our writes, attribute for attribute and type for type as KCL 3.5.1
 * leaves it, in memory and on dynalite. Nothing here goes through our own reading of items.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import type { Item } from "../../src/aws/dynamodb.ts";
import type { LeaderLock, MigrationState, TablePlace } from "../../src/lease/coordinator_store.ts";
import { lastWriter } from "../../src/lease/incarnation.ts";
import type { Lease, NewLease } from "../../src/lease/lease.ts";
import type { LeaseProgress } from "../../src/lease/lease_progress.ts";
import * as writes from "../../src/lease/lease_write.ts";
import { withProgress } from "../../src/lease/progress_write.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import coordinatorCases from "../cases/coordinator_items.json" with { type: "json" };
import leaseCases from "../cases/lease_items.json" with { type: "json" };
import { newLease, SHARD_ID } from "../lease/fixtures.ts";
import { type Fixture, FIXTURES, inOrder, leaseIn } from "./fixtures.ts";

/** A row of the write table with its arguments. */
type GoldenWrite = RowWrite & {
  /** What its owner writes along. */
  readonly progress?: LeaseProgress;
};
type RowWrite =
  | { readonly operation: "create"; readonly lease: NewLease }
  | { readonly operation: "renew"; readonly throughputKBps?: number }
  | { readonly operation: "assign" | "startHandoff"; readonly workerId: string }
  | { readonly operation: "evict" }
  | {
    readonly operation: "checkpoint" | "prepareCheckpoint";
    readonly sequenceNumber: string;
    readonly subSequenceNumber: number;
    readonly state?: readonly number[];
    readonly finishedAhead?: string;
  }
  | { readonly operation: "setChildShardIds"; readonly childShardIds: readonly string[] }
  | {
    readonly operation: "setHashKeyRange";
    readonly startingHashKey: string;
    readonly endingHashKey: string;
  };

interface LeaseCase {
  readonly comment: string;
  readonly before: Item | null;
  readonly write: GoldenWrite;
  readonly after: Item;
}

interface CoordinatorCase {
  readonly comment: string;
  readonly place: TablePlace;
  readonly item: Item;
  readonly call: "putLock" | "heartbeatLock" | "writeWorkerMetrics" | "createMigration";
  readonly args: readonly unknown[];
}

for (const [kind, open] of FIXTURES) {
  Deno.test(`${kind}: lease items after each write are as Java leaves them`, async (t) => {
    for (const { comment, before, write, after } of leaseCases as unknown as readonly LeaseCase[]) {
      await t.step(comment, async () => {
        await using fixture = await open();
        await fixture.leases.ensureTable();
        if (write.operation === "create") {
          assertEquals(before, null);
          assertEquals(await fixture.leases.create(newLease(SHARD_ID, write.lease)), true);
        } else {
          assert(before !== null);
          await fixture.put(before);
          const outcome = await fixture.leases.apply(leaseWrite(leaseIn(before), write));
          assertEquals(outcome, { applied: true, lease: leaseIn(after) });
        }
        assertEquals(await fixture.items(), inOrder([after]));
      });
    }
  });

  Deno.test(`${kind}: a marked write leaves the same item, and the mark where the counter moved`, async () => {
    const own = { workerId: "w/1", generation: 1769774400000, nonce: "0a1b2c3d" };
    for (const { comment, before, write, after } of leaseCases as unknown as readonly LeaseCase[]) {
      if (write.operation === "create" || before === null) continue;
      await using fixture = await open();
      await fixture.leases.ensureTable();
      const stale = { S: "w/1/1769774400000/0a1b2c3d/1" };
      await fixture.put({ ...before, kcliteIncarnation: stale });
      const { leaseCounter } = leaseIn(after);
      const outcome = await fixture.leases.apply(writes.marked(leaseWrite(leaseIn(before), write), own));
      const isMoved = leaseIn(before).leaseCounter !== leaseCounter;
      const mark = isMoved ? { S: `w/1/1769774400000/0a1b2c3d/${leaseCounter}` } : stale;
      assertEquals(await fixture.items(), inOrder([{ ...after, kcliteIncarnation: mark }]), comment);
      assert(outcome.applied);
      assertEquals(lastWriter(outcome.lease), isMoved ? { ...own, leaseCounter } : undefined, comment);
    }
  });

  Deno.test(`${kind}: items beside the leases are as Java writes them`, async (t) => {
    for (const golden of coordinatorCases as unknown as readonly CoordinatorCase[]) {
      await t.step(`${golden.comment} (${golden.place})`, async () => {
        await using fixture = await open();
        await fixture.leases.ensureTable();
        if (golden.place === "legacy") await fixture.createLegacyTables();
        await write(fixture, golden);
        const table = golden.place === "leaseTable"
          ? "app"
          : golden.call === "writeWorkerMetrics"
          ? "app-WorkerMetricStats"
          : "app-CoordinatorState";
        assertEquals(await fixture.items(table), inOrder([golden.item]));
      });
    }
  });
}

Deno.test("the golden items cover every row of the write table", () => {
  const covered = new Set(leaseCases.map(({ write }) => write.operation));
  const rows = Object.values(writes).filter((row) => typeof row === "function").map((row) => row.name)
    .filter((name) => name !== writes.wasApplied.name && name !== writes.marked.name);
  assertEquals([...covered].toSorted(), [...rows, "create"].toSorted());
});

function leaseWrite(lease: Lease, write: Exclude<GoldenWrite, { readonly operation: "create" }>) {
  return withProgress(rowWrite(lease, write), lease, write.progress);
}

function rowWrite(
  lease: Lease,
  write: Exclude<RowWrite, { readonly operation: "create" }>,
): writes.LeaseWrite {
  switch (write.operation) {
    case "renew":
      return writes.renew(lease, write.throughputKBps);
    case "assign":
      return writes.assign(lease, write.workerId);
    case "startHandoff":
      return writes.startHandoff({ ...lease, leaseOwner: lease.leaseOwner ?? "" }, write.workerId);
    case "evict":
      return writes.evict(lease);
    case "checkpoint":
      return writes.checkpoint(
        lease,
        positionAt(write.sequenceNumber, write.subSequenceNumber),
        write.finishedAhead,
      );
    case "prepareCheckpoint":
      return writes.prepareCheckpoint(
        lease,
        positionAt(write.sequenceNumber, write.subSequenceNumber),
        write.state === undefined ? undefined : new Uint8Array(write.state),
      );
    case "setChildShardIds":
      return writes.setChildShardIds(lease, write.childShardIds);
    case "setHashKeyRange":
      return writes.setHashKeyRange(lease, write);
  }
}

async function write(
  { coordinator }: Fixture,
  { place, call, args: [first, second] }: CoordinatorCase,
): Promise<void> {
  switch (call) {
    case "putLock":
      assertEquals(await coordinator.putLock(place, first as LeaderLock, { type: "absent" }), true);
      return;
    case "heartbeatLock": {
      const held = first as LeaderLock;
      await coordinator.putLock(place, held, { type: "absent" });
      const { recordVersionNumber } = held;
      assertEquals(await coordinator.heartbeatLock(place, recordVersionNumber, second as LeaderLock), true);
      return;
    }
    case "writeWorkerMetrics":
      await coordinator.writeWorkerMetrics(
        place,
        first as Parameters<typeof coordinator.writeWorkerMetrics>[1],
      );
      return;
    case "createMigration":
      assertEquals(await coordinator.createMigration(place, first as MigrationState), true);
  }
}
