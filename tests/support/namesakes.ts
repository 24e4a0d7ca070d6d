/**
 * Whole workers in memory on one fake clock, several of them under one name, reading shards to which records
 * come all the time.
 *
 * @module
 */

import type { IteratorPosition, StreamSummary } from "../../src/aws/kinesis.ts";
import type { GetRecordsOutput } from "../../src/aws/kinesis_wire.ts";
import type { WorkerEvent } from "../../src/events.ts";
import { Totals } from "../../src/observe/totals.ts";
import { type Health, healthOf } from "../../src/observe/verdict.ts";
import type { Clock } from "../../src/system.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import { KinesisWorker } from "../../src/worker/worker.ts";
import { recordWith } from "./consumer_bed.ts";
import { MemoryBed } from "./memory_bed.ts";
import { output, ScriptedKinesis, shardWith } from "./scripted_kinesis.ts";

/** How often each shard gets a record, in ms. */
const RECORD_EVERY_MS = 250;

/** One delivered record. */
export interface Delivery {
  readonly process: string;
  /** `<shard>:<sequence number>` */
  readonly record: string;
  readonly atMs: number;
}

/** What becomes of one process. */
export interface Process {
  readonly events: WorkerEvent[];
  /** Settles as `run()` does. */
  readonly ended: Promise<void>;
  readonly health: () => Health;
  /** Nothing that waits goes on until it is resumed. */
  pause(): void;
  resume(): void;
  /** The orderly stop; does not wait for it. */
  stop(): void;
}

/** How a process differs from the others. */
export interface ProcessOptions extends Partial<WorkerOptions> {
  /** By how much its wall clock is ahead, in ms. */
  readonly aheadMs?: number;
}

/** Two shards that grow with the clock. */
class GrowingKinesis extends ScriptedKinesis {
  readonly #clock: Clock;

  constructor(clock: Clock) {
    super(() => clock.monotonicMs());
    this.#clock = clock;
    const half = 2n ** 127n;
    this.shards = [0n, 1n].map((n) =>
      shardWith(`shard-${n}`, {
        hashKeyRange: { startingHashKey: `${n * half}`, endingHashKey: `${(n + 1n) * half - 1n}` },
      })
    );
  }

  get last(): number {
    return Math.floor(this.#clock.monotonicMs() / RECORD_EVERY_MS);
  }

  override describeStreamSummary(): Promise<StreamSummary> {
    return Promise.resolve({
      streamName: "words",
      streamArn: "arn:aws:kinesis:eu-central-1:123456789012:stream/words",
      streamStatus: "ACTIVE",
      streamCreationEpochS: 0,
      openShardCount: 2,
    });
  }

  override getShardIterator(_: unknown, _shardId: string, position: IteratorPosition): Promise<string> {
    switch (position.type) {
      case "AT_SEQUENCE_NUMBER":
        return Promise.resolve(position.sequenceNumber);
      case "AFTER_SEQUENCE_NUMBER":
        return Promise.resolve(`${Number(position.sequenceNumber) + 1}`);
      default:
        return Promise.resolve("1");
    }
  }

  override getRecords(_: unknown, iterator: string): Promise<GetRecordsOutput> {
    const records = [];
    let next = Number(iterator);
    while (next <= this.last) records.push(recordWith(next++));
    return Promise.resolve({ ...output([], `${next}`), records, bytes: records.length });
  }
}

/** See the module. */
export class NamesakesBed extends MemoryBed implements AsyncDisposable {
  readonly deliveries: Delivery[] = [];
  readonly kinesis: GrowingKinesis = new GrowingKinesis(this.clock);
  readonly #processes: Process[] = [];

  /** @param name Of the process, for the test; the worker's name is `workerIdentifier`, or else `same`. */
  start(name: string, { aheadMs = 0, ...changes }: ProcessOptions = {}): Process {
    const gate = { opened: Promise.resolve(), open: () => {} };
    const { clock, deliveries } = this;
    const own: Clock = {
      epochMs: () => clock.epochMs() + aheadMs,
      monotonicMs: () => clock.monotonicMs(),
      async sleep(ms, signal) {
        await clock.sleep(ms, signal);
        await gate.opened;
        signal?.throwIfAborted();
      },
    };
    const stopping = new AbortController();
    const totals = new Totals(clock);
    const events: WorkerEvent[] = [];
    const worker = new KinesisWorker({
      applicationName: "app",
      streamName: "words",
      workerIdentifier: "same",
      kinesis: this.kinesis,
      leaseStore: this.store,
      coordinatorStore: this.coordinator,
      system: { ...this.system, clock: own },
      initialPositionInStream: "TRIM_HORIZON",
      idleTimeBetweenReadsMs: 500,
      processor: (shardId) => ({
        async processRecords({ records }, context) {
          for (const { sequenceNumber } of records) {
            const record = `${shardId}:${sequenceNumber}`;
            deliveries.push({ process: name, record, atMs: clock.monotonicMs() });
          }
          await context.checkpoint();
        },
        shardEnded: (context) => context.checkpoint(),
      }),
      onEvent: (event) => {
        events.push(event);
        totals.listener(event);
      },
      ...changes,
    });
    const ended = worker.run(stopping.signal);
    ended.catch(() => {});
    const process: Process = {
      events,
      ended,
      health: () => healthOf(totals.snapshot()),
      pause() {
        gate.opened = new Promise((resolve) => gate.open = resolve);
      },
      resume: () => gate.open(),
      stop: () => stopping.abort(),
    };
    this.#processes.push(process);
    return process;
  }

  /** The processes that were given records at or after a time. */
  deliveringSince(atMs: number): string[] {
    return [...new Set(this.deliveries.filter((one) => one.atMs >= atMs).map(({ process }) => process))];
  }

  /** When records were delivered that had been delivered before. */
  get repeatedAtMs(): number[] {
    const seen = new Set<string>();
    return this.deliveries.flatMap(({ record, atMs }) => {
      if (seen.has(record)) return [atMs];
      seen.add(record);
      return [];
    });
  }

  /** The records that were put at least two seconds ago and never delivered. */
  get missing(): string[] {
    const seen = new Set(this.deliveries.map(({ record }) => record));
    const wanted = this.kinesis.shards.flatMap(({ shardId }) =>
      Array.from(
        { length: Math.max(0, this.kinesis.last - 2000 / RECORD_EVERY_MS) },
        (_, n) => `${shardId}:${n + 1}`,
      )
    );
    return wanted.filter((record) => !seen.has(record));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const process of this.#processes) {
      process.resume();
      process.stop();
    }
    let isOver = false;
    const all = Promise.allSettled(this.#processes.map(({ ended }) => ended)).finally(() => isOver = true);
    while (!isOver) await this.clock.advance(100);
    await all;
  }
}
