/** What a Worker with an EdgeWorker weighs, and what its runtime would not take. */

import { assert, assertEquals } from "@std/assert";
import { edgeBundle, gzippedKib, WORKER_NAMES } from "../support/edge_bundle.ts";

/** What a bundler may make of these names of ./edge. */
const MOST_KIB = { EdgeWorker: 88, [WORKER_NAMES]: 89 };

/** What workerd has not, or refuses to run. A module that is only asked for may be missing. */
function refused(bundle: string): string[] {
  const found = [
    ...bundle.matchAll(
      /(?<!getBuiltinModule\?\.\()["'`]node:[a-z/_]+["'`]|\beval\(|\bnew Function\b|\bFunction\(|\brequire\(/g,
    ),
  ];
  return found.map(([text]) => text);
}

Deno.test("refused() finds modules of Node.js, eval and code made of text", () => {
  assertEquals(refused('import"node:fs/promises";eval("1");new Function("x");Function("y");require("z")'), [
    '"node:fs/promises"',
    "eval(",
    "new Function",
    "Function(",
    "require(",
  ]);
  assertEquals(refused("function Functions(){medieval(1)}"), []);
  assertEquals(refused('process?.getBuiltinModule?.("node:crypto")'), []);
});

for (const [names, mostKib] of Object.entries(MOST_KIB)) {
  Deno.test(`a Worker with ${names} has at most ${mostKib} KiB, gzipped`, async () => {
    const kib = gzippedKib(await edgeBundle(names));
    assert(kib <= mostKib, `it has ${kib.toFixed(1)} KiB: what else does src/edge load?`);
    assert(kib > mostKib / 4, `it has ${kib.toFixed(1)} KiB: is the worker in it?`);
  });
}

Deno.test("nothing of ./edge needs Node.js, or makes code of text", async () => {
  assertEquals(
    refused(
      await edgeBundle(
        "EdgeWorker, cloudflareDurableObject, cloudflareRearm, cloudflareScheduled, denoCron, fetchHandler, lambdaScheduled, webIdentityCredentials",
      ),
    ),
    [],
  );
});
