/**
 * A write to one item as a value: which item, on which condition, and with which result. PutItem, UpdateItem,
 * DeleteItem and their relatives in batches and transactions all use it. So each reads the same members in
 * the same way.
 *
 * @module
 */

import type { Item } from "../../../aws/dynamodb.ts";
import { ApiError, invalid } from "../api_error.ts";
import type { Input } from "../input.ts";
import { checkedItem } from "./attribute_values.ts";
import { holds } from "./condition_evaluation.ts";
import type { Change, Condition } from "./expression_syntax.ts";
import { expressionsOf } from "./request_expressions.ts";
import { namesOf } from "./table_definition.ts";
import type { EmulatedTable } from "./tables.ts";
import { updatedItem } from "./update_evaluation.ts";

/** A write that was read, and not yet done. */
export interface ItemWrite {
  readonly table: EmulatedTable;
  /** The key of the item as one text. */
  readonly key: string;
  readonly condition: Condition | undefined;
  /** What an update changes; otherwise none. */
  readonly changes: readonly Change[];
  /** The item that the write leaves; undefined: none. @throws {ApiError} when it cannot be. */
  readonly result: (before: Item | undefined) => Item | undefined;
}

/** Reads a member such as `Key` of a request. @returns the key as one text. */
export function keyIn(table: EmulatedTable, input: Input): string {
  return table.keyText(table.checkedKey(checkedItem(input.requiredMap("Key").values)));
}

/** Of an input as PutItem has it. */
export function putOf(table: EmulatedTable, input: Input): ItemWrite {
  const { condition } = expressionsOf(input);
  const item = table.checkedItem(checkedItem(input.requiredMap("Item").values));
  return { table, key: table.keyText(item), condition, changes: [], result: () => item };
}

/** Of an input as UpdateItem has it. */
export function updateOf(table: EmulatedTable, input: Input): ItemWrite {
  const { condition, changes = [] } = expressionsOf(input);
  const key = table.checkedKey(checkedItem(input.requiredMap("Key").values));
  const touched = changes.find(({ path: [name] }) => namesOf(table.key).includes(name));
  if (touched !== undefined) {
    throw invalid(
      `One or more parameter values were invalid: Cannot update attribute ${
        touched.path[0]
      }. This attribute is part of the key`,
    );
  }
  const result = (before: Item | undefined) => table.checkedItem(updatedItem(changes, before ?? key));
  return { table, key: table.keyText(key), condition, changes, result };
}

/** Of an input as DeleteItem has it. */
export function deleteOf(table: EmulatedTable, input: Input): ItemWrite {
  const { condition } = expressionsOf(input);
  return { table, key: keyIn(table, input), condition, changes: [], result: () => undefined };
}

/** Of a ConditionCheck of a transaction: it leaves what there is. */
export function checkOf(table: EmulatedTable, input: Input): ItemWrite {
  const { condition } = expressionsOf(input);
  return { table, key: keyIn(table, input), condition, changes: [], result: (before) => before };
}

/** The item as it is, when the condition holds. @throws {ApiError} otherwise. */
export function itemBefore({ table, key, condition }: ItemWrite, input: Input): Item | undefined {
  const item = table.get(key);
  if (condition === undefined || holds(condition, item ?? {})) return item;
  const isShown = input.text("ReturnValuesOnConditionCheckFailure") === "ALL_OLD" && item !== undefined;
  throw new ApiError("ConditionalCheckFailedException", "The conditional request failed", {
    members: isShown ? { Item: item } : {},
  });
}

/** Leaves what a write leaves. @param after Of its `result`. */
export function store({ table, key }: ItemWrite, after: Item | undefined): void {
  if (after === undefined) table.delete(key);
  else table.put(after);
}
