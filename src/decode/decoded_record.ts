// Pure.
/**
 * A record with its value.
 *
 * @module
 */

import type { RecordDecodeError } from "../errors.ts";
import type { Change } from "../stream/change.ts";
import { KinesisRecord } from "../stream/record.ts";
import type { DecodedValue, SchemaInfo } from "./decoder.ts";

/** A record whose payload was decoded. All that a record has is there too. */
export class DecodedRecord<T> extends KinesisRecord {
  /** What the payload holds. Undefined when it cannot be read, with `onError: "raw"` only. */
  readonly value: T;
  /** Which schema the record was written with. Undefined where no registry is asked. */
  readonly schemaInfo: SchemaInfo | undefined;
  /** Why there is no value; with `onError: "raw"` only. */
  readonly decodeError: RecordDecodeError | undefined;
  readonly #record: KinesisRecord;

  /** Made by `decoded()`. */
  constructor(
    record: KinesisRecord,
    { value, schemaInfo }: DecodedValue<T>,
    decodeError: RecordDecodeError | undefined,
  ) {
    super(
      record.sequenceNumber,
      record.subSequenceNumber,
      record.partitionKey,
      record.explicitHashKey,
      record.data,
      record.approximateArrivalTimestamp,
      record.encryptionType,
      record.aggregated,
    );
    this.value = value;
    this.schemaInfo = schemaInfo;
    this.decodeError = decodeError;
    this.#record = record;
  }

  /** As the record has it: undefined for one of Kinesis. */
  override get change(): Change | undefined {
    return this.#record.change;
  }
}
