// Pure.
/**
 * Attribute values as DynamoDB takes and compares them.
 *
 * @module
 */

import { ownValue } from "../../../own_value.ts";
import { decodeBase64 } from "../../../aws/payload_slab.ts";
import type { AttributeValue, Item } from "../../../aws/dynamodb.ts";
import { ApiError, invalid } from "../api_error.ts";
import { compareDecimals, type Decimal, decimalProblem, decimalText, parseDecimal } from "./decimal.ts";

/** The types by their names. */
export const TYPES: ReadonlySet<string> = new Set([
  "S",
  "N",
  "B",
  "BOOL",
  "NULL",
  "SS",
  "NS",
  "BS",
  "L",
  "M",
]);

/** The most bytes of an item. Source: "Quotas" of the DynamoDB documentation. */
const MAX_ITEM_BYTES = 400 * 1024;

/** The type of a value, such as `S`. */
export function typeOf(value: AttributeValue): string {
  return Object.keys(value)[0] ?? "";
}

/** An item as it came, checked, with its numbers written as DynamoDB writes them. @throws {ApiError}. */
export function checkedItem(values: Readonly<Record<string, unknown>>): Item {
  const item = Object.fromEntries(Object.entries(values).map(([name, value]) => [name, checkedValue(value)]));
  checkItemSize(item);
  return item;
}

/** @throws {ApiError} when the item is too large. */
export function checkItemSize(item: Item): void {
  if (itemBytes(item) > MAX_ITEM_BYTES) throw invalid("Item size has exceeded the maximum allowed size");
}

/** About how many bytes an item has. */
export function itemBytes(item: Item): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + name.length + valueBytes(value), 0);
}

function valueBytes(value: AttributeValue): number {
  if ("S" in value) return UTF8.encode(value.S).length;
  if ("N" in value) return Math.ceil(value.N.length / 2) + 1;
  if ("B" in value) return value.B.length * 0.75;
  if ("L" in value) return 3 + value.L.reduce((sum, member) => sum + 1 + valueBytes(member), 0);
  if ("M" in value) return 3 + itemBytes(value.M);
  if ("BOOL" in value || "NULL" in value) return 1;
  return membersOf(value).reduce((sum, member) => sum + member.length, 0);
}

/** One value as it came. @throws {ApiError}. */
export function checkedValue(value: unknown): AttributeValue {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ApiError("SerializationException", "Unexpected value type in payload");
  }
  const entries = Object.entries(value).filter(([, content]) => content !== null);
  const [type, content] = entries[0] ?? [];
  if (type === undefined || !TYPES.has(type)) {
    throw invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes");
  }
  if (entries.length > 1) {
    throw invalid(
      "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
    );
  }
  switch (type) {
    case "S":
      return { S: text(content) };
    case "N":
      return { N: checkedNumber(text(content)) };
    case "B":
      return { B: checkedBytes(text(content)) };
    case "BOOL":
      if (typeof content !== "boolean") throw unreadable();
      return { BOOL: content };
    case "NULL":
      if (content !== true) {
        throw invalid(
          "One or more parameter values were invalid: Null attribute value types must have the value of true",
        );
      }
      return { NULL: true };
    case "SS":
      return { SS: checkedSet(list(content).map(text)) };
    case "NS":
      return { NS: checkedSet(list(content).map((member) => checkedNumber(text(member)))) };
    case "BS":
      return { BS: checkedSet(list(content).map((member) => checkedBytes(text(member)))) };
    case "L":
      return { L: list(content).map(checkedValue) };
    default: {
      if (typeof content !== "object" || content === null || Array.isArray(content)) throw unreadable();
      return {
        M: Object.fromEntries(Object.entries(content).map(([name, member]) => [name, checkedValue(member)])),
      };
    }
  }
}

/** A number that is one. */
export function decimalOf(number: string): Decimal {
  return parseDecimal(number) ?? { digits: 0n, exponent: 0 };
}

/** A number as text, within DynamoDB's bounds. @throws {ApiError}. */
export function numberValue(decimal: Decimal): { readonly N: string } {
  const problem = decimalProblem(decimal);
  if (problem !== undefined) throw invalid(problem);
  return { N: decimalText(decimal) };
}

/** Whether two values are the same; sets have no order. */
export function areEqual(a: AttributeValue | undefined, b: AttributeValue | undefined): boolean {
  if (a === undefined || b === undefined || typeOf(a) !== typeOf(b)) return false;
  if ("L" in a && "L" in b) {
    return a.L.length === b.L.length && a.L.every((member, i) => areEqual(member, b.L[i]));
  }
  if ("M" in a && "M" in b) {
    const names = Object.keys(a.M);
    return names.length === Object.keys(b.M).length &&
      names.every((name) => areEqual(a.M[name], ownValue(b.M, name)));
  }
  if (isSet(a)) {
    const members = new Set(membersOf(b));
    return members.size === membersOf(a).length && membersOf(a).every((member) => members.has(member));
  }
  return JSON.stringify(a) === JSON.stringify(b);
}

/**
 * The order of two values; undefined when they have none, being of different types or of one without an
 * order.
 */
export function orderOf(a: AttributeValue | undefined, b: AttributeValue | undefined): number | undefined {
  if (a === undefined || b === undefined) return undefined;
  if ("N" in a && "N" in b) return compareDecimals(decimalOf(a.N), decimalOf(b.N));
  if ("S" in a && "S" in b) return compareBytes(UTF8.encode(a.S), UTF8.encode(b.S));
  if ("B" in a && "B" in b) return compareBytes(bytesOf(a.B), bytesOf(b.B));
  return undefined;
}

/** Whether a value is a set. */
export function isSet(value: AttributeValue): boolean {
  return "SS" in value || "NS" in value || "BS" in value;
}

/** The members of a set; none of anything else. */
export function membersOf(value: AttributeValue): readonly string[] {
  return "SS" in value ? value.SS : "NS" in value ? value.NS : "BS" in value ? value.BS : [];
}

/** A set of a type with other members; undefined for none, since there are no empty sets. */
export function setOf(type: string, members: readonly string[]): AttributeValue | undefined {
  if (members.length === 0) return undefined;
  return type === "SS" ? { SS: members } : type === "NS" ? { NS: members } : { BS: members };
}

/** The bytes of a `B`. */
export function bytesOf(base64: string): Uint8Array {
  return decodeBase64([base64]).views[0] ?? new Uint8Array();
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length && i < b.length; i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function checkedNumber(number: string): string {
  const decimal = parseDecimal(number);
  if (decimal === undefined) {
    throw invalid(
      `The parameter cannot be converted to a numeric value${number === "" ? "" : `: ${number}`}`,
    );
  }
  return numberValue(decimal).N;
}

function checkedBytes(base64: string): string {
  try {
    bytesOf(base64);
  } catch {
    throw new ApiError("SerializationException", "Base64 encoded length is expected a multiple of 4 bytes");
  }
  return base64;
}

function checkedSet(members: readonly string[]): readonly string[] {
  if (members.length === 0) {
    throw invalid("One or more parameter values were invalid: An string set  may not be empty");
  }
  if (new Set(members).size < members.length) {
    throw invalid("One or more parameter values were invalid: Input collection contains duplicates.");
  }
  return members;
}

function text(value: unknown): string {
  if (typeof value !== "string") throw unreadable();
  return value;
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw unreadable();
  return value;
}

function unreadable(): ApiError {
  return new ApiError("SerializationException", "Unexpected value type in payload");
}

const UTF8: TextEncoder = new TextEncoder();
