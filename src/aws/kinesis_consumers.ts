/**
 * Enhanced fan-out: the registered consumers of a stream, and subscriptions to its shards, as an interface
 * and as signed calls.
 *
 * A consumer in this sense belongs to a whole application. AWS charges for it by the hour and by the
 * gigabyte. It gives each of its shards its own 2 MiB a second.
 *
 * @module
 */

import { isAwsError } from "../errors.ts";
import { fieldsOf, textIn } from "./answer_fields.ts";
import { jsonCaller, type ServiceOptions } from "./json_call.ts";
import type { IteratorPosition } from "./kinesis.ts";
import { KINESIS_SERVICE } from "./kinesis_wire.ts";
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from "./retry.ts";
import { openSubscription, type SubscribeToShardEvent, subscriptionEvents } from "./subscription.ts";

/**
 * A registered consumer.
 *
 * @experimental
 */
export interface StreamConsumer {
  /** The consumer's ARN. */
  readonly consumerArn: string;
  /** The consumer's status. */
  readonly consumerStatus: "CREATING" | "DELETING" | "ACTIVE";
}

/**
 * What is subscribed to, and from where.
 *
 * @experimental
 */
export interface SubscribeToShardInput {
  /** The consumer's ARN. */
  readonly consumerArn: string;
  /** The shard id, e.g. `shardId-000000000000`. */
  readonly shardId: string;
  /** Where to start. */
  readonly position: IteratorPosition;
}

/**
 * What fan-out needs of Kinesis. Every method throws `AwsServiceError`, or the signal's reason, as does the
 * iteration of a subscription.
 *
 * @experimental
 */
export interface KinesisConsumers {
  /**
   * Looks for a registered consumer by its name.
   *
   * @returns undefined when the stream has no such consumer.
   */
  describeStreamConsumer(
    streamArn: string,
    consumerName: string,
    signal?: AbortSignal,
  ): Promise<StreamConsumer | undefined>;
  /** Registers a consumer of enhanced fan-out. */
  registerStreamConsumer(
    streamArn: string,
    consumerName: string,
    signal?: AbortSignal,
  ): Promise<StreamConsumer>;
  /**
   * Deregisters a consumer, which ends its cost.
   *
   * @returns false when there is no such consumer.
   */
  deregisterStreamConsumer(consumerArn: string, signal?: AbortSignal): Promise<boolean>;
  /**
   * Subscribes to a shard, for at most five minutes. Resolves once the service has accepted; a later error
   * comes from the iteration. One event is read at a time: while none is requested, the sender is held up.
   *
   * @param signal Ends the subscription immediately; an iteration under way throws its reason.
   */
  subscribeToShard(
    input: SubscribeToShardInput,
    signal: AbortSignal,
  ): Promise<AsyncIterableIterator<SubscribeToShardEvent>>;
}

/** What a signed client of enhanced fan-out takes. */
export interface SignedConsumersOptions extends ServiceOptions {
  /**
   * Whether payloads keep their base64 texts for `keptBase64()`.
   *
   * @default {false}
   */
  readonly keepsTexts?: boolean | undefined;
}

/**
 * Enhanced fan-out over signed HTTP. A subscription is an ordinary `fetch` with an answer that does not end.
 * It uses HTTP/2 if the runtime and the service support it, else HTTP/1.1 with a connection for each shard.
 *
 * @throws {TypeError} when the region or the endpoint cannot be one.
 */
export function signedKinesisConsumers(options: SignedConsumersOptions): KinesisConsumers {
  const { keepsTexts = false } = options;
  const call = jsonCaller(KINESIS_SERVICE, options);
  return {
    async describeStreamConsumer(streamArn, consumerName, signal) {
      try {
        return await call({
          operation: "DescribeStreamConsumer",
          input: { StreamARN: streamArn, ConsumerName: consumerName },
          decode: (body) => streamConsumer(body["ConsumerDescription"]),
          signal,
        });
      } catch (error) {
        if (isAwsError(error, "ResourceNotFoundException")) return undefined;
        throw error;
      }
    },

    registerStreamConsumer: (streamArn, consumerName, signal) =>
      call({
        operation: "RegisterStreamConsumer",
        input: { StreamARN: streamArn, ConsumerName: consumerName },
        decode: (body) => streamConsumer(body["Consumer"]),
        retry: REGISTER_RETRY_POLICY,
        signal,
      }),

    async deregisterStreamConsumer(consumerArn, signal) {
      try {
        return await call({
          operation: "DeregisterStreamConsumer",
          input: { ConsumerARN: consumerArn },
          decode: () => true,
          signal,
        });
      } catch (error) {
        if (isAwsError(error, "ResourceNotFoundException")) return false;
        throw error;
      }
    },

    async subscribeToShard({ consumerArn, shardId, position }, signal) {
      const subscription = await call({
        operation: "SubscribeToShard",
        input: { ConsumerARN: consumerArn, ShardId: shardId, StartingPosition: wirePosition(position) },
        decode: () => {
          throw new SyntaxError("expected an event stream");
        },
        retry: SUBSCRIBE_RETRY_POLICY,
        transport: { send: openSubscription },
        signal,
      });
      return subscriptionEvents(subscription, signal, { keepsTexts });
    },
  };
}

/** The loop that subscribes paces itself; a second call within a second would be refused. */
const SUBSCRIBE_RETRY_POLICY: RetryPolicy = { ...DEFAULT_RETRY_POLICY, attempts: 1, throttledAttempts: 1 };

/** The loop that registers has its own pauses, so a refusal because of a limit is not repeated here. */
const REGISTER_RETRY_POLICY: RetryPolicy = { ...DEFAULT_RETRY_POLICY, throttledAttempts: 1 };

function streamConsumer(value: unknown): StreamConsumer {
  const consumer = fieldsOf(value, "the description of a consumer");
  return {
    consumerArn: textIn(consumer, "ConsumerARN"),
    consumerStatus: textIn(consumer, "ConsumerStatus") as StreamConsumer["consumerStatus"],
  };
}

function wirePosition(position: IteratorPosition): Readonly<Record<string, unknown>> {
  switch (position.type) {
    case "TRIM_HORIZON":
    case "LATEST":
      return { Type: position.type };
    case "AT_SEQUENCE_NUMBER":
    case "AFTER_SEQUENCE_NUMBER":
      return { Type: position.type, SequenceNumber: position.sequenceNumber };
    case "AT_TIMESTAMP":
      return { Type: position.type, Timestamp: position.timestampMs / 1000 };
  }
}
