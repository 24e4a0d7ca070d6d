/**
 * One subscription to a shard: the answer to SubscribeToShard, which lasts five minutes.
 *
 * An error may occur at three places, and is the same `AwsServiceError` at all of them. In place of the
 * stream, as an ordinary answer; inside the stream, after the HTTP status 200; and when the connection is
 * lost.
 *
 * @module
 */

import { AwsServiceError, errorText } from "../errors.ts";
import type { KinesisRecord } from "../stream/record.ts";
import type { ChildShard } from "../stream/shard.ts";
import type { System } from "../system.ts";
import { eventStreamMessages } from "./event_stream.ts";
import { harmlessCause, hideSecrets, shownWord } from "./hidden_secrets.ts";
import { type HttpRequest, noAnswer } from "./http_exchange.ts";
import { jsonObject, type Sent } from "./json_call.ts";

import {
  JSON_ENCODING,
  JSON_ENCODING_WITH_TEXTS,
  KINESIS_SERVICE,
  optionalSequenceNumberIn,
  type RecordEncoding,
  recordsAnswer,
} from "./kinesis_wire.ts";
import { classify, MALFORMED_ERROR, NETWORK_ERROR } from "./retry.ts";
import { linkedController, withinTime } from "../async/waiting.ts";

/** A stream that the service has opened. */
export interface OpenSubscription {
  readonly body: ReadableStream<Uint8Array>;
  readonly requestId: string | undefined;
  /** What an error must not repeat. @default none */
  readonly secrets?: readonly (string | undefined)[] | undefined;
}

/**
 * One event of a subscription. The service sends empty ones too, to show that it is alive.
 *
 * @experimental
 */
export interface SubscribeToShardEvent {
  /** Not de-aggregated; `subSequenceNumber` is 0. */
  readonly records: readonly KinesisRecord[];
  /** Payload bytes of `records`. */
  readonly bytes: number;
  /**
   * Where a later subscription continues, AFTER it; undefined at the end of the shard. It moves without
   * records too.
   */
  readonly continuationSequenceNumber: string | undefined;
  /** How far the end of this page is behind the newest record, in ms. */
  readonly millisBehindLatest: number | undefined;
  /** Empty before the end of the shard, and on emulators that name none. */
  readonly childShards: readonly ChildShard[];
}

/**
 * Sends a signed SubscribeToShard.
 *
 * @param signal Ends the stream too. The request's time limit covers only the time before the stream.
 */
export async function openSubscription(
  system: System,
  request: HttpRequest,
  signal: AbortSignal = new AbortController().signal,
): Promise<Sent<OpenSubscription>> {
  const { method, url, headers, body = null, timeoutMs } = request;
  const { controller: connection } = linkedController(signal); // the stream outlives this call
  try {
    return await withinTime({ clock: system.clock, ms: timeoutMs, signal }, async (ended) => {
      ended.addEventListener("abort", () => connection.abort(ended.reason), { once: true });
      const init = { method, headers, body, redirect: "manual", signal: connection.signal } as const;
      return await opened(await system.fetch(url, init), [
        new Headers(headers).get(TOKEN_HEADER) ?? undefined,
      ]);
    });
  } catch (cause) {
    if (signal.aborted) throw signal.reason;
    return noAnswer(cause);
  }
}

/** Where a signed request has the session token. */
const TOKEN_HEADER = "x-amz-security-token";

async function opened(
  response: Response,
  secrets: readonly (string | undefined)[],
): Promise<Sent<OpenSubscription>> {
  const { status, headers, body } = response;
  const type = headers.get("content-type")?.split(";")[0]?.trim();
  if (response.ok && body !== null && type === "application/vnd.amazon.eventstream") {
    const requestId = shownWord(headers.get("x-amzn-requestid"), secrets);
    return { ok: true, status, value: { body, requestId, secrets } };
  }
  return { answered: true, status, headers, body: await response.arrayBuffer() };
}

/** How events are read. */
export interface EventOptions {
  /** Whether payloads keep their base64 texts. @default {false} */
  readonly keepsTexts?: boolean;
}

/**
 * The events of a stream. Messages and events of unknown types are skipped, `initial-response` among them.
 *
 * @throws {AwsServiceError} for an error in the stream, for damaged bytes, and for a lost connection; the
 * signal's reason when it aborts.
 */
export async function* subscriptionEvents(
  { body, requestId, secrets = [] }: OpenSubscription,
  signal: AbortSignal,
  { keepsTexts = false }: EventOptions = {},
): AsyncGenerator<SubscribeToShardEvent, undefined, undefined> {
  const failed = (code: string, detail: string, cause?: unknown) =>
    new AwsServiceError({
      service: KINESIS_SERVICE.service,
      operation: "SubscribeToShard",
      code,
      status: undefined,
      requestId,
      // Inside a stream errors have no status; outside they would have 400.
      retryable: ["transient", "throttled"].includes(classify({ code, status: 400 })),
      detail: hideSecrets(detail, secrets),
      body: undefined,
    }, cause === undefined ? {} : { cause });
  const encoding = keepsTexts ? JSON_ENCODING_WITH_TEXTS : JSON_ENCODING;
  try {
    for await (const { headers, payload } of eventStreamMessages(body, signal)) {
      switch (headers.get(":message-type")) {
        case "event":
          if (headers.get(":event-type") === "SubscribeToShardEvent") yield eventOf(payload, encoding);
          break;
        case "exception":
          throw failed(shownWord(headers.get(":exception-type"), secrets) ?? UNNAMED, explanationOf(payload));
        case "error":
          throw failed(
            shownWord(headers.get(":error-code"), secrets) ?? UNNAMED,
            headers.get(":error-message") ?? UNEXPLAINED,
          );
      }
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    if (error instanceof AwsServiceError) throw error;
    if (error instanceof SyntaxError) {
      throw failed(MALFORMED_ERROR, errorText(error), harmlessCause(error, secrets));
    }
    throw failed(
      NETWORK_ERROR,
      `the connection was lost: ${errorText(error)}`,
      harmlessCause(error, secrets),
    );
  }
}

const UNNAMED = "UnknownError";
const UNEXPLAINED = "no explanation was given";

/**
 * An event with checked fields: without a continuation it means the end of the shard.
 *
 * @throws {SyntaxError} when the payload cannot be read.
 */
function eventOf(payload: Uint8Array, encoding: RecordEncoding): SubscribeToShardEvent {
  try {
    const event = jsonObject(UTF8.decode(payload));
    return {
      ...recordsAnswer(event, encoding),
      continuationSequenceNumber: optionalSequenceNumberIn(event, "ContinuationSequenceNumber"),
    };
  } catch (cause) {
    throw new SyntaxError("Cannot read an event: expected a SubscribeToShardEvent in JSON", { cause });
  }
}

/** The text of an exception. Its type matters more, so any payload is accepted. */
function explanationOf(payload: Uint8Array): string {
  const text = UTF8.decode(payload);
  const { message, Message } = tryJson(text) ?? {};
  return [message, Message, text].find((words) => typeof words === "string" && words !== "") ?? UNEXPLAINED;
}

function tryJson(text: string): { readonly message?: string; readonly Message?: string } | null | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // not JSON, so shown as it is
  }
}

const UTF8 = new TextDecoder();
