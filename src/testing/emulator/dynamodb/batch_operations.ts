/**
 * BatchWriteItem and BatchGetItem: many items of several tables, each for itself. All is checked before
 * anything is done; what an answer has no room for, or a fault leaves, comes back as UnprocessedItems and
 * UnprocessedKeys.
 *
 * Source: DynamoDB API reference, BatchWriteItem and BatchGetItem.
 *
 * @module
 */

import type { Item } from "../../../aws/dynamodb.ts";
import { type ApiError, constraintError, invalid } from "../api_error.ts";
import type { AwsFault } from "../aws_faults.ts";
import type { Input } from "../input.ts";
import type { Operations } from "../operation.ts";
import { checkedItem, itemBytes } from "./attribute_values.ts";
import { deleteOf, type ItemWrite, putOf, store } from "./item_writes.ts";
import { expressionsOf } from "./request_expressions.ts";
import type { EmulatedTable, EmulatedTables } from "./tables.ts";
import { projected } from "./update_evaluation.ts";

/** DynamoDB API reference: the most of one call. */
const MAX_WRITES = 25, MAX_KEYS = 100, MAX_BYTES = 16 * 1024 ** 2;

/** The operations, over some tables. */
export function batchOperations(tables: EmulatedTables): Operations {
  return {
    BatchWriteItem({ input, fault }) {
      const requests = tablesIn(input).flatMap(([name, lists]) => {
        const list = lists.maps(name);
        if (list.length < 1 || list.length > MAX_WRITES) throw wrongLength(MAX_WRITES);
        return list.map((request) => ({ name, request }));
      });
      if (requests.length > MAX_WRITES) throw tooMany("BatchWriteItem");
      const writes = requests.map(({ name, request }) => ({
        name,
        request,
        write: writeOf(tables.usableOf(name), request),
      }));
      refuseDuplicates(writes.map(({ write }) => write));
      const done = leaving(fault, writes.length);
      writes.slice(0, done).forEach(({ write }) => store(write, write.result(undefined)));
      return { UnprocessedItems: grouped(writes.slice(done), ({ name, request }) => [name, request.values]) };
    },

    BatchGetItem({ input, fault }) {
      const wanted = tablesIn(input).flatMap(([name, all]) => {
        const request = all.requiredMap(name);
        const keys = request.maps("Keys");
        if (keys.length < 1 || keys.length > MAX_KEYS) throw wrongLength(MAX_KEYS);
        const table = tables.usableOf(name);
        const { paths } = expressionsOf(request);
        return keys.map(({ values }) => {
          const key = table.keyText(table.checkedKey(checkedItem(values)));
          return { name, request, table, key, paths, values };
        });
      });
      if (wanted.length > MAX_KEYS) throw tooMany("BatchGetItem");
      refuseDuplicates(wanted);
      const found: { readonly name: string; readonly item: Item }[] = [];
      const most = leaving(fault, wanted.length);
      let done = 0, bytes = 0;
      for (; done < most; done++) {
        const { name, table, key, paths } = wanted[done] ?? {};
        if (name === undefined || table === undefined || key === undefined) break;
        const item = table.get(key);
        if (item === undefined) continue;
        bytes += itemBytes(item);
        if (bytes > MAX_BYTES) break;
        found.push({ name, item: paths === undefined ? item : projected(paths, item) });
      }
      const names = Object.fromEntries(wanted.map(({ name }) => [name, []]));
      return {
        Responses: { ...names, ...grouped(found, ({ name, item }) => [name, item]) },
        UnprocessedKeys: unprocessedKeys(wanted.slice(done)),
      };
    },
  };
}

/** The tables of a request, each with the input that has its part as a member. */
function tablesIn(input: Input): readonly (readonly [string, Input])[] {
  const all = input.requiredMap("RequestItems");
  const names = Object.keys(all.values);
  if (names.length > 0) return names.map((name) => [name, all]);
  throw constraintError("{}", "requestItems", "Member must have length greater than or equal to 1");
}

function writeOf(table: EmulatedTable, request: Input): ItemWrite {
  const put = request.map("PutRequest"), deletion = request.map("DeleteRequest");
  if (put !== undefined && deletion === undefined) return putOf(table, put);
  if (deletion !== undefined && put === undefined) return deleteOf(table, deletion);
  throw invalid(
    put === undefined
      ? "Supplied WriteRequest is empty, must contain exactly one of PutRequest or DeleteRequest"
      : "Supplied WriteRequest has more than one operation set, must contain exactly one of PutRequest or DeleteRequest",
  );
}

function refuseDuplicates(places: readonly Pick<ItemWrite, "table" | "key">[]): void {
  const distinct = new Set(places.map(({ table, key }) => `${table.name} ${key}`));
  if (distinct.size < places.length) throw invalid("Provided list of item keys contains duplicates");
}

/** How many of all are done: a fault leaves some out, from the end. */
function leaving(fault: AwsFault | undefined, count: number): number {
  return fault?.type === "unprocessed" ? Math.max(0, count - (fault.count ?? 1)) : count;
}

function unprocessedKeys(
  left: readonly { readonly name: string; readonly request: Input; readonly values: unknown }[],
): Readonly<Record<string, unknown>> {
  const keys = grouped(left, ({ name, values }) => [name, values]);
  return Object.fromEntries(
    left.map(({ name, request }) => [name, { ...request.values, Keys: keys[name] }]),
  );
}

function grouped<T>(
  all: readonly T[],
  entryOf: (one: T) => readonly [string, unknown],
): Readonly<Record<string, readonly unknown[]>> {
  const groups = Map.groupBy(all.map(entryOf), ([name]) => name);
  return Object.fromEntries([...groups].map(([name, entries]) => [name, entries.map(([, value]) => value)]));
}

function wrongLength(most: number): ApiError {
  return invalid(
    "1 validation error detected: Value at 'requestItems' failed to satisfy constraint: Map value must satisfy constraint: " +
      `[Member must have length less than or equal to ${most}, Member must have length greater than or equal to 1]`,
  );
}

function tooMany(operation: string): ApiError {
  return invalid(`Too many items requested for the ${operation} call`);
}
