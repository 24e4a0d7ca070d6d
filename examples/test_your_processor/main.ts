/**
 * Does a processor survive crashes, pauses, reshards and failing services? `simulate()` runs a fleet of workers with it in
 * virtual time: minutes pass in a moment, and the same seed fails in the same way again.
 *
 * ```sh
 * deno run -A examples/test_your_processor/main.ts
 * ```
 *
 * @module
 */

import type { RecordProcessor } from "@kclite/kclite";
import { simulate, violationText } from "@kclite/kclite/testing";
import { adder, type Database } from "./processor.ts";

/** What to test. */
export interface Options {
  /** @default {10} */
  readonly seeds?: number;
  readonly print?: (line: string) => void;
  readonly processor?: (database: Database, pause: (signal: AbortSignal) => Promise<void>) => RecordProcessor;
}

/** Tests the processor of `processor.ts`, or another. @returns whether all totals are right. */
export async function main(
  { seeds = 10, print = console.log, processor = adder }: Options = {},
): Promise<boolean> {
  let good = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const database: Database = new Map(); // survives every crash
    const wanted = new Map<string, number>();
    const { violation, ...result } = await simulate({
      seed,
      minutes: 2,
      options: { failoverTimeMs: 3000, onProcessError: "retry", initialPositionInStream: "TRIM_HORIZON" },
      payload(account, step) {
        wanted.set(account, (wanted.get(account) ?? 0) + step);
        return JSON.stringify({ step, amount: step });
      },
      // Wait on the machine's clock alone: real timers know nothing of virtual time.
      processor: (_shardId, { clock }) => processor(database, (signal) => clock.sleep(20, signal)),
    });
    if (violation !== undefined) print(violationText({ ...result, violation }));
    const wrong = [...wanted].filter(([account, total]) => database.get(account)?.total !== total);
    if (wrong.length > 0) print(`seed ${seed}: ${wrong.length} of ${wanted.size} totals are wrong`);
    if (violation === undefined && wrong.length === 0) good++;
  }
  print(`${good} of ${seeds} seeds are right`);
  return good === seeds;
}

if (import.meta.main && !await main()) Deno.exitCode = 1;
