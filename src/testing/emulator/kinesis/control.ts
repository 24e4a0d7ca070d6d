/**
 * Streams and their shards as Kinesis lists and describes them, and what changes a stream as a whole.
 *
 * @module
 */

import type { ShardFilter } from "../../../aws/kinesis.ts";
import type { Shard } from "../../../stream/shard.ts";
import { passesFilter } from "../../model/shard_view.ts";
import { WORLD_EPOCH_MS } from "../../model/simulated_stream.ts";
import { ApiError, constraintError } from "../api_error.ts";
import type { Input } from "../input.ts";
import { consumersOf, streamOf, tokenOf, tokenParts, usableStreamOf } from "./lookup.ts";
import { maxRecordBytesIn } from "./stream_changes.ts";
import type { EmulatedStream, EmulatedStreams } from "./emulated_streams.ts";
import { setTags, tagsIn } from "./tags.ts";
import type { Operations } from "../operation.ts";
import { Timestamp } from "../wire.ts";

/** Kinesis API reference, ListShards: the most of one page, and how long a token lives. */
const MAX_SHARDS = 1000, TOKEN_LIFE_MS = 300_000;

/** The operations, over some streams. */
export function controlOperations(streams: EmulatedStreams): Operations {
  const { timeline } = streams.settings;

  const shardsOf = (stream: EmulatedStream): readonly Shard[] => {
    stream.expire();
    return stream.life.status === "CREATING" ? [] : stream.model.list();
  };

  return {
    CreateStream({ input }) {
      const mode = input.map("StreamModeDetails")?.text("StreamMode") ?? "PROVISIONED";
      const count = input.integer("ShardCount", 1, 500);
      if (mode === "PROVISIONED" && count === undefined) {
        throw new ApiError("InvalidArgumentException", "ShardCount is required for PROVISIONED streams.");
      }
      const maxRecordBytes = maxRecordBytesIn(input);
      const tags = tagsIn(input);
      const stream = streams.create(checkedName(input.requiredText("StreamName")), count ?? 4, false);
      if (mode === "ON_DEMAND") stream.mode = mode;
      stream.maxRecordBytes = maxRecordBytes ?? stream.maxRecordBytes;
      setTags(stream, tags);
    },

    DeleteStream({ input }) {
      const stream = streamOf(streams, input);
      if (consumersOf(stream).length > 0 && input.boolean("EnforceConsumerDeletion") !== true) {
        throw new ApiError(
          "ResourceInUseException",
          `Stream ${stream.name} has consumers: set EnforceConsumerDeletion`,
        );
      }
      stream.life.change("DELETING");
    },

    DescribeStream({ input }) {
      const stream = streamOf(streams, input);
      const limit = input.integer("Limit", 1, 10_000) ?? 100;
      const after = input.text("ExclusiveStartShardId") ?? "";
      const rest = shardsOf(stream).filter(({ shardId }) => shardId > after);
      return {
        StreamDescription: {
          ...commonDescription(stream),
          Shards: rest.slice(0, limit).map(wireShard),
          HasMoreShards: rest.length > limit,
        },
      };
    },

    DescribeStreamSummary({ input }) {
      const stream = streamOf(streams, input);
      return {
        StreamDescriptionSummary: {
          ...commonDescription(stream),
          OpenShardCount: shardsOf(stream).filter((shard) => shard.endingSequenceNumber === undefined).length,
          ConsumerCount: consumersOf(stream).length,
          MaxRecordSizeInKiB: stream.maxRecordBytes / 1024,
        },
      };
    },

    ListStreams({ input }) {
      const limit = input.integer("Limit", 1, 10_000) ?? 100;
      const after = input.text("NextToken") ?? input.text("ExclusiveStartStreamName") ?? "";
      const rest = streams.all().filter(({ name }) => name > after);
      const page = rest.slice(0, limit);
      const hasMore = rest.length > limit;
      return {
        StreamNames: page.map(({ name }) => name),
        StreamSummaries: page.map((stream) => ({
          StreamName: stream.name,
          StreamARN: stream.arn,
          StreamStatus: stream.life.status,
          StreamModeDetails: { StreamMode: stream.mode },
          StreamCreationTimestamp: new Timestamp(stream.createdMs),
        })),
        HasMoreStreams: hasMore,
        ...(hasMore ? { NextToken: page.at(-1)?.name } : {}),
      };
    },

    ListShards({ input }) {
      const from = input.has("NextToken") ? followUp(streams, input) : firstPage(streams, input);
      const { stream, filter, after, limit } = from;
      const { status } = stream.life;
      if (status === "CREATING" || status === "DELETING") {
        throw new ApiError("ResourceInUseException", `Stream ${stream.name} is ${status}, expected ACTIVE.`);
      }
      const rest = shardsOf(stream).filter(({ shardId }) =>
        shardId > after && (filter === undefined || passesFilter(stream.model, shardId, filter))
      );
      const page = rest.slice(0, limit);
      const parts = [
        stream.name,
        stream.createdMs,
        JSON.stringify(filter ?? null),
        page.at(-1)?.shardId ?? "",
      ];
      return {
        Shards: page.map(wireShard),
        ...(rest.length > limit ? { NextToken: tokenOf("shards", [...parts, timeline.nowMs]) } : {}),
      };
    },

    IncreaseStreamRetentionPeriod: ({ input }) => setRetention(streams, input, (from, to) => to >= from),
    DecreaseStreamRetentionPeriod: ({ input }) => setRetention(streams, input, (from, to) => to <= from),
  };

  function followUp(streams: EmulatedStreams, input: Input): ShardsQuery {
    for (const name of ["StreamName", "ExclusiveStartShardId", "ShardFilter", "StreamCreationTimestamp"]) {
      if (!input.has(name)) continue;
      throw new ApiError("InvalidArgumentException", `NextToken and ${name} cannot be provided together.`);
    }
    const parts = tokenParts("shards", input.requiredText("NextToken")) ?? [];
    const [name, createdMs, filterText, after, issuedMs] = parts;
    const stream = streams.find(`${name}`);
    if (stream === undefined || stream.createdMs !== createdMs) {
      throw new ApiError("InvalidArgumentException", "NextToken is invalid.");
    }
    if (timeline.nowMs - Number(issuedMs) > TOKEN_LIFE_MS) {
      throw new ApiError("ExpiredNextTokenException", "NextToken has expired.");
    }
    return {
      stream,
      filter: JSON.parse(`${filterText}`) ?? undefined,
      after: `${after}`,
      limit: input.integer("MaxResults", 1, 10_000) ?? MAX_SHARDS,
    };
  }
}

/** What to list. */
interface ShardsQuery {
  readonly stream: EmulatedStream;
  readonly filter: ShardFilter | undefined;
  /** Only shards with ids beyond. */
  readonly after: string;
  readonly limit: number;
}

function firstPage(streams: EmulatedStreams, input: Input): ShardsQuery {
  const filter = input.map("ShardFilter");
  const stream = streamOf(streams, input);
  return {
    stream,
    filter: filter === undefined ? undefined : correctedFilter(shardFilter(filter), stream),
    after: input.text("ExclusiveStartShardId") ??
      (filter?.text("Type") === "AFTER_SHARD_ID" ? filter.requiredText("ShardId") : ""),
    limit: input.integer("MaxResults", 1, 10_000) ?? MAX_SHARDS,
  };
}

function shardFilter(input: Input): ShardFilter | undefined {
  const type = input.requiredText("Type");
  switch (type) {
    case "AT_LATEST":
    case "AT_TRIM_HORIZON":
    case "FROM_TRIM_HORIZON":
      return { type };
    case "AT_TIMESTAMP":
    case "FROM_TIMESTAMP": {
      const timestampMs = input.timeMs("Timestamp");
      if (timestampMs !== undefined) return { type, timestampMs };
      throw new ApiError(
        "InvalidArgumentException",
        `Timestamp must be specified with shard filter ${type}.`,
      );
    }
    case "AFTER_SHARD_ID":
      return undefined;
    default:
      throw constraintError(type, "shardFilter.type", "Member must satisfy enum value set");
  }
}

/**
 * A time before the oldest record means the oldest record. AWS's documentation says so of FROM_TIMESTAMP.
 * With an empty list instead, no application could start from the day before the stream was made.
 */
function correctedFilter(
  filter: ShardFilter | undefined,
  { model }: EmulatedStream,
): ShardFilter | undefined {
  if (filter?.type !== "AT_TIMESTAMP") return filter;
  const oldestMs = Math.min(
    ...[...model.shards.values()].map((shard) => shard.isGone ? Infinity : shard.openedMs),
  );
  return filter.timestampMs < WORLD_EPOCH_MS + oldestMs ? { type: "AT_TRIM_HORIZON" } : filter;
}

function setRetention(
  streams: EmulatedStreams,
  input: Input,
  isRight: (from: number, to: number) => boolean,
): void {
  const stream = usableStreamOf(streams, input);
  const hours = input.integer("RetentionPeriodHours", 24, 8760) ?? 24;
  if (!isRight(stream.retentionHours, hours)) {
    throw new ApiError(
      "InvalidArgumentException",
      `Requested retention period (${hours} hours) is on the wrong side of ${stream.retentionHours} hours.`,
    );
  }
  stream.retentionHours = hours;
}

function checkedName(name: string): string {
  if (/^[\w.-]{1,128}$/.test(name)) return name;
  throw constraintError(
    name,
    "streamName",
    "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
  );
}

function commonDescription(stream: EmulatedStream): Readonly<Record<string, unknown>> {
  return {
    StreamName: stream.name,
    StreamARN: stream.arn,
    StreamStatus: stream.life.status,
    StreamModeDetails: { StreamMode: stream.mode },
    RetentionPeriodHours: stream.retentionHours,
    StreamCreationTimestamp: new Timestamp(stream.createdMs),
    EnhancedMonitoring: [{ ShardLevelMetrics: stream.shardLevelMetrics }],
    EncryptionType: stream.encryptionType,
    KeyId: stream.encryptionKeyId,
  };
}

/** What is undefined is left out. */
function wireShard(shard: Shard): Readonly<Record<string, unknown>> {
  return {
    ShardId: shard.shardId,
    ParentShardId: shard.parentShardId,
    AdjacentParentShardId: shard.adjacentParentShardId,
    HashKeyRange: wireRange(shard.hashKeyRange),
    SequenceNumberRange: {
      StartingSequenceNumber: shard.startingSequenceNumber,
      EndingSequenceNumber: shard.endingSequenceNumber,
    },
  };
}

/** A range of hash keys as it is sent. */
export function wireRange(range: Shard["hashKeyRange"]): Readonly<Record<string, unknown>> {
  return { StartingHashKey: range.startingHashKey, EndingHashKey: range.endingHashKey };
}
