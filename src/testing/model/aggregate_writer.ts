// Pure.
/**
 * Makes aggregates as the Kinesis Producer Library does, for a producer that puts some: all user records of
 * one hash key.
 *
 * Source: KPL, `messages.proto`; the wire format of protocol buffers.
 *
 * @module
 */

import { Md5 } from "../../stream/md5.ts";

/** One record's payload out of several. Each has the same partition key and explicit hash key. */
export function aggregateOf(
  partitionKey: string,
  explicitHashKey: string,
  payloads: readonly Uint8Array[],
): Uint8Array {
  const text = new TextEncoder();
  const message = Uint8Array.from([
    ...field(1, text.encode(partitionKey)),
    ...field(2, text.encode(explicitHashKey)),
    // Partition key index 0, explicit hash key index 0, data.
    ...payloads.flatMap((payload) => field(3, [8, 0, 16, 0, ...field(3, payload)])),
  ]);
  const digest = new Uint8Array(new Md5().digest(message).buffer.slice(0, 16));
  return Uint8Array.from([0xf3, 0x89, 0x9a, 0xc2, ...message, ...digest]);
}

/** A field of wire type 2, length-delimited. */
function field(number: number, value: ArrayLike<number>): number[] {
  const length: number[] = [];
  let rest = value.length;
  for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
  return [number << 3 | 2, ...length, rest, ...Array.from(value)];
}
