// Pure.
/**
 * The errors that a caller may want to catch by class. Everything else is a built-in class
 * (TypeError, RangeError, SyntaxError) whose message says the action, what was wanted and what was found.
 *
 * @module
 */

/**
 * The lease of a shard is no longer ours: taken by another worker, expired for want of renewal, or deleted.
 * Thrown by `checkpoint()`; nothing was stored, and the processor should stop quietly. KCL: `ShutdownException`.
 */
export class LeaseLostError extends Error {
  override readonly name = "LeaseLostError";
  readonly leaseKey: string;

  constructor(leaseKey: string, why: string, options?: ErrorOptions) {
    super(`Lease "${leaseKey}" is no longer held: ${why}`, options);
    this.leaseKey = leaseKey;
  }
}

/**
 * The lease table cannot be used: foreign key schema, a fleet of KCL 2.x, or a state that this version
 * does not understand. Retrying does not help; the message says what does.
 */
export class LeaseTableError extends Error {
  override readonly name = "LeaseTableError";
}

/** What AWS answered, or failed to answer, to one call. */
export interface AwsServiceErrorDetails {
  /** `kinesis`, `dynamodb`, `sts`, … */
  readonly service: string;
  /** The API operation, e.g. `GetRecords`. */
  readonly operation: string;
  /** The error code without namespace, e.g. `ExpiredIteratorException`; `NetworkError` or `TimeoutError` when nothing was answered. */
  readonly code: string;
  /** HTTP status, or undefined when there was no answer. */
  readonly status: number | undefined;
  /** `x-amzn-requestid`, where the service named it. */
  readonly requestId: string | undefined;
  /** Whether the same call may succeed later. Decided by `aws/retry.ts` alone. */
  readonly retryable: boolean;
  /** The service's own words. */
  readonly detail: string;
  /** The parsed error body, e.g. with the `Item` of a failed condition. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
}

/** A call to AWS failed, after the retries that its kind allows. */
export class AwsServiceError extends Error {
  override readonly name = "AwsServiceError";
  readonly service: string;
  readonly operation: string;
  readonly code: string;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly retryable: boolean;
  readonly detail: string;
  readonly body: Readonly<Record<string, unknown>> | undefined;

  constructor(details: AwsServiceErrorDetails, options?: ErrorOptions) {
    const where = details.status === undefined ? "" : ` (HTTP ${details.status})`;
    const id = details.requestId === undefined ? "" : ` [request ${details.requestId}]`;
    super(
      `${details.service} ${details.operation} failed: ${details.code}${where}: ${details.detail}${id}`,
      options,
    );
    this.service = details.service;
    this.operation = details.operation;
    this.code = details.code;
    this.status = details.status;
    this.requestId = details.requestId;
    this.retryable = details.retryable;
    this.detail = details.detail;
    this.body = details.body;
  }
}

/** No source of credentials could give any. The message lists each source with its reason. */
export class CredentialsError extends Error {
  override readonly name = "CredentialsError";
}

/**
 * Thrown by a processor that cannot go on as it is, whatever the batch: its consumer drops it and starts a fresh one
 * from the stored checkpoint, with back-off. `onProcessError` does not apply.
 */
export class ProcessorRestartError extends Error {
  override readonly name: string = "ProcessorRestartError";
}

/** A child process broke the MultiLangDaemon protocol, died, or did not answer in time. */
export class MultiLangProtocolError extends ProcessorRestartError {
  override readonly name = "MultiLangProtocolError";
}

/** Whether `error` is an {@linkcode AwsServiceError} with one of these codes. */
export function isAwsError(error: unknown, ...codes: readonly string[]): error is AwsServiceError {
  return error instanceof AwsServiceError && codes.includes(error.code);
}

/** One line for a log or an event: class, message and the chain of causes, without stacks. */
export function errorText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.name === "Error" || error.message.startsWith(error.name)
    ? error.message
    : `${error.name}: ${error.message}`;
  return error.cause === undefined ? own : `${own} (cause: ${errorText(error.cause)})`;
}

/** What errors of one kind have in common: whoever tells of a trouble once goes by this, for requests have ids. */
export function errorKind(error: unknown): string {
  return error instanceof AwsServiceError ? `${error.operation} ${error.code}` : errorText(error);
}
