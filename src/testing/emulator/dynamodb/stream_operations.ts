/**
 * The operations of DynamoDB Streams: streams and shards listed, iterators, and what they yield.
 *
 * Source: the API reference of DynamoDB Streams.
 *
 * @module
 */

import { ApiError, constraintError, invalid } from "../api_error.ts";
import type { Input } from "../input.ts";
import type { Operations } from "../operation.ts";
import { Timestamp } from "../wire.ts";
import type { StoredChange, TableStream, TableStreamShard } from "./table_stream.ts";
import type { EmulatedTables } from "./tables.ts";

/** Source: the API reference of DynamoDB Streams: of one answer. */
const MAX_RECORDS = 1000, MAX_BYTES = 1024 ** 2, MAX_SHARDS = 100;

/** How long an iterator can be used, in ms. Source: the same, GetShardIterator. */
const ITERATOR_LIFE_MS = 900_000;

/** The operations, over the streams of some tables. */
export function streamOperations(
  tables: EmulatedTables,
  iteratorLifeMs: number = ITERATOR_LIFE_MS,
): Operations {
  const { timeline, region } = tables.settings;

  const streamOf = (arn: string): TableStream => {
    const stream = tables.streams().find((one) => one.arn === arn);
    if (stream !== undefined) return stream;
    throw new ApiError(
      "ResourceNotFoundException",
      `Requested resource not found: Stream: ${arn} not found`,
    );
  };
  const shardOf = (stream: TableStream, shardId: string): TableStreamShard => {
    const shard = stream.find(shardId);
    if (shard !== undefined) return shard;
    throw new ApiError(
      "ResourceNotFoundException",
      `Requested resource not found: Shard: ${shardId} in Stream: ${stream.arn} not found`,
    );
  };
  const iteratorOf = (stream: TableStream, shard: TableStreamShard, after: string) =>
    `${stream.arn}|1|${tokenOf([stream.arn, shard.shardId, after, timeline.nowMs])}`;

  return {
    ListStreams({ input }) {
      const limit = input.integer("Limit", 1, 100) ?? 100;
      const name = input.text("TableName"), after = input.text("ExclusiveStartStreamArn") ?? "";
      const all = tables.streams().filter(({ tableName }) => name === undefined || tableName === name)
        .filter(({ arn }) => arn > after).toSorted((a, b) => a.arn < b.arn ? -1 : 1);
      const page = all.slice(0, limit);
      return {
        Streams: page.map(({ arn, tableName, label }) => ({
          StreamArn: arn,
          TableName: tableName,
          StreamLabel: label,
        })),
        ...(all.length > limit ? { LastEvaluatedStreamArn: page.at(-1)?.arn } : {}),
      };
    },

    DescribeStream({ input }) {
      const stream = streamOf(arnIn(input));
      const limit = input.integer("Limit", 1, MAX_SHARDS) ?? MAX_SHARDS;
      const after = input.text("ExclusiveStartShardId");
      const all = filtered(stream, input);
      const start = after === undefined ? 0 : all.findIndex(({ shardId }) => shardId === after) + 1;
      const page = all.slice(start, start + limit);
      const hasMore = start + limit < all.length;
      return {
        StreamDescription: {
          StreamArn: stream.arn,
          StreamLabel: stream.label,
          StreamStatus: stream.status,
          StreamViewType: stream.viewType,
          CreationRequestDateTime: new Timestamp(stream.createdEpochMs),
          TableName: stream.tableName,
          KeySchema: stream.keySchema,
          Shards: page.map(wireShard),
          ...(hasMore ? { LastEvaluatedShardId: page.at(-1)?.shardId } : {}),
        },
      };
    },

    GetShardIterator({ input }) {
      const stream = streamOf(arnIn(input));
      const shard = shardOf(stream, input.requiredText("ShardId"));
      return { ShardIterator: iteratorOf(stream, shard, startOf(shard, input)) };
    },

    GetRecords({ input }) {
      const limit = input.integer("Limit", 1, MAX_RECORDS) ?? MAX_RECORDS;
      const given = input.requiredText("ShardIterator");
      const parts = tokenParts(given.slice(given.lastIndexOf("|") + 1));
      if (parts === undefined) throw invalid("Invalid ShardIterator");
      const [arn, shardId, after, issuedMs] = parts;
      if (timeline.nowMs - Number(issuedMs) > iteratorLifeMs) {
        throw new ApiError(
          "ExpiredIteratorException",
          "The provided iterator exceeds the maximum age allowed",
        );
      }
      const stream = streamOf(`${arn}`);
      const shard = shardOf(stream, `${shardId}`);
      checkKept(shard, `${after}`);
      const rest = shard.records.filter(({ sequenceNumber }) => isAfter(sequenceNumber, `${after}`));
      const records: StoredChange[] = [];
      let bytes = 0;
      for (const record of rest.slice(0, limit)) {
        bytes += record.bytes;
        if (bytes > MAX_BYTES && records.length > 0) break;
        records.push(record);
      }
      const isEnd = shard.endingSequenceNumber !== undefined && records.length === rest.length;
      return {
        Records: records.map((record) => wireRecord(record, stream, region)),
        ...(isEnd
          ? {}
          : { NextShardIterator: iteratorOf(stream, shard, records.at(-1)?.sequenceNumber ?? `${after}`) }),
      };
    },
  };
}

function arnIn(input: Input): string {
  const arn = input.requiredText("StreamArn");
  if (/^arn:aws[^:]*:dynamodb:[^:]+:\d{12}:table\/[^/]+\/stream\/.+$/.test(arn)) return arn;
  throw invalid(`Invalid StreamArn: ${arn}`);
}

function filtered(stream: TableStream, input: Input): readonly TableStreamShard[] {
  const filter = input.map("ShardFilter");
  if (filter === undefined) return stream.shards();
  const type = filter.requiredText("Type");
  if (type !== "CHILD_SHARDS") {
    throw constraintError(type, "shardFilter.type", "Member must satisfy enum value set: [CHILD_SHARDS]");
  }
  const parent = filter.requiredText("ShardId");
  return stream.shards().filter(({ parentShardId }) => parentShardId === parent);
}

/** The number after which reading begins. */
function startOf(shard: TableStreamShard, input: Input): string {
  const type = input.requiredText("ShardIteratorType");
  if (type === "TRIM_HORIZON") return shard.trimmedTo ?? shard.startingSequenceNumber;
  if (type === "LATEST") {
    return shard.records.at(-1)?.sequenceNumber ?? shard.trimmedTo ?? shard.startingSequenceNumber;
  }
  if (type !== "AT_SEQUENCE_NUMBER" && type !== "AFTER_SEQUENCE_NUMBER") {
    throw constraintError(
      type,
      "shardIteratorType",
      "Member must satisfy enum value set: [LATEST, AFTER_SEQUENCE_NUMBER, AT_SEQUENCE_NUMBER, TRIM_HORIZON]",
    );
  }
  const number = input.requiredText("SequenceNumber");
  const { startingSequenceNumber: first, endingSequenceNumber: last } = shard;
  if (
    !/^\d{21,40}$/.test(number) || isAfter(first, number) || (last !== undefined && isAfter(number, last))
  ) {
    throw invalid(`Invalid SequenceNumber: ${number} is not in the range of shard ${shard.shardId}`);
  }
  const after = type === "AFTER_SEQUENCE_NUMBER" ? number : `${BigInt(number) - 1n}`;
  checkKept(shard, after);
  return after;
}

/** @throws {ApiError} when there were records after this number that are no longer kept. */
function checkKept({ trimmedTo, startingSequenceNumber }: TableStreamShard, after: string): void {
  if (trimmedTo === undefined || !isAfter(trimmedTo, after)) return;
  throw new ApiError(
    "TrimmedDataAccessException",
    `The operation attempted to read past the oldest stream record in a shard: ${after} in the shard that began at ${startingSequenceNumber}`,
  );
}

function isAfter(number: string, other: string): boolean {
  return BigInt(number) > BigInt(other);
}

function wireShard(shard: TableStreamShard): Readonly<Record<string, unknown>> {
  const { shardId, parentShardId, startingSequenceNumber, endingSequenceNumber } = shard;
  return {
    ShardId: shardId,
    ...(parentShardId === undefined ? {} : { ParentShardId: parentShardId }),
    SequenceNumberRange: {
      StartingSequenceNumber: startingSequenceNumber,
      ...(endingSequenceNumber === undefined ? {} : { EndingSequenceNumber: endingSequenceNumber }),
    },
  };
}

function wireRecord(
  record: StoredChange,
  stream: TableStream,
  region: string,
): Readonly<Record<string, unknown>> {
  const { eventID, eventName, sequenceNumber, epochMs, keys, newImage, oldImage, bytes, isExpiry } = record;
  return {
    eventID,
    eventName,
    eventVersion: "1.1",
    eventSource: "aws:dynamodb",
    awsRegion: region,
    dynamodb: {
      // Rounded down to the second, as AWS gives it.
      ApproximateCreationDateTime: new Timestamp(Math.floor(epochMs / 1000) * 1000),
      Keys: keys,
      ...(newImage === undefined ? {} : { NewImage: newImage }),
      ...(oldImage === undefined ? {} : { OldImage: oldImage }),
      SequenceNumber: sequenceNumber,
      SizeBytes: bytes,
      StreamViewType: stream.viewType,
    },
    ...(isExpiry ? { userIdentity: { PrincipalId: "dynamodb.amazonaws.com", Type: "Service" } } : {}),
  };
}

function tokenOf(parts: readonly (string | number)[]): string {
  return btoa(JSON.stringify(parts));
}

/** What an iterator holds; undefined when it is none of ours. */
function tokenParts(token: string): readonly (string | number)[] | undefined {
  try {
    const parts: unknown = JSON.parse(atob(token));
    return Array.isArray(parts) && parts.length === 4 ? parts : undefined;
  } catch {
    return undefined;
  }
}
