// Pure.
/**
 * Decides which failed calls are tried again, and when. This is the one place: nothing else in src looks at
 * error codes to find out whether a call may succeed later.
 *
 * What is easily missed: Kinesis and DynamoDB throttle with HTTP 400, so the status alone says nothing.
 *
 * @module
 */

/** A failed attempt, as far as the decision needs it. */
export interface Failure {
  /** The error code without namespace; {@linkcode NETWORK_ERROR} and its like when the service named none. */
  readonly code: string;
  /** HTTP status; undefined when nothing was answered. */
  readonly status: number | undefined;
}

/**
 * What to make of a failed attempt:
 *
 * - `transient`: a fault on the way or in the service; try again soon;
 * - `throttled`: too many calls; try again, more slowly;
 * - `clockSkew`: perhaps signed at a wrong time; sign again if the answer's Date shows that our clock is
 *   wrong;
 * - `credentials`: the keys are expired or unknown; get new ones from their source, and try with these;
 * - `final`: the same call would fail again.
 */
export type Verdict = "transient" | "throttled" | "clockSkew" | "credentials" | "final";

/** Nothing was answered: no such host, refused, reset, TLS. */
export const NETWORK_ERROR = "NetworkError";
/** Nothing was answered in time. */
export const TIMEOUT_ERROR = "TimeoutError";
/** The runtime does not permit the request: it was not sent, and never will be. */
export const NOT_PERMITTED_ERROR = "NotCapable";
/** The answer does not match its checksum. */
export const CHECKSUM_ERROR = "ChecksumMismatch";
/** The answer was a success that cannot be read. */
export const MALFORMED_ERROR = "MalformedResponse";

/**
 * Decides what to do after a failure. The code decides before the status; an unknown code is final, except if
 * the status says otherwise.
 *
 * Source: the error lists of the Kinesis and DynamoDB API references, and the AWS SDKs' standard retry mode.
 */
export function classify(failure: Failure): Verdict {
  if (THROTTLED.has(failure.code)) return "throttled";
  if (TRANSIENT.has(failure.code)) return "transient";
  if (CLOCK_SKEW.has(failure.code)) return "clockSkew";
  if (CREDENTIALS.has(failure.code)) return "credentials";
  if (failure.code === NOT_PERMITTED_ERROR) return "final";
  if (failure.status === undefined || failure.status === 408) return "transient";
  if (failure.status === 429) return "throttled";
  return failure.status >= 500 ? "transient" : "final";
}

/** How often and how patiently one kind of call is tried. */
export interface RetryPolicy {
  /** The most attempts, the first included, while failures are transient. */
  readonly attempts: number;
  /** The most attempts, the first included, while the service throttles. */
  readonly throttledAttempts: number;
  /** The first pause after a transient failure is at most this many ms. */
  readonly transientBaseMs: number;
  /** The first pause after a throttled attempt is at most this many ms. */
  readonly throttledBaseMs: number;
  /** No pause is longer, in ms. */
  readonly maxDelayMs: number;
}

/** For calls without a pace of their own. Figures: the AWS SDKs' standard mode, with two attempts more. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  attempts: 5,
  throttledAttempts: 8,
  transientBaseMs: 50,
  throttledBaseMs: 500,
  maxDelayMs: 5000,
};

/** What {@linkcode retryDelayMs} decides about. */
export interface RetryQuestion {
  readonly policy: RetryPolicy;
  readonly verdict: Verdict;
  /** How many attempts were made, from 1. */
  readonly attempt: number;
  /** A draw in [0, 1). */
  readonly chance: number;
}

/** How long to wait before the next attempt, in ms; undefined when there should be none. */
export function retryDelayMs({ policy, verdict, attempt, chance }: RetryQuestion): number | undefined {
  switch (verdict) {
    case "transient":
      if (attempt >= policy.attempts) return undefined;
      return backoffMs({ attempt, baseMs: policy.transientBaseMs, maxMs: policy.maxDelayMs, chance });
    case "throttled":
      if (attempt >= policy.throttledAttempts) return undefined;
      return backoffMs({ attempt, baseMs: policy.throttledBaseMs, maxMs: policy.maxDelayMs, chance });
    case "clockSkew":
    case "credentials":
    case "final":
      return undefined;
  }
}

/** What {@linkcode backoffMs} computes from. */
export interface Backoff {
  /** How many attempts were made, from 1. */
  readonly attempt: number;
  readonly baseMs: number;
  readonly maxMs: number;
  /** A draw in [0, 1). */
  readonly chance: number;
}

/**
 * Capped exponential back-off with full jitter: anything from 0 to `baseMs` doubled with each attempt, in
 * whole ms. Full jitter spreads a fleet that failed together best. Source: AWS Architecture Blog,
 * "Exponential Backoff And Jitter".
 */
export function backoffMs({ attempt, baseMs, maxMs, chance }: Backoff): number {
  return Math.floor(chance * Math.min(maxMs, baseMs * 2 ** Math.min(attempt - 1, 30)));
}

const THROTTLED: ReadonlySet<string> = new Set([
  "ProvisionedThroughputExceededException",
  "ThrottlingException",
  "Throttling",
  "ThrottledException",
  "RequestThrottled",
  "RequestThrottledException",
  "RequestLimitExceeded",
  "TooManyRequestsException",
  // Control plane: too many calls of one kind a second, or too many tables in creation.
  "LimitExceededException",
  // Reasons of a cancelled transaction.
  "ThrottlingError",
  "ProvisionedThroughputExceeded",
  "KMSThrottlingException",
  // SQS and SNS, of a key that encrypts a queue or a topic.
  "KmsThrottled",
  "KMSThrottling",
  // SNS.
  "Throttled",
  // S3.
  "SlowDown",
]);

const TRANSIENT: ReadonlySet<string> = new Set([
  NETWORK_ERROR,
  TIMEOUT_ERROR,
  CHECKSUM_ERROR,
  MALFORMED_ERROR,
  "InternalServerError",
  "InternalFailure",
  "InternalFailureException",
  "InternalError",
  "ServiceUnavailable",
  "ServiceUnavailableException",
  "RequestTimeout",
  "RequestTimeoutException",
  "TransactionInProgressException",
  // A write to one item met a transaction on it. TransactionConflict is the same as a reason of cancellation.
  "TransactionConflictException",
  "TransactionConflict",
  // STS could not reach the identity provider.
  "IDPCommunicationError",
]);

/** Given for a wrong clock, but some of them for a wrong secret too. */
const CLOCK_SKEW: ReadonlySet<string> = new Set([
  "InvalidSignatureException",
  "SignatureDoesNotMatch",
  "RequestTimeTooSkewed",
  "RequestExpired",
  "RequestInTheFuture",
]);

const CREDENTIALS: ReadonlySet<string> = new Set([
  "ExpiredTokenException",
  "ExpiredToken",
  // Unknown key: deleted or rotated, so the source may have a newer one.
  "UnrecognizedClientException",
  "InvalidClientTokenId",
]);
