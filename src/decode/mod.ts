/**
 * Typed records: each payload is decoded, and checked by a schema of zod, valibot, arktype or any library of
 * the Standard Schema, before the processor is called with it.
 *
 * ```ts ignore
 * import { z } from "zod";
 * import { eachDecoded, json } from "@kclite/kclite/decode";
 *
 * const Order = z.object({ id: z.string(), total: z.number() });
 * const worker = new KinesisWorker({
 *   ...options,
 *   processor: eachDecoded({ decoder: json(), schema: Order }, (order) => book(order.id, order.total)),
 * });
 * ```
 *
 * See docs/typed-records.md.
 *
 * @module
 */

import { eachRecord, type EachRecordOptions } from "../consumer/each_record.ts";
import type { RecordProcessorFactory, ShardContext, ShardStream } from "../consumer/record_processor.ts";
import type { WorkerEventListener } from "../events.ts";
import { refuseUnknownNames } from "../nearest_name.ts";
import { consoleLog } from "../observe/console_log.ts";
import type { KinesisRecord } from "../stream/record.ts";
import { realSystem, type System } from "../system.ts";
import { checkedDecoder } from "./checked_decoder.ts";
import { decodedProcessor, type DecodedRecordProcessor, type DecodeSettings } from "./decoded_processor.ts";
import { DecodedRecord } from "./decoded_record.ts";
import type { Decoder } from "./decoder.ts";
import type { StandardSchemaV1 } from "./standard_schema.ts";

export { RecordDecodeError } from "../errors.ts";
export type { DecodedBatch, DecodedRecordProcessor } from "./decoded_processor.ts";
export { DecodedRecord } from "./decoded_record.ts";
export { type DecodedValue, type Decoder, decoder, json, type SchemaInfo, text } from "./decoder.ts";
export type { SchemaIssue, SchemaResult, StandardSchemaProps, StandardSchemaV1 } from "./standard_schema.ts";

/**
 * What a processor gets: what the schema makes, or the decoder where there is none. With `onError: "raw"` it
 * may be missing.
 */
export type ValueOf<T, Schema, OnError> =
  | (Schema extends StandardSchemaV1<infer _Input, infer Output> ? Output : T)
  | ("raw" extends OnError ? undefined : never);

/** What becomes of a record that cannot be read. */
export type OnDecodeError = "fail" | "skip" | "raw";

/** Options of {@linkcode decoded} and {@linkcode eachDecoded}. */
export interface DecodeOptions<
  T,
  Schema extends StandardSchemaV1 | undefined = undefined,
  OnError extends OnDecodeError = "fail",
> {
  /** Makes a value of the payload: `json()`, `text()`, `glue()` of `./glue`, `decoder(…)`. */
  readonly decoder: Decoder<T>;
  /** Checks the value. What it makes of it is what the processor gets. @default nothing is checked */
  readonly schema?: Schema;
  /**
   * `"fail"`: the record fails, once, as `onProcessError` or `errors` says; its dead letter has the condition
   * `DecodeFailed`. `"skip"`: it is left out, with a line of the log. `"raw"`: it comes without a value, and
   * with a `decodeError`.
   *
   * @default {"fail"}
   */
  readonly onError?: OnError | undefined;
  /**
   * How long one record may take where something is waited for: a registry, a schema. After that the record
   * fails, and is tried again.
   *
   * @default {30000}
   */
  readonly timeoutMs?: number | undefined;
  /** Receives a notice for each record that is skipped. @default errors go to the console */
  readonly onEvent?: WorkerEventListener | undefined;
  /** Time. @default the real one */
  readonly system?: System | undefined;
}

/** Makes the processor of one shard; see `RecordProcessorFactory`. */
export interface DecodedRecordProcessorFactory<T> extends Pick<RecordProcessorFactory, "stores"> {
  (shardId: string, stream: ShardStream, leaving?: AbortSignal): DecodedRecordProcessor<T>;
}

/**
 * Makes a worker's `processor` of one that gets values.
 *
 * @throws {TypeError} when an option is missing, unknown or of the wrong kind, {@linkcode RangeError} when a
 * number is out of range.
 */
export function decoded<
  T,
  Schema extends StandardSchemaV1 | undefined = undefined,
  OnError extends OnDecodeError = "fail",
>(
  options: DecodeOptions<T, Schema, OnError>,
  processor: DecodedRecordProcessorFactory<ValueOf<T, Schema, OnError>>,
): RecordProcessorFactory {
  const settings = settingsOf(options);
  const factory: RecordProcessorFactory = (shardId, stream, leaving) => {
    const inner: DecodedRecordProcessor<unknown> = processor(shardId, stream, leaving);
    return decodedProcessor(inner, settings);
  };
  return Object.assign(factory, { stores: processor.stores });
}

/** Handles one value; see `RecordHandler`. */
export type DecodedRecordHandler<T> = (
  value: T,
  record: DecodedRecord<T>,
  context: ShardContext,
) => unknown;

/**
 * Makes a worker's `processor` of a function for one value, as `eachRecord()` does for a record.
 *
 * @throws as {@linkcode decoded}.
 */
export function eachDecoded<
  T,
  Schema extends StandardSchemaV1 | undefined = undefined,
  OnError extends OnDecodeError = "fail",
>(
  options: DecodeOptions<T, Schema, OnError>,
  handle: DecodedRecordHandler<ValueOf<T, Schema, OnError>>,
  more: EachRecordOptions = {},
): RecordProcessorFactory {
  type Value = ValueOf<T, Schema, OnError>;
  const isDecoded = (record: KinesisRecord): record is DecodedRecord<Value> =>
    record instanceof DecodedRecord;
  const each = eachRecord((record, context) => {
    if (isDecoded(record)) return handle(record.value, record, context);
  }, more);
  return decoded(options, each);
}

const OPTION_NAMES = ["decoder", "schema", "onError", "timeoutMs", "onEvent", "system"] as const;

function settingsOf(
  options: DecodeOptions<unknown, StandardSchemaV1 | undefined, OnDecodeError>,
): DecodeSettings<unknown> {
  const action = "Cannot decode records";
  refuseUnknownNames(Object.keys(options), OPTION_NAMES, { action });
  const { onError = "fail", timeoutMs = 30_000, system = realSystem } = options;
  const given: unknown = options.decoder;
  if (typeof given !== "object" || given === null || !("decode" in given)) {
    throw new TypeError(`${action}: expected a decoder, such as json(): got ${typeof given}`);
  }
  const schema: unknown = options.schema;
  if (schema !== undefined && !isSchema(schema)) {
    throw new TypeError(`${action}: expected a schema with "~standard": got ${typeof schema}`);
  }
  if (!["fail", "skip", "raw"].includes(onError)) {
    throw new TypeError(
      `${action}: expected onError to be "fail", "skip" or "raw": got ${JSON.stringify(onError)}`,
    );
  }
  if (!(timeoutMs > 0)) throw new RangeError(`${action}: expected a timeoutMs above 0: got ${timeoutMs}`);
  const emit = options.onEvent ?? consoleLog(system.clock);
  return {
    decoder: options.schema === undefined ? options.decoder : checkedDecoder(options.decoder, options.schema),
    onError: onError === "raw" ? { type: onError, value: undefined } : { type: onError },
    timeoutMs,
    clock: system.clock,
    notice: (leaseKey, text) => emit({ type: "notice", level: "error", leaseKey, text }),
  };
}

function isSchema(value: unknown): boolean {
  // A schema of arktype is a function.
  return (typeof value === "object" || typeof value === "function") && value !== null && "~standard" in value;
}
