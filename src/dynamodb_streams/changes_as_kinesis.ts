/**
 * The streams of DynamoDB's tables behind the interface of Kinesis, so that leases, workers and commands read
 * them as they read Kinesis.
 *
 * Three things are easy to get wrong. There is no AT_TIMESTAMP: a lease that was made at LATEST is read from
 * the beginning of its shard, and what is older than the lease is passed over. Trimmed changes are refused in
 * other words, which are translated. And the end of a shard names no children: they are asked for.
 *
 * Source: dynamodb-streams-kinesis-adapter 2.3.0, `AmazonDynamoDBStreamsAdapterClient`,
 * `DynamoDBStreamsShardDetector`.
 *
 * @module
 */

import {
  type DynamoDBStreams,
  type GivenEndpoints,
  signedDynamoDBStreams,
  streamsEndpoint,
  type TableStreamPage,
  type TableStreamShard,
  type TableStreamStatus,
} from "../aws/dynamodb_streams.ts";
import { streamArnOf } from "../aws/endpoint.ts";
import type { ServiceOptions } from "../aws/json_call.ts";
import type { IteratorPosition, Kinesis, ShardFilter, StreamReference } from "../aws/kinesis.ts";
import { MALFORMED_ERROR, type RetryPolicy } from "../aws/retry.ts";
import { AwsServiceError, errorText, isAwsError } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import { childrenOf, type ChildShard } from "../stream/shard.ts";
import type { Clock } from "../system.ts";
import { changeRecords } from "./wire_changes.ts";
import { millisBehind, parsePlace, type Place, placeText } from "./place.ts";
import { listedShards, openedMs } from "./shard_listing.ts";

/** What reading the streams of tables needs. */
export interface ChangesServiceOptions extends Omit<ServiceOptions, "endpoint">, GivenEndpoints {
  /** How GetRecords and GetShardIterator are tried again. @default one quick second try after a fault */
  readonly readRetry?: RetryPolicy | undefined;
}

/**
 * Reads the streams of tables as Kinesis is read, over signed HTTP.
 *
 * @throws {TypeError} when the region or the endpoint cannot be one.
 */
export function tableStreamsAsKinesis(options: ChangesServiceOptions): Kinesis {
  const { dynamoDBStreamsEndpoint, dynamoDBEndpoint, kinesisEndpoint, ...service } = options;
  const given = { dynamoDBStreamsEndpoint, dynamoDBEndpoint, kinesisEndpoint };
  const endpoint = streamsEndpoint(service.region, given);
  return changesAsKinesis({
    streams: signedDynamoDBStreams({ ...service, endpoint }),
    region: service.region,
    clock: service.system.clock,
    emit: service.onEvent ?? (() => {}),
  });
}

/** What the translation needs. */
export interface ChangesOptions {
  readonly streams: DynamoDBStreams;
  readonly region: string;
  readonly clock: Clock;
  readonly emit: WorkerEventListener;
}

/** How long changes are kept. Source: the developer guide of DynamoDB. */
const RETENTION_HOURS = 24;

/** How often the children of an ended shard are asked for, and the first pause. Source: the adapter. */
const CHILD_TRIES = 10, CHILD_PAUSE_MS = 50, MAX_CHILD_PAUSE_MS = 1000;

/** The streams of tables as Kinesis. */
export function changesAsKinesis(options: ChangesOptions): Kinesis {
  const { streams, clock, emit } = options;
  const states = new Map<string, TableStreamStatus>();
  const arnOf = ({ streamName }: StreamReference) =>
    streamArnOf({ region: options.region, accountId: "", streamName });
  const notice = (level: "warning" | "error", text: string) =>
    emit({ type: "notice", level, leaseKey: undefined, text });

  /** Says once when a stream is switched off. */
  const look = (streamArn: string, { status }: TableStreamPage) => {
    const before = states.get(streamArn);
    states.set(streamArn, status);
    if (isOff(status) && (before === undefined || !isOff(before))) {
      notice(
        "warning",
        `Stream ${streamArn} is switched off: what it holds is read, and can be read for 24 hours at most`,
      );
    }
  };

  const allShards = async (streamArn: string, signal?: AbortSignal) => {
    const shards: TableStreamShard[] = [];
    let afterShardId: string | undefined;
    for (;;) {
      const page = await streams.describeStream({ streamArn, afterShardId }, signal);
      look(streamArn, page);
      for (const shard of page.shards) shards.push(shard);
      afterShardId = page.lastShardId;
      if (afterShardId === undefined) return { shards, status: page.status };
    }
  };

  const list = async (stream: StreamReference, filter?: ShardFilter, signal?: AbortSignal) => {
    const { shards, status } = await allShards(arnOf(stream), signal);
    return listedShards({ shards, isDisabled: isOff(status), filter });
  };

  /** None, if none is found in some seconds: then a listing decides. */
  const childrenFrom = async (
    stream: StreamReference,
    shardId: string,
    signal?: AbortSignal,
  ): Promise<readonly ChildShard[]> => {
    const streamArn = arnOf(stream);
    for (let attempt = 1, pauseMs = CHILD_PAUSE_MS;; attempt++, pauseMs *= 2) {
      const page = await streams.describeStream({ streamArn, childrenOf: shardId }, signal);
      look(streamArn, page);
      const children = childrenOf(
        shardId,
        listedShards({ shards: page.shards, isDisabled: false, filter: undefined }),
      );
      if (children.length > 0 || attempt >= CHILD_TRIES || isOff(page.status)) return children;
      await clock.sleep(Math.min(pauseMs, MAX_CHILD_PAUSE_MS), signal);
    }
  };

  /** What a refused iterator means. @returns undefined: the shard is over. @throws {AwsServiceError}. */
  const refusedIterator = async (
    { stream, shardId, position, error }: {
      readonly stream: StreamReference;
      readonly shardId: string;
      readonly position: IteratorPosition;
      readonly error: unknown;
    },
    signal?: AbortSignal,
  ): Promise<undefined> => {
    const isAtNumber = "sequenceNumber" in position;
    if (isAwsError(error, "TrimmedDataAccessException")) {
      throw translated(error, "InvalidArgumentException", "the change was trimmed");
    }
    if (isAtNumber && isAwsError(error, "ValidationException") && /sequence ?number/i.test(error.message)) {
      throw translated(error, "InvalidArgumentException", "the number did not come from this stream");
    }
    if (!isAwsError(error, "ResourceNotFoundException")) throw error;
    const shards = await list(stream, undefined, signal);
    if (shards.some((shard) => shard.shardId === shardId)) throw error;
    if (isAtNumber) {
      throw translated(error, "InvalidArgumentException", "the shard is no longer listed: it was trimmed");
    }
    notice(
      "error",
      `Shard ${shardId} of stream ${stream.streamName} is no longer there: a stream keeps its changes for 24 hours. ` +
        "What was not read of it is lost",
    );
  };

  return {
    async describeStreamSummary(stream, signal) {
      const streamArn = arnOf(stream);
      const page = await streams.describeStream({ streamArn, limit: 1 }, signal).catch(async (error) => {
        throw isAwsError(error, "ResourceNotFoundException", "ValidationException")
          ? await noStream(streams, streamArn, error, signal)
          : error;
      });
      look(streamArn, page);
      return {
        streamName: stream.streamName,
        streamArn,
        streamStatus: page.status === "ENABLING" ? "CREATING" : "ACTIVE",
        // The label of a stream is in its name, so that no two have one name. Source: the adapter.
        streamCreationEpochS: 1,
        openShardCount: undefined,
        retentionPeriodHours: RETENTION_HOURS,
      };
    },

    listShards: list,

    async getShardIterator(stream, shardId, position, signal) {
      const sinceMs = position.type === "AT_TIMESTAMP" ? position.timestampMs : undefined;
      const isYounger = sinceMs !== undefined && (openedMs(shardId) ?? -Infinity) >= sinceMs;
      try {
        const iterator = await streams.getShardIterator({
          streamArn: arnOf(stream),
          shardId,
          position: position.type === "AT_TIMESTAMP" ? { type: "TRIM_HORIZON" } : position,
        }, signal);
        if (iterator === undefined) return undefined;
        return placeText({ shardId, iterator, sinceMs: isYounger ? undefined : sinceMs, emptyPages: 0 });
      } catch (error) {
        signal?.throwIfAborted();
        return await refusedIterator({ stream, shardId, position, error }, signal);
      }
    },

    async getRecords(stream, shardIterator, limit, signal) {
      const place = parsePlace(shardIterator);
      if (place === undefined) throw malformed("an iterator that is none of ours");
      const { shardId, sinceMs } = place;
      const page = await streams.getRecords(place.iterator, limit, signal).catch((error) => {
        throw isAwsError(error, "TrimmedDataAccessException")
          ? translated(error, "ExpiredIteratorException", "its changes were trimmed")
          : error;
      });
      const { records, bytes, lastMs } = pageOf(page.records, sinceMs);
      const emptyPages = page.records.length === 0 ? place.emptyPages + 1 : 0;
      const isPassing = sinceMs !== undefined && records.length === 0;
      const next = (iterator: string): Place => ({
        shardId,
        iterator,
        sinceMs: isPassing ? sinceMs : undefined,
        emptyPages,
      });
      const isEnd = page.nextShardIterator === undefined;
      return {
        records,
        bytes,
        nextShardIterator: page.nextShardIterator === undefined
          ? undefined
          : placeText(next(page.nextShardIterator)),
        millisBehindLatest: isEnd ? 0 : millisBehind(lastMs, { emptyPages, nowMs: clock.epochMs() }),
        childShards: isEnd ? await childrenFrom(stream, shardId, signal) : [],
      };
    },
  };
}

/** The changes of a page that count, and the time of the last one that it has. */
function pageOf(wire: Parameters<typeof changeRecords>[0], sinceMs: number | undefined) {
  let read;
  try {
    read = changeRecords(wire);
  } catch (cause) {
    if (cause instanceof SyntaxError) throw malformed(`the answer cannot be read: ${errorText(cause)}`);
    throw cause;
  }
  const lastMs = read.records.at(-1)?.approximateArrivalTimestamp;
  if (sinceMs === undefined) return { ...read, lastMs };
  // Times of changes are rounded down to the second.
  const records = read.records.filter((record) => record.approximateArrivalTimestamp + 999 >= sinceMs);
  const bytes = records.reduce((sum, { data }) => sum + data.length, 0);
  return { records, bytes, lastMs };
}

function isOff(status: TableStreamStatus): boolean {
  return status === "DISABLED" || status === "DISABLING";
}

/** Names the stream that the table has now, if it has one. */
async function noStream(
  streams: DynamoDBStreams,
  streamArn: string,
  cause: unknown,
  signal: AbortSignal | undefined,
): Promise<RangeError> {
  const tableName = /:table\/([^/]+)\//.exec(streamArn)?.[1] ?? "";
  const others = await streams.listStreams(tableName, signal).catch(() => []);
  const [latest] = others.toSorted().reverse();
  const mend = latest === undefined
    ? `switch on the stream of table "${tableName}", and take its LatestStreamArn`
    : `the table has ${latest} now: take that one, or the table's LatestStreamArn`;
  return new RangeError(
    `Cannot read stream ${streamArn}: expected a stream that there is: got none of this ARN (${
      errorText(cause)
    }): ${mend}`,
    { cause },
  );
}

/** The same refusal in the words of Kinesis, which the readers of shards know. */
function translated(error: AwsServiceError, code: string, what: string): AwsServiceError {
  const { service, operation, status, requestId, retryable, body } = error;
  const detail = `${what} (${error.code}: ${error.detail})`;
  return new AwsServiceError({ service, operation, code, status, requestId, retryable, detail, body }, {
    cause: error,
  });
}

function malformed(detail: string): AwsServiceError {
  return new AwsServiceError({
    service: "dynamodb",
    operation: "GetRecords",
    code: MALFORMED_ERROR,
    status: undefined,
    requestId: undefined,
    retryable: true,
    detail,
    body: undefined,
  });
}
