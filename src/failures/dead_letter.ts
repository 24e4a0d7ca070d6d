/**
 * Records that were given up, and the place that keeps them: two contracts. A dead letter is stored before a
 * checkpoint passes its records.
 *
 * @module
 */

import type { CredentialsProvider } from "../aws/credentials.ts";
import type { FencingToken, ShardStream } from "../consumer/record_processor.ts";
import type { KinesisRecord } from "../stream/record.ts";
import type { System } from "../system.ts";

/** Why records were given up. The first is Lambda's; the others are ours. */
export type DeadLetterCondition = "RetryAttemptsExhausted" | "RecordAgeExceeded" | "DecodeFailed";

/** Records of one shard that were given up together. */
export interface DeadLetter extends ShardStream {
  /** Why. */
  readonly condition: DeadLetterCondition;
  /** The worker's `applicationName`. */
  readonly applicationName: string;
  /** The worker's `workerIdentifier`. */
  readonly workerId: string;
  /** Of many streams several may have a shard of this id. */
  readonly shardId: string;
  /** Which acquisition of the lease gave them up. */
  readonly fencingToken: FencingToken;
  /** How often the processor was called with them. */
  readonly attempts: number;
  /** What the last call threw; undefined if there was none. */
  readonly error: unknown;
  /** One at least, in the order of the shard. */
  readonly records: readonly KinesisRecord[];
  /** When they were given up, in ms since 1970. */
  readonly givenUpEpochMs: number;
}

/** What a sink may use of the worker. */
export interface SinkConnection {
  /** The worker's region; undefined if none was given. */
  readonly region: string | undefined;
  /** The worker's credentials. */
  readonly credentials: CredentialsProvider;
  /** Time, chance and fetch. */
  readonly system: System;
  /** Where settings say that a service is; undefined for its usual endpoint. @default the usual ones */
  readonly endpointOf?: ((service: SinkService, region: string) => string | undefined) | undefined;
}

/** The services that sinks write to. */
export type SinkService = "sqs" | "sns" | "s3" | "kinesis" | "dynamodb";

/** A place that keeps dead letters. */
export interface DeadLetterSink {
  /** Names the place in messages, e.g. a queue's ARN. Without secrets. */
  readonly name: string;
  /**
   * Resolves when the letter is stored. When it rejects, the worker stores the letter again, with back-off,
   * and the shard waits.
   */
  store(letter: DeadLetter, connection: SinkConnection, signal: AbortSignal): Promise<void>;
}

/** Stores records that were given up in a place of their own. Made by {@linkcode deadLetter}. */
export interface DeadLetterAction {
  /** Tells it from the other choices of `errors.onExhausted`. */
  readonly type: "deadLetter";
  /** Where they are stored. */
  readonly sink: DeadLetterSink;
}

/**
 * For `errors.onExhausted`: stores records that were given up in `sink`.
 *
 * @throws {TypeError} when `sink` is no sink.
 */
export function deadLetter(sink: DeadLetterSink): DeadLetterAction {
  const given: unknown = sink;
  const isSink = typeof given === "object" && given !== null && "store" in given &&
    typeof given.store === "function" && "name" in given && typeof given.name === "string";
  if (!isSink) {
    throw new TypeError(
      "Cannot keep dead letters: expected a sink with a name and a function store(): got something else",
    );
  }
  return { type: "deadLetter", sink };
}
