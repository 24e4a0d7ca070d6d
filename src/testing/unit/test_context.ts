/**
 * A shard without a worker, to test a record processor alone.
 *
 * Checkpoints follow the rules of a real worker: none before the last one, none beyond what was delivered.
 *
 * @module
 */

import { Checkpointer } from "../../consumer/checkpointer.ts";
import type { HeldLease } from "../../consumer/held_lease.ts";
import type {
  FencingToken,
  RecordsBatch,
  ShardContext,
  TransactOptions,
} from "../../consumer/record_processor.ts";
import { LeaseLostError } from "../../errors.ts";
import type { Lease } from "../../lease/lease.ts";
import type { KinesisRecord } from "../../stream/record.ts";
import { compare, type ExtendedSequenceNumber, positionAt } from "../../stream/sequence_number.ts";
import { realClock } from "../../system.ts";
import { storedError } from "../../transact/transact_errors.ts";
import { checkedWrites, type TransactWrite } from "../../transact/transact_write.ts";
import { FIRST_ARRIVAL_EPOCH_MS, type TestRecord, testRecord } from "./test_record.ts";

/** Options of {@linkcode testContext}. */
export interface TestContextOptions {
  /** The shard's id. @default {"shardId-000000000000"} */
  readonly shardId?: string | undefined;
  /** The stream's name. @default {"test-stream"} */
  readonly streamName?: string | undefined;
  /** Where the processor starts. @default TRIM_HORIZON */
  readonly initialCheckpoint?: ExtendedSequenceNumber | undefined;
  /** A checkpoint that a former owner prepared and did not make. */
  readonly pendingCheckpoint?: ExtendedSequenceNumber | undefined;
  /** What the former owner stored with it. */
  readonly pendingCheckpointState?: Uint8Array | undefined;
  /** The number of the fencing token. @default {1} */
  readonly fencingToken?: number | undefined;
}

/** Options of a batch. */
export interface TestBatchOptions {
  /** How far behind the newest record the batch is, in ms. @default {0} */
  readonly millisBehindLatest?: number | undefined;
  /** Whether these are the last records of the shard. @default {false} */
  readonly isAtShardEnd?: boolean | undefined;
}

/** A checkpoint that a processor has prepared. */
export interface TestPreparation {
  /** Where it will be. */
  readonly at: ExtendedSequenceNumber;
  /** What is stored with it. */
  readonly state: Uint8Array | undefined;
}

/** A transaction that a processor has made. */
export interface TestTransaction {
  /** The position that was stored with it. */
  readonly at: ExtendedSequenceNumber;
  /** The writes, as the processor gave them. */
  readonly writes: readonly TransactWrite[];
}

/** A {@linkcode ShardContext} that records what a processor does, and that a test can make fail. */
export interface TestContext extends ShardContext {
  /** Every checkpoint that was stored, the oldest first. */
  readonly checkpoints: readonly ExtendedSequenceNumber[];
  /** Every checkpoint that was prepared, the oldest first. */
  readonly preparations: readonly TestPreparation[];
  /** Every transaction, the oldest first; its checkpoint is among `checkpoints` too. */
  readonly transactions: readonly TestTransaction[];
  /** The reasons of every `restart()`. */
  readonly restarts: readonly Error[];
  /** Makes the next batch. Its records count as delivered, and their sequence numbers rise by one. */
  batch(records: readonly TestRecord[], options?: TestBatchOptions): RecordsBatch;
  /** Ends the shard: a checkpoint without a position now stores SHARD_END. Call it before `shardEnded`. */
  endShard(): void;
  /** Loses the lease: `signal` aborts, and checkpoints throw {@linkcode LeaseLostError}. */
  loseLease(): void;
  /** Makes the next write of a checkpoint fail with this error, e.g. an `AwsServiceError`. */
  failNextCheckpoint(error: Error): void;
}

/**
 * Makes a context for one shard.
 *
 * ```ts
 * import { testContext } from "@kclite/kclite/testing";
 * import type { RecordProcessor } from "@kclite/kclite";
 *
 * const seen: string[] = [];
 * const processor: RecordProcessor = {
 *   async processRecords({ records }, context) {
 *     for (const record of records) seen.push(record.text());
 *     await context.checkpoint();
 *   },
 *   shardEnded: (context) => context.checkpoint(),
 * };
 *
 * const context = testContext();
 * await processor.processRecords(context.batch(["a", "b"]), context);
 * if (seen.join() !== "a,b") throw new Error("wrong records");
 * if (context.checkpoints.at(-1)?.sequenceNumber !== "2") throw new Error("no checkpoint");
 * ```
 */
export function testContext(options: TestContextOptions = {}): TestContext {
  return new ContextForTests(options);
}

class ContextForTests implements TestContext {
  readonly shardId: string;
  readonly leaseKey: string;
  readonly streamName: string;
  readonly streamArn: undefined = undefined;
  readonly streamIdentifier: undefined = undefined;
  readonly initialCheckpoint: ExtendedSequenceNumber;
  readonly pendingCheckpoint: ExtendedSequenceNumber | undefined;
  readonly pendingCheckpointState: Uint8Array | undefined;
  readonly fencingToken: FencingToken;
  readonly signal: AbortSignal;
  readonly checkpoints: ExtendedSequenceNumber[] = [];
  readonly preparations: TestPreparation[] = [];
  readonly transactions: TestTransaction[] = [];
  readonly restarts: Error[] = [];
  readonly #lease: HeldLease;
  readonly #checkpointer: Checkpointer;
  readonly #lost = new AbortController();
  #nextFailure: Error | undefined;
  #sequenceNumber = 0n;
  #records = 0;

  constructor(options: TestContextOptions) {
    const { shardId = "shardId-000000000000", streamName = "test-stream", fencingToken = 1 } = options;
    this.shardId = this.leaseKey = shardId;
    this.streamName = streamName;
    this.initialCheckpoint = options.initialCheckpoint ?? positionAt("TRIM_HORIZON");
    this.pendingCheckpoint = options.pendingCheckpoint;
    this.pendingCheckpointState = options.pendingCheckpointState;
    this.fencingToken = { leaseKey: shardId, token: fencingToken };
    this.signal = this.#lost.signal;
    const { sequenceNumber } = this.initialCheckpoint;
    if (/^\d+$/.test(sequenceNumber)) this.#sequenceNumber = BigInt(sequenceNumber);
    this.#lease = this.#held();
    this.#checkpointer = new Checkpointer(this.#lease, realClock, () => {});
  }

  checkpoint(at?: ExtendedSequenceNumber): Promise<void> {
    return this.#checkpointer.checkpoint(at);
  }

  prepareCheckpoint(
    at?: ExtendedSequenceNumber,
    state?: Uint8Array,
  ): ReturnType<ShardContext["prepareCheckpoint"]> {
    return this.#checkpointer.prepare(at, state);
  }

  async transact(writes: readonly TransactWrite[], { at }: TransactOptions = {}): Promise<void> {
    checkedWrites(writes, undefined);
    const position = typeof at === "string" ? positionAt(at) : at;
    await this.#checkpointer.checkpoint(position, async (target, finishedAhead, isStored) => {
      if (isStored && writes.length > 0) throw storedError(this.shardId, target);
      if (isStored) return;
      await this.#lease.checkpoint(target, finishedAhead);
      this.transactions.push({ at: target, writes });
    });
  }

  restart(reason: Error): void {
    this.restarts.push(reason);
  }

  batch(records: readonly TestRecord[], options: TestBatchOptions = {}): RecordsBatch {
    const { millisBehindLatest = 0, isAtShardEnd = false } = options;
    const made = records.map((record) => this.#record(record));
    const last = made.at(-1);
    if (last !== undefined) {
      this.#checkpointer.delivering(positionAt(last.sequenceNumber, last.subSequenceNumber));
    }
    return { records: made, millisBehindLatest, isAtShardEnd, childShards: [] };
  }

  endShard(): void {
    this.#checkpointer.reachShardEnd();
  }

  loseLease(): void {
    this.#lost.abort(new LeaseLostError(this.leaseKey, "the test took it"));
  }

  failNextCheckpoint(error: Error): void {
    this.#nextFailure = error;
  }

  #record(given: TestRecord): KinesisRecord {
    const record = testRecord({
      sequenceNumber: `${this.#sequenceNumber + 1n}`,
      approximateArrivalTimestamp: FIRST_ARRIVAL_EPOCH_MS + this.#records++,
      ...(typeof given === "string" || given instanceof Uint8Array ? { data: given } : given),
    });
    if (compare(record, this.#checkpointer.largest) <= 0) {
      throw new RangeError(
        `Cannot make a batch: expected a sequence number above ${this.#checkpointer.largest.sequenceNumber}: ` +
          `got ${record.sequenceNumber}`,
      );
    }
    this.#sequenceNumber = BigInt(record.sequenceNumber);
    return record;
  }

  /** A lease that is held until the test loses it. */
  #held(): HeldLease {
    const write = (note: () => void) => {
      const failure = this.#nextFailure;
      this.#nextFailure = undefined;
      if (this.signal.aborted) return Promise.reject(this.signal.reason);
      if (failure !== undefined) return Promise.reject(failure);
      note();
      return Promise.resolve();
    };
    return {
      leaseKey: this.leaseKey,
      shardId: this.shardId,
      fencingToken: this.fencingToken.token,
      lease: this.#leaseValue(),
      lost: this.signal,
      drain: new AbortController().signal,
      ensureHeld: () => Promise.resolve(),
      checkpoint: (at) => write(() => this.checkpoints.push(at)),
      prepareCheckpoint: (at, state) => write(() => this.preparations.push({ at, state })),
      inTurn: () => Promise.reject(new TypeError("Cannot write the lease of a test")),
      setChildShardIds: () => Promise.resolve(),
      handOver: () => Promise.resolve(),
      giveUp: () => Promise.resolve(),
      countBytes: () => {},
      progress: { note: () => {} },
    };
  }

  #leaseValue(): Lease {
    return {
      leaseKey: this.leaseKey,
      shardId: this.shardId,
      streamIdentifier: undefined,
      leaseCounter: this.fencingToken.token,
      leaseOwner: "test-worker",
      checkpointOwner: undefined,
      ownerSwitchesSinceCheckpoint: 0,
      checkpoint: this.initialCheckpoint,
      latestEpochMs: undefined,
      pendingCheckpoint: this.pendingCheckpoint,
      pendingCheckpointState: this.pendingCheckpointState,
      parentShardIds: [],
      childShardIds: [],
      hashKeyRange: undefined,
      throughputKBps: undefined,
      mark: undefined,
    };
  }
}
