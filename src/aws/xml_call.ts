/**
 * Signed calls whose answers are XML: the query protocol of SNS, and the plain HTTP of S3.
 *
 * @module
 */

import { errorText } from "../errors.ts";
import { harmlessCause, hideSecrets, shownWord } from "./hidden_secrets.ts";
import type { HttpAnswer, NoAnswer } from "./http_exchange.ts";
import type { UnsignedRequest } from "./request_signer.ts";
import { MALFORMED_ERROR } from "./retry.ts";
import {
  type Attempt,
  type FailedAttempt,
  type Secrets,
  type ServiceOptions,
  SignedClient,
  type SignedService,
  unanswered,
} from "./signed_call.ts";
import { element } from "./xml_text.ts";

/** One call. */
export interface XmlCall<T> {
  readonly operation: string;
  readonly request: UnsignedRequest;
  /** Reads a success. An error counts as a malformed answer, and the call is tried again. */
  readonly read: (text: string) => T;
  readonly signal?: AbortSignal | undefined;
}

/** Makes a call; throws `AwsServiceError`, `CredentialsError`, or the signal's reason. */
export type XmlCaller = <T>(call: XmlCall<T>) => Promise<T>;

/** Makes the caller of one service. The address stands in each request. */
export function xmlCaller(service: SignedService, options: ServiceOptions): XmlCaller {
  const client = new SignedClient(service, options);
  return ({ operation, request, read, signal }) =>
    client.call({
      operation,
      request,
      read: (answer, secrets) => readAnswer(answer, { url: request.url, read, secrets }),
      signal,
    });
}

/** A request of the query protocol: a form with the operation and its parameters. */
export function queryRequest(
  url: string,
  version: string,
  operation: string,
  parameters: Readonly<Record<string, string | undefined>>,
): UnsignedRequest {
  const form = new URLSearchParams({ Action: operation, Version: version });
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) form.append(name, value);
  return {
    url,
    headers: { "content-type": "application/x-www-form-urlencoded; charset=utf-8", accept: "text/xml" },
    body: form.toString(),
  };
}

function readAnswer<T>(
  answer: HttpAnswer | NoAnswer,
  { url, read, secrets }: {
    readonly url: string;
    readonly read: (text: string) => T;
    readonly secrets: Secrets;
  },
): Attempt<T> {
  if (!answer.answered) return unanswered(answer, url, secrets);
  const { status, headers } = answer;
  const text = new TextDecoder().decode(answer.body);
  const word = (found: string | null | undefined) => shownWord(found?.trim(), secrets);
  const failed = (code: string, detail: string, more: Partial<FailedAttempt> = {}): FailedAttempt => ({
    ok: false,
    code,
    detail,
    status,
    requestId: word(element(text, "RequestId")) ?? word(headers.get("x-amz-request-id")) ??
      word(headers.get("x-amzn-requestid")),
    body: undefined,
    date: headers.get("date"),
    cause: undefined,
    ...more,
  });
  if (status >= 200 && status < 300) {
    try {
      return { ok: true, value: read(text), status };
    } catch (cause) {
      return failed(MALFORMED_ERROR, hideSecrets(`the answer cannot be read: ${errorText(cause)}`, secrets), {
        cause: harmlessCause(cause, secrets),
      });
    }
  }
  // S3 says in which region a bucket is.
  const region = word(headers.get("x-amz-bucket-region")) ?? word(element(text, "Region"));
  return failed(word(element(text, "Code")) ?? `Http${status}`, explanation(text, secrets), {
    body: region === undefined ? undefined : { region },
  });
}

/** AWS's words, on one line. A refused signature is explained with the whole request, which is cut off. */
function explanation(xml: string, secrets: Secrets): string {
  const [words = ""] = (element(xml, "Message") ?? "").split("The Canonical String");
  const text = hideSecrets(words, secrets).replace(/\s+/g, " ").trim();
  if (text === "") return "no explanation was given";
  return text.length > 500 ? `${text.slice(0, 500)}…` : text;
}
