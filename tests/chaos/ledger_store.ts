/**
 * Results as lines of files: at least once. Which hold of a lease did what shows whether a repeat had a reason.
 *
 * @module
 */

import { type ChaosLine, sumsOf } from "./ledger.ts";
import type { ResultsStore } from "./results_store.ts";

/** @param folder Each process writes a file there. */
export function ledgerStore(folder: string): ResultsStore {
  return {
    name: "files",
    processor: new URL("recorder.ts", import.meta.url),
    env: { CHAOS_FOLDER: folder },
    proxies: [],
    acts: {},
    async judge({ put }) {
      const { lostTexts, examples, ...sums } = sumsOf(put, await linesIn(folder));
      return {
        missing: sums.lost,
        isGood: sums.lost + sums.unknown + sums.duplicatesAfterOrderlyEnds === 0,
        sums,
        stories: [
          ...(sums.lost > 0 ? [`Lost, among others: ${lostTexts.join(", ")}`] : []),
          ...examples.map((example) => `Came again: ${example}`),
        ],
      };
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

async function linesIn(folder: string): Promise<readonly ChaosLine[]> {
  const lines: ChaosLine[] = [];
  for await (const { name } of Deno.readDir(folder)) {
    if (!name.endsWith(".jsonl")) continue;
    const text = await Deno.readTextFile(`${folder}/${name}`);
    // A killed process may leave half of its last line.
    for (const line of text.split("\n").slice(0, -1)) lines.push(JSON.parse(line));
  }
  return lines;
}
