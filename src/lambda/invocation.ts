/**
 * One call of a hosted Lambda function, whatever runs it: a contract, and how a call is named.
 *
 * @module
 */

import type { StreamEvent } from "./kinesis_event.ts";

/** One call. */
export interface Invocation {
  /** A UUID. */
  readonly requestId: string;
  /** What the function gets. */
  readonly event: StreamEvent;
  /** The ARN of the function. */
  readonly invokedFunctionArn: string;
  /** How long the call may take, in ms, from when the handler gets its event. */
  readonly timeoutMs: number;
}

/** What runs a function for one shard. Calls may overlap, if the worker's `concurrency` says so. */
export interface FunctionRunner {
  /**
   * Gets ready for the first call.
   *
   * @param leaseKey For what is reported.
   */
  start(leaseKey: string): Promise<void>;
  /**
   * Calls the function. What it keeps running must have ended when this settles, or be reported.
   *
   * @param lost Aborts when the lease is lost.
   * @returns what the function answered.
   * @throws what the function threw; {@linkcode FunctionTimeoutError} when it took too long.
   */
  invoke(invocation: Invocation, lost: AbortSignal): Promise<unknown>;
  /** Ends what runs. Never rejects. */
  close(): Promise<void>;
}

/** A call took longer than its function may. */
export class FunctionTimeoutError extends Error {
  /** The class's name. */
  override readonly name = "FunctionTimeoutError";

  /**
   * Names the call and its time.
   *
   * @param rest What became of the call, as the rest of a sentence.
   */
  constructor({ requestId, timeoutMs }: Invocation, rest: string) {
    super(`${requestId} Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds: ${rest}`);
  }
}

/** An error that a program reported, or that its end is. */
export class FunctionError extends Error {
  /** What the program calls the error, e.g. `ValueError`. */
  override readonly name: string;

  /** @param errorType The error's name. */
  constructor(errorType: string, message: string, options: ErrorOptions = {}) {
    super(message, options);
    this.name = errorType;
  }
}

/** Without a sampling decision of our own: X-Ray gets nothing from us. */
export function traceIdOf(requestId: string, epochMs: number): string {
  const seconds = Math.floor(epochMs / 1000).toString(16).padStart(8, "0");
  const hex = requestId.replaceAll("-", "");
  return `Root=1-${seconds}-${hex.slice(0, 24)};Parent=${hex.slice(16)};Sampled=0`;
}
