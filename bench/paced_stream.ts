/**
 * One shard in this process with a fixed number of records, whose keys take turns. It has no end, and nothing of it costs a
 * request: what is measured is the worker.
 *
 * @module
 */

import type { GetRecordsOutput } from "../src/aws/kinesis_wire.ts";
import type { Kinesis } from "../src/aws/kinesis.ts";
import { MAX_HASH_KEY } from "../src/stream/hash_key.ts";
import { type KinesisRecord, kinesisRecord } from "../src/stream/record.ts";

/** Payload of a record, in bytes. */
const RECORD_BYTES = 256;
/** About what GetRecords gives a busy shard. */
const RECORDS_PER_PAGE = 1000;
/** No sequence number is 0: Kinesis begins them at a large number. */
const FIRST_NUMBER = 1_000_000;

/** See the module. */
export function pacedStream(records: number, keys: number): Kinesis {
  const streamArn = "arn:aws:kinesis:us-east-1:123456789012:stream/bench";
  return {
    describeStreamSummary: () =>
      Promise.resolve({
        streamName: "bench",
        streamArn,
        streamStatus: "ACTIVE",
        streamCreationEpochS: 1_700_000_000,
        openShardCount: 1,
      }),
    listShards: () =>
      Promise.resolve([{
        shardId: "shardId-000000000000",
        parentShardId: undefined,
        adjacentParentShardId: undefined,
        hashKeyRange: { startingHashKey: "0", endingHashKey: `${MAX_HASH_KEY}` },
        startingSequenceNumber: "1",
        endingSequenceNumber: undefined,
      }]),
    getShardIterator: (_stream, _shardId, position) =>
      Promise.resolve(
        "sequenceNumber" in position ? `${Number(position.sequenceNumber) - FIRST_NUMBER}` : "0",
      ),
    getRecords: (_stream, iterator) => Promise.resolve(pageAt(Number(iterator), records, keys)),
  };
}

function pageAt(from: number, all: number, keys: number): GetRecordsOutput {
  const to = Math.min(all, from + RECORDS_PER_PAGE);
  const records: KinesisRecord[] = [];
  for (let index = from; index < to; index++) {
    records.push(kinesisRecord({
      sequenceNumber: `${FIRST_NUMBER + index}`,
      subSequenceNumber: 0,
      partitionKey: `key-${index % keys}`,
      explicitHashKey: undefined,
      data: new Uint8Array(RECORD_BYTES),
      approximateArrivalTimestamp: Date.now(),
      encryptionType: "NONE",
      aggregated: false,
    }));
  }
  return {
    records,
    bytes: records.length * RECORD_BYTES,
    nextShardIterator: `${to}`,
    // Far behind, so that the next page is read at once.
    millisBehindLatest: to < all ? 3_600_000 : 0,
    childShards: [],
  };
}
