// Pure.
/**
 * Adds an owner's progress to its writes. It costs no request: renewals and checkpoints are written anyway.
 *
 * @module
 */

import { SHARD_END } from "../stream/sequence_number.ts";
import type { Lease } from "./lease.ts";
import { type LeaseProgress, progressText } from "./lease_progress.ts";
import type { LeaseWrite } from "./lease_write.ts";

/**
 * An owner's write with its progress, if it is a heartbeat; else unchanged. Nothing is left of an earlier
 * owner, nor of a shard that has ended.
 *
 * @param progress Undefined: nothing is known yet.
 */
export function withProgress(
  write: LeaseWrite,
  lease: Lease,
  progress: LeaseProgress | undefined,
): LeaseWrite {
  const { set, remove } = write;
  if (set.leaseCounter === undefined) return write;
  const isEnded = (set.checkpoint ?? lease.checkpoint.sequenceNumber) === SHARD_END.sequenceNumber;
  const kcliteProgress = isEnded || progress === undefined ? undefined : progressText(progress);
  if (kcliteProgress !== undefined) return { ...write, set: { ...set, kcliteProgress } };
  return lease.progress === undefined ? write : { ...write, remove: [...remove, "kcliteProgress"] };
}
