// Pure.
/**
 * The shards of a picture: those that this worker holds as it knows them itself, the others as the lease
 * table shows them. What this worker knows is younger than any look, so it wins.
 *
 * @module
 */

import { type LossOutlook, lossOutlook } from "../../observe/data_loss.ts";
import { counted, durationText } from "../../observe/format.ts";
import { heldShards, lagMs, type ShardTotals } from "../../observe/shard_totals.ts";
import { retentionOfLease } from "../../observe/worker_totals.ts";
import type { LeaseState, WorkerState } from "../../operate/describe.ts";
import { isShardEnd, textOf } from "../../stream/sequence_number.ts";
import type { FaultLine, ShardLine } from "./fleet_picture.ts";
import type { PictureFacts } from "./picture_facts.ts";
import type { SeenLease } from "./seen_fleet.ts";

type Level = ShardLine["level"];

/** A shard that is further behind is worth a look, in ms. Ours. */
const LAG_WARNING_MS = 60_000;

/** A callback that runs for longer is worth a note, in ms. Ours. */
const CALLBACK_NOTE_MS = 5_000;

/** An older error is not noted, in ms. Ours. */
const ERROR_NOTE_MS = 600_000;

/** The worst first. @param faults Those of the picture. */
export function shardLines(facts: PictureFacts, faults: readonly FaultLine[]): readonly ShardLine[] {
  const { snapshot: { shards }, sight } = facts;
  const levels = faultLevels(faults);
  const seen = sight.type === "read" ? sight.fleet.leases : undefined;
  const held = new Map(heldShards(shards).map((shard) => [shard.leaseKey, shard]));
  const ended = new Map(
    shards.filter((shard) => shard.ended !== undefined).map((one) => [one.leaseKey, one]),
  );
  const states = new Map(
    sight.type === "read" ? sight.fleet.workers.map(({ workerId, state }) => [workerId, state]) : [],
  );
  const own = [...held.values()].map((shard) =>
    ownLine(shard, { facts, lease: seen?.get(shard.leaseKey), fault: levels.get(shard.leaseKey) })
  );
  // Without a look they show what has become of a shard; with one, only what is wrong with it.
  const former = [...ended.values()]
    .filter(({ leaseKey }) => seen === undefined || (levels.has(leaseKey) && !seen.has(leaseKey)))
    .map((shard) => ownLine(shard, { facts, lease: undefined, fault: levels.get(shard.leaseKey) }));
  const others = [...seen?.values() ?? []].filter(({ leaseKey }) => !held.has(leaseKey)).map((lease) =>
    otherLine(lease, {
      facts,
      former: ended.get(lease.leaseKey),
      ownerState: states.get(lease.owner ?? ""),
      fault: levels.get(lease.leaseKey),
    })
  );
  return [...own, ...others, ...former].sort(worstFirst);
}

/** Whether somebody reads it now, or would if its parents were finished. */
export function hasReader({ owner, state }: ShardLine): boolean {
  return owner !== undefined && state !== "free" && state !== "notRenewed";
}

interface OwnFacts {
  readonly facts: PictureFacts;
  readonly lease: SeenLease | undefined;
  readonly fault: Level | undefined;
}

function ownLine(shard: ShardTotals, { facts: { snapshot }, lease, fault }: OwnFacts): ShardLine {
  const { leaseKey, workerId, ended, phase, blockedBy } = shard;
  const nowMs = snapshot.atMs;
  const isWaiting = phase === "waitingOnParents";
  const lag = isWaiting || ended !== undefined ? undefined : lagMs(shard, nowMs);
  const isHandedOver = lease?.owner === workerId && lease.nextOwner !== undefined;
  const pace = ended === undefined ? snapshot.history.paceOf(leaseKey) : undefined;
  const outlook = lossOutlook(snapshot, shard);
  const level = fault ?? (lag !== undefined && lag >= LAG_WARNING_MS ? "warning" : "good");
  return {
    leaseKey,
    owner: ended === undefined ? workerId : undefined,
    nextOwner: isHandedOver ? lease.nextOwner : undefined,
    isOwn: ended === undefined,
    state: ownState(shard, isHandedOver),
    phase: ended === undefined ? phase : undefined,
    lagMs: lag,
    lagHistory: snapshot.history.lagOf(leaseKey),
    recordsPerSecond: pace?.recordsPerSecond,
    kBps: pace === undefined ? undefined : pace.bytesPerSecond / 1024,
    checkpointAgeMs: nowMs - shard.checkpointMs,
    checkpoint: textOf(shard.checkpoint),
    trimmedInMs: lag === undefined ? undefined : outlook.trimmedInMs,
    level,
    notes: [
      ...(isHandedOver ? [`is handed over to ${lease.nextOwner}`] : []),
      ...(isWaiting ? waitNotes(blockedBy) : []),
      ...(lag === undefined || lag < LAG_WARNING_MS ? [] : paceNotes(outlook)),
      ...ownNotes(shard, nowMs),
    ],
  };
}

function paceNotes({ catchUpMs, slope }: LossOutlook): readonly string[] {
  if (catchUpMs !== undefined) return [`catches up in about ${durationText(catchUpMs)}`];
  return slope !== undefined && slope > 0 ? ["falls further behind"] : [];
}

function ownState({ ended, checkpoint }: ShardTotals, isHandedOver: boolean): LeaseState {
  if (ended !== undefined) return isShardEnd(checkpoint) ? "finished" : "free";
  return isHandedOver ? "handoff" : "held";
}

function ownNotes(shard: ShardTotals, nowMs: number): readonly string[] {
  const { ended, callback, recordsSkipped, recordsDeadLettered, lastError } = shard;
  const runsMs = callback === undefined ? 0 : nowMs - callback.sinceMs;
  const errorMs = lastError === undefined ? Infinity : nowMs - lastError.atMs;
  return [
    ...(ended === undefined ? [] : [endNote(shard)]),
    ...(callback === undefined || runsMs < CALLBACK_NOTE_MS
      ? []
      : [`in ${callback.name} for ${durationText(runsMs)}`]),
    ...(recordsSkipped === 0 ? [] : [`${counted(recordsSkipped, "record")} skipped`]),
    ...(recordsDeadLettered === 0 ? [] : [counted(recordsDeadLettered, "dead letter")]),
    ...(lastError === undefined || errorMs > ERROR_NOTE_MS
      ? []
      : [`${durationText(errorMs)} ago: ${lastError.text}`]),
  ];
}

function endNote({ ended }: ShardTotals): string {
  return ended?.why === "completed" ? "completed" : `no longer held: ${ended?.why}`;
}

interface OtherFacts {
  readonly facts: PictureFacts;
  /** What this worker knows of it, when it held it until lately. */
  readonly former: ShardTotals | undefined;
  readonly ownerState: WorkerState | undefined;
  readonly fault: Level | undefined;
}

function otherLine(lease: SeenLease, { facts, former, ownerState, fault }: OtherFacts): ShardLine {
  const { snapshot, sight, others } = facts;
  const { leaseKey, owner, nextOwner, state, checkpoint, throughputKBps, waitsFor } = lease;
  const seenMs = sight.type === "read" ? sight.fleet.seenMs : snapshot.atMs;
  const isGone = former?.ended !== undefined && owner === snapshot.worker.workerId &&
    former.ended.atMs > seenMs;
  const retentionMs = retentionOfLease(snapshot.worker, leaseKey);
  const found = isGone ? [] : troubles(lease, ownerState);
  return {
    leaseKey,
    owner,
    nextOwner,
    isOwn: false,
    state: isGone ? "assigned" : state,
    phase: waitsFor.length > 0 ? "waitingOnParents" : undefined,
    lagMs: lease.lagMs,
    lagHistory: others.lagOf(leaseKey),
    recordsPerSecond: lease.recordsPerSecond,
    kBps: throughputKBps,
    checkpointAgeMs: snapshot.atMs - lease.checkpointSinceMs,
    checkpoint,
    trimmedInMs: lease.lagMs === undefined || retentionMs === undefined
      ? undefined
      : Math.max(0, retentionMs - lease.lagMs),
    level: worst([
      fault ?? "good",
      ...found.map(({ level }) => level),
      lease.lagMs !== undefined && lease.lagMs >= LAG_WARNING_MS ? "warning" : "good",
    ]),
    notes: [
      ...(isGone ? [endNote(former)] : []),
      ...found.map(({ note }) => note),
      ...waitNotes(waitsFor),
      ...(lease.hasFinishedAhead ? ["records after the checkpoint are finished"] : []),
    ],
  };
}

function troubles(
  { state, owner, isStill, waitsFor }: SeenLease,
  ownerState: WorkerState | undefined,
): readonly { readonly level: Level; readonly note: string }[] {
  switch (state) {
    case "notRenewed":
      return [{ level: "error", note: `${owner} does not renew it` }];
    case "free":
      // A new lease is given out within seconds.
      if (waitsFor.length > 0) return [];
      return [{ level: isStill ? "error" : "warning", note: "no worker has it" }];
    case "assigned":
      return ownerState === "silent" ? [{ level: "warning", note: `${owner} has not reported lately` }] : [];
    case "held":
    case "handoff":
    case "finished":
      return [];
  }
}

function waitNotes(parents: readonly string[]): readonly string[] {
  return parents.length === 0 ? [] : [`waits for ${parents.join(" and ")}`];
}

function faultLevels(faults: readonly FaultLine[]): ReadonlyMap<string, Level> {
  const levels = new Map<string, Level>();
  for (const { leaseKey, level } of faults) {
    if (leaseKey !== undefined) levels.set(leaseKey, worst([level, levels.get(leaseKey) ?? "good"]));
  }
  return levels;
}

const RANKS: Readonly<Record<Level, number>> = { good: 0, warning: 1, error: 2 };

function worst(levels: readonly Level[]): Level {
  return levels.reduce((a, b) => RANKS[b] > RANKS[a] ? b : a, "good");
}

function worstFirst(a: ShardLine, b: ShardLine): number {
  return RANKS[b.level] - RANKS[a.level] || (b.lagMs ?? -1) - (a.lagMs ?? -1) ||
    (a.leaseKey < b.leaseKey ? -1 : 1);
}
