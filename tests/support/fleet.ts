/**
 * Workers on emulators, whose processors note every record that they get.
 *
 * @module
 */

import { KinesisWorker, type ShardContext, type WorkerEvent, type WorkerOptions } from "../../mod.ts";
import { signedDynamoDB } from "../../src/aws/dynamodb.ts";
import type { Lease } from "../../src/lease/lease.ts";
import { DynamoDBLeaseStore } from "../../src/store/dynamodb_lease_store.ts";
import { realSystem } from "../../src/system.ts";
import { type Emulator, startDynalite, startKinesalite } from "./emulators.ts";
import { testCredentials, TestStream } from "./test_stream.ts";

/** One delivered record, or one callback. */
export interface Note {
  readonly workerId: string;
  readonly shardId: string;
  /** The text of a record, or the name of a callback in angle brackets. */
  readonly text: string;
}

/** A worker under way. */
export interface RunningWorker {
  readonly workerId: string;
  readonly events: WorkerEvent[];
  /** Rejects as `run()` does. */
  readonly ended: Promise<void>;
  /** The orderly stop. */
  stop(): Promise<void>;
}

/** Emulators, a stream, and workers on them. */
export class TestBed implements AsyncDisposable {
  readonly stream: TestStream;
  readonly dynamoDBUrl: string;
  readonly notes: Note[] = [];
  readonly #emulators: readonly Emulator[];
  readonly #workers: RunningWorker[] = [];

  private constructor(stream: TestStream, emulators: readonly Emulator[], dynamoDBUrl: string) {
    this.stream = stream;
    this.#emulators = emulators;
    this.dynamoDBUrl = dynamoDBUrl;
  }

  /** Starts emulators and makes the stream `words`. */
  static async start(shards: number): Promise<TestBed> {
    const kinesis = await startKinesalite();
    const dynamodb = await startDynalite();
    return new TestBed(
      await TestStream.create(kinesis.url, "words", shards),
      [kinesis, dynamodb],
      dynamodb.url,
    );
  }

  /** Makes one more stream. */
  async addStream(streamName: string, shards: number): Promise<TestStream> {
    return await TestStream.create(this.stream.url, streamName, shards);
  }

  /**
   * The options of a worker of this bed, without the processor. Leases outlive pauses of a busy machine: a
   * test of expired leases sets another `failoverTimeMs`.
   */
  get options(): Omit<WorkerOptions, "processor"> {
    return {
      applicationName: "app",
      streamName: this.stream.streamName,
      region: "us-east-1",
      credentials: testCredentials,
      kinesisEndpoint: this.stream.url,
      dynamoDBEndpoint: this.dynamoDBUrl,
      initialPositionInStream: "TRIM_HORIZON",
      failoverTimeMs: 10_000,
      leaseAssignmentIntervalMs: 500,
      idleTimeBetweenReadsMs: 200,
      parentShardPollIntervalMs: 100,
      taskBackoffTimeMs: 50,
    };
  }

  /** Starts a worker that checkpoints each batch, and notes it before. */
  startWorker(workerId: string, changes: Partial<WorkerOptions> = {}): RunningWorker {
    const events: WorkerEvent[] = [];
    const stopping = new AbortController();
    const note = (shardId: string, text: string) => void this.notes.push({ workerId, shardId, text });
    const worker = new KinesisWorker({
      log: false,
      ...this.options,
      workerIdentifier: workerId,
      processor: (shardId) => ({
        initialize: () => note(shardId, "<initialize>"),
        async processRecords({ records }, context: ShardContext) {
          for (const record of records) note(shardId, new TextDecoder().decode(record.data));
          await context.checkpoint();
        },
        async shardEnded(context) {
          note(shardId, "<shardEnded>");
          await context.checkpoint();
        },
        async shutdownRequested(context) {
          note(shardId, "<shutdownRequested>");
          await context.checkpoint();
        },
        leaseLost: () => note(shardId, "<leaseLost>"),
      }),
      onEvent: (event) => void events.push(event),
      ...changes,
    });
    const ended = worker.run(stopping.signal);
    ended.catch(() => {});
    const running: RunningWorker = {
      workerId,
      events,
      ended,
      async stop() {
        stopping.abort();
        await ended;
      },
    };
    this.#workers.push(running);
    return running;
  }

  /** The texts of all records that were noted. */
  get texts(): string[] {
    return this.notes.map((note) => note.text).filter((text) => !text.startsWith("<"));
  }

  /** The lease table as it stands. */
  async leases(): Promise<readonly Lease[]> {
    return (await this.leaseStore().list()).leases;
  }

  /** The lease table for a test's own reads and writes. */
  leaseStore(): DynamoDBLeaseStore {
    const dynamodb = this.dynamodb();
    return new DynamoDBLeaseStore({ tableName: "app", dynamodb, system: realSystem });
  }

  /** DynamoDB for a test's own reads and writes. */
  dynamodb(): ReturnType<typeof signedDynamoDB> {
    const { dynamoDBUrl: endpoint } = this;
    return signedDynamoDB({
      region: "us-east-1",
      endpoint,
      credentials: testCredentials,
      system: realSystem,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#workers.map((worker) => worker.stop()));
    for (const emulator of this.#emulators) await emulator[Symbol.asyncDispose]();
  }
}

/**
 * Waits until something holds. @throws after `limitMs`, naming what was waited for: long enough for a machine
 * that is busy.
 */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  limitMs = 60_000,
): Promise<void> {
  const startedMs = performance.now();
  while (!await holds()) {
    if (performance.now() - startedMs > limitMs) throw new Error(`not within ${limitMs} ms: ${what}`);
    await realSystem.clock.sleep(20);
  }
}
