/**
 * Requests to services that give credentials. They are tried again like all others. Errors are reported
 * without any text of the answer, since that may hold secrets.
 *
 * @module
 */

import { CredentialsError, type CredentialsFailure, errorText } from "../../errors.ts";
import type { System } from "../../system.ts";
import { type Credentials, guardedCredentials } from "../credentials.ts";
import { hideSecrets, shownWord } from "../hidden_secrets.ts";
import { exchange, type HttpAnswer, type HttpRequest } from "../http_exchange.ts";
import { classify, DEFAULT_RETRY_POLICY, NOT_PERMITTED_ERROR, retryDelayMs } from "../retry.ts";

/** The system for requests to addresses of this machine, which must not go through a proxy. */
export function directSystem(
  { system, directFetch }: {
    readonly system: System;
    /** A `fetch` that uses no proxy. */
    readonly directFetch?: System["fetch"] | undefined;
  },
): System {
  return directFetch === undefined ? system : { ...system, fetch: directFetch };
}

/** A request to a source of credentials. */
export interface CredentialsRequest extends HttpRequest {
  /**
   * What an error calls the address, e.g. `the container's credentials agent`; the URL itself may be secret.
   */
  readonly what: string;
  /** The most attempts. */
  readonly attempts: number;
  /** What to look at when nothing is answered. */
  readonly hint?: string | undefined;
  /** The meaning of a missing answer. @default {"notAnswering"} */
  readonly unreachable?: CredentialsFailure | undefined;
}

/**
 * Sends the request until it is answered with something else than a fault of the server.
 *
 * @returns The last answer, of whatever status.
 * @throws {CredentialsError} when nothing was answered.
 */
export async function askForCredentials(
  system: System,
  request: CredentialsRequest,
  signal: AbortSignal | undefined,
): Promise<HttpAnswer> {
  const { attempts } = request;
  const policy = { ...DEFAULT_RETRY_POLICY, attempts, throttledAttempts: attempts };
  for (let attempt = 1;; attempt++) {
    const answer = await exchange(system, request, signal);
    const verdict = answer.answered
      ? classify({ code: "", status: answer.status })
      : classify({ code: answer.code, status: undefined });
    const delayMs = answer.answered && answer.status < 400
      ? undefined
      : retryDelayMs({ policy, verdict, attempt, chance: system.random() });
    if (delayMs !== undefined) {
      await system.clock.sleep(delayMs, signal);
      continue;
    }
    if (answer.answered) return answer;
    const secrets = [...new Headers(request.headers).values()];
    const reason = hideSecrets(errorText(answer.cause), secrets).replaceAll(request.url, "the address");
    const hint = request.hint === undefined ? "" : ` (${request.hint})`;
    const failure = answer.code === NOT_PERMITTED_ERROR ? "refused" : "notAnswering";
    throw new CredentialsError(`${request.what} cannot be reached: ${reason}${hint}`, {
      reason: request.unreachable ?? failure,
    });
  }
}

/** Whether an answer that is no success says "not now" or "no". */
export function statusReason(status: number): CredentialsFailure {
  const verdict = classify({ code: "", status });
  return verdict === "transient" || verdict === "throttled" ? "notAnswering" : "refused";
}

/**
 * Reads the JSON that metadata services and agents answer with.
 *
 * @throws {CredentialsError} when it is anything else.
 */
export function readCredentialsJson(answer: HttpAnswer, what: string): Credentials {
  if (answer.status !== 200) {
    throw new CredentialsError(`${what} answered HTTP ${answer.status}: expected 200`, {
      reason: statusReason(answer.status),
    });
  }
  const failed = (problem: string) =>
    new CredentialsError(`${what} answered ${problem}`, { reason: "notAnswering" });
  const fields = jsonFields(new TextDecoder().decode(answer.body));
  if (fields === undefined) throw failed("something else than a JSON object");
  const code = fields["Code"];
  if (typeof code === "string" && code !== "Success") {
    throw failed(`${shownWord(code) ?? "a failure"}: expected Success`);
  }
  const text = (name: string): string | undefined => {
    const value = fields[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const accessKeyId = text("AccessKeyId"), secretAccessKey = text("SecretAccessKey");
  if (accessKeyId === undefined || secretAccessKey === undefined) {
    throw failed("without AccessKeyId and SecretAccessKey");
  }
  return guardedCredentials({
    accessKeyId,
    secretAccessKey,
    sessionToken: text("Token"),
    expiresEpochMs: expiryOf(text("Expiration"), what),
  }, what);
}

/**
 * Reads an ISO 8601 time; `+0000` for `Z` is tolerated. Undefined stays undefined.
 *
 * @throws {CredentialsError} when it is no time.
 */
export function expiryOf(text: string | undefined, what: string): number | undefined {
  if (text === undefined) return undefined;
  const ms = Date.parse(text.trim().replace(/([+-]\d{2})(\d{2})$/, "$1:$2"));
  if (Number.isNaN(ms)) {
    throw new CredentialsError(`${what} answered an Expiration that is no time`, { reason: "notAnswering" });
  }
  return ms;
}

function jsonFields(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value as Record<string, unknown> : undefined;
  } catch {
    return undefined; // the parser's message would quote the text
  }
}
