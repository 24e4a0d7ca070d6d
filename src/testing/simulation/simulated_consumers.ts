/**
 * Enhanced fan-out over a simulated stream. A consumer takes a while to become active. Subscriptions end
 * after five minutes, break, fall silent, and take each other's place.
 *
 * @module
 */

import type { KinesisConsumers, StreamConsumer } from "../../aws/kinesis_consumers.ts";
import type { SubscribeToShardEvent } from "../../aws/subscription.ts";
import { type Link, serviceFailure } from "./faults.ts";
import { SUBSCRIPTION_LIFE_MS } from "../model/service_limits.ts";
import { simulatedArn } from "../model/simulated_account.ts";
import { nextEvent, ShardSubscriptions, type Subscription } from "../model/shard_subscriptions.ts";
import type { KinesisService } from "./simulated_kinesis.ts";

/** The consumers of a world's stream. */
export class ConsumersService {
  readonly #kinesis: KinesisService;
  readonly #consumers = new Map<string, number>();
  readonly #subscriptions = new ShardSubscriptions();

  constructor(kinesis: KinesisService) {
    this.#kinesis = kinesis;
  }

  /** Fan-out as one process reaches it. */
  over(link: Link): KinesisConsumers {
    const call = <T>(operation: string, signal: AbortSignal | undefined, serve: () => T) =>
      link.call("kinesis", operation, serve, signal);
    return {
      describeStreamConsumer: (_, name, signal) =>
        call("DescribeStreamConsumer", signal, () => this.#describe(this.#arnOf(name))),
      registerStreamConsumer: (_, name, signal) =>
        call("RegisterStreamConsumer", signal, () => {
          if (this.#consumers.has(this.#arnOf(name))) throw failed("ResourceInUseException");
          this.#consumers.set(this.#arnOf(name), this.#nowMs);
          return { consumerArn: this.#arnOf(name), consumerStatus: "CREATING" as const };
        }),
      deregisterStreamConsumer: (arn, signal) =>
        call("DeregisterStreamConsumer", signal, () => this.#consumers.delete(arn)),
      subscribeToShard: async ({ consumerArn, shardId, position }, signal) => {
        this.#kinesis.rules.opened(link.machine.name, this.#kinesis.stream.keyOf(shardId), position);
        const subscription = await call("SubscribeToShard", signal, () => {
          if (this.#describe(consumerArn)?.consumerStatus !== "ACTIVE") {
            throw failed("ResourceNotFoundException");
          }
          const { stream } = this.#kinesis;
          const shard = this.#kinesis.shard(shardId);
          this.#kinesis.indexOf(position, shardId); // refuses what cannot be a position
          const fresh = this.#subscriptions.open({
            consumerArn,
            stream,
            shard,
            position,
            nowMs: this.#nowMs,
          });
          if (fresh === undefined) throw failed("ResourceInUseException");
          return fresh;
        });
        return this.#events(link, subscription, signal);
      },
    };
  }

  #events(
    link: Link,
    subscription: Subscription,
    signal: AbortSignal,
  ): AsyncIterableIterator<SubscribeToShardEvent> {
    let isOver = false;
    const done = { done: true, value: undefined } as const;
    const close = () => {
      isOver = true;
      this.#subscriptions.close(subscription);
    };
    signal.addEventListener("abort", close, { once: true });
    const events: AsyncIterableIterator<SubscribeToShardEvent> = {
      next: async () => {
        if (isOver) {
          signal.throwIfAborted();
          return done;
        }
        // silent for ever
        if (link.happens("kinesis", 0.005)) await link.machine.clock.sleep(Infinity, signal);
        for (;;) {
          await link.machine.clock.sleep(PUSH_MS, signal);
          // The subscription breaks at the service, whether or not its reader still exists.
          if (link.isCut("kinesis") || link.happens("kinesis", 0.003)) {
            close();
            throw failed("InternalFailure");
          }
          const isEnded = this.#nowMs - subscription.sinceMs > SUBSCRIPTION_LIFE_MS ||
            link.happens("kinesis", 0.003);
          const isGone = !this.#consumers.has(subscription.consumerArn);
          if (isEnded || isGone || !this.#subscriptions.isCurrent(subscription)) {
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
    const limit = link.happens("kinesis", 0.3) ? link.chance.below(3) : 1000;
    const event = nextEvent(subscription, { limit, nowMs: this.#nowMs });
    if (event === undefined) return undefined;
    return link.happens("kinesis", 0.3) ? { ...event, childShards: [] } : event;
  }

  #describe(consumerArn: string): StreamConsumer | undefined {
    const sinceMs = this.#consumers.get(consumerArn);
    if (sinceMs === undefined) return undefined;
    return {
      consumerArn,
      consumerStatus: this.#nowMs - sinceMs < CREATION_MS ? "CREATING" : "ACTIVE",
    };
  }

  #arnOf(consumerName: string): string {
    return `${simulatedArn(this.#kinesis.stream.streamName)}/consumer/${consumerName}:1`;
  }

  get #nowMs(): number {
    return this.#kinesis.time.nowMs;
  }
}

/** How long a consumer takes to become active. */
const CREATION_MS = 3000;
/** Records arrive within this many ms. Kinesis documentation: about 70 ms; coarser, for speed. */
const PUSH_MS = 250;

function failed(code: string): Error {
  return serviceFailure("kinesis", "SubscribeToShard", code);
}
