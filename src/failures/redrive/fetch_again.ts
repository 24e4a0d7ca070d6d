/**
 * Fetches the records of a dead letter again from their stream, as long as the stream retains them.
 *
 * @module
 */

import type { GivenEndpoints } from "../../aws/dynamodb_streams.ts";
import { type Kinesis, signedKinesis, type StreamReference } from "../../aws/kinesis.ts";
import { DEFAULT_RETRY_POLICY } from "../../aws/retry.ts";
import type { ServiceOptions } from "../../aws/signed_call.ts";
import { tableStreamsAsKinesis } from "../../dynamodb_streams/changes_as_kinesis.ts";
import { deaggregate } from "../../stream/aggregation.ts";
import type { KinesisRecord } from "../../stream/record.ts";
import { compare, positionAt } from "../../stream/sequence_number.ts";
import { isTableStreamName } from "../../stream/table_stream_name.ts";
import type { Clock } from "../../system.ts";
import type { StoredLetter } from "./stored_letter.ts";

/** A shard allows five reads a second, which the consumers of the stream share. In ms. */
const READ_PAUSE_MS = 250;

/** A page may be empty before the end of a range; this many in a row are a shard without the range. Ours. */
const MOST_EMPTY_PAGES = 50;

/**
 * The stream of a letter, and what reads it: Kinesis, or the stream of a table.
 *
 * @param service In the region of the stream, with the endpoint of Kinesis.
 */
export function streamOf(
  { streamName, streamArn }: StoredLetter,
  service: ServiceOptions & GivenEndpoints,
): { readonly stream: StreamReference; readonly kinesis: Kinesis } {
  const { endpoint, region, credentials, system } = service;
  const calls = { region, credentials, system, readRetry: DEFAULT_RETRY_POLICY };
  if (isTableStreamName(streamName)) {
    const { dynamoDBStreamsEndpoint, dynamoDBEndpoint, kinesisEndpoint } = service;
    const endpoints = { dynamoDBStreamsEndpoint, dynamoDBEndpoint, kinesisEndpoint };
    return { stream: { streamName, streamArn }, kinesis: tableStreamsAsKinesis({ ...calls, ...endpoints }) };
  }
  // An emulator may know no ARN, and its letters have one that is made up.
  const stream = { streamName, streamArn: endpoint === undefined ? streamArn : undefined };
  return { stream, kinesis: signedKinesis({ ...calls, endpoint }) };
}

/**
 * The user records of a letter, in order.
 *
 * @throws {RangeError} when the stream no longer has all of them.
 */
export async function fetchAgain(
  { range, shardId }: StoredLetter,
  stream: StreamReference,
  { kinesis, clock }: { readonly kinesis: Kinesis; readonly clock: Clock },
  signal: AbortSignal,
): Promise<readonly KinesisRecord[]> {
  const { start, end, positions, recordCount } = range;
  const first = positionAt(start, range.subSequenceNumbers?.first ?? 0);
  const last = positionAt(end, range.subSequenceNumbers?.last ?? Infinity);
  const found: KinesisRecord[] = [];
  let seen: string | undefined;
  let iterator = await kinesis.getShardIterator(
    stream,
    shardId,
    { type: "AT_SEQUENCE_NUMBER", sequenceNumber: start },
    signal,
  );
  for (let empty = 0; iterator !== undefined && empty < MOST_EMPTY_PAGES;) {
    const page = await kinesis.getRecords(stream, iterator, 10_000, signal);
    seen ??= page.records[0]?.sequenceNumber;
    if (seen !== undefined && seen !== start) break;
    empty = page.records.length === 0 ? empty + 1 : 0;
    const within = page.records.filter((record) =>
      compare(positionAt(record.sequenceNumber), positionAt(end)) <= 0
    );
    for (const record of within) {
      if (positions?.has(record.sequenceNumber) || (positions === undefined && range.wholeAggregates)) {
        found.push(record); // as it is
        continue;
      }
      for (const part of deaggregate(record, undefined)) {
        const isWanted = positions === undefined
          ? compare(part, first) >= 0 && compare(part, last) <= 0
          : positions.has(`${part.sequenceNumber}:${part.subSequenceNumber}`);
        if (isWanted) found.push(part);
      }
    }
    if (within.length < page.records.length || page.records.at(-1)?.sequenceNumber === end) break;
    if (page.records.length === 0 && page.millisBehindLatest === 0) break;
    iterator = page.nextShardIterator;
    await clock.sleep(READ_PAUSE_MS, signal);
  }
  const expected = positions?.size ?? recordCount;
  if (seen !== start || (expected !== undefined && found.length !== expected)) {
    const what = seen === start
      ? `expected ${expected} records: got ${found.length}`
      : "the stream retains them no longer";
    throw new RangeError(`Cannot fetch the records from ${start} to ${end} of ${shardId} again: ${what}`);
  }
  return found;
}
