/**
 * What a fleet does with a table of leases, without workers: reads each lease whose parents are done or gone,
 * makes the leases of children, stores ends, and deletes what is finished. With the rules of Java KCL where
 * those are stricter: a merged shard waits for ever when just one of its parents has a lease.
 *
 * @module
 */

import { assert } from "@std/assert";
import type { Lease } from "../../../src/lease/lease.ts";
import { checkpoint, setChildShardIds } from "../../../src/lease/lease_write.ts";
import { deaggregate } from "../../../src/stream/aggregation.ts";
import { compare, isShardEnd, positionAt, SHARD_END } from "../../../src/stream/sequence_number.ts";
import { childrenOf, parentsOf, type Shard } from "../../../src/stream/shard.ts";
import type { OperateBed } from "../../support/operate_bed.ts";

/** A user record that was delivered. */
export interface Delivered {
  readonly shardId: string;
  readonly text: string;
  readonly arrivalMs: number;
}

/** Reads on, until nothing is left. @param most How many leases are read at most. */
export async function deliver(
  bed: OperateBed,
  streamName: string,
  most: number = Infinity,
): Promise<Delivered[]> {
  const delivered: Delivered[] = [];
  const stream = bed.aws.stream(streamName);
  for (let read = 0; read < most;) {
    const shards = new Map(stream.shards().map((shard) => [shard.shardId, shard]));
    const { leases } = await bed.fleet.leaseStore.list();
    const byId = new Map(leases.map((lease) => [lease.shardId, lease]));
    const ready = leases.find((lease) => {
      const shard = shards.get(lease.shardId);
      const areParentsDone = lease.parentShardIds.every((id) => {
        const parent = byId.get(id);
        return parent === undefined || isShardEnd(parent.checkpoint);
      });
      return shard !== undefined && areParentsDone && !isRead(lease, bed, streamName, shard) &&
        !isBlocked(shard, shards, byId);
    });
    const shard = shards.get(ready?.shardId ?? "");
    if (ready === undefined || shard === undefined) break;
    read++;
    delivered.push(...unread(ready, bed, streamName, shard));
    await finish(bed, ready, shard, [...shards.values()], byId);
  }
  return delivered;
}

/** All that the stream has from a time on, in no order. */
export function recordsFrom(bed: OperateBed, streamName: string, epochMs: number): Delivered[] {
  const stream = bed.aws.stream(streamName);
  return stream.shards().flatMap(({ shardId }) =>
    stream.records(shardId).filter((record) => record.approximateArrivalTimestamp >= epochMs)
      .flatMap((record) => deaggregate(record, undefined))
      .map((record) => ({ shardId, text: record.text(), arrivalMs: record.approximateArrivalTimestamp }))
  );
}

/** Deletes the leases that a worker would delete. */
export async function cleanUp(bed: OperateBed): Promise<void> {
  const { leases } = await bed.fleet.leaseStore.list();
  const byId = new Map(leases.map((lease) => [lease.shardId, lease]));
  for (const lease of leases) {
    if (!isShardEnd(lease.checkpoint)) continue;
    const children = lease.childShardIds.map((id) => byId.get(id));
    const areBegun = children.length > 0 &&
      children.every((child) => child !== undefined && child.checkpoint.sequenceNumber !== "TRIM_HORIZON");
    const hasParents = lease.parentShardIds.some((id) => byId.has(id));
    if (!areBegun || hasParents) continue;
    await bed.fleet.leaseStore.delete(lease.leaseKey);
    byId.delete(lease.shardId);
  }
}

function unread(lease: Lease, bed: OperateBed, streamName: string, { shardId }: Shard): Delivered[] {
  return bed.aws.stream(streamName).records(shardId)
    .flatMap((record) => deaggregate(record, undefined))
    .filter((record) => compare(record, lease.checkpoint) > 0)
    .map((record) => ({ shardId, text: record.text(), arrivalMs: record.approximateArrivalTimestamp }));
}

function isRead(lease: Lease, bed: OperateBed, streamName: string, shard: Shard): boolean {
  return isShardEnd(lease.checkpoint) ||
    (shard.endingSequenceNumber === undefined && unread(lease, bed, streamName, shard).length === 0);
}

/** As Java has it: a closed shard whose only child has another parent without a lease. */
function isBlocked(
  { shardId, endingSequenceNumber }: Shard,
  shards: ReadonlyMap<string, Shard>,
  leases: ReadonlyMap<string, Lease>,
): boolean {
  const [child, ...more] = endingSequenceNumber === undefined
    ? []
    : childrenOf(shardId, [...shards.values()]);
  return child !== undefined && more.length === 0 && child.parentShards.some((id) => !leases.has(id));
}

async function finish(
  bed: OperateBed,
  lease: Lease,
  shard: Shard,
  shards: readonly Shard[],
  leases: ReadonlyMap<string, Lease>,
): Promise<void> {
  const { leaseStore } = bed.fleet;
  const stream = bed.aws.stream(bed.fleet.streams[0]?.streamName ?? "");
  if (shard.endingSequenceNumber === undefined) {
    const last = stream.records(shard.shardId).flatMap((record) => deaggregate(record, undefined)).at(-1);
    assert(last !== undefined, "an unread record");
    const { sequenceNumber, subSequenceNumber } = last;
    await leaseStore.apply(checkpoint(lease, positionAt(sequenceNumber, subSequenceNumber)));
    return;
  }
  const children = childrenOf(shard.shardId, shards);
  for (const child of children) {
    if (leases.has(child.shardId)) continue;
    await leaseStore.create({
      leaseKey: child.shardId,
      shardId: child.shardId,
      streamIdentifier: undefined,
      checkpoint: positionAt("TRIM_HORIZON"),
      parentShardIds: child.parentShards,
      hashKeyRange: child.hashKeyRange,
    });
  }
  if (children.length > 0) {
    await leaseStore.apply(setChildShardIds(lease, children.map(({ shardId }) => shardId)));
  }
  await leaseStore.apply(checkpoint(await bed.read(lease.leaseKey), SHARD_END));
}

/** Whether each record came after all that its shard's parents delivered. */
export function isInOrder(delivered: readonly Delivered[], shards: readonly Shard[]): boolean {
  const last = new Map<string, number>();
  delivered.forEach(({ shardId }, index) => last.set(shardId, index));
  return shards.every((shard) => {
    const first = delivered.findIndex(({ shardId }) => shardId === shard.shardId);
    return first === -1 || parentsOf(shard).every((id) => (last.get(id) ?? -1) < first);
  });
}
