/**
 * What may happen to an owner at every moment at which it waits for the database: its process ends, its answer
 * is lost, it sleeps while another owner works. Each record is in the results once.
 *
 * @module
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { isShardEnd } from "../../src/stream/sequence_number.ts";
import { failure } from "../../src/testing/simulation/simulated_database.ts";
import { pass, SqlShard } from "../support/sql_bed.ts";

const ALL = ["1", "2", "3", "4", "5"];

/** Runs a shard whose first owner meets something at step `at`; false when it has fewer steps. */
type Run = (at: number) => Promise<boolean>;

async function everyStep(run: Run, least: number): Promise<void> {
  let at = 0;
  while (await run(at)) at++;
  assertGreater(at, least, "so many steps are tried at least");
}

/** Calls `meet` at the step of this number, counted from 0. */
function atStep(number: number, meet: () => Promise<void>): { reached: boolean; step: () => Promise<void> } {
  let count = 0;
  const met = {
    reached: false,
    async step() {
      if (count++ !== number) return;
      met.reached = true;
      await meet();
    },
  };
  return met;
}

Deno.test("sqlSink() stores each record once when a process ends at any step, and another goes on", async () => {
  await everyStep(async (at) => {
    const shard = new SqlShard();
    const met = atStep(at, () => new Promise(() => {}));
    const first = shard.own({ step: met.step });
    await pass(first, 5000);
    if (!met.reached) return false;
    const second = shard.own();
    assertEquals(await pass(second), "completed", `step ${at}`);
    assertEquals(shard.database.results, ALL, `step ${at}`);
    assert(isShardEnd(shard.checkpoint));
    return true;
  }, 15);
});

Deno.test("sqlSink() stores each record once when any answer is lost, and the same owner goes on", async () => {
  await everyStep(async (at) => {
    const shard = new SqlShard();
    const met = atStep(at, () => Promise.reject(failure("ECONNRESET", "read ECONNRESET")));
    const bed = shard.own({ step: met.step });
    assertEquals(await pass(bed), "completed", `step ${at}`);
    if (!met.reached) return false;
    assertEquals(shard.database.results, ALL, `step ${at}`);
    return true;
  }, 15);
});

Deno.test("sqlSink() stores each record once when any answer is lost and the next process goes on", async () => {
  await everyStep(async (at) => {
    const shard = new SqlShard();
    let isDown = false;
    const met = atStep(at, () => {
      isDown = true;
      return Promise.reject(failure("57P01", "terminating connection"));
    });
    const step = () => isDown ? Promise.reject(failure("ECONNREFUSED", "connect ECONNREFUSED")) : met.step();
    const bed = shard.own({ step });
    await pass(bed, 10_000);
    if (!met.reached) return false;
    assertEquals(await pass(shard.own()), "completed", `step ${at}`);
    assertEquals(shard.database.results, ALL, `step ${at}`);
    return true;
  }, 15);
});

Deno.test("sqlSink() refuses a former owner that slept at any step: its shard ends as lost", async () => {
  await everyStep(async (at) => {
    const shard = new SqlShard();
    const gate = Promise.withResolvers<void>();
    const met = atStep(at, () => gate.promise);
    const zombie = shard.own({ step: met.step });
    await pass(zombie, 5000);
    if (!met.reached) return false;
    const next = shard.own();
    assertEquals(await pass(next), "completed", `step ${at}`);
    gate.resolve();
    assertEquals(await pass(zombie), "lost", `step ${at}`);
    assertEquals(shard.database.results, ALL, `step ${at}`);
    return true;
  }, 15);
});

Deno.test("sqlSink() lets a former owner that slept and the next one meet at any step", async () => {
  await everyStep(async (at) => {
    const shard = new SqlShard();
    const gate = Promise.withResolvers<void>();
    const met = atStep(at, () => gate.promise);
    const zombie = shard.own({ step: met.step });
    await pass(zombie, 5000);
    if (!met.reached) return false;
    // The former owner wakes in the middle of the next one's first transaction.
    const wake = async () => {
      gate.resolve();
      for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    };
    const next = shard.own({
      async work(records, tx) {
        await wake();
        for (const { sequenceNumber } of records) tx.put(sequenceNumber);
      },
      more: { shardEnded: wake },
    });
    assertEquals(await pass(next), "completed", `step ${at}`);
    gate.resolve(); // its last step was behind the end
    assertEquals(await pass(zombie), "lost", `step ${at}`);
    assertEquals(shard.database.results, ALL, `step ${at}`);
    return true;
  }, 15);
});
