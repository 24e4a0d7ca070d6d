/**
 * Names a failed checkpoint as Java would: programs in other languages compare these names.
 *
 * Source: KCL 3.5.1, `CheckpointValueAndErrorPair` and `ShardRecordProcessorCheckpointer`.
 *
 * @module
 */

import { AwsServiceError, isAwsError, LeaseLostError, LeaseTableError } from "../errors.ts";

/**
 * The errors that a child may get. The libraries document the first four; the last is for a position out of
 * range.
 */
export type CheckpointErrorName =
  /** The lease is lost: stop quietly. */
  | "ShutdownException"
  /** DynamoDB throttles: try again, with back-off. */
  | "ThrottlingException"
  /** There is no lease table, or this action has no checkpointer. */
  | "InvalidStateException"
  /** Anything else on the way to DynamoDB: try again. */
  | "KinesisClientLibDependencyException"
  /** No position, or not one between the last checkpoint and the last record. */
  | "IllegalArgumentException";

/** The name for what `ShardContext.checkpoint()` threw. */
export function checkpointErrorName(error: unknown): CheckpointErrorName {
  if (error instanceof LeaseLostError || isAbort(error)) return "ShutdownException";
  if (isAwsError(error, ...THROTTLING)) return "ThrottlingException";
  if (error instanceof LeaseTableError || isAwsError(error, "ResourceNotFoundException")) {
    return "InvalidStateException";
  }
  if (error instanceof AwsServiceError) return "KinesisClientLibDependencyException";
  if (error instanceof RangeError || error instanceof SyntaxError || error instanceof TypeError) {
    return "IllegalArgumentException";
  }
  return "KinesisClientLibDependencyException";
}

/** Source: Amazon DynamoDB Developer Guide, "Error handling"; KCL maps the first. */
const THROTTLING = [
  "ProvisionedThroughputExceededException",
  "ThrottlingException",
  "RequestLimitExceeded",
] as const;

/** The worker gave up the shard while the checkpoint was under way. */
function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}
