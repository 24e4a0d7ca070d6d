// Pure.
/**
 * What users may say of failures, batches, filters and order: types only, so that `mod.ts` loads none of this
 * room.
 *
 * Source: AWS Lambda's event source mapping for Kinesis, whose names stand beside each option.
 *
 * @module
 */

import type { KinesisRecord } from "../stream/record.ts";
import type { DeadLetterAction } from "./dead_letter.ts";
import type { ParkAction, ParkSettings } from "./park.ts";

/** How often a failed batch is tried again, and for how long. */
export interface RetryOptions {
  /**
   * How many times a batch is tried again after its first call; 0 = one call. Lambda: `MaximumRetryAttempts`.
   * Splitting a batch costs no attempt. A processor that must be replaced, e.g. because its child process
   * died, costs one. With `Infinity` a record that can never be processed holds its shard until it is out of
   * the stream. With `park()` it is how many times before the key of the record is parked.
   *
   * @default {Infinity}, with `park()` 0
   */
  readonly attempts?: number | undefined;
  /**
   * The pause before the next call, in ms, from the number of failures of this batch and its last error.
   * Lambda does not document its own. A result that is no number of at least 0 counts as the default, and the
   * log says so. The shard stands during the pause, except for other keys.
   *
   * @default 100 ms, doubled with each failure up to 30 s, of which a random part is waited for
   */
  readonly delay?: ((failures: number, error: unknown) => number) | undefined;
  /**
   * How old a record may be when it is handed over, in ms since Kinesis took it; 0 is refused. Lambda:
   * `MaximumRecordAgeInSeconds`. The expired records at the beginning of a batch are given up before each
   * call, as `onExhausted` says. A worker that was down for longer gives up what is older, without any call.
   *
   * @default no limit
   */
  readonly maxAgeMs?: number | undefined;
}

/** What becomes of records that were tried often enough, or are too old. */
export type OnExhausted = "stop" | "skip" | DeadLetterAction | ParkAction;

/** What to do when records cannot be processed. */
export interface ErrorPolicy {
  /** How often, how soon and how long. Lambda: `MaximumRetryAttempts`, `MaximumRecordAgeInSeconds`. */
  readonly retry?: RetryOptions | undefined;
  /**
   * Whether a failed batch of several records goes on in two halves, the left half first. Lambda:
   * `BisectBatchOnFunctionError`. Finds the record that fails, at the price of more calls. Records that went
   * well in the failed call are processed again.
   *
   * @default {"none"}
   */
  readonly split?: "none" | "bisect" | undefined;
  /**
   * Whether an answer `{ batchItemFailures: [{ itemIdentifier }] }` counts. Lambda: `FunctionResponseTypes`
   * with `ReportBatchItemFailures`. The records before the lowest one of the list are done; it and all later
   * ones are tried again. Without it such an answer is a success, and the records that it names are lost. A
   * thrown `PartialFailure` counts in any case.
   *
   * @default {false}
   */
  readonly partial?: boolean | undefined;
  /**
   * What becomes of records that were tried often enough, or are too old. `"stop"`: the lease is given up,
   * health reports a fault, and the shard is tried again after five minutes or more. `"skip"`: they are lost,
   * with an error line. `deadLetter(sink)`: they are stored, and then passed; while the sink is down the
   * shard waits. Lambda: `DestinationConfig.OnFailure`, which loses the records when the destination fails.
   *
   * `park({ then: deadLetter(sink) })`: the key of the failing record waits aside with all of its
   * later records, and is tried again and again; other keys go on. A parked record holds the checkpoint. So
   * parking needs `errors.retry.maxAgeMs`, and the order `"key"`. Older records go where `then` says.
   *
   * @default {"stop"}
   */
  readonly onExhausted?: OnExhausted | undefined;
  /**
   * How long one call of `processRecords` may take, in ms. Lambda: the function's timeout. After that
   * `context.signal` of the call aborts, and the call has failed, whatever it returns. A call that does not
   * return within 30 s more is left behind, and a fresh processor continues. Then two calls with the same
   * records may run for a while.
   *
   * @default no limit; health reports a call that takes longer than `callbackLimitMs`
   */
  readonly callTimeoutMs?: number | undefined;
}

/** How records are put together for one call. */
export interface BatchOptions {
  /**
   * The most records of one call, 1 to 10000. Lambda: `BatchSize`. More cost memory, and a failure repeats
   * more.
   *
   * @default 10000; 100 where several calls of a shard may run at the same time, as in Lambda
   */
  readonly size?: number | undefined;
  /**
   * How long to wait for more records until `size` or `bytes` is reached, in ms, up to 300000. Lambda:
   * `MaximumBatchingWindowInSeconds`. The first record of a batch waits for this long.
   *
   * @default {0}
   */
  readonly windowMs?: number | undefined;
  /**
   * The most payload bytes of one call; a larger record comes alone. Lambda: 6 MB, which cannot be set.
   *
   * @default {6291456}
   */
  readonly bytes?: number | undefined;
}

/** Which records wait for which. */
export type ProcessingOrder = "shard" | "key" | "none";

/** How many calls of one shard may run at the same time. */
export interface ConcurrencyOptions {
  /**
   * The most calls of `processRecords` that run at the same time for one shard, 1 to 1000. Lambda:
   * `ParallelizationFactor`, up to 10. A processor that keeps state between calls must expect calls that
   * overlap.
   *
   * @default {1}
   */
  readonly perShard?: number | undefined;
  /**
   * `"key"`: records of one partition key come in order, one call at a time; of a KPL aggregate the keys of
   * its user records count. `"shard"`: one call at a time, refused beside a `perShard` of more than 1.
   * `"none"`: any record at any time. A record that fails holds back its own key only, until the limits of
   * memory are reached.
   *
   * @default {"key"} with a `perShard` of more than 1, else `"shard"`
   */
  readonly order?: ProcessingOrder | undefined;
}

/** A pattern of Lambda's `FilterCriteria`: an object of fields, each with a list of what may match. */
export interface FilterPattern {
  /** By the name of the field, e.g. `partitionKey` or `data`. */
  readonly [field: string]: unknown;
}

/** Which records are delivered: a function, or patterns of which one must match. */
export type RecordFilter =
  | ((record: KinesisRecord) => boolean)
  | FilterPattern
  | readonly FilterPattern[];

/** The options above, checked, with all defaults filled in. */
export interface FailureSettings {
  /** Undefined: `onProcessError` says what becomes of a batch that failed. */
  readonly errors: ErrorSettings;
  readonly batch: BatchSettings;
  readonly concurrency: ConcurrencySettings;
  readonly filter: RecordFilter | undefined;
}

/** {@linkcode ErrorPolicy} with all defaults filled in. */
export interface ErrorSettings {
  readonly attempts: number;
  readonly delay: ((failures: number, error: unknown) => number) | undefined;
  readonly maxAgeMs: number;
  readonly split: "none" | "bisect";
  readonly partial: boolean;
  /** With parking what follows it. */
  readonly onExhausted: "stop" | "skip" | DeadLetterAction;
  /** Undefined: nothing is parked. */
  readonly park: ParkSettings | undefined;
  readonly callTimeoutMs: number;
}

/** {@linkcode BatchOptions} with all defaults filled in. */
export interface BatchSettings {
  readonly size: number;
  readonly windowMs: number;
  readonly bytes: number;
}

/** {@linkcode ConcurrencyOptions} with all defaults filled in. */
export interface ConcurrencySettings {
  readonly perShard: number;
  readonly order: ProcessingOrder;
}
