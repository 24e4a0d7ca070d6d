// Pure.
/**
 * Checks what DynamoDB sends before it is used. Without that, a scan without `Items` would look like an empty
 * lease table, and the leases would be created again, at their initial positions.
 *
 * What an item's attributes mean is not known here; only that each has a type of DynamoDB and a value of that
 * kind.
 *
 * Source: the API reference of DynamoDB, `AttributeValue`.
 *
 * @module
 */

import {
  type Fields,
  fieldsOf,
  listIn,
  optionalListIn,
  optionalNumberIn,
  optionalTextIn,
  textIn,
  unexpected,
} from "./answer_fields.ts";
import type { Item } from "../stream/change.ts";

export type { AttributeValue, Item, StreamViewType } from "../stream/change.ts";

/** The fields of DescribeTable that we use. */
export interface TableDescription {
  readonly tableName: string;
  readonly tableStatus: string;
  readonly keySchema: readonly { readonly attributeName: string; readonly keyType: "HASH" | "RANGE" }[];
  /** Index name to its status; an index without a status counts as ACTIVE. */
  readonly indexes: Readonly<Record<string, string>>;
  readonly billingMode: "PAY_PER_REQUEST" | "PROVISIONED";
  readonly provisionedThroughput: { readonly read: number; readonly write: number } | undefined;
  readonly tableSizeBytes: number | undefined;
  /** As DynamoDB counts it every six hours. */
  readonly itemCount: number | undefined;
  /** Undefined on emulators that do not report it. */
  readonly tableArn?: string | undefined;
  /** Undefined on emulators that do not report it. */
  readonly isDeletionProtected?: boolean | undefined;
}

/** A page of Scan or Query. */
export interface ItemsPage {
  readonly items: readonly Item[];
  /** Where the next page begins; undefined: there is none. */
  readonly lastKey: Item | undefined;
  /** What the page has cost, if it was asked for. */
  readonly readUnits: number | undefined;
}

/** A page. @throws {SyntaxError} when the items are missing, or one is none. */
export function itemsPage(answer: Fields): ItemsPage {
  const consumed = optionalFieldsIn(answer, "ConsumedCapacity");
  return {
    items: listIn(answer, "Items").map(itemOf),
    lastKey: optionalItemIn(answer, "LastEvaluatedKey"),
    readUnits: consumed === undefined ? undefined : optionalNumberIn(consumed, "CapacityUnits"),
  };
}

/** An answer to BatchGetItem about one table. @throws {SyntaxError} when a part is missing or wrong. */
export function batchAnswer(
  tableName: string,
  answer: Fields,
): { readonly found: readonly Item[]; readonly unprocessed: readonly Item[] } {
  const found = listIn(fieldsOf(answer["Responses"], "Responses"), tableName).map(itemOf);
  const left = optionalFieldsIn(optionalFieldsIn(answer, "UnprocessedKeys") ?? {}, tableName);
  return { found, unprocessed: left === undefined ? [] : listIn(left, "Keys").map(itemOf) };
}

/** An item that may be absent. @throws {SyntaxError} when it is none. */
export function optionalItemIn(answer: Fields, name: string): Item | undefined {
  return answer[name] == null ? undefined : itemOf(answer[name]);
}

/**
 * The item that made the table refuse a write; undefined if none was sent, or nothing that could be an item.
 */
export function refusedItem(body: Fields | undefined): Item | undefined {
  try {
    return body === undefined ? undefined : optionalItemIn(body, "Item");
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** An answer to DescribeTable. @throws {SyntaxError} when a field is missing or wrong. */
export function tableDescription(answer: Fields): TableDescription {
  const table = fieldsOf(answer["Table"], "Table");
  // A table that was always provisioned has no summary.
  const summary = optionalFieldsIn(table, "BillingModeSummary");
  const onDemand = summary?.["BillingMode"] === "PAY_PER_REQUEST";
  const throughput = optionalFieldsIn(table, "ProvisionedThroughput");
  const isDeletionProtected = table["DeletionProtectionEnabled"];
  const tableArn = optionalTextIn(table, "TableArn");
  return {
    tableName: textIn(table, "TableName"),
    tableStatus: textIn(table, "TableStatus"),
    keySchema: listIn(table, "KeySchema").map((value) => {
      const key = fieldsOf(value, "a key");
      return {
        attributeName: textIn(key, "AttributeName"),
        keyType: textIn(key, "KeyType") as "HASH" | "RANGE",
      };
    }),
    indexes: Object.fromEntries(
      optionalListIn(table, "GlobalSecondaryIndexes").map((value) => {
        const index = fieldsOf(value, "an index");
        return [textIn(index, "IndexName"), optionalTextIn(index, "IndexStatus") ?? "ACTIVE"];
      }),
    ),
    billingMode: onDemand ? "PAY_PER_REQUEST" : "PROVISIONED",
    provisionedThroughput: onDemand || throughput === undefined ? undefined : {
      read: optionalNumberIn(throughput, "ReadCapacityUnits") ?? 0,
      write: optionalNumberIn(throughput, "WriteCapacityUnits") ?? 0,
    },
    tableSizeBytes: optionalNumberIn(table, "TableSizeBytes"),
    itemCount: optionalNumberIn(table, "ItemCount"),
    ...(tableArn === undefined ? {} : { tableArn }),
    ...(typeof isDeletionProtected === "boolean" ? { isDeletionProtected } : {}),
  };
}

function optionalFieldsIn(fields: Fields, name: string): Fields | undefined {
  return fields[name] == null ? undefined : fieldsOf(fields[name], name);
}

function itemOf(value: unknown): Item {
  const item = fieldsOf(value, "an item");
  for (const name in item) {
    if (!isAttributeValue(item[name])) throw unexpected("an attribute", "a value of DynamoDB", item[name]);
  }
  return item as Item;
}

/** One type, and a value of that type; nested in at most 32 levels, as DynamoDB stores them. */
function isAttributeValue(value: unknown, depth = 0): boolean {
  if (typeof value !== "object" || value === null || depth > 32) return false;
  let types = 0;
  for (const type in value) {
    types++;
    if (!isOfType(type, (value as Fields)[type], depth)) return false;
  }
  return types === 1;
}

function isOfType(type: string, value: unknown, depth: number): boolean {
  switch (type) {
    case "S":
    case "N":
    case "B":
      return typeof value === "string";
    case "BOOL":
    case "NULL":
      return typeof value === "boolean";
    case "SS":
    case "NS":
    case "BS":
      return Array.isArray(value) && value.every((member) => typeof member === "string");
    case "L":
      return Array.isArray(value) && value.every((member) => isAttributeValue(member, depth + 1));
    case "M":
      return typeof value === "object" && value !== null && !Array.isArray(value) &&
        Object.values(value).every((member) => isAttributeValue(member, depth + 1));
    default:
      return false;
  }
}
