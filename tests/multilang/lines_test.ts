import { assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "../support/fast_check.ts";
import { LineCutter } from "../../src/multilang/lines.ts";
import { seeded } from "../support/seed.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

Deno.test("LineCutter cuts at LF, CR and CRLF, however the bytes were read (trap 16)", () => {
  const text = fc.array(fc.constantFrom("a", "é", "\n", "\r", "\r\n", "\u2028", "\u0085", "{}"), {
    maxLength: 30,
  })
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(text, fc.array(fc.nat(5), { minLength: 1 }), (text, sizes) => {
      const cutter = new LineCutter(1000);
      const bytes = bytesOf(text);
      const lines: string[] = [];
      for (let at = 0, turn = 0; at < bytes.length; turn++) {
        const size = 1 + (sizes[turn % sizes.length] ?? 0);
        // The reader's buffer is used again for the next read.
        const buffer = bytes.slice(at, at + size);
        lines.push(...cutter.push(buffer).map(textOf));
        buffer.fill(0);
        at += size;
      }
      lines.push(...cutter.flush().map(textOf));
      assertEquals(lines, text.split(/\r\n|\n|\r/).filter((line) => line !== ""));
    }),
    seeded(),
  );
});

Deno.test("LineCutter bounds the line that is not whole yet", () => {
  const cutter = new LineCutter(10);
  const lines: string[] = [];
  for (let i = 0; i < 7; i++) {
    lines.push(...cutter.push(bytesOf("abcdef")).map(textOf));
    assertLessOrEqual(cutter.pendingBytes, 10);
  }
  lines.push(...cutter.push(bytesOf("\nnext\n")).map(textOf));
  assertEquals(lines, ["abcdefabcd", "efabcdefab", "cdefabcdef", "abcdefabcd", "ef", "next"]);
});

Deno.test("LineCutter gives many lines of one read", () => {
  const lines = new LineCutter(100).push(bytesOf("x\n".repeat(300_000)));
  assertEquals(lines.length, 300_000);
});
