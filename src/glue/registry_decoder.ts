/**
 * A decoder of records that name their schema: takes the frame off, finds the schema, and has the user's
 * reader of its format read the rest.
 *
 * @module
 */

import { type DecodedValue, type Decoder, parsedJson, type SchemaInfo } from "../decode/decoder.ts";
import type { KinesisRecord } from "../stream/record.ts";
import { inflate } from "./inflate.ts";
import type { Frame, ProtobufFrame, ProtobufMessage } from "./frames.ts";
import { type SchemaCache, UnusableSchemaError } from "./schema_cache.ts";

/** Reads payloads of one schema. */
export type PayloadReader = (payload: Uint8Array) => unknown;

/** Makes readers of schemas; called once for each schema that records name. */
export interface SchemaReaders {
  /**
   * Avro, e.g. `(schema) => { const type = avro.Type.forSchema(JSON.parse(schema)); return (bytes) =>
   * type.fromBuffer(Buffer.from(bytes)); }` with the package avsc. @default such records cannot be read
   */
  readonly avro?: ((schema: string, info: SchemaInfo) => PayloadReader) | undefined;
  /** JSON. @default `JSON.parse`; the schema is not looked at */
  readonly json?: ((schema: string, info: SchemaInfo) => PayloadReader) | undefined;
  /**
   * Protocol buffers: the text of a `.proto` file, and which of its messages it is. Called once for each
   * message. @default such records cannot be read
   */
  readonly protobuf?:
    | ((schema: string, message: ProtobufMessage, info: SchemaInfo) => PayloadReader)
    | undefined;
  /**
   * For records without a schema, and for such that seem to have one which the registry does not know.
   *
   * @default such records cannot be read
   */
  readonly unframed?: Decoder<unknown> | undefined;
}

/** A schema as its registry has it. */
export interface FoundSchema {
  readonly definition: string;
  readonly info: SchemaInfo;
  /** By message; of other formats there is one. */
  readonly readers: Map<string, PayloadReader>;
}

/** How a registry's records look. */
export interface Framing {
  readonly frameOf: (data: Uint8Array) => Frame | undefined;
  readonly protobufOf: (payload: Uint8Array) => ProtobufFrame;
  /** Who puts it there, for messages. */
  readonly writer: string;
}

/** See the module. */
export function registryDecoder(
  schemas: SchemaCache<FoundSchema>,
  { frameOf, protobufOf, writer }: Framing,
  readers: SchemaReaders,
): Decoder<unknown> {
  const read = (schema: FoundSchema, payload: Uint8Array): DecodedValue<unknown> => ({
    value: valueOf(schema, payload, readers, protobufOf),
    schemaInfo: schema.info,
  });
  const unframed = (data: Uint8Array, record: KinesisRecord, signal: AbortSignal) => {
    if (readers.unframed !== undefined) return readers.unframed.decode(data, record, signal);
    throw new SyntaxError(
      `expected a record as ${writer} writes it: got ${data.length} bytes of something else`,
    );
  };
  const later = async (frame: Frame, data: Uint8Array, record: KinesisRecord, signal: AbortSignal) => {
    let schema: FoundSchema;
    try {
      schema = schemas.known(frame.schemaId) ?? await schemas.get(frame.schemaId, signal);
    } catch (error) {
      // A record of another kind may begin with these bytes by chance.
      if (readers.unframed !== undefined && error instanceof UnusableSchemaError) {
        return unframed(data, record, signal);
      }
      throw error;
    }
    return read(schema, frame.isCompressed ? await inflate(frame.payload) : frame.payload);
  };
  return {
    decode(data, record, signal) {
      const frame = frameOf(data);
      if (frame === undefined) return unframed(data, record, signal);
      const schema = frame.isCompressed ? undefined : schemas.known(frame.schemaId);
      return schema === undefined ? later(frame, data, record, signal) : read(schema, frame.payload);
    },
  };
}

function valueOf(
  { definition, info, readers: known }: FoundSchema,
  payload: Uint8Array,
  { avro, json = () => parsedJson, protobuf }: SchemaReaders,
  protobufOf: Framing["protobufOf"],
): unknown {
  if (info.format !== "PROTOBUF") {
    const make = info.format === "AVRO" ? avro : json;
    return readerOf("", known, make && (() => make(definition, info)), info)(payload);
  }
  const { message, payload: rest } = protobufOf(payload);
  const make = protobuf && (() => protobuf(definition, message, info));
  return readerOf(JSON.stringify(message), known, make, info)(rest);
}

/** The most messages of one schema whose readers are kept. */
const MOST_READERS = 1000;

function readerOf(
  message: string,
  known: Map<string, PayloadReader>,
  make: (() => PayloadReader) | undefined,
  { id, format }: SchemaInfo,
): PayloadReader {
  const reader = known.get(message);
  if (reader !== undefined) return reader;
  if (make === undefined) {
    throw new TypeError(`schema ${id} is of the format ${format}: give a reader, ${format.toLowerCase()}`);
  }
  const made = make();
  if (known.size < MOST_READERS) known.set(message, made);
  return made;
}
