import { assert, assertEquals } from "@std/assert";
import { LagHistory } from "../../src/observe/lag_history.ts";

const MINUTE = 60_000;

Deno.test("LagHistory keeps the largest lag of each minute, from a shard's first one on, for an hour", () => {
  const history = new LagHistory();
  history.begin("a", 5000);
  history.noteLag("a", 10, 5000);
  history.noteLag("a", 30, 5000 + MINUTE - 1);
  history.noteLag("a", 20, 5000 + MINUTE - 1);
  history.noteLag("a", 7, 5000 + MINUTE);
  history.noteLag("a", 4, 5000 + 3 * MINUTE);
  assertEquals(history.at(5000 + 3 * MINUTE).lagOf("a"), [30, 7, undefined, 4]);
  assertEquals(history.at(5000 + 4 * MINUTE).lagOf("a"), [30, 7, undefined, 4, undefined]);
  for (let minute = 4; minute < 70; minute++) history.noteLag("a", minute, 5000 + minute * MINUTE);
  const hour = history.at(5000 + 69 * MINUTE).lagOf("a");
  assertEquals([hour.length, hour[0], hour.at(-1)], [60, 10, 69]);
});

Deno.test("LagHistory knows the worker's largest lag still when the shard is held no longer", () => {
  const history = new LagHistory();
  history.begin("a", 0);
  history.begin("b", 0);
  history.noteLag("a", 500, 0);
  history.noteLag("b", 40, 0);
  history.end("a");
  history.noteLag("b", 50, MINUTE);
  const view = history.at(MINUTE);
  assertEquals(view.largestLag(), [500, 50]);
  assertEquals([view.lagOf("a"), view.lagOf("b"), view.lagOf("nobody")], [[], [40, 50], []]);
});

Deno.test("LagHistory gives the place of a shard to another, which begins without figures", () => {
  const history = new LagHistory();
  for (let i = 0; i < 40; i++) {
    history.begin(`s-${i}`, 0);
    history.noteLag(`s-${i}`, i, 0);
    history.noteProcessed(`s-${i}`, { records: 6000, bytes: 60_000 }, 0);
  }
  const { bytes } = history;
  history.end("s-7");
  history.end("s-7");
  history.begin("new", 0);
  const view = history.at(MINUTE);
  assertEquals([view.lagOf("new"), view.lagOf("s-6"), view.lagOf("s-39")], [[], [6, undefined], [
    39,
    undefined,
  ]]);
  assertEquals(view.paceOf("new"), { recordsPerSecond: 0, bytesPerSecond: 0 });
  assertEquals(view.paceOf("s-39"), { recordsPerSecond: 100, bytesPerSecond: 1000 });
  history.noteLag("s-12", 3, MINUTE);
  history.begin("s-12", MINUTE);
  assertEquals(history.at(MINUTE).lagOf("s-12"), []);
  assertEquals(history.bytes, bytes);
});

Deno.test("LagHistory counts records and bytes a second, and says nothing of a minute that is too young", () => {
  const history = new LagHistory();
  history.begin("a", 0);
  history.noteProcessed("a", { records: 600, bytes: 6000 }, 0);
  history.noteProcessed("b", { records: 600, bytes: 6000 }, 59_000);
  assertEquals(history.at(30_000).recordsPerSecond(), [40]);
  assertEquals(history.at(30_000).pace(), { recordsPerSecond: 40, bytesPerSecond: 400 });
  assertEquals(history.at(MINUTE + 5000).recordsPerSecond(), [20, undefined]);
  history.noteProcessed("a", { records: 900, bytes: 18_000 }, MINUTE + 5000);
  const view = history.at(MINUTE + 30_000);
  assertEquals(view.recordsPerSecond(), [20, 30]);
  assertEquals(view.pace(), { recordsPerSecond: 2100 / 90, bytesPerSecond: 30_000 / 90 });
  assertEquals(view.paceOf("a"), { recordsPerSecond: 1500 / 90, bytesPerSecond: 24_000 / 90 });
  assertEquals(view.paceOf("b"), undefined);
  // A minute in which nothing came lies between: it is no longer the one before.
  assertEquals(history.at(3 * MINUTE).pace(), { recordsPerSecond: 0, bytesPerSecond: 0 });
  assertEquals(history.at(3 * MINUTE).paceOf("a"), { recordsPerSecond: 0, bytesPerSecond: 0 });
});

Deno.test("LagHistory keeps nothing that is no figure, and no minute of a clock that goes back", () => {
  const history = new LagHistory();
  history.begin("a", 10 * MINUTE);
  for (const wrong of [NaN, Infinity, -Infinity, -1]) {
    history.noteLag("a", wrong, 10 * MINUTE);
    history.noteProcessed("a", { records: wrong, bytes: 1 }, 10 * MINUTE);
    history.noteProcessed("a", { records: 1, bytes: wrong }, 10 * MINUTE);
  }
  assertEquals(history.at(10 * MINUTE).lagOf("a"), []);
  assertEquals(history.at(11 * MINUTE).recordsPerSecond(), [0, undefined]);
  history.noteLag("a", 5, 11 * MINUTE);
  history.noteLag("a", 9, 2 * MINUTE);
  history.noteLag("a", 1, NaN);
  assertEquals(history.at(11 * MINUTE).lagOf("a"), [9]);
  assert(history.at(2 * MINUTE).pace().recordsPerSecond >= 0);
});

Deno.test("LagHistory forgets an hour that nobody noted, however long it was", () => {
  const history = new LagHistory();
  history.begin("a", 0);
  history.noteLag("a", 5, 0);
  history.noteProcessed("a", { records: 6000, bytes: 0 }, 0);
  const far = 1e15;
  assertEquals(history.at(far).lagOf("a"), []);
  assertEquals(history.at(far).largestLag(), []);
  assertEquals(history.at(far).recordsPerSecond().filter((rate) => rate !== 0 && rate !== undefined), []);
});

Deno.test("LagHistory takes few bytes for 10,000 shards", () => {
  const history = new LagHistory();
  for (let i = 0; i < 10_000; i++) history.begin(`shardId-${i}`, i);
  assertEquals(history.bytes <= 16_384 * 64 * 4 + 1000, true);
});
