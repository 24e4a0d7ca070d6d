/**
 * The processor of one shard whose results go to a database: each batch is one transaction with its position.
 *
 * @module
 */

import type {
  OwnPosition,
  RecordProcessor,
  RecordsBatch,
  ShardContext,
} from "../consumer/record_processor.ts";
import type { KinesisRecord } from "../stream/record.ts";
import { compare } from "../stream/sequence_number.ts";
import { OwnedRow, positionOf, type SqlAccess } from "./owned_row.ts";

/** What the work of a user knows of its shard. Checkpoints are the sink's. */
export type SqlContext = Omit<ShardContext, "checkpoint" | "prepareCheckpoint" | "transact">;

/**
 * Does the work of some records of one shard within a transaction. It is done when its promise resolves and
 * the transaction commits. It may be called again with the same records after its transaction was rolled
 * back.
 */
export type SqlWork<Tx> = (
  records: readonly KinesisRecord[],
  tx: Tx,
  context: SqlContext,
) => Promise<void> | void;

/** What else a shard's transactions may do. */
export interface SqlWorkOptions<Tx> {
  /** Called after the last record of the shard, in the transaction that notes its end. */
  readonly shardEnded?: ((tx: Tx, context: SqlContext) => Promise<void> | void) | undefined;
}

/** See the module. */
export class SqlProcessor<Tx> implements RecordProcessor {
  /** The lease follows each commit. */
  readonly checkpoints = "auto";
  readonly #access: SqlAccess<Tx>;
  readonly #work: SqlWork<Tx>;
  readonly #options: SqlWorkOptions<Tx>;
  #row: OwnedRow<Tx> | undefined;
  #isRunning = false;

  constructor(access: SqlAccess<Tx>, work: SqlWork<Tx>, options: SqlWorkOptions<Tx>) {
    this.#access = access;
    this.#work = work;
    this.#options = options;
  }

  async startAt(
    context: ShardContext,
    confirm: () => Promise<void>,
  ): Promise<OwnPosition | undefined> {
    const row = new OwnedRow(this.#access, context);
    await row.take(confirm);
    this.#row = row;
    // LATEST names no record: what the lease has is the time at which it began.
    return row.position.sequenceNumber === "LATEST" ? undefined : { ...row.position, mend: row.mend };
  }

  async processRecords({ records }: RecordsBatch, context: ShardContext): Promise<void> {
    const last = records.at(-1);
    if (last === undefined) return;
    const row = this.#rowOf(context);
    await this.#alone(context, async () => {
      const to = positionOf(last);
      if (compare(to, row.position) <= 0) return; // a client that had lost the answer of the commit
      await row.advance(to, async (tx) => await this.#work(records, tx, workContext(context)));
    });
  }

  async shardEnded(context: ShardContext): Promise<void> {
    const row = this.#rowOf(context);
    if (!row.isShardEnded) {
      await row.end(async (tx) => await this.#options.shardEnded?.(tx, workContext(context)));
    }
    await context.checkpoint();
  }

  #rowOf(context: ShardContext): OwnedRow<Tx> {
    return this.#row ?? new OwnedRow(this.#access, context);
  }

  /** Two transactions side by side would both move the position from the same place. */
  async #alone({ shardId }: ShardContext, work: () => Promise<void>): Promise<void> {
    if (this.#isRunning) {
      throw new TypeError(
        `Cannot store results of shard ${shardId}: expected one batch at a time: got two: remove the option ` +
          "concurrency",
      );
    }
    this.#isRunning = true;
    try {
      await work();
    } finally {
      this.#isRunning = false;
    }
  }
}

function workContext(context: ShardContext): SqlContext {
  const { streamName, streamArn, streamIdentifier, shardId, leaseKey, initialCheckpoint } = context;
  const { pendingCheckpoint, pendingCheckpointState, fencingToken, signal } = context;
  return {
    ...{ streamName, streamArn, streamIdentifier, shardId, leaseKey, initialCheckpoint },
    ...{ pendingCheckpoint, pendingCheckpointState, fencingToken, signal },
    restart: (reason) => context.restart(reason),
  };
}
