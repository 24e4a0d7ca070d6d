/**
 * Exactly once into DynamoDB: what `ShardContext.transact` takes and throws, and `marshall()`.
 *
 * @module
 */

export { TransactionFailedError, TransactionRefusedError, type TransactRefusal } from "./transact_errors.ts";
export { marshall } from "./marshall.ts";
export { type Transactions, transactions } from "./transactions.ts";
export type {
  TransactConditionCheck,
  TransactDelete,
  TransactItem,
  TransactPut,
  TransactTarget,
  TransactUpdate,
  TransactValue,
  TransactWrite,
} from "./transact_write.ts";
