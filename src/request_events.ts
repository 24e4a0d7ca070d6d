/**
 * The events about requests to AWS and the credentials that sign them.
 *
 * @module
 */

/** An event about requests to AWS or about credentials. */
export type RequestEvent =
  /**
   * One attempt of a request to AWS ended, with an answer or without. A retried request has one event per
   * attempt.
   */
  | {
    readonly type: "requestSent";
    readonly service: string;
    readonly operation: string;
    /** The HTTP status. Undefined when nothing was answered. */
    readonly status: number | undefined;
    /** The error code. Undefined when the request succeeded. */
    readonly code: string | undefined;
    readonly attempt: number;
    readonly ms: number;
  }
  /** An attempt failed, and the request is sent again after `delayMs`. */
  | {
    readonly type: "requestRetried";
    readonly service: string;
    readonly operation: string;
    readonly code: string;
    readonly attempt: number;
    readonly delayMs: number;
  }
  /**
   * AWS refused a signature because the local clock is wrong. Requests are signed with AWS's time from now
   * on.
   */
  | {
    readonly type: "clockSkewLearned";
    /** What is added to the local clock, in ms. */
    readonly offsetMs: number;
  }
  /** A source gave new credentials. */
  | {
    readonly type: "credentialsRefreshed";
    readonly source: string;
    /** When they expire. Undefined when the source names no time. */
    readonly expiresEpochMs: number | undefined;
  }
  /**
   * No new credentials could be had. The old ones are used until they expire, and the refresh is tried again.
   */
  | { readonly type: "credentialsRefreshFailed"; readonly error: unknown };
