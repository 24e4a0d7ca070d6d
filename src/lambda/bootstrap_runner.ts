/**
 * The bootstraps of one shard: one for each call that runs at the same time. A call takes one that is idle,
 * or starts another. The worker's `concurrency` bounds the calls, and by that the programs.
 *
 * A bootstrap that cannot be started is not the records' fault. So the shard gets a fresh processor, whose
 * start is tried again with growing pauses, and no batch is called meanwhile.
 *
 * @module
 */

import { errorText, ProcessorRestartError } from "../errors.ts";
import {
  BootstrapInstance,
  type BootstrapOptions,
  type Notice,
  NotTakenError,
} from "./bootstrap_instance.ts";
import type { FunctionArns, LambdaFunction } from "./function_options.ts";
import type { FunctionRunner, Invocation } from "./invocation.ts";
import { logNames } from "./lambda_context.ts";

/** Where a bootstrap runs, and what it is to run. */
export interface BootstrapPlace {
  /** The text of `_HANDLER`. */
  readonly handler: string;
  /** The folder of `LAMBDA_TASK_ROOT`. */
  readonly taskRoot: string;
}

/** Runs a bootstrap for one shard. */
export class BootstrapRunner implements FunctionRunner {
  readonly #options: BootstrapOptions;
  readonly #place: BootstrapPlace;
  readonly #arns: FunctionArns;
  /** All that have been started and not ended. */
  readonly #instances: Set<BootstrapInstance> = new Set();
  readonly #idle: BootstrapInstance[] = [];
  #leaseKey: string | undefined;
  #isClosed = false;

  constructor(options: BootstrapOptions, place: BootstrapPlace, arns: FunctionArns) {
    this.#options = options;
    this.#place = place;
    this.#arns = arns;
  }

  /** @throws {NotTakenError} when the program cannot be used. */
  async start(leaseKey: string): Promise<void> {
    this.#leaseKey = leaseKey;
    if (this.#idle.length === 0) this.#idle.push(await this.#startOne());
  }

  async invoke(invocation: Invocation): Promise<unknown> {
    for (;;) {
      const idle = this.#idle.pop();
      let instance: BootstrapInstance;
      try {
        instance = idle ?? await this.#startOne();
      } catch (error) {
        throw restart(error);
      }
      try {
        return await instance.invoke(invocation);
      } catch (error) {
        if (!(error instanceof NotTakenError)) throw error;
        if (idle === undefined) throw restart(error);
        // It ended while it was idle: another one may serve.
        this.#notice("warning", errorText(error));
      } finally {
        if (instance.isUsable) this.#idle.push(instance);
        else this.#instances.delete(instance);
      }
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#instances].map((instance) => instance.close()));
  }

  async #startOne(): Promise<BootstrapInstance> {
    const environment = environmentOf(this.#options.lambda, this.#place, this.#arns);
    const instance = await BootstrapInstance.start(this.#options, environment, this.#notice);
    this.#instances.add(instance);
    // A call that was left behind may start a program late.
    if (this.#isClosed) await instance.close();
    return instance;
  }

  readonly #notice: Notice = (level, text) =>
    this.#options.lambda.onEvent({ type: "notice", level, leaseKey: this.#leaseKey, text });
}

function restart(error: unknown): unknown {
  return error instanceof NotTakenError ? new ProcessorRestartError(error.message, { cause: error }) : error;
}

/** The variables that Lambda sets. Source: the AWS Lambda guide, defined runtime environment variables. */
function environmentOf(
  { functionName, memorySize, clock, requestId }: LambdaFunction,
  { handler, taskRoot }: BootstrapPlace,
  { awsRegion }: FunctionArns,
): Record<string, string> {
  const { logGroupName, logStreamName } = logNames(functionName, clock.epochMs(), requestId());
  return {
    _HANDLER: handler,
    LAMBDA_TASK_ROOT: taskRoot,
    LAMBDA_RUNTIME_DIR: taskRoot,
    AWS_LAMBDA_FUNCTION_NAME: functionName,
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: `${memorySize}`,
    AWS_LAMBDA_LOG_GROUP_NAME: logGroupName,
    AWS_LAMBDA_LOG_STREAM_NAME: logStreamName,
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_REGION: awsRegion,
    AWS_DEFAULT_REGION: awsRegion,
    TZ: ":UTC",
  };
}
