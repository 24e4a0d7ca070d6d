/**
 * What a processor knows of its shard, and how it checkpoints.
 *
 * @module
 */

import type { LeaseStore } from "../lease/lease_store.ts";
import type { System } from "../system.ts";
import type { transact } from "../transact/transact.ts";
import type { Checkpointer } from "./checkpointer.ts";
import type { HeldLease } from "./held_lease.ts";
import type { ShardContext, ShardStream } from "./record_processor.ts";

/** Loads what `ShardContext.transact` does: few programs need it. */
export type LoadTransact = () => Promise<typeof transact>;

/** What a context is made of. */
export interface ShardContextOptions {
  readonly held: HeldLease;
  readonly stream: ShardStream;
  readonly leaseStore: Pick<LeaseStore, "tableArn">;
  readonly loadTransact: LoadTransact | undefined;
  readonly checkpointer: Checkpointer;
  /** Aborts when the processor asks for a fresh one. */
  readonly failure: AbortController;
  readonly system: System;
}

/**
 * The context of the processor that begins now. It gets the lease's checkpoint of this moment, and reading
 * starts there. The lease may move on meanwhile, when a lost answer turns out to have been applied.
 */
export function shardContext(options: ShardContextOptions): ShardContext {
  const { held, stream, leaseStore, loadTransact, checkpointer, failure, system } = options;
  const { leaseKey, shardId, fencingToken: token } = held;
  const { checkpoint, pendingCheckpoint, pendingCheckpointState } = held.lease;
  return {
    leaseKey,
    shardId,
    ...stream,
    initialCheckpoint: checkpoint,
    pendingCheckpoint,
    pendingCheckpointState,
    fencingToken: { leaseKey, token },
    signal: held.callbackSignal ?? held.lost,
    checkpoint: (at) => checkpointer.checkpoint(at),
    prepareCheckpoint: (at, state) => checkpointer.prepare(at, state),
    async transact(writes, given) {
      if (loadTransact === undefined) throw new TypeError(NO_TRANSACT);
      const transact = await loadTransact();
      const { tableArn: leaseTableArn } = leaseStore;
      await transact({ held, checkpointer, system, leaseTableArn }, writes, given);
    },
    restart: (reason: unknown) => failure.abort(reason),
  };
}

const NO_TRANSACT =
  "Cannot transact: expected the option transactions of an EdgeWorker: got none: set transactions: transactions, " +
  'with import { transactions } from "@kclite/kclite/transact"';
