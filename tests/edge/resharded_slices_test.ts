/** Slices of a stream that is resharded between them, on the emulator. */

import { assertEquals } from "@std/assert";
import type { LeasesMode } from "../../src/edge/mod.ts";
import { EdgeBed } from "./edge_bed.ts";

const budget = { budgetMs: 10_000, reserveMs: 1000 };

for (const leases of ["hold", "relay", "solo"] satisfies LeasesMode[]) {
  Deno.test(`EdgeWorker.runSlice() with "${leases}" reads the children of shards that ended in a slice before`, async () => {
    const bed = new EdgeBed({ shards: 2, leases });
    const stream = bed.aws.stream("words");
    for (let n = 0; n < 8; n++) stream.put(`before ${n}`);
    const [first, second] = stream.shards().map(({ shardId }) => shardId);
    const worker = bed.worker();
    await worker.runSlice(budget);
    stream.split(first ?? "");
    stream.split(second ?? "");
    for (let n = 0; n < 16; n++) stream.put(`after ${n}`);
    for (let slices = 0; bed.texts.length < 24 && slices < 4; slices++) await worker.runSlice(budget);
    assertEquals(bed.texts.length, 24, "each of the last slices begins with the children alone");
    assertEquals(new Set(bed.texts).size, 24);
  });
}
