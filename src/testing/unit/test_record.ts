/**
 * Records for tests, without a stream.
 *
 * @module
 */

import { type KinesisRecord, kinesisRecord, type RecordFields } from "../../stream/record.ts";

/** Data of a record, or some of its fields. Text is encoded as UTF-8. What is left out is made up. */
export type TestRecord = string | Uint8Array | TestRecordFields;

/** Some fields of a record. */
export interface TestRecordFields extends Partial<Omit<RecordFields, "data">> {
  /** The payload; text is encoded as UTF-8. @default no bytes */
  readonly data?: Uint8Array | string;
}

/**
 * Makes a record as a worker delivers it, with `text()`, `json()` and `approximateArrival`.
 *
 * ```ts
 * import { testRecord } from "@kclite/kclite/testing";
 *
 * const record = testRecord({ data: '{"total":5}', partitionKey: "customer-1" });
 * if (record.json<{ total: number }>().total !== 5) throw new Error("wrong total");
 * ```
 *
 * @param given Its data, or some of its fields. By default the sequence number is "1", the partition key
 * "key", and the arrival 2023-11-14T22:13:20Z.
 */
export function testRecord(given: TestRecord = {}): KinesisRecord {
  const fields = typeof given === "string" || given instanceof Uint8Array ? { data: given } : given;
  const { data = "" } = fields;
  return kinesisRecord({
    sequenceNumber: "1",
    subSequenceNumber: 0,
    partitionKey: "key",
    explicitHashKey: undefined,
    approximateArrivalTimestamp: FIRST_ARRIVAL_EPOCH_MS,
    encryptionType: undefined,
    aggregated: false,
    ...fields,
    data: typeof data === "string" ? new TextEncoder().encode(data) : data,
  });
}

/** When the first made-up record arrived, in epoch ms. Any time will do: a fixed one makes tests repeat. */
export const FIRST_ARRIVAL_EPOCH_MS = 1_700_000_000_000;
