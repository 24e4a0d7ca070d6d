/**
 * Gives the records of one dead letter to a processor of their own, from `initialize` to `dispose`. What a
 * processor buffers is out before the letter counts as processed.
 *
 * No policy for failures applies here. So a record that fails again is not dead-lettered again: its letter
 * stays where it is.
 *
 * @module
 */

import type {
  BatchResponse,
  RecordProcessor,
  RecordProcessorFactory,
  ShardContext,
} from "../../consumer/record_processor.ts";
import { thrownError } from "../../errors.ts";
import type { KinesisRecord } from "../../stream/record.ts";
import { positionAt } from "../../stream/sequence_number.ts";
import type { StoredLetter } from "./stored_letter.ts";

/**
 * Processes the records.
 *
 * @throws what the processor throws, also if it asks for a restart or answers that a record failed.
 */
export async function runLetter(
  letter: StoredLetter,
  records: readonly KinesisRecord[],
  make: RecordProcessorFactory,
  signal: AbortSignal,
): Promise<void> {
  let restart: Error | undefined;
  const { shardId, leaseKey, streamName, streamArn } = letter;
  const stream = { streamName, streamArn, streamIdentifier: undefined };
  const context: ShardContext = {
    ...stream,
    shardId,
    leaseKey,
    initialCheckpoint: positionAt("TRIM_HORIZON"),
    pendingCheckpoint: undefined,
    pendingCheckpointState: undefined,
    fencingToken: { leaseKey, token: letter.fencingToken },
    signal,
    // There is no lease. What is processed is known when the processor has ended.
    checkpoint: () => Promise.resolve(),
    prepareCheckpoint: (at = records.at(-1) ?? positionAt("TRIM_HORIZON")) =>
      Promise.resolve({ at, checkpoint: () => Promise.resolve() }),
    transact: () => Promise.reject(new TypeError(NO_TRANSACT)),
    restart: (reason) => restart ??= reason,
  };
  const processor: RecordProcessor = make(shardId, stream);
  try {
    await processor.initialize?.(context);
    const answer = await processor.processRecords({
      records,
      millisBehindLatest: undefined,
      isAtShardEnd: false,
      childShards: [],
    }, context);
    const failed = failuresOf(answer);
    if (failed > 0) {
      throw new Error(`the processor answered that ${failed} of ${records.length} records failed`);
    }
    await processor.shutdownRequested?.(context);
    if (restart !== undefined) throw restart;
  } catch (error) {
    await ended(processor, context).catch(() => {}); // the first error says more
    throw thrownError(error);
  }
  await ended(processor, context);
}

const NO_TRANSACT =
  "Cannot transact: expected the lease of a shard: got a dead letter, which has none: write its results on the " +
  "condition that they are not there yet";

/** Lambda's rule: a list that is empty, or not there, means success. */
function failuresOf(answer: void | BatchResponse | null): number {
  const failures = answer?.batchItemFailures;
  return Array.isArray(failures) ? failures.length : 0;
}

async function ended(processor: RecordProcessor, context: ShardContext): Promise<void> {
  try {
    await processor.leaseLost?.(context);
  } finally {
    await processor.dispose?.();
  }
}
