/**
 * The operations of DynamoDB on single items: read, and written on conditions. Each is done as a whole.
 *
 * @module
 */

import { invalid } from "../api_error.ts";
import type { Input } from "../input.ts";
import type { Operations } from "../operation.ts";
import { deleteOf, itemBefore, keyIn, putOf, store, updateOf } from "./item_writes.ts";
import { expressionsOf } from "./request_expressions.ts";
import type { EmulatedTables } from "./tables.ts";
import { projected } from "./update_evaluation.ts";

/** The operations, over some tables. */
export function itemOperations(tables: EmulatedTables): Operations {
  return {
    GetItem({ input }) {
      const table = tables.usable(input);
      const { paths } = expressionsOf(input);
      const item = table.get(keyIn(table, input));
      if (item === undefined) return {};
      return { Item: paths === undefined ? item : projected(paths, item) };
    },

    PutItem({ input }) {
      const write = putOf(tables.usable(input), input);
      const values = returnValues(input, ["NONE", "ALL_OLD"]);
      const before = itemBefore(write, input);
      store(write, write.result(before));
      return values === "ALL_OLD" && before !== undefined ? { Attributes: before } : {};
    },

    UpdateItem({ input }) {
      const write = updateOf(tables.usable(input), input);
      const values = returnValues(input, ["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"]);
      const before = itemBefore(write, input);
      const after = write.result(before);
      store(write, after);
      const paths = write.changes.map(({ path }) => path);
      switch (values) {
        case "ALL_OLD":
          return before === undefined ? {} : { Attributes: before };
        case "UPDATED_OLD":
          return before === undefined ? {} : { Attributes: projected(paths, before) };
        case "ALL_NEW":
          return { Attributes: after };
        case "UPDATED_NEW":
          return { Attributes: projected(paths, after ?? {}) };
        default:
          return {};
      }
    },

    DeleteItem({ input }) {
      const write = deleteOf(tables.usable(input), input);
      const values = returnValues(input, ["NONE", "ALL_OLD"]);
      const before = itemBefore(write, input);
      store(write, undefined);
      return values === "ALL_OLD" && before !== undefined ? { Attributes: before } : {};
    },
  };
}

function returnValues(input: Input, allowed: readonly string[]): string {
  const value = input.text("ReturnValues") ?? "NONE";
  if (allowed.includes(value)) return value;
  throw invalid("Return values set to invalid value");
}
