// Pure.
/**
 * The writes of a transaction, as DynamoDB's API has them, and what is known of them before they are sent:
 * how many they are, how large, and where their tables are.
 *
 * Source: DynamoDB API reference, `TransactWriteItem`; DynamoDB developer guide, "Item sizes".
 *
 * @module
 */

import { encodeBase64 } from "../aws/payload_slab.ts";

/**
 * A value of an attribute, in DynamoDB's JSON form. Bytes (`B`, `BS`) are base64 text, or bytes as they are.
 */
export type TransactValue =
  | { readonly S: string }
  | { readonly N: string }
  | { readonly B: string | Uint8Array }
  | { readonly BOOL: boolean }
  | { readonly NULL: boolean }
  | { readonly SS: readonly string[] }
  | { readonly NS: readonly string[] }
  | { readonly BS: readonly (string | Uint8Array)[] }
  | { readonly L: readonly TransactValue[] }
  | { readonly M: TransactItem };

/** An item, or its key: values by the names of their attributes. */
export interface TransactItem {
  /** A value by its attribute's name. */
  readonly [name: string]: TransactValue;
}

/** What each kind of write has. */
export interface TransactTarget {
  /** A name, or an ARN of the lease table's own account and region. */
  readonly TableName: string;
  /** What must hold, or nothing of the transaction is applied. */
  readonly ConditionExpression?: string;
  /** Names for the `#placeholders` of expressions. */
  readonly ExpressionAttributeNames?: Readonly<Record<string, string>>;
  /** Values for the `:placeholders` of expressions. */
  readonly ExpressionAttributeValues?: TransactItem;
  /** `ALL_OLD`: the reason of a refusal has the item that was in the way. */
  readonly ReturnValuesOnConditionCheckFailure?: "ALL_OLD" | "NONE";
}

/** Puts an item in place of another one. */
export interface TransactPut extends TransactTarget {
  /** The whole item. */
  readonly Item: TransactItem;
}

/** Changes some attributes of an item. */
export interface TransactUpdate extends TransactTarget {
  /** The item's key. */
  readonly Key: TransactItem;
  /** Such as `ADD visits :one`. */
  readonly UpdateExpression: string;
}

/** Deletes an item. */
export interface TransactDelete extends TransactTarget {
  /** The item's key. */
  readonly Key: TransactItem;
}

/** Changes nothing: only its condition must hold. */
export interface TransactConditionCheck extends TransactTarget {
  /** The item's key. */
  readonly Key: TransactItem;
  /** What must hold, or nothing of the transaction is applied. */
  readonly ConditionExpression: string;
}

/** One write of a transaction, as DynamoDB's API has it. */
export type TransactWrite =
  | { readonly Put: TransactPut }
  | { readonly Update: TransactUpdate }
  | { readonly Delete: TransactDelete }
  | { readonly ConditionCheck: TransactConditionCheck };

/** DynamoDB API reference, TransactWriteItems: 100 items, one of which is the lease; and 4 MB. */
export const MAX_WRITES: number = 99, MAX_TRANSACTION_BYTES: number = 4 * 1024 ** 2;

const KINDS: readonly string[] = ["Put", "Update", "Delete", "ConditionCheck"];

/** A write taken apart, for checks and messages. */
export interface WritePart {
  readonly kind: string;
  readonly tableName: string;
}

/**
 * The kind and the table of a write, as texts for messages.
 *
 * @throws {TypeError} when it is no write.
 */
export function writePart(write: unknown, index: number): WritePart {
  const cannot = `Cannot transact: write ${index + 1}`;
  if (typeof write !== "object" || write === null) {
    throw new TypeError(`${cannot}: expected an object such as { Put: { … } }: got ${typeof write}`);
  }
  const kinds = Object.keys(write);
  const [kind = ""] = kinds;
  if (kinds.length !== 1 || !KINDS.includes(kind)) {
    throw new TypeError(
      `${cannot}: expected one of ${KINDS.join(", ")}: got ${kinds.join(", ") || "nothing"}`,
    );
  }
  const body: unknown = Reflect.get(write, kind);
  const tableName: unknown = typeof body === "object" && body !== null
    ? Reflect.get(body, "TableName")
    : undefined;
  if (typeof tableName !== "string" || tableName === "") {
    throw new TypeError(`${cannot} (${kind}): expected TableName as a text: got ${typeof tableName}`);
  }
  return { kind, tableName };
}

/**
 * The writes as they are sent.
 *
 * @param leaseTableArn The lease table, if it is known: all tables must be of its account and region.
 * @throws {RangeError} with the numbers, when there are too many of them or they are too large.
 * @throws {TypeError} when one is no write, or its table cannot be written in one transaction with the lease.
 */
export function checkedWrites(
  writes: readonly TransactWrite[],
  leaseTableArn: string | undefined,
): readonly object[] {
  if (!Array.isArray(writes)) {
    throw new TypeError(`Cannot transact: expected an array of writes: got ${typeof writes}`);
  }
  const split = "give each part of the batch a transaction of its own, with its last record as `at`";
  if (writes.length > MAX_WRITES) {
    throw new RangeError(
      `Cannot transact: expected at most ${MAX_WRITES} writes beside the checkpoint: got ${writes.length}: ${split}`,
    );
  }
  const size = new WriteSize();
  const sent = writes.map((write, index) => {
    checkPlace(writePart(write, index), index, leaseTableArn);
    return size.add(write, index);
  });
  if (size.bytes > MAX_TRANSACTION_BYTES) {
    throw new RangeError(
      `Cannot transact: expected at most ${MAX_TRANSACTION_BYTES} bytes in one transaction: got ${size.bytes} ` +
        `in ${writes.length} writes: ${split}`,
    );
  }
  return sent;
}

function checkPlace({ kind, tableName }: WritePart, index: number, leaseTableArn: string | undefined): void {
  const cannot = `Cannot transact: write ${index + 1} (${kind})`;
  const lease = placeOf(leaseTableArn);
  const place = placeOf(tableName);
  if (place === undefined && tableName.startsWith("arn:")) {
    throw new TypeError(`${cannot}: expected the ARN of a table in DynamoDB: got ${tableName}`);
  }
  if (lease === undefined) return;
  if (place !== undefined && (place.region !== lease.region || place.account !== lease.account)) {
    throw new TypeError(
      `${cannot}: expected a table in ${lease.region} of account ${lease.account}, where the lease table is: ` +
        `got ${tableName}: one transaction cannot reach further`,
    );
  }
  if ((place?.name ?? tableName) === lease.name) {
    throw new TypeError(`${cannot}: expected a table of your own: got the lease table "${lease.name}"`);
  }
}

function placeOf(
  arn: string | undefined,
): { readonly region: string; readonly account: string; readonly name: string } | undefined {
  const [, region, account, name] = /^arn:[\w-]+:dynamodb:([\w-]+):(\d+):table\/([\w.-]+)$/.exec(arn ?? "") ??
    [];
  return region === undefined || account === undefined || name === undefined
    ? undefined
    : { region, account, name };
}

/**
 * Adds up what DynamoDB counts: names and values of items, keys and expressions' values. An updated item may
 * be larger than what its update says; DynamoDB counts that itself.
 */
class WriteSize {
  bytes = 0;
  #hasBinary = false;

  /** @returns the write as it is sent. @throws {TypeError} when a value is none. */
  add(write: TransactWrite, index: number): object {
    this.#hasBinary = false;
    for (const [kind, body] of Object.entries(write)) {
      for (const name of ["Item", "Key", "ExpressionAttributeValues"]) {
        const item: unknown = Reflect.get(body, name);
        if (item !== undefined) this.#item(item, `write ${index + 1} (${kind}): ${name}`);
      }
    }
    // A write without bytes is sent as it is.
    return this.#hasBinary ? Object(withBase64(write)) : write;
  }

  #item(item: unknown, path: string): void {
    if (typeof item !== "object" || item === null || Array.isArray(item)) {
      throw new TypeError(`Cannot transact: ${path}: expected attributes by name: got ${typeof item}`);
    }
    for (const name of Object.keys(item)) {
      this.bytes += utf8Bytes(name);
      this.#value(Reflect.get(item, name), path, name);
    }
  }

  #value(value: unknown, path: string, name: string | number): void {
    if (typeof value === "object" && value !== null) {
      const types = Object.keys(value);
      const [type = ""] = types;
      if (types.length === 1 && this.#isHeld(type, Reflect.get(value, type), path, name)) return;
    }
    const at = typeof name === "number" ? `${path}[${name}]` : `${path}.${name}`;
    throw new TypeError(
      `Cannot transact: ${at}: expected a value such as { S: "text" } or { N: "1" }: got ${
        excerpt(value)
      }: marshall() makes them of plain values`,
    );
  }

  #isHeld(type: string, held: unknown, path: string, name: string | number): boolean {
    switch (type) {
      case "S":
      case "N":
      case "B":
        return this.#isText(type, held);
      case "BOOL":
      case "NULL":
        this.bytes += 1;
        return typeof held === "boolean";
      case "SS":
      case "NS":
      case "BS":
        return Array.isArray(held) && held.every((text) => this.#isText(type.slice(0, 1), text));
      case "L":
        this.bytes += 3;
        if (!Array.isArray(held)) return false;
        held.forEach((value, index) => this.#value(value, `${path}.${name}`, index));
        return true;
      case "M":
        this.bytes += 3;
        this.#item(held, `${path}.${name}`);
        return true;
      default:
        return false;
    }
  }

  #isText(type: string, held: unknown): boolean {
    if (type === "B" && held instanceof Uint8Array) {
      this.#hasBinary = true;
      this.bytes += held.length;
      return true;
    }
    if (typeof held !== "string") return false;
    if (type === "B") this.bytes += Math.floor(held.length * 3 / 4);
    // Two digits a byte, and one more. Source: as above.
    else this.bytes += type === "N" ? Math.ceil(held.length / 2) + 1 : utf8Bytes(held);
    return true;
  }
}

/** A copy with base64 in place of bytes. */
function withBase64(value: unknown): unknown {
  if (value instanceof Uint8Array) return encodeBase64(value);
  if (Array.isArray(value)) return value.map(withBase64);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, held]) => [name, withBase64(held)]));
}

function excerpt(value: unknown): string {
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 80);
  } catch {
    return typeof value;
  }
}

/** The bytes of a text in UTF-8, without encoding it. */
function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    // Each half of a surrogate pair counts two: four for the pair.
    if (code > 0x7f) bytes += code > 0x7ff && !(code >= 0xd800 && code <= 0xdfff) ? 2 : 1;
  }
  return bytes;
}
