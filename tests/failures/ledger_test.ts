import { assertEquals } from "@std/assert";
import { Ledger } from "../../src/failures/ledger.ts";
import { ByteBudget } from "../../src/retrieval/byte_budget.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import { keyed } from "../support/policy_bed.ts";

function ledgerOf(count: number): { readonly ledger: Ledger; readonly budget: ByteBudget } {
  const budget = new ByteBudget(1000);
  const ledger = new Ledger(positionAt("0"), budget);
  const page = ledger.openPage(count);
  for (let i = 1; i <= count; i++) ledger.add(keyed(i, "key"), page);
  ledger.closePage(page);
  return { ledger, budget };
}

/** Entries by record number. */
function entries(...numbers: readonly number[]): { readonly index: number }[] {
  return numbers.map((number) => ({ index: number - 1 }));
}

function own(...numbers: readonly number[]): ReadonlySet<number> {
  return new Set(numbers.map((number) => number - 1));
}

Deno.test("Ledger keeps the end of what is contiguous and finished, and of what may be stored", () => {
  const { ledger } = ledgerOf(4);
  ledger.finish(entries(2), true);
  assertEquals(ledger.finishedThrough, positionAt("0"));
  ledger.finish(entries(1), false);
  assertEquals([ledger.finishedThrough, ledger.acknowledgedThrough], [positionAt("2"), positionAt("0")]);
  ledger.acknowledge(own(3), positionAt("3"));
  assertEquals(ledger.acknowledgedThrough, positionAt("2"));
  ledger.finish(entries(3), false);
  assertEquals(ledger.acknowledgedThrough, positionAt("3"));
});

Deno.test("Ledger.acknowledge() concerns what was finished before, and not what is finished later", () => {
  const { ledger } = ledgerOf(4);
  ledger.finish(entries(2), false);
  ledger.acknowledge(own(3), positionAt("3"));
  ledger.finish(entries(3), false);
  ledger.finish(entries(1), false); // kept in memory by its processor
  assertEquals([ledger.finishedThrough, ledger.acknowledgedThrough], [positionAt("3"), positionAt("0")]);
  ledger.acknowledge(own(4), positionAt("4"));
  assertEquals(ledger.acknowledgedThrough, positionAt("3"));
});

Deno.test("Ledger.reach() goes through a call's own records, and no further than the first unfinished one", () => {
  const { ledger } = ledgerOf(6);
  ledger.finish(entries(1, 3), false);
  assertEquals(ledger.reach(own(2, 4), positionAt("4")), positionAt("4"));
  assertEquals(ledger.reach(own(4), positionAt("4")), positionAt("1"));
  assertEquals(ledger.reach(own(2, 4), positionAt("2")), positionAt("2"));
  assertEquals(ledger.reach(own(5), positionAt("1")), positionAt("1"));
});

Deno.test("Ledger gives a page's bytes back with its last record, and all of them when it is cleared", () => {
  const { ledger, budget } = ledgerOf(3);
  ledger.finish(entries(1, 3), true);
  assertEquals(budget.used, 3);
  ledger.finish(entries(2), true);
  assertEquals(budget.used, 0);
  const left = ledgerOf(2);
  left.ledger.clear();
  assertEquals(left.budget.used, 0);
});

Deno.test("Ledger.pass() holds no memory for many records that nobody wants behind one that is slow", () => {
  const { ledger } = ledgerOf(1);
  for (let number = 2; number < 50_000; number++) ledger.pass(keyed(number, "other"), "filtered");
  assertEquals(ledger.hasRoom, true);
  ledger.finish(entries(1), true);
  assertEquals(ledger.acknowledgedThrough, positionAt("49999"));
});

Deno.test("Ledger.isNew() knows what was taken before", () => {
  const { ledger } = ledgerOf(2);
  assertEquals([ledger.isNew(keyed(2, "key")), ledger.isNew(keyed(3, "key"))], [false, true]);
});
