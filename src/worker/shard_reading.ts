/**
 * How a worker reads its shards; made once for each stream and shared by its shards. Polling reads ahead of
 * the processors, within bounds that all shards share. Enhanced fan-out uses one registered consumer for each
 * stream.
 *
 * @module
 */

import type { WorkerEventListener } from "../events.ts";
import type { KinesisConsumers } from "../aws/kinesis_consumers.ts";
import type { ByteBudget } from "../retrieval/byte_budget.ts";
import { counted } from "../retrieval/counted.ts";
import { fanOut } from "../retrieval/fan_out.ts";
import { ConsumerRegistration } from "../retrieval/fan_out_registration.ts";
import { polling } from "../retrieval/polling.ts";
import { READ_AHEAD_LIMITS, readAhead } from "../retrieval/read_ahead.ts";
import type { Retrieval } from "../retrieval/retrieval.ts";
import { isTableStreamName } from "../stream/table_stream_name.ts";
import type { System } from "../system.ts";
import type { WorkerParts } from "./parts.ts";
import type { ReadingSettings } from "../options/setting_groups.ts";
import type { TrackedStream } from "../fleet/streams.ts";

/** What reading is made of. */
export interface ShardReadingOptions {
  readonly parts: Pick<WorkerParts, "kinesis" | "kinesisConsumers">;
  readonly reading: ReadingSettings;
  /** What all shards may read ahead. */
  readonly budget: ByteBudget;
  readonly system: System;
  readonly emit: WorkerEventListener;
}

/** How shards are read. */
export interface ShardReading {
  of(stream: TrackedStream): Retrieval;
  /** Called when the last shard has been left: releases what costs money, if that is wanted. */
  close(signal: AbortSignal): Promise<void>;
}

/** Puts it together; sends no request yet. */
export function shardReading(options: ShardReadingOptions): ShardReading {
  const { parts: { kinesisConsumers }, budget } = options;
  const ahead = { limits: READ_AHEAD_LIMITS, budget };
  const { of, close } = pollingReading(options);
  const polled = { of: onceEach((stream) => readAhead(of(stream), ahead)), close };
  if (kinesisConsumers === undefined) return polled;
  const pushed = fanOutReading(options, kinesisConsumers);
  // The stream of a table has no enhanced fan-out.
  return {
    of: (stream) => (isTableStreamName(stream.reference.streamName) ? polled : pushed).of(stream),
    close: pushed.close,
  };
}

/** By polling, when the consumer asks for a page and not before. */
export function pollingReading(options: ShardReadingOptions): ShardReading {
  const { parts: { kinesis }, system, emit } = options;
  const { onTrimmedCheckpoint, maxRecords, pacing } = options.reading;
  return {
    of: onceEach(({ reference: stream }) =>
      polling({ kinesis, stream, system, emit, pacing, maxRecords, onTrimmedCheckpoint })
    ),
    close: () => Promise.resolve(),
  };
}

/** By enhanced fan-out. */
export function fanOutReading(
  options: ShardReadingOptions,
  kinesisConsumers: KinesisConsumers,
): ShardReading {
  const { parts: { kinesis }, budget, system, emit } = options;
  const { onTrimmedCheckpoint, consumerName, deregisterConsumerOnStop } = options.reading;
  const registrations: ConsumerRegistration[] = [];
  return {
    of: onceEach(({ reference, consumerArn }) => {
      const source = { kinesis, consumers: kinesisConsumers, stream: reference, system, emit };
      const registration = new ConsumerRegistration({ ...source, consumerName, consumerArn });
      registrations.push(registration);
      return counted(fanOut({ ...source, registration, onTrimmedCheckpoint }), budget);
    }),
    async close(signal) {
      if (!deregisterConsumerOnStop) return;
      await Promise.all(registrations.map((registration) => registration.deregister(signal)));
    },
  };
}

/** Keyed by the stream itself: a stream that was created again under an old name gets a new retrieval. */
function onceEach(make: (stream: TrackedStream) => Retrieval): (stream: TrackedStream) => Retrieval {
  const made = new WeakMap<TrackedStream, Retrieval>();
  return (stream) => {
    let retrieval = made.get(stream);
    if (retrieval === undefined) made.set(stream, retrieval = make(stream));
    return retrieval;
  };
}
