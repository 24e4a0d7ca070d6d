/**
 * Lambda handlers for Kinesis and DynamoDB Streams, unchanged, as processors of a worker.
 *
 * @module
 */

export { fromLambdaHandler } from "./lambda_handler.ts";
export type { LambdaHandlerOptions } from "./lambda_handler.ts";
export type { LambdaFunctionOptions } from "./function_options.ts";
export type { DynamoDBHandler, HandlerOf, LambdaHandler } from "./handler_runner.ts";
export { FunctionTimeoutError } from "./invocation.ts";
export type { Invocation } from "./invocation.ts";
export type { KinesisEvent, KinesisEventRecord, StreamEvent } from "./kinesis_event.ts";
export type { DynamoDBEvent, DynamoDBEventRecord } from "../stream/change_event.ts";
export type { LambdaCallback, LambdaContext } from "./lambda_context.ts";
