import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../support/fast_check.ts";
import { decodeProperties, readProperties } from "../../src/properties/properties.ts";
import cases from "../cases/properties.json" with { type: "json" };
import { seeded } from "../support/seed.ts";

// The entries of each case are those of OpenJDK 17; the lines are ours.
for (const { comment, text, entries, error } of cases) {
  Deno.test(`readProperties() ${error === undefined ? "reads" : "refuses"}: ${comment}`, () => {
    if (error !== undefined) {
      assertEquals(assertThrows(() => readProperties(text, "app.properties"), SyntaxError).message, error);
      return;
    }
    assertEquals(
      readProperties(text, "app.properties").map(({ key, value, line }) => [key, value, line]),
      entries,
    );
  });
}

/** Text in which every character may be one that has a meaning in the format. */
const text = () => fc.string({ unit: fc.constantFrom(..."ab\\ \t\f\n\r=:#!u0é\u{1F600}\0'"), maxLength: 12 });

/** As `java.util.Properties.store` writes. */
function escape(text: string, isKey: boolean): string {
  return text.replace(/[\\\t\n\r\f=:#!]| /g, (char, at: number) => {
    const letter: Readonly<Record<string, string>> = { "\t": "t", "\n": "n", "\r": "r", "\f": "f" };
    if (char === " " && !isKey && at > 0) return " ";
    return `\\${letter[char] ?? char}`;
  }).replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

Deno.test("readProperties() reads back whatever was written", () => {
  const written = fc.record({
    key: text(),
    value: text(),
    separator: fc.constantFrom("=", ":", " = ", "\t:", " "),
    /** Where the entry is broken and joined again. */
    breakAt: fc.nat(30),
    end: fc.constantFrom("\n", "\r", "\r\n"),
    before: fc.constantFrom("", "\n", "# a=b\n", "  ! \\\n"),
  });
  fc.assert(
    fc.property(fc.array(written, { maxLength: 5 }), (entries) => {
      let file = "";
      const expected = entries.map(({ key, value, separator, breakAt, end, before }) => {
        const left = escape(key, true);
        const entry = left + (left === "" && separator.trim() === "" ? "=" : separator) +
          escape(value, false);
        const [, head = "", tail = ""] = breakable(entry, breakAt);
        file += before;
        const line = file.split(/\r\n|\r|\n/).length;
        file += head === "" ? entry : `${head}\\${end}  ${tail}`;
        file += end;
        return { key, value, line };
      });
      assertEquals(readProperties(file, "f"), expected);
    }),
    { ...seeded(), numRuns: 2000 },
  );
});

/** Breaks an entry where no escape and no spaces are torn apart. */
function breakable(entry: string, at: number): readonly string[] {
  const head = entry.slice(0, at), tail = entry.slice(at);
  const isTorn = /\\(?:u[0-9a-f]{0,3})?$/.test(head) || /^\s/.test(tail) || tail === "" || head.trim() === "";
  return isTorn ? [] : [entry, head, tail];
}

Deno.test("readProperties() takes any text, or names a line of it", () => {
  const alphabet = fc.constantFrom(..."ab\\\\\\\n\r \t\f=:#!u0é");
  fc.assert(
    fc.property(fc.string({ unit: alphabet, maxLength: 40 }), (text) => {
      const lines = text.split(/\r\n|\r|\n/).length;
      try {
        const found = readProperties(text, "f").map(({ line }) => line);
        assertEquals(found, found.toSorted((a, b) => a - b));
        assert(found.every((line) => line >= 1 && line <= lines));
      } catch (error) {
        assert(error instanceof SyntaxError && /^Cannot read "f" line \d+: /.test(error.message), `${error}`);
      }
    }),
    { ...seeded(), numRuns: 2000 },
  );
});

Deno.test("decodeProperties() reads UTF-8 where the bytes are UTF-8, with or without a mark, and Latin-1 elsewhere", () => {
  const utf8 = (text: string) => new TextEncoder().encode(text);
  assertEquals(decodeProperties(utf8("a=é€")), "a=é€");
  assertEquals(decodeProperties(utf8("\u{FEFF}a=b")), "a=b");
  assertEquals(decodeProperties(Uint8Array.of(0x61, 0x3d, 0xe9)), "a=é");
  // windows-1252, which goes by the name of Latin-1, has € at 0x80.
  assertEquals(decodeProperties(Uint8Array.of(0x80, 0x9f, 0xff)), "\u0080\u009f\u00ff");
  assertEquals(decodeProperties(new Uint8Array()), "");
});

Deno.test("decodeProperties() never fails, and gives each byte of Latin-1 its character", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), (bytes) => {
      const text = decodeProperties(Uint8Array.of(0xff, ...bytes));
      assertEquals(Array.from(text, (char) => char.charCodeAt(0)), [0xff, ...bytes]);
    }),
    seeded(),
  );
});
