import { assertEquals } from "@std/assert";
import { terminalLines } from "../../docs/demo_picture.ts";

Deno.test("terminalLines() are what a terminal shows: a block is drawn again in its place, below the lines that stay", () => {
  const output = "stays\r\n\r\nblock 1\r\nof two\r\n\x1b[3A\x1b[Jstays too\r\n\r\nblock 2\r\n\x1b[0m";
  assertEquals(terminalLines(output, 10), ["stays", "stays too", "", "block 2"]);
  assertEquals(terminalLines(output, 2), ["", "block 2"]);
});

Deno.test("docs/demo.svg is small, and shows a demo in the middle of its story", async () => {
  const svg = await Deno.readTextFile(new URL("../../docs/demo.svg", import.meta.url));
  assertEquals(svg.length < 150_000, true);
  for (const text of ["The page: http://127.0.0.1:", "is killed.", "joins.", "read by"]) {
    assertEquals([text, svg.includes(text)], [text, true]);
  }
});
