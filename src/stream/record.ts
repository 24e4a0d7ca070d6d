// Pure.
/**
 * A record as a processor gets it.
 *
 * @module
 */

import type { ExtendedSequenceNumber } from "./sequence_number.ts";

/** One record of a stream, or one user record of a KPL aggregate. */
export interface KinesisRecord extends ExtendedSequenceNumber {
  /** The record's partition key. */
  readonly partitionKey: string;
  /** Decimal text; only user records of KPL aggregates have it. */
  readonly explicitHashKey: string | undefined;
  /** The payload. A view into the page's memory: copy it to keep it beyond the batch. */
  readonly data: Uint8Array;
  /** When Kinesis took the record, in ms since 1970. */
  readonly approximateArrivalTimestamp: number;
  /** How the record is encrypted at rest. Undefined where Kinesis does not say. */
  readonly encryptionType: "NONE" | "KMS" | undefined;
  /** Whether it was part of a KPL aggregate. */
  readonly aggregated: boolean;
}
