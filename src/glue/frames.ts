// Pure.
/**
 * What serializers of schema registries put in front of a payload.
 *
 * Sources: awslabs/aws-glue-schema-registry, GlueSchemaRegistryDeserializerDataParser and
 * MessageIndexFinder; Confluent's documentation, "Wire format".
 *
 * @module
 */

/** A payload, and which schema it was written with. */
export interface Frame {
  /** Of Glue a UUID; of Confluent a number. */
  readonly schemaId: string;
  readonly isCompressed: boolean;
  readonly payload: Uint8Array;
}

/** Which message of a `.proto` file a payload is, and the rest of the payload. */
export interface ProtobufFrame {
  readonly message: ProtobufMessage;
  readonly payload: Uint8Array;
}

/**
 * Which message of a `.proto` file it is. Glue: `index`, its place among the full names of all messages of
 * the file, nested ones too, sorted. Confluent: `path`, the place at each level of nesting, as written.
 */
export type ProtobufMessage = { readonly index: number } | { readonly path: readonly number[] };

const GLUE_VERSION = 3, NOT_COMPRESSED = 0, ZLIB = 5, GLUE_BYTES = 18;
const CONFLUENT_VERSION = 0, CONFLUENT_BYTES = 5;

/** Undefined when the record does not begin as Glue's serializer writes it. */
export function glueFrame(data: Uint8Array): Frame | undefined {
  const [version, compression] = data;
  if (data.length < GLUE_BYTES || version !== GLUE_VERSION) return undefined;
  if (compression !== NOT_COMPRESSED && compression !== ZLIB) return undefined;
  return {
    schemaId: uuidOf(data.subarray(2, GLUE_BYTES)),
    isCompressed: compression === ZLIB,
    payload: data.subarray(GLUE_BYTES),
  };
}

/** Undefined when the record does not begin as Confluent's serializers write it. */
export function confluentFrame(data: Uint8Array): Frame | undefined {
  if (data.length < CONFLUENT_BYTES || data[0] !== CONFLUENT_VERSION) return undefined;
  const schemaId = new DataView(data.buffer, data.byteOffset).getUint32(1);
  return { schemaId: `${schemaId}`, isCompressed: false, payload: data.subarray(CONFLUENT_BYTES) };
}

/** @throws {SyntaxError} when there is no index. */
export function glueProtobuf(payload: Uint8Array): ProtobufFrame {
  const { value: index, end } = varintAt(payload, 0);
  return { message: { index }, payload: payload.subarray(end) };
}

/** @throws {SyntaxError} when there is no path. */
export function confluentProtobuf(payload: Uint8Array): ProtobufFrame {
  let { value: length, end } = zigZagAt(payload, 0);
  // The first message of a file, the usual one, is written as a single 0.
  if (length === 0) return { message: { path: [0] }, payload: payload.subarray(end) };
  if (length < 0 || length > payload.length) {
    throw new SyntaxError(`expected a path of indexes: got ${length}`);
  }
  const path: number[] = [];
  for (; length > 0; length--) {
    const step = zigZagAt(payload, end);
    path.push(step.value);
    end = step.end;
  }
  return { message: { path }, payload: payload.subarray(end) };
}

function zigZagAt(bytes: Uint8Array, at: number): { readonly value: number; readonly end: number } {
  const { value, end } = varintAt(bytes, at);
  return { value: value >>> 1 ^ -(value & 1), end };
}

function varintAt(bytes: Uint8Array, at: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let end = at, shift = 0; shift < 32; end++, shift += 7) {
    const byte = bytes[end];
    if (byte === undefined) break;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return { value: value >>> 0, end: end + 1 };
  }
  throw new SyntaxError("expected an index of a message: got none");
}

function uuidOf(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}
