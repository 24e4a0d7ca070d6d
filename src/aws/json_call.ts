/**
 * Signed calls in AWS's JSON protocol: one POST per call, the operation in `x-amz-target`, errors named by
 * `__type`.
 *
 * A call is tried again as `retry.ts` decides. Two repairs are added, each once per call and without a pause.
 * If our clock turns out to be wrong, the request is signed again. If the credentials have expired, new ones
 * are requested.
 *
 * @module
 */

import { AwsServiceError, errorText } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import type { System } from "../system.ts";
import { crc32 } from "./crc32.ts";
import {
  checkedProvider,
  type Credentials,
  type CredentialsProvider,
  type GivenCredentials,
} from "./credentials.ts";
import { endpointUrl } from "./endpoint.ts";
import { harmlessCause, hideSecrets, shownWord } from "./hidden_secrets.ts";
import { exchange, type HttpAnswer, type HttpRequest, type NoAnswer } from "./http_exchange.ts";
import { RequestSigner } from "./request_signer.ts";
import {
  CHECKSUM_ERROR,
  classify,
  DEFAULT_RETRY_POLICY,
  MALFORMED_ERROR,
  retryDelayMs,
  type RetryPolicy,
  type Verdict,
} from "./retry.ts";
import { unlessAborted } from "../async/waiting.ts";

/** A JSON object of an answer, unchecked. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** What a client of one service is made from. */
export interface ServiceOptions {
  readonly region: string;
  /** Base URL of an emulator or of a private endpoint. @default the region's public endpoint */
  readonly endpoint?: string | undefined;
  readonly credentials: GivenCredentials;
  readonly system: System;
  /** Receives an event for every attempt. */
  readonly onEvent?: WorkerEventListener | undefined;
  /** How long one attempt may take, body included, in ms. @default the service's own */
  readonly attemptTimeoutMs?: number | undefined;
}

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
  readonly message?: { readonly contentType: string; readonly body: Uint8Array<ArrayBuffer> } | undefined;
  /**
   * Sends the signed request. Reads a success in its own encoding. Any other answer is returned whole, to be
   * read as JSON, the format of errors.
   */
  readonly send: (system: System, request: HttpRequest, signal?: AbortSignal) => Promise<Sent<T>>;
}

/** The result of sending. */
export type Sent<T> =
  | { readonly ok: true; readonly value: T; readonly status: number }
  | HttpAnswer
  | NoAnswer;

/** Makes a call; throws `AwsServiceError`, `CredentialsError`, or the signal's reason. */
export type JsonCaller = <T>(call: JsonCall<T>) => Promise<T>;

/**
 * Makes the caller of one service.
 *
 * @throws {TypeError} when the region or the endpoint cannot be one.
 */
export function jsonCaller(service: JsonService, options: ServiceOptions): JsonCaller {
  const client = new JsonClient(service, options);
  return (call) => client.call(call);
}

/** A failed attempt, with all that its error contains. */
interface FailedAttempt {
  readonly ok: false;
  readonly code: string;
  readonly detail: string;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly body: JsonObject | undefined;
  readonly date: string | null;
  readonly cause: unknown;
}

type Attempt<T> = { readonly ok: true; readonly value: T; readonly status: number } | FailedAttempt;

/** What a repair starts from. */
interface Refusal extends FailedAttempt {
  /** The clock's offset that the attempt was signed with. */
  readonly offsetMs: number;
  readonly credentials: Credentials;
  readonly signal: AbortSignal | undefined;
}

class JsonClient {
  readonly #service: JsonService;
  readonly #url: string;
  readonly #credentials: CredentialsProvider;
  readonly #system: System;
  readonly #emit: WorkerEventListener;
  readonly #timeoutMs: number;
  readonly #signer: RequestSigner;

  constructor(service: JsonService, options: ServiceOptions) {
    const { region, endpoint, credentials, system } = options;
    this.#service = service;
    this.#url = endpointUrl({ service: service.service, region, endpoint });
    this.#credentials = checkedProvider(credentials, "the option credentials");
    this.#system = system;
    this.#emit = options.onEvent ?? (() => {});
    this.#timeoutMs = options.attemptTimeoutMs ?? service.attemptTimeoutMs;
    this.#signer = new RequestSigner({ service: service.service, region, clock: system.clock });
  }

  async call<T>(call: JsonCall<T>): Promise<T> {
    const { operation, signal } = call;
    const { service } = this.#service;
    const body = call.transport?.message?.body ?? JSON.stringify(call.input);
    const repaired = new Set<Verdict>();
    for (let attempt = 1;; attempt++) {
      const credentials = await unlessAborted(this.#credentials(signal), signal);
      const offsetMs = this.#signer.clockOffsetMs;
      const startMs = this.#system.clock.monotonicMs();
      const result = await this.#attempt(call, body, credentials);
      this.#emit({
        type: "requestSent",
        service,
        operation,
        status: result.status,
        code: result.ok ? undefined : result.code,
        attempt,
        ms: this.#system.clock.monotonicMs() - startMs,
      });
      if (result.ok) return result.value;

      const verdict = classify(result);
      let delayMs: number | undefined;
      if (
        !repaired.has(verdict) && await this.#repair(verdict, { ...result, offsetMs, credentials, signal })
      ) {
        repaired.add(verdict);
        delayMs = 0;
      } else {
        delayMs = retryDelayMs({
          policy: call.retry ?? DEFAULT_RETRY_POLICY,
          verdict,
          attempt: attempt - repaired.size,
          chance: this.#system.random(),
        });
      }
      if (delayMs === undefined) {
        throw new AwsServiceError({
          service,
          operation,
          code: result.code,
          status: result.status,
          requestId: result.requestId,
          retryable: verdict === "transient" || verdict === "throttled",
          detail: result.detail,
          body: result.body,
        }, result.cause === undefined ? {} : { cause: result.cause });
      }
      this.#emit({ type: "requestRetried", service, operation, code: result.code, attempt, delayMs });
      if (delayMs > 0) await this.#system.clock.sleep(delayMs, signal);
    }
  }

  async #attempt<T>(
    call: JsonCall<T>,
    body: NonNullable<HttpRequest["body"]>,
    credentials: Credentials,
  ): Promise<Attempt<T>> {
    const headers = await this.#signer.sign({
      url: this.#url,
      headers: {
        "content-type": call.transport?.message?.contentType ?? this.#service.contentType,
        "x-amz-target": `${this.#service.targetPrefix}.${call.operation}`,
      },
      body,
    }, credentials);
    // After signing, since proxies rewrite it. DynamoDB's checksum is that of the bytes as sent, which fetch
    // shows only uncompressed.
    headers.set("accept-encoding", "identity");
    const request = { method: "POST", url: this.#url, headers, body, timeoutMs: this.#timeoutMs } as const;
    const send: Transport<T>["send"] = call.transport?.send ?? exchange;
    const answer = await send(this.#system, request, call.signal);
    return "ok" in answer ? answer : readAnswer(answer, { url: this.#url, decode: call.decode, credentials });
  }

  /** Repairs the cause of a failed attempt, if we can. @returns Whether another attempt makes sense. */
  async #repair(verdict: Verdict, failed: Refusal): Promise<boolean> {
    if (verdict === "clockSkew") {
      if (!this.#signer.learnClock(failed.date, failed.offsetMs)) return false;
      this.#emit({ type: "clockSkewLearned", offsetMs: this.#signer.clockOffsetMs });
      return true;
    }
    if (verdict === "credentials") {
      const { credentials: refused, signal } = failed;
      this.#credentials.invalidate?.(refused);
      const fresh = await unlessAborted(this.#credentials(signal), signal);
      return fresh.accessKeyId !== refused.accessKeyId || fresh.sessionToken !== refused.sessionToken;
    }
    return false;
  }
}

interface Reading<T> {
  readonly url: string;
  readonly decode: (body: JsonObject) => T;
  readonly credentials: Credentials;
}

function readAnswer<T>(answer: HttpAnswer | NoAnswer, reading: Reading<T>): Attempt<T> {
  // A refused signature is explained with the whole canonical request, session token included.
  const secrets = [reading.credentials.secretAccessKey, reading.credentials.sessionToken];
  if (!answer.answered) {
    return {
      ok: false,
      code: answer.code,
      detail: hideSecrets(`${reading.url} cannot be reached: ${errorText(answer.cause)}`, secrets),
      status: undefined,
      requestId: undefined,
      body: undefined,
      date: null,
      cause: harmlessCause(answer.cause, secrets),
    };
  }
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
    errorCode(
      headers.get("x-amzn-errortype") ?? textOf(body?.["__type"]) ?? textOf(body?.["code"]),
      status,
      secrets,
    ),
    textOf(body?.["message"]) ?? textOf(body?.["Message"]) ?? excerpt(hide(text)),
    body === undefined ? {} : { body },
  );
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

function tryJsonObject(text: string, hide: (text: string) => string): JsonObject | undefined {
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
