/**
 * The operations of DynamoDB that list items: Scan and Query, page by page.
 *
 * Everything is strongly consistent: what is read eventually at AWS, scans and indexes, is up to date here.
 *
 * @module
 */

import { ownValue } from "../../../own_value.ts";
import type { Item } from "../../../aws/dynamodb.ts";
import { hashOf } from "../../model/chance.ts";
import { invalid } from "../api_error.ts";
import { checkedItem, itemBytes, orderOf } from "./attribute_values.ts";
import { holds } from "./condition_evaluation.ts";
import { type EmulatedTable, type EmulatedTables, isIn, type TableIndex } from "./tables.ts";
import type { Condition } from "./expression_syntax.ts";
import type { Input } from "../input.ts";
import type { Operations } from "../operation.ts";
import { type Expressions, expressionsOf } from "./request_expressions.ts";
import { type KeySchema, namesOf } from "./table_definition.ts";
import { projected } from "./update_evaluation.ts";

/** DynamoDB API reference, Scan and Query: the most bytes that one page looks at. */
const MAX_PAGE_BYTES = 1024 ** 2;

/** The operations, over some tables. */
export function listingOperations(tables: EmulatedTables): Operations {
  return {
    Scan({ input }) {
      const table = tables.usable(input);
      const index = indexIn(table, input);
      const segments = input.integer("TotalSegments", 1, 1_000_000) ?? 1;
      const segment = input.integer("Segment", 0, segments - 1) ?? 0;
      // Once for each item, and not for each comparison of two.
      const places = new Map(table.items().map((item) => [item, placeOf(table, item)]));
      const items = [...places].filter(([, place]) => place % segments === segment).map(([item]) => item);
      return pageOf({
        table,
        index,
        input,
        items,
        expressions: expressionsOf(input),
        order: scanOrder(table, places),
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

/** What a page is made from. */
interface PageRequest {
  readonly table: EmulatedTable;
  readonly index: TableIndex | undefined;
  readonly input: Input;
  readonly expressions: Expressions;
  /** All that are asked for. */
  readonly items: readonly Item[];
  /** Orders items by their keys alone, so that a page may start behind an item that was deleted. */
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
    ...consumed(table, input, bytes),
  };
}

/** DynamoDB: half a read unit for each 4 KiB that is read eventually consistent. */
function consumed(table: EmulatedTable, input: Input, bytes: number): object {
  const wanted = input.text("ReturnConsumedCapacity") ?? "NONE";
  if (wanted === "NONE") return {};
  const units = Math.max(1, Math.ceil(bytes / 4096)) * (input.boolean("ConsistentRead") === true ? 1 : 0.5);
  return { ConsumedCapacity: { TableName: table.name, CapacityUnits: units } };
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

/** @param places Of the items that are known. */
function scanOrder(table: EmulatedTable, places: ReadonlyMap<Item, number>): Order {
  const place = (item: Item) => places.get(item) ?? placeOf(table, item);
  return (a, b) => place(a) - place(b) || textOrder(table, a, b);
}

function queryOrder(table: EmulatedTable, { range }: KeySchema): Order {
  return (a, b) =>
    (range === undefined ? 0 : orderOf(ownValue(a, range), ownValue(b, range)) ?? 0) ||
    textOrder(table, a, b);
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
