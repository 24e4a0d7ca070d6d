/**
 * A record processor that gets values: each record is decoded before the processor is called with it.
 *
 * A record that cannot be read never meets the processor. What lies before it in its batch is processed
 * first, and done. Then it fails alone, as the options say of failures. So nothing is passed by, and nothing
 * that is well is repeated.
 *
 * @module
 */

import { isTimeLimit, withinTime } from "../async/waiting.ts";
import { namesFailedRecords } from "../consumer/failed_records.ts";
import type {
  BatchResponse,
  RecordProcessor,
  RecordsBatch,
  ShardContext,
} from "../consumer/record_processor.ts";
import { StoppedAtRecord } from "../consumer/stopped_at_record.ts";
import { errorText, RecordDecodeError, thrownError } from "../errors.ts";
import type { KinesisRecord } from "../stream/record.ts";
import type { Clock } from "../system.ts";
import { type BoundedContext, boundedContext } from "./bounded_context.ts";
import { DecodedRecord } from "./decoded_record.ts";
import type { Decoder } from "./decoder.ts";

/** Records with their values. */
export interface DecodedBatch<T> extends Omit<RecordsBatch, "records"> {
  /** The records, in order. */
  readonly records: readonly DecodedRecord<T>[];
}

/** A processor of records with values. All else is as in `RecordProcessor`. */
export interface DecodedRecordProcessor<T> extends Omit<RecordProcessor, "processRecords"> {
  /** Called with each batch. */
  processRecords(
    batch: DecodedBatch<T>,
    context: ShardContext,
  ): void | BatchResponse | null | Promise<void | BatchResponse | null>;
}

/** How records are decoded. */
export interface DecodeSettings<T> {
  readonly decoder: Decoder<T>;
  /** What becomes of a record that cannot be read. `raw`: it has this value. */
  readonly onError: { readonly type: "fail" } | { readonly type: "skip" } | {
    readonly type: "raw";
    readonly value: T;
  };
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Says that a record is skipped. */
  readonly notice: (leaseKey: string, text: string) => void;
}

/** See the module. What the processor leaves out stays left out. */
export function decodedProcessor<T>(
  processor: DecodedRecordProcessor<T>,
  settings: DecodeSettings<T>,
): RecordProcessor {
  const { checkpoints, aggregates } = processor;
  const contexts = new WeakMap<ShardContext, BoundedContext>();
  const own = (context: ShardContext): BoundedContext => {
    const known = contexts.get(context) ?? boundedContext(context);
    contexts.set(context, known);
    return known;
  };
  const optional = <Name extends "initialize" | "leaseLost" | "shutdownRequested">(name: Name) =>
    processor[name] === undefined
      ? {}
      : { [name]: (context: ShardContext) => processor[name]?.(own(context).context) };
  // What was decoded for a call that failed: the same records come again.
  let kept: WeakMap<KinesisRecord, DecodedRecord<T>> | undefined;
  return {
    ...(checkpoints === undefined ? {} : { checkpoints }),
    ...(aggregates === undefined ? {} : { aggregates }),
    ...optional("initialize"),
    ...(processor.startAt === undefined
      ? {}
      : { startAt: async (context, confirm) => await processor.startAt?.(own(context).context, confirm) }),
    async processRecords(batch, context) {
      const { context: bounded, within } = own(context);
      const { records, sources, stop } = await decodeAll(batch.records, { kept, settings, context });
      const call = async (part: DecodedBatch<T>) => {
        try {
          return await processor.processRecords(part, bounded);
        } catch (error) {
          kept ??= new WeakMap();
          for (const [at, record] of records.entries()) kept.set(sources[at] ?? record, record);
          throw error;
        }
      };
      if (stop === undefined) return await call({ ...batch, records });
      const last = records.at(-1);
      if (last === undefined) throw stop;
      const answer = await within(
        last,
        () => call({ ...batch, records, isAtShardEnd: false, childShards: [] }),
      );
      if (namesFailedRecords(answer)) return answer;
      throw stop;
    },
    ...optional("leaseLost"),
    shardEnded: (context) => processor.shardEnded(own(context).context),
    ...optional("shutdownRequested"),
    ...(processor.dispose === undefined ? {} : { dispose: () => processor.dispose?.() }),
  };
}

interface Decoding<T> {
  readonly kept: WeakMap<KinesisRecord, DecodedRecord<T>> | undefined;
  readonly settings: DecodeSettings<T>;
  readonly context: ShardContext;
}

/** What came of a batch. */
interface Decoded<T> {
  /** Up to the first record that stops the batch, without those that are skipped. */
  readonly records: readonly DecodedRecord<T>[];
  /** What each of them was made of. */
  readonly sources: readonly KinesisRecord[];
  /** Undefined: nothing stops it. */
  readonly stop: StoppedAtRecord | undefined;
}

async function decodeAll<T>(all: readonly KinesisRecord[], decoding: Decoding<T>): Promise<Decoded<T>> {
  const { kept, settings: { onError, notice }, context } = decoding;
  const records: DecodedRecord<T>[] = [], sources: KinesisRecord[] = [];
  for (const source of all) {
    let record = kept?.get(source);
    try {
      if (record === undefined) {
        const decoded = decodeOne(source, decoding);
        record = decoded instanceof Promise ? await decoded : decoded;
      }
    } catch (error) {
      if (context.signal.aborted) return { records, sources, stop: new StoppedAtRecord(source) };
      if (!(error instanceof RecordDecodeError) || onError.type === "fail") {
        return { records, sources, stop: new StoppedAtRecord(source, { error }) };
      }
      if (onError.type === "skip") {
        notice(context.leaseKey, `${errorText(error)}: the record is skipped`);
        continue;
      }
      record = new DecodedRecord(source, { value: onError.value }, error);
    }
    records.push(record);
    sources.push(source);
  }
  return { records, sources, stop: undefined };
}

/** A promise only where something is waited for. @throws what {@linkcode failureOf} makes of an error. */
function decodeOne<T>(
  record: KinesisRecord,
  { settings: { decoder, timeoutMs: ms, clock }, context: { signal } }: Decoding<T>,
): DecodedRecord<T> | Promise<DecodedRecord<T>> {
  try {
    const decoded = decoder.decode(record.data, record, signal);
    if (!(decoded instanceof Promise)) return new DecodedRecord(record, decoded, undefined);
    return withinTime({ clock, ms, signal }, () => decoded).then(
      (value) => new DecodedRecord(record, value, undefined),
      (error) => {
        throw failureOf(record, error);
      },
    );
  } catch (error) {
    throw failureOf(record, error);
  }
}

/** What may succeed later stays as it is; anything else means that the record cannot be read. */
function failureOf(record: KinesisRecord, thrown: unknown): unknown {
  const error = thrownError(thrown);
  const isLater = isTimeLimit(error) || typeof error === "object" && error !== null && "retryable" in error &&
      error.retryable === true;
  if (isLater || error instanceof RecordDecodeError) return error;
  const { sequenceNumber, subSequenceNumber, aggregated } = record;
  const name = aggregated ? `${sequenceNumber}:${subSequenceNumber}` : sequenceNumber;
  return new RecordDecodeError(`Cannot decode record ${name}`, { cause: error });
}
