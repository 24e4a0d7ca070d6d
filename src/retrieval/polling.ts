/**
 * Reads a shard by GetRecords: one iterator, one call at a time, for as long as the shard has records to come.
 *
 * Two rules are easy to get wrong. A checkpoint is read AT its sequence number until a page has been delivered, for
 * the rest of an aggregate may lie there; only then AFTER the last record fetched. And a missing iterator alone is
 * not the end of a shard: without ChildShards the end is confirmed by ListShards, for emulators name none and
 * a transient answer must not end a shard.
 *
 * Source: KCL 3.5.1, `KinesisDataFetcher`, `IteratorBuilder`.
 *
 * @module
 */

import type { GetRecordsOutput, IteratorPosition, Kinesis, StreamReference } from "../aws/kinesis.ts";
import { isAwsError } from "../errors.ts";
import type { WorkerEvent } from "../events.ts";
import { childrenOf, type ChildShard, isOpen } from "../stream/shard.ts";
import type { System } from "../system.ts";
import { nextReadMs, type Pacing, retryReadMs } from "./pacing.ts";
import type { RecordsPage, Retrieval, RetrievalRequest } from "./retrieval.ts";

/** What polling is made of. */
export interface PollingOptions {
  readonly kinesis: Kinesis;
  readonly stream: StreamReference;
  readonly system: System;
  readonly emit: (event: WorkerEvent) => void;
  readonly pacing: Pacing;
  /** The most records of one call, at most 10,000. */
  readonly maxRecords: number;
}

/** How often a closed shard is asked for its children before it counts as having none, and how long apart. */
const childChecks = { attempts: 10, intervalMs: 1000 };

/** Retrieval by polling. */
export function polling(options: PollingOptions): Retrieval {
  return { read: (request, signal) => read(options, request, signal) };
}

/** Where the next iterator is opened. */
export function iteratorPosition(
  request: RetrievalRequest,
  lastFetched: string | undefined,
): IteratorPosition {
  if (lastFetched !== undefined) return { type: "AFTER_SEQUENCE_NUMBER", sequenceNumber: lastFetched };
  const { sequenceNumber } = request.checkpoint;
  switch (sequenceNumber) {
    case "TRIM_HORIZON":
    case "LATEST":
      return { type: sequenceNumber };
    case "AT_TIMESTAMP":
      if (!(request.initialPosition instanceof Date)) {
        throw new RangeError(
          `Cannot read shard ${request.shardId}: its checkpoint is AT_TIMESTAMP, expected a Date as ` +
            `initialPositionInStream: got ${request.initialPosition}: set the same time as the worker that made the lease`,
        );
      }
      return { type: "AT_TIMESTAMP", timestampMs: request.initialPosition.getTime() };
    default:
      return { type: "AT_SEQUENCE_NUMBER", sequenceNumber };
  }
}

async function* read(
  options: PollingOptions,
  request: RetrievalRequest,
  signal: AbortSignal,
): AsyncGenerator<RecordsPage, void, void> {
  const { kinesis, stream, pacing, emit, maxRecords } = options;
  const { clock, random } = options.system;
  const about = { leaseKey: request.leaseKey, shardId: request.shardId };
  let iterator: string | undefined;
  let lastFetched: string | undefined;
  let notBeforeMs = clock.monotonicMs();
  let failures = 0;
  // A position that cannot be told is no passing failure: found out before anything is tried.
  iteratorPosition(request, lastFetched);

  while (true) {
    await clock.sleep(notBeforeMs - clock.monotonicMs(), signal);
    const startedMs = clock.monotonicMs();
    let output: GetRecordsOutput | undefined;
    let end: RecordsPage["end"];
    try {
      iterator ??= await kinesis.getShardIterator(
        stream,
        request.shardId,
        iteratorPosition(request, lastFetched),
        signal,
      );
      output = iterator === undefined
        ? undefined
        : await kinesis.getRecords(stream, iterator, maxRecords, signal);
      if (output?.nextShardIterator === undefined) end = await confirmEnd(options, request, output, signal);
      failures = 0;
    } catch (error) {
      signal.throwIfAborted();
      if (isAwsError(error, "ResourceNotFoundException")) {
        end = { childShards: [] };
      } else if (
        isAwsError(error, "ExpiredIteratorException", "InvalidArgumentException") && iterator !== undefined
      ) {
        if (error.code === "ExpiredIteratorException") emit({ type: "iteratorExpired", ...about });
        iterator = undefined;
        notBeforeMs = startedMs + 1000 / pacing.maxReadsPerSecond;
        continue;
      } else {
        failures++;
        const retryInMs = retryReadMs(failures, pacing, random());
        emit({ type: "fetchFailed", ...about, error, retryInMs });
        notBeforeMs = clock.monotonicMs() + retryInMs;
        continue;
      }
    }

    const page: RecordsPage = {
      records: output?.records ?? [],
      bytes: output?.bytes ?? 0,
      millisBehindLatest: output?.millisBehindLatest,
      end,
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
    notBeforeMs = nextReadMs(
      { startedMs, records: records.length, bytes, millisBehindLatest, limit: maxRecords },
      pacing,
    );
  }
}

/** The end of the shard with its children; undefined when the shard turns out to be open still. */
async function confirmEnd(
  options: PollingOptions,
  request: RetrievalRequest,
  output: GetRecordsOutput | undefined,
  signal: AbortSignal,
): Promise<{ readonly childShards: readonly ChildShard[] } | undefined> {
  const named = output?.childShards ?? [];
  if (named.length > 0) return { childShards: named };
  for (let attempt = 1;; attempt++) {
    const shards = await options.kinesis.listShards(options.stream, undefined, signal);
    const shard = shards.find((shard) => shard.shardId === request.shardId);
    if (shard !== undefined && isOpen(shard)) return undefined;
    const childShards = childrenOf(request.shardId, shards);
    if (shard === undefined || childShards.length > 0 || attempt >= childChecks.attempts) {
      return { childShards };
    }
    await options.system.clock.sleep(childChecks.intervalMs, signal);
  }
}
