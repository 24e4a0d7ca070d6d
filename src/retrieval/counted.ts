/**
 * Counts the page in work in the worker's bytes. For a source that gives a page only when the one before it
 * is processed: it never waits for room, since each shard may have one page.
 *
 * @module
 */

import type { ByteBudget } from "./byte_budget.ts";
import { pageMemory } from "./page_memory.ts";
import type { Retrieval } from "./retrieval.ts";

/** The same source, its pages counted while they are in work. */
export function counted(source: Retrieval, budget: ByteBudget): Retrieval {
  return {
    async *read(request, signal) {
      for await (const page of source.read(request, signal)) {
        const bytes = pageMemory(page);
        budget.take(bytes);
        try {
          yield page;
        } finally {
          budget.give(bytes);
        }
      }
    },
  };
}
