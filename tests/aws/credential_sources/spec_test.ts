import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { parseCredentialsSpec } from "../../../src/aws/credential_sources/spec.ts";
import cases from "../../cases/credentials_spec.json" with { type: "json" };

for (const { value, entries, notes, error, comment } of cases) {
  Deno.test(`parseCredentialsSpec() of "${value}": ${comment}`, () => {
    if (error !== undefined) {
      const thrown = assertThrows(() => parseCredentialsSpec(value), TypeError, error);
      return assert(!thrown.message.includes("geheim"), thrown.message);
    }
    const spec = parseCredentialsSpec(value);
    // JSON has no undefined: a field that is absent there is undefined here.
    assertEquals(JSON.parse(JSON.stringify(spec.entries)), entries);
    assertEquals(spec.notes.length, notes?.length ?? 0, spec.notes.join("\n"));
    spec.notes.forEach((note, i) => assertStringIncludes(note, notes?.[i] ?? ""));
    assert(!spec.notes.join().includes("geheim"), spec.notes.join("\n"));
  });
}
