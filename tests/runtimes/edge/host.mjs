// @ts-check
/**
 * Runs a Worker in workerd by miniflare, in Node.js, and prints its address. The arguments are the Worker's bundle, the folder in which
 * Durable Objects keep their storage, and the Worker's variables as JSON. SIGTERM kills workerd in the middle of whatever it does.
 *
 * @module
 */

import { dirname } from "node:path";
import process from "node:process";

const [script = "", durableObjectsPersist = "", variables = "{}"] = process.argv.slice(2);
const { Miniflare } = await import("miniflare");
const host = new Miniflare({
  modules: true,
  scriptPath: script,
  modulesRoot: dirname(script),
  compatibilityDate: "2025-01-01",
  bindings: JSON.parse(variables),
  durableObjects: { CONSUMER: "Consumer" },
  durableObjectsPersist,
  unsafeTriggerHandlers: true,
  // What the Worker throws and prints, for whoever looks at a failure.
  verbose: true,
  /** @type {(stdout: import("node:stream").Readable, stderr: import("node:stream").Readable) => void} */
  handleRuntimeStdio(stdout, stderr) {
    stdout.pipe(process.stderr);
    stderr.pipe(process.stderr);
  },
});
console.log(String(await host.ready));
// `dispose()` ends workerd by SIGKILL: the isolate has no time for anything.
process.once("SIGTERM", async () => {
  await host.dispose();
  process.exit(0);
});
