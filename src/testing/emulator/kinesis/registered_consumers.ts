/**
 * Enhanced fan-out: registered consumers, and subscriptions as streams of frames. Records are pushed while
 * the client takes them; the rules of subscriptions are those of `shard_subscriptions.ts`.
 *
 * @module
 */

import { Budget, SUBSCRIPTION_LIFE_MS } from "../../model/service_limits.ts";
import { nextEvent, ShardSubscriptions, type Subscription } from "../../model/shard_subscriptions.ts";
import { ApiError, constraintError } from "../api_error.ts";
import type { AwsFault } from "../aws_faults.ts";
import { eventFrame, exceptionFrame } from "../event_frames.ts";
import { consumerOf, consumersOf, positionOf, shardIn, streamOfArn, tokenOf, tokenParts } from "./lookup.ts";
import { wireChild, wireRecord } from "./reading.ts";
import type { EmulatedConsumer, EmulatedStream, EmulatedStreams } from "./emulated_streams.ts";
import { addTags } from "./tags.ts";
import { Lifecycle, type Operations, StreamAnswer, type Timeline } from "../operation.ts";
import { jsonText, Timestamp } from "../wire.ts";
import { withWrongField } from "../wrong_field.ts";

/** Kinesis documentation: a record arrives after about 70 ms. */
const PUSH_MS = 70;
/** The most records and bytes of an event, and the most bytes a second of a subscription. */
const EVENT_RECORDS = 1000, EVENT_BYTES = 1024 ** 2, BYTES_PER_SECOND = 2 * 1024 ** 2;
/** Source: "Quotas and limits" of the Kinesis documentation. */
const MAX_CONSUMERS = 20;

/** What fan-out takes. */
export interface FanOutOptions {
  readonly streams: EmulatedStreams;
  /** How long a subscription lasts. @default {SUBSCRIPTION_LIFE_MS} */
  readonly subscriptionLifeMs?: number | undefined;
  /** Takes what a person should know who watches. */
  readonly onNotice?: ((text: string) => void) | undefined;
}

/** The operations, over some streams. */
export function fanOutOperations({ streams, subscriptionLifeMs, onNotice }: FanOutOptions): Operations {
  const { timeline, changeMs } = streams.settings;
  const subscriptions = new ShardSubscriptions();
  let hasSaidRemedy = false;

  return {
    RegisterStreamConsumer({ input }) {
      const stream = streamOfArn(streams, input.requiredText("StreamARN"));
      const consumerName = input.requiredText("ConsumerName");
      if (!/^[\w.-]{1,128}$/.test(consumerName)) {
        throw constraintError(consumerName, "consumerName", "Member must satisfy regular expression pattern");
      }
      const present = consumersOf(stream);
      if (present.some((consumer) => consumer.consumerName === consumerName)) {
        throw new ApiError("ResourceInUseException", `Consumer ${consumerName} already exists.`);
      }
      if (present.length >= MAX_CONSUMERS) {
        throw new ApiError("LimitExceededException", `Stream ${stream.name} has ${MAX_CONSUMERS} consumers.`);
      }
      const createdMs = timeline.epochMs;
      const consumer: EmulatedConsumer = {
        consumerName,
        consumerArn: `${stream.arn}/consumer/${consumerName}:${Math.floor(createdMs / 1000)}`,
        createdMs,
        life: new Lifecycle(timeline, changeMs, false),
        tags: new Map(),
      };
      addTags(consumer, input);
      stream.consumers.set(consumerName, consumer);
      return { Consumer: wireConsumer(consumer) };
    },

    DescribeStreamConsumer({ input }) {
      const { stream, consumer } = consumerOf(streams, input);
      return { ConsumerDescription: { ...wireConsumer(consumer), StreamARN: stream.arn } };
    },

    ListStreamConsumers({ input }) {
      const stream = streamOfArn(streams, input.requiredText("StreamARN"));
      const limit = input.integer("MaxResults", 1, 10_000) ?? 100;
      const token = input.text("NextToken");
      const [after = ""] = token === undefined ? [] : tokenParts("consumers", token) ?? [];
      const rest = consumersOf(stream).filter(({ consumerName }) => consumerName > `${after}`);
      const page = rest.slice(0, limit);
      return {
        Consumers: page.map(wireConsumer),
        ...(rest.length > limit
          ? { NextToken: tokenOf("consumers", [page.at(-1)?.consumerName ?? ""]) }
          : {}),
      };
    },

    DeregisterStreamConsumer({ input }) {
      consumerOf(streams, input).consumer.life.change("DELETING");
    },

    SubscribeToShard({ input, fault, signal, headers }) {
      const { stream, consumer } = consumerOf(streams, input);
      if (consumer.life.status !== "ACTIVE") {
        throw new ApiError("ResourceInUseException", `Consumer ${consumer.consumerArn} is not ACTIVE.`);
      }
      stream.expire();
      const shard = shardIn(stream, input.requiredText("ShardId"));
      const start = input.requiredMap("StartingPosition");
      const { nowMs } = timeline;
      const position = positionOf({
        stream,
        shard,
        type: start.requiredText("Type"),
        sequenceNumber: start.text("SequenceNumber"),
        timestampMs: start.timeMs("Timestamp"),
        nowMs,
      });
      const { consumerArn } = consumer;
      const subscription = subscriptions.open({ consumerArn, stream: stream.model, shard, position, nowMs });
      if (subscription === undefined) {
        throw new ApiError(
          "ResourceInUseException",
          `Another active subscription exists for this consumer: ${shard.shardId}, ${consumerArn}`,
        );
      }
      const gone = new AbortController();
      const pushing: Pushing = {
        hasEvents: false,
        timeline,
        stream,
        subscriptions,
        subscription,
        lifeMs: subscriptionLifeMs ?? SUBSCRIPTION_LIFE_MS,
        fault,
        signal: AbortSignal.any([signal, gone.signal]),
      };
      const close = (isCancelled: boolean) => {
        subscriptions.close(subscription);
        gone.abort();
        if (!isCancelled || hasSaidRemedy || pushing.hasEvents || !isScriptClientOnHttp2(headers)) return;
        hasSaidRemedy = true;
        onNotice?.(HTTP2_REMEDY);
      };
      return new StreamAnswer(bodyOf(frames(pushing), close));
    },
  };
}

/**
 * AWS's client for JavaScript closes its side of an HTTP/2 connection as soon as SubscribeToShard is
 * answered. AWS goes on; `Deno.serve` (2.9) ends the connection, and the client sees a subscription without
 * events.
 */
const HTTP2_REMEDY =
  "SubscribeToShard ended before its first event: AWS's client for JavaScript speaks HTTP/2, and this " +
  "server does not go on when the client closes its side. Make the client with " +
  '`requestHandler: new NodeHttpHandler()` from "@smithy/node-http-handler".';

/**
 * The request does not show the version of HTTP, but its signed headers do: HTTP/2 has `:authority` for
 * `host`.
 */
function isScriptClientOnHttp2(headers: Headers): boolean {
  return /\baws-sdk-js\//.test(headers.get("user-agent") ?? "") &&
    /SignedHeaders=[^,]*:authority/.test(headers.get("authorization") ?? "");
}

/** What a subscription is pushed with. */
interface Pushing {
  /** Whether an event was sent. */
  hasEvents: boolean;
  readonly timeline: Timeline;
  readonly stream: EmulatedStream;
  readonly subscriptions: ShardSubscriptions;
  readonly subscription: Subscription;
  readonly lifeMs: number;
  readonly fault: AwsFault | undefined;
  readonly signal: AbortSignal;
}

/** The frames of a subscription, each when it is due. */
async function* frames(pushing: Pushing): AsyncGenerator<Uint8Array<ArrayBuffer>, void, void> {
  const { timeline, stream, subscriptions, subscription, lifeMs, fault, signal } = pushing;
  const budget = new Budget(BYTES_PER_SECOND);
  const spoils = fault !== undefined && "after" in fault ? fault.after ?? 0 : 0;
  yield eventFrame("initial-response", "{}");
  for (let events = 0;; events++) {
    if (fault !== undefined && events === spoils) {
      if (fault.type === "cut") throw new TypeError("the connection was cut, by a fault");
      if (fault.type === "silent") return await timeline.clock.sleep(FOREVER_MS, signal);
      if (fault.type === "exception") return yield exceptionFrame(fault.code, "Simulated by a fault.");
      if (fault.type === "ended") return;
    }
    let event: ReturnType<typeof nextEvent>;
    do {
      await timeline.clock.sleep(PUSH_MS, signal);
      const { nowMs } = timeline;
      if (!subscriptions.isCurrent(subscription)) {
        return yield exceptionFrame("ResourceInUseException", "Another subscription has taken over.");
      }
      if (stream.life.status === "DELETING") {
        return yield exceptionFrame("ResourceNotFoundException", `Stream ${stream.name} not found.`);
      }
      if (nowMs - subscription.sinceMs >= lifeMs) return;
      event = budget.left(nowMs) <= 0
        ? undefined
        : nextEvent(subscription, { limit: EVENT_RECORDS, maxBytes: EVENT_BYTES, nowMs });
    } while (event === undefined);
    pushing.hasEvents = true;
    budget.spend(event.bytes, timeline.nowMs);
    const isEnd = event.continuationSequenceNumber === undefined;
    const members = {
      Records: event.records.map(wireRecord),
      ContinuationSequenceNumber: event.continuationSequenceNumber,
      MillisBehindLatest: event.millisBehindLatest,
      ...(isEnd
        ? { ChildShards: (fault?.type === "noChildren" ? [] : event.childShards).map(wireChild) }
        : {}),
    };
    const isWrong = events === spoils && fault?.type === "wrongField";
    const frame = eventFrame(
      "SubscribeToShardEvent",
      jsonText(isWrong ? withWrongField(members, fault) : members),
    );
    if (events === spoils && fault?.type === "halfFrame") return yield frame.slice(0, frame.length / 2);
    const isDamaged = events === spoils && fault?.type === "damagedFrame";
    yield isDamaged ? frame.map((byte, i) => i === frame.length - 5 ? byte ^ 1 : byte) : frame;
    if (isEnd) return;
  }
}

/** A timer may be no longer. */
const FOREVER_MS = 2 ** 31 - 1;

/** A body that takes the next frame when the client has room for it. */
function bodyOf(
  source: AsyncGenerator<Uint8Array<ArrayBuffer>, void, void>,
  close: (isCancelled: boolean) => void,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await source.next();
        if (!done) return controller.enqueue(value);
        close(false);
        controller.close();
      } catch (error) {
        close(false);
        controller.error(error);
      }
    },
    cancel: () => close(true),
  }, { highWaterMark: 0 });
}

function wireConsumer({ consumerName, consumerArn, createdMs, life }: EmulatedConsumer): object {
  return {
    ConsumerName: consumerName,
    ConsumerARN: consumerArn,
    ConsumerStatus: life.status,
    ConsumerCreationTimestamp: new Timestamp(createdMs),
  };
}
