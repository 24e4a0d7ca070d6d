/**
 * How a worker reads its shards, made once and shared by all of them: by polling, ahead of the processors within bounds that
 * the shards share; or by enhanced fan-out with one registered consumer.
 *
 * @module
 */

import type { StreamReference } from "../aws/kinesis.ts";
import type { WorkerEvent } from "../events.ts";
import { ByteBudget } from "../retrieval/byte_budget.ts";
import { fanOut } from "../retrieval/fan_out.ts";
import { ConsumerRegistration } from "../retrieval/fan_out_registration.ts";
import { polling } from "../retrieval/polling.ts";
import { READ_AHEAD_LIMITS, readAhead } from "../retrieval/read_ahead.ts";
import type { Retrieval } from "../retrieval/retrieval.ts";
import type { System } from "../system.ts";
import type { WorkerParts } from "./parts.ts";
import type { WorkerSettings } from "./settings.ts";

/** What reading is made of. */
export interface ShardReadingOptions {
  readonly parts: Pick<WorkerParts, "kinesis" | "kinesisConsumers">;
  readonly stream: StreamReference;
  readonly settings: WorkerSettings;
  readonly system: System;
  readonly emit: (event: WorkerEvent) => void;
}

/** How shards are read. */
export interface ShardReading {
  readonly retrieval: Retrieval;
  /** Called when the last shard has been left: lets go of what costs money, where that is wanted. */
  close(signal: AbortSignal): Promise<void>;
}

/**
 * Puts it together; asks for nothing yet.
 *
 * @throws {RangeError} when the name of the consumer cannot be one.
 */
export function shardReading(options: ShardReadingOptions): ShardReading {
  const { parts: { kinesis, kinesisConsumers }, settings, ...shared } = options;
  const { onTrimmedCheckpoint } = settings;
  if (kinesisConsumers === undefined) {
    const { maxRecords, maxBufferedBytes } = settings;
    const source = polling({ ...shared, kinesis, pacing: settings, maxRecords, onTrimmedCheckpoint });
    return {
      retrieval: readAhead(source, { limits: READ_AHEAD_LIMITS, budget: new ByteBudget(maxBufferedBytes) }),
      close: () => Promise.resolve(),
    };
  }
  const { consumerName, consumerArn } = settings;
  const source = { ...shared, kinesis, consumers: kinesisConsumers };
  const registration = new ConsumerRegistration({ ...source, consumerName, consumerArn });
  return {
    retrieval: fanOut({ ...source, registration, onTrimmedCheckpoint }),
    async close(signal) {
      if (settings.deregisterConsumerOnStop) await registration.deregister(signal);
    },
  };
}
