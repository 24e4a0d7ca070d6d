// Pure.
/**
 * Decides when a lease may be deleted. Either its shard is done and its children are under way, oldest first;
 * or the service does not know the shard any more.
 *
 * Children wait for their parent's finished lease, and it shows an audit that the shard needs no lease. If it
 * is deleted too early, its records are read again from the start.
 *
 * Source: KCL 3.5.1, `LeaseCleanupManager`.
 *
 * @module
 */

import { type Lease, leaseKeyOf } from "./lease.ts";
import { hasHashKeys } from "../stream/hash_key.ts";
import { isShardEnd } from "../stream/sequence_number.ts";

/** What is known besides the lease itself. */
export interface CleanupView {
  /** All leases of the stream, by lease key. A stale listing is safe: it can only keep a lease longer. */
  readonly leases: ReadonlyMap<string, Lease>;
  /**
   * What the service answered about the children, if it was asked. Their shard ids (none: the shard has no
   * children), or `"shardGone"` if it answered ResourceNotFound.
   */
  readonly told?: readonly string[] | "shardGone" | undefined;
}

/** What is to be done with a lease. */
export type CleanupStep =
  | { readonly type: "delete"; readonly reason: "completed" | "garbage" }
  /** The children are not known: ask the service for them, then decide again with its answer. */
  | { readonly type: "askForChildren" }
  | { readonly type: "keep"; readonly because: string };

/** Decides about one lease. */
export function cleanupStep(lease: Lease, view: CleanupView): CleanupStep {
  const { leases, told } = view;
  if (told === "shardGone") return { type: "delete", reason: "garbage" };
  if (!isShardEnd(lease.checkpoint)) return keep("its shard is not done");
  const find = (shardId: string) => leases.get(leaseKeyOf(shardId, lease.streamIdentifier));
  const parent = lease.parentShardIds.find((id) => find(id) !== undefined);
  if (parent !== undefined) return keep(`the lease of its parent ${parent} is still there`);
  const children = lease.childShardIds.length > 0 ? lease.childShardIds : told;
  if (children === undefined) return { type: "askForChildren" };
  // The stream of a table may have been switched off: without this lease, the shard would be read again.
  if (children.length === 0 && !hasHashKeys(lease.hashKeyRange)) {
    return keep("it has no children");
  }
  for (const id of children) {
    const child = find(id);
    if (child === undefined) return keep(`its child ${id} has no lease yet`);
    if (!isStarted(child)) return keep(`its child ${id} has not been started`);
  }
  return { type: "delete", reason: "completed" };
}

/**
 * A child has begun once its checkpoint has left the position that it was created with. LATEST counts as
 * begun, as in KCL.
 */
function isStarted({ checkpoint }: Lease): boolean {
  return checkpoint.sequenceNumber !== "TRIM_HORIZON" && checkpoint.sequenceNumber !== "AT_TIMESTAMP";
}

function keep(because: string): CleanupStep {
  return { type: "keep", because };
}
