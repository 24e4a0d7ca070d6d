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
  readonly condition: DeadLetterCondition;
  readonly applicationName: string;
  readonly workerId: string;
  readonly shardId: string;
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
  readonly region: string | undefined;
  readonly credentials: CredentialsProvider;
  readonly system: System;
}

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
