// Pure.
/**
 * Reads how far a handoff has come from one look at its lease after another.
 *
 * The owner learns of it when a renewal is refused. From then on it renews in spite of it. So a counter that
 * moves during the handoff shows that the owner drains.
 *
 * Source: KCL 3.5.1, `DynamoDBLeaseRenewer`, `LeaseGracefulShutdownHandler`.
 *
 * @module
 */

import { lastWriter } from "../../lease/incarnation.ts";
import type { Lease } from "../../lease/lease.ts";
import { isShardEnd } from "../../stream/sequence_number.ts";

/** How far it has come. The first four follow one another. */
export type HandoffPhase =
  /** The table names the next owner. */
  | "asked"
  /** The present owner knows, finishes its batch, and stores a checkpoint. */
  | "draining"
  /** The lease is the next owner's, which has to find it. */
  | "handedOver"
  /** The next owner renews it, and so reads it. */
  | "renewed"
  /** The lease is its former owner's again. */
  | "calledOff"
  /** Somebody else was given the lease. */
  | "movedOn"
  /** The shard was read to its end. */
  | "finished"
  | "deleted";

/** A look at the lease of a handoff. */
export interface HandoffSight {
  readonly phase: HandoffPhase;
  readonly lease: Lease | undefined;
  /** Monotonic ms at which the counter was seen to move last. */
  readonly movedMs: number;
}

/** Whether nothing follows. */
export function isOver(phase: HandoffPhase): boolean {
  return phase !== "asked" && phase !== "draining" && phase !== "handedOver";
}

/**
 * @param before The last look; at first the lease as the request left it.
 * @param found Read strongly consistent.
 */
export function handoffSight(
  handoff: { readonly from: string; readonly to: string },
  before: HandoffSight,
  found: Lease | undefined,
  nowMs: number,
): HandoffSight {
  const isMoved = found?.leaseCounter !== before.lease?.leaseCounter;
  return {
    phase: phaseOf(handoff, before, found, isMoved),
    lease: found,
    movedMs: isMoved ? nowMs : before.movedMs,
  };
}

function phaseOf(
  { from, to }: { readonly from: string; readonly to: string },
  { phase }: HandoffSight,
  found: Lease | undefined,
  isMoved: boolean,
): HandoffPhase {
  if (found === undefined) return "deleted";
  const { leaseOwner, checkpointOwner } = found;
  if (isShardEnd(found.checkpoint)) return "finished";
  if (leaseOwner === to && checkpointOwner === from) return isMoved ? "draining" : phase;
  if (leaseOwner === to && checkpointOwner === undefined) {
    const isByNewOwner = lastWriter(found)?.workerId === to;
    return isByNewOwner || (phase === "handedOver" && isMoved) ? "renewed" : "handedOver";
  }
  return leaseOwner === from && checkpointOwner === undefined ? "calledOff" : "movedOn";
}
