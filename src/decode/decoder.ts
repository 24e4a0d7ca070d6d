// Pure.
/**
 * Decoders: functions that make a value of a record's payload.
 *
 * @module
 */

import type { KinesisRecord } from "../stream/record.ts";

/** Which schema a record was written with, as a registry knows it. */
export interface SchemaInfo {
  /** Of a registry of Glue: the version's UUID. Of Confluent's: the number, as text. */
  readonly id: string;
  readonly format: "AVRO" | "JSON" | "PROTOBUF";
  /** Undefined where the registry does not say. */
  readonly name: string | undefined;
}

/** A value, and what is known of its schema. */
export interface DecodedValue<T> {
  readonly value: T;
  readonly schemaInfo?: SchemaInfo | undefined;
}

/**
 * Makes a value of a record. What it throws means that the record cannot be read, and it is not tried again.
 * But an `AwsServiceError`, or an error with `retryable: true`, means that it may be read later.
 */
export interface Decoder<T> {
  /** Returns the value itself where nothing is waited for: a promise costs a turn. */
  decode(
    data: Uint8Array,
    record: KinesisRecord,
    signal: AbortSignal,
  ): DecodedValue<T> | Promise<DecodedValue<T>>;
}

/**
 * A decoder of a function.
 *
 * @param decode Makes the value; throws when the bytes are none.
 */
export function decoder<T>(decode: (data: Uint8Array, record: KinesisRecord) => T): Decoder<T> {
  return { decode: (data, record) => ({ value: decode(data, record) }) };
}

/** UTF-8 text. Bytes that are no UTF-8 cannot be read. */
export function text(): Decoder<string> {
  return decoder(utf8);
}

/** JSON. Its type is `unknown`: a schema says what it is. */
export function json(): Decoder<unknown> {
  return decoder(parsedJson);
}

/** @throws {SyntaxError} when it is no JSON. */
export function parsedJson(data: Uint8Array): unknown {
  const written = utf8(data);
  try {
    return JSON.parse(written);
  } catch {
    // Without the cause: the engine's message quotes the payload, and some engines quote much of it.
    throw new SyntaxError(`expected JSON text: got ${data.length} bytes of something else`);
  }
}

/** @throws {TypeError} when the bytes are no UTF-8. */
function utf8(data: Uint8Array): string {
  const written = QUICK.decode(data);
  // A strict decoder takes five times as long in Deno. What is no UTF-8 leaves this character behind.
  return written.includes("\uFFFD") ? STRICT.decode(data) : written;
}

const QUICK = new TextDecoder(), STRICT = new TextDecoder("utf-8", { fatal: true });
