/**
 * Signed calls in AWS's JSON protocol: one POST per call, the operation in `x-amz-target`, errors named by
 * `__type`.
 *
 * @module
 */

import { errorText } from "../errors.ts";
import type { System } from "../system.ts";
import { crc32 } from "./crc32.ts";
import { endpointUrl } from "./endpoint.ts";
import { harmlessCause, hideSecrets, shownWord } from "./hidden_secrets.ts";
import type { HttpAnswer, HttpRequest, NoAnswer } from "./http_exchange.ts";
import { CHECKSUM_ERROR, MALFORMED_ERROR, type RetryPolicy } from "./retry.ts";
import {
  type Attempt,
  type FailedAttempt,
  type Secrets,
  type Sent,
  type ServiceOptions,
  SignedClient,
  unanswered,
} from "./signed_call.ts";

export type { Sent, ServiceOptions } from "./signed_call.ts";

/** A JSON object of an answer, unchecked. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What distinguishes one JSON service from another. */
export interface JsonService {
  /** Names the service in its host, in signatures, errors and events. */
  readonly service: string;
  /** What precedes the operation in `x-amz-target`, e.g. `Kinesis_20131202`. */
  readonly targetPrefix: string;
  readonly contentType: "application/x-amz-json-1.0" | "application/x-amz-json-1.1";
  /** How long one attempt may take, in ms, if the options do not say otherwise. */
  readonly attemptTimeoutMs: number;
}

/** One call. */
export interface JsonCall<T> {
  readonly operation: string;
  readonly input: JsonObject;
  /** Reads a successful answer. An error counts as a malformed answer, and the call is tried again. */
  readonly decode: (body: JsonObject) => T;
  /** @default {DEFAULT_RETRY_POLICY} */
  readonly retry?: RetryPolicy | undefined;
  readonly signal?: AbortSignal | undefined;
  /** @default one JSON document each way */
  readonly transport?: Transport<T> | undefined;
}

/** A transport for calls that are not one JSON document each way: other encodings, and streams. */
export interface Transport<T> {
  /** What is sent in place of the input as JSON. */
  readonly message?: Message | undefined;
  /**
   * Sends the signed request. Reads a success in its own encoding. Any other answer is returned whole, to be
   * read as JSON, the format of errors.
   */
  readonly send: (system: System, request: HttpRequest, signal?: AbortSignal) => Promise<Sent<T>>;
}

/** A body in its own encoding. */
export interface Message {
  readonly contentType: string;
  /** How the body is packed. @default not at all */
  readonly contentEncoding?: "gzip" | undefined;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** Makes a call; throws `AwsServiceError`, `CredentialsError`, or the signal's reason. */
export type JsonCaller = <T>(call: JsonCall<T>) => Promise<T>;

/**
 * Makes the caller of one service.
 *
 * @throws {TypeError} when the region or the endpoint cannot be one.
 */
export function jsonCaller(service: JsonService, options: ServiceOptions): JsonCaller {
  const { region, endpoint } = options;
  const url = endpointUrl({ service: service.service, region, endpoint });
  const client = new SignedClient(service, options);
  return <T>(call: JsonCall<T>) =>
    client.call<T>({
      operation: call.operation,
      request: {
        url,
        headers: {
          "content-type": call.transport?.message?.contentType ?? service.contentType,
          ...encodingOf(call.transport?.message),
          "x-amz-target": `${service.targetPrefix}.${call.operation}`,
        },
        body: call.transport?.message?.body ?? JSON.stringify(call.input),
      },
      send: call.transport?.send,
      read: (answer, secrets) => readAnswer(answer, { url, decode: call.decode, secrets }),
      retry: call.retry,
      signal: call.signal,
    });
}

function encodingOf(message: Message | undefined): Readonly<Record<string, string>> {
  return message?.contentEncoding === undefined ? {} : { "content-encoding": message.contentEncoding };
}

interface Reading<T> {
  readonly url: string;
  readonly decode: (body: JsonObject) => T;
  readonly secrets: Secrets;
}

function readAnswer<T>(answer: HttpAnswer | NoAnswer, reading: Reading<T>): Attempt<T> {
  const { secrets } = reading;
  if (!answer.answered) return unanswered(answer, reading.url, secrets);
  const { status, headers } = answer;
  const failed = (
    code: string,
    detail: string,
    more?: { body?: JsonObject; cause?: unknown },
  ): FailedAttempt => ({
    ok: false,
    code,
    detail,
    status,
    requestId: shownWord(headers.get("x-amzn-requestid"), secrets),
    body: more?.body,
    date: headers.get("date"),
    cause: more?.cause,
  });
  const checksum = headers.get("x-amz-crc32");
  if (checksum !== null && !headers.has("content-encoding")) {
    const found = crc32(new Uint8Array(answer.body));
    if (found !== Number(checksum)) {
      return failed(CHECKSUM_ERROR, `expected an answer with CRC-32 ${checksum}: got ${found}`);
    }
  }
  const text = new TextDecoder().decode(answer.body);
  // Given back at once: a collector waits for tens of megabytes of such bodies before it looks at them.
  answer.body.transfer?.(0);
  if (status >= 200 && status < 300) {
    try {
      return { ok: true, value: reading.decode(text === "" ? {} : jsonObject(text)), status };
    } catch (cause) {
      return failed(MALFORMED_ERROR, hideSecrets(`the answer cannot be read: ${errorText(cause)}`, secrets), {
        cause: harmlessCause(cause, secrets),
      });
    }
  }
  const hide = (words: string) => hideSecrets(words, secrets);
  const body = tryJsonObject(text, hide);
  return failed(
    errorCode(errorNameOf(headers, body), status, secrets),
    textOf(body?.["message"]) ?? textOf(body?.["Message"]) ?? excerpt(hide(text)),
    body === undefined ? {} : { body },
  );
}

/** What an answer calls its error. */
export function errorNameOf(headers: Headers, body: JsonObject | undefined): string | undefined {
  return headers.get("x-amzn-errortype") ?? textOf(body?.["__type"]) ?? textOf(body?.["code"]);
}

/**
 * The code without namespace and without the address that some services append: `a.b#Code:http://…` is
 * `Code`.
 */
function errorCode(
  named: string | undefined,
  status: number,
  secrets: readonly (string | undefined)[],
): string {
  const code = named?.split(":")[0]?.split("#").at(-1)?.trim();
  return shownWord(code, secrets) ?? `Http${status}`;
}

/** @throws {SyntaxError} when the text is no object in JSON. */
export function jsonObject(text: string, hide?: (text: string) => string): JsonObject {
  let value: unknown;
  try {
    value = hide === undefined
      ? JSON.parse(text)
      : JSON.parse(text, (_, part) => typeof part === "string" ? hide(part) : part);
  } catch {
    // The parser's own message quotes the text, which may be part of a record.
    throw new SyntaxError(`expected JSON: got ${text.length} characters of something else`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new SyntaxError("expected a JSON object");
  }
  return value as JsonObject;
}

/** The object; undefined if the text is none. */
export function tryJsonObject(text: string, hide?: (text: string) => string): JsonObject | undefined {
  try {
    return jsonObject(text, hide);
  } catch {
    return undefined; // a proxy's page, or nothing at all
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** The start of a page that no AWS service sent, on one line. */
function excerpt(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  if (line === "") return "no explanation was given";
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}
