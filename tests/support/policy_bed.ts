/**
 * A shard's consumer with a policy, on scripts: records by number, a processor that fails as the test says,
 * and a sink in memory.
 *
 * @module
 */

import type {
  BatchResponse,
  RecordProcessor,
  RecordsBatch,
  ShardContext,
} from "../../src/consumer/record_processor.ts";
import type { DeliveryStarter } from "../../src/consumer/records_delivery.ts";
import type { DeadLetter, DeadLetterSink } from "../../src/failures/dead_letter.ts";
import { deadLetter } from "../../src/failures/mod.ts";
import { policyDeliveries } from "../../src/failures/policy.ts";
import { ByteBudget } from "../../src/retrieval/byte_budget.ts";
import { type KinesisRecord, kinesisRecord, type RecordFields } from "../../src/stream/record.ts";
import type { ProcessingOptions } from "../../src/options/processing_options.ts";
import { settingsOf } from "../../src/options/settings.ts";
import { type ConsumerBed, type ConsumerChanges, NotingProcessor, startConsumer } from "./consumer_bed.ts";

/** A record of a key. */
export function keyed(
  sequenceNumber: number,
  key: string,
  more: Partial<RecordFields> = {},
): KinesisRecord {
  return kinesisRecord({
    sequenceNumber: String(sequenceNumber),
    subSequenceNumber: 0,
    partitionKey: key,
    explicitHashKey: undefined,
    data: new TextEncoder().encode("x"),
    approximateArrivalTimestamp: 0,
    encryptionType: undefined,
    aggregated: false,
    ...more,
  });
}

/** Keeps dead letters, and refuses them while the test says so. */
export class MemorySink implements DeadLetterSink {
  readonly name = "a list";
  readonly letters: DeadLetter[] = [];
  /** Thrown instead of storing; a function may wait. */
  failure: (() => unknown) | undefined;

  async store(letter: DeadLetter): Promise<void> {
    if (this.failure !== undefined) throw await this.failure();
    this.letters.push(letter);
  }

  /** The sequence numbers of each letter. */
  get numbers(): string[] {
    return this.letters.map(({ records }) => records.map(({ sequenceNumber }) => sequenceNumber).join("+"));
  }
}

/** What a processor does with a batch. */
export type Handler = (
  batch: RecordsBatch,
  context: ShardContext,
) => void | BatchResponse | null | Promise<void | BatchResponse | null>;

/** A bed with a policy. */
export interface PolicyBed extends ConsumerBed {
  readonly sink: MemorySink;
  readonly budget: ByteBudget;
  /** The sequence numbers of each call, and what was thrown away since. */
  readonly calls: string[];
}

/** What a test changes beside the policy. */
export interface PolicyChanges extends ConsumerChanges {
  /** Shared with an earlier bed: the same worker's. */
  readonly deliveries?: (budget: ByteBudget) => DeliveryStarter;
  readonly checkpoints?: "auto" | "own" | "none";
  readonly aggregates?: "whole";
  readonly sink?: MemorySink;
}

/** The deliveries of a worker with these options; `"letters"` stands for a dead letter in `sink`. */
export function deliveriesOf(
  options: ProcessingOptions,
  sink: MemorySink = new MemorySink(),
): (budget: ByteBudget) => DeliveryStarter {
  const { onExhausted } = options.errors ?? {};
  const isLetter = (onExhausted as string | undefined) === "letters";
  const errors = isLetter ? { ...options.errors, onExhausted: deadLetter(sink) } : options.errors;
  const { failures } = settingsOf({
    ...options,
    ...(errors === undefined ? {} : { errors }),
    applicationName: "app",
    streamName: "words",
    processor: () => ({ processRecords: () => {}, shardEnded: () => {} }),
  });
  if (failures === undefined) throw new TypeError("expected an option of failures");
  const system = { clock: REFUSING_CLOCK, random: () => 0.5, fetch: () => Promise.reject(new Error("none")) };
  const credentials = () => Promise.reject(new Error("none"));
  const deliveries = policyDeliveries(failures, { applicationName: "app", workerId: "worker-1" });
  return (budget) => deliveries({ budget, connection: { region: "eu-central-1", credentials, system } });
}

const REFUSING_CLOCK = {
  epochMs: () => 0,
  monotonicMs: () => 0,
  sleep: () => Promise.reject(new Error("the bed gives its own")),
};

/** Starts a consumer with a policy. */
export function startPolicy(
  options: ProcessingOptions,
  handler: Handler = () => {},
  { checkpoints = "own", sink = new MemorySink(), deliveries, aggregates, ...changes }: PolicyChanges = {},
): PolicyBed {
  const calls: string[] = [];
  const noting = new NotingProcessor();
  const processor: RecordProcessor = {
    ...(checkpoints === "auto" ? { checkpoints } : {}),
    ...(aggregates === undefined ? {} : { aggregates }),
    initialize: (context) => noting.initialize(context),
    async processRecords(batch, context) {
      calls.push(batch.records.map(({ sequenceNumber }) => sequenceNumber).join("+"));
      const answer = await handler(batch, context);
      // As careful processors do: not where a record has failed.
      const hasFailed = (answer?.batchItemFailures ?? []).length > 0;
      if (checkpoints === "own" && !hasFailed) await context.checkpoint();
      return answer;
    },
    shardEnded: (context) => noting.shardEnded(context),
    shutdownRequested: (context) => noting.shutdownRequested(context),
    leaseLost: (context) => noting.leaseLost(context),
    dispose: () => noting.dispose(),
  };
  const budget = new ByteBudget(268_435_456);
  const start = (deliveries ?? deliveriesOf(options, sink))(budget);
  const bed = startConsumer(noting, {
    processor: () => processor,
    budget,
    startDelivery: start,
    ...changes,
  });
  return { ...bed, sink, budget, calls };
}
