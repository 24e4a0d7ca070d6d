/** An iterator is kept for the next slice only where nothing before it can be missed, or come again. */

import { assertEquals } from "@std/assert";

import type { EdgeOptions, SliceOptions } from "../../src/edge/slice_options.ts";
import { policyDeliveries } from "../../src/failures/mod.ts";
import { aggregate } from "../support/kpl.ts";
import { MemoryEdgeBed } from "./memory_edge_bed.ts";

const limits: SliceOptions = { budgetMs: 20_000, reserveMs: 2000 };

function userRecords(...keys: readonly string[]): Uint8Array {
  return aggregate(keys.map((key) => ({ partitionKey: key, data: new TextEncoder().encode(key) })));
}

/** Notes what was processed; a record with the text "late" fails in the first slice. */
function lanesBed(
  more: Partial<EdgeOptions> = {},
): { readonly bed: MemoryEdgeBed; readonly tick: () => Promise<number> } {
  const bed = new MemoryEdgeBed();
  let isFirst = true;
  const options: Partial<EdgeOptions> = {
    policy: policyDeliveries,
    concurrency: { perShard: 4, order: "key" },
    batch: { size: 1 },
    errors: { retry: { delay: () => 60_000 } },
    processor: () =>
      bed.processor({
        async processRecords({ records }, context) {
          const texts = records.map(({ data }) => new TextDecoder().decode(data));
          if (isFirst && texts.includes("late")) throw new Error("not yet");
          bed.texts.push(...texts);
          await context.checkpoint();
        },
      }),
    ...more,
  };
  const worker = bed.worker(options);
  return {
    bed,
    async tick() {
      bed.calls.length = 0;
      await bed.drive(worker.runSlice(limits));
      isFirst = false;
      await bed.clock.advance(60_000);
      return bed.calls.filter((call) => call.startsWith("GetShardIterator")).length;
    },
  };
}

Deno.test("EdgeWorker.runSlice() with lanes keeps no iterator beyond a user record that failed", async () => {
  for (const keys of [["a", "late"], ["a", "late", "b"], ["late", "a"]]) {
    const { bed, tick } = lanesBed();
    bed.put(userRecords(...keys));
    await tick();
    assertEquals(bed.texts.includes("late"), false);
    await tick();
    assertEquals(bed.texts.toSorted(), keys.toSorted(), `${keys}`);
  }
});

Deno.test("EdgeWorker.runSlice() with lanes keeps an iterator where all user records are done, in any order", async () => {
  const { bed, tick } = lanesBed();
  bed.put(userRecords("a", "b", "c"));
  assertEquals([await tick(), bed.texts.toSorted()], [1, ["a", "b", "c"]]);
  bed.put(userRecords("d", "e"));
  assertEquals([await tick(), bed.texts.toSorted()], [0, ["a", "b", "c", "d", "e"]]);
  assertEquals(await tick(), 0, "nothing was read, and the checkpoint is what it was");
});

Deno.test("EdgeWorker.runSlice() keeps an iterator beyond records that a filter has dropped", async () => {
  const { bed, tick } = lanesBed({ filter: ({ data }) => data[0] !== "x".charCodeAt(0) });
  bed.put("a");
  bed.put("x");
  assertEquals([await tick(), bed.texts], [1, ["a"]]);
  bed.put("b");
  assertEquals([await tick(), bed.texts], [0, ["a", "b"]]);
});
