/**
 * Lambda functions in any language, as processors: programs that talk to Lambda's runtime API.
 *
 * @module
 */

import type { Spawn } from "../child_process.ts";
import type { RecordProcessorFactory } from "../consumer/record_processor.ts";
import { splitCommand } from "../multilang/multilang_processor.ts";
import type { ServeLoopback } from "./bootstrap_instance.ts";
import { BootstrapRunner } from "./bootstrap_runner.ts";
import { lambdaFunction, type LambdaFunctionOptions } from "./function_options.ts";
import { lambdaProcessor } from "./lambda_processor.ts";

/** Options of {@linkcode fromLambdaBootstrap}. */
export interface LambdaBootstrapOptions extends LambdaFunctionOptions {
  /** Starts programs. */
  readonly spawn: Spawn;
  /** Serves on loopback. */
  readonly serve: ServeLoopback;
  /**
   * Makes the names of calls, UUIDs that cannot be guessed: whoever knew one could answer in the program's
   * place.
   */
  readonly requestId: () => string;
  /** What the program gets as `_HANDLER`. @default {"function.handler"} */
  readonly handler?: string | undefined;
  /** What the program gets as `LAMBDA_TASK_ROOT`. */
  readonly taskRoot: string;
  /**
   * How long a program may take to ask for an invocation, in ms.
   *
   * @default 10 s, or the function's timeout if that is longer, as in Lambda
   */
  readonly initTimeoutMs?: number | undefined;
  /**
   * How long a program may take to end after SIGTERM, in ms.
   *
   * @default {2000}
   */
  readonly killWaitMs?: number | undefined;
}

/**
 * Makes processors of a program that is a bootstrap of Lambda.
 *
 * @param command The program and its arguments, separated by spaces.
 * @throws {RangeError} when the command is empty, or a number is out of range.
 */
export function fromLambdaBootstrap(
  command: string,
  options: LambdaBootstrapOptions,
): RecordProcessorFactory {
  const { program, args } = splitCommand(command);
  const lambda = lambdaFunction(options, options.requestId);
  const { spawn, serve, handler = "function.handler", taskRoot, killWaitMs = 2000 } = options;
  const { initTimeoutMs = Math.max(10_000, lambda.timeoutMs) } = options;
  const bootstrap = { program, args, spawn, serve, lambda, initTimeoutMs, killWaitMs };
  return lambdaProcessor(lambda, (arns) => new BootstrapRunner(bootstrap, { handler, taskRoot }, arns));
}
