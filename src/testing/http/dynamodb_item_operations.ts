/**
 * The operations of DynamoDB on items: read, written on conditions, scanned and queried. Each is done as a whole.
 *
 * Everything is strongly consistent: what is read eventually at AWS, scans and indexes, is up to date here.
 *
 * @module
 */

import type { Item } from "../../aws/dynamodb.ts";
import { hashOf } from "../chance.ts";
import { ApiError, invalid } from "./api_error.ts";
import { parseCondition } from "./condition_parser.ts";
import { checkedItem, itemBytes, orderOf } from "./attribute_values.ts";
import {
  type EmulatedTable,
  type EmulatedTables,
  isIn,
  type KeySchema,
  namesOf,
  type TableIndex,
} from "./dynamodb_tables.ts";
import { holds, projected, updatedItem } from "./expression_evaluation.ts";
import type { ExpressionSource } from "./expression_cursor.ts";
import { parseProjection, parseUpdate } from "./update_parser.ts";
import { type Change, type Condition, type Path, Placeholders } from "./expression_syntax.ts";
import type { Input } from "./input.ts";
import { legacyChanges, legacyCondition } from "./legacy_conditions.ts";
import type { Operations } from "./operation.ts";

/** DynamoDB API reference, Scan and Query: the most bytes that one page looks at. */
const MAX_PAGE_BYTES = 1024 ** 2;

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

    Scan({ input }) {
      const table = tables.usable(input);
      const index = indexIn(table, input);
      const segments = input.integer("TotalSegments", 1, 1_000_000) ?? 1;
      const segment = input.integer("Segment", 0, segments - 1) ?? 0;
      const items = table.items().filter((item) => placeOf(table, item) % segments === segment);
      return pageOf({
        table,
        index,
        input,
        items,
        expressions: expressionsOf(input),
        order: scanOrder(table),
      });
    },

    Query({ input }) {
      const table = tables.usable(input);
      const index = indexIn(table, input);
      const expressions = expressionsOf(input);
      const { keyCondition } = expressions;
      if (keyCondition === undefined) {
        throw invalid(
          "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
        );
      }
      const key = index?.key ?? table.key;
      checkKeyCondition(keyCondition, key);
      const items = table.items().filter((item) => holds(keyCondition, item));
      const forward = queryOrder(table, key);
      const isForward = input.boolean("ScanIndexForward") ?? true;
      return pageOf({
        table,
        index,
        input,
        items,
        expressions,
        order: isForward ? forward : (a, b) => forward(b, a),
      });
    },
  };
}

/** The expressions of a request. */
interface Expressions {
  readonly condition: Condition | undefined;
  readonly filter: Condition | undefined;
  readonly keyCondition: Condition | undefined;
  readonly changes: readonly Change[] | undefined;
  readonly paths: readonly Path[] | undefined;
}

const EXPRESSIONS = [
  "ConditionExpression",
  "FilterExpression",
  "KeyConditionExpression",
  "UpdateExpression",
  "ProjectionExpression",
] as const;

function expressionsOf(input: Input): Expressions {
  const has = EXPRESSIONS.some((name) => input.has(name));
  const legacy = ["Expected", "AttributeUpdates"].find((name) => input.has(name));
  if (has && legacy !== undefined) {
    throw invalid(
      `Can not use both expression and non-expression parameters in the same request: Non-expression parameters: {${legacy}}`,
    );
  }
  const placeholders = new Placeholders(input, has);
  const read = <T>(
    what: typeof EXPRESSIONS[number],
    parse: (source: ExpressionSource) => T,
  ): T | undefined => {
    const expression = input.text(what);
    return expression === undefined ? undefined : parse({ expression, what, placeholders });
  };
  const expressions = {
    condition: read("ConditionExpression", parseCondition) ?? legacyCondition(input),
    filter: read("FilterExpression", parseCondition),
    keyCondition: read("KeyConditionExpression", parseCondition),
    changes: read("UpdateExpression", parseUpdate) ?? legacyChanges(input),
    paths: read("ProjectionExpression", parseProjection),
  };
  placeholders.checkAllUsed();
  return expressions;
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

function indexIn(table: EmulatedTable, input: Input): TableIndex | undefined {
  const name = input.text("IndexName");
  if (name === undefined) return undefined;
  const index = table.indexes.get(name);
  if (index === undefined || index.life.isGone) {
    throw invalid(`The table does not have the specified index: ${name}`);
  }
  if (index.life.status === "CREATING") {
    throw invalid(`Cannot read from backfilling global secondary index: ${name}`);
  }
  if (input.boolean("ConsistentRead") === true) {
    throw invalid("Consistent reads are not supported on global secondary indexes");
  }
  return index;
}

/** What a page is made from. */
interface PageRequest {
  readonly table: EmulatedTable;
  readonly index: TableIndex | undefined;
  readonly input: Input;
  readonly expressions: Expressions;
  /** All that are asked for. */
  readonly items: readonly Item[];
  /** Which comes first, told from keys alone, so that a page may start behind an item that is gone. */
  readonly order: Order;
}

type Order = (a: Item, b: Item) => number;

function pageOf({ table, index, input, expressions: { filter, paths }, items, order }: PageRequest): unknown {
  const limit = input.integer("Limit", 1, Number.MAX_SAFE_INTEGER) ?? Infinity;
  const start = input.map("ExclusiveStartKey");
  const startKey = start === undefined ? undefined : checkedItem(start.values);
  const all = items.filter((item) =>
    (index === undefined || isIn(index, item)) && (startKey === undefined || order(item, startKey) > 0)
  ).toSorted(order);
  const seen: Item[] = [];
  let bytes = 0;
  for (const item of all) {
    if (seen.length >= limit || bytes >= MAX_PAGE_BYTES) break;
    bytes += itemBytes(item);
    seen.push(item);
  }
  const last = seen.at(-1);
  const isOver = seen.length === all.length && seen.length < limit;
  const found = seen.map((item) => index === undefined ? item : indexItem(table, index, item))
    .filter((item) => filter === undefined || holds(filter, item));
  return {
    Count: found.length,
    ScannedCount: seen.length,
    ...(input.text("Select") === "COUNT"
      ? {}
      : { Items: paths === undefined ? found : found.map((item) => projected(paths, item)) }),
    ...(isOver || last === undefined ? {} : { LastEvaluatedKey: keysOf(table, index, last) }),
  };
}

function indexItem(table: EmulatedTable, index: TableIndex, item: Item): Item {
  if (index.projection === "ALL") return item;
  const names = [...namesOf(table.key), ...namesOf(index.key), ...index.projection];
  return Object.fromEntries(Object.entries(item).filter(([name]) => names.includes(name)));
}

function keysOf(table: EmulatedTable, index: TableIndex | undefined, item: Item): Item {
  const names = [...namesOf(table.key), ...(index === undefined ? [] : namesOf(index.key))];
  return Object.fromEntries(Object.entries(item).filter(([name]) => names.includes(name)));
}

/** Where an item lies in a scan: by a hash of its key, as at AWS. */
function placeOf(table: EmulatedTable, item: Item): number {
  return hashOf(table.keyText(item));
}

function scanOrder(table: EmulatedTable): Order {
  return (a, b) => placeOf(table, a) - placeOf(table, b) || textOrder(table, a, b);
}

function queryOrder(table: EmulatedTable, { range }: KeySchema): Order {
  return (a, b) => (range === undefined ? 0 : orderOf(a[range], b[range]) ?? 0) || textOrder(table, a, b);
}

function textOrder(table: EmulatedTable, a: Item, b: Item): number {
  const left = table.keyText(a), right = table.keyText(b);
  return left < right ? -1 : left > right ? 1 : 0;
}

/** A query must say which partition it is about, and may say something of the range key. */
function checkKeyCondition(condition: Condition, key: KeySchema): void {
  const parts = condition.type === "and" ? [condition.left, condition.right] : [condition];
  const about = parts.map((part) => {
    if (part.type === "compare" && part.left.type === "path" && part.by !== "<>") return part.left.path[0];
    if ((part.type === "between" || part.type === "beginsWith") && part.of.type === "path") {
      return part.of.path[0];
    }
    throw invalid("Invalid KeyConditionExpression: Invalid operator used in KeyConditionExpression");
  });
  const isHashEqual = parts.some((part, i) =>
    part.type === "compare" && part.by === "=" && about[i] === key.hash
  );
  if (!isHashEqual) throw invalid(`Query condition missed key schema element: ${key.hash}`);
  const other = about.find((name) => name !== key.hash);
  if (other !== undefined && other !== key.range) {
    throw invalid(`Query condition missed key schema element: ${key.range ?? key.hash}`);
  }
}
