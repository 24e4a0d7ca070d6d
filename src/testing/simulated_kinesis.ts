/**
 * Kinesis, over a simulated stream, as one process reaches it: iterators that expire, pages that come up short or empty,
 * listings that are a little behind, ends that name no children.
 *
 * @module
 */

import type { GetRecordsOutput, IteratorPosition, Kinesis } from "../aws/kinesis.ts";
import { childrenOf, type Shard } from "../stream/shard.ts";
import { type Link, serviceFailure } from "./faults.ts";
import type { SimulatedShard, SimulatedStream } from "./simulated_stream.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** The stream of a world, as a service. */
export class KinesisService {
  readonly #stream: SimulatedStream;
  readonly #time: VirtualTime;
  /** The listing as it was before the last reshard, and since when it is out of date. */
  #former: { readonly shards: readonly Shard[]; readonly sinceMs: number } | undefined;

  constructor(stream: SimulatedStream, time: VirtualTime) {
    this.#stream = stream;
    this.#time = time;
  }

  /** To be called before each reshard, for listings that do not show it yet. */
  aboutToReshard(): void {
    this.#former = { shards: this.#stream.list(), sinceMs: this.#time.nowMs };
  }

  /** Kinesis as one process reaches it. */
  over(link: Link): Kinesis {
    const call = <T>(operation: string, signal: AbortSignal | undefined, serve: () => T) =>
      link.call("kinesis", operation, serve, signal);
    return {
      describeStreamSummary: (_, signal) =>
        call("DescribeStreamSummary", signal, () => ({
          streamName: "words",
          streamArn: undefined,
          streamStatus: "ACTIVE" as const,
          streamCreationEpochS: undefined,
          openShardCount: this.#stream.open.length,
        })),
      listShards: (_, __, signal) => {
        const isBehind = link.happens(0.5);
        return call("ListShards", signal, () => this.#list(isBehind));
      },
      getShardIterator: (_, shardId, position, signal) =>
        call(
          "GetShardIterator",
          signal,
          () => `${shardId}/${placeOf(this.#shard(shardId), position)}/${this.#time.nowMs}`,
        ),
      getRecords: (_, iterator, limit, signal) => {
        const isExpired = link.happens(0.005), isShort = link.happens(0.2), isNameless = link.happens(0.3);
        const atMost = isShort ? link.chance.below(3) : limit;
        return call("GetRecords", signal, () => {
          if (isExpired) throw serviceFailure("kinesis", "GetRecords", "ExpiredIteratorException");
          return this.#read(iterator, atMost, isNameless);
        });
      },
    };
  }

  #list(isBehind: boolean): readonly Shard[] {
    const former = this.#former;
    const mayBeBehind = former !== undefined && this.#time.nowMs - former.sinceMs < 3000;
    return isBehind && mayBeBehind ? former.shards : this.#stream.list();
  }

  #read(iterator: string, limit: number, isNameless: boolean): GetRecordsOutput {
    const [shardId = "", place = "", issuedMs = ""] = iterator.split("/");
    if (this.#time.nowMs - Number(issuedMs) > ITERATOR_LIFE_MS) {
      throw serviceFailure("kinesis", "GetRecords", "ExpiredIteratorException");
    }
    const shard = this.#shard(shardId);
    const start = Number(place);
    const records = shard.records.slice(start, start + limit);
    const next = start + records.length;
    const isAtTip = next >= shard.records.length;
    const isEnd = isAtTip && shard.endingSequenceNumber !== undefined;
    const newest = shard.records.at(-1)?.approximateArrivalTimestamp ?? 0;
    return {
      records,
      bytes: records.reduce((sum, { data }) => sum + data.length, 0),
      nextShardIterator: isEnd ? undefined : `${shardId}/${next}/${this.#time.nowMs}`,
      millisBehindLatest: isAtTip ? 0 : Math.max(1, this.#time.nowMs - newest),
      childShards: isEnd && !isNameless ? childrenOf(shardId, this.#stream.list()) : [],
    };
  }

  #shard(shardId: string): SimulatedShard {
    const shard = this.#stream.shards.get(shardId);
    if (shard === undefined) throw serviceFailure("kinesis", "GetRecords", "ResourceNotFoundException");
    return shard;
  }
}

/** Kinesis API reference, GetShardIterator: 5 minutes. */
const ITERATOR_LIFE_MS = 300_000;

/** Which record an iterator starts with, as an index. */
function placeOf(shard: SimulatedShard, position: IteratorPosition): number {
  const first = (holds: (sequenceNumber: bigint) => boolean) => {
    const index = shard.records.findIndex((record) => holds(BigInt(record.sequenceNumber)));
    return index === -1 ? shard.records.length : index;
  };
  switch (position.type) {
    case "TRIM_HORIZON":
      return 0;
    case "LATEST":
      return shard.records.length;
    case "AT_SEQUENCE_NUMBER":
      return first((sequenceNumber) => sequenceNumber >= BigInt(position.sequenceNumber));
    case "AFTER_SEQUENCE_NUMBER":
      return first((sequenceNumber) => sequenceNumber > BigInt(position.sequenceNumber));
    case "AT_TIMESTAMP": {
      const index = shard.records.findIndex((record) =>
        record.approximateArrivalTimestamp >= position.timestampMs
      );
      return index === -1 ? shard.records.length : index;
    }
  }
}
