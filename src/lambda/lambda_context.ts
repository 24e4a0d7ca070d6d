/**
 * The object that a Lambda handler gets beside its event: who it is, how long it has, and the ways of old
 * runtimes to end a call.
 *
 * @module
 */

import type { Clock } from "../system.ts";
import type { LambdaFunction } from "./function_options.ts";
import type { Invocation } from "./invocation.ts";

/** What a Lambda handler gets as its third argument. `error` counts unless it is null or undefined. */
export type LambdaCallback = (error?: unknown, result?: unknown) => void;

/** What a Lambda handler gets as its second argument. */
export interface LambdaContext {
  /** The name of the function. */
  readonly functionName: string;
  /** The version of the function. */
  readonly functionVersion: "$LATEST";
  /** The ARN of the function. */
  readonly invokedFunctionArn: string;
  /** Its memory in MiB, as text. Nothing limits the handler to it. */
  readonly memoryLimitInMB: string;
  /** Names the call. */
  readonly awsRequestId: string;
  /** A name alone: nothing is written there. */
  readonly logGroupName: string;
  /** A name alone: nothing is written there. */
  readonly logStreamName: string;
  /** May be set, and changes nothing: a call ends when its promise or its callback says so. */
  callbackWaitsForEmptyEventLoop: boolean;
  /** Ours: aborts when the time of the call is over, or the shard's lease is lost. */
  readonly signal: AbortSignal;
  /** How much time the call has left, in ms; 0 when it is over. */
  getRemainingTimeInMillis(): number;
  /** Ends the call: with an error, or with a result. */
  done(error?: unknown, result?: unknown): void;
  /** Ends the call with an error. */
  fail(error?: unknown): void;
  /** Ends the call with a result. */
  succeed(result?: unknown): void;
}

/** What a context is made from. */
export interface ContextParts {
  readonly invocation: Invocation;
  readonly lambda: Pick<LambdaFunction, "functionName" | "memorySize">;
  readonly clock: Clock;
  readonly end: LambdaCallback;
  readonly signal: AbortSignal;
}

/** Makes the context of a call that begins now. */
export function lambdaContext({ invocation, lambda, clock, end, signal }: ContextParts): LambdaContext {
  const untilMs = clock.monotonicMs() + invocation.timeoutMs;
  return {
    functionName: lambda.functionName,
    functionVersion: "$LATEST",
    invokedFunctionArn: invocation.invokedFunctionArn,
    memoryLimitInMB: `${lambda.memorySize}`,
    awsRequestId: invocation.requestId,
    ...logNames(lambda.functionName, clock.epochMs(), invocation.requestId),
    callbackWaitsForEmptyEventLoop: true,
    signal,
    getRemainingTimeInMillis: () => Math.max(0, Math.floor(untilMs - clock.monotonicMs())),
    done: end,
    fail: (error) => end(error ?? new Error("context.fail() was called without an error")),
    succeed: (result) => end(undefined, result),
  };
}

/** Names as Lambda makes them: a stream of each day and instance. */
export function logNames(
  functionName: string,
  epochMs: number,
  id: string,
): Pick<LambdaContext, "logGroupName" | "logStreamName"> {
  const day = new Date(epochMs).toISOString().slice(0, 10).replaceAll("-", "/");
  return {
    logGroupName: `/aws/lambda/${functionName}`,
    logStreamName: `${day}/[$LATEST]${id.replaceAll("-", "")}`,
  };
}
