/**
 * Subscriptions to shards as the service keeps them: one for each shard and consumer, of which a later one
 * takes the place.
 *
 * @module
 */

import type { IteratorPosition } from "../../aws/kinesis.ts";
import type { SubscribeToShardEvent } from "../../aws/subscription.ts";
import { childrenOf } from "../../stream/shard.ts";
import { HEARTBEAT_MS, TAKEOVER_MS } from "./service_limits.ts";
import { indexOf, type ViewLimits, viewOf } from "./shard_view.ts";
import type { SimulatedShard, SimulatedStream } from "./simulated_stream.ts";

/** A subscription, as the service knows it. */
export interface Subscription {
  readonly key: string;
  readonly consumerArn: string;
  readonly stream: SimulatedStream;
  readonly shard: SimulatedShard;
  readonly sinceMs: number;
  /** The index of the next record. */
  next: number;
  continuation: string;
  /** When the last event was sent; empty ones are sent from time to time as a heartbeat. */
  sentMs: number;
}

/** What is subscribed to. */
export interface SubscriptionRequest {
  readonly consumerArn: string;
  readonly stream: SimulatedStream;
  readonly shard: SimulatedShard;
  readonly position: IteratorPosition;
  readonly nowMs: number;
}

/** The one subscription that each shard may have with each consumer. */
export class ShardSubscriptions {
  readonly #current = new Map<string, Subscription>();

  /** @returns undefined while another one is too young to be taken over. */
  open({ consumerArn, stream, shard, position, nowMs }: SubscriptionRequest): Subscription | undefined {
    const key = `${consumerArn} ${shard.shardId}`;
    const present = this.#current.get(key);
    if (present !== undefined && nowMs - present.sinceMs < TAKEOVER_MS) return undefined;
    const next = indexOf(shard, position);
    const continuation = shard.records[next - 1 - shard.forgotten]?.sequenceNumber ??
      (position.type === "LATEST" ? stream.tip : shard.startingSequenceNumber);
    const fresh = { key, consumerArn, stream, shard, sinceMs: nowMs, next, continuation, sentMs: nowMs };
    this.#current.set(key, fresh);
    return fresh;
  }

  /** Whether no other one has taken its place, and it was not closed. */
  isCurrent(subscription: Subscription): boolean {
    return this.#current.get(subscription.key) === subscription;
  }

  close(subscription: Subscription): void {
    if (this.isCurrent(subscription)) this.#current.delete(subscription.key);
  }
}

/** What is sent now; undefined: nothing yet. */
export function nextEvent(subscription: Subscription, limits: ViewLimits): SubscribeToShardEvent | undefined {
  const { shard, stream } = subscription;
  const { nowMs } = limits;
  const view = viewOf(shard, subscription.next, limits);
  const { records, bytes, millisBehindLatest, isEnd } = view;
  if (records.length === 0 && !isEnd && nowMs - subscription.sentMs < HEARTBEAT_MS) return undefined;
  subscription.next = view.next;
  subscription.sentMs = nowMs;
  subscription.continuation = records.at(-1)?.sequenceNumber ?? subscription.continuation;
  return {
    records,
    bytes,
    continuationSequenceNumber: isEnd ? undefined : subscription.continuation,
    millisBehindLatest,
    childShards: isEnd ? childrenOf(shard.shardId, stream.list()) : [],
  };
}
