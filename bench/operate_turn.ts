/**
 * One run of a command in a process of its own: how long it took, without the start of the runtime, and the
 * peak of the process's memory. `operate.ts` starts it with the arguments of the command line.
 *
 * @module
 */

import process from "node:process";
import { main } from "../cli.ts";

/** What a run has cost. */
export interface OperateTurn {
  readonly code: number;
  readonly ms: number;
  /** User and system time of the whole process, its start included. */
  readonly cpuMs: number;
  readonly rssMiB: number;
  readonly printedBytes: number;
}

/** The most that the process has ever had in memory, in MiB; what it has now, where no kernel says so. */
function peakMiB(): number {
  try {
    const status = Deno.readTextFileSync("/proc/self/status");
    return Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1]) / 1024;
  } catch {
    return process.memoryUsage().rss / 2 ** 20;
  }
}

if (import.meta.main) {
  let printedBytes = 0;
  const print = (text: string) => void (printedBytes += text.length);
  const startMs = performance.now();
  const code = await main(Deno.args, {
    out: print,
    err: (line) => console.error(line),
    childStderr: () => {},
    env: (name) => Deno.env.get(name),
    envNames: [],
    signal: new AbortController().signal,
    screen: {
      write: print,
      isTerminal: false,
      columns: () => undefined,
      rows: () => undefined,
      closed: new AbortController().signal,
    },
  });
  const ms = performance.now() - startMs;
  const { user, system } = process.cpuUsage();
  const turn: OperateTurn = { code, ms, cpuMs: (user + system) / 1000, rssMiB: peakMiB(), printedBytes };
  console.log(JSON.stringify(turn));
}
