/**
 * The AWS JSON protocols from the server's side: requests taken apart, answers and refusals put together, in JSON or CBOR.
 *
 * @module
 */

import { decodeCbor } from "../../aws/cbor.ts";
import { crc32 } from "../../aws/crc32.ts";
import { encodeBase64 } from "../../aws/payload_slab.ts";
import { ApiError } from "./api_error.ts";
import { encodeCborValue } from "./cbor_writer.ts";
import { Input } from "./input.ts";

/** A moment, which each protocol writes in its own way. */
export class Timestamp {
  readonly epochMs: number;

  constructor(epochMs: number) {
    this.epochMs = epochMs;
  }
}

/** A service of the emulator, in the words of its protocol. */
export interface ServiceWire {
  readonly service: "kinesis" | "dynamodb";
  readonly targetPrefix: string;
  /** What stands before a code in `__type`. */
  readonly namespaceOf: (code: string) => string;
  /** Whether answers carry a checksum. */
  readonly hasChecksum: boolean;
}

/** Kinesis gives bare codes. */
export const KINESIS_WIRE: ServiceWire = {
  service: "kinesis",
  targetPrefix: "Kinesis_20131202",
  namespaceOf: () => "",
  hasChecksum: false,
};

/** DynamoDB's codes come with the names of Amazon's own packages. */
export const DYNAMODB_WIRE: ServiceWire = {
  service: "dynamodb",
  targetPrefix: "DynamoDB_20120810",
  namespaceOf(code) {
    if (code === "ValidationException") return "com.amazon.coral.validate#";
    if (code === "ThrottlingException") return "com.amazon.coral.availability#";
    return CORAL_SERVICE_CODES.has(code) ? "com.amazon.coral.service#" : "com.amazonaws.dynamodb.v20120810#";
  },
  hasChecksum: true,
};

const CORAL_SERVICE_CODES: ReadonlySet<string> = new Set([
  "UnknownOperationException",
  "SerializationException",
  "MissingAuthenticationTokenException",
  "IncompleteSignatureException",
  "AccessDeniedException",
  "InternalFailure",
]);

/** How a request and its answer are written. */
export type WireFormat = "json" | "cbor";

const CBOR_TYPE = "application/x-amz-cbor-1.1";

/** @returns undefined for a content type of neither protocol. */
export function formatOf(contentType: string | null): WireFormat | undefined {
  const type = contentType?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type === CBOR_TYPE) return "cbor";
  return /^application\/x-amz-json-1\.[01]$/.test(type) ? "json" : undefined;
}

/** @throws {ApiError} when the body cannot be read. */
export function inputOf(body: Uint8Array, format: WireFormat): Input {
  let value: unknown;
  try {
    if (body.length === 0) value = {};
    else value = format === "cbor" ? decodeCbor(body) : JSON.parse(new TextDecoder().decode(body));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new ApiError("SerializationException", "Start of structure or map found where not expected.");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ApiError("SerializationException", "Unexpected token");
  }
  return new Input(value as Readonly<Record<string, unknown>>, format);
}

/** An answer before it is sent, so that a fault can still spoil it. */
export interface WireAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** What all answers of one request share. */
export interface AnswerFrame {
  readonly wire: ServiceWire;
  readonly format: WireFormat;
  readonly requestId: string;
  readonly epochMs: number;
}

/** A success. An operation that answers nothing has an empty body, as at AWS. */
export function successAnswer(frame: AnswerFrame, members: unknown): WireAnswer {
  return answer(frame, 200, members);
}

/** A refusal. */
export function errorAnswer(frame: AnswerFrame, error: ApiError): WireAnswer {
  const type = `${frame.wire.namespaceOf(error.code)}${error.code}`;
  return answer(frame, error.status, { __type: type, message: error.message, ...error.members });
}

/** The headers of every answer. */
export function commonHeaders({ requestId, epochMs }: AnswerFrame): Record<string, string> {
  return { "x-amzn-requestid": requestId, date: new Date(epochMs).toUTCString() };
}

function answer(frame: AnswerFrame, status: number, members: unknown): WireAnswer {
  const body = members === undefined
    ? new Uint8Array()
    : frame.format === "cbor"
    ? encodeCborValue(members)
    : new TextEncoder().encode(jsonText(members));
  const contentType = frame.format === "cbor"
    ? CBOR_TYPE
    : `application/x-amz-json-${frame.wire.service === "kinesis" ? "1.1" : "1.0"}`;
  return {
    status,
    headers: {
      ...commonHeaders(frame),
      "content-type": contentType,
      ...(frame.wire.hasChecksum ? { "x-amz-crc32": `${crc32(body)}` } : {}),
    },
    body,
  };
}

/** JSON with bytes in base64 and times in seconds. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_, part) => {
    if (part instanceof Uint8Array) return encodeBase64(part);
    return part instanceof Timestamp ? part.epochMs / 1000 : part;
  });
}
