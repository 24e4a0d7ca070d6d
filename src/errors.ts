// Pure.
/**
 * The errors that a caller may want to catch by class. Everything else is a built-in class
 * (TypeError, RangeError, SyntaxError) whose message says the action, what was wanted and what was found.
 *
 * @module
 */

/**
 * This worker no longer holds the lease of the shard: it was taken, has expired or was deleted.
 * `checkpoint()` throws it, and nothing was stored. KCL: `ShutdownException`.
 *
 * What to do: let it pass, or return from the callback. Another worker reads the records again.
 */
export class LeaseLostError extends Error {
  /** The class's name, also in a minified bundle. */
  static override readonly name: string = "LeaseLostError";
  /** The class's name. */
  override readonly name = "LeaseLostError";
  /** The lease's key: the shard id; with many streams `account:stream:epoch:shardId`. */
  readonly leaseKey: string;

  /**
   * Makes one.
   *
   * @param why Why the lease is no longer held; it ends the message.
   */
  constructor(leaseKey: string, why: string, options?: ErrorOptions) {
    super(`Lease "${leaseKey}" is no longer held: ${why}`, options);
    this.leaseKey = leaseKey;
  }
}

/**
 * The lease table cannot be used: another key schema, a fleet of KCL 2.x, or a state that this version does
 * not understand. `run()` rejects with it.
 *
 * What to do: follow the message. Retrying does not help.
 */
export class LeaseTableError extends Error {
  /** The class's name. */
  override readonly name = "LeaseTableError";
}

/** What AWS answered, or failed to answer, to one call. */
export interface AwsServiceErrorDetails {
  /** `kinesis`, `dynamodb`, `sts`, … */
  readonly service: string;
  /** The API operation, e.g. `GetRecords`. */
  readonly operation: string;
  /**
   * The error code without namespace, e.g. `ExpiredIteratorException`; `NetworkError` or `TimeoutError` when
   * nothing was answered.
   */
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

/**
 * A call to AWS failed, after the retries that its kind allows. `checkpoint()` throws it; `run()` rejects
 * with it.
 *
 * What to do: where `retryable` is true, try again later. Else look at `code` and `operation`: permissions,
 * names or quotas.
 */
export class AwsServiceError extends Error {
  /** The class's name, also in a minified bundle. */
  static override readonly name: string = "AwsServiceError";
  /** The class's name. */
  override readonly name = "AwsServiceError";
  /** The service, e.g. `kinesis`. */
  readonly service: string;
  /** The API operation, e.g. `GetRecords`. */
  readonly operation: string;
  /** The error code without namespace, e.g. `ExpiredIteratorException`. */
  readonly code: string;
  /** The HTTP status. Undefined when nothing was answered. */
  readonly status: number | undefined;
  /** AWS's id of the request, for its support. */
  readonly requestId: string | undefined;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** The service's own words. */
  readonly detail: string;
  /** The parsed error body. */
  readonly body: Readonly<Record<string, unknown>> | undefined;

  /** Makes one from what a service answered. */
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

/** Why a source gave no credentials. */
export type CredentialsFailure =
  /** It is not set up here: a chain goes on to its next source. */
  | "notConfigured"
  /** It is set up, and gave none yet: a later try may succeed. */
  | "notAnswering"
  /** It is set up, and trying again does not help. */
  | "refused";

/** Options of a {@linkcode CredentialsError}. */
export interface CredentialsErrorOptions extends ErrorOptions {
  /**
   * Whether the next source, or a later try, may help.
   *
   * @default {"notConfigured"}
   */
  readonly reason?: CredentialsFailure;
}

/**
 * No source of credentials gave any, or what it gave cannot be used. The message names the source and never a
 * key.
 *
 * What to do: look at `reason`. `notConfigured` and `refused` need a change of the set-up; `notAnswering` may
 * pass.
 */
export class CredentialsError extends Error {
  /** The class's name. */
  override readonly name = "CredentialsError";
  /** Whether a chain goes on to its next source, and whether a worker's start is worth another try. */
  readonly reason: CredentialsFailure;

  /** Makes one. The message must not hold a key. */
  constructor(message: string, { reason = "notConfigured", ...cause }: CredentialsErrorOptions = {}) {
    super(message, cause);
    this.reason = reason;
  }
}

/**
 * A record cannot be read as what it should be, and trying again cannot help. With the option `errors` it is
 * given up after one call, with the condition `DecodeFailed`. `decoded()` of `./decode` throws it.
 *
 * What to do: mend the producer or the schema. The cause says what does not fit.
 */
export class RecordDecodeError extends Error {
  /** The class's name, also in a minified bundle. */
  static override readonly name: string = "RecordDecodeError";
  /** The class's name. */
  override readonly name = "RecordDecodeError";
}

/**
 * A processor throws it when it cannot go on, whatever the batch. Its consumer drops it and starts a new one
 * from the stored checkpoint, with back-off. `onProcessError` does not apply.
 *
 * What to do: throw it yourself when a connection or a child process of your processor is broken.
 */
export class ProcessorRestartError extends Error {
  /** The class's name, also in a minified bundle. */
  static override readonly name: string = "ProcessorRestartError";
  /** The class's name. */
  override readonly name: string = "ProcessorRestartError";
  /** Marks each class that is derived from it, also for another copy of this library. */
  readonly asksForRestart: true = true;
}

/**
 * A processor throws it when the store of its results cannot be used now, e.g. its database is down. The
 * batch comes again after a pause, as often as it takes: neither `onProcessError` nor the attempts of
 * `errors` apply. The lease is kept meanwhile.
 *
 * What to do: throw it yourself when your own store does not answer, and it is no fault of the records.
 */
export class StoreUnavailableError extends Error {
  /** The class's name, also in a minified bundle. */
  static override readonly name: string = "StoreUnavailableError";
  /** The class's name. */
  override readonly name = "StoreUnavailableError";
}

/**
 * The store of a processor's results stands elsewhere than the processor believes: another owner of the shard
 * has written there. Nothing was stored, and no attempt of `errors` is used up.
 *
 * What to do: nothing. A fresh processor starts where the store stands, or the lease turns out to be lost.
 */
export class StoreMovedError extends ProcessorRestartError {
  /** The class's name, also in a minified bundle. */
  static override readonly name: string = "StoreMovedError";
  /** The class's name. */
  override readonly name = "StoreMovedError";
}

/** A child process broke the MultiLangDaemon protocol, ended, or did not answer in time. */
export class MultiLangProtocolError extends ProcessorRestartError {
  override readonly name = "MultiLangProtocolError";
}

/** Whether a failed call says nothing of its records, only of the store that they were to go to. */
export function isOfStore(error: unknown): boolean {
  return isOfClass(error, StoreUnavailableError) || isOfClass(error, StoreMovedError);
}

/**
 * Whether an error is of this class of ours, also if it is of another copy of this library: a module that the
 * command line loads may bring one, and its classes are not ours. Never throws, if `error` is what
 * {@linkcode thrownError} gives.
 */
export function isOfClass<T extends Error>(error: unknown, type: new (...args: never) => T): error is T {
  return error instanceof type || errorClass(error) === type.name ||
    Object.is(type, ProcessorRestartError) && isRestart(error);
}

function isRestart(error: unknown): boolean {
  try {
    return error instanceof Error && "asksForRestart" in error && error.asksForRestart === true;
  } catch {
    return false;
  }
}

/** Whether `error` is an {@linkcode AwsServiceError} with one of these codes. */
export function isAwsError(error: unknown, ...codes: readonly string[]): error is AwsServiceError {
  return error instanceof AwsServiceError && codes.includes(error.code);
}

/**
 * One line for a log or an event: class, message and the chain of causes, without stacks. Never throws,
 * whatever was thrown.
 */
export function errorText(error: unknown): string {
  const texts: string[] = [];
  const seen = new Set<unknown>();
  // An error may be its own cause, at any remove.
  for (let cause = error; !seen.has(cause) && seen.size < MOST_CAUSES;) {
    seen.add(cause);
    const { text, next } = described(cause);
    // An error often ends with the words of its cause.
    if (texts.at(-1)?.endsWith(text) !== true) texts.push(text);
    if (next === undefined) break;
    cause = next;
  }
  return texts.join(" (cause: ") + ")".repeat(texts.length - 1);
}

/** The most errors of one chain of causes that are put into words. Ours. */
const MOST_CAUSES = 10;

/**
 * An error without its cause. Getters, proxies and objects without `toString` may throw when they are looked
 * at.
 */
function described(error: unknown): { readonly text: string; readonly next: unknown } {
  try {
    if (!(error instanceof Error)) return { text: String(error), next: undefined };
    const name = String(error.name), message = String(error.message);
    const text = name === "Error" || message.startsWith(name) ? message : `${name}: ${message}`;
    return { text, next: causeOf(error) };
  } catch {
    return { text: "an error that cannot be put into words", next: undefined };
  }
}

function causeOf(error: Error): unknown {
  try {
    return error.cause;
  } catch {
    return undefined; // what it says itself counts all the same
  }
}

/** The class of an error, or the type of whatever else was thrown. Never throws. */
export function errorClass(error: unknown): string {
  try {
    return error instanceof Error ? String(error.name) : typeof error;
  } catch {
    return "unknown";
  }
}

/**
 * The code of an error, of AWS (`ThrottlingException`) or of the system (`ECONNREFUSED`), where it has one.
 * Never throws.
 */
export function errorCode(error: unknown): string | undefined {
  try {
    return error instanceof Error && "code" in error && typeof error.code === "string"
      ? error.code
      : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What user code threw, fit to be passed on: `undefined`, which would look like no error, and a value that
 * throws when its class is asked for (a revoked proxy) become errors that say so.
 */
export function thrownError(thrown: unknown): unknown {
  if (thrown === undefined) return new Error("undefined was thrown");
  try {
    void (thrown instanceof Error);
    return thrown;
  } catch {
    return new Error("something was thrown that cannot be looked at");
  }
}

/**
 * Whether a permission of the runtime is missing, at any remove: `--allow-net` of Deno, `--permission` of
 * Node. This process cannot get it later, so nothing is worth another attempt.
 */
export function isNotPermitted(error: unknown): boolean {
  for (let depth = 0, cause = error; cause !== undefined && depth < MOST_CAUSES; depth++) {
    if (errorClass(cause) === "NotCapable" || errorCode(cause) === "ERR_ACCESS_DENIED") return true;
    cause = cause instanceof Error ? causeOf(cause) : undefined;
  }
  return false;
}

/**
 * What errors of one kind have in common. A trouble is logged once for each kind; whole messages differ by
 * request id.
 */
export function errorKind(error: unknown): string {
  return error instanceof AwsServiceError ? `${error.operation} ${error.code}` : errorText(error);
}
