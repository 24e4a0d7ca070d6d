/**
 * The steps by which a worker leaves its fleet, each within a time limit.
 *
 * A step that fails is reported and skipped: the other workers recover without it when the leases expire.
 *
 * @module
 */

import type { WorkerEventListener } from "../events.ts";
import { withinTime } from "../async/waiting.ts";
import type { Clock } from "../system.ts";
import type { Team } from "./team.ts";

/** What a step needs. */
export interface LeavingOptions {
  readonly clock: Clock;
  readonly emit: WorkerEventListener;
}

/** A stopping worker spends at most this time on each step, in ms. Ours. */
export const LEAVE_LIMIT_MS = 2000;

/** Runs one step of leaving. Never rejects. */
export async function leaveStep(
  { clock, emit }: LeavingOptions,
  step: (limited: AbortSignal) => Promise<void>,
): Promise<void> {
  try {
    await withinTime({ clock, ms: LEAVE_LIMIT_MS, signal: undefined }, step);
  } catch (error) {
    emit({ type: "passFailed", pass: "leave", error });
  }
}

/** Makes sure that nothing more is assigned to this worker, and chooses which workers get its leases. */
export async function leaveFleet({ member, setSuccessors }: Team, options: LeavingOptions): Promise<void> {
  await leaveStep(options, (limited) => member.withdraw(limited));
  await leaveStep(options, async (limited) => setSuccessors(await member.successors(limited)));
  await leaveStep(options, (limited) => member.release("the worker is stopping", limited));
}
