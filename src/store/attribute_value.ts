// Pure.
/**
 * DynamoDB attribute values to and from plain values. Writing refuses what a Java worker could not read back
 * (empty texts and sets, NaN). Reading never throws but notes what was wrong: one invalid item must not stop
 * a scan.
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

/** What each type of attribute holds. */
interface Held {
  readonly S: string;
  readonly N: string;
  readonly B: string;
  readonly SS: readonly string[];
  readonly L: readonly AttributeValue[];
  readonly M: Readonly<Record<string, AttributeValue>>;
}

/**
 * The content of an attribute of this type; undefined for an attribute of another type. Also undefined for
 * what DynamoDB never sends (`{N: 5}`, null), but the user's own fetch or a test double may.
 */
export function heldIn<T extends keyof Held>(value: AttributeValue | undefined, type: T): Held[T] | undefined;
export function heldIn(value: unknown, type: keyof Held): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, type)) return undefined;
  const held: unknown = Reflect.get(value, type);
  switch (type) {
    case "S":
    case "N":
    case "B":
      return typeof held === "string" ? held : undefined;
    case "SS":
      return Array.isArray(held) && held.every((text) => typeof text === "string") ? held : undefined;
    case "L":
      return Array.isArray(held) ? held : undefined;
    case "M":
      return typeof held === "object" && held !== null && !Array.isArray(held) ? held : undefined;
  }
}

/** An attribute of an item that may be none. */
export function attributeIn(item: Item | undefined, name: string): AttributeValue | undefined {
  return typeof item === "object" && item !== null && Object.hasOwn(item, name) ? item[name] : undefined;
}

/**
 * Reads the attributes of one item. An absent attribute is undefined; a wrong one too, and is noted in
 * `problem`. Never throws.
 */
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

  /** Notes a problem if none is noted yet. */
  note(problem: string): undefined {
    this.#problem ??= problem;
  }

  /** Whether there is such an attribute, of any type. */
  has(name: string): boolean {
    return attributeIn(this.#item, name) !== undefined;
  }

  /** The value of an `S`. */
  text(name: string): string | undefined {
    return this.#held(name, "S");
  }

  /**
   * The value of an `S`; anything else counts as absent. For attributes of ours, without which an item is
   * whole.
   */
  optionalText(name: string): string | undefined {
    return heldIn(attributeIn(this.#item, name), "S");
  }

  /** The value of an `N` without fraction. */
  integer(name: string): number | undefined {
    const value = this.number(name);
    if (value === undefined || Number.isSafeInteger(value)) return value;
    return this.note(`${name} is ${value}, expected an integer`);
  }

  /** The value of an `N`. */
  number(name: string): number | undefined {
    return this.has(name) ? this.#numberIn(name, attributeIn(this.#item, name)) : undefined;
  }

  /** The values of an `SS`, sorted, since a set has no order. */
  textSet(name: string): readonly string[] | undefined {
    return this.#held(name, "SS")?.toSorted();
  }

  /** The bytes of a `B`. */
  bytes(name: string): Uint8Array | undefined {
    const text = this.#held(name, "B");
    if (text === undefined) return undefined;
    try {
      return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    } catch {
      return this.note(`${name} is not base64`);
    }
  }

  /** The numbers of an `M` of `L` of `N`, by name. */
  numberLists(name: string): Readonly<Record<string, readonly number[]>> | undefined {
    const map = this.#held(name, "M");
    if (map === undefined) return undefined;
    const lists: [string, readonly number[]][] = [];
    for (const [key, value] of Object.entries(map)) {
      const list = heldIn(value, "L");
      if (list === undefined) return this.#mistyped(`${name}.${key}`, "L", value);
      const numbers = list.map((entry) => this.#numberIn(`${name}.${key}`, entry));
      lists.push([key, numbers.filter((entry) => entry !== undefined)]);
    }
    return Object.fromEntries(lists);
  }

  /** Readers of the maps in an `L` of `M`; entries of another type are left out. */
  maps(name: string): readonly AttributeReader[] | undefined {
    return this.#held(name, "L")?.flatMap((entry) => {
      const map = heldIn(entry, "M");
      return map === undefined ? [] : [new AttributeReader(map)];
    });
  }

  #held<T extends keyof Held>(name: string, type: T): Held[T] | undefined {
    const value = attributeIn(this.#item, name);
    if (value === undefined) return undefined;
    return heldIn(value, type) ?? this.#mistyped(name, type, value);
  }

  #numberIn(name: string, value: AttributeValue | undefined): number | undefined {
    const text = heldIn(value, "N");
    if (text === undefined) return this.#mistyped(name, "N", value);
    const number = text.trim() === "" ? NaN : Number(text);
    return Number.isFinite(number) ? number : this.note(`${name} is not a number: ${JSON.stringify(text)}`);
  }

  #mistyped(name: string, wanted: keyof Held, found: unknown): undefined {
    const isMap = typeof found === "object" && found !== null;
    const types = isMap ? Object.keys(found).join() : found === null ? "null" : typeof found;
    // The right type with a wrong content is reported as such.
    const got = types === wanted ? `${wanted} of another kind` : types;
    return this.note(`${name} has type ${got}, expected ${wanted}`);
  }
}
