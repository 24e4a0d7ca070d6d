/**
 * `ShardContext.transact`: writes of the user and the checkpoint, all or nothing. Loaded when it is first
 * called.
 *
 * What can go wrong is an answer that is lost. The lease's counter shows what happened: each write to the
 * lease moves it by one, on the condition of its old value. So a renewal after a lost answer finds out.
 * Either it is applied, and the transaction never will be; or it is refused, and the lease shows the new
 * checkpoint.
 *
 * While a transaction waits for another try, renewals go on.
 *
 * @module
 */

import { backoffMs, retryDelayMs, type RetryPolicy } from "../aws/retry.ts";
import type { Checkpointer } from "../consumer/checkpointer.ts";
import type { AppliedBy, HeldLease, LeaseTurn } from "../consumer/held_lease.ts";
import type { TransactOptions } from "../consumer/record_processor.ts";
import { errorText, LeaseLostError, ProcessorRestartError } from "../errors.ts";
import { companionsOf } from "../lease/lease_store.ts";
import { renew } from "../lease/lease_write.ts";
import { compare, type ExtendedSequenceNumber, positionAt, textOf } from "../stream/sequence_number.ts";
import { randomUuid, type System } from "../system.ts";
import { failureOf, refusalText, type TransactFailure } from "./cancellation.ts";
import { storedError, TransactionFailedError, TransactionRefusedError } from "./transact_errors.ts";
import { afterCheckpoint, fencedCheckpoint } from "./lease_part.ts";
import { checkedWrites, type TransactWrite, type WritePart, writePart } from "./transact_write.ts";

/** The shard that a transaction is about. */
export interface TransactShard {
  readonly held: HeldLease;
  readonly checkpointer: Checkpointer;
  readonly system: Pick<System, "clock" | "random">;
  /** The lease table, if it is known. */
  readonly leaseTableArn: string | undefined;
}

/**
 * How often a transaction is tried that met another one, or too many calls. Between two attempts the lease is
 * renewed as ever. Ours: DynamoDB's transactions take some 10 ms.
 */
const RETRY_POLICY: RetryPolicy = {
  attempts: 12,
  throttledAttempts: 8,
  transientBaseMs: 20,
  throttledBaseMs: 200,
  maxDelayMs: 2000,
};

/** Sent again this often, under the same token, after an answer was lost. Then a renewal finds out. Ours. */
const MAX_SENT = 2;

/** See `ShardContext.transact`. */
export async function transact(
  { held, checkpointer, system, leaseTableArn }: TransactShard,
  writes: readonly TransactWrite[],
  { at }: TransactOptions = {},
): Promise<void> {
  const sent = checkedWrites(writes, leaseTableArn);
  const parts = sent.map(writePart);
  const position = typeof at === "string" ? positionAt(at) : at;
  await checkpointer.checkpoint(position, async (target, finishedAhead, isStored) => {
    if (sent.length === 0) return isStored ? undefined : await held.checkpoint(target, finishedAhead);
    if (isStored) throw storedError(held.shardId, target);
    const from = checkpointer.last;
    await new Transaction({ held, system, sent, parts, from, target, finishedAhead }).run();
  });
}

interface TransactionOptions extends Pick<TransactShard, "held" | "system"> {
  readonly sent: readonly object[];
  readonly parts: readonly WritePart[];
  /** The last checkpoint that the caller knows. */
  readonly from: ExtendedSequenceNumber;
  readonly target: ExtendedSequenceNumber;
  readonly finishedAhead: string | undefined;
}

/** An attempt that was surely not applied. */
interface Refused {
  readonly error: unknown;
  readonly failure: TransactFailure;
}

class Transaction {
  readonly #options: TransactionOptions;

  constructor(options: TransactionOptions) {
    this.#options = options;
  }

  /** Resolves when it is applied. */
  async run(): Promise<void> {
    const { held, system: { clock, random } } = this.#options;
    for (let attempt = 1;; attempt++) {
      let refused: Refused | undefined;
      try {
        await held.inTurn(async (turn) => void (refused = await this.#attempt(turn)));
      } catch (error) {
        held.lost.throwIfAborted();
        throw error instanceof LeaseLostError || error instanceof ProcessorRestartError
          ? error
          : this.#failed(error);
      }
      if (refused === undefined) return;
      const { failure, error } = refused as Refused;
      const delayMs = failure.type === "retry"
        ? retryDelayMs({ policy: RETRY_POLICY, verdict: failure.verdict, attempt, chance: random() })
        : undefined;
      if (delayMs === undefined) throw this.#final(failure, error);
      await clock.sleep(delayMs, held.lost);
    }
  }

  /** One attempt, in turn. @returns undefined when it was applied. */
  async #attempt(turn: LeaseTurn): Promise<Refused | undefined> {
    const { held, target, from, finishedAhead } = this.#options;
    // What an earlier write did must be known first: else it could be taken for this one.
    if (turn.isUnsure()) await turn.write((lease) => renew(lease));
    if (compare(held.lease.checkpoint, from) !== 0) throw movedError(held, from);
    let refused: Refused | undefined;
    const by: AppliedBy = async (write, lease, store, signal) => {
      const token = randomUuid(this.#options.system.random);
      const companions = { writes: this.#options.sent, token };
      const send = () => companionsOf(store)(write, companions, signal);
      const answer = await this.#send(send, signal);
      if ("failure" in answer) {
        refused = answer;
        return undefined;
      }
      return answer.applied ? { applied: true, lease: afterCheckpoint(lease, write) } : answer;
    };
    try {
      await turn.write((lease) => {
        if (this.#isApplied()) throw new Applied();
        return fencedCheckpoint(lease, target, finishedAhead);
      }, by);
    } catch (error) {
      if (error instanceof Applied) return undefined;
      if (held.lost.aborted || !turn.isUnsure()) throw error;
      await turn.write((lease) => renew(lease));
      if (this.#isApplied()) return undefined;
      // The renewal has moved the counter: whatever is still under way will be refused.
      const failure = failureOf(error, this.#options.parts);
      refused = { error, failure: failure.type === "unsure" ? LOST : failure };
    }
    return refused;
  }

  /** Sends it, again if the answer was lost. @throws when it is not known what became of it. */
  async #send<T extends object>(send: () => Promise<T>, signal: AbortSignal): Promise<T | Refused> {
    const { system: { clock, random }, parts } = this.#options;
    for (let times = 1;; times++) {
      try {
        return await send();
      } catch (error) {
        if (signal.aborted) throw error;
        const failure = failureOf(error, parts);
        // An earlier attempt may still be under way.
        if (failure.type !== "unsure" && times === 1) return { error, failure };
        if (failure.type !== "unsure" || times >= MAX_SENT) throw error;
        const { transientBaseMs: baseMs, maxDelayMs: maxMs } = RETRY_POLICY;
        await clock.sleep(backoffMs({ attempt: times, baseMs, maxMs, chance: random() }), signal);
      }
    }
  }

  /** Nothing else has moved the checkpoint of the lease since this began. */
  #isApplied(): boolean {
    return compare(this.#options.held.lease.checkpoint, this.#options.from) !== 0;
  }

  #final(failure: TransactFailure, error: unknown): Error {
    const { held: { shardId }, parts } = this.#options;
    if (failure.type !== "refused") return this.#failed(error);
    const { refusals } = failure;
    const why = refusals.length === 0 ? errorText(error) : refusalText(refusals, parts.length);
    return new TransactionRefusedError(`Cannot transact shard ${shardId}: ${why}`, refusals, {
      cause: error,
    });
  }

  #failed(error: unknown): Error {
    const { held: { shardId } } = this.#options;
    if (error instanceof TypeError) return error; // a store that cannot transact
    return new TransactionFailedError(
      `Cannot transact shard ${shardId}: ${
        errorText(error)
      }: its processor starts again from the stored checkpoint`,
      { cause: error },
    );
  }
}

/** A transaction whose answer was lost and that was surely not applied may be sent again. */
const LOST: TransactFailure = { type: "retry", verdict: "transient" };

/** It turned out that it had been applied. */
class Applied extends Error {}

function movedError({ shardId, lease }: HeldLease, from: ExtendedSequenceNumber): ProcessorRestartError {
  return new TransactionFailedError(
    `Cannot transact shard ${shardId}: expected its checkpoint at ${textOf(from)}: got ${
      textOf(lease.checkpoint)
    }, ` +
      "by an earlier call whose answer was lost: its processor starts again from there",
  );
}
