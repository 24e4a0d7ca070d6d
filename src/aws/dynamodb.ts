/**
 * The operations of DynamoDB that leasing needs, as an interface and as signed JSON calls. Knows nothing of
 * leases.
 *
 * @module
 */

import { linkedController } from "../async/waiting.ts";
import { isAwsError } from "../errors.ts";
import {
  type AttributeValue,
  batchAnswer,
  type Item,
  type ItemsPage,
  itemsPage,
  optionalItemIn,
  refusedItem,
  type TableDescription,
  tableDescription,
} from "./dynamodb_answers.ts";
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from "./retry.ts";
import { jsonCaller, type JsonObject, type JsonService, type ServiceOptions } from "./json_call.ts";

export type { AttributeValue, Item, ItemsPage, TableDescription } from "./dynamodb_answers.ts";

/** The parts of a condition or an update, in the names that the API gives them. */
export interface Expressions {
  readonly ConditionExpression?: string;
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  readonly ExpressionAttributeValues?: Readonly<Record<string, AttributeValue>>;
}

/**
 * The outcome of a conditional write: applied, with the new item if requested; or refused, with the old one
 * if given.
 */
export type ConditionalOutcome =
  | { readonly applied: true; readonly item: Item | undefined }
  /** `item` is undefined if the server does not return it (emulators) or there is none. */
  | { readonly applied: false; readonly item: Item | undefined };

/** One page of a scan in parts. */
export interface ScanPart {
  readonly segment: number;
  readonly segments: number;
  /** The most items of the page. */
  readonly limit?: number | undefined;
  /** Where it begins: the `lastKey` of the page before. */
  readonly from?: Item | undefined;
}

/** DynamoDB, as far as leasing needs it. Every method throws `AwsServiceError`, or the signal's reason. */
export interface DynamoDB {
  /** @returns undefined when there is no such table. */
  describeTable(tableName: string, signal?: AbortSignal): Promise<TableDescription | undefined>;
  /**
   * @param input The body of CreateTable, as the API has it. @returns false when the table exists already.
   */
  createTable(input: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<boolean>;
  /**
   * Any other table operation, e.g. UpdateTable or UpdateContinuousBackups, with its body as the API has it.
   */
  tableOperation(
    operation: "UpdateTable" | "UpdateContinuousBackups" | "DeleteTable",
    input: Readonly<Record<string, unknown>>,
    signal?: AbortSignal,
  ): Promise<void>;
  /** Strongly consistent. */
  getItem(tableName: string, key: Item, signal?: AbortSignal): Promise<Item | undefined>;
  /** Eventually consistent, for half the price. */
  glanceAtItem(tableName: string, key: Item, signal?: AbortSignal): Promise<Item | undefined>;
  /**
   * Up to 100 keys in a request, each strongly consistent; in any order, without those that have no item.
   *
   * @throws {Error} when the table leaves the same keys unprocessed too often.
   */
  batchGetItems(tableName: string, keys: readonly Item[], signal?: AbortSignal): Promise<readonly Item[]>;
  putItem(
    tableName: string,
    item: Item,
    expressions: Expressions,
    signal?: AbortSignal,
  ): Promise<ConditionalOutcome>;
  /** Returns the new item when applied (ALL_NEW) and the old one when refused (ALL_OLD). */
  updateItem(
    tableName: string,
    key: Item,
    updateExpression: string,
    expressions: Expressions,
    signal?: AbortSignal,
  ): Promise<ConditionalOutcome>;
  deleteItem(
    tableName: string,
    key: Item,
    expressions: Expressions,
    signal?: AbortSignal,
  ): Promise<ConditionalOutcome>;
  /**
   * TransactWriteItems, its body as the API has it. Sent once: the caller knows what a lost answer means, and
   * which reasons of a cancellation may pass.
   */
  transactWriteItems(input: Readonly<Record<string, unknown>>, signal?: AbortSignal): Promise<void>;
  /** All pages; eventually consistent. @param segments How many parallel segments; 1 = a plain scan. */
  scan(tableName: string, segments?: number, signal?: AbortSignal): Promise<readonly Item[]>;
  /** Page by page, until the caller stops; eventually consistent. @param limit The most items of a page. */
  scanPages(tableName: string, limit: number, signal?: AbortSignal): AsyncIterable<readonly Item[]>;
  /**
   * One page of one part of a table, with what it has cost; eventually consistent. A refusal for too many
   * calls is thrown at once, so that the caller can slow down.
   */
  scanPage(tableName: string, part: ScanPart, signal?: AbortSignal): Promise<ItemsPage>;
  /** All pages; eventually consistent. */
  queryIndex(
    tableName: string,
    indexName: string,
    keyConditionExpression: string,
    expressions: Expressions,
    signal?: AbortSignal,
  ): Promise<readonly Item[]>;
}

/**
 * DynamoDB over signed HTTP.
 *
 * @throws {TypeError} when the region or the endpoint cannot be one.
 */
export function signedDynamoDB(options: ServiceOptions): DynamoDB {
  const call = jsonCaller(SERVICE, options);

  /** A conditional write: a refused condition is an outcome. */
  const write = async (
    operation: string,
    input: JsonObject,
    signal?: AbortSignal,
  ): Promise<ConditionalOutcome> => {
    try {
      return await call<ConditionalOutcome>({
        operation,
        input: { ...input, ReturnValuesOnConditionCheckFailure: "ALL_OLD" },
        decode: (body) => ({ applied: true, item: optionalItemIn(body, "Attributes") }),
        signal,
      });
    } catch (error) {
      if (!isAwsError(error, "ConditionalCheckFailedException")) throw error;
      return { applied: false, item: refusedItem(error.body) };
    }
  };

  const read = (input: JsonObject, signal?: AbortSignal): Promise<Item | undefined> =>
    call({ operation: "GetItem", input, decode: (body) => optionalItemIn(body, "Item"), signal });

  async function* pagesOf(
    operation: string,
    input: JsonObject,
    signal?: AbortSignal,
  ): AsyncGenerator<readonly Item[], void, void> {
    let from: Item | undefined;
    do {
      const page: ItemsPage = await call({
        operation,
        input: from === undefined ? input : { ...input, ExclusiveStartKey: from },
        decode: itemsPage,
        signal,
      });
      yield page.items;
      from = page.lastKey;
    } while (from !== undefined);
  }

  const pages = async (operation: string, input: JsonObject, signal?: AbortSignal): Promise<Item[]> => {
    const items: Item[] = [];
    for await (const page of pagesOf(operation, input, signal)) {
      for (const item of page) items.push(item);
    }
    return items;
  };

  return {
    describeTable: (tableName, signal) =>
      unlessError(
        "ResourceNotFoundException",
        undefined,
        call({
          operation: "DescribeTable",
          input: { TableName: tableName },
          decode: tableDescription,
          signal,
        }),
      ),
    createTable: (input, signal) =>
      unlessError(
        "ResourceInUseException",
        false,
        call({ operation: "CreateTable", input, decode: () => true, signal }),
      ),
    tableOperation: (operation, input, signal) => call({ operation, input, decode: () => {}, signal }),
    getItem: (tableName, key, signal) =>
      read({ TableName: tableName, Key: key, ConsistentRead: true }, signal),
    glanceAtItem: (tableName, key, signal) => read({ TableName: tableName, Key: key }, signal),
    async batchGetItems(tableName, keys, signal) {
      const items: Item[] = [];
      let left = keys;
      for (let futile = 0; left.length > 0;) {
        const asked = left.slice(0, BATCH_KEYS);
        const { found, unprocessed } = await call({
          operation: "BatchGetItem",
          input: { RequestItems: { [tableName]: { Keys: asked, ConsistentRead: true } } },
          decode: (body) => batchAnswer(tableName, body),
          signal,
        });
        items.push(...found);
        futile = unprocessed.length < asked.length ? 0 : futile + 1;
        if (futile >= MAX_FUTILE_BATCHES) {
          throw new Error(
            `Cannot read ${asked.length} items of table "${tableName}": it left all of them unprocessed ` +
              `${futile} times in a row: give it more read capacity`,
          );
        }
        left = [...left.slice(BATCH_KEYS), ...unprocessed];
        if (unprocessed.length > 0) {
          await options.system.clock.sleep(UNPROCESSED_PAUSE_MS * 2 ** futile, signal);
        }
      }
      return items;
    },
    putItem: (tableName, item, expressions, signal) =>
      write("PutItem", { TableName: tableName, Item: item, ...expressions }, signal),
    updateItem: (tableName, key, updateExpression, expressions, signal) =>
      write("UpdateItem", {
        TableName: tableName,
        Key: key,
        UpdateExpression: updateExpression,
        ReturnValues: "ALL_NEW",
        ...expressions,
      }, signal),
    deleteItem: (tableName, key, expressions, signal) =>
      write("DeleteItem", { TableName: tableName, Key: key, ...expressions }, signal),
    transactWriteItems: (input, signal) =>
      call({ operation: "TransactWriteItems", input, decode: () => {}, retry: ONE_ATTEMPT, signal }),
    async scan(tableName, segments = 1, signal) {
      if (segments <= 1) return await pages("Scan", { TableName: tableName }, signal);
      const parts = await allOrNone(
        segments,
        signal,
        (Segment, partSignal) =>
          pages("Scan", { TableName: tableName, Segment, TotalSegments: segments }, partSignal),
      );
      return parts.flat();
    },
    scanPages: (tableName, limit, signal) => pagesOf("Scan", { TableName: tableName, Limit: limit }, signal),
    scanPage: (tableName, { segment, segments, limit, from }, signal) =>
      call({
        operation: "Scan",
        input: {
          TableName: tableName,
          ReturnConsumedCapacity: "TOTAL",
          ...(segments === 1 ? {} : { Segment: segment, TotalSegments: segments }),
          ...(limit === undefined ? {} : { Limit: limit }),
          ...(from === undefined ? {} : { ExclusiveStartKey: from }),
        },
        decode: itemsPage,
        retry: PACED_RETRY_POLICY,
        signal,
      }),
    queryIndex: (tableName, indexName, keyConditionExpression, expressions, signal) =>
      pages("Query", {
        TableName: tableName,
        IndexName: indexName,
        KeyConditionExpression: keyConditionExpression,
        ...expressions,
      }, signal),
  };
}

const SERVICE: JsonService = {
  service: "dynamodb",
  targetPrefix: "DynamoDB_20120810",
  contentType: "application/x-amz-json-1.0",
  // KCL 3.5.1 waits 60 s, longer than a lease lives; a healthy table answers within tens of ms.
  attemptTimeoutMs: 5_000,
};

/** For callers that pace themselves. */
const PACED_RETRY_POLICY: RetryPolicy = { ...DEFAULT_RETRY_POLICY, throttledAttempts: 1 };

/** For callers that try again themselves. */
const ONE_ATTEMPT: RetryPolicy = { ...DEFAULT_RETRY_POLICY, attempts: 1, throttledAttempts: 1 };

/** The most keys of one BatchGetItem. DynamoDB API reference. */
const BATCH_KEYS = 100;
/** After this many answers in a row with nothing in them, a batch has failed. Ours. */
const MAX_FUTILE_BATCHES = 4;
/** The first pause before keys that were left unprocessed are asked for again, in ms. Ours. */
const UNPROCESSED_PAUSE_MS = 50;

async function unlessError<T, U>(code: string, instead: U, result: Promise<T>): Promise<T | U> {
  try {
    return await result;
  } catch (error) {
    if (isAwsError(error, code)) return instead;
    throw error;
  }
}

/**
 * Runs `count` tasks at the same time. The first failure aborts the others, and is thrown when all of them
 * have ended.
 */
async function allOrNone<T>(
  count: number,
  signal: AbortSignal | undefined,
  task: (index: number, signal: AbortSignal) => Promise<T>,
): Promise<T[]> {
  signal?.throwIfAborted();
  const { controller: failed, unlink } = linkedController(signal);
  try {
    const ended = await Promise.allSettled(
      Array.from({ length: count }, (_, index) =>
        task(index, failed.signal).catch((error) => {
          failed.abort(error);
          throw error;
        })),
    );
    if (failed.signal.aborted) throw failed.signal.reason;
    return ended.filter((end) => end.status === "fulfilled").map((end) => end.value);
  } finally {
    unlink();
  }
}
