/**
 * The operations of DynamoDB on single items: read, and written on conditions. Each is done as a whole.
 *
 * @module
 */

import type { Item } from "../../../aws/dynamodb.ts";
import { ApiError, invalid } from "../api_error.ts";
import { checkedItem } from "./attribute_values.ts";
import { holds } from "./condition_evaluation.ts";
import type { EmulatedTable, EmulatedTables } from "./tables.ts";
import type { Condition } from "./expression_syntax.ts";
import type { Input } from "../input.ts";
import type { Operations } from "../operation.ts";
import { expressionsOf } from "./request_expressions.ts";
import { namesOf } from "./table_definition.ts";
import { projected, updatedItem } from "./update_evaluation.ts";

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
      const table = tables.usable(input);
      const { condition } = expressionsOf(input);
      const values = returnValues(input, ["NONE", "ALL_OLD"]);
      const item = checkedItem(input.requiredMap("Item").values);
      const before = checkedCondition(table, table.keyText(item), condition, input);
      table.put(item);
      return values === "ALL_OLD" && before !== undefined ? { Attributes: before } : {};
    },

    UpdateItem({ input }) {
      const table = tables.usable(input);
      const { condition, changes = [] } = expressionsOf(input);
      const values = returnValues(input, ["NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"]);
      const key = table.checkedKey(checkedItem(input.requiredMap("Key").values));
      const touched = changes.find(({ path: [name] }) => namesOf(table.key).includes(name));
      if (touched !== undefined) {
        throw invalid(
          `One or more parameter values were invalid: Cannot update attribute ${
            touched.path[0]
          }. This attribute is part of the key`,
        );
      }
      const before = checkedCondition(table, table.keyText(key), condition, input);
      const after = updatedItem(changes, before ?? key);
      table.put(after);
      const paths = changes.map(({ path }) => path);
      switch (values) {
        case "ALL_OLD":
          return before === undefined ? {} : { Attributes: before };
        case "UPDATED_OLD":
          return before === undefined ? {} : { Attributes: projected(paths, before) };
        case "ALL_NEW":
          return { Attributes: after };
        case "UPDATED_NEW":
          return { Attributes: projected(paths, after) };
        default:
          return {};
      }
    },

    DeleteItem({ input }) {
      const table = tables.usable(input);
      const { condition } = expressionsOf(input);
      const values = returnValues(input, ["NONE", "ALL_OLD"]);
      const key = keyIn(table, input);
      const before = checkedCondition(table, key, condition, input);
      table.delete(key);
      return values === "ALL_OLD" && before !== undefined ? { Attributes: before } : {};
    },
  };
}

/** The item as it is, when the condition holds. @throws {ApiError} otherwise. */
function checkedCondition(
  table: EmulatedTable,
  key: string,
  condition: Condition | undefined,
  input: Input,
): Item | undefined {
  const item = table.get(key);
  if (condition === undefined || holds(condition, item ?? {})) return item;
  const isShown = input.text("ReturnValuesOnConditionCheckFailure") === "ALL_OLD" && item !== undefined;
  throw new ApiError("ConditionalCheckFailedException", "The conditional request failed", {
    members: isShown ? { Item: item } : {},
  });
}

function keyIn(table: EmulatedTable, input: Input): string {
  return table.keyText(table.checkedKey(checkedItem(input.requiredMap("Key").values)));
}

function returnValues(input: Input, allowed: readonly string[]): string {
  const value = input.text("ReturnValues") ?? "NONE";
  if (allowed.includes(value)) return value;
  throw invalid("Return values set to invalid value");
}
