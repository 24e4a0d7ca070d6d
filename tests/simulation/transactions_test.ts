/** Whole fleets whose processors store their results with `context.transact`: each record is there exactly once. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import type { RecordProcessor } from "../../src/consumer/record_processor.ts";
import { LeaseLostError } from "../../src/errors.ts";
import { simulate, type SimulationOptions, violationText } from "../../src/testing/mod.ts";
import "../../src/transact/transact.ts"; // loaded before time is virtual
import { marshall, type TransactWrite } from "../../src/transact/mod.ts";
import { seedOf } from "../support/seed.ts";

/** The results of a world: how often each record is in them, by its text, which is unique. */
class Results {
  readonly counts = new Map<string, number>();

  add(writes: readonly TransactWrite[]): void {
    for (const write of writes) {
      const { text } = "Put" in write ? write.Put.Item : {};
      if (text === undefined || !("S" in text)) throw new Error("another write");
      this.counts.set(text.S, (this.counts.get(text.S) ?? 0) + 1);
    }
  }
}

/** Stores a batch in parts, each with its own position. */
function transacting(part: number): RecordProcessor {
  return {
    async processRecords({ records }, context) {
      try {
        for (let from = 0; from < records.length; from += part) {
          const some = records.slice(from, from + part);
          const writes = some.map((record): TransactWrite => ({
            Put: { TableName: "results", Item: marshall({ text: record.text() }) },
          }));
          await context.transact(writes, { at: some.at(-1) });
        }
      } catch (error) {
        if (!(error instanceof LeaseLostError)) throw error;
      }
    },
    shardEnded: (context) => context.transact([]),
  };
}

/** What is wrong with the results of one world. */
export async function wrongResults(options: SimulationOptions, part = 3): Promise<string[]> {
  const results = new Results();
  const result = await simulate({
    options: { initialPositionInStream: "TRIM_HORIZON", onProcessError: "skip" },
    ...options,
    processor: () => transacting(part),
    onTransact: (_, writes) => results.add(writes),
  });
  const found = [...results.counts].filter(([, times]) => times !== 1).map(([text, times]) =>
    `${text}: ${times}`
  );
  if (results.counts.size !== result.records) {
    found.push(`${results.counts.size} of ${result.records} records are in the results`);
  }
  if (result.violation !== undefined) found.push(violationText(result));
  assertGreater(result.records, 0);
  return found;
}

Deno.test("transact() in fleets under all faults: every record exactly once in the results", async () => {
  const first = seedOf(Deno.env.get("SEED") ?? "1");
  const untilMs = performance.now() + 6_000;
  let seeds = 0;
  for (let seed = first; performance.now() < untilMs && seeds < 60; seed++, seeds++) {
    assertEquals(await wrongResults({ seed, minutes: 1 }), [], `SEED=${seed}`);
  }
  assert(seeds > 0);
});
