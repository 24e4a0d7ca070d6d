/**
 * Starts real child processes, by `node:child_process`: Deno, Node and Bun all have it, and under Deno it carries as much as
 * `Deno.Command` does. It also runs a script without shebang with `/bin/sh`, as Java and shells do.
 *
 * Children stay in our process group, as Java's do: Ctrl-C in a terminal reaches them too. They are killed when this process
 * exits in any way that it can notice; for the rest they see their stdin end.
 *
 * @module
 */

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import process from "node:process";
import type { ChildExit, ChildProcess, Spawn } from "../child_process.ts";

/** Starts child processes and keeps count of them. Disposing it kills those that are left, and takes its hooks back. */
export interface ChildStarter extends Disposable {
  readonly spawn: Spawn;
  /** Kills every child that is still there, at once and without waiting: for the moment before this process ends. */
  killAll(): void;
}

/** Makes a starter whose children do not outlive this process; it hooks the process's exit for that. */
export function childStarter(): ChildStarter {
  const living = new Set<ChildProcessWithoutNullStreams>();
  const killAll = () => living.forEach((child) => child.kill("SIGKILL"));
  process.on("exit", killAll);
  // Deno.exit() tells only the Web's event; Node and Bun have no such event.
  globalThis.addEventListener?.("unload", killAll);
  return {
    killAll,
    spawn: async (program, args, environment = {}) => {
      const child = spawn(program, args, { stdio: "pipe", env: { ...process.env, ...environment } });
      await started(child);
      living.add(child);
      child.once("exit", () => living.delete(child));
      return adapt(child);
    },
    [Symbol.dispose]() {
      process.off("exit", killAll);
      globalThis.removeEventListener?.("unload", killAll);
      killAll();
    },
  };
}

/** An error before `spawn` means that nothing runs; one after it concerns a signal or a pipe, which tell of it themselves. */
function started(child: ChildProcessWithoutNullStreams): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", resolve);
    child.on("error", reject);
    // Without a listener a broken pipe would end this process; the failed write says the same.
    child.stdin?.on("error", () => {});
  });
}

function adapt(child: ChildProcessWithoutNullStreams): ChildProcess {
  const { stdin, stdout, stderr, pid } = child;
  const exited = new Promise<ChildExit>((resolve) => {
    child.once("exit", (code, signal) => resolve({ code: code ?? undefined, signal: signal ?? undefined }));
  });
  return {
    pid: pid ?? 0,
    write: (bytes) =>
      new Promise((resolve, reject) => {
        stdin.write(bytes, (error) => error === null || error === undefined ? resolve() : reject(error));
      }),
    closeInput: () => void stdin.end(),
    stdout,
    stderr,
    exited,
    kill: (signal) => void child.kill(signal),
    release: () => {
      for (const stream of [stdin, stdout, stderr]) stream.destroy();
    },
  };
}
