/**
 * A handler for an AWS Lambda function that EventBridge Scheduler invokes. The stream is read by the function
 * itself, not by an event source mapping.
 *
 * @module
 */

import type { SliceOptions } from "../slice_options.ts";
import { type SliceSummary, sliceSummary, type SliceWorker } from "./slice_worker.ts";

/** The part of Lambda's context that is used. */
export interface LambdaContext {
  /** How long until Lambda ends the invocation, in ms. */
  getRemainingTimeInMillis(): number;
}

/** {@linkcode SliceOptions}, whose budget Lambda gives where you do not. */
export interface LambdaSliceOptions extends Omit<SliceOptions, "budgetMs"> {
  /**
   * The most that one invocation may use, in ms.
   *
   * @default the time that Lambda has left, less a second
   */
  readonly budgetMs?: number | undefined;
}

/** For the answer, and for what Lambda itself does before it stops the function. In ms. */
const SPARE_MS = 1000;

/**
 * Runs one slice per invocation, within the time that Lambda has left. Its summary is the function's answer.
 *
 * Between two invocations Lambda freezes the function: make the worker once, outside of the handler.
 *
 * @throws {RangeError} from the handler, when less time is left than a slice needs at the least.
 */
export function lambdaScheduled(
  worker: SliceWorker,
  slice: LambdaSliceOptions = {},
): (event: unknown, context: LambdaContext) => Promise<SliceSummary> {
  return async (_event, context) => {
    const leftMs = context.getRemainingTimeInMillis() - SPARE_MS;
    const budgetMs = Math.min(slice.budgetMs ?? leftMs, leftMs);
    return sliceSummary(await worker.runSlice({ ...slice, budgetMs }));
  };
}
