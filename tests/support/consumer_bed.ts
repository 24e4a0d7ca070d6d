/**
 * What a shard consumer needs, as scripts. The lease can be lost or drained at will, pages are fed by hand,
 * and the processor notes each call.
 *
 * @module
 */

import { Bell } from "../../src/async/bell.ts";
import type { DeliverySettings } from "../../src/consumer/delivery.ts";
import type { HeldLease, ProcessedRecords, ProgressNotes } from "../../src/consumer/held_lease.ts";
import type { RecordProcessor, RecordsBatch, ShardContext } from "../../src/consumer/record_processor.ts";
import { ShardStreaks } from "../../src/consumer/streaks.ts";
import { consumeShard, type ShardConsumerOptions } from "../../src/consumer/shard_consumer.ts";
import { LeaseLostError } from "../../src/errors.ts";
import type { WorkerEvent } from "../../src/events.ts";
import type { Lease, NewLease } from "../../src/lease/lease.ts";
import { ByteBudget } from "../../src/retrieval/byte_budget.ts";
import type { RecordsPage, Retrieval, RetrievalRequest } from "../../src/retrieval/retrieval.ts";
import { MemoryLeaseStore } from "../../src/store/memory_lease_store.ts";
import { MemoryTable } from "../../src/store/memory_table.ts";
import { KinesisRecord, kinesisRecord, type RecordFields } from "../../src/stream/record.ts";
import type { ExtendedSequenceNumber } from "../../src/stream/sequence_number.ts";
import type { ChildShard } from "../../src/stream/shard.ts";
import { leaseWith, newLease } from "../lease/fixtures.ts";
import { FakeClock } from "./fake_clock.ts";

/** A record with the given sequence number. */
export function recordWith(
  sequenceNumber: number | string,
  data = "x",
  subSequenceNumber = 0,
): KinesisRecord {
  return kinesisRecord({
    sequenceNumber: String(sequenceNumber),
    subSequenceNumber,
    partitionKey: "key",
    explicitHashKey: undefined,
    data: new TextEncoder().encode(data),
    approximateArrivalTimestamp: 0,
    encryptionType: undefined,
    aggregated: false,
  });
}

/** A page of records; copies by spread get their methods back. */
export function pageOf(records: readonly RecordFields[], end?: readonly ChildShard[]): RecordsPage {
  return {
    records: records.every((record) => record instanceof KinesisRecord)
      ? records
      : records.map(kinesisRecord),
    bytes: records.reduce((sum, record) => sum + record.data.length, 0),
    millisBehindLatest: 0,
    end: end === undefined ? undefined : { childShards: end },
  };
}

/** A held lease under the test's hand. */
export class FakeHeldLease implements HeldLease {
  readonly leaseKey: string;
  readonly shardId: string;
  readonly fencingToken: number;
  readonly loss: AbortController = new AbortController();
  readonly draining: AbortController = new AbortController();
  readonly stored: ExtendedSequenceNumber[] = [];
  readonly noted: ProcessedRecords[] = [];
  bytes = 0;
  handedOver = 0;
  givenUp = 0;
  /** What a look at the lease waits for. */
  confirmed: Promise<void> | undefined;
  /** Thrown by the next checkpoint writes, first first. */
  readonly failures: Error[] = [];
  #lease: Lease;
  #isExpired = false;

  constructor(lease: Lease) {
    this.#lease = lease;
    this.leaseKey = lease.leaseKey;
    this.shardId = lease.shardId;
    this.fencingToken = lease.leaseCounter;
  }

  get lease(): Lease {
    return this.#lease;
  }
  get lost(): AbortSignal {
    return this.loss.signal;
  }
  get drain(): AbortSignal {
    return this.draining.signal;
  }
  async ensureHeld(): Promise<void> {
    await this.confirmed;
    if (this.#isExpired && !this.lost.aborted) this.lose();
    this.loss.signal.throwIfAborted();
  }
  /** Lets the time run out: only who asks finds out. */
  expire(): void {
    this.#isExpired = true;
  }
  lose(): void {
    this.loss.abort(new LeaseLostError(this.leaseKey, "a test took it"));
  }
  async checkpoint(at: ExtendedSequenceNumber, finishedAhead?: string): Promise<void> {
    await this.ensureHeld();
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    const leaseCounter = this.#lease.leaseCounter + 1;
    const cleared = { pendingCheckpoint: undefined, pendingCheckpointState: undefined };
    this.#lease = { ...this.#lease, ...cleared, checkpoint: at, leaseCounter, finishedAhead };
    this.stored.push(at);
  }
  async prepareCheckpoint(at: ExtendedSequenceNumber, state: Uint8Array | undefined): Promise<void> {
    await this.ensureHeld();
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    this.#lease = { ...this.#lease, pendingCheckpoint: at, pendingCheckpointState: state };
  }
  inTurn(): Promise<void> {
    return Promise.reject(new Error("this lease is not in a table"));
  }
  async setChildShardIds(childShardIds: readonly string[]): Promise<void> {
    await this.ensureHeld();
    this.#lease = { ...this.#lease, childShardIds };
  }
  // deno-lint-ignore require-await -- the contract is asynchronous
  async handOver(): Promise<void> {
    this.handedOver++;
  }
  // deno-lint-ignore require-await -- the contract is asynchronous
  async giveUp(): Promise<void> {
    this.givenUp++;
    this.lose();
  }
  readonly progress: ProgressNotes = { note: (done) => void this.noted.push(done) };
  countBytes(bytes: number): void {
    this.bytes += bytes;
  }
}

/** Pages fed by hand; waits when there are none. */
export class FakeRetrieval implements Retrieval {
  readonly requests: RetrievalRequest[] = [];
  readonly #pages: RecordsPage[] = [];
  #arrived = Promise.withResolvers<void>();

  feed(...pages: readonly RecordsPage[]): void {
    this.#pages.push(...pages);
    this.#arrived.resolve();
  }

  async *read(request: RetrievalRequest, signal: AbortSignal): AsyncGenerator<RecordsPage> {
    this.requests.push(request);
    while (true) {
      signal.throwIfAborted();
      const page = this.#pages.shift();
      if (page !== undefined) {
        yield page;
        if (page.end !== undefined) return;
        continue;
      }
      this.#arrived = Promise.withResolvers();
      const stop = () => this.#arrived.resolve();
      signal.addEventListener("abort", stop, { once: true });
      await this.#arrived.promise;
      signal.removeEventListener("abort", stop);
    }
  }
}

/** A processor that notes each call, and does what its handlers say. */
export class NotingProcessor implements RecordProcessor {
  readonly calls: string[] = [];
  readonly batches: RecordsBatch[] = [];
  context: ShardContext | undefined;
  readonly #on: Partial<Record<keyof RecordProcessor, (context: ShardContext) => void | Promise<void>>>;

  constructor(
    on: Partial<Record<keyof RecordProcessor, (context: ShardContext) => void | Promise<void>>> = {},
  ) {
    this.#on = on;
  }

  initialize(context: ShardContext): void | Promise<void> {
    this.context = context;
    return this.#call("initialize", "initialize", context);
  }
  processRecords(batch: RecordsBatch, context: ShardContext): void | Promise<void> {
    this.batches.push(batch);
    const text = batch.records.map((record) => record.sequenceNumber).join("+");
    return this.#call("processRecords", `processRecords ${text}`, context);
  }
  leaseLost(context: ShardContext): void | Promise<void> {
    return this.#call("leaseLost", "leaseLost", context);
  }
  async shardEnded(context: ShardContext): Promise<void> {
    await this.#call("shardEnded", "shardEnded", context);
    if (this.#on.shardEnded === undefined) await context.checkpoint();
  }
  shutdownRequested(context: ShardContext): void | Promise<void> {
    return this.#call("shutdownRequested", "shutdownRequested", context);
  }
  dispose(): void {
    this.calls.push("dispose");
  }

  #call(name: keyof RecordProcessor, text: string, context: ShardContext): void | Promise<void> {
    this.calls.push(text);
    return this.#on[name]?.(context);
  }
}

/** A consumer on scripts, running. */
export interface ConsumerBed {
  readonly held: FakeHeldLease;
  readonly retrieval: FakeRetrieval;
  readonly processor: NotingProcessor;
  readonly clock: FakeClock;
  readonly events: WorkerEvent[];
  /** Has the lease itself, and those that the test gave. */
  readonly leaseStore: MemoryLeaseStore;
  readonly shardEnds: Bell;
  readonly end: Promise<string>;
  /** Lets everything that is ready run. */
  settle(): Promise<void>;
}

/** What a test changes. */
export interface ConsumerChanges extends Partial<ShardConsumerOptions>, Partial<DeliverySettings> {
  readonly lease?: Lease;
  /** What is in the lease table besides. */
  readonly leases?: readonly NewLease[];
}

/** Starts a consumer. */
export function startConsumer(
  processor: NotingProcessor = new NotingProcessor(),
  changes: ConsumerChanges = {},
): ConsumerBed {
  const clock = new FakeClock();
  const events: WorkerEvent[] = [];
  const retrieval = new FakeRetrieval();
  const { lease = leaseWith(), leases = [], ...rest } = changes;
  const table = new MemoryTable("app");
  table.create();
  const leaseStore = new MemoryLeaseStore(table);
  const { leaseKey, shardId, streamIdentifier } = lease;
  const own = newLease(shardId, { leaseKey, streamIdentifier });
  for (const each of [own, ...leases]) leaseStore.create(each);
  const shardEnds = new Bell();
  const held = new FakeHeldLease(lease);
  const end = consumeShard({
    held,
    streaks: new ShardStreaks(lease.checkpoint),
    stream: { streamName: "words", streamArn: undefined, streamIdentifier: undefined },
    processor: () => processor,
    retrieval,
    initialPosition: "TRIM_HORIZON",
    system: { clock, random: () => 0.5, fetch: () => Promise.reject(new Error("no network here")) },
    emit: (event) => events.push(event),
    origin: undefined,
    budget: new ByteBudget(268_435_456),
    leaseStore,
    shardEnds,
    delivery: {
      onProcessError: "skip",
      taskBackoffTimeMs: 500,
      callProcessRecordsEvenForEmptyRecordList: false,
      parentShardPollIntervalMs: 1000,
      foreignAggregates: "drop",
      ...changes,
    },
    ...rest,
  });
  return {
    held,
    retrieval,
    processor,
    clock,
    events,
    leaseStore,
    shardEnds,
    end,
    settle: () => clock.advance(0),
  };
}

/** The events of one type. */
export function eventsOf<T extends WorkerEvent["type"]>(
  events: readonly WorkerEvent[],
  type: T,
): Extract<WorkerEvent, { readonly type: T }>[] {
  return events.filter((event): event is Extract<WorkerEvent, { readonly type: T }> => event.type === type);
}
