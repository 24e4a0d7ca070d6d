// Pure.
/**
 * Describes the faults that a leader finds in its fleet: what is wrong, which shards are affected, and how to
 * mend it.
 *
 * @module
 */

import type { FleetFault, FleetFaultCode } from "../events.ts";
import { numberText } from "./format.ts";
import { oneLine } from "./one_line.ts";

/** One sentence or two for people. Of many subjects only some are named. */
export function fleetFaultText({ code, subjects, detail }: FleetFault): string {
  const named = subjects.slice(0, SHOWN_SUBJECTS).join(", ");
  const more = subjects.length - SHOWN_SUBJECTS;
  const all = more > 0 ? `${named} and ${numberText(more)} more` : named;
  const because = detail === undefined ? "" : ` (${detail})`;
  return oneLine(`${WHAT_IS_WRONG[code]}: ${all}${because}. ${WHAT_MENDS_IT[code]}`);
}

const SHOWN_SUBJECTS = 5;

const WHAT_IS_WRONG: Readonly<Record<FleetFaultCode, string>> = {
  shardUnread: "No lease leads to open shards, so nobody reads them",
  hashKeysUncovered: "No unfinished lease covers these hash keys, so nobody reads their records",
  leaseUnreadable: "Rows of the lease table cannot be read as leases, so nobody reads their shards",
  leaseUnowned: "No worker holds these leases, so nobody reads their shards",
  leaseWithoutShard: "The stream does not list the shards of these leases",
  leaseRangeDiffers: "These leases have other hash keys than their shards: was the stream created anew?",
  leaseOfOtherStream: "These leases are of another stream, or of an earlier one of the same name",
  shardsNotListed: "The shards cannot be listed of",
};

/** What an operator does about each. */
export const WHAT_MENDS_IT: Readonly<Record<FleetFaultCode, string>> = {
  shardUnread:
    "The leader creates missing leases. A lease at SHARD_END whose shard is open must be deleted by hand.",
  hashKeysUncovered: "The leader creates missing leases; look at the rows of the lease table if this stays.",
  leaseUnreadable: "Mend the rows, or delete them.",
  leaseUnowned:
    "Look at maxLeasesForWorker and maxThroughputPerHostKBps of the leader, and at the workers that own them and do not run.",
  leaseWithoutShard: "Leases whose shards are gone end by themselves; delete those that stay.",
  leaseRangeDiffers:
    "While no worker runs, remove startingHashKey and endingHashKey from these rows; the leader fills them in.",
  leaseOfOtherStream: "Give each stream an application of its own, or delete the rows while no worker runs.",
  shardsNotListed: "Check that the stream is there, and that kinesis:ListShards is allowed.",
};
