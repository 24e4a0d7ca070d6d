/** @module */

import { assert, assertEquals } from "@std/assert";
import { cutText, padText, paintedText, textWidth, wrapText } from "../../src/terminal/text_width.ts";
import fc from "../support/fast_check.ts";

Deno.test("textWidth() counts the columns of a terminal", () => {
  const widths: readonly (readonly [string, number])[] = [
    ["", 0],
    ["orders", 6],
    ["日本", 4],
    ["ﾊﾝｶｸ", 4],
    ["한국어", 6],
    ["e\u0301", 1],
    ["á", 1],
    ["🎉", 2],
    ["a\u200bb", 2],
    ["…", 1],
    ["\u001b[32mgood\u001b[0m", 4],
  ];
  for (const [text, width] of widths) assertEquals(textWidth(text), width, JSON.stringify(text));
});

Deno.test("cutText() keeps both ends of a key, and the start of a sentence", () => {
  assertEquals(cutText("shardId-000000000004", 12, "middle"), "shardI…00004");
  assertEquals(cutText("waits for its parents", 10), "waits for…");
  assertEquals(cutText("short", 5), "short");
  assertEquals(cutText("日本語", 5), "日本…");
  assertEquals(cutText("日本語", 4), "日…");
  assertEquals(cutText("anything", 1), "…");
  assertEquals(cutText("anything", 0), "");
});

Deno.test("cutText() ends the colour of what it cuts", () => {
  assertEquals(cutText(paintedText("bad", "expired long ago"), 8), "\u001b[31mexpired…\u001b[0m");
  assertEquals(
    cutText(`${paintedText("bad", "dead")} and ${paintedText("good", "alive")}`, 6),
    "\u001b[31mdead\u001b[0m …\u001b[32m\u001b[0m",
  );
});

Deno.test("wrapText() breaks at words, and words that are longer than a line", () => {
  assertEquals(wrapText("waits for parents A and B", 10), ["waits for", "parents A", "and B"]);
  assertEquals(wrapText("a 4968105862938472", 6), ["a", "496810", "586293", "8472"]);
  assertEquals(wrapText("日本", 1), ["日", "本"]);
});

Deno.test("No cut, wrapped or padded text is wider than it may be", () => {
  const letter = fc.constantFrom(
    "a",
    "Z",
    " ",
    "日",
    "e\u0301",
    "🎉",
    "\u200d",
    "\u001b[31m",
    "\u001b[0m",
    "ﾊ",
  );
  const text = fc.array(letter, { maxLength: 40 }).map((letters) => letters.join(""));
  fc.assert(fc.property(text, fc.integer({ min: 2, max: 30 }), (text, columns) => {
    for (const cut of ["end", "middle"] as const) assert(textWidth(cutText(text, columns, cut)) <= columns);
    for (const line of wrapText(text, columns)) assert(textWidth(line) <= columns);
    assertEquals(textWidth(padText(cutText(text, columns), columns)), columns);
  }));
});
