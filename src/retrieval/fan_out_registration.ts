/**
 * The enhanced fan-out consumer of this application on one stream: found by its name, or registered, and
 * waited for.
 *
 * All workers of the application share it, and within a worker all shards wait for the same search.
 * Registering takes from seconds to minutes. Only the shards that need it wait: renewals, other streams and
 * subscribed shards continue.
 *
 * Source: KCL 3.5.1, `FanOutConsumerRegistration`, which blocks the whole worker and gives up after 10 s.
 *
 * @module
 */

import { SharedTask } from "../async/shared_task.ts";
import type { Kinesis, StreamReference } from "../aws/kinesis.ts";
import type { KinesisConsumers, StreamConsumer } from "../aws/kinesis_consumers.ts";
import { isAwsError } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import type { System } from "../system.ts";

/** What a registration is made from. */
export interface ConsumerRegistrationOptions {
  readonly consumers: KinesisConsumers;
  readonly kinesis: Kinesis;
  readonly stream: StreamReference;
  /** 1 to 128 letters, digits, `_`, `.` and `-`. KCL: the application name unless `consumerName` is set. */
  readonly consumerName: string;
  /** A consumer that exists already: used as it is, never registered or deregistered. */
  readonly consumerArn?: string | undefined;
  readonly system: System;
  /** Receives notices: a consumer was registered or deregistered, or is not active yet. */
  readonly emit: WorkerEventListener;
}

/**
 * How long one search may take, in ms, before its callers get an error; they start the next search. Ours;
 * KCL's is 10 s.
 */
export const REGISTRATION_BUDGET_MS = 300_000;

/**
 * Between two looks at a consumer that is not ACTIVE, in ms. Source: KCL 3.5.1,
 * `FanOutConfig.retryBackoffMillis`.
 */
const LOOK_INTERVAL_MS = 1000;

/** The consumer of one stream. */
export class ConsumerRegistration {
  readonly #options: ConsumerRegistrationOptions;
  #known: string | undefined;
  readonly #search: SharedTask<string> = new SharedTask(async (abandoned) => {
    const consumerArn = await activeConsumer(this.#options, abandoned);
    abandoned.throwIfAborted();
    return this.#known = consumerArn;
  });

  /** @throws {RangeError} when the name cannot be a consumer's. */
  constructor(options: ConsumerRegistrationOptions) {
    if (options.consumerArn === undefined && !/^[\w.-]{1,128}$/.test(options.consumerName)) {
      throw new RangeError(
        "Cannot register an enhanced fan-out consumer: expected a name of 1 to 128 letters, digits, _, . or -: " +
          `got ${JSON.stringify(options.consumerName)}: set consumerName`,
      );
    }
    this.#options = options;
    this.#known = options.consumerArn;
  }

  /**
   * The ARN of the consumer, once it is ACTIVE. Calls made meanwhile share one search, which ends when the
   * last of them has been aborted.
   *
   * @throws {AwsServiceError} when Kinesis refuses; a plain error when the stream has no ARN or the consumer
   * is not ACTIVE in time; the signal's reason.
   */
  async arn(signal: AbortSignal): Promise<string> {
    signal.throwIfAborted();
    if (this.#known !== undefined) return this.#known;
    return await this.#search.join(signal);
  }

  /**
   * Kinesis no longer knows the consumer: the next call searches again. Does nothing when another one is
   * known by now.
   */
  forget(consumerArn: string): void {
    if (this.#known === consumerArn) this.#known = this.#options.consumerArn;
  }

  /**
   * Deregisters the consumer. That ends its cost. It also ends the reading of every other worker that uses
   * it, until that worker has registered it again. Does nothing for a consumer given by its ARN, or if no
   * shard was read.
   *
   * @returns Whether a consumer was deregistered.
   */
  async deregister(signal?: AbortSignal): Promise<boolean> {
    const consumerArn = this.#known;
    if (consumerArn === undefined || consumerArn === this.#options.consumerArn) return false;
    this.#known = undefined;
    const wasThere = await this.#options.consumers.deregisterStreamConsumer(consumerArn, signal);
    if (wasThere) notice(this.#options, "info", `Deregistered enhanced fan-out consumer ${consumerArn}.`);
    return wasThere;
  }
}

async function activeConsumer(options: ConsumerRegistrationOptions, signal: AbortSignal): Promise<string> {
  const { consumers, consumerName, system: { clock, random } } = options;
  const streamArn = await arnOf(options, signal);
  const deadlineMs = clock.monotonicMs() + REGISTRATION_BUDGET_MS;
  for (let look = 1;; look++) {
    let state: string;
    let refusal: unknown;
    try {
      const consumer = await consumers.describeStreamConsumer(streamArn, consumerName, signal) ??
        await registered(options, streamArn, signal);
      if (consumer.consumerStatus === "ACTIVE") return consumer.consumerArn;
      state = consumer.consumerStatus;
    } catch (error) {
      // Another worker was faster, or too many are being registered right now.
      if (!isAwsError(error, "ResourceInUseException", "LimitExceededException")) throw error;
      refusal = error;
      state = error.code;
    }
    if (look === 1) {
      const text =
        `Enhanced fan-out consumer "${consumerName}" is not ACTIVE yet (${state}); its shards wait for it.`;
      notice(options, refusal === undefined ? "info" : "warning", text);
    }
    if (clock.monotonicMs() >= deadlineMs) {
      throw new Error(
        `Cannot use enhanced fan-out consumer "${consumerName}" of ${streamArn}: expected it to be ACTIVE within ` +
          `${
            REGISTRATION_BUDGET_MS / 1000
          } s: it is ${state}: a stream has room for 20 consumers, deregister one or ` +
          "set retrievalMode to POLLING",
        { cause: refusal },
      );
    }
    await clock.sleep(LOOK_INTERVAL_MS * (1 + random() / 4), signal);
  }
}

async function registered(
  options: ConsumerRegistrationOptions,
  streamArn: string,
  signal: AbortSignal,
): Promise<StreamConsumer> {
  const { consumers, consumerName } = options;
  const consumer = await consumers.registerStreamConsumer(streamArn, consumerName, signal);
  notice(
    options,
    "info",
    `Registered enhanced fan-out consumer "${consumerName}" of ${streamArn}; AWS charges for it until it is deregistered.`,
  );
  return consumer;
}

function notice(options: ConsumerRegistrationOptions, level: "info" | "warning", text: string): void {
  options.emit({ type: "notice", level, leaseKey: undefined, text });
}

async function arnOf({ stream, kinesis }: ConsumerRegistrationOptions, signal: AbortSignal): Promise<string> {
  const streamArn = stream.streamArn ?? (await kinesis.describeStreamSummary(stream, signal)).streamArn;
  if (streamArn !== undefined) return streamArn;
  throw new Error(
    `Cannot read stream "${stream.streamName}" by enhanced fan-out: expected it to have an ARN: set streamArn, or ` +
      "retrievalMode to POLLING",
  );
}
