// Pure.
/**
 * Makes the batch that a processor gets out of a page: what lies beyond the position that was reached.
 *
 * @module
 */

import type { RecordsPage } from "../retrieval/retrieval.ts";
import type { KinesisRecord } from "../stream/record.ts";
import { compare, type ExtendedSequenceNumber } from "../stream/sequence_number.ts";
import type { RecordsBatch } from "./record_processor.ts";

/** A batch, and what its delivery needs to know of it. */
export interface Delivery {
  readonly batch: RecordsBatch;
  /** Of the first and last record; the position reached when there are none. Never the records, which pin their page. */
  readonly first: ExtendedSequenceNumber;
  readonly last: ExtendedSequenceNumber;
  /** Payload bytes. */
  readonly bytes: number;
}

/**
 * The records of a page that lie beyond `reached`: a restart reads AT its checkpoint, and the rest of an aggregate may
 * follow there.
 *
 * @param records The page's user records, in order.
 */
export function deliveryOf(
  page: RecordsPage,
  records: readonly KinesisRecord[],
  reached: ExtendedSequenceNumber,
): Delivery {
  const index = records.findIndex((record) => compare(record, reached) > 0);
  const beyond = index === -1 ? [] : index === 0 ? records : records.slice(index);
  return {
    batch: {
      records: beyond,
      millisBehindLatest: page.millisBehindLatest,
      isAtShardEnd: page.end !== undefined,
      childShards: page.end?.childShards ?? [],
    },
    first: positionOf(beyond[0] ?? reached),
    last: positionOf(beyond.at(-1) ?? reached),
    bytes: beyond.reduce((sum, record) => sum + record.data.length, 0),
  };
}

function positionOf({ sequenceNumber, subSequenceNumber }: ExtendedSequenceNumber): ExtendedSequenceNumber {
  return { sequenceNumber, subSequenceNumber };
}
