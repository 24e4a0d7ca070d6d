/**
 * A shard's context for a processor that is called with a part of a batch: what it checkpoints without a
 * position ends with that part.
 *
 * @module
 */

import type { ShardContext } from "../consumer/record_processor.ts";
import type { ExtendedSequenceNumber } from "../stream/sequence_number.ts";

/** See the module. */
export interface BoundedContext {
  /** Also a processor that keeps it from `initialize` on is bounded. */
  readonly context: ShardContext;
  /** While the call runs, nothing behind `last` is checkpointed. */
  readonly within: <T>(last: ExtendedSequenceNumber, call: () => Promise<T>) => Promise<T>;
}

/** Makes one. */
export function boundedContext(context: ShardContext): BoundedContext {
  let end: ExtendedSequenceNumber | undefined;
  return {
    context: {
      streamName: context.streamName,
      streamArn: context.streamArn,
      streamIdentifier: context.streamIdentifier,
      shardId: context.shardId,
      leaseKey: context.leaseKey,
      initialCheckpoint: context.initialCheckpoint,
      pendingCheckpoint: context.pendingCheckpoint,
      pendingCheckpointState: context.pendingCheckpointState,
      fencingToken: context.fencingToken,
      signal: context.signal,
      checkpoint: (at = end) => context.checkpoint(at),
      prepareCheckpoint: (at = end, state) => context.prepareCheckpoint(at, state),
      transact: (writes, { at = end } = {}) => context.transact(writes, { at }),
      restart: (reason) => context.restart(reason),
    },
    async within({ sequenceNumber, subSequenceNumber }, call) {
      end = { sequenceNumber, subSequenceNumber };
      try {
        return await call();
      } finally {
        end = undefined;
      }
    },
  };
}
