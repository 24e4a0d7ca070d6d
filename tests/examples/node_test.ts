/**
 * The example for Node.js on Deno, with the library from this checkout: examples/node/main.mjs names it as the npm package.
 * `tests/runtimes/packed.ts` runs it on Node.js, with the package.
 *
 * @module
 */

import { assertEquals, assertMatch } from "@std/assert";
import { NODE_EXAMPLE_OUTPUT, stopAtFirstOutput } from "../support/stopped_program.ts";

const ROOT = new URL("../../", import.meta.url);
const { name, version, exports } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));

Deno.test("node reads words, and stops in order on SIGTERM", async () => {
  const folder = await Deno.makeTempDir();
  try {
    // Away from its package.json, by which Deno would look for node_modules.
    await Deno.copyFile(new URL("examples/node/main.mjs", ROOT), `${folder}/main.mjs`);
    const entries = Object.entries<string>(exports).map(([entry, path]) => [
      `${name}${entry.slice(1)}`,
      new URL(path, ROOT).href,
    ]);
    await Deno.writeTextFile(
      `${folder}/deno.json`,
      JSON.stringify({ lock: false, nodeModulesDir: "none", imports: Object.fromEntries(entries) }),
    );
    const { code, stdout } = await stopAtFirstOutput(
      Deno.execPath(),
      ["run", "--quiet", "-A", "main.mjs"],
      folder,
    );
    assertMatch(stdout, NODE_EXAMPLE_OUTPUT);
    assertEquals(code, 0);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("the package.json of the example for Node.js asks for this version", async () => {
  const { dependencies } = JSON.parse(await Deno.readTextFile(new URL("examples/node/package.json", ROOT)));
  assertEquals(dependencies, { [name]: `^${version}` });
});
