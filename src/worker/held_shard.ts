/**
 * Consumes the shard of one held lease. Finds the stream of the lease, and gives the consumer its retrieval
 * and the parts that all shards of the worker share.
 *
 * @module
 */

import type { Bell } from "../async/bell.ts";
import type { DeliverySettings } from "../consumer/delivery.ts";
import type { HeldLease } from "../consumer/held_lease.ts";
import type { RecordProcessorFactory } from "../consumer/record_processor.ts";
import type { DeliveryStarter } from "../consumer/records_delivery.ts";
import { consumeShard } from "../consumer/shard_consumer.ts";
import type { LoadTransact } from "../consumer/shard_context.ts";
import type { StreaksByLease } from "../consumer/streaks.ts";
import type { WorkerEventListener } from "../events.ts";
import { originOfStream, type Streams } from "../fleet/streams.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import type { ByteBudget } from "../retrieval/byte_budget.ts";
import { isShardEnd } from "../stream/sequence_number.ts";
import type { System } from "../system.ts";
import type { ShardReading } from "./shard_reading.ts";

/** What the shards of a worker share. */
export interface SharedByShards {
  readonly delivery: DeliverySettings;
  readonly processor: RecordProcessorFactory;
  readonly streams: Streams;
  /** Failures in a row, kept for the case that the worker gets the lease again. */
  readonly streaks: StreaksByLease;
  readonly reading: ShardReading;
  readonly budget: ByteBudget;
  /** How records reach a processor; undefined: one slice after the other. */
  readonly startDelivery: DeliveryStarter | undefined;
  readonly loadTransact: LoadTransact | undefined;
  readonly leaseStore: LeaseStore;
  /** Rings when one of the shards has been read to its end. */
  readonly shardEnds: Bell;
  readonly system: System;
  readonly emit: WorkerEventListener;
}

/**
 * Resolves when the shard has ended, or its lease is lost or handed over.
 *
 * @returns Whether the shard has been read to its end.
 */
export async function consumeHeldShard(hold: HeldLease, shared: SharedByShards): Promise<boolean> {
  const { delivery, processor, streams, streaks, reading, budget, leaseStore, shardEnds } = shared;
  const stream = await streams.of(hold.lease, hold.lost);
  // The lease stays held, so that no worker reads the shard, until it is cleaned up or the worker stops.
  if (stream === undefined) return false;
  const { reference, initialPosition, streamIdentifier } = stream;
  await consumeShard({
    held: hold,
    delivery,
    streaks: streaks.of(hold.lease),
    stream: { streamName: reference.streamName, streamArn: reference.streamArn, streamIdentifier },
    origin: originOfStream(stream),
    initialPosition,
    processor,
    retrieval: reading.of(stream),
    budget,
    startDelivery: shared.startDelivery,
    loadTransact: shared.loadTransact,
    leaseStore,
    shardEnds,
    system: shared.system,
    emit: shared.emit,
  });
  if (!isShardEnd(hold.lease.checkpoint)) return false;
  streaks.forget(hold.leaseKey);
  shardEnds.ring();
  return true;
}
