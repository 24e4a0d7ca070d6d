import { assertEquals } from "@std/assert";
import { ByteBudget } from "../../src/retrieval/byte_budget.ts";

Deno.test("ByteBudget has room up to its limit, and counts what is beyond it", () => {
  const budget = new ByteBudget(100);
  assertEquals([budget.hasRoomFor(100), budget.hasRoomFor(101)], [true, false]);
  budget.take(150);
  assertEquals([budget.used, budget.hasRoomFor(0)], [150, false]);
  budget.give(60);
  assertEquals([budget.used, budget.hasRoomFor(10), budget.hasRoomFor(11)], [90, true, false]);
});

Deno.test("ByteBudget.give() wakes all who wait, each once", () => {
  const budget = new ByteBudget(100);
  const woken: string[] = [];
  budget.onRoom(() => woken.push("a"));
  budget.onRoom(() => woken.push("b"));
  const forget = budget.onRoom(() => woken.push("c"));
  forget();
  budget.take(50);
  budget.give(10);
  assertEquals(woken, ["a", "b"]);
  budget.give(10);
  assertEquals(woken, ["a", "b"], "who wants to hear of it again asks again");
});

Deno.test("ByteBudget.give() leaves who begins to wait meanwhile for the next time", () => {
  const budget = new ByteBudget(100);
  let woken = 0;
  const again = () => {
    woken++;
    budget.onRoom(again);
  };
  budget.onRoom(again);
  budget.give(0);
  assertEquals(woken, 1);
});
