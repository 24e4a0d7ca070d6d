/**
 * Hands a lease over to another worker by KCL's protocol, and watches until the new owner renews it.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { actualOwner, type Lease } from "../../lease/lease.ts";
import type { LeaseStore } from "../../lease/lease_store.ts";
import { startHandoff } from "../../lease/lease_write.ts";
import { METRICS_REPORT_INTERVAL_S } from "../../lease/live_workers.ts";
import { isShardEnd } from "../../stream/sequence_number.ts";
import type { FleetAccess } from "../fleet_access.ts";
import { type FleetLeader, type FleetView, viewOf } from "./fleet_view.ts";
import { ageOfReport, handoffVerdict, type OwnedLease, refusalAtOnce } from "./handoff_check.ts";
import { type HandoffPhase, type HandoffSight, handoffSight, isOver } from "./handoff_state.ts";
import { leaseNamed } from "./lease_name.ts";

/** What is to be done. */
export interface HandoffOptions {
  /** The key, or an end of it. */
  readonly lease: string;
  readonly to: string;
  readonly maxRcu: number | undefined;
  /** For how long the handoff is watched, in ms. Undefined: it is asked for only. */
  readonly timeoutMs: number | undefined;
  /** Called before the request. */
  readonly onOwner: (workerId: string) => void;
  /** Called for each step. @param passedMs Since the request. */
  readonly onPhase: (phase: HandoffPhase, passedMs: number) => void;
  /** Called when a side has not renewed the lease for as long as it lives. */
  readonly onSilence: (workerId: string, silentMs: number) => void;
  /** Called while others are watched before the request. */
  readonly onWatch: (what: string) => void;
}

/** How it ended. */
export type HandoffOutcome =
  | {
    readonly type: "refused";
    readonly leaseKey: string;
    readonly from: string | undefined;
    readonly reason: string;
  }
  | {
    /** `timeout`: not renewed by the new owner within the time. */
    readonly type: "asked" | "done" | "failed" | "timeout";
    readonly leaseKey: string;
    readonly from: string;
    readonly phase: HandoffPhase;
    /** As it was last. */
    readonly lease: Lease | undefined;
    readonly passedMs: number;
    readonly leader: FleetLeader;
  };

/** Between two looks at a lease, in ms. Ours. */
const POLL_MS = 1000;
/** How many leases of the target are watched for a sign of life. */
const WATCHED_LEASES = 3;
/** The most that a clock may be wrong, in s, while AWS takes its signatures. */
const MOST_SKEW_S = 300;
/** How often a request without an answer is made. */
const MAX_ATTEMPTS = 3;

/** Runs to the end. */
export async function handOver(
  fleet: FleetAccess,
  options: HandoffOptions,
  signal: AbortSignal,
): Promise<HandoffOutcome> {
  const { to, timeoutMs } = options;
  const first = await viewOf(fleet, options, undefined, signal);
  const { leaseKey } = leaseNamed(first.look.leases, options.lease);
  const checked = await check(fleet, leaseKey, first, options, signal);
  if (checked.type === "refused") return checked;
  const { lease } = checked, { leaseOwner: from } = lease;
  const { system: { clock } } = fleet;
  options.onOwner(from);
  const requestedMs = clock.monotonicMs();
  const asked = await request(fleet.leaseStore, lease, to, signal);
  if (asked === undefined) {
    const reason = "it has changed hands meanwhile: look at it again with kclite describe";
    return { type: "refused", leaseKey, from, reason };
  }
  options.onPhase("asked", 0);
  const shared = { leaseKey, from, leader: first.leader };
  let sight: HandoffSight = { phase: "asked", lease: asked, movedMs: clock.monotonicMs() };
  const ended = (type: "asked" | "done" | "failed" | "timeout") => ({
    ...{ type, ...shared, phase: sight.phase, lease: sight.lease },
    passedMs: clock.monotonicMs() - requestedMs,
  });
  if (timeoutMs === undefined) return ended("asked");
  let toldSilent: string | undefined;
  while (!isOver(sight.phase)) {
    const passedMs = clock.monotonicMs() - requestedMs;
    if (passedMs >= timeoutMs) return ended("timeout");
    await clock.sleep(Math.min(POLL_MS, timeoutMs - passedMs), signal);
    const found = await fleet.leaseStore.get(leaseKey, signal).catch((error: unknown) => {
      signal.throwIfAborted();
      const what = `Cannot watch the handoff of lease "${leaseKey}" from ${from} to ${to}, which has begun`;
      throw new Error(`${what}: ${errorText(error)}: see kclite describe`, { cause: error });
    });
    const nowMs = clock.monotonicMs();
    const next = handoffSight({ from, to }, sight, found, nowMs);
    if (next.phase !== sight.phase) options.onPhase(next.phase, nowMs - requestedMs);
    sight = next;
    const side = sight.phase === "handedOver" ? to : from;
    const silentMs = nowMs - sight.movedMs;
    // A next owner of KCL looks for its leases every `failoverTimeMs`.
    const mostMs = fleet.failoverTimeMs * (side === to ? 2 : 1);
    if (!isOver(sight.phase) && silentMs > mostMs && toldSilent !== side) {
      toldSilent = side;
      options.onSilence(side, silentMs);
    }
  }
  return ended(sight.phase === "renewed" ? "done" : "failed");
}

type Checked =
  | { readonly type: "go"; readonly lease: OwnedLease }
  | Extract<HandoffOutcome, { type: "refused" }>;

/** Two looks: both sides must show that they live. */
async function check(
  fleet: FleetAccess,
  leaseKey: string,
  first: FleetView,
  options: HandoffOptions,
  signal: AbortSignal,
): Promise<Checked> {
  const { to } = options;
  const { leaseStore, system: { clock }, failoverTimeMs } = fleet;
  const read = async (): Promise<Lease> => {
    const lease = await leaseStore.get(leaseKey, signal);
    if (lease !== undefined) return lease;
    throw new RangeError(`Cannot hand over lease "${leaseKey}": expected it in the table: got none any more`);
  };
  const { clientVersion } = first;
  let lease = await read();
  const refused = (reason: string) =>
    ({ type: "refused", leaseKey, from: actualOwner(lease), reason }) as const;
  const atOnce = refusalAtOnce({ lease, to, workers: first.look.workers, clientVersion });
  if (atOnce !== undefined) return refused(atOnce);
  const begun = lease.leaseCounter;
  const own = first.look.leases.filter((other) =>
    actualOwner(other) === to && other.checkpointOwner === undefined && !isShardEnd(other.checkpoint)
  ).slice(0, WATCHED_LEASES);
  let doesTargetRenew = own.length === 0 ? undefined : false;
  const startedMs = clock.monotonicMs();
  const watchedMs = () => clock.monotonicMs() - startedMs;
  options.onWatch(`Waiting until ${lease.leaseOwner} and ${to} renew their leases`);
  const isMoved = () => lease.leaseCounter !== begun;
  while ((!isMoved() || doesTargetRenew === false) && watchedMs() < failoverTimeMs + POLL_MS) {
    await clock.sleep(POLL_MS, signal);
    lease = await read();
    for (const { leaseKey: key, leaseCounter } of doesTargetRenew === false ? own : []) {
      const found = await leaseStore.get(key, signal);
      if (found !== undefined && found.leaseCounter !== leaseCounter && actualOwner(found) === to) {
        doesTargetRenew = true;
      }
    }
  }
  const seen = { isRenewed: isMoved(), doesTargetRenew, watchedMs: watchedMs() };
  let view = await viewOf(fleet, options, first, signal);
  // One whose clock is behind shows by its next report that it lives.
  const age = () => ageOfReport(view.look.workers, to, view.ageOf);
  const untilMs = clock.monotonicMs() + (METRICS_REPORT_INTERVAL_S + 5) * 1000;
  if (age() > 2 * METRICS_REPORT_INTERVAL_S && age() < MOST_SKEW_S) {
    options.onWatch(`Waiting for a report of ${to}`);
    while (age() > 2 * METRICS_REPORT_INTERVAL_S && clock.monotonicMs() < untilMs) {
      await clock.sleep(5 * POLL_MS, signal);
      view = await viewOf(fleet, options, view, signal);
    }
  }
  const { look: { workers }, ageOf } = view;
  const verdict = handoffVerdict({ lease, to, workers, ageOf, ...seen, clientVersion });
  return verdict.type === "go" ? verdict : refused(verdict.reason);
}

/**
 * Asks the owner for the lease. A write whose answer was lost is known by what it leaves: no other program
 * names these two in this moment.
 *
 * @returns The lease as the request left it; undefined when it had changed hands.
 * @throws what DynamoDB threw each time.
 */
export async function request(
  leaseStore: LeaseStore,
  lease: OwnedLease,
  to: string,
  signal: AbortSignal,
): Promise<Lease | undefined> {
  const isOurs = (found: Lease | undefined) =>
    found?.leaseOwner === to && found.checkpointOwner === lease.leaseOwner;
  let failure: unknown;
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    try {
      const outcome = await leaseStore.apply(startHandoff(lease, to), signal);
      if (outcome.applied) return outcome.lease;
      return isOurs(outcome.found) ? outcome.found : undefined;
    } catch (error) {
      signal.throwIfAborted();
      failure = error;
    }
    const found = await leaseStore.get(lease.leaseKey, signal);
    if (isOurs(found)) return found;
  }
  throw new Error(
    `Cannot hand over lease "${lease.leaseKey}": expected an answer to the request: got ${
      errorText(failure)
    }`,
    { cause: failure },
  );
}
