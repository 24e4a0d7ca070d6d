/**
 * Lambda handlers as processors of a worker, in the same process.
 *
 * @module
 */

import type { RecordProcessorFactory } from "../consumer/record_processor.ts";
import { lambdaFunction, type LambdaFunctionOptions } from "./function_options.ts";
import { type DynamoDBHandler, type HandlerOf, HandlerRunner, type LambdaHandler } from "./handler_runner.ts";
import type { StreamEvent } from "./kinesis_event.ts";
import { lambdaProcessor } from "./lambda_processor.ts";

/** Options of {@linkcode fromLambdaHandler}. */
export interface LambdaHandlerOptions extends LambdaFunctionOptions {
  /**
   * How long a call whose time is over is waited for, in ms. Its `context.signal` has aborted by then. After
   * that the call has failed and may run on: the next call then runs beside it.
   *
   * @default {30000}
   */
  readonly abandonAfterMs?: number | undefined;
}

/**
 * Makes processors of a Lambda handler, unchanged. The handler gets Lambda's event and context: the event of
 * Kinesis, or that of DynamoDB Streams where the worker reads the stream of a table. It may return a promise,
 * call its callback, or call `context.done`, `fail` or `succeed`.
 *
 * What becomes of a call that fails is the worker's `errors`. A list of `batchItemFailures` counts only with
 * `errors.partial`, as Lambda needs `ReportBatchItemFailures`. Set `batch.size` to Lambda's batch size,
 * which is 100 if the template says nothing.
 *
 * ```ts
 * import { KinesisWorker } from "@kclite/kclite";
 * import { fromLambdaHandler } from "@kclite/kclite/lambda";
 *
 * const handler = async (event: { Records: { kinesis: { data: string } }[] }) => {
 *   for (const { kinesis } of event.Records) console.log(atob(kinesis.data));
 * };
 * const worker = new KinesisWorker({
 *   applicationName: "orders",
 *   streamName: "orders",
 *   region: "eu-central-1",
 *   onProcessError: "retry",
 *   processor: fromLambdaHandler(handler, { timeoutMs: 60_000 }),
 * });
 * ```
 *
 * @throws {TypeError} when the handler is no function, or an option is of the wrong kind;
 * {@linkcode RangeError} when a number is out of range.
 */
export function fromLambdaHandler(
  handler: LambdaHandler,
  options?: LambdaHandlerOptions,
): RecordProcessorFactory;
/** The same of a handler for the stream of a DynamoDB table. */
export function fromLambdaHandler(
  handler: DynamoDBHandler,
  options?: LambdaHandlerOptions,
): RecordProcessorFactory;
export function fromLambdaHandler(
  handler: LambdaHandler | DynamoDBHandler,
  options: LambdaHandlerOptions = {},
): RecordProcessorFactory {
  const given: unknown = handler;
  if (typeof given !== "function") {
    throw new TypeError(
      `Cannot host Lambda function: expected the handler as a function (event, context, callback): got ${typeof given}`,
    );
  }
  const { abandonAfterMs = 30_000 } = options;
  if (!(typeof abandonAfterMs === "number" && abandonAfterMs >= 0)) {
    throw new RangeError(`Cannot host Lambda function: abandonAfterMs must be >= 0: got ${abandonAfterMs}`);
  }
  const lambda = lambdaFunction(options);
  // The worker's stream decides which event comes: that the handler is for it is the user's word.
  const ofStream = handler as HandlerOf<StreamEvent>;
  return lambdaProcessor(lambda, () => new HandlerRunner(ofStream, lambda, abandonAfterMs));
}
