/** @module */

import { assertEquals } from "@std/assert";
import { LineCutter } from "../../../src/operate/records/input_lines.ts";
import fc from "../../support/fast_check.ts";

function cut(pieces: readonly string[], most: number = 100): (readonly [number, string | undefined])[] {
  const cutter = new LineCutter(most);
  const lines = [
    ...pieces.flatMap((piece) => [...cutter.push(new TextEncoder().encode(piece))]),
    ...cutter.end(),
  ];
  return lines.map(({ number, data }) => [number, data && new TextDecoder().decode(data)]);
}

Deno.test("LineCutter takes LF, CRLF, empty lines, and a last line without an end", () => {
  assertEquals(cut(["one\r\ntwo\n\n\r\nthree"]), [[1, "one"], [2, "two"], [3, ""], [4, ""], [5, "three"]]);
  assertEquals(cut(["one\n"]), [[1, "one"]]);
  assertEquals(cut([]), []);
  assertEquals(cut(["a\rb\n"]), [[1, "a\rb"]]);
});

Deno.test("LineCutter refuses a line that is too long, and goes on behind it", () => {
  assertEquals(cut(["12345\n123456\n1\n"], 5), [[1, "12345"], [2, undefined], [3, "1"]]);
  assertEquals(cut(["12345\r\n123456\r\n"], 5), [[1, "12345"], [2, undefined]]);
  assertEquals(cut(["1234", "5678", "90\n", "ok\n"], 5), [[1, undefined], [2, "ok"]]);
  assertEquals(cut(["1234", "5678"], 5), [[1, undefined]]);
});

Deno.test("LineCutter finds the same lines whatever the pieces", () => {
  const text = fc.array(fc.constantFrom("a", "b", "\n", "\r\n"), { maxLength: 30 }).map((parts) =>
    parts.join("")
  );
  fc.assert(fc.property(text, fc.array(fc.nat(30), { maxLength: 5 }), (text, cuts) => {
    const at = [0, ...cuts.filter((cut) => cut < text.length).toSorted((a, b) => a - b), text.length];
    assertEquals(cut(at.slice(1).map((end, index) => text.slice(at[index], end))), cut([text]));
  }));
});
