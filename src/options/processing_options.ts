/**
 * How records are processed: the part of a worker's options that deliveries use.
 *
 * @module
 */

import type {
  BatchOptions,
  ConcurrencyOptions,
  ErrorPolicy,
  RecordFilter,
} from "../failures/failure_options.ts";

export type { RecordFilter } from "../failures/failure_options.ts";

/** What becomes of a batch when `processRecords` throws. */
export type OnProcessError = "skip" | "retry" | "stop";

/** Options of processing. */
export interface ProcessingOptions {
  /**
   * Whether `processRecords` is called for empty reads too. KCL: `callProcessRecordsEvenForEmptyRecordList`.
   *
   * @default {false}
   */
  callProcessRecordsEvenForEmptyRecordList?: boolean | undefined;
  /**
   * What to do with an aggregate of the KPL that has a user record of another shard. A reshard has moved its
   * hash key in the meantime. `"drop"` drops the whole aggregate, logs a warning and counts its user records,
   * as KCL does (which logs less). The KPL's daemon sends such an aggregate again, to the right shard.
   * `"deliver"` delivers it.
   *
   * Producers that make aggregates without the KPL's daemon do not send them again: records are lost with
   * `"drop"`. With `"deliver"` and the KPL's daemon such records are delivered twice. In a fleet with Java
   * workers these still drop them.
   *
   * @default {"drop"}
   */
  foreignAggregates?: "drop" | "deliver" | undefined;
  /**
   * What to do with a batch when `processRecords` throws. `"skip"`: it is skipped with an error line that
   * names its sequence numbers, and the next checkpoint passes it finally (KCL's rule). `"retry"`: the same
   * batch again, with back-off, until it succeeds or the lease is lost. `"stop"`: the lease is given up, and
   * a worker starts again at the last checkpoint. With `"skip"` a short failure of a database loses records;
   * with `"retry"` it would only cost time. If the option is not set, a warning at the start says so.
   *
   * @default {"skip"}
   */
  onProcessError?: OnProcessError | undefined;
  /**
   * The first pause after a callback has failed, in ms; it doubles up to 30 s. KCL: `taskBackoffTimeMillis`.
   *
   * @default {500}
   */
  taskBackoffTimeMs?: number | undefined;
  /**
   * What to do when records cannot be processed: how often and how long to try, whether to split a batch, and
   * where records go that are given up. Lambda: the error handling of an event source mapping. Excludes
   * `onProcessError`, which is its shorthand. With a dead letter or `"skip"` the shard goes on without the
   * records: a short failure of a database then costs records where `retry.attempts` is small.
   *
   * @default as `onProcessError` says
   */
  errors?: ErrorPolicy | undefined;
  /**
   * How many records one call gets, how many bytes, and how long it waits for more. Lambda: `BatchSize`,
   * `MaximumBatchingWindowInSeconds`. Records that wait are in memory, within `maxBufferedBytes`. A long
   * window delays the records of a quiet shard.
   *
   * @default what one read gives
   */
  batch?: BatchOptions | undefined;
  /**
   * Which records are delivered: a function that is true for them, or patterns of Lambda's `FilterCriteria`.
   * User records of a KPL aggregate are filtered one by one. The checkpoint passes the others, which are
   * never dead letters. Where the function throws, the record is delivered, with a warning.
   *
   * @default all of them
   */
  filter?: RecordFilter | undefined;
  /**
   * How many calls of `processRecords` run at the same time for one shard, and which order is kept. Lambda:
   * `ParallelizationFactor`. With more than one, a bare `context.checkpoint()` means "my batch, and
   * everything before it that is done". A crash repeats what was done beyond the checkpoint.
   *
   * @default one call at a time
   */
  concurrency?: ConcurrencyOptions | undefined;
}
