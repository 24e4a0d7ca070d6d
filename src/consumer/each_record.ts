/**
 * A processor made of a function for one record.
 *
 * It stops at the first record that fails, so that the records before it are done and the later ones are
 * untouched. It stops between two records when the shard is to be left. Its checkpoints are made by the
 * worker, after each batch.
 *
 * @module
 */

import { isOfClass, LeaseLostError, ProcessorRestartError, thrownError } from "../errors.ts";
import { refuseUnknownNames } from "../nearest_name.ts";
import type { KinesisRecord } from "../stream/record.ts";
import type { RecordProcessor, RecordProcessorFactory, ShardContext } from "./record_processor.ts";
import { StoppedAtRecord } from "./stopped_at_record.ts";

/** Handles one record; it is done when the function returns, or its promise resolves. */
export type RecordHandler = (record: KinesisRecord, context: ShardContext) => unknown;

/** Options of {@linkcode eachRecord}: what else a processor may want to do. None of them must checkpoint. */
export interface EachRecordOptions {
  /** Called once for each lease, before any record. When it throws it is called again, with back-off. */
  readonly initialize?: ((context: ShardContext) => void | Promise<void>) | undefined;
  /** Called after the last record of the shard, before its end is stored; called again when it throws. */
  readonly shardEnded?: ((context: ShardContext) => void | Promise<void>) | undefined;
  /** The worker stops or hands the lease over. */
  readonly shutdownRequested?: ((context: ShardContext) => void | Promise<void>) | undefined;
  /** The lease is lost, or was handed over. */
  readonly leaseLost?: ((context: ShardContext) => void | Promise<void>) | undefined;
  /** Called last, in every case. Must not throw. */
  readonly dispose?: (() => void | Promise<void>) | undefined;
}

/**
 * Makes a worker's `processor` of a function for one record. The records of a shard come one after the other.
 *
 * ```ts
 * import { eachRecord, KinesisWorker } from "@kclite/kclite";
 *
 * const worker = new KinesisWorker({
 *   applicationName: "orders",
 *   streamName: "orders",
 *   region: "eu-central-1",
 *   credentials: { accessKeyId: "AKIA…", secretAccessKey: "…" },
 *   processor: eachRecord((record) => console.log(record.json<{ readonly id: string }>().id)),
 *   onProcessError: "retry",
 * });
 * ```
 *
 * When the function throws, the rule of `onProcessError` or `errors` applies to that record alone: `"skip"`
 * skips it and goes on behind it, `"retry"` comes back to it. Checkpoints are made after each batch, up to
 * the last record that is done; a crash repeats the batch at hand. `context.signal` aborts when the lease is
 * lost.
 *
 * @param handle What to do with a record. What it returns does not count.
 * @param options Functions for the life of a shard.
 * @throws {TypeError} when `handle` is no function, or an option has an unknown name or is no function.
 */
export function eachRecord(handle: RecordHandler, options: EachRecordOptions = {}): RecordProcessorFactory {
  checkFunctions(handle, options);
  return (_shardId, _stream, leaving) => new EachRecord(handle, options, leaving);
}

const OPTION_NAMES = ["initialize", "shardEnded", "shutdownRequested", "leaseLost", "dispose"] as const;

function checkFunctions(handle: RecordHandler, options: EachRecordOptions): void {
  const action = "Cannot make a processor";
  if (typeof handle !== "function") {
    throw new TypeError(`${action}: expected a function of a record: got ${typeof handle}`);
  }
  refuseUnknownNames(Object.keys(options), OPTION_NAMES, { action });
  for (const name of OPTION_NAMES) {
    const value: unknown = options[name];
    if (value === undefined || typeof value === "function") continue;
    throw new TypeError(`${action}: expected ${name} to be a function: got ${typeof value}`);
  }
}

class EachRecord implements RecordProcessor {
  readonly checkpoints = "auto";
  readonly #handle: RecordHandler;
  readonly #options: EachRecordOptions;
  readonly #leaving: AbortSignal | undefined;

  constructor(handle: RecordHandler, options: EachRecordOptions, leaving: AbortSignal | undefined) {
    this.#handle = handle;
    this.#options = options;
    this.#leaving = leaving;
  }

  initialize(context: ShardContext): void | Promise<void> {
    return this.#options.initialize?.(context);
  }

  async processRecords({ records }: { readonly records: readonly KinesisRecord[] }, context: ShardContext) {
    let at = records[0];
    // What is stored without a position ends with the record at hand: the later ones are not done.
    const own: ShardContext = {
      ...context,
      checkpoint: (given = at) => context.checkpoint(given),
      prepareCheckpoint: (given = at, state) => context.prepareCheckpoint(given, state),
      transact: (writes, { at: given = at } = {}) => context.transact(writes, { at: given }),
    };
    for (const record of records) {
      at = record;
      if (this.#leaving?.aborted || context.signal.aborted) throw new StoppedAtRecord(record);
      try {
        const handled: unknown = this.#handle(record, own);
        // Most handlers of small records wait for nothing: a turn for each record would cost more than it.
        if (typeof handled === "object" && handled !== null && "then" in handled) await handled;
      } catch (thrown) {
        if (context.signal.aborted) throw new StoppedAtRecord(record);
        const error = thrownError(thrown);
        if (isOfClass(error, ProcessorRestartError)) throw error;
        throw new StoppedAtRecord(record, { error });
      }
    }
  }

  async shardEnded(context: ShardContext): Promise<void> {
    await this.#options.shardEnded?.(context);
    await context.checkpoint();
  }

  async shutdownRequested(context: ShardContext): Promise<void> {
    await this.#options.shutdownRequested?.(context);
    try {
      await context.checkpoint(); // one that failed after its batch may succeed now
    } catch (error) {
      if (!isOfClass(error, LeaseLostError)) throw error;
    }
  }

  leaseLost(context: ShardContext): void | Promise<void> {
    return this.#options.leaseLost?.(context);
  }

  dispose(): void | Promise<void> {
    return this.#options.dispose?.();
  }
}
