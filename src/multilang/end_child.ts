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
  /** How long it may take to end by itself once its stdin is closed, in ms. */
  readonly exitWaitMs: number;
  /** How long it may take after SIGTERM, and again after SIGKILL, in ms. */
  readonly killWaitMs: number;
  /** Called before each signal. */
  readonly onKill: (signal: "SIGTERM" | "SIGKILL") => void;
}

/**
 * Closes the child's stdin and waits; if that does not help it sends SIGTERM, then SIGKILL. Never rejects.
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
  for (const signal of ["SIGTERM", "SIGKILL"] as const) {
    if (hasEnded) break;
    options.onKill(signal);
    child.kill(signal);
    hasEnded = await settlesWithin(child.exited, killWaitMs, clock);
  }
  return hasEnded ? await child.exited : undefined;
}

/** For people. */
export function exitText({ code, signal }: ChildExit): string {
  return signal === undefined ? `exit code ${code}` : `signal ${signal}`;
}

/** Whether the child ended as Ctrl-C or a stopping supervisor would end it: by such a signal, or with a shell's code for one. */
export function isInterruption({ code, signal }: ChildExit): boolean {
  return signal === "SIGINT" || signal === "SIGTERM" || signal === "SIGHUP" || code === 130 || code === 143 ||
    code === 129;
}
