// Pure.
/**
 * Attribute values of DynamoDB as plain values of JavaScript.
 *
 * @module
 */

import type { AttributeValue, Item } from "../stream/change.ts";

/** How numbers come out. */
export interface UnmarshallOptions {
  /**
   * DynamoDB's numbers have 38 digits, those of JavaScript about 16. `"number"`: as numbers, and one that
   * would change is refused. `"lossy"`: as numbers, rounded. `"bigint"`: whole numbers that a number cannot
   * hold as bigints. `"text"`: all as the text that DynamoDB gave.
   *
   * @default {"number"}
   */
  readonly numbers?: "number" | "lossy" | "bigint" | "text" | undefined;
}

/** What a value becomes. */
export type Plain =
  | string
  | number
  | bigint
  | boolean
  | null
  | Uint8Array
  | readonly Plain[]
  | ReadonlySet<string | number | bigint | Uint8Array>
  | { readonly [name: string]: Plain };

/**
 * An item as an object of plain values: texts, numbers, booleans, null, bytes, arrays, objects and sets.
 *
 * ```ts
 * import { unmarshall } from "@kclite/kclite/dynamodb-streams";
 *
 * unmarshall({ id: { S: "a" }, count: { N: "3" }, tags: { SS: ["x"] } }); // { id: "a", count: 3, tags: Set(1) }
 * ```
 *
 * `T` is the caller's word for what is there: nothing checks it.
 *
 * @throws {RangeError} when a number would change: see the option `numbers`.
 */
export function unmarshall<T = { readonly [name: string]: Plain }>(
  item: Item,
  options: UnmarshallOptions = {},
): T {
  return plainItem(item, options.numbers ?? "number") as T;
}

type Numbers = NonNullable<UnmarshallOptions["numbers"]>;

function plainItem(item: Item, numbers: Numbers): { readonly [name: string]: Plain } {
  // Without a prototype's setter: an attribute may be called `__proto__`.
  return Object.fromEntries(Object.entries(item).map(([name, value]) => [name, plainOf(value, numbers)]));
}

function plainOf(value: AttributeValue, numbers: Numbers): Plain {
  if ("S" in value) return value.S;
  if ("N" in value) return numberOf(value.N, numbers);
  if ("BOOL" in value) return value.BOOL;
  if ("NULL" in value) return null;
  if ("B" in value) return bytesOf(value.B);
  if ("M" in value) return plainItem(value.M, numbers);
  if ("L" in value) return value.L.map((member) => plainOf(member, numbers));
  if ("SS" in value) return new Set(value.SS);
  if ("NS" in value) return new Set(value.NS.map((text) => numberOf(text, numbers)));
  if ("BS" in value) return new Set(value.BS.map(bytesOf));
  throw new TypeError(
    `Cannot unmarshall a value: expected a type of DynamoDB such as S or N: got ${
      Object.keys(value).join(", ")
    }`,
  );
}

function numberOf(text: string, numbers: Numbers): number | bigint | string {
  if (numbers === "text") return text;
  const number = Number(text);
  if (numbers === "lossy" || isSame(text, number)) return number;
  if (numbers === "bigint" && /^-?\d+$/.test(text)) return BigInt(text);
  throw new RangeError(
    `Cannot unmarshall number ${text}: expected one that a number of JavaScript can hold: got ` +
      `${number} of it: set numbers to "text", "bigint" or "lossy"`,
  );
}

/** Whether a number says what its text says. The digits count, and where the point is. */
function isSame(text: string, number: number): boolean {
  return Number.isFinite(number) && digitsOf(text) === digitsOf(`${number}`);
}

/** A decimal as its digits and its exponent: one form for each value. */
function digitsOf(text: string): string | undefined {
  const [, sign, whole = "", fraction = "", exponent = "0"] =
    /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(text) ?? [];
  const digits = `${whole}${fraction}`.replace(/^0+/, "");
  const trimmed = digits.replace(/0+$/, "");
  if (trimmed === "") return "0";
  const power = Number(exponent) - fraction.length + (digits.length - trimmed.length);
  return `${sign === "-" ? "-" : ""}${trimmed}e${power}`;
}

function bytesOf(base64: string): Uint8Array {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
