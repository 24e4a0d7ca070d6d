// Pure.
/**
 * The errors of transactions that a program may want to catch.
 *
 * @module
 */

import { ProcessorRestartError } from "../errors.ts";
import { type ExtendedSequenceNumber, textOf } from "../stream/sequence_number.ts";

/** Why one write of a transaction was refused. */
export interface TransactRefusal {
  /** Which of the writes it is, from 0. */
  readonly index: number;
  /** `Put`, `Update`, `Delete` or `ConditionCheck`. */
  readonly kind: string;
  /** The table, as the write names it. */
  readonly tableName: string;
  /** As DynamoDB names it, such as `ConditionalCheckFailed` or `ValidationError`. */
  readonly code: string;
  /** DynamoDB's own words. */
  readonly message: string;
  /** The item that was in the way, where the write asked for it: `ReturnValuesOnConditionCheckFailure`. */
  readonly item: Readonly<Record<string, unknown>> | undefined;
}

/**
 * DynamoDB refused a transaction for its writes: a condition of yours does not hold, or a write does not fit
 * its table. Nothing is stored, the checkpoint neither. The same transaction would be refused again.
 *
 * What to do: look at `refusals`. Leave out what is stored already, or throw it on: then the error policy
 * decides what becomes of the batch.
 */
export class TransactionRefusedError extends Error {
  /** The class's name. */
  override readonly name = "TransactionRefusedError";
  /** The writes that were refused. Empty when DynamoDB refused the request as a whole. */
  readonly refusals: readonly TransactRefusal[];

  /** Makes one. */
  constructor(message: string, refusals: readonly TransactRefusal[], options?: ErrorOptions) {
    super(message, options);
    this.refusals = refusals;
  }
}

/**
 * A transaction could not be made: no permission, no such table, or no answer for too long. The processor
 * starts again from the stored checkpoint, so that nothing is passed over, whatever `onProcessError` says.
 *
 * What to do: let it pass. The cause says what to mend.
 */
export class TransactionFailedError extends ProcessorRestartError {
  /** The class's name. */
  override readonly name = "TransactionFailedError";
}

/** For a second transaction of one position. */
export function storedError(shardId: string, at: ExtendedSequenceNumber): RangeError {
  return new RangeError(
    `Cannot transact shard ${shardId}: expected a position behind the last checkpoint: got ${
      textOf(at)
    }, which ` +
      "is stored already: a crash between two transactions of one position would lose the second one: " +
      "put their writes together, or give each a record of its own as `at`",
  );
}
