/**
 * The two calls to the Security Token Service that give credentials for a role. STS uses the older query
 * protocol: the request is a form, the answer XML.
 *
 * @module
 */

import { AwsServiceError, CredentialsError, errorText } from "../../errors.ts";
import type { System } from "../../system.ts";
import { type Credentials, guardedCredentials } from "../credentials.ts";
import { expiryOf } from "./http.ts";
import { checkedEndpoint, endpointUrl } from "../endpoint.ts";
import { exchange, type HttpAnswer, type NoAnswer } from "../http_exchange.ts";
import { hideSecrets, shownWord } from "../hidden_secrets.ts";
import type { RequestSigner } from "../request_signer.ts";
import { classify, DEFAULT_RETRY_POLICY, MALFORMED_ERROR, retryDelayMs } from "../retry.ts";
import { element } from "../xml_text.ts";

/** Where STS is. */
export interface StsAddress {
  readonly url: string;
  /** What requests are signed for. */
  readonly region: string;
}

/** What settings say about the STS of a region: where it is, or undefined for its usual endpoint. */
export type StsEndpoint = (region: string) => string | undefined | Promise<string | undefined>;

/** Where the STS is. */
export interface StsPlace {
  /** Undefined: the global STS. */
  readonly region: string | undefined;
  /** Has precedence over the settings. */
  readonly endpoint?: string | undefined;
  /** What settings say. @default nothing */
  readonly stsEndpoint?: StsEndpoint | undefined;
}

/** The same with the settings looked at. */
export async function settledStsAddress({ region, endpoint, stsEndpoint }: StsPlace): Promise<StsAddress> {
  return stsAddress(region, endpoint ?? await stsEndpoint?.(region ?? GLOBAL_REGION));
}

/** Source: AWS SDK for Java 2: without a region the global endpoint, signed for this one. */
const GLOBAL_REGION = "us-east-1";

/** The regional service, or the global one if no region is known. */
export function stsAddress(region: string | undefined, endpoint: string | undefined): StsAddress {
  if (region !== undefined) return { url: endpointUrl({ service: "sts", region, endpoint }), region };
  return {
    url: endpoint === undefined ? "https://sts.amazonaws.com/" : checkedEndpoint(endpoint),
    region: GLOBAL_REGION,
  };
}

/** One call. */
export interface StsCall {
  readonly operation: "AssumeRole" | "AssumeRoleWithWebIdentity";
  readonly url: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** AssumeRole is signed; AssumeRoleWithWebIdentity must not be. */
  readonly signed: { readonly signer: RequestSigner; readonly credentials: Credentials } | undefined;
  /** Texts that an error must not repeat. */
  readonly secrets: readonly (string | undefined)[];
}

/** STS is far for some; a metadata service is not. In ms. */
const ATTEMPT_TIMEOUT_MS = 10_000;

/**
 * Makes the call, tried again as `retry.ts` decides.
 *
 * @throws {AwsServiceError} when STS refuses or cannot be reached; also the signal's reason.
 */
export async function stsCredentials(
  system: System,
  call: StsCall,
  signal: AbortSignal | undefined,
): Promise<Credentials> {
  const form = new URLSearchParams({ Action: call.operation, Version: "2011-06-15", ...call.parameters });
  const body = form.toString();
  let resigned = false;
  for (let attempt = 1;; attempt++) {
    const plain = { "content-type": "application/x-www-form-urlencoded; charset=utf-8", accept: "text/xml" };
    const signedOffsetMs = call.signed?.signer.clockOffsetMs ?? 0;
    const headers = call.signed === undefined
      ? plain
      : await call.signed.signer.sign({ url: call.url, headers: plain, body }, call.signed.credentials);
    const request = { method: "POST", url: call.url, headers, body, timeoutMs: ATTEMPT_TIMEOUT_MS } as const;
    const answer = await exchange(system, request, signal);
    const result = readAnswer(answer, call);
    if (!(result instanceof AwsServiceError)) return result;
    const verdict = classify(result);
    if (
      verdict === "clockSkew" && !resigned && answer.answered &&
      call.signed?.signer.learnClock(answer.headers.get("date"), signedOffsetMs) === true
    ) {
      resigned = true;
      continue;
    }
    const delayMs = retryDelayMs({ policy: DEFAULT_RETRY_POLICY, verdict, attempt, chance: system.random() });
    if (delayMs === undefined) throw result;
    await system.clock.sleep(delayMs, signal);
  }
}

function readAnswer(answer: HttpAnswer | NoAnswer, call: StsCall): Credentials | AwsServiceError {
  const failed = (code: string, detail: string, requestId?: string): AwsServiceError => {
    const verdict = classify({ code, status: answer.answered ? answer.status : undefined });
    return new AwsServiceError({
      service: "sts",
      operation: call.operation,
      code,
      status: answer.answered ? answer.status : undefined,
      requestId,
      retryable: verdict === "transient" || verdict === "throttled",
      detail,
      body: undefined,
    });
  };
  if (!answer.answered) {
    const reason = hideSecrets(errorText(answer.cause), call.secrets);
    return failed(answer.code, `${call.url} cannot be reached: ${reason}`);
  }
  const xml = new TextDecoder().decode(answer.body);
  const word = (text: string | null | undefined) => shownWord(text?.trim(), call.secrets);
  const requestId = word(element(xml, "RequestId")) ?? word(answer.headers.get("x-amzn-requestid"));
  if (answer.status !== 200) {
    return failed(
      word(element(xml, "Code")) ?? `Http${answer.status}`,
      shown(element(xml, "Message"), call.secrets),
      requestId,
    );
  }
  const accessKeyId = element(xml, "AccessKeyId"), secretAccessKey = element(xml, "SecretAccessKey");
  if (!accessKeyId || !secretAccessKey) {
    return failed(MALFORMED_ERROR, "expected an answer with AccessKeyId and SecretAccessKey", requestId);
  }
  try {
    return guardedCredentials({
      accessKeyId,
      secretAccessKey,
      sessionToken: element(xml, "SessionToken"),
      expiresEpochMs: expiryOf(element(xml, "Expiration"), "STS"),
    }, "STS");
  } catch (error) {
    if (error instanceof CredentialsError) return failed(MALFORMED_ERROR, error.message, requestId);
    throw error;
  }
}

/** STS names user, action and role; a refused signature is explained with the request, which is cut off. */
function shown(message: string | undefined, secrets: readonly (string | undefined)[]): string {
  if (message === undefined) return "no explanation was given";
  const [words = ""] = message.split("The Canonical String");
  const text = hideSecrets(words, secrets).replace(/\s+/g, " ").trim();
  return text.length > 500 ? `${text.slice(0, 500)}…` : text;
}
