/**
 * Whole fleets whose results go to a database, in virtual time: workers are killed, paused and stopped,
 * shards are split and merged, the network lies, and the database loses answers. Each record is in the
 * results once.
 *
 * @module
 */

import { assertEquals, assertGreater } from "@std/assert";
import { simulate, violationText } from "../../src/testing/mod.ts";
import { sqlSink } from "../../src/sql/mod.ts";
import { failure, SimulatedDatabase } from "../../src/testing/simulation/simulated_database.ts";
import type { SimulatedMachine } from "../../src/testing/simulation/simulated_fleet.ts";
import { seeded } from "../support/seed.ts";

/** How long the database lets its clients wait, how often it loses an answer or breaks a connection. */
function stepOf({ clock, random }: SimulatedMachine): () => Promise<void> {
  return async () => {
    await clock.sleep(random() < 0.02 ? 20_000 * random() : 1 + 40 * random());
    if (random() < 0.01) throw failure("08006", "connection failure");
    if (random() < 0.005) throw failure("40001", "could not serialize access");
  };
}

/** @param longMs How long a transaction takes at times. */
async function keepsRules(seed: number, longMs: number): Promise<number> {
  const database = new SimulatedDatabase();
  const STREAM = { streamName: "simulated", streamArn: undefined, streamIdentifier: undefined };
  const result = await simulate({
    seed,
    minutes: 2,
    options: { initialPositionInStream: "TRIM_HORIZON", onProcessError: "retry" },
    processor(shardId, machine) {
      const sink = sqlSink(database.client(stepOf(machine)), {
        table: "positions",
        applicationName: "simulated",
      });
      const processor = sink.processor(async (records, tx) => {
        await machine.clock.sleep(machine.random() < 0.05 ? longMs : 5 * machine.random());
        for (const record of records) tx.put(record.text());
        if (machine.random() < 0.02) throw new Error("it stumbled");
      });
      return processor(shardId, STREAM);
    },
  });
  const again = `Seed ${seed}`;
  if (result.violation !== undefined) throw new Error(`${violationText(result)}\n${again}`);
  const { results } = database;
  assertEquals(results.length, new Set(results).size, `${again}: a record is in the results twice`);
  assertEquals(results.length, result.records, `${again}: a record is missing`);
  return result.records;
}

for (
  const [what, longMs] of [
    ["stores each record once", 5],
    ["keeps its lease through transactions that take three failover times, or is refused", 30_000],
  ] as const
) {
  Deno.test(`sqlSink() in a fleet ${what}, seed after seed`, async () => {
    const { seed: first } = seeded();
    const untilMs = performance.now() + 4000;
    let records = 0, seed = first;
    for (; performance.now() < untilMs && seed < first + 500; seed++) {
      records += await keepsRules(seed, longMs);
    }
    assertGreater(records, 0);
    console.log(`simulated ${seed - first} seeds from ${first} on`);
  });
}
