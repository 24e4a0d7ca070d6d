/**
 * A Worker with slices as a bundler makes it for workerd, and its weight.
 *
 * @module
 */

import { gzipSync } from "node:zlib";
import { runCommand } from "./command.ts";
import { withFolder } from "./folder.ts";

const ENTRY = new URL("../../src/edge/mod.ts", import.meta.url).href;

/** What a Worker with one Durable Object takes of ./edge. */
export const WORKER_NAMES = "EdgeWorker, cloudflareDurableObject, cloudflareRearm";

/** The code of a Worker with these names of ./edge, in one file. */
export async function edgeBundle(names: string): Promise<string> {
  return await withFolder({ "worker.ts": `export { ${names} } from "${ENTRY}";` }, async (folder) => {
    const how = ["bundle", "--platform=browser", "--minify", "--output", `${folder}/worker.js`];
    const { code, stderr } = await runCommand(Deno.execPath(), [...how, `${folder}/worker.ts`]);
    if (code !== 0) throw new Error(`Cannot bundle ${names}: ${stderr}`);
    return await Deno.readTextFile(`${folder}/worker.js`);
  });
}

/** Level 9 of Deno's zlib packs as Node.js does by default, which Cloudflare's tool uses. */
export function gzippedKib(text: string): number {
  return gzipSync(text, { level: 9 }).length / 1024;
}
