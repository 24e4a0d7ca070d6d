// Pure.
/**
 * Compiles a filter pattern of AWS Lambda's event source mappings, a subset of EventBridge's. Fields are
 * AND-ed, the values of one field OR-ed; a list in the record matches when one of its elements does.
 *
 * Numbers are equal when their texts are: 300 is not 3.0e2. `numeric` compares their values. The body of a
 * record must be JSON where the pattern asks for `data`; any other record does not match. Patterns that can
 * only be a mistake are refused, where Lambda accepts them and delivers nothing.
 *
 * Source: the Lambda guide, "Control which events Lambda sends to your function"; the README of
 * aws/event-ruler for lists, `exists` and `$or`.
 *
 * @module
 */

import { nearestName } from "../nearest_name.ts";
import { parseTagged, type Tagged, type TaggedObject } from "./tagged_json.ts";

/** A pattern, to be asked about records. */
export interface CompiledPattern {
  /** Whether it looks at the body: then the body is to be parsed. */
  readonly readsData: boolean;
  /** @param event The fields of a record, tagged; without `sdata` when the body is not JSON. */
  matches(event: TaggedObject): boolean;
}

/** What a pattern may ask about a record. All but `data` are texts or numbers. */
export const EVENT_FIELDS = [
  "data",
  "partitionKey",
  "sequenceNumber",
  "approximateArrivalTimestamp",
  "kinesisSchemaVersion",
] as const;

/** Source: the Lambda API, `FilterCriteria`: the length of a pattern. */
const MAX_CHARACTERS = 4096;

/**
 * Compiles a pattern.
 *
 * @param text The pattern as JSON text.
 * @param name Names the pattern in messages, e.g. `filter[0]`.
 * @throws {SyntaxError} when it is not JSON, {@linkcode RangeError} when it is too long, and
 * {@linkcode TypeError} with the place of the mistake when it is no pattern.
 */
export function compilePattern(text: string, name: string): CompiledPattern {
  if (text.length > MAX_CHARACTERS) {
    throw new RangeError(
      `Cannot start worker: expected ${name} to have at most ${MAX_CHARACTERS} characters as JSON: got ${text.length}`,
    );
  }
  let pattern: Tagged;
  try {
    pattern = parseTagged(text);
  } catch {
    throw new SyntaxError(
      `Cannot start worker: expected ${name} to be JSON: got ${JSON.stringify(text.slice(0, 80))}`,
    );
  }
  const compiler = new Compiler(name);
  const matches = compiler.event(pattern);
  return { readsData: compiler.readsData, matches: (event) => matches(event, event) };
}

/** Whether a value matches. Undefined: there is none. `exists: false` looks at the whole body: the root. */
type Match = (value: Tagged | undefined, root: Tagged) => boolean;
/** Whether one scalar value matches. */
type LeafMatch = (leaf: string | boolean | null) => boolean;
/** Keys from the root. */
type Path = readonly string[];

class Compiler {
  readonly #name: string;
  readsData = false;

  constructor(name: string) {
    this.#name = name;
  }

  /** The pattern of a whole record. */
  event(pattern: Tagged): (event: TaggedObject, root: Tagged) => boolean {
    return this.#fields(pattern, [], "$", (key, value, place) => {
      const name = untagged(key);
      if (!EVENT_FIELDS.some((field) => field === name)) {
        const meant = nearestName(name, EVENT_FIELDS) ?? EVENT_FIELDS.join(", ");
        throw this.#wrong(place, `a field of a record: ${meant}`, name);
      }
      if (name !== "data") {
        if (!Array.isArray(value)) throw this.#wrong(place, "a list of what may match", shown(value));
        return this.#values(value, [key], place);
      }
      this.readsData = true;
      if (!isObject(value)) {
        throw this.#wrong(place, "an object of fields of the JSON body", shown(value));
      }
      const body = this.#object(value, [], place);
      return (data) => data !== undefined && body(data, data);
    });
  }

  /** The fields of one object: all of them must match. */
  #fields(
    pattern: Tagged,
    path: Path,
    place: string,
    field: (key: string, value: Tagged, place: string) => Match,
  ): (object: TaggedObject, root: Tagged) => boolean {
    if (!isObject(pattern) || Object.keys(pattern).length === 0) {
      throw this.#wrong(place, "an object with one field at least", shown(pattern));
    }
    const all = Object.entries(pattern).map(([key, value]) => {
      const below = `${place}${placeOf(untagged(key))}`;
      if (key === "s$or" && isAlternatives(value)) {
        const any = value.map((one, i) => this.#fields(one, path, `${below}[${i}]`, field));
        return (object: TaggedObject, root: Tagged) => any.some((match) => match(object, root));
      }
      const match = field(key, value, below);
      return (object: TaggedObject, root: Tagged) =>
        match(Object.hasOwn(object, key) ? object[key] : undefined, root);
    });
    return (object, root) => all.every((match) => match(object, root));
  }

  /** An object within the body. A list of objects matches when one of them does, as a whole. */
  #object(pattern: Tagged, path: Path, place: string): Match {
    const fields = this.#fields(pattern, path, place, (key, value, below) => {
      if (Array.isArray(value)) return this.#values(value, [...path, key], below);
      if (isObject(value)) return this.#object(value, [...path, key], below);
      throw this.#wrong(
        below,
        "a list of what may match, or an object",
        `${shown(value)}: write [${shown(value)}]`,
      );
    });
    return (value, root) => {
      if (isObject(value)) return fields(value, root);
      const objects = flat(value).filter(isObject);
      return objects.length === 0 ? fields({}, root) : objects.some((object) => fields(object, root));
    };
  }

  /** The values of one field: one of them must match. */
  #values(list: readonly Tagged[], path: Path, place: string): Match {
    if (list.length === 0) throw this.#wrong(place, "one value at least", "an empty list");
    let isAbsenceEnough = false, isPresenceEnough = false;
    const any: LeafMatch[] = [];
    list.forEach((value, i) => {
      const here = `${place}[${i}]`;
      if (!isObject(value)) {
        if (Array.isArray(value)) throw this.#wrong(here, "a value", "a list");
        any.push((leaf) => leaf === value);
        return;
      }
      const [name, operand] = this.#operator(value, here);
      const at = `${here}${placeOf(name)}`;
      if (name !== "exists") return void any.push(this.#operation(name, operand, at));
      if (typeof operand !== "boolean") throw this.#wrong(at, "true or false", shown(operand));
      if (operand) isPresenceEnough = true;
      else isAbsenceEnough = true;
    });
    return (value, root) => {
      if (isAbsenceEnough && !isThere(root, path)) return true;
      if (value === undefined) return false;
      if (isLeaf(value)) return isPresenceEnough || any.some((match) => match(value));
      const leaves = flat(value).filter(isLeaf);
      return leaves.length > 0 &&
        (isPresenceEnough || leaves.some((leaf) => any.some((match) => match(leaf))));
    };
  }

  /** The one operator of an object among values. */
  #operator(object: TaggedObject, place: string): readonly [name: Operator, operand: Tagged] {
    const [entry, more] = Object.entries(object);
    if (entry === undefined || more !== undefined) {
      throw this.#wrong(place, 'an object with one operator, e.g. { "prefix": "a" }', shown(object));
    }
    const name = untagged(entry[0]);
    const operator = OPERATORS.find((known) => known === name);
    if (operator === undefined) {
      const meant = nearestName(name, OPERATORS) ?? OPERATORS.join(", ");
      const mend = name === "wildcard" || name === "cidr"
        ? ", which Lambda has not: filter by a function"
        : "";
      throw this.#wrong(place, `an operator: ${meant}`, `${JSON.stringify(name)}${mend}`);
    }
    return [operator, entry[1]];
  }

  #operation(name: Exclude<Operator, "exists">, operand: Tagged, place: string): LeafMatch {
    switch (name) {
      case "prefix": {
        const wanted = this.#text(operand, place);
        return (leaf) => typeof leaf === "string" && leaf.startsWith(wanted);
      }
      case "suffix": {
        const wanted = untagged(this.#text(operand, place));
        return (leaf) => isText(leaf) && leaf.endsWith(wanted) && leaf.length > wanted.length;
      }
      case "equals-ignore-case": {
        const wanted = this.#text(operand, place).toLowerCase();
        return (leaf) => isText(leaf) && leaf.toLowerCase() === wanted;
      }
      case "anything-but": {
        const but = new Set(this.#exceptions(operand, place));
        return (leaf) => !but.has(leaf);
      }
      case "numeric":
        return this.#numeric(operand, place);
    }
  }

  #text(operand: Tagged, place: string): string {
    if (isText(operand)) return operand;
    throw this.#wrong(place, "a text", shown(operand));
  }

  /** All texts, or all numbers. */
  #exceptions(operand: Tagged, place: string): readonly Tagged[] {
    const list: readonly Tagged[] = Array.isArray(operand) ? operand : [operand];
    const [first] = list;
    const isOfKind = isText(first) ? isText : isNumber;
    if (first !== undefined && list.every(isOfKind)) return list;
    throw this.#wrong(place, "a text, a number, or a list of texts or of numbers", shown(operand));
  }

  /** One comparison, or a lower and an upper limit. */
  #numeric(operand: Tagged, place: string): LeafMatch {
    const wrong = (found: string) =>
      this.#wrong(
        place,
        'e.g. ["=", 5] or [">", 0, "<=", 5]: an operator and a number, once or twice',
        found,
      );
    if (!Array.isArray(operand) || (operand.length !== 2 && operand.length !== 4)) {
      throw wrong(shown(operand));
    }
    let low = -Infinity, high = Infinity, isLowIn = true, isHighIn = true;
    const signs: string[] = [];
    for (let i = 0; i < operand.length; i += 2) {
      const sign = operand[i], limit = operand[i + 1];
      if (!isText(sign) || limit === undefined || !isNumber(limit)) throw wrong(shown(operand));
      const name = untagged(sign), value = numberOf(limit);
      if (!/^(?:=|[<>]=?)$/.test(name)) throw wrong(shown(operand));
      signs.push(name.slice(0, 1));
      if (name !== "<" && name !== "<=") [low, isLowIn] = [value, name !== ">"];
      if (name !== ">" && name !== ">=") [high, isHighIn] = [value, name !== "<"];
    }
    const areTwo = signs.length === 2;
    if (areTwo && !(signs.includes("<") && signs.includes(">"))) throw wrong(shown(operand));
    if (areTwo && low >= high) throw wrong(`limits that no number keeps: ${shown(operand)}`);
    return (leaf) => {
      if (!isNumber(leaf)) return false;
      const value = numberOf(leaf);
      return (isLowIn ? value >= low : value > low) && (isHighIn ? value <= high : value < high);
    };
  }

  #wrong(place: string, wanted: string, found: string): TypeError {
    return new TypeError(
      `Cannot start worker: expected ${wanted} at ${place} of ${this.#name}: got ${found}`,
    );
  }
}

const OPERATORS = [
  "exists",
  "prefix",
  "suffix",
  "equals-ignore-case",
  "anything-but",
  "numeric",
] as const;
type Operator = typeof OPERATORS[number];

/**
 * Whether `$or` means "or": two objects at least, none of which is an operator. Else it is a field of this
 * name. Source: aws/event-ruler.
 */
function isAlternatives(value: Tagged): value is readonly TaggedObject[] {
  return Array.isArray(value) && value.length >= 2 &&
    value.every((one) =>
      isObject(one) && !Object.keys(one).some((key) => OPERATORS.some((name) => `s${name}` === key))
    );
}

/** Whether the body has a scalar value there, in any element of any list on the way. */
function isThere(root: Tagged, path: Path): boolean {
  let found: readonly Tagged[] = [root];
  for (const key of path) {
    found = found.flatMap((value) => flat(value)).filter(isObject).flatMap((object) =>
      Object.hasOwn(object, key) ? [object[key] as Tagged] : []
    );
  }
  return found.some((value) => flat(value).some(isLeaf));
}

/**
 * What is in a list, and in the lists within it; of a value that is no list, the value. Not recursive: a
 * producer may nest deeply.
 */
function flat(value: Tagged | undefined): readonly Tagged[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) return [value];
  const found: Tagged[] = [];
  const open = [value.values()];
  for (let list = open.at(-1); list !== undefined; list = open.at(-1)) {
    const { done, value: next } = list.next();
    if (done) open.pop();
    else if (Array.isArray(next)) open.push(next.values());
    else found.push(next);
  }
  return found;
}

function isObject(value: Tagged | undefined): value is TaggedObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isLeaf(value: Tagged): value is string | boolean | null {
  return typeof value !== "object" || value === null;
}

function isText(value: Tagged | undefined): value is string {
  return typeof value === "string" && value.startsWith("s");
}

function isNumber(value: Tagged | undefined): value is string {
  return typeof value === "string" && value.startsWith("n");
}

function numberOf(tagged: string): number {
  return Number(tagged.slice(1));
}

function untagged(tagged: string): string {
  return tagged.slice(1);
}

/** A key in a place, as JSON path writes it. */
function placeOf(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** A value in messages, in one line and not too long. */
function shown(value: Tagged): string {
  const text = plain(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function plain(value: Tagged): string {
  if (typeof value === "string") return isText(value) ? JSON.stringify(untagged(value)) : untagged(value);
  if (Array.isArray(value)) return `[${value.map(plain).join(", ")}]`;
  if (!isObject(value)) return `${value}`;
  const fields = Object.entries(value).map(([key, of]) => `${JSON.stringify(untagged(key))}: ${plain(of)}`);
  return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
}
