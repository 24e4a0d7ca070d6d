/** Attempts × bisect × partial × age: the exact calls, dead letters and checkpoints. */

import { assertEquals } from "@std/assert";
import type { BatchResponse, RecordsBatch } from "../../src/consumer/record_processor.ts";
import { PartialFailure } from "../../src/failures/mod.ts";
import type { BatchOptions, ErrorPolicy } from "../../src/failures/failure_options.ts";
import { eventsOf, pageOf } from "../support/consumer_bed.ts";
import { keyed, startPolicy } from "../support/policy_bed.ts";
import cases from "../cases/error_policy.json" with { type: "json" };

interface Case {
  readonly comment: string;
  readonly records: number;
  readonly policy: ErrorPolicy;
  /** Always fail. */
  readonly poison?: readonly number[];
  /** How many calls each fails. */
  readonly flaky?: Readonly<Record<string, number>>;
  readonly mode?: string;
  readonly agesMs?: readonly number[];
  readonly batch?: BatchOptions;
  readonly checkpoints?: "auto" | "none";
  readonly calls: readonly string[];
  readonly letters?: readonly string[];
  readonly skipped?: readonly string[];
  /** The last checkpoint. */
  readonly stored: string | null;
}

/** What the processor of a case does with a batch. */
function handlerOf({ poison = [], flaky = {}, mode = "throws" }: Case) {
  const left = new Map(Object.entries(flaky));
  const fails = (id: string): boolean => {
    if (poison.includes(Number(id))) return true;
    const times = left.get(id) ?? 0;
    left.set(id, times - 1);
    return times > 0;
  };
  const list = (...ids: readonly unknown[]) =>
    ({ batchItemFailures: ids.map((itemIdentifier) => ({ itemIdentifier })) }) as BatchResponse;
  return ({ records }: RecordsBatch): void | BatchResponse | null => {
    const failed = records.map(({ sequenceNumber }) => sequenceNumber).filter(fails);
    switch (mode) {
      case "throws":
        if (failed.length > 0) throw new Error(`cannot process ${failed}`);
        return;
      case "throwsPartial":
        if (failed.length > 0) throw new PartialFailure(failed);
        return;
      case "throwsUndefined":
        throw undefined;
      case "answers":
        return list(...failed);
      case "unknownId":
        return list("77");
      case "emptyId":
        return list("");
      case "nullId":
        return list(null);
      case "wrongName":
        return { batchItemFailures: [{ id: "1" }] } as unknown as BatchResponse;
      case "emptyList":
        return { batchItemFailures: [] };
      case "nullList":
        return { batchItemFailures: null };
      case "emptyAnswer":
        return {};
      case "null":
        return null;
    }
    throw new TypeError(`no mode ${mode}`);
  };
}

for (const each of cases as readonly Case[]) {
  Deno.test(`policyDeliveries(): ${each.comment}`, async () => {
    const bed = startPolicy(
      { errors: each.policy, batch: each.batch },
      handlerOf(each),
      { checkpoints: each.checkpoints ?? "own" },
    );
    const nowMs = bed.clock.epochMs();
    const records = Array.from(
      { length: each.records },
      (_, i) => keyed(i + 1, "key", { approximateArrivalTimestamp: nowMs - (each.agesMs?.[i] ?? 0) }),
    );
    bed.retrieval.feed(pageOf(records));
    // With an age the first failures of a second are enough.
    await bed.clock.advance(60_000);
    assertEquals({
      calls: firstAndLast(bed.calls, each.calls),
      letters: bed.sink.numbers,
      skipped: eventsOf(bed.events, "recordsGivenUp").filter(({ outcome }) => outcome === "skipped")
        .map(({ first, last }) => `${first.sequenceNumber}-${last.sequenceNumber}`),
      stored: bed.held.stored.at(-1)?.sequenceNumber ?? null,
    }, {
      calls: each.calls,
      letters: each.letters ?? [],
      skipped: each.skipped ?? [],
      stored: each.stored,
    });
    assertEquals(bed.budget.used, 0);
    bed.held.lose();
    await bed.end;
  });
}

/** With an age the number of calls depends on the pauses: equal ones in a row count once. */
function firstAndLast(calls: readonly string[], wanted: readonly string[]): readonly string[] {
  return wanted.includes("3+4") && wanted.length === 2 && calls.length > 2
    ? calls.filter((call, i) => call !== calls[i - 1])
    : calls;
}
