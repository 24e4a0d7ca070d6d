// Pure.
/**
 * Plain values as DynamoDB's attribute values, for the writes of a transaction.
 *
 * @module
 */

import type { TransactItem, TransactValue } from "./transact_write.ts";

/**
 * An item, a key or the values of expressions, of plain values. Texts, numbers, bigints, booleans, null,
 * bytes, arrays and objects become what they are called in DynamoDB; a `Set` of texts, of numbers or of bytes
 * becomes a set. What is undefined is left out.
 *
 * ```ts
 * import { marshall } from "@kclite/kclite/transact";
 *
 * const item = marshall({ id: "a-1", visits: 3, tags: new Set(["new"]) });
 * if (JSON.stringify(item) !== '{"id":{"S":"a-1"},"visits":{"N":"3"},"tags":{"SS":["new"]}}') throw item;
 * ```
 *
 * @throws {TypeError} when a value has no form in DynamoDB: NaN, an empty set, a function, a date.
 */
export function marshall(values: Readonly<Record<string, unknown>>): TransactItem {
  return itemOf(values, "", 0);
}

/** DynamoDB developer guide, "Service quotas": no deeper than this. */
const MAX_DEPTH = 32;

function itemOf(values: object, path: string, depth: number): TransactItem {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, valueOf(value, path === "" ? name : `${path}.${name}`, depth)]]
    ),
  );
}

function valueOf(value: unknown, path: string, depth: number): TransactValue {
  if (depth > MAX_DEPTH) throw wrong(path, `at most ${MAX_DEPTH} levels`, "more");
  switch (typeof value) {
    case "string":
      return { S: value };
    case "boolean":
      return { BOOL: value };
    case "bigint":
      return { N: String(value) };
    case "number":
      return { N: numberText(value, path) };
    case "object":
      if (value === null) return { NULL: true };
      if (value instanceof Uint8Array) return { B: value };
      if (value instanceof Set) return setOf([...value], path);
      if (Array.isArray(value)) {
        return { L: value.map((entry, index) => valueOf(entry, `${path}[${index}]`, depth + 1)) };
      }
      if (isPlain(value)) return { M: itemOf(value, path, depth + 1) };
  }
  throw wrong(path, "a text, number, boolean, null, bytes, array, set or plain object", kindOf(value));
}

function setOf(members: readonly unknown[], path: string): TransactValue {
  const texts = members.filter((member) => typeof member === "string");
  if (members.length > 0 && texts.length === members.length) return { SS: texts };
  const numbers = members.filter((member) => typeof member === "number" || typeof member === "bigint");
  if (members.length > 0 && numbers.length === members.length) {
    return { NS: numbers.map((number) => numberText(number, path)) };
  }
  const bytes = members.filter((member) => member instanceof Uint8Array);
  if (members.length > 0 && bytes.length === members.length) return { BS: bytes };
  throw wrong(
    path,
    "a set of texts, of numbers or of bytes, with one member at least",
    `${members.length} members`,
  );
}

function numberText(number: number | bigint, path: string): string {
  const isExact = typeof number === "bigint" ||
    (Number.isInteger(number) ? Number.isSafeInteger(number) : true);
  if (typeof number === "number" && !Number.isFinite(number)) {
    throw wrong(path, "a finite number", String(number));
  }
  if (!isExact) throw wrong(path, "an exact number, or a bigint", String(number));
  return String(number);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

function kindOf(value: unknown): string {
  return typeof value === "object" && value !== null ? value.constructor.name : typeof value;
}

function wrong(path: string, wanted: string, got: string): TypeError {
  return new TypeError(`Cannot marshall ${path}: expected ${wanted}: got ${got}`);
}
