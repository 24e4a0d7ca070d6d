/**
 * Starts real child processes, by `node:child_process`: Deno, Node and Bun all have it, and under Deno it
 * carries as much as `Deno.Command` does. It also runs a script without shebang with `/bin/sh`, as Java and
 * shells do.
 *
 * Each child leads a process group of its own. A signal to the group reaches programs behind a wrapper, such
 * as `npm start`. And a Ctrl-C in the terminal reaches only us, so that children live until we stop them. All
 * are killed when this process exits in any way that it can notice; otherwise they see their stdin end.
 *
 * Two exceptions. Windows has no process groups. And Deno signals groups only under `--allow-run` without
 * names.
 *
 * @module
 */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import process from "node:process";
import type { ChildExit, ChildProcess, Spawn } from "../child_process.ts";

/**
 * Starts child processes and keeps count of them. Disposing it kills those that are left, and takes its hooks
 * back.
 */
export interface ChildStarter extends Disposable {
  readonly spawn: Spawn;
  /** Kills every running child, immediately and without waiting: for the moment before this process ends. */
  killAll(): void;
}

/** Options of {@linkcode childStarter}. */
export interface ChildStarterOptions {
  /** Gets one warning, at the first child, if this process may not signal groups. */
  readonly warn?: ((text: string) => void) | undefined;
}

/** Makes a starter; its children do not outlive this process. It hooks the process's exit for that. */
export function childStarter({ warn }: ChildStarterOptions = {}): ChildStarter {
  const living = new Set<ChildProcess>();
  let hasWarned = false;
  const killAll = () => living.forEach((child) => child.kill("SIGKILL"));
  process.on("exit", killAll);
  // Deno.exit() triggers only the Web's event; Node and Bun have no such event.
  globalThis.addEventListener?.("unload", killAll);
  return {
    killAll,
    spawn: async (program, args, environment = {}) => {
      const env = { ...process.env, ...environment };
      const started = spawn(program, args, { stdio: "pipe", env, detached: HAS_GROUPS });
      const maySignal = maySignalGroups();
      const child: ChildProcess = adapt(started, HAS_GROUPS && maySignal, () => living.delete(child));
      living.add(child);
      try {
        await spawned(started);
      } catch (error) {
        living.delete(child);
        throw error;
      }
      if (HAS_GROUPS && !maySignal && !hasWarned) {
        hasWarned = true;
        warn?.(
          "Cannot signal programs that a child process starts: this needs --allow-run without names: they may be left " +
            "behind where a wrapper such as sh or npm starts the program",
        );
      }
      return child;
    },
    [Symbol.dispose]() {
      process.off("exit", killAll);
      globalThis.removeEventListener?.("unload", killAll);
      killAll();
    },
  };
}

/** Windows has none, and a detached child there opens a window. */
const HAS_GROUPS: boolean = process.platform !== "win32";

/** Queried without a signal: under Deno a forbidden signal would prompt the user for a permission. */
function maySignalGroups(): boolean {
  if (!("Deno" in globalThis)) return true;
  return Deno.permissions.querySync({ name: "run" }).state === "granted";
}

/**
 * An error before `spawn` means that nothing runs. A later error concerns a signal or a pipe, which report it
 * themselves.
 */
function spawned(child: ChildProcessWithoutNullStreams): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.on("error", reject);
    // Without a listener a broken pipe would end this process; the failed write says the same.
    child.stdin?.on("error", () => {});
  });
}

/** @param onGone Called once nothing of the child remains, or at its release. */
function adapt(
  child: ChildProcessWithoutNullStreams,
  isGrouped: boolean,
  onGone: () => void,
): ChildProcess {
  const { stdin, stdout, stderr, pid = 0 } = child;
  let hasEnded = false;
  // Once the group is empty its number may become that of an unrelated group. And 0 and 1 have other
  // meanings: our own group, and every process.
  let hasGroup = isGrouped && pid > 1;
  const signalGroup = (signal: "SIGTERM" | "SIGKILL" | 0): boolean => {
    if (!hasGroup) return false;
    try {
      return process.kill(-pid, signal);
    } catch {
      // Nothing is there, or nothing that we may signal.
      if (hasEnded) hasGroup = false;
      return false;
    }
  };
  const exited = new Promise<ChildExit>((resolve) => {
    child.once("exit", (code, signal) => {
      hasEnded = true;
      if (!signalGroup(0)) onGone();
      resolve({ code: code ?? undefined, signal: signal ?? undefined });
    });
  });
  return {
    pid,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stdin.write(bytes, (error) => error === null || error === undefined ? resolve() : reject(error));
      }),
    closeInput: () => void stdin.end(),
    stdout,
    stderr,
    exited,
    kill: (signal) => {
      if (!signalGroup(signal) && !hasEnded) child.kill(signal);
    },
    hasRest: () => hasEnded && signalGroup(0),
    release: () => {
      if (hasEnded) {
        hasGroup = false;
        onGone();
      }
      for (const stream of [stdin, stdout, stderr]) stream.destroy();
    },
  };
}
