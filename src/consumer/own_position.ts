/**
 * Begins a processor's time on a shard. A processor that keeps its position itself, beside its results, says
 * where it goes on.
 *
 * Its word counts, whatever the lease says. The lease's checkpoint follows; it never moves back, so of two
 * positions the later one stands there. The one thing to get wrong is to wait for the lease: a position that
 * is ahead of it is the ordinary end of a crash between the two stores.
 *
 * @module
 */

import { AwsServiceError } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import {
  compare,
  excerptOf,
  type ExtendedSequenceNumber,
  isSequenceNumber,
  isShardEnd,
  textOf,
} from "../stream/sequence_number.ts";
import type { Recipient } from "./delivery.ts";
import type { HeldLease } from "./held_lease.ts";

/**
 * Calls `initialize`, then asks for the processor's own position.
 *
 * @returns how a person moves that position; undefined: in the lease table.
 * @throws what the processor throws.
 */
export async function beginProcessor(
  { processor, context, checkpointer }: Recipient,
  held: HeldLease,
  emit: WorkerEventListener,
): Promise<string | undefined> {
  await processor.initialize?.(context);
  if (processor.startAt === undefined) return undefined;
  const confirm = () => held.checkpoint(held.lease.checkpoint, held.lease.finishedAhead);
  const given = await processor.startAt(context, confirm);
  const own = checked(given, held), mend = given?.mend;
  const { initialCheckpoint: checkpoint } = context;
  const order = own === undefined ? 0 : compare(own, checkpoint);
  if (own === undefined || order === 0) return mend;
  checkpointer.startAt(own);
  const texts = `its processor's own position ${textOf(own)} counts, the lease has ${textOf(checkpoint)}`;
  const { leaseKey } = held;
  if (order < 0) {
    const text = `The shard is read again from an earlier record: ${texts}`;
    emit({ type: "notice", level: "warning", leaseKey, text });
    return mend;
  }
  emit({ type: "notice", level: "info", leaseKey, text: `The shard goes on at a later record: ${texts}` });
  try {
    await held.checkpoint(own);
  } catch (error) {
    // The next checkpoint covers it.
    if (!(error instanceof AwsServiceError)) throw error;
    emit({ type: "checkpointFailed", leaseKey, shardId: held.shardId, at: own, error });
  }
  return mend;
}

function checked(
  own: ExtendedSequenceNumber | undefined,
  { shardId }: HeldLease,
): ExtendedSequenceNumber | undefined {
  if (own === undefined) return undefined;
  const { sequenceNumber, subSequenceNumber } = own;
  const isPosition = typeof sequenceNumber === "string" && isSequenceNumber(sequenceNumber) &&
    !isShardEnd(own) && Number.isInteger(subSequenceNumber) && subSequenceNumber >= 0;
  if (isPosition) return { sequenceNumber, subSequenceNumber };
  throw new TypeError(
    `Cannot start in shard ${shardId}: expected startAt() to give the position of a record, or TRIM_HORIZON, ` +
      `LATEST or AT_TIMESTAMP: got ${excerptOf(sequenceNumber)}/${subSequenceNumber}`,
  );
}
