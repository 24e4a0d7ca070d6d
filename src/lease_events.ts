/**
 * The events about leadership and leases.
 *
 * @module
 */

import type { ExtendedSequenceNumber } from "./stream/sequence_number.ts";

/** Why a worker stopped holding a lease. */
export type LeaseLossReason =
  /** Another worker owns it now. */
  | "taken"
  /** It bears this worker's name, but another process that uses the name has written to it. */
  | "namesake"
  /** A newer process of this worker's name has started; see the event `superseded`. */
  | "superseded"
  /** It could not be renewed in time; others may own it by now. */
  | "expired"
  /** Its handoff was overdue: others may have taken it by now. */
  | "handoffOverdue"
  /** Its item is gone from the table. */
  | "deleted"
  /** The processor asked for it (`onProcessError: "stop"`). */
  | "givenUp";

/** What keeps shards of the fleet from being read, whichever workers run. */
export type FleetFaultCode =
  /** The stream has open shards without a lease. */
  | "shardUnread"
  /** No unfinished lease covers some of the hash keys. */
  | "hashKeysUncovered"
  /** Some rows of the lease table cannot be read as leases. */
  | "leaseUnreadable"
  /** Unfinished leases have no owner, or an owner that does not renew them. */
  | "leaseUnowned"
  /** The stream does not list the shard of some unfinished leases. */
  | "leaseWithoutShard"
  /** Some leases have other hash keys than their shards. */
  | "leaseRangeDiffers"
  /** Some leases are of another stream, or of an earlier stream of the same name. */
  | "leaseOfOtherStream"
  /** The shards of some streams cannot be listed. */
  | "shardsNotListed";

/** A fault of the fleet, as the leader has found it in three audits in a row. */
export interface FleetFault {
  /** What is wrong. */
  readonly code: FleetFaultCode;
  /** Lease keys; hash key ranges with `hashKeysUncovered`, streams with `shardsNotListed`. At least one. */
  readonly subjects: readonly string[];
  /** What else is known of the first subject. */
  readonly detail: string | undefined;
}

/** An event about leadership or leases. */
export type LeaseEvent =
  /** This worker is the leader now. */
  | { readonly type: "leadershipGained"; readonly workerId: string }
  /** This worker is no longer the leader. */
  | { readonly type: "leadershipLost"; readonly workerId: string; readonly reason: string }
  /**
   * Another worker has led long enough for its passes to count. Comes with each of its heartbeats that this
   * worker sees.
   */
  | { readonly type: "leaderSeen"; readonly leader: string }
  /** The leader has looked for faults of the fleet. */
  | {
    readonly type: "fleetAudited";
    /** All faults that the leader knows of, one of each code. */
    readonly faults: readonly FleetFault[];
  }
  /** The leader has compared the stream's shards with the leases. */
  | {
    readonly type: "shardsSynced";
    readonly shards: number;
    readonly created: number;
    readonly ms: number;
  }
  /**
   * The leader has looked for hash keys of a stream that no lease covers. Comes when that was due, also when
   * it failed.
   */
  | {
    readonly type: "coverageAudited";
    /** `account:stream:epoch`. Undefined in an application of one stream. */
    readonly streamIdentifier: string | undefined;
    /** False: some hash keys have no lease. */
    readonly isCovered: boolean;
    /** Whether the stream's shards were to be listed, to create what is missing. */
    readonly isSynced: boolean;
    readonly ms: number;
    /** Undefined when the audit succeeded. */
    readonly error: unknown;
  }
  /** This worker created a lease for a new shard. */
  | {
    readonly type: "leaseCreated";
    readonly leaseKey: string;
    readonly checkpoint: ExtendedSequenceNumber;
    /** The lease of the ended shard that it continues. Undefined when the leader created it. */
    readonly parentLeaseKey: string | undefined;
    readonly ms: number;
  }
  /** This worker deleted a lease. */
  | {
    readonly type: "leaseDeleted";
    readonly leaseKey: string;
    readonly reason: "completed" | "garbage" | "formerStream";
  }
  /** The leader gave a lease to a worker. */
  | {
    readonly type: "leaseAssigned";
    readonly leaseKey: string;
    /** The owner before. Undefined when there was none. */
    readonly from: string | undefined;
    readonly to: string;
  }
  /** The leader asked a live owner to hand a lease over. */
  | { readonly type: "handoffStarted"; readonly leaseKey: string; readonly from: string; readonly to: string }
  /** The leader's assignment pass succeeded. */
  | {
    readonly type: "assignmentPass";
    readonly leases: number;
    readonly workers: number;
    readonly expired: number;
    /** Leases without an owner, when the pass began. */
    readonly free: number;
    readonly assigned: number;
    /** Leases that need an owner while no worker has room for them. */
    readonly spillover: number;
    /** Leases to move between live workers. Undefined where balancing was not due, and none is to move. */
    readonly balanced: number | undefined;
    /** Assignments that the table refused: the lease had changed since it was listed. */
    readonly refused: number;
    /** Shards that nobody reads when the pass ends: without a live owner, or without a readable lease. */
    readonly unread: number;
    /** The fleet's largest lag in ms, as owners wrote it into leases. Undefined where none is known. */
    readonly maxLagMs: number | undefined;
    /** The lease of the shard with that lag. */
    readonly maxLagLeaseKey: string | undefined;
    /** Items of the table that cannot be read as leases. */
    readonly unreadable: number;
    /** Items of the table that cannot be read as a worker's report. */
    readonly unreadableWorkers: number;
    readonly ms: number;
    /** The part of `ms` in which the table was read, and the shards synced. */
    readonly readMs: number;
    /** The part of `ms` in which assignments were decided. */
    readonly planMs: number;
    /** The part of `ms` in which assignments were written. */
    readonly writeMs: number;
  }
  /** A row of the lease table cannot be read as a lease. Comes when the leader meets the row. */
  | { readonly type: "leaseUnreadable"; readonly leaseKey: string; readonly problem: string }
  /** This worker has looked for leases that are assigned to it. */
  | {
    readonly type: "leasesDiscovered";
    /** Leases that it holds after the look. */
    readonly held: number;
    /** Leases that were assigned to it and not held. */
    readonly found: number;
    /** Of those, the ones that turned out to have another owner by now, or none. */
    readonly foreign: number;
    /** How long the listing took. Undefined where the leases were known without one. */
    readonly listMs: number | undefined;
    /** How long it took to read those found, and to begin with them. */
    readonly beginMs: number;
  }
  /** This worker took a lease and begins to read its shard. */
  | {
    readonly type: "leaseGained";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly workerId: string;
    readonly checkpoint: ExtendedSequenceNumber;
  }
  /** A renewal of a held lease succeeded. */
  | { readonly type: "leaseRenewed"; readonly leaseKey: string; readonly ms: number }
  /** A renewal of a held lease failed. It is tried again until the lease expires. */
  | {
    readonly type: "leaseRenewalFailed";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly error: unknown;
  }
  /** This worker no longer holds a lease, and has not given it away in order. */
  | {
    readonly type: "leaseLost";
    readonly leaseKey: string;
    readonly shardId: string;
    readonly reason: LeaseLossReason;
  }
  /** This worker gave a lease away in order. */
  | {
    readonly type: "leaseReleased";
    readonly leaseKey: string;
    readonly shardId: string;
    /** The next owner. Undefined when the leader chooses. */
    readonly to: string | undefined;
  };
