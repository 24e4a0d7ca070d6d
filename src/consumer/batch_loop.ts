/**
 * The batches of all shards of a worker as one loop: a processor for each shard, which waits until the loop
 * has done its batch.
 *
 * Each shard has one batch at most in the loop, and batches come in the order in which they arrived. So a
 * shard never gets a second turn while another one waits. A batch that is not done is no success: it comes
 * again.
 *
 * @module
 */

import { linkedController } from "../async/waiting.ts";
import { AwsServiceError, LeaseLostError } from "../errors.ts";
import type { KinesisRecord } from "../stream/record.ts";
import type { ExtendedSequenceNumber } from "../stream/sequence_number.ts";
import type { ChildShard } from "../stream/shard.ts";
import type { RecordProcessorFactory, RecordsBatch, ShardContext } from "./record_processor.ts";
import { StoppedAtRecord } from "./stopped_at_record.ts";

/** A batch of one shard, in a loop over the batches of a worker. */
export interface WorkerBatch extends RecordsBatch, AsyncDisposable {
  /** The shard, and ways to checkpoint within the batch. Its `signal` aborts when the lease is lost. */
  readonly context: ShardContext;
  /**
   * Acknowledges the batch: stores the checkpoint behind its last record, and lets the next batch of the
   * shard come. A second call does nothing more.
   *
   * @returns false when the checkpoint was not stored. Then the lease is lost, and another worker has the
   * records; or the table could not be written, and the next checkpoint of the shard covers it. Or the batch
   * had been given back before.
   */
  done(): Promise<boolean>;
  /** Gives the batch back if it is not done. `await using` calls it at the end of the loop's body. */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A loop over the batches of a worker. Leaving it stops the worker in order. */
export interface WorkerBatches extends AsyncIterableIterator<WorkerBatch, void, void>, AsyncDisposable {
  /** Stops the worker in order, and resolves when it has stopped. */
  return(): Promise<IteratorResult<WorkerBatch, void>>;
  /** The same. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Makes the loop. The worker starts with the first call of `next()`.
 *
 * @param run Runs the worker with this processor until the signal aborts.
 */
export function workerBatches(
  run: (processor: RecordProcessorFactory, signal: AbortSignal) => Promise<void>,
  signal: AbortSignal | undefined,
): WorkerBatches {
  const queue = new BatchQueue();
  const { controller: stop, unlink } = linkedController(signal);
  stop.signal.addEventListener("abort", () => queue.close(), { once: true });
  if (stop.signal.aborted) queue.close();
  const turns = turnsOf(queue, (ending) => run(queue.processor, ending), stop);
  const end = () => {
    unlink();
    stop.abort();
    return turns.return();
  };
  return {
    next: () => turns.next(),
    return: end,
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      await end();
    },
  };
}

async function* turnsOf(
  queue: BatchQueue,
  run: (signal: AbortSignal) => Promise<void>,
  stop: AbortController,
): AsyncGenerator<WorkerBatch, void, void> {
  const running = run(stop.signal).finally(() => queue.end());
  running.catch(() => {}); // looked at below
  try {
    for (let batch = await queue.next(); batch !== undefined; batch = await queue.next()) yield batch;
  } finally {
    stop.abort();
    queue.leave();
    await running;
  }
}

/** The batches that wait for the loop: of each shard one at most. */
class BatchQueue {
  readonly #waiting = new Set<LoopBatch>();
  /** What the body of the loop has in hand. */
  #current: LoopBatch | undefined;
  #isClosed = false;
  #isEnded = false;
  #wake: () => void = () => {};

  /** Of each shard. */
  readonly processor: RecordProcessorFactory = (_shardId, _stream, leaving) => ({
    checkpoints: "auto",
    processRecords: (batch, context) => this.#offer(new LoopBatch(batch, context, leaving ?? context.signal)),
    // Every batch of the shard is done.
    shardEnded: (context) => context.checkpoint(),
  });

  /** The next batch; undefined when the worker has stopped. The batch before is over: done, or given back. */
  async next(): Promise<WorkerBatch | undefined> {
    if (this.#isClosed) this.leave();
    await this.#current?.giveBack("the loop asked for the next one");
    this.#current = undefined;
    while (!this.#isEnded) {
      const [batch] = this.#isClosed ? [] : this.#waiting;
      if (batch !== undefined) {
        this.#waiting.delete(batch);
        batch.handOut();
        return this.#current = batch;
      }
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return undefined;
  }

  /** The worker is stopping: hands nothing out any more. What the loop has in hand may still be done. */
  close(): void {
    this.#isClosed = true;
  }

  /** The loop is over, or its body is: what it has in hand and has not done is left with the shard. */
  leave(): void {
    this.#current?.withdraw();
    this.#current = undefined;
  }

  /** The worker has stopped. */
  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  async #offer(batch: LoopBatch): Promise<void> {
    this.#waiting.add(batch);
    this.#wake();
    try {
      await batch.over;
    } finally {
      this.#waiting.delete(batch);
    }
  }
}

/** One call of a shard's processor, until the loop has done it. */
class LoopBatch implements WorkerBatch {
  readonly records: readonly KinesisRecord[];
  readonly millisBehindLatest: number | undefined;
  readonly isAtShardEnd: boolean;
  readonly childShards: readonly ChildShard[];
  readonly context: ShardContext;
  /** Settles when the batch is done; rejects when it was given back. */
  readonly over: Promise<void>;
  readonly #first: ExtendedSequenceNumber | undefined;
  readonly #leaving: AbortSignal;
  #settle: { resolve(): void; reject(error: unknown): void } | undefined;
  #done: Promise<boolean> | undefined;
  #isInHand = false;

  constructor(batch: RecordsBatch, context: ShardContext, leaving: AbortSignal) {
    this.records = batch.records;
    this.millisBehindLatest = batch.millisBehindLatest;
    this.isAtShardEnd = batch.isAtShardEnd;
    this.childShards = batch.childShards;
    this.context = context;
    this.#first = batch.records[0];
    this.#leaving = leaving;
    this.over = new Promise((resolve, reject) => this.#settle = { resolve, reject });
    leaving.addEventListener("abort", this.#onLeaving, { once: true });
    if (leaving.aborted) this.#onLeaving();
  }

  handOut(): void {
    this.#isInHand = true;
  }

  /** The loop is over, and has not done it: ends quietly when the shard is left. */
  withdraw(): void {
    if (this.#done !== undefined) return;
    this.#isInHand = false;
    if (this.#leaving.aborted) this.#onLeaving();
  }

  async giveBack(why: string): Promise<void> {
    if (this.#done !== undefined) return void await this.#done;
    const { shardId } = this.context;
    this.#end(new Error(`Cannot go on in shard ${shardId}: expected done() of its batch before ${why}`));
  }

  done(): Promise<boolean> {
    return this.#done ??= this.#acknowledge();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.giveBack("the end of its scope");
  }

  async #acknowledge(): Promise<boolean> {
    if (this.#settle === undefined) return false;
    try {
      await this.context.checkpoint();
      return true;
    } catch (error) {
      if (error instanceof LeaseLostError || error instanceof AwsServiceError) return false;
      throw error;
    } finally {
      this.#end();
    }
  }

  /** A batch in hand is not interrupted: the body of the loop has its signal. */
  readonly #onLeaving = (): void => {
    if (this.#isInHand) return;
    this.#end(this.#first === undefined ? undefined : new StoppedAtRecord(this.#first));
  };

  /** @param error Why it is not done. */
  #end(error?: Error): void {
    const settle = this.#settle;
    this.#settle = undefined;
    this.#leaving.removeEventListener("abort", this.#onLeaving);
    if (error === undefined) settle?.resolve();
    else settle?.reject(error);
  }
}
