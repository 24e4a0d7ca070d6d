/**
 * What every example must be: small, started by one command that stands at its top, in the list, and tried by a test. A new folder in
 * examples/ is found by itself.
 *
 * @module
 */

import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";

const ROOT = new URL("../../", import.meta.url);
/** The demo is a program that shows the library, not one to copy from. */
const DEMO = "words";
/** Entry points that examples show. The command line is what runs programs in other languages. */
const ENTRIES =
  /^@kclite\/kclite(?:\/(?:testing|health|credentials|decode|dynamodb-streams|edge|failures|lambda|producer|sql|transact|cli))?$/;
/** What an example must show with the real thing. */
const PACKAGES: Readonly<Record<string, string>> = {
  exactly_once_postgres: "npm:@electric-sql/pglite@0.5.14",
};
const MOST_LINES = 60;

interface ExampleFile {
  readonly path: string;
  readonly text: string;
}

/** What is wrong with one example: nothing, or a sentence each. */
function complaints(name: string, files: readonly ExampleFile[], readme: string): string[] {
  const found: string[] = [];
  const main = files.find(({ path }) => /^main\.m?[jt]s$/.test(path));
  if (main === undefined) found.push(`${name} has no main`);
  else {
    if (!/^export async function main\(/m.test(main.text)) found.push(`${name} exports no main(options)`);
    const head = main.text.slice(0, main.text.indexOf("*/"));
    if (!/```sh\n \* [^\n]+\n/.test(head)) found.push(`${name} does not say how it is started`);
    const command = /deno run -A (\S+)/.exec(head)?.[1];
    if (command !== undefined && command !== `examples/${name}/main.ts`) {
      found.push(`${name} names ${command} as its start`);
    }
  }
  for (const { path, text } of files) {
    const lines = text.trimEnd().split("\n").length;
    if (lines > MOST_LINES) found.push(`${name}/${path} has ${lines} lines: at most ${MOST_LINES}`);
    for (const [, specifier = ""] of text.matchAll(/^(?:import|export) [^;]*?"([^"]+)";/gm)) {
      if (specifier === PACKAGES[name]) continue;
      if (!ENTRIES.test(specifier) && !specifier.startsWith("./") && !specifier.startsWith("node:")) {
        found.push(`${name}/${path} imports ${specifier}`);
      }
    }
  }
  const paragraph = readme.split(/\n\s*\n/).find((text) => text.startsWith(`**[${name}](${name}/)**`));
  if (paragraph === undefined) found.push(`examples/README.md has no paragraph on ${name}`);
  return found;
}

Deno.test("complaints() objects to a long example, a foreign import, a missing start, main or paragraph", () => {
  const good: ExampleFile = {
    path: "main.ts",
    text:
      '/**\n * ```sh\n * deno run -A examples/a/main.ts\n * ```\n */\nimport { x } from "@kclite/kclite";\nexport async function main() {}\n',
  };
  const readme = "# Examples\n\n**[a](a/)** shows it.\n";
  const wrong = (text: string, list = readme) => complaints("a", [{ ...good, text }], list).join();
  assertEquals(complaints("a", [good], readme), []);
  assertStringIncludes(wrong(good.text + "\n".repeat(60) + "x"), "has 68 lines");
  assertStringIncludes(wrong(good.text.replace("@kclite/kclite", "npm:other")), "imports npm:other");
  assertStringIncludes(wrong(good.text.replace("```sh", "```ts")), "how it is started");
  assertStringIncludes(wrong(good.text.replace("examples/a/", "examples/b/")), "names examples/b/main.ts");
  assertStringIncludes(wrong(good.text.replace("main()", "run()")), "exports no main");
  assertStringIncludes(wrong(good.text, "# Examples\n"), "no paragraph on a");
  assertEquals(complaints("a", [], readme), ["a has no main"]);
});

Deno.test("every example is small, started by one command, in the list and tried by a test", async () => {
  const readme = await Deno.readTextFile(new URL("examples/README.md", ROOT));
  const tests: string[] = [];
  for await (const { name } of Deno.readDir(new URL("tests/examples/", ROOT))) {
    if (name.endsWith("_test.ts")) {
      tests.push(await Deno.readTextFile(new URL(`tests/examples/${name}`, ROOT)));
    }
  }
  // It takes too long for the suite: `deno task test:sql`.
  tests.push(await Deno.readTextFile(new URL("tests/interop/sql.ts", ROOT)));
  let examples = 0;
  for await (const { name, isDirectory } of Deno.readDir(new URL("examples/", ROOT))) {
    if (!isDirectory) continue;
    examples++;
    assert(tests.some((text) => text.includes(`examples/${name}/`)), `no test tries examples/${name}`);
    assertStringIncludes(readme, `**[${name}](${name}/)**`);
    if (name === DEMO) continue;
    const files: ExampleFile[] = [];
    for await (const file of Deno.readDir(new URL(`examples/${name}/`, ROOT))) {
      if (!/\.(?:ts|mjs|py)$/.test(file.name)) continue;
      files.push({
        path: file.name,
        text: await Deno.readTextFile(new URL(`examples/${name}/${file.name}`, ROOT)),
      });
    }
    assertEquals(complaints(name, files, readme), []);
  }
  assertGreater(examples, 10);
});
