/**
 * Enhanced fan-out over a simulated stream: a consumer that takes a while to become active, and subscriptions that end after
 * five minutes, break, fall silent, and take each other's place.
 *
 * @module
 */

import type { KinesisConsumers, StreamConsumer, SubscribeToShardEvent } from "../aws/kinesis_consumers.ts";
import { childrenOf } from "../stream/shard.ts";
import { type Link, serviceFailure } from "./faults.ts";
import { viewOf } from "./shard_view.ts";
import type { KinesisService } from "./simulated_kinesis.ts";
import type { SimulatedShard } from "./simulated_stream.ts";

/** A subscription, as the service knows it. */
interface Subscription {
  readonly consumerArn: string;
  readonly shard: SimulatedShard;
  readonly sinceMs: number;
  /** The index of the next record. */
  next: number;
  continuation: string;
  /** When the last event was sent; empty ones show now and then that it is alive. */
  sentMs: number;
}

/** The consumers of a world's stream. */
export class ConsumersService {
  readonly #kinesis: KinesisService;
  readonly #consumers = new Map<string, number>();
  /** The one subscription that each shard may have with each consumer. */
  readonly #subscriptions = new Map<string, Subscription>();

  constructor(kinesis: KinesisService) {
    this.#kinesis = kinesis;
  }

  /** Fan-out as one process reaches it. */
  over(link: Link): KinesisConsumers {
    const call = <T>(operation: string, signal: AbortSignal | undefined, serve: () => T) =>
      link.call("kinesis", operation, serve, signal);
    return {
      describeStreamConsumer: (_, name, signal) =>
        call("DescribeStreamConsumer", signal, () => this.#describe(arnOf(name))),
      registerStreamConsumer: (_, name, signal) =>
        call("RegisterStreamConsumer", signal, () => {
          if (this.#consumers.has(arnOf(name))) throw failed("ResourceInUseException");
          this.#consumers.set(arnOf(name), this.#nowMs);
          return { consumerArn: arnOf(name), consumerStatus: "CREATING" as const };
        }),
      deregisterStreamConsumer: (arn, signal) =>
        call("DeregisterStreamConsumer", signal, () => this.#consumers.delete(arn)),
      subscribeToShard: async ({ consumerArn, shardId, position }, signal) => {
        this.#kinesis.rules.opened(link.machine.name, shardId, position);
        const subscription = await call("SubscribeToShard", signal, () => {
          if (this.#describe(consumerArn)?.consumerStatus !== "ACTIVE") {
            throw failed("ResourceNotFoundException");
          }
          const shard = this.#kinesis.shard(shardId);
          const key = `${consumerArn} ${shardId}`;
          const present = this.#subscriptions.get(key);
          if (present !== undefined && this.#nowMs - present.sinceMs < TAKEOVER_MS) {
            throw failed("ResourceInUseException");
          }
          const next = this.#kinesis.indexOf(position, shardId);
          const continuation = shard.records[next - 1]?.sequenceNumber ??
            (position.type === "LATEST" ? this.#kinesis.stream.tip : shard.startingSequenceNumber);
          const fresh = { consumerArn, shard, sinceMs: this.#nowMs, next, continuation, sentMs: this.#nowMs };
          this.#subscriptions.set(key, fresh);
          return fresh;
        });
        return this.#events(link, `${consumerArn} ${shardId}`, subscription, signal);
      },
    };
  }

  #events(
    link: Link,
    key: string,
    subscription: Subscription,
    signal: AbortSignal,
  ): AsyncIterableIterator<SubscribeToShardEvent> {
    let isOver = false;
    const done = { done: true, value: undefined } as const;
    const close = () => {
      isOver = true;
      if (this.#subscriptions.get(key) === subscription) this.#subscriptions.delete(key);
    };
    signal.addEventListener("abort", close, { once: true });
    const events: AsyncIterableIterator<SubscribeToShardEvent> = {
      next: async () => {
        if (isOver) {
          signal.throwIfAborted();
          return done;
        }
        if (link.happens("kinesis", 0.005)) await link.machine.clock.sleep(Infinity, signal); // silent for ever
        for (;;) {
          await link.machine.clock.sleep(PUSH_MS, signal);
          // It dies where the records come from, whether or not anybody is there to hear of it.
          if (link.isCut("kinesis") || link.happens("kinesis", 0.003)) {
            close();
            throw failed("InternalFailure");
          }
          const isEnded = this.#nowMs - subscription.sinceMs > LIFE_MS || link.happens("kinesis", 0.003);
          const isGone = !this.#consumers.has(subscription.consumerArn);
          if (isEnded || isGone || this.#subscriptions.get(key) !== subscription) {
            close();
            return done;
          }
          const event = this.#event(link, subscription);
          if (event === undefined) continue;
          isOver = event.continuationSequenceNumber === undefined;
          return { done: false, value: event };
        }
      },
      return: () => {
        close();
        return Promise.resolve(done);
      },
      [Symbol.asyncIterator]: () => events,
    };
    return events;
  }

  /** What is sent now; undefined: nothing yet. */
  #event(link: Link, subscription: Subscription): SubscribeToShardEvent | undefined {
    const { shard } = subscription;
    const limit = link.happens("kinesis", 0.3) ? link.chance.below(3) : 1000;
    const view = viewOf(shard, subscription.next, { limit, nowMs: this.#nowMs });
    const { records, bytes, millisBehindLatest, isEnd } = view;
    if (records.length === 0 && !isEnd && this.#nowMs - subscription.sentMs < HEARTBEAT_MS) return undefined;
    subscription.next = view.next;
    subscription.sentMs = this.#nowMs;
    subscription.continuation = records.at(-1)?.sequenceNumber ?? subscription.continuation;
    const isNameless = link.happens("kinesis", 0.3);
    return {
      records,
      bytes,
      continuationSequenceNumber: isEnd ? undefined : subscription.continuation,
      millisBehindLatest,
      childShards: isEnd && !isNameless ? childrenOf(shard.shardId, this.#kinesis.stream.list()) : [],
    };
  }

  #describe(consumerArn: string): StreamConsumer | undefined {
    const sinceMs = this.#consumers.get(consumerArn);
    if (sinceMs === undefined) return undefined;
    return {
      consumerArn,
      consumerStatus: this.#nowMs - sinceMs < CREATION_MS ? "CREATING" : "ACTIVE",
    };
  }

  get #nowMs(): number {
    return this.#kinesis.time.nowMs;
  }
}

/** Kinesis API reference, SubscribeToShard: five minutes; a second call within five seconds is refused. */
const LIFE_MS = 300_000, TAKEOVER_MS = 5000;
/** How long a consumer takes to become active. */
const CREATION_MS = 3000;
/** Records arrive within so many ms. Kinesis documentation: about 70 ms; coarser, for speed. */
const PUSH_MS = 250;
/** An idle subscription shows itself so often. */
const HEARTBEAT_MS = 5000;

function arnOf(consumerName: string): string {
  return `arn:aws:kinesis:us-east-1:000000000000:stream/simulated/consumer/${consumerName}:1`;
}

function failed(code: string): Error {
  return serviceFailure("kinesis", "SubscribeToShard", code);
}
