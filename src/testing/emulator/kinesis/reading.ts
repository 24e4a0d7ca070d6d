/**
 * Polling: iterators, and what they yield.
 *
 * @module
 */

import type { KinesisRecord } from "../../../stream/record.ts";
import { childrenOf, type ChildShard } from "../../../stream/shard.ts";
import { indexOf, viewOf } from "../../model/shard_view.ts";
import type { SimulatedShard } from "../../model/simulated_stream.ts";
import { ApiError } from "../api_error.ts";
import { wireRange } from "./control.ts";
import { noStream, positionOf, shardIn, tokenOf, tokenParts, usableStreamOf } from "./lookup.ts";
import { ACCOUNT_ID, type Operations } from "../operation.ts";
import type { EmulatedStream, EmulatedStreams } from "./emulated_streams.ts";
import { Timestamp } from "../wire.ts";

/** Kinesis API reference, GetRecords. */
const MAX_RECORDS = 10_000, MAX_BYTES = 10 * 1024 ** 2;

/** What reading takes. */
export interface ReadingOptions {
  readonly streams: EmulatedStreams;
  /** Whether a shard gives but five answers and 2 MiB a second. */
  readonly isReadLimited: boolean;
  readonly iteratorLifeMs: number;
}

/** The operations, over some streams. */
export function readingOperations({ streams, isReadLimited, iteratorLifeMs }: ReadingOptions): Operations {
  const { timeline } = streams.settings;

  const iteratorOf = (stream: EmulatedStream, shard: SimulatedShard, index: number) =>
    tokenOf("iterator", [stream.name, stream.createdMs, shard.shardId, index, timeline.nowMs]);

  /** Where an iterator leads. */
  const placeOf = (iterator: string) => {
    const parts = tokenParts("iterator", iterator);
    if (parts === undefined) throw new ApiError("InvalidArgumentException", "Invalid ShardIterator.");
    const [name, createdMs, shardId, index, issuedMs] = parts;
    const stream = streams.find(`${name}`);
    if (stream === undefined || stream.createdMs !== createdMs || stream.life.status === "DELETING") {
      return noStream(`${name}`);
    }
    const ageMs = timeline.nowMs - Number(issuedMs);
    if (ageMs > iteratorLifeMs) {
      throw new ApiError(
        "ExpiredIteratorException",
        `Iterator expired. The iterator was created ${ageMs} ms ago, which is more than ${iteratorLifeMs} ms.`,
      );
    }
    return { stream, shard: shardIn(stream, `${shardId}`), index: Number(index) };
  };

  const checkRate = (stream: EmulatedStream, shard: SimulatedShard) => {
    const { reads, readBytes } = stream.limitsOf(shard);
    const { nowMs } = timeline;
    if (readBytes.left(nowMs) > 0 && reads.take(nowMs)) return;
    throw new ApiError(
      "ProvisionedThroughputExceededException",
      `Rate exceeded for shard ${shard.shardId} in stream ${stream.name} under account ${ACCOUNT_ID}.`,
    );
  };

  return {
    GetShardIterator({ input }) {
      const stream = usableStreamOf(streams, input);
      stream.expire();
      const shard = shardIn(stream, input.requiredText("ShardId"));
      const position = positionOf({
        stream,
        shard,
        type: input.requiredText("ShardIteratorType"),
        sequenceNumber: input.text("StartingSequenceNumber"),
        timestampMs: input.timeMs("Timestamp"),
        nowMs: timeline.nowMs,
      });
      return { ShardIterator: iteratorOf(stream, shard, indexOf(shard, position)) };
    },

    GetRecords({ input, fault }) {
      const limit = input.integer("Limit", 1, MAX_RECORDS) ?? MAX_RECORDS;
      const { stream, shard, index } = placeOf(input.requiredText("ShardIterator"));
      stream.expire();
      const { nowMs } = timeline;
      if (isReadLimited) checkRate(stream, shard);
      const view = viewOf(shard, index, { limit, nowMs, maxBytes: MAX_BYTES });
      stream.limitsOf(shard).readBytes.spend(view.bytes, nowMs);
      const children = fault?.type === "noChildren" ? [] : childrenOf(shard.shardId, stream.model.list());
      return {
        Records: view.records.map(wireRecord),
        MillisBehindLatest: view.millisBehindLatest,
        ...(view.isEnd
          ? { ChildShards: children.map(wireChild) }
          : { NextShardIterator: iteratorOf(stream, shard, view.next) }),
      };
    },
  };
}

/** A record as it is sent. */
export function wireRecord(record: KinesisRecord): Readonly<Record<string, unknown>> {
  return {
    SequenceNumber: record.sequenceNumber,
    ApproximateArrivalTimestamp: new Timestamp(record.approximateArrivalTimestamp),
    Data: record.data,
    PartitionKey: record.partitionKey,
    EncryptionType: record.encryptionType ?? "NONE",
  };
}

/** A child shard as it is sent. */
export function wireChild(child: ChildShard): Readonly<Record<string, unknown>> {
  return {
    ShardId: child.shardId,
    ParentShards: child.parentShards,
    HashKeyRange: wireRange(child.hashKeyRange),
  };
}
