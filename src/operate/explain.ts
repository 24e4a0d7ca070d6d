// Pure.
/**
 * Explains why a shard is being read now, or is not, from two looks at the table and from what the stream
 * says. The first reason that holds counts: e.g. a child that waits for its parent is not read, whoever owns
 * its lease.
 *
 * @module
 */

import { compareWithLeases } from "../lease/open_shards.ts";
import { isOpen, parentsOf, type Shard } from "../stream/shard.ts";
import {
  describeFleet,
  type FleetDescription,
  type Glimpse,
  type LeaseRow,
  type LeaseState,
  type WorkerRow,
} from "./describe.ts";
import type { StreamLook } from "./lag_look.ts";
import type { ShardProbe } from "./shard_probe.ts";
import type { TableLook } from "./table_look.ts";

/** Why no worker can be given a lease. */
export type Hindrance = "noLeader" | "noLiveWorker" | "noRoom";

/**
 * The reason. Of leases: `beingRead`; `checkpointTrimmed`: it has an owner, but its checkpoint's record is
 * not in the stream; `handoffPending`; `waitsForParents`; `ownerGone`: its owner neither renews nor reports;
 * `assignedNotBegun`: its owner reports, but does not renew this lease; `unassigned`: the leader will give it
 * to a worker, or one of {@linkcode Hindrance}; `finished`: it waits to be deleted; `shardGone`: the stream
 * does not have its shard. Of shards without a lease: `leaseComesLater`, `leaseMissing`,
 * `closedWithoutLease`. `noSuchLease`: neither a lease nor a shard. `notSeen`: the leases may not be read.
 */
export type ExplainReason =
  | "beingRead"
  | "checkpointTrimmed"
  | "handoffPending"
  | "waitsForParents"
  | "ownerGone"
  | "assignedNotBegun"
  | "unassigned"
  | Hindrance
  | "finished"
  | "shardGone"
  | "leaseComesLater"
  | "leaseMissing"
  | "closedWithoutLease"
  | "noSuchLease"
  | "notSeen";

/** What is explained: a lease, a shard that has none, or a name that is of neither. */
export type ExplainSubject =
  | { readonly type: "lease"; readonly leaseKey: string }
  | { readonly type: "shard"; readonly shardId: string }
  | { readonly type: "unknown"; readonly name: string };

/** What is known. */
export interface ExplainInput {
  readonly subject: ExplainSubject;
  readonly before: Glimpse;
  readonly now: TableLook;
  /** The stream of the subject. Undefined when it could not be found out. */
  readonly stream:
    | Pick<StreamLook, "stream" | "shards" | "retentionMs" | "creationEpochS" | "streamIdentifier">
    | undefined;
  /** Undefined when the shard was not read. */
  readonly probe: ShardProbe | undefined;
  /** As the configuration says. */
  readonly maxLeasesForWorker: number | undefined;
  /** Keys like the name, when it is unknown. */
  readonly nearest: readonly string[];
  /** What of the stream could not be read, in sentences. */
  readonly notRead: readonly string[];
}

/** Another shard that matters. */
export interface RelatedShard {
  readonly shardId: string;
  /** `noLease`: there is none. */
  readonly state: LeaseState | "noLease";
  readonly owner: string | undefined;
}

/** What the reason was found from. */
export interface ExplainFacts {
  readonly leaseKey: string | undefined;
  readonly shardId: string | undefined;
  readonly owner: string | undefined;
  readonly nextOwner: string | undefined;
  readonly checkpoint: string | undefined;
  readonly leaseCounter: number | undefined;
  /** Between the looks. */
  readonly counterMoved: number | undefined;
  readonly betweenMs: number;
  readonly ownerReportAgeMs: number | undefined;
  readonly leader: string | undefined;
  /** Its last report is old, or there is none. */
  readonly isLeaderSilent: boolean;
  /** Those that report and are not drained. */
  readonly liveWorkers: readonly string[];
  readonly hindrance: Hindrance | undefined;
  readonly maxLeasesForWorker: number | undefined;
  /** Those that matter: unfinished ones of a lease, all of a shard without one. */
  readonly parents: readonly RelatedShard[];
  readonly children: readonly RelatedShard[];
  readonly behindMs: number | undefined;
  readonly checkpointAgeMs: number | undefined;
  readonly oldestUnreadAgeMs: number | undefined;
  /** Until the oldest unread record is trimmed. */
  readonly trimmedInMs: number | undefined;
  readonly isForeignCheckpoint: boolean;
  readonly hasFinishedAhead: boolean;
  readonly nearest: readonly string[];
}

/** An explanation. */
export interface Explanation {
  readonly reason: ExplainReason;
  readonly facts: ExplainFacts;
  /** What could not be read, in sentences. */
  readonly notRead: readonly string[];
}

/** Explains. */
export function explanationOf(input: ExplainInput): Explanation {
  const fleet = describeFleet(input.before, input.now);
  const { subject } = input;
  const lease = subject.type === "lease"
    ? fleet.leases.find(({ leaseKey }) => leaseKey === subject.leaseKey)
    : undefined;
  const facts = factsOf(input, fleet, lease);
  return {
    reason: lease === undefined ? otherReason(input) : leaseReason(lease, facts, input, fleet),
    facts,
    notRead: [...fleet.notRead, ...input.notRead],
  };
}

function leaseReason(
  lease: LeaseRow,
  { parents, hindrance, nextOwner }: ExplainFacts,
  { stream, probe }: ExplainInput,
  { workers, leases }: FleetDescription,
): ExplainReason {
  const { state, shardId, owner } = lease;
  if (state === "finished") return "finished";
  const isListed = stream?.shards?.some((shard) => shard.shardId === shardId) ?? probe?.type !== "gone";
  if (!isListed) return "shardGone";
  if (parents.length > 0) return "waitsForParents";
  if (state === "free") return hindrance ?? "unassigned";
  if (state === "notRenewed") {
    const isAlive = workers.some(({ workerId, state }) => workerId === owner && state === "reports") ||
      leases.some((other) => other.owner === owner && (other.state === "held" || other.state === "handoff"));
    if (!isAlive) return "ownerGone";
    return nextOwner === undefined ? "assignedNotBegun" : "handoffPending";
  }
  if (nextOwner !== undefined) return "handoffPending";
  return probe?.type === "trimmed" ? "checkpointTrimmed" : "beingRead";
}

function otherReason({ subject, stream, now }: ExplainInput): ExplainReason {
  if (now.failures.some(({ part }) => part === "leases")) return "notSeen";
  if (subject.type !== "shard") return "noSuchLease";
  const { shards = [], streamIdentifier, creationEpochS, stream: { streamName = "" } = {} } = stream ?? {};
  const shard = shards.find(({ shardId }) => shardId === subject.shardId);
  if (shard === undefined) return "noSuchLease";
  if (!isOpen(shard)) return "closedWithoutLease";
  const leases = now.leases.filter((lease) => lease.streamIdentifier === streamIdentifier);
  const origin = creationEpochS === undefined ? undefined : { streamName, creationEpochS };
  const { unread } = compareWithLeases({ shards, leases, origin });
  return unread.includes(shard) ? "leaseMissing" : "leaseComesLater";
}

function factsOf(
  { subject, stream, probe, maxLeasesForWorker, nearest }: ExplainInput,
  fleet: FleetDescription,
  lease: LeaseRow | undefined,
): ExplainFacts {
  const { workers, leader, betweenMs = 0 } = fleet;
  const shardId = lease?.shardId ?? (subject.type === "shard" ? subject.shardId : undefined);
  const shard = stream?.shards?.find((shard) => shard.shardId === shardId);
  const reports = new Map(workers.map((worker) => [worker.workerId, worker]));
  const live = workers.filter(({ state, drainingSinceEpochS }) =>
    state === "reports" && drainingSinceEpochS === undefined
  );
  // A look that renewed the lock says more than a report.
  const isLeaderSilent = leader !== undefined && leader.isRenewed !== true &&
    (leader.isRenewed === false || reports.get(leader.workerId)?.state !== "reports");
  const seen = probe?.type === "seen" ? probe : undefined;
  const unreadAgeMs = seen?.oldestUnreadAgeMs ??
    (probe?.type === "trimmed" ? probe.oldestUnreadAgeMs : undefined);
  const related = relatedIn(fleet.leases, lease?.streamIdentifier ?? stream?.streamIdentifier);
  return {
    leaseKey: lease?.leaseKey,
    shardId,
    owner: lease?.owner,
    nextOwner: lease?.nextOwner,
    checkpoint: lease?.checkpoint,
    leaseCounter: lease?.leaseCounter,
    counterMoved: lease?.counterMoved,
    betweenMs,
    ownerReportAgeMs: lease?.owner === undefined ? undefined : reports.get(lease.owner)?.reportAgeMs,
    leader: leader?.workerId,
    isLeaderSilent,
    liveWorkers: live.map(({ workerId }) => workerId),
    hindrance: hindranceOf(live, leader !== undefined && !isLeaderSilent, fleet, maxLeasesForWorker),
    maxLeasesForWorker,
    parents: lease === undefined
      ? related(shard === undefined ? [] : parentsOf(shard))
      : related(lease.parentShardIds).filter(({ state }) => state !== "finished" && state !== "noLease"),
    children: related(childIds(lease, shardId, stream?.shards)),
    behindMs: seen?.behindMs,
    checkpointAgeMs: seen?.checkpointAgeMs,
    oldestUnreadAgeMs: unreadAgeMs,
    trimmedInMs: unreadAgeMs === undefined || stream?.retentionMs === undefined
      ? undefined
      : stream.retentionMs - unreadAgeMs,
    isForeignCheckpoint: probe?.type === "trimmed" && probe.isForeign,
    hasFinishedAhead: lease?.hasFinishedAhead ?? false,
    nearest,
  };
}

function hindranceOf(
  live: readonly WorkerRow[],
  isLed: boolean,
  { notRead, leader }: FleetDescription,
  most = Infinity,
): Hindrance | undefined {
  if (live.length === 0) return "noLiveWorker";
  // A lock that may not be read says nothing.
  if (!isLed && (leader !== undefined || !notRead.some((text) => text.includes("leader's lock")))) {
    return "noLeader";
  }
  return live.every(({ leases }) => leases >= most) ? "noRoom" : undefined;
}

function relatedIn(
  leases: readonly LeaseRow[],
  streamIdentifier: string | undefined,
): (shardIds: readonly string[]) => readonly RelatedShard[] {
  const own = new Map(
    leases.filter((lease) => lease.streamIdentifier === streamIdentifier).map((
      lease,
    ) => [lease.shardId, lease]),
  );
  return (shardIds) =>
    shardIds.map((shardId) => {
      const { state = "noLease" as const, owner } = own.get(shardId) ?? {};
      return { shardId, state, owner };
    });
}

function childIds(
  lease: LeaseRow | undefined,
  shardId: string | undefined,
  shards: readonly Shard[] = [],
): readonly string[] {
  const listed = shards.filter((shard) => shardId !== undefined && parentsOf(shard).includes(shardId));
  return [...new Set([...lease?.childShardIds ?? [], ...listed.map(({ shardId }) => shardId)])];
}
