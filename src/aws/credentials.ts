/**
 * Credentials, and the contract of their providers. They are checked where they enter the library.
 *
 * Credentials from the sources of this library show no secret and no token when printed, spread or turned
 * into JSON.
 *
 * @module
 */

import { CredentialsError } from "../errors.ts";
import { checkKeys } from "./key_check.ts";

/** What signs a request. Never logged, never put into an event. */
export interface Credentials {
  /** The access key id. */
  readonly accessKeyId: string;
  /** The secret access key. */
  readonly secretAccessKey: string;
  /** The session token of temporary keys. */
  readonly sessionToken?: string | undefined;
  /** Undefined for credentials that do not expire. */
  readonly expiresEpochMs?: number | undefined;
  /** The same as a `Date`, as AWS's SDK for JavaScript names it; used if `expiresEpochMs` is not set. */
  readonly expiration?: Date | undefined;
}

/**
 * Gives credentials for the next request. Called before every request, so it must be cheap. A provider that
 * calls a service keeps the answer until shortly before it expires.
 *
 * Throws `CredentialsError` or `AwsServiceError` when there are none, or the signal's reason.
 */
export interface CredentialsProvider {
  (signal?: AbortSignal): Promise<Credentials>;
  /**
   * Called when a service refused these as expired or unknown: the next call should go to the source again. A
   * provider that caches nothing needs no such function.
   */
  readonly invalidate?: (refused: Credentials) => void;
}

/**
 * What a user may give: keys, a provider, or a provider of AWS's SDK for JavaScript as it is:
 * `fromNodeProviderChain()`, `fromSSO()`, `fromIni()`.
 */
export type GivenCredentials = Credentials | CredentialsProvider | (() => Promise<Credentials>);

/** Looks up an environment variable (or a system property) by name. */
export type Lookup = (name: string) => string | undefined;

/**
 * The same credentials, checked, but printing and copying leave out secret and token. An empty token counts
 * as none.
 *
 * @param source Whose keys they are, e.g. `the environment`.
 * @throws {CredentialsError} when they cannot be keys, or their end is no time. The message names the source
 * and no value.
 */
export function guardedCredentials(parts: Credentials, source: string): Credentials {
  checkKeys(parts ?? NO_KEYS, source);
  const sessionToken = parts.sessionToken === "" ? undefined : parts.sessionToken;
  const shown = { accessKeyId: parts.accessKeyId, expiresEpochMs: expiryOf(parts, source) };
  return Object.freeze(Object.defineProperties(shown, {
    secretAccessKey: { value: parts.secretAccessKey, enumerable: false },
    sessionToken: { value: sessionToken, enumerable: false },
  })) as Credentials;
}

/** What a function gave that gave nothing. */
const NO_KEYS = { accessKeyId: undefined, secretAccessKey: undefined };

function expiryOf({ expiresEpochMs, expiration }: Credentials, source: string): number | undefined {
  const endEpochMs = expiresEpochMs ??
    (expiration === undefined ? undefined : new Date(expiration).getTime());
  if (endEpochMs === undefined || (typeof endEpochMs === "number" && !Number.isNaN(endEpochMs))) {
    return endEpochMs;
  }
  throw new CredentialsError(
    `Cannot use the keys of ${source}: expected ${
      expiresEpochMs === undefined ? "expiration to be a valid Date" : "expiresEpochMs to be a number"
    }: got something else`,
    { reason: "refused" },
  );
}

/**
 * A provider that a user gave, with its keys checked each time.
 *
 * @throws {CredentialsError} when keys were given that cannot be keys.
 */
export function checkedProvider(given: GivenCredentials, source: string): CredentialsProvider {
  if (typeof given !== "function") {
    const credentials = guardedCredentials(given, source);
    return () => Promise.resolve(credentials);
  }
  const provider = async (signal?: AbortSignal) => {
    const credentials = await given(signal);
    checkKeys(credentials ?? NO_KEYS, source);
    return credentials; // the very same, by which the provider knows what was refused
  };
  if (!("invalidate" in given) || given.invalidate === undefined) return provider;
  return Object.assign(provider, { invalidate: (refused: Credentials) => given.invalidate?.(refused) });
}

/**
 * Always the same credentials.
 *
 * @throws {TypeError} when the id or the secret is empty.
 */
export function staticCredentials(parts: Credentials): CredentialsProvider {
  if (parts.accessKeyId === "" || parts.secretAccessKey === "") {
    const missing = parts.accessKeyId === "" ? "accessKeyId" : "secretAccessKey";
    throw new TypeError(
      `Cannot use static credentials: expected an accessKeyId and a secretAccessKey: ${missing} is empty`,
    );
  }
  const credentials = guardedCredentials(parts, "the static credentials");
  return () => Promise.resolve(credentials);
}
