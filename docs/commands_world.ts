/**
 * A fleet in the middle of its work, on an emulator: what the examples of docs/commands.md run on. Its clock
 * stands still but for sleeps, so the page is the same each time that it is made.
 *
 * Three workers read the stream "orders". A shard was split an hour ago. One of its children is being handed
 * over. worker-c died some minutes ago, and its shard is not read.
 *
 * @module
 */

import type { WorkerMetrics } from "../src/lease/coordinator_store.ts";
import type { Lease } from "../src/lease/lease.ts";
import { checkpoint, setChildShardIds, startHandoff } from "../src/lease/lease_write.ts";
import { newClientVersion } from "../src/lease/table_format.ts";
import { positionAt, SHARD_END } from "../src/stream/sequence_number.ts";
import { parentsOf } from "../src/stream/shard.ts";
import { ActingFleet } from "../tests/support/acting_fleet.ts";
import { OperateBed } from "../tests/support/operate_bed.ts";

/** The application of the examples. */
export const APPLICATION = "orders-app";

const MINUTE_MS = 60_000;

/** Makes it. @param isStopped Whether all workers have stopped an hour ago. */
export async function commandsWorld({ isStopped }: { readonly isStopped: boolean }): Promise<OperateBed> {
  const bed = new OperateBed({ streams: { orders: 4 } }, APPLICATION);
  const orders = bed.aws.stream("orders");
  const put = (minutes: number) => {
    for (let minute = 0; minute < minutes; minute++) {
      for (let n = 0; n < 8; n++) orders.put(`{"order":${minute * 8 + n}}`, `customer-${n * 7 + minute}`);
      bed.clock.pass(MINUTE_MS);
    }
  };
  put(60);
  const [, toSplit] = orders.shards();
  orders.split(toSplit?.shardId ?? "");
  put(60);
  await bed.table();
  const { coordinatorStore } = bed.fleet;
  await coordinatorStore.createMigration("leaseTable", newClientVersion("worker-a", bed.clock.epochMs()));
  const stoppedMs = isStopped ? 60 * MINUTE_MS : 0;
  for (const worker of ["worker-a", "worker-b"]) await bed.worker(worker, stoppedMs, processOf(worker));
  await bed.worker("worker-c", stoppedMs + 4 * MINUTE_MS, processOf("worker-c"));
  await bed.lock({ ownerName: "worker-a" });
  await leases(bed, isStopped);
  if (isStopped) return bed;
  const inHandoff = orders.shards()[4]?.shardId ?? "";
  new ActingFleet(bed, { alive: ["worker-a", "worker-b"], isObeyed: true, untouched: [inHandoff] });
  return bed;
}

/** Marks a report as one of kclite. */
function processOf(workerId: string): Pick<WorkerMetrics, "incarnation"> {
  return { incarnation: { workerId, generation: 1, nonce: "0a1b2c3d" } };
}

/** Who has which shard, and how many of its newest records are still to be read. */
const OWNERS: readonly (readonly [shard: number, owner: string, unread: number])[] = [
  [0, "worker-a", 0],
  [1, "worker-a", 0],
  [2, "worker-b", 40],
  [3, "worker-c", 25],
  [4, "worker-a", 2],
  [5, "worker-b", 0],
];

async function leases(bed: OperateBed, isStopped: boolean): Promise<void> {
  const orders = bed.aws.stream("orders");
  const shards = orders.shards();
  for (const [index, owner, unread] of OWNERS) {
    const shard = shards[index];
    if (shard === undefined) throw new RangeError(`there is no shard ${index}`);
    const { shardId, hashKeyRange } = shard;
    const lease = await bed.lease({
      leaseKey: shardId,
      shardId,
      streamIdentifier: undefined,
      checkpoint: positionAt("TRIM_HORIZON"),
      parentShardIds: parentsOf(shard),
      hashKeyRange,
    }, owner);
    const children = shards.filter((child) => parentsOf(child).includes(shardId)).map(({ shardId }) =>
      shardId
    );
    if (children.length > 0) {
      await checkpointed(bed, await withChildren(bed, lease, children), SHARD_END);
      continue;
    }
    const at = orders.records(shardId).at(-1 - unread)?.sequenceNumber;
    if (at !== undefined) await checkpointed(bed, lease, positionAt(at));
  }
  if (isStopped) return;
  const moving = await bed.read(shards[4]?.shardId ?? "");
  await bed.fleet.leaseStore.apply(startHandoff({ ...moving, leaseOwner: "worker-a" }, "worker-b"));
}

async function withChildren(bed: OperateBed, lease: Lease, children: readonly string[]): Promise<Lease> {
  await bed.fleet.leaseStore.apply(setChildShardIds(lease, children));
  return await bed.read(lease.leaseKey);
}

async function checkpointed(bed: OperateBed, lease: Lease, at: Lease["checkpoint"]): Promise<void> {
  await bed.fleet.leaseStore.apply(checkpoint(lease, at));
}
