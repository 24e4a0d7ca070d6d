/**
 * Makes KPL aggregates, as the Kinesis Producer Library does, and broken ones where a test asks for them.
 *
 * @module
 */

import { createHash } from "node:crypto";

/** What a producer hands to the library. */
export interface UserRecord {
  readonly partitionKey: string;
  /** Decimal text. */
  readonly explicitHashKey?: string | undefined;
  readonly data: Uint8Array;
}

/** The payload of the record that the library puts: magic, protobuf, MD5. */
export function aggregate(userRecords: readonly UserRecord[]): Uint8Array<ArrayBuffer> {
  return sealed(aggregatedRecord(userRecords));
}

/** Puts magic and MD5 around a message, be it a good one or not. */
export function sealed(message: Uint8Array): Uint8Array<ArrayBuffer> {
  const digest = createHash("md5").update(message).digest();
  const payload = new Uint8Array(message.length + 20);
  payload.set([0xf3, 0x89, 0x9a, 0xc2]);
  payload.set(message, 4);
  payload.set(digest, 4 + message.length);
  return payload;
}

/** The protobuf message `AggregatedRecord`; each key once in its table, in the order of its first use. */
export function aggregatedRecord(userRecords: readonly UserRecord[]): Uint8Array {
  const partitionKeys = [...new Set(userRecords.map((record) => record.partitionKey))];
  const hashKeys = [...new Set(userRecords.flatMap((record) => record.explicitHashKey ?? []))];
  return message(
    ...partitionKeys.map((key) => bytesField(1, utf8(key))),
    ...hashKeys.map((key) => bytesField(2, utf8(key))),
    ...userRecords.map(({ partitionKey, explicitHashKey, data }) =>
      bytesField(
        3,
        message(
          varintField(1, partitionKeys.indexOf(partitionKey)),
          explicitHashKey === undefined ? [] : varintField(2, hashKeys.indexOf(explicitHashKey)),
          bytesField(3, data),
        ),
      )
    ),
  );
}

/** A protobuf message made of fields. */
export function message(...fields: readonly Iterable<number>[]): Uint8Array {
  return Uint8Array.from(fields.flatMap((field) => [...field]));
}

/** A field of wire type 2. */
export function bytesField(field: number, value: Uint8Array): number[] {
  return [...varint(field << 3 | 2), ...varint(value.length), ...value];
}

/** A field of wire type 0. */
export function varintField(field: number, value: number | bigint): number[] {
  return [...varint(field << 3), ...varint(value)];
}

/** A base-128 varint. */
export function varint(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

/** UTF-8. */
export function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
