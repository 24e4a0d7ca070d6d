/**
 * One turn of one reader in a process of its own, in Deno, Node.js or Bun: `turn.ts READER OPTIONS`, where OPTIONS are those of
 * a reader as JSON. The last line is JSON: the turn, and the most memory that the process used.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import type { Turn } from "./meter.ts";
import { PEERS } from "./peers/all.ts";
import { type Reader, READERS } from "./readers.ts";

/** What the process prints. */
export interface MeasuredTurn extends Turn {
  readonly peakRssMiB: number;
}

const ALL: Readonly<Record<string, Reader>> = {
  ...READERS,
  ...Object.fromEntries(PEERS.map(({ packages: [{ name }], turn }) => [name, turn])),
};

async function main([name = "", options = "{}"]: readonly string[]): Promise<void> {
  const reader = ALL[name];
  if (reader === undefined) {
    throw new RangeError(`Cannot measure "${name}": expected ${Object.keys(ALL).join(", ")}`);
  }
  const turn = await reader(JSON.parse(options));
  console.log(JSON.stringify({ ...turn, peakRssMiB: peakRssMiB() } satisfies MeasuredTurn));
  process.exit(0);
}

/** By the kernel's word where it can be read: `maxRSS` of a process begins with that of its parent. */
function peakRssMiB(): number {
  let status = "";
  try {
    status = readFileSync("/proc/self/status", "utf8");
  } catch {
    // Not Linux.
  }
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(status) ?? [];
  return Number(kib ?? process.resourceUsage().maxRSS) / 1024;
}

await main(process.argv.slice(2));
