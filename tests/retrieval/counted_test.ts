import { assertEquals, assertRejects } from "@std/assert";
import { ByteBudget } from "../../src/retrieval/byte_budget.ts";
import { counted } from "../../src/retrieval/counted.ts";
import { pageMemory } from "../../src/retrieval/page_memory.ts";
import type { RecordsPage } from "../../src/retrieval/retrieval.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import { pageOf, recordWith } from "../support/consumer_bed.ts";

const request = {
  leaseKey: "s-0",
  shardId: "s-0",
  checkpoint: positionAt("TRIM_HORIZON"),
  initialPosition: "TRIM_HORIZON" as const,
};
const { signal } = new AbortController();

function countedPages(pages: readonly RecordsPage[], failure?: Error) {
  const budget = new ByteBudget(1);
  const source = {
    async *read() {
      yield* pages;
      if (failure !== undefined) throw failure;
    },
  };
  return { budget, pages: counted(source, budget).read(request, signal) };
}

Deno.test("counted() counts a page while it is in work, on a full worker too", async () => {
  const given = [pageOf([recordWith(1)]), pageOf([recordWith(2), recordWith(3)])];
  const { budget, pages } = countedPages(given);
  const used: number[] = [];
  for await (const _ of pages) used.push(budget.used);
  assertEquals(used, given.map((page) => pageMemory(page)));
  assertEquals(budget.used, 0);
});

Deno.test("counted() gives bytes back when its reader leaves, and when its source fails", async () => {
  const left = countedPages([pageOf([recordWith(1)]), pageOf([recordWith(2)])]);
  for await (const _ of left.pages) break;
  assertEquals(left.budget.used, 0);
  const failed = countedPages([pageOf([recordWith(1)])], new Error("broken"));
  await assertRejects(
    async () => {
      for await (const _ of failed.pages);
    },
    Error,
    "broken",
  );
  assertEquals(failed.budget.used, 0);
});
