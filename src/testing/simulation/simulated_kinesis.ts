/**
 * Kinesis, over a simulated stream, as one process reaches it. Iterators expire, pages are short, and
 * hundreds of empty ones come in a row. Listings are a little behind, and ends name no children. The
 * service's own limits apply.
 *
 * @module
 */

import type { IteratorPosition, Kinesis, ShardFilter } from "../../aws/kinesis.ts";
import type { GetRecordsOutput } from "../../aws/kinesis_wire.ts";
import { childrenOf, type Shard } from "../../stream/shard.ts";
import { type Link, serviceFailure } from "./faults.ts";
import type { ReadingRules } from "./reading_rules.ts";
import { CREATION_EPOCH_S, simulatedArn } from "../model/simulated_account.ts";
import { CallRate, ITERATOR_LIFE_MS, READS_PER_SECOND } from "../model/service_limits.ts";
import { indexOf, passesFilter, viewOf } from "../model/shard_view.ts";
import { type SimulatedShard, type SimulatedStream, WORLD_EPOCH_MS } from "../model/simulated_stream.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** What the service is made of. */
export interface KinesisServiceOptions {
  readonly stream: SimulatedStream;
  readonly time: VirtualTime;
  readonly rules: ReadingRules;
  /** Whether ListShards knows filters; some emulators do not. */
  readonly knowsFilters: boolean;
}

/** The stream of a world, as a service. */
export class KinesisService {
  readonly stream: SimulatedStream;
  readonly time: VirtualTime;
  readonly rules: ReadingRules;
  readonly #options: KinesisServiceOptions;
  /** The listing as it was before the last reshard, and since when it is out of date. */
  #former: { readonly shards: readonly Shard[]; readonly sinceMs: number } | undefined;
  /** The calls that read each shard. */
  readonly #reads = new Map<string, CallRate>();
  /** Iterators of which every answer is malformed. */
  readonly #badIterators = new Set<string>();
  /** Until when iterators are refused, by shard. */
  readonly #refusals = new Map<string, number>();
  /** How many empty pages lie ahead, by shard. */
  readonly #deserts = new Map<string, number>();

  constructor(options: KinesisServiceOptions) {
    this.#options = options;
    this.stream = options.stream;
    this.time = options.time;
    this.rules = options.rules;
  }

  /** To be called before each reshard, for listings that do not show it yet. */
  aboutToReshard(): void {
    this.#former = { shards: this.stream.list(), sinceMs: this.time.nowMs };
  }

  /** Kinesis as one process reaches it. */
  over(link: Link): Kinesis {
    const { rules } = this;
    const machine = link.machine.name;
    const call = <T>(operation: string, signal: AbortSignal | undefined, serve: () => T) =>
      link.call("kinesis", operation, serve, signal);
    return {
      describeStreamSummary: (_, signal) =>
        call("DescribeStreamSummary", signal, () => ({
          streamName: this.stream.streamName,
          streamArn: simulatedArn(this.stream.streamName),
          streamStatus: "ACTIVE" as const,
          streamCreationEpochS: CREATION_EPOCH_S,
          openShardCount: this.stream.open.length,
        })),
      listShards: (_, filter, signal) => {
        const isBehind = link.happens("kinesis", 0.5);
        return call("ListShards", signal, () => {
          if (!link.isListingRefused) return this.#list(isBehind, filter);
          throw serviceFailure("kinesis", "ListShards", "AccessDeniedException", false);
        });
      },
      getShardIterator: (_, shardId, position, signal) => {
        rules.opened(machine, this.stream.keyOf(shardId), position);
        return call(
          "GetShardIterator",
          signal,
          () => `${shardId}/${this.indexOf(position, shardId)}/${this.time.nowMs}`,
        );
      },
      getRecords: async (_, iterator, limit, signal) => {
        const [shardId = ""] = iterator.split("/");
        rules.read(machine, this.stream.keyOf(shardId));
        const isExpired = link.happens("kinesis", 0.005);
        const isNameless = link.happens("kinesis", 0.3);
        const failure = this.#failureOf(link, shardId, iterator);
        const most = this.#mostRecords(link, shardId, limit);
        const output = await call("GetRecords", signal, () => {
          if (isExpired) throw serviceFailure("kinesis", "GetRecords", "ExpiredIteratorException");
          if (failure === "InvalidArgumentException") rules.refused(machine, this.stream.keyOf(shardId));
          if (failure !== undefined) throw serviceFailure("kinesis", "GetRecords", failure);
          return this.#read(iterator, most, isNameless);
        });
        rules.fetched(machine, this.stream.keyOf(shardId), output);
        return output;
      },
    };
  }

  /** Where a position lies in a shard. @throws ResourceNotFoundException, InvalidArgumentException. */
  indexOf(position: IteratorPosition, shardId: string): number {
    const shard = this.shard(shardId);
    const isToCome = position.type === "AT_TIMESTAMP" &&
      position.timestampMs > WORLD_EPOCH_MS + this.time.nowMs;
    const isNone = "sequenceNumber" in position && !/^\d+$/.test(position.sequenceNumber);
    if (isToCome || isNone) throw serviceFailure("kinesis", "GetShardIterator", "InvalidArgumentException");
    return indexOf(shard, position);
  }

  /** @throws ResourceNotFoundException. */
  shard(shardId: string): SimulatedShard {
    const shard = this.stream.shards.get(shardId);
    if (shard === undefined || shard.isGone) {
      throw serviceFailure("kinesis", "GetRecords", "ResourceNotFoundException");
    }
    return shard;
  }

  #list(isBehind: boolean, filter: ShardFilter | undefined): readonly Shard[] {
    const former = this.#former;
    const mayBeBehind = former !== undefined && this.time.nowMs - former.sinceMs < 3000;
    const shards = isBehind && mayBeBehind ? former.shards : this.stream.list();
    if (filter === undefined || !this.#options.knowsFilters) return shards;
    return shards.filter(({ shardId }) => passesFilter(this.stream, shardId, filter));
  }

  /**
   * Some iterators never bring an answer that can be read, and some shards refuse all of theirs for a while.
   */
  #failureOf(link: Link, shardId: string, iterator: string): string | undefined {
    const { nowMs } = this.time;
    if (link.happens("answers", 0.002)) this.#badIterators.add(iterator);
    if (link.happens("answers", 0.0005)) {
      this.#refusals.set(shardId, nowMs + link.chance.between(1000, 60_000));
    }
    if (this.#badIterators.has(iterator)) return "MalformedResponse";
    return link.happens("answers", 1) && nowMs < (this.#refusals.get(shardId) ?? 0)
      ? "InvalidArgumentException"
      : undefined;
  }

  /** A sparse shard gives hundreds of empty pages, a busy one short pages at times. */
  #mostRecords(link: Link, shardId: string, limit: number): number {
    const desert = link.happens("kinesis", 0.001) ? link.chance.below(300) : this.#deserts.get(shardId) ?? 0;
    if (desert > 0 && link.happens("kinesis", 1)) {
      this.#deserts.set(shardId, desert - 1);
      return 0;
    }
    this.#deserts.delete(shardId);
    return link.happens("kinesis", 0.2) ? Math.min(limit, link.chance.below(3)) : limit;
  }

  #read(iterator: string, limit: number, isNameless: boolean): GetRecordsOutput {
    const [shardId = "", index = "", issuedMs = ""] = iterator.split("/");
    const { nowMs } = this.time;
    if (nowMs - Number(issuedMs) > ITERATOR_LIFE_MS) {
      throw serviceFailure("kinesis", "GetRecords", "ExpiredIteratorException");
    }
    const shard = this.shard(shardId);
    let reads = this.#reads.get(shardId);
    if (reads === undefined) this.#reads.set(shardId, reads = new CallRate(READS_PER_SECOND));
    if (!reads.take(nowMs)) {
      throw serviceFailure("kinesis", "GetRecords", "ProvisionedThroughputExceededException");
    }
    const { records, bytes, next, millisBehindLatest, isEnd } = viewOf(shard, Number(index), {
      limit,
      nowMs,
    });
    return {
      records,
      bytes,
      nextShardIterator: isEnd ? undefined : `${shardId}/${next}/${nowMs}`,
      millisBehindLatest,
      childShards: isEnd && !isNameless ? childrenOf(shardId, this.stream.list()) : [],
    };
  }
}
