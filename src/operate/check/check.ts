/**
 * One check: done within a time limit, and reported with what mends it. A check that fails or hangs never
 * keeps others from being made.
 *
 * @module
 */

import { withinTime } from "../../async/waiting.ts";
import { AwsServiceError, CredentialsError, errorText } from "../../errors.ts";
import type { Clock } from "../../system.ts";
import { missingAction } from "../look_failure.ts";

/** What came of a check. */
export interface Check {
  /** What was checked, e.g. `stream orders`. */
  readonly name: string;
  readonly status: "ok" | "failed" | "notTried";
  readonly detail: string;
  /** What to do. Only where it failed. */
  readonly mend?: string | undefined;
}

/** What a check found out by itself. */
export type Finding = string | { readonly detail: string; readonly mend: string };

/** How long a check may take, in ms. */
export const CHECK_LIMIT_MS = 5_000;

/** What every check needs. */
export interface Checking {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Makes a check.
 *
 * @param work A text is good news; a mend makes it a failure, as does an error.
 * @throws the signal's reason alone.
 */
export async function checked(
  name: string,
  { clock, signal }: Checking,
  work: (signal: AbortSignal) => Finding | Promise<Finding>,
): Promise<Check> {
  try {
    const found = await withinTime(
      { clock, ms: CHECK_LIMIT_MS, signal },
      async (ended) => await work(ended),
    );
    return typeof found === "string"
      ? { name, status: "ok", detail: found }
      : { name, status: "failed", ...found };
  } catch (error) {
    signal.throwIfAborted();
    return { name, status: "failed", ...failureOf(error) };
  }
}

/** A check that was not made. */
export function notTried(name: string, detail: string): Check {
  return { name, status: "notTried", detail };
}

/** What went wrong, and what helps. */
export function failureOf(error: unknown): { readonly detail: string; readonly mend: string } {
  const isLate = error instanceof DOMException && error.name === "TimeoutError";
  if (isLate) return { detail: `no answer within ${CHECK_LIMIT_MS / 1000} s`, mend: UNREACHABLE };
  if (error instanceof AwsServiceError) {
    const missing = missingAction(error);
    const [, mend = error.status === undefined ? UNREACHABLE : `look ${error.code} up in AWS's reference`] =
      MENDS.find(([codes]) => codes.includes(error.code)) ?? [];
    return { detail: error.message, mend: missing === undefined ? mend : `allow ${missing}` };
  }
  if (error instanceof CredentialsError) {
    const mend = "set keys in the environment or a profile, or give the machine a role";
    return { detail: error.message, mend };
  }
  return error instanceof Error && error.message.startsWith("Cannot ")
    ? parted(error.message)
    : { detail: errorText(error), mend: "this should not happen: report it" };
}

/** Takes a message apart that ends with what helps, as our own do. */
export function parted(text: string): { readonly detail: string; readonly mend: string } {
  const at = text.lastIndexOf(": ");
  return at < 0
    ? { detail: text, mend: "do as it says" }
    : { detail: text.slice(0, at), mend: text.slice(at + 2) };
}

const UNREACHABLE = "check region, endpoint, network, proxy and firewall";

const MENDS: readonly (readonly [codes: readonly string[], mend: string])[] = [
  [["ExpiredTokenException", "ExpiredToken"], "get new credentials: these have expired"],
  [
    [
      "UnrecognizedClientException",
      "InvalidClientTokenId",
      "InvalidSignatureException",
      "SignatureDoesNotMatch",
      "MissingAuthenticationTokenException",
    ],
    "check the keys, and whether they belong to this partition; and the clock",
  ],
  [["ResourceNotFoundException"], "check the name, the region and the account"],
  [
    ["ProvisionedThroughputExceededException", "LimitExceededException", "ThrottlingException"],
    "try again: AWS takes no more calls just now",
  ],
];
