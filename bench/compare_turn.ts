/**
 * One turn of one reader in a process of its own, in Deno or in Node.js: `compare_turn.ts READER URL TABLE_URL`. The last line
 * is JSON: the turn, and the most memory that the process was seen to use.
 *
 * @module
 */

import process from "node:process";
import { PEERS } from "./peers/all.ts";
import type { PeerOptions } from "./peers/peer.ts";
import type { Turn } from "./meter.ts";
import { clientTurn, floorTurn, workerTurn } from "./readers.ts";

/** What the process says. */
export interface MeasuredTurn extends Turn {
  readonly rssMiB: number;
}

/** Everything that can be measured, by name. */
const READERS: Readonly<Record<string, (options: PeerOptions) => Promise<Turn>>> = {
  "floor": ({ url }) => floorTurn(url),
  "kclite client": ({ url }) => clientTurn(url),
  "kclite worker": ({ url }) => workerTurn(url),
  ...Object.fromEntries(PEERS.map(({ packages: [{ name }], turn }) => [name, turn])),
};

async function main([name = "", url = "", tableUrl = ""]: readonly string[]): Promise<void> {
  const reader = READERS[name];
  if (reader === undefined) {
    throw new RangeError(`Cannot measure "${name}": expected ${Object.keys(READERS).join(", ")}`);
  }
  let rss = 0;
  const sampler = setInterval(() => rss = Math.max(rss, process.memoryUsage().rss), 100);
  const turn = await reader({ url, tableUrl });
  clearInterval(sampler);
  const rssMiB = Math.max(rss, process.memoryUsage().rss) / 2 ** 20;
  console.log(JSON.stringify({ ...turn, rssMiB } satisfies MeasuredTurn));
  process.exit(0);
}

await main(process.argv.slice(2));
