/**
 * AWS's protocols from the server's side: reads requests, and writes answers and refusals. In JSON, in either
 * kind of CBOR, or in the query protocol.
 *
 * @module
 */

import { decodeCbor } from "../../aws/cbor.ts";
import { crc32 } from "../../aws/crc32.ts";
import { encodeBase64 } from "../../aws/payload_slab.ts";
import { ApiError } from "./api_error.ts";
import { encodeCborValue } from "./cbor_writer.ts";
import { Input } from "./input.ts";
import { emptyXml, errorXml, formMembers, queryCode } from "./query_protocol.ts";

/** A moment, which each protocol writes in its own way. */
export class Timestamp {
  readonly epochMs: number;

  constructor(epochMs: number) {
    this.epochMs = epochMs;
  }
}

/** A service of the emulator, in the words of its protocol. */
export interface ServiceWire {
  readonly service: "kinesis" | "dynamodb" | "cloudwatch";
  readonly targetPrefix: string;
  /** What stands before a code in `__type`. */
  readonly namespaceOf: (code: string) => string;
  /** Whether answers carry a checksum. */
  readonly hasChecksum: boolean;
  /** The version that forms of the query protocol name, where the service speaks it. */
  readonly queryVersion?: string;
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

/** The streams of tables are a service of their own, at the same address here. */
export const DYNAMODB_STREAMS_WIRE: ServiceWire = {
  ...DYNAMODB_WIRE,
  targetPrefix: "DynamoDBStreams_20120810",
};

/** CloudWatch's clients ask in JSON, in CBOR or in forms, by their age. */
export const CLOUDWATCH_WIRE: ServiceWire = {
  service: "cloudwatch",
  targetPrefix: "GraniteServiceVersion20100801",
  namespaceOf: (code) =>
    CORAL_SERVICE_CODES.has(code) ? "com.amazon.coral.service#" : "com.amazonaws.cloudwatch.v2010_08_01#",
  hasChecksum: false,
  queryVersion: "2010-08-01",
};

const CORAL_SERVICE_CODES: ReadonlySet<string> = new Set([
  "UnknownOperationException",
  "SerializationException",
  "MissingAuthenticationTokenException",
  "IncompleteSignatureException",
  "AccessDeniedException",
  "InternalFailure",
]);

/**
 * How a request and its answer are written: `cbor` is Kinesis's own, with times in ms; `rpcCbor` is Smithy's,
 * with times in seconds.
 */
export type WireFormat = "json" | "cbor" | "rpcCbor" | "query";

const CBOR_TYPE = "application/x-amz-cbor-1.1", RPC_CBOR_TYPE = "application/cbor";

/** @returns undefined for a content type of no protocol. */
export function formatOf(contentType: string | null): WireFormat | undefined {
  const type = contentType?.split(";")[0]?.trim().toLowerCase() ?? "";
  if (type === CBOR_TYPE) return "cbor";
  if (type === RPC_CBOR_TYPE) return "rpcCbor";
  if (type === "application/x-www-form-urlencoded") return "query";
  return /^application\/x-amz-json-1\.[01]$/.test(type) ? "json" : undefined;
}

/** @throws {ApiError} when the body cannot be read. */
export function inputOf(body: Uint8Array, format: WireFormat): Input {
  let value: unknown;
  try {
    if (body.length === 0) value = {};
    else if (format === "query") value = formMembers(new TextDecoder().decode(body));
    else if (format === "json") value = JSON.parse(new TextDecoder().decode(body));
    else value = decodeCbor(body);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new ApiError("SerializationException", "Start of structure or map found where not expected.");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new ApiError("SerializationException", "Unexpected token");
  }
  return new Input(value as Readonly<Record<string, unknown>>, format === "rpcCbor" ? "json" : format);
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
  /** What was asked for; empty when nothing was. */
  readonly operation: string;
  readonly requestId: string;
  readonly epochMs: number;
}

/** A success. An operation that answers nothing has an empty body, as at AWS. */
export function successAnswer(frame: AnswerFrame, members: unknown): WireAnswer {
  // PutMetricData alone is asked for in forms, and answers nothing.
  if (frame.format === "query") {
    return xmlAnswer(frame, 200, emptyXml(frame.operation, XML_NAMESPACE, frame.requestId));
  }
  return answer(frame, 200, members);
}

/** A refusal. */
export function errorAnswer(frame: AnswerFrame, error: ApiError): WireAnswer {
  if (frame.format === "query") {
    return xmlAnswer(frame, error.status, errorXml(error, XML_NAMESPACE, frame.requestId));
  }
  const type = `${frame.wire.namespaceOf(error.code)}${error.code}`;
  const { headers, ...rest } = answer(frame, error.status, {
    __type: type,
    message: error.message,
    ...error.members,
  });
  if (frame.wire.queryVersion === undefined) return { headers, ...rest };
  const fault = error.status < 500 ? "Sender" : "Receiver";
  return { headers: { ...headers, "x-amzn-query-error": `${queryCode(error.code)};${fault}` }, ...rest };
}

const XML_NAMESPACE = "http://monitoring.amazonaws.com/doc/2010-08-01/";

function xmlAnswer(frame: AnswerFrame, status: number, xml: string): WireAnswer {
  const headers = { ...commonHeaders(frame), "content-type": "text/xml" };
  return { status, headers, body: new TextEncoder().encode(xml) };
}

/** The headers of every answer. */
export function commonHeaders({ requestId, epochMs }: AnswerFrame): Record<string, string> {
  return { "x-amzn-requestid": requestId, date: new Date(epochMs).toUTCString() };
}

function answer(frame: AnswerFrame, status: number, members: unknown): WireAnswer {
  const { wire, format } = frame;
  const body = format === "rpcCbor"
    ? encodeCborValue(members ?? {})
    : members === undefined
    ? new Uint8Array()
    : format === "cbor"
    ? encodeCborValue(members)
    : new TextEncoder().encode(jsonText(members));
  const contentType = format === "rpcCbor"
    ? RPC_CBOR_TYPE
    : format === "cbor"
    ? CBOR_TYPE
    : `application/x-amz-json-${wire.service === "kinesis" ? "1.1" : "1.0"}`;
  return {
    status,
    headers: {
      ...commonHeaders(frame),
      "content-type": contentType,
      ...(format === "rpcCbor" ? { "smithy-protocol": "rpc-v2-cbor" } : {}),
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
