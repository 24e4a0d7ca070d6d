// Pure.
/**
 * Decides whether a lease may be handed over to a worker now. An operator's handoff is a leader's, so both
 * sides must be alive and know the protocol. Otherwise the lease would be read by nobody until it expires.
 *
 * @module
 */

import type { MigrationState, WorkerMetrics } from "../../lease/coordinator_store.ts";
import { markedWorkers } from "../../lease/draining.ts";
import { actualOwner, type Lease } from "../../lease/lease.ts";
import { liveWorkers, METRICS_REPORT_INTERVAL_S } from "../../lease/live_workers.ts";
import type { ReportAge } from "../../lease/reports.ts";
import { isShardEnd } from "../../stream/sequence_number.ts";

/** A lease with an owner. */
export type OwnedLease = Lease & { readonly leaseOwner: string };

/** What was seen. */
export interface HandoffFindings {
  /** Read strongly consistent. */
  readonly lease: Lease;
  readonly to: string;
  /** All reports. */
  readonly workers: readonly WorkerMetrics[];
  readonly ageOf: ReportAge;
  /** For how long the leases below were watched, in ms. */
  readonly watchedMs: number;
  /** Whether the owner renewed the lease meanwhile. */
  readonly isRenewed: boolean;
  /** Whether the target renewed a lease of its own. Undefined: it has none. */
  readonly doesTargetRenew: boolean | undefined;
  readonly clientVersion: Pick<MigrationState, "value"> | undefined;
}

/** Whether it may begin. */
export type HandoffVerdict =
  | { readonly type: "go"; readonly lease: OwnedLease }
  /** `reason` ends with what helps. */
  | { readonly type: "refused"; readonly reason: string };

/** Decides by what does not change while one waits. Undefined: watch, then see {@linkcode handoffVerdict}. */
export function refusalAtOnce(
  findings: Pick<HandoffFindings, "lease" | "to" | "workers" | "clientVersion">,
): string | undefined {
  const { lease, to, workers, clientVersion } = findings;
  const { leaseKey, leaseOwner, checkpointOwner } = lease;
  const old = oldFleet(clientVersion);
  if (old !== undefined) return old;
  if (isShardEnd(lease.checkpoint)) return "its shard has been read to its end, so nobody reads it any more";
  if (checkpointOwner !== undefined) {
    return `a handoff from ${checkpointOwner} to ${leaseOwner ?? "nobody"} is pending: wait until it is over`;
  }
  if (leaseOwner === undefined) {
    return `it has no owner who could hand it over, and the leader gives it to a worker with room: ` +
      `see kclite explain ${leaseKey}`;
  }
  if (leaseOwner === to) return `${to} has it already`;
  if (!workers.some(({ workerId }) => workerId === to)) {
    const names = workers.map(({ workerId }) => workerId).filter((id) => id !== leaseOwner).toSorted();
    return `no worker "${to}" reports: expected one of ${listOf(names)}`;
  }
  if (markedWorkers(workers).has(to)) {
    return `${to} is being drained, and would lose it again: end that with kclite drain ${to} --cancel`;
  }
  if (!workers.some(({ workerId }) => workerId === leaseOwner)) {
    return `its owner ${leaseOwner} sends no reports, as workers of KCL 2.x and other programs do, ` +
      "which know no handoffs: stop that worker instead";
  }
  return undefined;
}

/** Decides. */
export function handoffVerdict(findings: HandoffFindings): HandoffVerdict {
  const { lease, to, workers, ageOf, watchedMs, isRenewed, doesTargetRenew } = findings;
  const { leaseOwner } = lease;
  const atOnce = refusalAtOnce(findings);
  if (atOnce !== undefined) return { type: "refused", reason: atOnce };
  const seconds = Math.round(watchedMs / 1000);
  if (leaseOwner === undefined || !isRenewed) {
    const reason = `${actualOwner(lease)} has not renewed it for ${seconds} s, and may have died: ` +
      "the leader gives an expired lease to another worker by itself";
    return { type: "refused", reason };
  }
  const age = ageOfReport(workers, to, ageOf);
  if (age > 2 * METRICS_REPORT_INTERVAL_S) {
    const reason = `the last report of ${to} is ${Math.round(age)} s old, and a live worker sends one each ` +
      `${METRICS_REPORT_INTERVAL_S} s: choose another worker`;
    return { type: "refused", reason };
  }
  if (!liveWorkers(workers, ageOf).some(({ workerId }) => workerId === to)) {
    const reason = `${to} reports that it cannot measure itself, so no leader gives it leases: ` +
      "look at its log, or choose another worker";
    return { type: "refused", reason };
  }
  if (doesTargetRenew === false) {
    const reason = `${to} has renewed none of its own leases for ${seconds} s, and may have died: ` +
      "choose another worker";
    return { type: "refused", reason };
  }
  return { type: "go", lease: { ...lease, leaseOwner } };
}

/** How old the newest report of a worker is, in s; Infinity without any. */
export function ageOfReport(workers: readonly WorkerMetrics[], workerId: string, ageOf: ReportAge): number {
  const ages = workers.flatMap(({ workerId: id, lastUpdateEpochS }) =>
    id === workerId && lastUpdateEpochS !== undefined ? [ageOf({ workerId: id, lastUpdateEpochS })] : []
  );
  return Math.max(0, Math.min(Infinity, ...ages));
}

/** Why a fleet of KCL 2.x cannot hand leases over. */
export function oldFleet(clientVersion: Pick<MigrationState, "value"> | undefined): string | undefined {
  const value = clientVersion?.value ?? "";
  if (value !== "CLIENT_VERSION_2X" && value !== "CLIENT_VERSION_UPGRADE_FROM_2X") return undefined;
  return `its fleet assigns leases as KCL 2.x does (Migration3.0 is ${value}), which knows no handoffs: ` +
    "finish its migration to KCL 3 first";
}

/** Names for a message: the first ones. */
export function listOf(names: readonly string[]): string {
  const shown = names.slice(0, SHOWN_NAMES).join(", ");
  if (names.length === 0) return "no other worker";
  return names.length > SHOWN_NAMES ? `${shown} and ${names.length - SHOWN_NAMES} more` : shown;
}

const SHOWN_NAMES = 5;
