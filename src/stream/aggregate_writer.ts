// Pure.
/**
 * Makes aggregates as the Kinesis Producer Library does: user records of one partition key in one record.
 *
 * Source: KPL, `messages.proto`; the wire format of protocol buffers.
 *
 * @module
 */

import { Md5 } from "./md5.ts";

/**
 * One record's payload out of several.
 *
 * @param explicitHashKey Of all of them, as decimal text. Undefined: the hash key of the partition key.
 */
export function aggregateOf(
  partitionKey: string,
  explicitHashKey: string | undefined,
  payloads: readonly Uint8Array[],
): Uint8Array {
  // Index 0 of the partition keys; if there is an explicit hash key, index 0 of these too.
  const head = explicitHashKey === undefined ? [8, 0] : [8, 0, 16, 0];
  const parts: ArrayLike<number>[] = [MAGIC, ...field(1, UTF8.encode(partitionKey))];
  if (explicitHashKey !== undefined) parts.push(...field(2, UTF8.encode(explicitHashKey)));
  for (const payload of payloads) {
    const [dataHead = [], data = []] = field(3, payload);
    const length = head.length + dataHead.length + data.length;
    parts.push(fieldHead(3, length), head, dataHead, data);
  }
  const aggregate = new Uint8Array(parts.reduce((sum, { length }) => sum + length, DIGEST_BYTES));
  let at = 0;
  for (const part of parts) {
    aggregate.set(part, at);
    at += part.length;
  }
  const digest = new Md5().digest(aggregate.subarray(MAGIC.length, at));
  aggregate.set(new Uint8Array(digest.buffer, digest.byteOffset, DIGEST_BYTES), at);
  return aggregate;
}

/** The bytes that one more user record adds to an aggregate, at most. */
export function addedBytes(payload: Uint8Array): number {
  return payload.length + MOST_HEAD_BYTES;
}

/** What each aggregate begins with. */
const MAGIC = [0xf3, 0x89, 0x9a, 0xc2];

const DIGEST_BYTES = 16;

/** Two heads of a tag and five bytes of length each, and two indexes. */
const MOST_HEAD_BYTES = 16;

const UTF8 = new TextEncoder();

/** A field of wire type 2, length-delimited: its head and its value. */
function field(number: number, value: Uint8Array): readonly [ArrayLike<number>, ArrayLike<number>] {
  return [fieldHead(number, value.length), value];
}

function fieldHead(number: number, length: number): readonly number[] {
  const head: number[] = [number << 3 | 2];
  let rest = length;
  for (; rest > 0x7f; rest >>>= 7) head.push((rest & 0x7f) | 0x80);
  return [...head, rest];
}
