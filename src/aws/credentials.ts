/**
 * Credentials, and where they come from.
 *
 * @module
 */

/** What signs a request. Never logged, never put into an event. */
export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
  /** Undefined for credentials that do not expire. */
  readonly expiresEpochMs: number | undefined;
}

/**
 * Gives credentials for the next request. Called before every request, so it must be cheap: wrap a source that
 * is not with `cachedCredentials`.
 */
export type CredentialsProvider = (signal?: AbortSignal) => Promise<Credentials>;
