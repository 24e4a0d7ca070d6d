import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { callbackBackoffMs } from "../../src/consumer/callbacks.ts";
import { thrownAt } from "../../src/observe/thrown_at.ts";

const root = new URL("../..", import.meta.url).href;

/** A stack, and what is told of it. */
const STACKS: readonly (readonly [stack: string, at: string])[] = [
  ["    at processRecords (file:///app/words.ts:12:9)", " at words.ts:12:9"],
  ["    at async Object.processRecords (file:///my%20app/a.mjs:1:2)", " at a.mjs:1:2"],
  ["    at file:///app/words.ts:12:9", " at words.ts:12:9"],
  ["    at async file:///app/words.ts:12:9", " at words.ts:12:9"],
  ["    at new Words (C:\\app (1)\\words.js:12:9)", " at words.js:12:9"],
  ["    at JSON.parse (<anonymous>)\n    at parse (/app/words.ts:1:2)", " at words.ts:1:2"],
  ["    at node:internal/fs:1:2\n    at ext:core/01.js:1:2\n    at f (/app/w.ts:1:2)", " at w.ts:1:2"],
  [`    at check (${root}src/consumer/checkpointer.ts:1:2)\n    at f (file:///app/w.ts:3:4)`, " at w.ts:3:4"],
  [
    `    at check (${root.slice(7)}src/consumer/checkpointer.ts:1:2)\n    at f (/app/w.ts:3:4)`,
    " at w.ts:3:4",
  ],
  [`    at run (${root}cli.ts:1:2)`, ""],
  ["    at Promise.all (index 0)", ""],
  ["", ""],
];

for (const [stack, at] of STACKS) {
  Deno.test(`thrownAt() finds "${at}" in "${stack.replaceAll(root, "").slice(0, 70)}…"`, () => {
    const error = new TypeError("no luck\n    at message (file:///app/message.ts:1:1)");
    error.stack = `TypeError: ${error.message}\n${stack}`;
    assertEquals(thrownAt(error), at);
  });
}

Deno.test("thrownAt() names this file in what this runtime throws, here or within the library", () => {
  assertMatch(thrownAt(new Error("no luck")), /^ at thrown_at_test\.ts:\d+:\d+$/);
  const thrown = assertThrows(() => callbackBackoffMs(Symbol() as never, 1));
  assertMatch(thrownAt(thrown), /^ at thrown_at_test\.ts:\d+:\d+$/);
});

Deno.test("thrownAt() says nothing of what has no stack, and survives one that throws", () => {
  const trap = Object.defineProperty(new Error("x"), "stack", {
    get() {
      throw new Error("no stack for you");
    },
  });
  for (const error of ["text", undefined, Object.create(null), trap]) assertEquals(thrownAt(error), "");
});
