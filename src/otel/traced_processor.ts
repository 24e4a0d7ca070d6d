/**
 * A record processor within spans: spans that its code starts become children of the call that they belong
 * to.
 *
 * @module
 */

import type {
  BatchResponse,
  RecordProcessor,
  RecordsBatch,
  ShardContext,
} from "../consumer/record_processor.ts";
import type { ProcessorCallback } from "../events.ts";

/** Runs a call within a span. */
export interface CallSpans {
  /** Of a batch. */
  readonly process: <T>(batch: RecordsBatch, context: ShardContext, call: () => T | Promise<T>) => Promise<T>;
  /** Of any other callback. */
  readonly callback: <T>(
    name: Exclude<ProcessorCallback, "processRecords">,
    context: ShardContext,
    call: () => T | Promise<T>,
  ) => Promise<T>;
}

/** The processor, each of its calls within a span. What it leaves out stays left out. */
export function tracedProcessor(processor: RecordProcessor, spans: CallSpans): RecordProcessor {
  const { checkpoints, aggregates } = processor;
  const optional = <Name extends "initialize" | "leaseLost" | "shutdownRequested">(name: Name) => {
    if (processor[name] === undefined) return {};
    const traced = (context: ShardContext): Promise<void> =>
      spans.callback(name, context, () => processor[name]?.(context));
    return { [name]: traced };
  };
  return {
    ...(checkpoints === undefined ? {} : { checkpoints }),
    ...(aggregates === undefined ? {} : { aggregates }),
    ...optional("initialize"),
    ...(processor.startAt === undefined
      ? {}
      : { startAt: async (context, confirm) => await processor.startAt?.(context, confirm) }),
    processRecords: (batch, context): Promise<void | BatchResponse | null> =>
      spans.process(batch, context, () => processor.processRecords(batch, context)),
    ...optional("leaseLost"),
    shardEnded: (context) => spans.callback("shardEnded", context, () => processor.shardEnded(context)),
    ...optional("shutdownRequested"),
    ...(processor.dispose === undefined ? {} : { dispose: () => processor.dispose?.() }),
  };
}
