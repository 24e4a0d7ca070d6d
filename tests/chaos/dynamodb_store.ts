/**
 * Counters in a table of the emulator, beside the leases: requests for both go through the same network.
 *
 * @module
 */

import { simulatedAws } from "../../src/testing/mod.ts";
import { counterSums, verdictOf } from "./counters.ts";
import type { ResultsStore } from "./results_store.ts";

/** Of the emulator, with the key `id`. */
export const TABLE = "chaos-results";

/** @param aws Where the workers have their lease table. */
export function dynamodbStore(aws: ReturnType<typeof simulatedAws>): ResultsStore {
  const operation = "TransactWriteItems";
  const fails = (...faults: readonly Parameters<typeof aws.faults.next>[1][]) => () => {
    for (const fault of faults) aws.faults.next(operation, { ...fault, times: Infinity });
    return () => aws.faults.clear(operation);
  };
  return {
    name: "DynamoDB (the emulator)",
    processor: new URL("transact_counter.ts", import.meta.url),
    env: { CHAOS_TABLE: TABLE },
    proxies: [],
    acts: {
      // The table is written to, and the worker cannot read so.
      lostAnswers: fails(
        { type: "truncated", probability: 0.3 },
        { type: "wrongChecksum", probability: 0.3 },
      ),
      conflicts: fails(
        { type: "cancelled", part: 0, probability: 0.2 },
        { type: "cancelled", part: 1, probability: 0.2 },
        { type: "throttled", code: "ThrottlingException", probability: 0.1 },
        { type: "internal", probability: 0.1 },
      ),
    },
    judge: async ({ put, closedShards }) => {
      const counters = new Map(
        aws.table(TABLE).items().map(({ id, amount }) => [textOf(id), Number(textOf(amount))]),
      );
      const sums = counterSums(put, closedShards, counters);
      return verdictOf(sums, { faultsOfTransactions: aws.faults.met(operation) });
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** The only value of `{ S: "text" }` or `{ N: "1" }`. */
function textOf(value: object | undefined): string {
  return String(Object.values(value ?? {})[0]);
}
