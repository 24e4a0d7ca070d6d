import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { main } from "../../examples/words/demo.ts";
import { Screen } from "../../examples/words/screen.ts";
import { counts, seen } from "../../examples/words/words.ts";

async function runDemo() {
  let text = "";
  const screen = new Screen(false, (more) => text += more);
  seen.clear();
  counts.clear();
  const signal = new AbortController().signal;
  const exitCode = await main({ seconds: 4, drainMs: 3000, signal, screen });
  return { exitCode, text };
}

Deno.test("the demo processes every record that it puts, across a split, and shows its progress", async () => {
  const { exitCode, text } = await runDemo();
  assertStringIncludes(text, "every one of them, none twice");
  assertStringIncludes(text, "Health is served at http://127.0.0.1:");
  assertStringIncludes(text, "shardId-000000000000: completed");
  assertStringIncludes(text, "demo-worker (leader): 4 shards");
  assertEquals(exitCode, 0);
});

Deno.test("the demo fails when a record is missing", async () => {
  const add = seen.add;
  seen.add = function (number) {
    return number === 7 ? this : add.call(this, number);
  };
  try {
    const { exitCode, text } = await runDemo();
    assertStringIncludes(text, "1 MISSING");
    assertEquals(exitCode, 1);
  } finally {
    seen.add = add;
  }
});

Deno.test("Screen redraws its block below the lines that stay", () => {
  let text = "";
  const screen = new Screen(true, (more) => text += more);
  screen.show(["a", "b"]);
  screen.log("kept");
  assertEquals(text, "a\nb\n\x1b[2A\x1b[Jkept\na\nb\n");
  assert(!text.endsWith("kept\n"));
});
