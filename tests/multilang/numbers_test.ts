import { assert, assertEquals } from "@std/assert";

const DOCUMENT = "docs/compatibility.md";

for (const [heading, count] of [["What the AWS guide promises", 31], ["Compatibility traps", 55]] as const) {
  Deno.test(`${DOCUMENT} names a test that exists for each of: ${heading}`, async () => {
    const section = (await Deno.readTextFile(DOCUMENT)).split(`## ${heading}\n`)[1]?.split("\n#")[0] ?? "";
    const rows = [...section.matchAll(/^\| (\d+) +\| .* \| (.*) \|$/gm)];
    assertEquals(rows.map(([, number]) => Number(number)), Array.from({ length: count }, (_, i) => i + 1));
    for (const [, number, keepers = ""] of rows) {
      const named = [...keepers.matchAll(/`([^`]+)` "([^"]+)"/g)];
      assert(named.length > 0, `${number} is kept by nothing`);
      for (const [, path = "", words = ""] of named) {
        const text = await Deno.readTextFile(path);
        assert(text.includes(words), `${number}: ${path} has no test of the name "${words}"`);
      }
    }
  });
}
