/** Slices whose processors store results and position together: not beside Java, and a shard at a time. */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { EdgeOptions } from "../../src/edge/mod.ts";
import { policyDeliveries } from "../../src/failures/mod.ts";
import { sqlSink } from "../../src/sql/mod.ts";
import { SimulatedDatabase } from "../../src/testing/simulation/simulated_database.ts";
import { MemoryEdgeBed } from "./memory_edge_bed.ts";

const limits = { budgetMs: 20_000, reserveMs: 2000 };
const FAILOVER_MS = 120_000;

function sinkOf(database: SimulatedDatabase) {
  const options = { table: "positions", applicationName: "app" };
  return sqlSink(database.client(() => Promise.resolve()), options).processor((records, tx) => {
    for (const record of records) tx.put(record.text());
  });
}

/** A bed that knows its database, and the report of a worker of KCL for Java, made just now. */
function transactionBed() {
  const bed = new MemoryEdgeBed();
  const database = new SimulatedDatabase();
  const slice = (leases: EdgeOptions["leases"], more: Partial<EdgeOptions> = {}) => {
    const options = { leases, failoverTimeMs: FAILOVER_MS, processor: sinkOf(database), ...more };
    return bed.drive(bed.worker(options).runSlice(limits));
  };
  const java = () =>
    bed.coordinator.writeWorkerMetrics("leaseTable", {
      ...{ workerId: "java", stats: {}, operatingRange: {} },
      ...{ lastUpdateEpochS: Math.floor(bed.clock.epochMs() / 1000) },
      ...{ supportCode: undefined, supportEpochS: undefined },
    });
  const isLed = (ownerName: string) =>
    bed.coordinator.putLock("leaseTable", {
      ...{ ownerName, leaseDurationMs: FAILOVER_MS, recordVersionNumber: "v1", isReleased: false },
    }, { type: "absent" });
  return { bed, database, slice, java, isLed };
}

const WORDS =
  "Cannot run slices: expected kclite alone, since the processor stores its position with its results: got " +
  "java, of KCL for Java or an older kclite";

for (const leases of ["hold", "relay"] as const) {
  Deno.test(`EdgeWorker.runSlice() with ${leases} stores each record once, slice after slice`, async () => {
    const { bed, database, slice } = transactionBed();
    for (const texts of [["a", "b"], [], ["c"]]) {
      for (const text of texts) bed.put(text);
      const { outcome, failures } = await slice(leases);
      assertEquals([outcome, failures], ["caughtUp", []]);
      await bed.clock.advance(10_000);
    }
    assertEquals(database.results, ["a", "b", "c"]);
  });

  Deno.test(`EdgeWorker.runSlice() with ${leases} refuses transactions beside Java, from its first slice on`, async () => {
    const { bed, database, slice, java } = transactionBed();
    bed.put("a");
    await java();
    const { outcome, failures } = await slice(leases);
    assertEquals([outcome, database.results], ["stopped", []]);
    assertStringIncludes(failures[0]?.text ?? "", WORDS);
  });
}

Deno.test("EdgeWorker.runSlice() with relay refuses transactions when Java has joined, and leads or not", async () => {
  for (const leader of ["java", "a kclite", undefined]) {
    const { bed, database, slice, java, isLed } = transactionBed();
    assertEquals((await slice("relay")).outcome, "caughtUp");
    await bed.clock.advance(30_000);
    if (leader !== undefined) assert(await isLed(leader));
    await java();
    bed.put("a");
    const { outcome, failures } = await slice("relay");
    assertEquals([outcome, database.results], ["stopped", []], leader);
    assertStringIncludes(failures[0]?.text ?? "", WORDS);
    await bed.clock.advance(200_000);
    if (leader === undefined) {
      assertEquals((await slice("relay")).outcome, "caughtUp", "Java has gone");
      assertEquals(database.results, ["a"]);
    }
  }
});

Deno.test("EdgeWorker.runSlice() with relay and without transactions works beside Java, and asks no more than before", async () => {
  const { bed, slice, java } = transactionBed();
  await java();
  bed.put("a");
  assertEquals((await slice("relay", { processor: () => bed.processor() })).outcome, "caughtUp");
  assertEquals(bed.texts, ["a"]);
});

Deno.test("new EdgeWorker() refuses transactions with records of a shard side by side", () => {
  assertThrows(
    () =>
      new MemoryEdgeBed().worker({
        processor: sinkOf(new SimulatedDatabase()),
        policy: policyDeliveries,
        concurrency: { perShard: 2 },
      }),
    TypeError,
    "expected no concurrency beside a processor that stores its position with its results",
  );
});
