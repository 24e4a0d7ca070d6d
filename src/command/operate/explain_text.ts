// Pure.
/**
 * An explanation as sentences.
 *
 * @module
 */

import { durationText } from "../../observe/format.ts";
import { oneLine } from "../../observe/one_line.ts";
import type { ExplainFacts, Explanation, RelatedShard } from "../../operate/explain.ts";

/** Where a reader is further behind, it matters, in ms. */
const NOTABLE_LAG_MS = 60_000;

/** One paragraph. @param name What was asked for. */
export function sentencesOf({ reason, facts }: Explanation, asked: string): readonly string[] {
  const name = facts.shardId ?? asked;
  const owner = facts.owner ?? "";
  switch (reason) {
    case "beingRead":
      return [`${name} is being read by ${owner}.`, ...renewalOf(facts), ...lagOf(facts)];
    case "checkpointTrimmed":
      return [
        facts.isForeignCheckpoint
          ? `${name} belongs to ${owner}, but its checkpoint is of another stream, e.g. one that was deleted and made again.`
          : `${name} belongs to ${owner}, but the record of its checkpoint is no longer in the stream.`,
        ...renewalOf(facts),
        "Records after the checkpoint may be lost. A worker of kclite goes on as onTrimmedCheckpoint says; kclite " +
        "reset sets another checkpoint.",
      ];
    case "handoffPending":
      return [
        `${name} is being handed over from ${owner} to ${facts.nextOwner}.`,
        `${owner} finishes its batch and stores its checkpoint; then ${facts.nextOwner} reads on.`,
        ...renewalOf(facts),
        ...lagOf(facts),
      ];
    case "waitsForParents":
      return [
        `${name} waits for ${listText(facts.parents.map(relatedText))}.`,
        "Records of a parent come before those of its children, so a child is read when all parents are finished.",
        ...(facts.owner === undefined ? [] : [`${owner} owns its lease meanwhile.`]),
        "kclite explain says of a parent why it is not finished.",
      ];
    case "ownerGone":
      return [
        `${name} is not being read: ${owner} owns its lease, and seems to have stopped.`,
        ...renewalOf(facts),
        ...nextOf(facts),
        ...lagOf(facts),
      ];
    case "assignedNotBegun":
      return [
        `${name} is assigned to ${owner}, which has not begun to read it.`,
        ...renewalOf(facts),
        "A worker finds new leases within some seconds; if it does not, its log says why.",
        ...lagOf(facts),
      ];
    case "unassigned":
    case "noLeader":
    case "noLiveWorker":
    case "noRoom":
      return [`${name} is not being read: its lease has no owner.`, ...nextOf(facts), ...lagOf(facts)];
    case "finished":
      return [
        `${name} is finished: all of its records are processed.`,
        facts.children.length === 0
          ? "Its lease is deleted when the stream has trimmed the shard."
          : `Its lease stays until its children are being read: ${
            listText(facts.children.map(relatedText))
          }.`,
        ...(facts.leader === undefined ? ["No worker leads, so nobody deletes it."] : []),
      ];
    case "shardGone":
      return [
        `${name} is not being read: the stream does not have this shard any more.`,
        "It was trimmed, or the stream was deleted and made again. The leader deletes such a lease.",
      ];
    case "leaseComesLater":
      return [
        `${name} has no lease yet, as it should be.`,
        `It gets one when ${listText(facts.parents.map(relatedText))} ${
          facts.parents.length === 1 ? "has" : "have"
        } been read to the end.`,
      ];
    case "leaseMissing":
      return [
        `${name} is open and has no lease: nobody reads it.`,
        ...(facts.leader === undefined
          ? ["No worker leads. A leader makes missing leases when it compares the table with the stream."]
          : [`${facts.leader} leads: it makes the lease when it next compares the table with the stream.`]),
      ];
    case "closedWithoutLease":
      return [
        `${name} is closed and has no lease.`,
        "It was finished and its lease deleted, or it ended before the application began.",
      ];
    case "noSuchLease":
      return [
        `There is no lease and no shard whose name ends with "${name}".`,
        facts.nearest.length === 0
          ? "The table has no leases."
          : `Some that there are: ${facts.nearest.join(", ")}.`,
      ];
    case "notSeen":
      return [`Why ${name} is read or not cannot be said: the leases could not be read.`];
  }
}

/** What the sentences rest on. */
export function factLines({ facts }: Explanation): readonly string[] {
  const { leaseKey, checkpoint, leaseCounter, counterMoved, leader, liveWorkers, children } = facts;
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["Lease", leaseKey],
    ["Owner", facts.owner === undefined ? undefined : ownerText(facts)],
    ["Counter", leaseCounter === undefined ? undefined : `${leaseCounter}${movedText(counterMoved)}`],
    ["Checkpoint", checkpoint],
    ["Checkpoint's age", timeText(facts.checkpointAgeMs)],
    ["Behind", timeText(facts.behindMs)],
    ["Trimmed in", facts.trimmedInMs === undefined ? undefined : timeText(Math.max(0, facts.trimmedInMs))],
    ["Children", children.length === 0 ? undefined : listText(children.map(relatedText))],
    ["Leader", `${leader ?? "none"}${facts.isLeaderSilent ? ", silent" : ""}`],
    ["Live workers", liveWorkers.join(", ") || "none"],
  ];
  return rows.flatMap(([title, text]) => text === undefined ? [] : [oneLine(`${title}: ${text}`)]);
}

function ownerText({ owner = "", nextOwner, ownerReportAgeMs }: ExplainFacts): string {
  const next = nextOwner === undefined ? "" : ` → ${nextOwner}`;
  const age = ownerReportAgeMs === undefined ? "no report" : `report ${durationText(ownerReportAgeMs)} old`;
  return `${owner}${next} (${age})`;
}

function movedText(counterMoved: number | undefined): string {
  return counterMoved === undefined ? "" : ` (${counterMoved < 0 ? "" : "+"}${counterMoved})`;
}

function timeText(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : durationText(ms);
}

/** Whether the owner lives. */
function renewalOf(facts: ExplainFacts): readonly string[] {
  const { counterMoved, leaseCounter, betweenMs, ownerReportAgeMs } = facts;
  const counter = counterMoved === undefined
    ? `The lease is new, with the counter at ${leaseCounter}`
    : counterMoved === 0
    ? `Its counter stood still at ${leaseCounter} for ${durationText(betweenMs)}`
    : `Its counter moved to ${leaseCounter} within ${durationText(betweenMs)}`;
  const report = ownerReportAgeMs === undefined
    ? "the owner has not reported, as workers of KCL 2.x do not"
    : `the owner's last report is ${durationText(ownerReportAgeMs)} old`;
  return [`${counter}, and ${report}.`];
}

/** What happens to a lease that nobody reads. */
function nextOf(
  { owner, hindrance, leader, isLeaderSilent, liveWorkers, maxLeasesForWorker }: ExplainFacts,
): readonly string[] {
  switch (hindrance) {
    case "noLiveWorker":
      return ["No worker reports that could take it: start one."];
    case "noLeader":
      return [
        isLeaderSilent && leader !== undefined
          ? `${leader} has the leader's lock and does not report: another worker leads once the lock has expired.`
          : "No worker leads, so nobody assigns leases: a live worker takes the lead within a minute or two.",
      ];
    case "noRoom":
      return [
        `No worker has room: each of ${liveWorkers.length} has ${maxLeasesForWorker} leases or more, which is ` +
        "maxLeasesForWorker: start another worker, or raise it.",
      ];
    case undefined: {
      const to = liveWorkers.length === 1 ? liveWorkers[0] : `one of ${liveWorkers.length} live workers`;
      const when = owner === undefined
        ? "when it next assigns leases"
        : "once nobody has renewed it for failoverTimeMillis";
      return [`${leader === undefined ? "The leader" : `${leader} leads, and`} gives it to ${to} ${when}.`];
    }
  }
}

function lagOf({ behindMs, trimmedInMs, hasFinishedAhead, checkpoint }: ExplainFacts): readonly string[] {
  if (behindMs === undefined) return [];
  const place = checkpoint === "TRIM_HORIZON" || checkpoint === "LATEST" || checkpoint === "AT_TIMESTAMP"
    ? "Nothing is checkpointed yet; the place where reading begins"
    : "The checkpoint";
  const lag = behindMs === 0
    ? `${place} is at the newest record.`
    : `${place} is ${durationText(behindMs)} behind the newest record.`;
  const trimmed = trimmedInMs === undefined
    ? []
    : trimmedInMs <= 0
    ? ["Unread records are lost: the stream does not keep them any longer."]
    : behindMs >= NOTABLE_LAG_MS
    ? [`The oldest unread record is trimmed in ${durationText(trimmedInMs)}; kclite lag shows the pace.`]
    : [];
  return [
    lag,
    ...trimmed,
    ...(hasFinishedAhead ? ["Some records after the checkpoint are finished already."] : []),
  ];
}

function relatedText({ shardId, state, owner }: RelatedShard): string {
  const by = owner === undefined ? "" : ` ${owner}`;
  switch (state) {
    case "held":
      return `${shardId} (read by${by})`;
    case "handoff":
      return `${shardId} (being handed over by${by})`;
    case "assigned":
      return `${shardId} (owned by${by})`;
    case "notRenewed":
      return `${shardId} (not renewed by${by})`;
    case "free":
      return `${shardId} (without an owner)`;
    case "finished":
      return `${shardId} (finished)`;
    case "noLease":
      return `${shardId} (without a lease)`;
  }
}

function listText(parts: readonly string[]): string {
  return parts.length < 2 ? parts.join("") : `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}
