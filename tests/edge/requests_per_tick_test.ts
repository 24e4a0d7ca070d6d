/** What a tick costs, by the names of the requests, on the emulator. */

import { assert, assertEquals } from "@std/assert";
import type { SliceOptions, SliceResult } from "../../src/edge/slice_options.ts";
import { EdgeBed } from "./edge_bed.ts";

const limits: SliceOptions = { budgetMs: 20_000 };

/** A bed whose worker has started, and has led just now. */
async function startedBed(shards: number): Promise<EdgeBed> {
  const bed = new EdgeBed({ shards });
  await bed.worker().runSlice(limits);
  bed.asked();
  return bed;
}

/** The counted requests agree with what the slice says. */
function checkCount({ requests }: SliceResult, asked: Readonly<Record<string, number>>): void {
  assertEquals(Object.values(asked).reduce((sum, count) => sum + count, 0), requests);
}

Deno.test("EdgeWorker.runSlice() of 8 shards at the tip sends 29 requests when it is cold, by name", async () => {
  const bed = await startedBed(8);
  const result = await bed.worker().runSlice(limits);
  const asked = bed.asked();
  assertEquals(asked, {
    Query: 1,
    BatchGetItem: 1,
    GetRecords: 8,
    GetShardIterator: 8,
    // Lock, claim, eight renewals, report and unlock.
    UpdateItem: 11,
  });
  checkCount(result, asked);
  assert(result.requests <= 29);
});

Deno.test("EdgeWorker.runSlice() of 8 shards at the tip sends 21 requests when it is warm", async () => {
  const bed = await startedBed(8);
  const worker = bed.worker();
  await worker.runSlice(limits);
  bed.asked();
  const result = await worker.runSlice(limits);
  const asked = bed.asked();
  assertEquals(asked, { Query: 1, BatchGetItem: 1, GetRecords: 8, UpdateItem: 11 });
  checkCount(result, asked);
});

Deno.test("EdgeWorker.runSlice() with solo sends no renewals: 21 requests cold, 13 warm", async () => {
  const bed = new EdgeBed({ shards: 8, leases: "solo" });
  await bed.worker().runSlice(limits);
  const worker = bed.worker();
  const [cold, warm] = [await worker.runSlice(limits), await worker.runSlice(limits)];
  assertEquals([cold.requests, warm.requests], [21, 13]);
});

Deno.test("EdgeWorker.runSlice() has no more than maxConcurrentFetches requests under way", async () => {
  for (const maxConcurrentFetches of [1, 3]) {
    const bed = new EdgeBed({ shards: 6 });
    for (let i = 0; i < 60; i++) bed.aws.stream("words").put(`${i}`, `key ${i}`);
    bed.crowd = { operation: "GetRecords", size: maxConcurrentFetches };
    const result = await bed.worker().runSlice({ ...limits, maxConcurrentFetches });
    assertEquals(result.outcome, "caughtUp");
    assertEquals(bed.texts.length, 60);
    assertEquals(bed.mostInFlight, maxConcurrentFetches);
  }
});

Deno.test("EdgeWorker.runSlice() counts each try of a request that fails", async () => {
  const bed = await startedBed(1);
  bed.aws.faults.next("GetRecords", { type: "internal" });
  const result = await bed.worker().runSlice(limits);
  const asked = bed.asked();
  assertEquals(asked["GetRecords"], 2);
  checkCount(result, asked);
});
