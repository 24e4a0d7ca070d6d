/**
 * Credentials, and the contract of whoever gives them.
 *
 * What the sources of this library give shows neither secret nor token when printed, spread or turned into JSON.
 *
 * @module
 */

/** What signs a request. Never logged, never put into an event. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string | undefined;
  /** Undefined for credentials that do not expire. */
  readonly expiresEpochMs?: number | undefined;
}

/**
 * Gives credentials for the next request. Called before every request, so it must be cheap: one that asks a
 * service keeps the answer until shortly before it expires.
 *
 * Throws `CredentialsError` or `AwsServiceError` when there are none, or the signal's reason.
 */
export interface CredentialsProvider {
  (signal?: AbortSignal): Promise<Credentials>;
  /**
   * A service refused these as expired or unknown: the next call should ask the source anew. A provider that keeps
   * nothing needs none.
   */
  readonly invalidate?: (refused: Credentials) => void;
}

/** Looks up an environment variable (or a system property) by name. */
export type Lookup = (name: string) => string | undefined;

/** The same credentials, but printing and copying leave out secret and token. An empty token counts as none. */
export function guardedCredentials(parts: Credentials): Credentials {
  const sessionToken = parts.sessionToken === "" ? undefined : parts.sessionToken;
  const shown = { accessKeyId: parts.accessKeyId, expiresEpochMs: parts.expiresEpochMs };
  return Object.freeze(Object.defineProperties(shown, {
    secretAccessKey: { value: parts.secretAccessKey, enumerable: false },
    sessionToken: { value: sessionToken, enumerable: false },
  })) as Credentials;
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
  const credentials = guardedCredentials(parts);
  return () => Promise.resolve(credentials);
}
