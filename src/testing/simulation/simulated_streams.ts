/**
 * The streams of a world, one or many, and what they are as a service: each call goes to the stream that it
 * names.
 *
 * Of many streams several have a shard of each id, as on AWS; so the rules go by lease keys.
 *
 * @module
 */

import { parseStreamArn } from "../../aws/endpoint.ts";
import type { Kinesis, StreamReference } from "../../aws/kinesis.ts";
import type { KinesisConsumers } from "../../aws/kinesis_consumers.ts";
import type { Chance } from "../model/chance.ts";
import type { Link } from "./faults.ts";
import type { ReadingRules } from "./reading_rules.ts";
import { ConsumersService } from "./simulated_consumers.ts";
import { KinesisService } from "./simulated_kinesis.ts";
import { simulatedIdentifier } from "../model/simulated_account.ts";
import { type SimulatedShard, SimulatedStream } from "../model/simulated_stream.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** What streams are made of. */
export interface SimulatedStreamsOptions {
  readonly chance: Chance;
  /** 1 is a stream of its own; of more, each has an identifier. */
  readonly count: number;
  readonly shardCount: number;
  readonly payload: (key: string, step: number) => Uint8Array;
}

/** Makes the streams of a world. */
export function simulatedStreams(options: SimulatedStreamsOptions): SimulatedStreams {
  const { chance, count, shardCount, payload } = options;
  if (count === 1) {
    return new SimulatedStreams([
      new SimulatedStream({ chance: chance.fork("stream"), shardCount, payload }),
    ]);
  }
  return new SimulatedStreams(Array.from({ length: count }, (_, index) => {
    const streamName = `stream-${index + 1}`;
    return new SimulatedStream({
      chance: chance.fork(streamName),
      streamName,
      streamIdentifier: simulatedIdentifier(streamName),
      shardCount,
      payload,
    });
  }));
}

/** Finds shards, whatever their stream. */
export class SimulatedStreams {
  readonly all: readonly SimulatedStream[];

  constructor(all: readonly SimulatedStream[]) {
    this.all = all;
  }

  get shards(): readonly SimulatedShard[] {
    return this.all.flatMap((stream) => [...stream.shards.values()]);
  }

  /** User records put up to now. */
  get total(): number {
    return this.all.reduce((sum, { total }) => sum + total, 0);
  }

  /** By its lease key. */
  shardOf(leaseKey: string): SimulatedShard | undefined {
    const shardId = leaseKey.slice(leaseKey.lastIndexOf(":") + 1);
    return this.all.map(({ shards }) => shards.get(shardId)).find((shard) => shard?.leaseKey === leaseKey);
  }
}

/** What the service is made of. */
export interface StreamsServiceOptions {
  readonly streams: SimulatedStreams;
  readonly time: VirtualTime;
  readonly rules: ReadingRules;
  /** Whether ListShards knows filters; some emulators do not. */
  readonly knowsFilters: boolean;
}

/** All streams of a world, as a service. */
export class StreamsService {
  readonly #services: ReadonlyMap<
    string,
    { readonly kinesis: KinesisService; readonly consumers: ConsumersService }
  >;

  constructor({ streams, ...shared }: StreamsServiceOptions) {
    this.#services = new Map(streams.all.map((stream) => {
      const kinesis = new KinesisService({ ...shared, stream });
      return [stream.streamName, { kinesis, consumers: new ConsumersService(kinesis) }];
    }));
  }

  /** To be called before each reshard, for listings that do not show it yet. */
  aboutToReshard({ streamName }: SimulatedStream): void {
    this.#service(streamName).kinesis.aboutToReshard();
  }

  /** Kinesis as one process reaches it. */
  over(link: Link): Kinesis {
    const of = (stream: StreamReference) => this.#service(stream.streamName).kinesis.over(link);
    return {
      describeStreamSummary: (stream, signal) => of(stream).describeStreamSummary(stream, signal),
      listShards: (stream, filter, signal) => of(stream).listShards(stream, filter, signal),
      getShardIterator: (stream, ...rest) => of(stream).getShardIterator(stream, ...rest),
      getRecords: (stream, ...rest) => of(stream).getRecords(stream, ...rest),
    };
  }

  /** Fan-out as one process reaches it. */
  consumersOver(link: Link): KinesisConsumers {
    const of = (arn: string) => this.#service(parseStreamArn(arn).streamName).consumers.over(link);
    // A consumer's ARN begins with that of its stream.
    const ofConsumer = (arn: string) => of(arn.replace(/\/consumer\/.*$/, ""));
    return {
      describeStreamConsumer: (arn, ...rest) => of(arn).describeStreamConsumer(arn, ...rest),
      registerStreamConsumer: (arn, ...rest) => of(arn).registerStreamConsumer(arn, ...rest),
      deregisterStreamConsumer: (arn, signal) => ofConsumer(arn).deregisterStreamConsumer(arn, signal),
      subscribeToShard: (input, signal) => ofConsumer(input.consumerArn).subscribeToShard(input, signal),
    };
  }

  #service(
    streamName: string,
  ): { readonly kinesis: KinesisService; readonly consumers: ConsumersService } {
    const service = this.#services.get(streamName);
    if (service === undefined) throw new RangeError(`there is no stream ${streamName}`);
    return service;
  }
}
