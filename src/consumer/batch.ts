// Pure.
/**
 * Makes the batch that a processor gets out of a slice of a page: the records beyond the position that was
 * reached.
 *
 * @module
 */

import type { RecordsPage } from "../retrieval/retrieval.ts";
import { compare, type ExtendedSequenceNumber } from "../stream/sequence_number.ts";
import type { RecordsBatch } from "./record_processor.ts";
import type { Slice } from "./slices.ts";

/** A batch, and what its delivery needs to know of it. */
export interface Delivery {
  readonly batch: RecordsBatch;
  /**
   * Of the first and last record; the position reached when there are none. Never the records, which pin
   * their page.
   */
  readonly first: ExtendedSequenceNumber;
  readonly last: ExtendedSequenceNumber;
  /** Payload bytes. */
  readonly bytes: number;
}

/**
 * The records of a slice that lie beyond `reached`: a restart reads AT its checkpoint, and the rest of an
 * aggregate may follow there. The end of the shard belongs to the last slice of its last page.
 */
export function deliveryOf(
  page: RecordsPage,
  { records, isLast }: Slice,
  reached: ExtendedSequenceNumber,
): Delivery {
  const index = records.findIndex((record) => compare(record, reached) > 0);
  const beyond = index === -1 ? [] : index === 0 ? records : records.slice(index);
  return {
    batch: {
      records: beyond,
      millisBehindLatest: page.millisBehindLatest,
      isAtShardEnd: isLast && page.end !== undefined,
      childShards: isLast ? page.end?.childShards ?? [] : [],
    },
    first: positionOf(beyond[0] ?? reached),
    last: positionOf(beyond.at(-1) ?? reached),
    bytes: beyond.reduce((sum, record) => sum + record.data.length, 0),
  };
}

function positionOf({ sequenceNumber, subSequenceNumber }: ExtendedSequenceNumber): ExtendedSequenceNumber {
  return { sequenceNumber, subSequenceNumber };
}
