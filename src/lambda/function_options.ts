/**
 * What a hosted Lambda function is called, and its limits. The defaults are Lambda's.
 *
 * @module
 */

import type { ShardStream } from "../consumer/record_processor.ts";
import type { WorkerEventListener } from "../events.ts";
import { type Clock, randomUuid, realClock, realSystem } from "../system.ts";

/** Options of a hosted Lambda function. */
export interface LambdaFunctionOptions {
  /**
   * How long a call may take, in ms; Lambda's longest is 900,000. A call that takes longer has failed.
   * Lambda: `Timeout`, in seconds. Too short repeats batches whose handler is merely slow.
   *
   * @default {3000}
   */
  readonly timeoutMs?: number | undefined;
  /**
   * The name that the handler sees. Lambda: `FunctionName`. Powertools' idempotency has it in its keys: with
   * another name, records count as new.
   *
   * @default {"kclite"}
   */
  readonly functionName?: string | undefined;
  /**
   * The ARN that the handler sees as `invokedFunctionArn`.
   *
   * @default an ARN of the function's name, with region and account of the stream
   */
  readonly functionArn?: string | undefined;
  /**
   * The memory that the handler sees, in MiB. Lambda: `MemorySize`. Nothing limits the handler to it.
   *
   * @default {128}
   */
  readonly memorySize?: number | undefined;
  /**
   * Whether aggregates of the KPL are taken apart for the handler. In Lambda they are not: handlers do it by
   * themselves. The `eventID` of a user record then ends with its number in the aggregate.
   *
   * @default {false}
   */
  readonly deaggregate?: boolean | undefined;
  /**
   * The most bytes of an event. A batch that makes a larger event is given in several calls. A single record
   * that makes a larger event is a failed call. Lambda's limit is the default.
   *
   * @default {6291456}
   */
  readonly maxPayloadBytes?: number | undefined;
  /**
   * The region that the event names, where the worker does not know the stream's ARN.
   *
   * @default {"us-east-1"}
   */
  readonly region?: string | undefined;
  /**
   * The role that the event names as `invokeIdentityArn`.
   *
   * @default a role of the function's name, in the account of the stream
   */
  readonly invokeIdentityArn?: string | undefined;
  /** Hears of calls that were given up while they run on. */
  readonly onEvent?: WorkerEventListener | undefined;
  /**
   * Time, for tests.
   *
   * @default the real clock
   */
  readonly clock?: Clock | undefined;
}

/** A function with all defaults filled in. */
export interface LambdaFunction {
  readonly timeoutMs: number;
  readonly functionName: string;
  readonly functionArn: string | undefined;
  readonly memorySize: number;
  readonly deaggregate: boolean;
  readonly maxPayloadBytes: number;
  readonly region: string;
  readonly invokeIdentityArn: string | undefined;
  readonly onEvent: WorkerEventListener;
  readonly clock: Clock;
  /** Makes the name of a call. */
  readonly requestId: () => string;
}

/** Lambda's limit of a call's time, in ms. Source: Lambda quotas. */
export const MOST_TIMEOUT_MS = 900_000;

/** Lambda's limit of a payload, 6 MiB. Source: Lambda quotas. */
export const PAYLOAD_BYTES = 6_291_456;

/**
 * Fills in and checks.
 *
 * @param requestId Makes the name of a call.
 * @throws {RangeError} when a number is out of range, TypeError when an option is of the wrong kind.
 */
export function lambdaFunction(
  options: LambdaFunctionOptions,
  requestId: () => string = () => randomUuid(realSystem.random),
): LambdaFunction {
  const {
    timeoutMs = 3000,
    functionName = "kclite",
    memorySize = 128,
    deaggregate = false,
    maxPayloadBytes = PAYLOAD_BYTES,
    region = "us-east-1",
    functionArn,
    invokeIdentityArn,
    onEvent = () => {},
    clock = realClock,
  } = options;
  checkNumber("timeoutMs", timeoutMs, { min: 1, max: MOST_TIMEOUT_MS });
  checkNumber("memorySize", memorySize, { min: 1, max: Infinity });
  checkNumber("maxPayloadBytes", maxPayloadBytes, { min: 1024, max: Infinity });
  for (const [name, value] of Object.entries({ functionName, functionArn, region, invokeIdentityArn })) {
    if (value === undefined || (typeof value === "string" && value !== "")) continue;
    throw new TypeError(`Cannot host Lambda function: expected a text for ${name}: got ${typeOf(value)}`);
  }
  if (typeof deaggregate !== "boolean") {
    throw new TypeError(
      `Cannot host Lambda function: deaggregate must be true or false: got ${typeOf(deaggregate)}`,
    );
  }
  return {
    timeoutMs,
    functionName,
    functionArn,
    memorySize,
    deaggregate,
    maxPayloadBytes,
    region,
    invokeIdentityArn,
    onEvent,
    clock,
    requestId,
  };
}

/** The ARNs of one function on one stream. */
export interface FunctionArns {
  readonly eventSourceARN: string;
  readonly awsRegion: string;
  readonly invokeIdentityArn: string;
  readonly invokedFunctionArn: string;
}

/** Derives the ARNs. An emulator's stream may have none: then the account is `000000000000`. */
export function arnsOf(
  { functionName, functionArn, invokeIdentityArn, region }: LambdaFunction,
  { streamArn, streamName }: ShardStream,
): FunctionArns {
  const eventSourceARN = streamArn ?? `arn:aws:kinesis:${region}:000000000000:stream/${streamName}`;
  const [, partition = "aws", , awsRegion = region, account = "000000000000"] = eventSourceARN.split(":");
  return {
    eventSourceARN,
    awsRegion,
    invokeIdentityArn: invokeIdentityArn ?? `arn:${partition}:iam::${account}:role/${functionName}`,
    invokedFunctionArn: functionArn ??
      `arn:${partition}:lambda:${awsRegion}:${account}:function:${functionName}`,
  };
}

function checkNumber(name: string, value: unknown, { min, max }: { min: number; max: number }): void {
  if (typeof value === "number" && value >= min && value <= max) return;
  const range = max === Infinity ? `>= ${min}` : `from ${min} to ${max}`;
  const error = typeof value === "number" ? RangeError : TypeError;
  const found = typeof value === "number" ? `${value}` : typeOf(value);
  throw new error(`Cannot host Lambda function: ${name} must be ${range}: got ${found}`);
}

function typeOf(value: unknown): string {
  return value === "" ? "an empty text" : value === null ? "null" : typeof value;
}
