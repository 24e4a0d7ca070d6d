/**
 * Looks into a shard at the checkpoint of its lease: how far behind the newest record it is, and how old the
 * oldest record is that is not processed. It costs one GetShardIterator and one GetRecords of two records.
 *
 * The page begins with the checkpoint's own record, as a worker's does. If another record comes first, that
 * of the checkpoint has been trimmed.
 *
 * @module
 */

import type { IteratorPosition, Kinesis, StreamReference } from "../aws/kinesis.ts";
import type { GetRecordsOutput } from "../aws/kinesis_wire.ts";
import { isAwsError } from "../errors.ts";
import type { Lease } from "../lease/lease.ts";
import { isTableStreamName } from "../stream/table_stream_name.ts";
import type { Clock } from "../system.ts";

/** What a shard showed. */
export type ShardProbe =
  | {
    readonly type: "seen";
    /** When, on the monotonic clock. */
    readonly atMs: number;
    /** How far the checkpoint is behind the newest record. */
    readonly behindMs: number;
    /** Age of the checkpoint's record. Undefined when there is none, or it was not returned. */
    readonly checkpointAgeMs: number | undefined;
    /** Undefined when everything is processed. */
    readonly oldestUnreadAgeMs: number | undefined;
  }
  /** The checkpoint's record is not in the stream. `isForeign`: it never was. */
  | {
    readonly type: "trimmed";
    readonly isForeign: boolean;
    /** Age of the first record that there still is. */
    readonly oldestUnreadAgeMs: number | undefined;
  }
  /** The stream does not have the shard. */
  | { readonly type: "gone" }
  /** Nothing is processed yet, and where its reader began is not in the table. */
  | { readonly type: "notBegun" }
  | { readonly type: "failed"; readonly error: unknown };

/** What a probe needs. */
export interface ProbeOptions {
  readonly kinesis: Kinesis;
  readonly stream: StreamReference;
  readonly clock: Clock;
  /** Where leases at AT_TIMESTAMP begin, in ms since 1970. Undefined when the configuration does not say. */
  readonly initialTimestampMs: number | undefined;
}

/** The checkpoint's record, and the next one. */
const PROBED_RECORDS = 2;

/** A page may be empty although records follow. As many in a row are the tip of a table's shard. Ours. */
const MOST_EMPTY_PAGES = 5;

/** An iterator is good for five minutes. On a slow machine it may expire once. */
const MOST_TRIES = 2;

/** As `retrieval/start_position.ts`: a record may carry a time somewhat before the lease was made. */
const LATEST_MARGIN_MS = 1000;

/** Looks. @throws the signal's reason. */
export async function probeShard(
  options: ProbeOptions,
  lease: Lease,
  signal: AbortSignal,
): Promise<ShardProbe> {
  const position = positionOf(lease, options.initialTimestampMs);
  if (position === undefined) return { type: "notBegun" };
  for (let tries = 1;; tries++) {
    try {
      return await probeAt(options, lease, position, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (isAwsError(error, "ExpiredIteratorException") && tries < MOST_TRIES) continue;
      return refusalOf(error);
    }
  }
}

async function probeAt(
  { kinesis, stream, clock }: ProbeOptions,
  { shardId, checkpoint }: Lease,
  position: IteratorPosition,
  signal: AbortSignal,
): Promise<ShardProbe> {
  const iterator = await kinesis.getShardIterator(stream, shardId, position, signal);
  const page: Pick<GetRecordsOutput, "records" | "millisBehindLatest" | "nextShardIterator"> =
    iterator === undefined
      ? { records: [], millisBehindLatest: 0, nextShardIterator: undefined }
      : await kinesis.getRecords(stream, iterator, PROBED_RECORDS, signal);
  const epochMs = clock.epochMs();
  const ageOf = (record: GetRecordsOutput["records"][number] | undefined) =>
    record === undefined ? undefined : Math.max(0, epochMs - record.approximateArrivalTimestamp);
  const [first, second] = page.records;
  const hasNumber = position.type === "AT_SEQUENCE_NUMBER";
  if (hasNumber && first !== undefined && first.sequenceNumber !== checkpoint.sequenceNumber) {
    return { type: "trimmed", isForeign: false, oldestUnreadAgeMs: ageOf(first) };
  }
  const isOfTable = isTableStreamName(stream.streamName);
  const unread = (hasNumber ? second : first) ??
    (isOfTable ? await nextRecord({ kinesis, stream }, page.nextShardIterator, signal) : undefined);
  const unreadAgeMs = ageOf(unread);
  // A table's stream does not say how far behind a page is: what is behind is what is there.
  const behindMs = isOfTable ? 0 : page.millisBehindLatest ?? 0;
  return {
    type: "seen",
    atMs: clock.monotonicMs(),
    // The figure is of the end of the page. A page may also be empty although records follow.
    behindMs: Math.max(behindMs, unreadAgeMs ?? 0),
    checkpointAgeMs: hasNumber ? ageOf(first) : undefined,
    oldestUnreadAgeMs: unreadAgeMs ?? (behindMs > 0 ? behindMs : undefined),
  };
}

/** The first record of the pages that follow. */
async function nextRecord(
  { kinesis, stream }: Pick<ProbeOptions, "kinesis" | "stream">,
  nextIterator: string | undefined,
  signal: AbortSignal,
): Promise<GetRecordsOutput["records"][number] | undefined> {
  let iterator = nextIterator;
  for (let pages = 0; iterator !== undefined && pages < MOST_EMPTY_PAGES; pages++) {
    const page = await kinesis.getRecords(stream, iterator, 1, signal);
    const [first] = page.records;
    if (first !== undefined) return first;
    iterator = page.nextShardIterator;
  }
  return undefined;
}

function positionOf(
  { checkpoint: { sequenceNumber }, latestEpochMs }: Lease,
  initialTimestampMs: number | undefined,
): IteratorPosition | undefined {
  switch (sequenceNumber) {
    case "TRIM_HORIZON":
      return { type: "TRIM_HORIZON" };
    case "LATEST":
      return latestEpochMs === undefined
        ? undefined
        : { type: "AT_TIMESTAMP", timestampMs: latestEpochMs - LATEST_MARGIN_MS };
    case "AT_TIMESTAMP":
      return initialTimestampMs === undefined
        ? undefined
        : { type: "AT_TIMESTAMP", timestampMs: initialTimestampMs };
    default:
      return { type: "AT_SEQUENCE_NUMBER", sequenceNumber };
  }
}

function refusalOf(error: unknown): ShardProbe {
  if (isAwsError(error, "ResourceNotFoundException")) return { type: "gone" };
  if (isAwsError(error, "InvalidArgumentException")) {
    // The words of Kinesis, as `retrieval/start_position.ts` knows them.
    const isForeign = /did not come from this stream/i.test(error.message);
    if (isForeign || /trim|expired|no longer|retention/i.test(error.message)) {
      return { type: "trimmed", isForeign, oldestUnreadAgeMs: undefined };
    }
  }
  return { type: "failed", error };
}
