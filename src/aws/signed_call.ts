/**
 * Signed calls, whatever their protocol: credentials, signature, retries, errors. The protocols are in
 * `json_call.ts` and `xml_call.ts`.
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
import {
  checkedProvider,
  type Credentials,
  type CredentialsProvider,
  type GivenCredentials,
} from "./credentials.ts";
import { harmlessCause, hideSecrets } from "./hidden_secrets.ts";
import { exchange, type HttpAnswer, type HttpRequest, type NoAnswer } from "./http_exchange.ts";
import { RequestSigner, type UnsignedRequest } from "./request_signer.ts";
import { classify, DEFAULT_RETRY_POLICY, retryDelayMs, type RetryPolicy, type Verdict } from "./retry.ts";
import { unlessAborted } from "../async/waiting.ts";

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

/** What distinguishes one service from another, in all protocols. */
export interface SignedService {
  /** Names the service in its host, in signatures, errors and events. */
  readonly service: string;
  /** How long one attempt may take, in ms, if the options do not say otherwise. */
  readonly attemptTimeoutMs: number;
}

/** Texts that no error may repeat. */
export type Secrets = readonly (string | undefined)[];

/** The result of sending. */
export type Sent<T> =
  | { readonly ok: true; readonly value: T; readonly status: number }
  | HttpAnswer
  | NoAnswer;

/** One call. */
export interface SignedCall<T> {
  readonly operation: string;
  /** Signed anew for each attempt. */
  readonly request: UnsignedRequest;
  /** Reads what was answered, success or not. Must not throw. */
  readonly read: (answer: HttpAnswer | NoAnswer, secrets: Secrets) => Attempt<T>;
  /** @default {DEFAULT_RETRY_POLICY} */
  readonly retry?: RetryPolicy | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Sends the signed request, and may read a success by itself. @default one whole answer */
  readonly send?:
    | ((system: System, request: HttpRequest, signal?: AbortSignal) => Promise<Sent<T>>)
    | undefined;
}

/** A failed attempt, with all that its error contains. */
export interface FailedAttempt {
  readonly ok: false;
  readonly code: string;
  readonly detail: string;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  /** The parsed error body. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
  /** The header Date. */
  readonly date: string | null;
  readonly cause: unknown;
}

/** What became of one attempt. */
export type Attempt<T> = { readonly ok: true; readonly value: T; readonly status: number } | FailedAttempt;

/** What a repair starts from. */
interface Refusal extends FailedAttempt {
  /** The clock's offset that the attempt was signed with. */
  readonly offsetMs: number;
  readonly credentials: Credentials;
  readonly signal: AbortSignal | undefined;
}

/** Makes the calls of one service in one region. */
export class SignedClient {
  readonly #service: SignedService;
  readonly #credentials: CredentialsProvider;
  readonly #system: System;
  readonly #emit: WorkerEventListener;
  readonly #timeoutMs: number;
  readonly #signer: RequestSigner;

  constructor(service: SignedService, options: ServiceOptions) {
    const { region, credentials, system } = options;
    this.#service = service;
    this.#credentials = checkedProvider(credentials, "the option credentials");
    this.#system = system;
    this.#emit = options.onEvent ?? (() => {});
    this.#timeoutMs = options.attemptTimeoutMs ?? service.attemptTimeoutMs;
    this.#signer = new RequestSigner({ service: service.service, region, clock: system.clock });
  }

  /** Makes one call. Throws `AwsServiceError`, `CredentialsError`, or the signal's reason. */
  async call<T>(call: SignedCall<T>): Promise<T> {
    const { operation, signal } = call;
    const { service } = this.#service;
    const repaired = new Set<Verdict>();
    for (let attempt = 1;; attempt++) {
      const credentials = await unlessAborted(this.#credentials(signal), signal);
      const offsetMs = this.#signer.clockOffsetMs;
      const startMs = this.#system.clock.monotonicMs();
      const result = await this.#attempt(call, credentials);
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

  async #attempt<T>(call: SignedCall<T>, credentials: Credentials): Promise<Attempt<T>> {
    const { method = "POST", url, body } = call.request;
    const signed = await this.#signer.sign(call.request, credentials);
    // After signing, since proxies rewrite it. DynamoDB's checksum is that of the bytes as sent, which fetch
    // shows only uncompressed.
    const headers = { ...signed, "accept-encoding": "identity" };
    const request = { method, url, headers, body, timeoutMs: this.#timeoutMs } as const;
    const send = call.send ?? exchange;
    const answer = await send(this.#system, request, call.signal);
    // A refused signature is explained with the whole canonical request, session token included.
    const secrets = [credentials.secretAccessKey, credentials.sessionToken];
    return "ok" in answer ? answer : call.read(answer, secrets);
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

/** An attempt that nothing answered. */
export function unanswered({ code, cause }: NoAnswer, url: string, secrets: Secrets): FailedAttempt {
  return {
    ok: false,
    code,
    detail: hideSecrets(`${url} cannot be reached: ${errorText(cause)}`, secrets),
    status: undefined,
    requestId: undefined,
    body: undefined,
    date: null,
    cause: harmlessCause(cause, secrets),
  };
}
