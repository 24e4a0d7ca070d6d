/**
 * Ends a child, whatever it does: every step is bounded, where Java waits for ever.
 *
 * @module
 */

import type { ChildExit, ChildProcess } from "../child_process.ts";
import type { Clock } from "../system.ts";
import { settlesWithin } from "../async/waiting.ts";

/** How a child is ended. */
export interface EndChildOptions {
  readonly clock: Clock;
  /**
   * How long the child may take to end after its stdin was closed, in ms. Programs that it started get the
   * same time.
   */
  readonly exitWaitMs: number;
  /** How long it may take after SIGTERM, and again after SIGKILL, in ms. */
  readonly killWaitMs: number;
  /**
   * Called before each signal. `isRest`: the child itself has ended, and left programs behind that it
   * started.
   */
  readonly onKill: (signal: "SIGTERM" | "SIGKILL", isRest: boolean) => void;
}

/**
 * Closes the child's stdin and waits; if that does not help it sends SIGTERM, then SIGKILL. All of it applies
 * also to the programs that the child started: behind a wrapper one of them is the real program. Never
 * rejects.
 *
 * @returns How it ended; undefined if it is still there, which takes a kernel that cannot kill it.
 */
export async function endChild(
  child: ChildProcess,
  options: EndChildOptions,
): Promise<ChildExit | undefined> {
  const { clock, exitWaitMs, killWaitMs } = options;
  child.closeInput();
  let hasEnded = await settlesWithin(child.exited, exitWaitMs, clock);
  let isOver = hasEnded && await restEndsWithin(child, exitWaitMs, clock);
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (isOver) break;
    options.onKill(signal, hasEnded);
    child.kill(signal);
    hasEnded = await settlesWithin(child.exited, killWaitMs, clock);
    // No process survives a SIGKILL; one that remains is waiting for its parent to read its exit status.
    isOver = hasEnded && (signal === "SIGKILL" || await restEndsWithin(child, killWaitMs, clock));
  }
  return hasEnded ? await child.exited : undefined;
}

/** Waits for the programs that the child started, no longer than `ms`. @returns Whether all have ended. */
async function restEndsWithin(child: ChildProcess, ms: number, clock: Clock): Promise<boolean> {
  const untilMs = clock.monotonicMs() + ms;
  while (child.hasRest()) {
    const leftMs = untilMs - clock.monotonicMs();
    if (leftMs <= 0) return false;
    await clock.sleep(Math.min(leftMs, REST_POLL_MS));
  }
  return true;
}

/**
 * How often is looked whether they have ended: nothing reports the end of a process that is not our child.
 * Ours.
 */
const REST_POLL_MS = 50;

/** For people. */
export function exitText({ code, signal }: ChildExit): string {
  return signal === undefined ? `exit code ${code}` : `signal ${signal}`;
}

/**
 * Whether the child ended as a stopping supervisor or Ctrl-C would end it: by such a signal, or with a
 * shell's code for one.
 */
export function isInterruption({ code, signal }: ChildExit): boolean {
  return signal === "SIGINT" || signal === "SIGTERM" || signal === "SIGHUP" || code === 130 || code === 143 ||
    code === 129;
}
