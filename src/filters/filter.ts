// Pure.
/**
 * Makes one function of the option `filter`: whether a record is delivered. Several patterns are OR-ed, and
 * the body of a record is parsed once for all of them.
 *
 * Records are asked about one by one after de-aggregation. Lambda asks about whole aggregates, which are not
 * JSON, and drops them.
 *
 * @module
 */

import type { KinesisRecord } from "../stream/record.ts";
import type { FilterPattern, RecordFilter } from "../failures/failure_options.ts";
import { type CompiledPattern, compilePattern } from "./filter_pattern.ts";
import { parseTagged, type Tagged, type TaggedObject } from "./tagged_json.ts";

/** Source: the Lambda guide: five filters for an event source, ten on request. */
const MAX_PATTERNS = 10;

/**
 * Compiles the option `filter`: a function, one pattern, a list of them, or Lambda's
 * `{ "Filters": [{ "Pattern": "…" }] }` with patterns as texts.
 *
 * @returns Whether a record is delivered. Throws what the user's function throws, and a TypeError when that
 * returns something else than true or false: a forgotten `return` would drop all records.
 * @throws {TypeError}, {@linkcode RangeError} or {@linkcode SyntaxError} with the place of the mistake when a
 * pattern is none.
 */
export function filterOf(filter: RecordFilter): (record: KinesisRecord) => boolean {
  if (typeof filter === "function") return checked(filter);
  const patterns = patternsOf(filter).map(({ name, text }) => compilePattern(text, name));
  const isDataRead = patterns.some(({ readsData }) => readsData);
  return (record) => {
    const event = eventOf(record, isDataRead);
    return patterns.some((pattern: CompiledPattern) => pattern.matches(event));
  };
}

function checked(filter: (record: KinesisRecord) => boolean): (record: KinesisRecord) => boolean {
  return (record) => {
    const answer: unknown = filter(record);
    if (typeof answer === "boolean") return answer;
    const found = answer instanceof Promise ? "a promise" : answer === null ? "null" : typeof answer;
    throw new TypeError(`Cannot filter record: expected the filter to return true or false: got ${found}`);
  };
}

/** A pattern as JSON text, and its name in messages. */
interface NamedPattern {
  readonly name: string;
  readonly text: string;
}

function patternsOf(filter: FilterPattern | readonly FilterPattern[]): readonly NamedPattern[] {
  const { list, nameOf, isCriteria } = listed(filter);
  if (list.length === 0 || list.length > MAX_PATTERNS) {
    throw new RangeError(
      `Cannot start worker: expected filter to have 1 to ${MAX_PATTERNS} patterns: got ${list.length}`,
    );
  }
  return list.map((pattern, i) => {
    const name = nameOf(i);
    if (!isCriteria) return { name, text: jsonOf(pattern, name) };
    const text = isObject(pattern) && Object.keys(pattern).length === 1 ? pattern["Pattern"] : undefined;
    if (typeof text === "string") return { name: `${name}.Pattern`, text };
    throw new TypeError(`Cannot start worker: expected ${name} to be { "Pattern": "…" } with JSON as text`);
  });
}

function listed(filter: FilterPattern | readonly FilterPattern[]): {
  readonly list: readonly unknown[];
  readonly nameOf: (i: number) => string;
  readonly isCriteria: boolean;
} {
  if (Array.isArray(filter)) return { list: filter, nameOf: (i) => `filter[${i}]`, isCriteria: false };
  const pattern = filter as FilterPattern;
  if (!Object.hasOwn(pattern, "Filters")) {
    return { list: [pattern], nameOf: () => "filter", isCriteria: false };
  }
  const filters = pattern["Filters"];
  if (Array.isArray(filters)) {
    return { list: filters, nameOf: (i) => `filter.Filters[${i}]`, isCriteria: true };
  }
  throw new TypeError(`Cannot start worker: expected filter.Filters to be a list: got ${typeof filters}`);
}

/**
 * A pattern as JSON text. What JSON would leave out or change is refused: a pattern with fewer conditions
 * matches more records.
 *
 * @throws {TypeError} for undefined, functions, NaN and what contains itself.
 */
function jsonOf(pattern: unknown, name: string): string {
  const check = (key: string, value: unknown): unknown => {
    const isJson = ["string", "boolean", "object"].includes(typeof value) || Number.isFinite(value);
    if (isJson) return value;
    const found = typeof value === "number" ? `${value}` : typeof value;
    throw new TypeError(
      `Cannot start worker: expected "${key}" in ${name} to be a value of JSON: got ${found}`,
    );
  };
  try {
    return JSON.stringify(pattern, check);
  } catch (cause) {
    if (cause instanceof TypeError && cause.message.startsWith("Cannot start worker")) throw cause;
    throw new TypeError(`Cannot start worker: expected ${name} to be a value of JSON`, { cause });
  }
}

/** The record as Lambda's patterns see it, tagged. */
function eventOf(record: KinesisRecord, isDataRead: boolean): TaggedObject {
  const event = {
    spartitionKey: `s${record.partitionKey}`,
    ssequenceNumber: `s${record.sequenceNumber}`,
    sapproximateArrivalTimestamp: `n${record.approximateArrivalTimestamp / 1000}`,
    skinesisSchemaVersion: "s1.0",
  };
  const sdata = isDataRead ? bodyOf(record.text()) : undefined;
  return sdata === undefined ? event : { ...event, sdata };
}

/** The body as JSON; undefined when it is none. */
function bodyOf(text: string): Tagged | undefined {
  try {
    return parseTagged(text);
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
