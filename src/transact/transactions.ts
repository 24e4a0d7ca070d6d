/**
 * Transactions as an option, so that a bundle without them does not carry them.
 *
 * @module
 */

import { transact } from "./transact.ts";

/** What `context.transact` needs. What is in it is ours alone. */
export interface Transactions {
  /** Its kind. */
  readonly type: "transactions";
}

/** What is in it. */
export interface TransactionParts extends Transactions {
  readonly transact: typeof transact;
}

const parts: TransactionParts = { type: "transactions", transact };

/**
 * The option `transactions` of an `EdgeWorker` of `@kclite/kclite/edge`: set it where a processor calls
 * `context.transact`. A `KinesisWorker` needs none.
 */
export const transactions: Transactions = parts;
