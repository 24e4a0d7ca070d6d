/**
 * Reads a shard by GetRecords: one iterator, one call at a time, until the shard ends.
 *
 * Two rules are easy to get wrong. A checkpoint is read AT its sequence number until a page has been
 * delivered, since the rest of an aggregate may be there. Only then is the shard read AFTER the last record
 * fetched. And a missing iterator alone is not the end of a shard, and neither is ResourceNotFound. Without
 * ChildShards the end is confirmed by ListShards. Emulators name no children, and a transient answer must not
 * end a shard.
 *
 * A refused iterator is replaced immediately, but only once. If the next one is refused before any answer
 * could be used, that counts as a failure. It has a growing pause and an event, and the shard counts as not
 * read.
 *
 * Source: KCL 3.5.1, `KinesisDataFetcher`, `IteratorBuilder`.
 *
 * @module
 */

import type { Kinesis, StreamReference } from "../aws/kinesis.ts";
import type { GetRecordsOutput } from "../aws/kinesis_wire.ts";
import { AwsServiceError, isAwsError } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import type { System } from "../system.ts";
import { nextReadMs, type Pacing, quietReadsAfter, recordsToRead, retryReadMs } from "./pacing.ts";
import { MOST_REPAIRS, type RecordsPage, type Retrieval, type RetrievalRequest } from "./retrieval.ts";
import { confirmedEnd, isListed, type ShardEndOptions } from "./shard_end.ts";
import { type OnTrimmedCheckpoint, StartPosition } from "./start_position.ts";

/** What polling is made of. */
export interface PollingOptions {
  readonly kinesis: Kinesis;
  readonly stream: StreamReference;
  readonly system: System;
  readonly emit: WorkerEventListener;
  readonly pacing: Pacing;
  /** The most records of one call, at most 10,000. Fewer are asked for where they are large. */
  readonly maxRecords: number;
  readonly onTrimmedCheckpoint: OnTrimmedCheckpoint;
}

/** Retrieval by polling. */
export function polling(options: PollingOptions): Retrieval {
  return { read: (request, signal) => read(options, request, signal) };
}

async function* read(
  options: PollingOptions,
  request: RetrievalRequest,
  signal: AbortSignal,
): AsyncGenerator<RecordsPage, void, void> {
  const { kinesis, stream, pacing, emit, maxRecords } = options;
  const { clock, random } = options.system;
  const about = { leaseKey: request.leaseKey, shardId: request.shardId };
  let iterator = request.iterator;
  let lastFetched: string | undefined;
  let limit = recordsToRead(undefined, maxRecords, pacing.idlePacing);
  let notBeforeMs = clock.monotonicMs();
  let quietReads = 0;
  const { streak = { failures: 0, repairs: 0 } } = request;
  /** Answers in a row that could not be read, by the iterator in use. */
  let malformed = 0;
  // Computed before anything is tried: a position that cannot be found is not a passing failure.
  let start = new StartPosition(request, options);
  const shardEnd = { kinesis, stream, clock };

  while (true) {
    await clock.sleep(notBeforeMs - clock.monotonicMs(), signal);
    let startedMs = clock.monotonicMs();
    let output: GetRecordsOutput | undefined;
    let end: RecordsPage["end"];
    try {
      if (iterator === undefined) {
        const position = start.next(lastFetched);
        iterator = await kinesis.getShardIterator(stream, request.shardId, position, signal);
        emit({ type: "iteratorGiven", ...about, ms: clock.monotonicMs() - startedMs });
        startedMs = clock.monotonicMs(); // an iterator that was long in coming is no pause between two reads
      }
      output = iterator === undefined ? undefined : await kinesis.getRecords(stream, iterator, limit, signal);
      if (output?.nextShardIterator === undefined) {
        const childShards = output?.childShards ?? [];
        end = childShards.length > 0
          ? { childShards }
          : await confirmedEnd(shardEnd, request.shardId, signal);
      }
      streak.failures = malformed = 0;
      if (end !== undefined || output?.nextShardIterator !== undefined) streak.repairs = 0;
    } catch (error) {
      signal.throwIfAborted();
      if (await isGone(shardEnd, request.shardId, { error, signal })) {
        end = { childShards: [] };
      } else {
        const isRepairable = iterator === undefined ? start.survives(error) : isOutdated(error);
        if (isAwsError(error, "ExpiredIteratorException")) emit({ type: "iteratorExpired", ...about });
        if (isAwsError(error, "MalformedResponse")) malformed++;
        if (isRepairable || malformed >= MAX_MALFORMED) {
          iterator = undefined;
          malformed = 0;
          // The checkpoint counts again, with all that is checked about it.
          if (request.iterator !== undefined && lastFetched === undefined) {
            start = new StartPosition({ ...request, iterator: undefined }, options);
          }
        }
        if (isRepairable && ++streak.repairs <= MOST_REPAIRS) {
          notBeforeMs = startedMs + 1000 / pacing.maxReadsPerSecond;
          continue;
        }
        const retryInMs = retryReadMs(++streak.failures, pacing, random());
        emit({ type: "fetchFailed", ...about, error, retryInMs });
        notBeforeMs = clock.monotonicMs() + retryInMs;
        continue;
      }
    }
    if (output !== undefined && !start.accepts(output.records)) {
      iterator = undefined;
      notBeforeMs = startedMs + 1000 / pacing.maxReadsPerSecond;
      continue;
    }

    const page: RecordsPage = {
      records: output?.records ?? [],
      bytes: output?.bytes ?? 0,
      millisBehindLatest: output?.millisBehindLatest,
      end,
      nextIterator: output?.nextShardIterator,
    };
    const { records, bytes, millisBehindLatest } = page;
    emit({
      type: "pageFetched",
      ...about,
      records: records.length,
      bytes,
      millisBehindLatest,
      ms: clock.monotonicMs() - startedMs,
    });
    yield page;
    if (end !== undefined) return;
    iterator = output?.nextShardIterator;
    lastFetched = records.at(-1)?.sequenceNumber ?? lastFetched;
    const result = { records: records.length, millisBehindLatest, limit };
    quietReads = quietReadsAfter(result, quietReads);
    if (bytes > 0) limit = recordsToRead({ records: records.length, bytes }, maxRecords, pacing.idlePacing);
    notBeforeMs = nextReadMs({ ...result, startedMs, bytes, quietReads }, pacing);
    if (iterator === undefined && ++streak.repairs > MOST_REPAIRS) {
      const retryInMs = retryReadMs(streak.repairs - MOST_REPAIRS, pacing, random());
      emit({ type: "fetchFailed", ...about, error: noIterator(request.shardId), retryInMs });
      notBeforeMs = Math.max(notBeforeMs, clock.monotonicMs() + retryInMs);
    }
  }
}

/** This many unreadable answers in a row are a reason to try another iterator. Ours. */
const MAX_MALFORMED = 3;

/** An answer without the next iterator, though its shard is open. Once, it may come from a late listing. */
function noIterator(shardId: string): AwsServiceError {
  return new AwsServiceError({
    service: "kinesis",
    operation: "GetRecords",
    code: "MalformedResponse",
    status: undefined,
    requestId: undefined,
    retryable: true,
    detail: `no iterator follows, but shard ${shardId} is listed as open`,
    body: undefined,
  });
}

/** Whether an iterator can no longer be used, but a new one may help. */
function isOutdated(error: unknown): boolean {
  return isAwsError(error, "ExpiredIteratorException", "InvalidArgumentException");
}

/**
 * Whether the shard, or its stream, does not exist. Both the error and ListShards must say so. If that cannot
 * be found out, the shard counts as existing.
 */
async function isGone(
  shardEnd: ShardEndOptions,
  shardId: string,
  { error, signal }: { readonly error: unknown; readonly signal: AbortSignal },
): Promise<boolean> {
  if (!isAwsError(error, "ResourceNotFoundException")) return false;
  try {
    return !await isListed(shardEnd, shardId, signal);
  } catch {
    signal.throwIfAborted();
    return false;
  }
}
