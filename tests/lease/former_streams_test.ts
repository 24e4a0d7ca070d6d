import { assertEquals } from "@std/assert";
import { formerStreams, type FormerStreamsLeasesDeletionStrategy } from "../../src/lease/former_streams.ts";
import cases from "../cases/former_streams.json" with { type: "json" };

/** As the table has it. `waitMs` is 1000 unless it is given. */
interface Case {
  readonly comment: string;
  readonly strategy: FormerStreamsLeasesDeletionStrategy;
  readonly tracked: readonly string[];
  readonly sought?: readonly string[];
  readonly leased: readonly string[];
  readonly provided?: readonly string[];
  readonly before: Readonly<Record<string, number>>;
  readonly waitMs?: number;
  readonly nowMs: number;
  readonly since: Readonly<Record<string, number>>;
  readonly due: readonly string[];
}

for (const { comment, before, since, due, ...view } of cases as unknown as readonly Case[]) {
  Deno.test(`formerStreams(): ${comment}`, () => {
    const outcome = formerStreams(new Map(Object.entries(before)), {
      strategy: view.strategy,
      tracked: new Set(view.tracked),
      sought: new Set(view.sought),
      leased: view.leased,
      provided: new Set(view.provided),
      waitMs: view.waitMs ?? 1000,
      nowMs: view.nowMs,
    });
    assertEquals(Object.fromEntries(outcome.since), since);
    assertEquals(outcome.due, due);
  });
}
