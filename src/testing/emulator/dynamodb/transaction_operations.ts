/**
 * TransactWriteItems and TransactGetItems: all or nothing, with a reason for each part of what is cancelled.
 *
 * Nothing else happens during a transaction here, so that none meets another: a fault plays that.
 *
 * Source: DynamoDB API reference, TransactWriteItems and TransactGetItems.
 *
 * @module
 */

import type { Item } from "../../../aws/dynamodb.ts";
import { hashOf } from "../../model/chance.ts";
import { ApiError, constraintError, invalid } from "../api_error.ts";
import type { Input } from "../input.ts";
import type { Operations, Timeline } from "../operation.ts";
import { checkedItem, itemBytes } from "./attribute_values.ts";
import {
  checkOf,
  deleteOf,
  itemBefore,
  type ItemWrite,
  keyIn,
  putOf,
  store,
  updateOf,
} from "./item_writes.ts";
import { expressionsOf } from "./request_expressions.ts";
import type { EmulatedTable, EmulatedTables } from "./tables.ts";
import { projected } from "./update_evaluation.ts";

/** DynamoDB API reference: the most of one call, and how long a token is remembered. */
const MAX_ITEMS = 100, MAX_BYTES = 4 * 1024 ** 2, TOKEN_LIFE_MS = 600_000;
/** No more tokens are remembered than that: then the oldest go. */
const MAX_TOKENS = 10_000;

/** What each part of a TransactWriteItems is. */
const WRITES: readonly (readonly [string, (table: EmulatedTable, request: Input) => ItemWrite])[] = [
  ["ConditionCheck", checkOf],
  ["Put", putOf],
  ["Update", updateOf],
  ["Delete", deleteOf],
];

/** The operations, over some tables. */
export function transactionOperations(tables: EmulatedTables): Operations {
  const tokens = new Tokens(tables.settings.timeline);
  return {
    TransactWriteItems({ input, fault }) {
      const token = input.text("ClientRequestToken");
      if (token !== undefined && (token.length < 1 || token.length > 36)) {
        throw constraintError(token, "clientRequestToken", "Member must have length between 1 and 36");
      }
      const parts = partsOf(input).map((part) => {
        const [only, ...more] = WRITES.filter(([name]) => part.has(name));
        if (only === undefined || more.length > 0) {
          throw invalid("TransactItems can only contain one of Check, Put, Update or Delete");
        }
        const [name, read] = only;
        const request = part.requiredMap(name);
        if (name === "ConditionCheck") request.requiredText("ConditionExpression");
        return { request: checkedRequest(request), read };
      });
      if (fault?.type === "cancelled") {
        throw cancelled(parts.map((_, index) => {
          const Code = index === (fault.part ?? 0) ? fault.code ?? "TransactionConflict" : "None";
          return Code === "None" ? { Code } : { Code, Message: "Simulated by a fault." };
        }));
      }
      const content = token === undefined ? "" : contentOf(input);
      if (token !== undefined && tokens.isKnown(token, content)) return {};
      const steps = parts.map(({ request, read }) => {
        const table = tables.usableOf(request.requiredText("TableName"));
        return { request, write: attempted(() => read(table, request)) };
      });
      refuseDuplicates(steps.map(({ write }) => write));
      const done = steps.map(({ request, write }) =>
        write instanceof ApiError
          ? write
          : attempted(() => ({ write, after: write.result(itemBefore(write, request)) }))
      );
      const all = uncancelled(done);
      checkBytes(all.map(({ after }) => after));
      for (const { write, after } of all) store(write, after);
      if (token !== undefined) tokens.keep(token, content);
      return {};
    },

    TransactGetItems({ input }) {
      const steps = partsOf(input).map((part) => {
        const request = checkedRequest(part.requiredMap("Get"));
        const table = tables.usableOf(request.requiredText("TableName"));
        const { paths } = expressionsOf(request);
        return attempted(() => ({ table, key: keyIn(table, request), paths }));
      });
      refuseDuplicates(steps);
      const found = uncancelled(steps).map(({ table, key, paths }) => ({ item: table.get(key), paths }));
      checkBytes(found.map(({ item }) => item));
      return {
        Responses: found.map(({ item, paths }) =>
          item === undefined ? {} : { Item: paths === undefined ? item : projected(paths, item) }
        ),
      };
    },
  };
}

function partsOf(input: Input): readonly Input[] {
  const parts = input.maps("TransactItems");
  if (parts.length >= 1 && parts.length <= MAX_ITEMS) return parts;
  throw constraintError(
    `${parts.length} items`,
    "transactItems",
    parts.length === 0
      ? "Member must have length greater than or equal to 1"
      : `Member must have length less than or equal to ${MAX_ITEMS}`,
  );
}

/**
 * What cannot be read refuses the call as a whole: expressions, values. What does not fit the table or its
 * items is a reason of its own for the part.
 */
function checkedRequest(request: Input): Input {
  expressionsOf(request);
  checkedItem((request.map("Item") ?? request.requiredMap("Key")).values);
  return request;
}

/** What was made, or the refusal. */
function attempted<T>(make: () => T): T | ApiError {
  try {
    return make();
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}

function refuseDuplicates(places: readonly (Pick<ItemWrite, "table" | "key"> | ApiError)[]): void {
  const known = places.flatMap((place) => place instanceof ApiError ? [] : [place]);
  const distinct = new Set(known.map(({ table, key }) => `${table.name} ${key}`));
  if (distinct.size === known.length) return;
  throw invalid("Transaction request cannot include multiple operations on one item");
}

/** All parts. @throws {ApiError} with a reason for each, when one was refused. */
function uncancelled<T>(parts: readonly (T | ApiError)[]): readonly T[] {
  const good = parts.flatMap((part) => part instanceof ApiError ? [] : [part]);
  if (good.length === parts.length) return good;
  const reasons = parts.map((part) => {
    if (!(part instanceof ApiError)) return { Code: "None" };
    const Code = part.code === "ConditionalCheckFailedException"
      ? "ConditionalCheckFailed"
      : "ValidationError";
    return { Code, Message: part.message, ...part.members };
  });
  throw cancelled(reasons);
}

function cancelled(reasons: readonly { readonly Code: string }[]): ApiError {
  return new ApiError(
    "TransactionCanceledException",
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${
      reasons.map(({ Code }) => Code).join(", ")
    }]`,
    { members: { CancellationReasons: reasons } },
  );
}

function checkBytes(items: readonly (Item | undefined)[]): void {
  const bytes = items.reduce((sum, item) => sum + (item === undefined ? 0 : itemBytes(item)), 0);
  if (bytes > MAX_BYTES) {
    throw invalid("Transaction request size has exceeded the maximum allowed size of 4194304 bytes");
  }
}

/** Short for what a transaction is to do. */
function contentOf(input: Input): string {
  const text = JSON.stringify(input.values["TransactItems"]);
  return `${text.length} ${hashOf(text)}`;
}

/** The transactions that were done under a token, so that none is done twice. */
class Tokens {
  readonly #timeline: Timeline;
  readonly #done = new Map<string, { readonly content: string; readonly atMs: number }>();

  constructor(timeline: Timeline) {
    this.#timeline = timeline;
  }

  /** @throws {ApiError} when the token was used for another transaction. */
  isKnown(token: string, content: string): boolean {
    const known = this.#done.get(token);
    if (known === undefined || this.#timeline.nowMs - known.atMs > TOKEN_LIFE_MS) return false;
    if (known.content === content) return true;
    throw new ApiError(
      "IdempotentParameterMismatchException",
      "Transaction with the same client token but different parameters is not allowed",
    );
  }

  keep(token: string, content: string): void {
    this.#done.delete(token);
    this.#done.set(token, { content, atMs: this.#timeline.nowMs });
    const [oldest] = this.#done.keys();
    if (this.#done.size > MAX_TOKENS && oldest !== undefined) this.#done.delete(oldest);
  }
}
