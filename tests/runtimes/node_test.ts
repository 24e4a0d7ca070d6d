/** The library in Node.js: bundled to one file of Web-standard JavaScript, and put to work there. */

import { assertEquals } from "@std/assert";
import { canRun, runCommand } from "../support/command.ts";
import { SMOKE_TEXTS, withSmokeBed } from "../support/smoke_bed.ts";

const MOD = new URL("../../mod.ts", import.meta.url).pathname;
const SMOKE = new URL("./smoke.mjs", import.meta.url).href;

Deno.test({
  name: "mod.ts bundled for browsers runs a worker in Node.js",
  ignore: !await canRun("node"),
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const bundle = await runCommand(Deno.execPath(), [
        "bundle",
        "--platform=browser",
        "--output",
        `${folder}/kclite.mjs`,
        MOD,
      ]);
      assertEquals(bundle.code, 0, bundle.stderr);
      await Deno.writeTextFile(
        `${folder}/main.mjs`,
        `import * as library from "./kclite.mjs";
import { smoke } from ${JSON.stringify(SMOKE)};
console.log(JSON.stringify(await smoke(library, JSON.parse(process.argv[2]))));`,
      );
      const result = await withSmokeBed((options) =>
        runCommand("node", [`${folder}/main.mjs`, JSON.stringify(options)])
      );
      assertEquals({ code: result.code, stderr: result.stderr }, { code: 0, stderr: "" });
      assertEquals(JSON.parse(result.stdout), SMOKE_TEXTS);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
