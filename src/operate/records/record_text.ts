// Pure.
/**
 * A record as a line: for people, or as JSON. What producers sent may be anything. No control character of it
 * is printed, since a terminal would obey it.
 *
 * @module
 */

import { encodeBase64 } from "../../aws/payload_slab.ts";
import type { KinesisRecord } from "../../stream/record.ts";

/**
 * One JSON object with stable names. `encoding` says what `data` is: text as it was sent, or base64 where the
 * payload is not UTF-8.
 */
export function recordJson(shardId: string, record: KinesisRecord): string {
  const text = exactText(record.data);
  const json = JSON.stringify({
    shardId,
    sequenceNumber: record.sequenceNumber,
    subSequenceNumber: record.subSequenceNumber,
    partitionKey: record.partitionKey,
    ...(record.explicitHashKey === undefined ? {} : { explicitHashKey: record.explicitHashKey }),
    approximateArrivalTime: timeOf(record),
    aggregated: record.aggregated,
    encoding: text === undefined ? "base64" : "utf8",
    data: text ?? encodeBase64(record.data),
  });
  return json.replaceAll(UNPRINTABLE, unicodeEscape);
}

/**
 * Time, shard, key and data. Control characters are written as `\n`, `\t` and `\u001b`. A payload that is not
 * UTF-8 is written as `base64:…`.
 *
 * @param most How many characters of the data are shown.
 */
export function recordLine(shardId: string, record: KinesisRecord, most: number = Infinity): string {
  const { data } = record;
  // A character is four bytes at most. What is cut off is not decoded.
  const isLong = data.length > 4 * most;
  const text = exactText(isLong ? data.subarray(0, wholeLetters(data, 4 * most)) : data);
  const shown = text === undefined
    ? `base64:${encodeBase64(data.subarray(0, Math.min(data.length, most)))}`
    : escaped(text);
  const cut = isLong || shown.length > most
    ? `${[...shown.slice(0, 2 * most)].slice(0, most).join("")}… (${data.length} bytes)`
    : shown;
  return `${timeOf(record)}  ${shardId}  ${escaped(record.partitionKey) || '""'}  ${cut}`;
}

/** Where the last whole letter ends before `end`, so that a letter cut in two does not look like bytes. */
function wholeLetters(data: Uint8Array, end: number): number {
  let at = end;
  while (at > end - 4 && ((data[at] ?? 0) & 0xc0) === 0x80) at--;
  return at;
}

/** Undefined when it is not UTF-8. */
function exactText(data: Uint8Array): string | undefined {
  try {
    return UTF8.decode(data);
  } catch {
    return undefined;
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Some emulators give a time that no calendar has. */
function timeOf({ approximateArrivalTimestamp: ms }: KinesisRecord): string {
  return Math.abs(ms) <= 8.64e15 ? new Date(ms).toISOString() : `${ms}`;
}

function escaped(text: string): string {
  return text.replaceAll(UNPRINTABLE, (letter) => SHORT.get(letter) ?? unicodeEscape(letter));
}

const SHORT: ReadonlyMap<string, string> = new Map([["\n", "\\n"], ["\r", "\\r"], ["\t", "\\t"]]);

function unicodeEscape(letter: string): string {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

/** C0 and C1 controls, line and paragraph separators, and the marks that turn the direction of writing. */
// deno-lint-ignore no-control-regex -- these are the characters to escape
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;
