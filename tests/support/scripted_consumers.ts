/**
 * Enhanced fan-out that a test scripts, subscription by subscription; it notes the requests.
 *
 * @module
 */

import type { IteratorPosition } from "../../src/aws/kinesis.ts";
import type {
  KinesisConsumers,
  StreamConsumer,
  SubscribeToShardInput,
} from "../../src/aws/kinesis_consumers.ts";
import type { SubscribeToShardEvent } from "../../src/aws/subscription.ts";
import type { Clock } from "../../src/system.ts";
import { recordWith } from "./consumer_bed.ts";

/** What a subscription does next: gives an event, fails, lets time pass, or never shows itself again. */
export type SubscriptionStep = SubscribeToShardEvent | Error | { readonly waitMs: number } | "silence";

/**
 * An event with records of these numbers, going on after the last of them; `null` is the end of the shard.
 */
export function eventWith(
  numbers: readonly number[],
  continuation: number | null | undefined = numbers.at(-1),
  more: Partial<SubscribeToShardEvent> = {},
): SubscribeToShardEvent {
  const records = numbers.map((n) => recordWith(n));
  return {
    records,
    bytes: records.length,
    continuationSequenceNumber: continuation === null ? undefined : `${continuation}`,
    millisBehindLatest: 0,
    childShards: [],
    ...more,
  };
}

/** See the module. */
export class ScriptedConsumers implements KinesisConsumers {
  /** What was subscribed to, when, and whether it was closed. */
  readonly subscriptions: {
    readonly position: IteratorPosition;
    readonly consumerArn: string;
    readonly atMs: number;
    /** How many events were requested. */
    asked: number;
    isClosed: boolean;
  }[] = [];
  /**
   * What subscriptions do: one is refused, or takes its steps and ends in order. When it runs out, they are
   * silent.
   */
  readonly script: (readonly SubscriptionStep[] | Error)[] = [];
  /** Every other call, e.g. `register app`. */
  readonly calls: string[] = [];
  /** What comes of registrations at first; when it runs out, they create. */
  readonly registerScript: Error[] = [];
  /** What DescribeStreamConsumer says, one after another, the last one for good. */
  descriptions: (StreamConsumer["consumerStatus"] | "absent" | Error)[] = ["ACTIVE"];
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async describeStreamConsumer(
    _: string,
    consumerName: string,
    signal?: AbortSignal,
  ): Promise<StreamConsumer | undefined> {
    await this.#call(`describe ${consumerName}`, signal);
    const [description = "absent"] = this.descriptions;
    if (this.descriptions.length > 1) this.descriptions.shift();
    if (description instanceof Error) throw description;
    if (description === "absent") return undefined;
    return { consumerArn: `arn:${consumerName}`, consumerStatus: description };
  }

  async registerStreamConsumer(
    _: string,
    consumerName: string,
    signal?: AbortSignal,
  ): Promise<StreamConsumer> {
    await this.#call(`register ${consumerName}`, signal);
    const refusal = this.registerScript.shift();
    if (refusal !== undefined) throw refusal;
    return { consumerArn: `arn:${consumerName}`, consumerStatus: "CREATING" };
  }

  async deregisterStreamConsumer(consumerArn: string, signal?: AbortSignal): Promise<boolean> {
    await this.#call(`deregister ${consumerArn}`, signal);
    return true;
  }

  async subscribeToShard(
    { position, consumerArn }: SubscribeToShardInput,
    signal: AbortSignal,
  ): Promise<AsyncIterableIterator<SubscribeToShardEvent>> {
    await Promise.resolve();
    signal.throwIfAborted();
    const subscription = {
      position,
      consumerArn,
      atMs: this.#clock.monotonicMs(),
      asked: 0,
      isClosed: false,
    };
    this.subscriptions.push(subscription);
    const steps = this.script.shift() ?? ["silence"];
    if (steps instanceof Error) throw steps;
    const clock = this.#clock;
    signal.addEventListener("abort", () => subscription.isClosed = true, { once: true });
    const events = (async function* () {
      try {
        for (const step of steps) {
          signal.throwIfAborted();
          if (step instanceof Error) throw step;
          if (step === "silence") await clock.sleep(Infinity, signal);
          else if ("waitMs" in step) await clock.sleep(step.waitMs, signal);
          else yield step;
        }
      } finally {
        subscription.isClosed = true;
      }
    })();
    const counted: AsyncIterableIterator<SubscribeToShardEvent> = {
      next() {
        subscription.asked++;
        return events.next();
      },
      async return() {
        subscription.isClosed = true;
        return await events.return();
      },
      [Symbol.asyncIterator]: () => counted,
    };
    return counted;
  }

  async #call(call: string, signal: AbortSignal | undefined): Promise<void> {
    await Promise.resolve();
    signal?.throwIfAborted();
    this.calls.push(call);
  }
}
