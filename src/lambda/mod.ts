/**
 * Lambda handlers for Kinesis, unchanged, as processors of a worker.
 *
 * @module
 */

export { fromLambdaHandler } from "./lambda_handler.ts";
export type { LambdaHandlerOptions } from "./lambda_handler.ts";
export type { LambdaFunctionOptions } from "./function_options.ts";
export type { LambdaHandler } from "./handler_runner.ts";
export { FunctionTimeoutError } from "./invocation.ts";
export type { Invocation } from "./invocation.ts";
export type { KinesisEvent, KinesisEventRecord } from "./kinesis_event.ts";
export type { LambdaCallback, LambdaContext } from "./lambda_context.ts";
