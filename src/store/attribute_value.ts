// Pure.
/**
 * DynamoDB attribute values to and from plain values. Writing refuses what a Java worker could not read back (empty texts and
 * sets, NaN); reading never throws but notes what was wrong, for one bad item must not stop a scan.
 *
 * Source: KCL 3.5.1, `DynamoUtils`.
 *
 * @module
 */

import { encodeBase64 } from "../aws/payload_slab.ts";
import type { AttributeValue, Item } from "../aws/dynamodb.ts";

/** What became of reading an item: its value, or why it cannot be one. */
export type Readout<T> =
  | { readonly type: "read"; readonly value: T }
  | { readonly type: "unreadable"; readonly problem: string };

/**
 * A text.
 *
 * @param name The attribute it is for, for the error.
 * @throws {RangeError} when it is empty.
 */
export function textValue(name: string, text: string): { readonly S: string } {
  if (text === "") throw new RangeError(`Cannot write attribute "${name}": expected a text: got ""`);
  return { S: text };
}

/**
 * A number in plain decimal digits; fractions are rounded to the six decimals that KCL keeps.
 *
 * @throws {RangeError} when it is not finite, or an integer too great to be exact.
 */
export function numberValue(name: string, value: number): { readonly N: string } {
  if (Number.isSafeInteger(value)) return { N: String(value) };
  if (Number.isInteger(value) || !Number.isFinite(value)) {
    throw new RangeError(`Cannot write attribute "${name}": expected an exact finite number: got ${value}`);
  }
  return { N: String(Number(value.toFixed(6))) };
}

/**
 * A set of texts, sorted and without repetitions (DynamoDB refuses those).
 *
 * @throws {RangeError} when it is empty or has an empty text.
 */
export function textSetValue(name: string, texts: readonly string[]): { readonly SS: readonly string[] } {
  if (texts.length === 0 || texts.includes("")) {
    throw new RangeError(`Cannot write attribute "${name}": expected texts: got ${JSON.stringify(texts)}`);
  }
  return { SS: [...new Set(texts)].toSorted() };
}

/** Bytes, which the wire form holds as base64. */
export function bytesValue(bytes: Uint8Array): { readonly B: string } {
  return { B: encodeBase64(bytes) };
}

/** Reads the attributes of one item. An absent attribute is undefined; a wrong one too, and is noted in `problem`. */
export class AttributeReader {
  readonly #item: Item;
  #problem: string | undefined;

  constructor(item: Item) {
    this.#item = item;
  }

  /** The first thing that was wrong, or undefined. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Notes a problem unless one is noted already. */
  note(problem: string): undefined {
    this.#problem ??= problem;
  }

  /** The value of an `S`. */
  text(name: string): string | undefined {
    const value = this.#item[name];
    return value === undefined ? undefined : "S" in value ? value.S : this.#mistyped(name, "S", value);
  }

  /** The value of an `S`; anything else counts as absent. For attributes of ours, without which an item is whole. */
  optionalText(name: string): string | undefined {
    const value = this.#item[name];
    return value !== undefined && "S" in value ? value.S : undefined;
  }

  /** The value of an `N` without fraction. */
  integer(name: string): number | undefined {
    const value = this.number(name);
    if (value === undefined || Number.isSafeInteger(value)) return value;
    return this.note(`${name} is ${value}, expected an integer`);
  }

  /** The value of an `N`. */
  number(name: string): number | undefined {
    const value = this.#item[name];
    return value === undefined ? undefined : this.#numberIn(name, value);
  }

  /** The values of an `SS`, sorted, for a set has no order of its own. */
  textSet(name: string): readonly string[] | undefined {
    const value = this.#item[name];
    if (value === undefined) return undefined;
    return "SS" in value ? value.SS.toSorted() : this.#mistyped(name, "SS", value);
  }

  /** The bytes of a `B`. */
  bytes(name: string): Uint8Array | undefined {
    const value = this.#item[name];
    if (value === undefined) return undefined;
    if (!("B" in value)) return this.#mistyped(name, "B", value);
    try {
      return Uint8Array.from(atob(value.B), (char) => char.charCodeAt(0));
    } catch {
      return this.note(`${name} is not base64`);
    }
  }

  /** The numbers of an `M` of `L` of `N`, by name. */
  numberLists(name: string): Readonly<Record<string, readonly number[]>> | undefined {
    const value = this.#item[name];
    if (value === undefined) return undefined;
    if (!("M" in value)) return this.#mistyped(name, "M", value);
    const lists: Record<string, readonly number[]> = {};
    for (const [key, list] of Object.entries(value.M)) {
      if (!("L" in list)) return this.#mistyped(`${name}.${key}`, "L", list);
      const numbers = list.L.map((entry) => this.#numberIn(`${name}.${key}`, entry));
      lists[key] = numbers.filter((entry) => entry !== undefined);
    }
    return lists;
  }

  /** Readers of the maps in an `L` of `M`; entries of another type are left out. */
  maps(name: string): readonly AttributeReader[] | undefined {
    const value = this.#item[name];
    if (value === undefined) return undefined;
    if (!("L" in value)) return this.#mistyped(name, "L", value);
    return value.L.flatMap((entry) => "M" in entry ? [new AttributeReader(entry.M)] : []);
  }

  #numberIn(name: string, value: AttributeValue): number | undefined {
    if (!("N" in value)) return this.#mistyped(name, "N", value);
    const number = value.N.trim() === "" ? NaN : Number(value.N);
    return Number.isFinite(number) ? number : this.note(`${name} is not a number: "${value.N}"`);
  }

  #mistyped(name: string, wanted: string, found: AttributeValue): undefined {
    return this.note(`${name} has type ${Object.keys(found).join()}, expected ${wanted}`);
  }
}
