/**
 * Runs a Lambda handler in this process, in any of its styles: a promise, a callback, the methods of the
 * context, or a plain return.
 *
 * A promise cannot be killed. When the time of a call is over, its signal aborts, and the call is waited for
 * a while longer: the next call must not run beside it. After that it is given up, and reported.
 *
 * @module
 */

import { linkedController, settlesWithin } from "../async/waiting.ts";
import { completionStyle } from "./completion_style.ts";
import type { LambdaFunction } from "./function_options.ts";
import { type FunctionRunner, FunctionTimeoutError, type Invocation } from "./invocation.ts";
import type { DynamoDBEvent } from "../stream/change_event.ts";
import type { KinesisEvent, StreamEvent } from "./kinesis_event.ts";
import { type LambdaCallback, type LambdaContext, lambdaContext } from "./lambda_context.ts";

/** A Lambda handler of any style, for Kinesis. */
export type LambdaHandler = HandlerOf<KinesisEvent>;

/** A Lambda handler of any style, for the stream of a DynamoDB table. */
export type DynamoDBHandler = HandlerOf<DynamoDBEvent>;

/** A handler of any style. */
export type HandlerOf<E> = (event: E, context: LambdaContext, callback: LambdaCallback) => unknown;

/** Runs the handler for one shard. */
export class HandlerRunner implements FunctionRunner {
  readonly #handler: HandlerOf<StreamEvent>;
  readonly #lambda: LambdaFunction;
  readonly #abandonAfterMs: number;
  #leaseKey: string | undefined;

  /** @param abandonAfterMs How long a call is waited for when its time is over. */
  constructor(handler: HandlerOf<StreamEvent>, lambda: LambdaFunction, abandonAfterMs: number) {
    this.#handler = handler;
    this.#lambda = lambda;
    this.#abandonAfterMs = abandonAfterMs;
  }

  start(leaseKey: string): Promise<void> {
    this.#leaseKey = leaseKey;
    return Promise.resolve();
  }

  async invoke(invocation: Invocation, lost: AbortSignal): Promise<unknown> {
    const { clock, onEvent } = this.#lambda;
    const { controller, unlink } = linkedController(lost);
    const startedMs = clock.monotonicMs();
    try {
      const call = this.#call(invocation, controller.signal);
      if (await settlesWithin(call, invocation.timeoutMs, clock)) return await call;
      controller.abort(new FunctionTimeoutError(invocation, "set a longer timeout, or use smaller batches"));
      if (await settlesWithin(call, this.#abandonAfterMs, clock)) {
        const ms = Math.round(clock.monotonicMs() - startedMs);
        throw new FunctionTimeoutError(invocation, `it ended after ${ms} ms`);
      }
      const error = new FunctionTimeoutError(
        invocation,
        `it did not end within ${this.#abandonAfterMs} ms more, and may still run: expected its promise to settle, ` +
          "or its callback to be called",
      );
      onEvent({
        type: "notice",
        level: "error",
        leaseKey: this.#leaseKey,
        text: `A call was given up: ${error.message}`,
      });
      throw error;
    } finally {
      unlink();
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Settles when the handler has ended the call, by whatever way comes first. */
  #call(invocation: Invocation, signal: AbortSignal): Promise<unknown> {
    const handler = this.#handler, lambda = this.#lambda;
    return new Promise((resolve, reject) => {
      const end: LambdaCallback = (error, result) =>
        error === undefined || error === null ? resolve(result) : reject(error);
      const context = lambdaContext({ invocation, lambda, clock: lambda.clock, end, signal });
      const returned: unknown = handler(invocation.event, context, end);
      if (isThenable(returned)) resolve(returned);
      else if (returned !== undefined || completionStyle(handler) === "return") resolve(returned);
    });
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value && typeof value.then === "function";
}
