/**
 * One HTTP request and its whole answer, within a time limit that covers the body too.
 *
 * A failure on the way is an outcome. Only the caller's own abort is thrown, unchanged.
 *
 * @module
 */

import { isNotPermitted } from "../errors.ts";
import type { System } from "../system.ts";
import { NETWORK_ERROR, NOT_PERMITTED_ERROR, TIMEOUT_ERROR } from "./retry.ts";
import { isTimeLimit, withinTime } from "../async/waiting.ts";

/** A request to send. */
export interface HttpRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly url: string;
  /** Not by its name, HeadersInit, which the types of Node.js lack. */
  readonly headers: NonNullable<RequestInit["headers"]>;
  readonly body?: string | Uint8Array<ArrayBuffer> | undefined;
  /** From the request to the end of the answer's body, in ms. */
  readonly timeoutMs: number;
}

/** An answer, of whatever status. */
export interface HttpAnswer {
  readonly answered: true;
  readonly status: number;
  readonly headers: Headers;
  readonly body: ArrayBuffer;
}

/** Nothing was answered, or not in full. */
export interface NoAnswer {
  readonly answered: false;
  readonly code: typeof NETWORK_ERROR | typeof TIMEOUT_ERROR | typeof NOT_PERMITTED_ERROR;
  readonly cause: unknown;
}

/** What kept a request from being answered. */
export function noAnswer(cause: unknown): NoAnswer {
  const code = isTimeLimit(cause)
    ? TIMEOUT_ERROR
    : isNotPermitted(cause)
    ? NOT_PERMITTED_ERROR
    : NETWORK_ERROR;
  return { answered: false, code, cause };
}

/**
 * Sends one request. Does not try again and follows no redirects, since signatures and metadata tokens must
 * not be sent elsewhere.
 *
 * @throws the signal's reason when the signal aborts first.
 */
export async function exchange(
  system: System,
  request: HttpRequest,
  signal?: AbortSignal,
): Promise<HttpAnswer | NoAnswer> {
  const limit = { clock: system.clock, ms: request.timeoutMs, signal };
  try {
    return await withinTime<HttpAnswer>(limit, async (ended) => {
      const response = await system.fetch(request.url, {
        method: request.method,
        headers: request.headers,
        ...(request.body === undefined ? {} : { body: request.body }),
        redirect: "manual",
        signal: ended,
      });
      const body = await response.arrayBuffer();
      return { answered: true, status: response.status, headers: response.headers, body };
    });
  } catch (cause) {
    if (signal?.aborted) throw signal.reason;
    return noAnswer(cause);
  }
}
