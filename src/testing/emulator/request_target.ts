/**
 * What a request asks for: which operation of which service, in which protocol. Operations that are not
 * answered are refused in words that say which one was asked for.
 *
 * @module
 */

import { ApiError } from "./api_error.ts";
import { formMembers } from "./query_protocol.ts";
import {
  CLOUDWATCH_WIRE,
  DYNAMODB_STREAMS_WIRE,
  DYNAMODB_WIRE,
  formatOf,
  KINESIS_WIRE,
  type ServiceWire,
  type WireFormat,
} from "./wire.ts";

/** What was asked for. */
export interface RequestTarget {
  /** Kinesis's, if none was named: an answer must have some form. */
  readonly wire: ServiceWire;
  readonly format: WireFormat;
  /** Undefined when none was named, or none of these services. */
  readonly operation: string | undefined;
  /** What a refusal calls it. */
  readonly shown: string;
}

const WIRES: readonly ServiceWire[] = [
  KINESIS_WIRE,
  DYNAMODB_WIRE,
  DYNAMODB_STREAMS_WIRE,
  CLOUDWATCH_WIRE,
];

/** @param body As it came, unpacked. */
export function targetOf(request: Request, body: Uint8Array): RequestTarget {
  const format = formatOf(request.headers.get("content-type"));
  if (format === "query") {
    const { Action, Version } = formMembers(new TextDecoder().decode(body));
    const isCloudWatch = Version === CLOUDWATCH_WIRE.queryVersion;
    return {
      wire: CLOUDWATCH_WIRE,
      format,
      operation: isCloudWatch && typeof Action === "string" ? Action : undefined,
      shown: Action === undefined ? "" : `${Action} of the query protocol, version ${Version},`,
    };
  }
  if (format === "rpcCbor") {
    const [, prefix = "", operation] =
      /\/service\/([\w.]+)\/operation\/(\w+)$/.exec(new URL(request.url).pathname) ?? [];
    return namedTarget(prefix, operation, "rpcCbor", CLOUDWATCH_WIRE);
  }
  const [prefix = "", operation] = (request.headers.get("x-amz-target") ?? "").split(".");
  const target = namedTarget(prefix, operation, format ?? "json", KINESIS_WIRE);
  const isCbor = format === "cbor" && target.wire === KINESIS_WIRE;
  // A protocol that the service does not speak is answered in JSON.
  const isKnown = format === "json" || isCbor;
  return { ...target, format: isCbor ? "cbor" : "json", operation: isKnown ? target.operation : undefined };
}

function namedTarget(
  prefix: string,
  operation: string | undefined,
  format: WireFormat,
  otherwise: ServiceWire,
): RequestTarget {
  const wire = WIRES.find(({ targetPrefix }) => targetPrefix === prefix);
  return {
    wire: wire ?? otherwise,
    format,
    operation: wire === undefined || operation === "" ? undefined : operation,
    shown: operation === undefined || operation === "" ? "" : `${prefix}.${operation}`,
  };
}

/** The refusal of what is not answered. */
export function notSimulated({ shown }: RequestTarget, request: Request): ApiError {
  if (shown === "") {
    return new ApiError(
      "UnknownOperationException",
      "The request names no operation: expected the header X-Amz-Target, such as Kinesis_20131202.ListStreams.",
    );
  }
  const type = request.headers.get("content-type") ?? "none";
  return new ApiError(
    "UnknownOperationException",
    `The operation ${shown} is not simulated (content type ${
      type.replaceAll(/[^\w./;= -]/g, "?").slice(0, 80)
    }).`,
  );
}

/** Any key will do, but a request without a signature shows that a client would not work with AWS. */
export function checkSigned(headers: Headers): void {
  const authorization = headers.get("authorization");
  if (authorization === null) {
    throw new ApiError("MissingAuthenticationTokenException", "Request is missing Authentication Token");
  }
  const isWhole = authorization.startsWith("AWS4-HMAC-SHA256 ") &&
    ["Credential=", "SignedHeaders=", "Signature="].every((part) => authorization.includes(part)) &&
    headers.has("x-amz-date");
  if (isWhole) return;
  throw new ApiError(
    "IncompleteSignatureException",
    "Authorization header requires 'Credential', 'Signature' and 'SignedHeaders', and the request 'X-Amz-Date'.",
  );
}

/**
 * The body, unpacked: CloudWatch's clients pack what is large. @throws {ApiError} when it cannot be, or has
 * too many bytes.
 */
export async function bodyOf(request: Request, maxBytes: number): Promise<Uint8Array> {
  const body = new Uint8Array(await request.arrayBuffer());
  if (request.headers.get("content-encoding")?.toLowerCase() !== "gzip") return checkedSize(body, maxBytes);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let bytes = 0;
  try {
    for await (const part of new Blob([body]).stream().pipeThrough(new DecompressionStream("gzip"))) {
      bytes += part.length;
      if (bytes > maxBytes) break;
      parts.push(part);
    }
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw new ApiError("SerializationException", "The body is not gzip, as its Content-Encoding says.");
  }
  if (bytes > maxBytes) throw tooLarge(bytes);
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

function checkedSize(body: Uint8Array, maxBytes: number): Uint8Array {
  if (body.length > maxBytes) throw tooLarge(body.length);
  return body;
}

function tooLarge(bytes: number): ApiError {
  return new ApiError("RequestEntityTooLarge", `${bytes} bytes`, { status: 413 });
}
