/**
 * Links from a batch to the traces in which its records were put. Kinesis has no headers: the context of a
 * trace is inside the data, where the producer has put it.
 *
 * @module
 */

import type { KinesisRecord } from "../stream/record.ts";
import { type Link, propagation, ROOT_CONTEXT, trace } from "./api.ts";

/** What a propagator reads, e.g. `{traceparent: "00-…"}`. */
export type TraceCarrier = Readonly<Record<string, string>>;

/** Finds the context of a trace in a record; undefined if there is none. */
export type TraceContextOf = (record: KinesisRecord) => TraceCarrier | undefined;

/** The most links of a span. An SDK keeps 128 by default, and drops the others without a word. */
export const MAX_LINKS = 100;

/** Links of a batch. */
export interface BatchLinks {
  readonly links: Link[];
  /** Records with a context for which there was no room. */
  readonly dropped: number;
}

/** A record without a context, or with one that cannot be read, has no link. */
export function linksOf(records: readonly KinesisRecord[], find: TraceContextOf): BatchLinks {
  const links: Link[] = [];
  let dropped = 0;
  for (const record of records) {
    const carrier = carrierOf(record, find);
    if (carrier === undefined) continue;
    const context = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, carrier));
    if (context === undefined) continue;
    if (links.length < MAX_LINKS) links.push({ context });
    else dropped++;
  }
  return { links, dropped };
}

/**
 * The context in a field of records that are JSON objects.
 *
 * @param name Of the field, e.g. `traceparent`. Its value is that of the header of this name.
 */
export function jsonField(name: "traceparent" | (string & Record<never, never>)): TraceContextOf {
  return (record) => {
    // The text alone rules most records out, which is cheaper than reading JSON.
    const text = record.text();
    if (!text.includes(`"${name}"`)) return undefined;
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined;
    const found: unknown = Reflect.get(value, name);
    return typeof found === "string" ? { [name]: found } : undefined;
  };
}

/** A user's function may throw: a record that cannot be read has no context. */
function carrierOf(record: KinesisRecord, find: TraceContextOf): TraceCarrier | undefined {
  try {
    return find(record);
  } catch {
    return undefined;
  }
}
