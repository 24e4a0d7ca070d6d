/**
 * The official Node.js library under the real Node: `deno task interop:node`. Needs `node` and `npm` on PATH, and the npm registry.
 *
 * `--smoke` runs it as it is: it takes two seconds.
 *
 * @module
 */

import { canRun, runCommand } from "../support/command.ts";
import { testAwsKcl } from "../multilang/aws_kcl.ts";

const folder = await Deno.makeTempDir({ prefix: "kclite-interop-node-" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

if (!await canRun("node") || !await canRun("npm")) {
  Deno.test({ name: "interop:node is skipped: node and npm are not both on PATH", ignore: true, fn() {} });
} else {
  await Deno.writeTextFile(`${folder}/package.json`, '{"private":true}');
  await Deno.copyFile("tests/multilang/children/aws_kcl_app.mjs", `${folder}/app.mjs`);
  const install = await runCommand("npm", ["install", "--no-audit", "--no-fund", "aws-kcl@2.3.2"], {
    cwd: folder,
  });
  if (install.code !== 0) {
    Deno.test({
      name: `interop:node is skipped: npm install failed: ${install.stderr.slice(0, 300)}`,
      ignore: true,
      fn() {},
    });
  } else testAwsKcl("Node", () => Promise.resolve(`node ${folder}/app.mjs`));
}
