/**
 * A record processor that hands its records to a Lambda function, whatever runs the function.
 *
 * A batch that makes too large an event is given in several calls, in order. The calls that went well are
 * checkpointed before a failure of a later one is reported: only the rest comes again.
 *
 * @module
 */

import type {
  BatchResponse,
  RecordProcessor,
  RecordProcessorFactory,
  RecordsBatch,
  ShardContext,
  ShardStream,
} from "../consumer/record_processor.ts";
import { AwsServiceError, isOfClass, LeaseLostError } from "../errors.ts";
import type { ExtendedSequenceNumber } from "../stream/sequence_number.ts";
import { arnsOf, type FunctionArns, type LambdaFunction } from "./function_options.ts";
import type { FunctionRunner } from "./invocation.ts";
import { type EventCut, eventCuts, type EventSource, streamEvent } from "./kinesis_event.ts";

/** Makes the processors of a function. `runner` is called once for each of them. */
export function lambdaProcessor(
  lambda: LambdaFunction,
  runner: (arns: FunctionArns) => FunctionRunner,
): RecordProcessorFactory {
  return (shardId, stream) => new LambdaProcessor(lambda, { shardId, stream, runner });
}

class LambdaProcessor implements RecordProcessor {
  /** The worker checkpoints what the function has processed. */
  readonly checkpoints = "auto";
  readonly aggregates: "whole" | undefined;
  readonly #lambda: LambdaFunction;
  readonly #runner: FunctionRunner;
  readonly #arns: FunctionArns;
  readonly #source: EventSource;

  constructor(lambda: LambdaFunction, { shardId, stream, runner }: {
    readonly shardId: string;
    readonly stream: ShardStream;
    readonly runner: (arns: FunctionArns) => FunctionRunner;
  }) {
    this.aggregates = lambda.deaggregate ? undefined : "whole";
    this.#lambda = lambda;
    this.#arns = arnsOf(lambda, stream);
    const { eventSourceARN, awsRegion, invokeIdentityArn } = this.#arns;
    this.#source = { shardId, eventSourceARN, awsRegion, invokeIdentityArn };
    this.#runner = runner(this.#arns);
  }

  initialize({ leaseKey }: ShardContext): Promise<void> {
    return this.#runner.start(leaseKey);
  }

  async processRecords({ records }: RecordsBatch, context: ShardContext): Promise<BatchResponse | null> {
    const cuts = eventCuts(records, this.#source, this.#lambda.maxPayloadBytes);
    const failures: { readonly itemIdentifier: string }[] = [];
    let done: ExtendedSequenceNumber | undefined;
    for (const cut of cuts) {
      let answer: unknown;
      try {
        answer = await this.#invoke(cut, context);
      } catch (error) {
        if (done !== undefined) await checkpoint(context, done);
        throw error;
      }
      // Whether the list counts is known to the worker alone. So the calls go on, as within a larger batch.
      if (hasFailures(answer)) failures.push(...listOf(answer));
      if (failures.length === 0) done = cut.records.at(-1);
    }
    return failures.length === 0 ? null : { batchItemFailures: failures };
  }

  async shardEnded(context: ShardContext): Promise<void> {
    await context.checkpoint();
  }

  async dispose(): Promise<void> {
    await this.#runner.close();
  }

  #invoke({ records, bytes }: EventCut, { signal }: ShardContext): Promise<unknown> {
    const { maxPayloadBytes, timeoutMs } = this.#lambda;
    if (bytes > maxPayloadBytes) {
      const [record] = records;
      throw new RangeError(
        `Cannot call Lambda function with record ${record?.sequenceNumber}: its event must be <= ${maxPayloadBytes} ` +
          `bytes: got ${bytes}: set maxPayloadBytes, or a place for dead letters`,
      );
    }
    return this.#runner.invoke({
      requestId: this.#lambda.requestId(),
      event: streamEvent(records, this.#source),
      invokedFunctionArn: this.#arns.invokedFunctionArn,
      timeoutMs,
    }, signal);
  }
}

/** What went well need not come again. If the table cannot be written, the whole batch comes again. */
async function checkpoint(
  context: ShardContext,
  { sequenceNumber, subSequenceNumber }: ExtendedSequenceNumber,
): Promise<void> {
  try {
    await context.checkpoint({ sequenceNumber, subSequenceNumber });
  } catch (error) {
    // Both are events of the worker by now.
    if (!(isOfClass(error, LeaseLostError) || isOfClass(error, AwsServiceError))) throw error;
  }
}

/** Whether a function named records that failed. Whether that counts, the worker's `errors` decides. */
function hasFailures(answer: unknown): answer is { readonly batchItemFailures: unknown } {
  if (typeof answer !== "object" || answer === null || !("batchItemFailures" in answer)) return false;
  const { batchItemFailures: failures } = answer;
  return failures !== null && failures !== undefined && !(Array.isArray(failures) && failures.length === 0);
}

/** What is no list names no record. In Lambda, as in the worker, such an item means that all have failed. */
function listOf(
  { batchItemFailures }: { readonly batchItemFailures: unknown },
): { itemIdentifier: string }[] {
  return Array.isArray(batchItemFailures) ? batchItemFailures : [{ itemIdentifier: "" }];
}
