/**
 * Measures what Deno downloads and writes when a program of this repository starts for the first time: into an empty DENO_DIR.
 *
 * ```sh
 * deno task bench:start [--smoke]
 * ```
 *
 * It downloads from npm. `--smoke` downloads nothing: it lists the packages that each program imports.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { runCommand } from "../tests/support/command.ts";

const ROOT = new URL("../", import.meta.url);

/** Programs and how they are started. */
const STARTS: Readonly<Record<string, readonly string[]>> = {
  "cli.ts": ["--help"],
  "examples/words/demo.ts": ["--smoke"],
};

/** The npm packages that Deno downloads before it starts a module of this repository, by name and sorted. */
export async function packagesOf(module: string): Promise<string[]> {
  const { stdout, stderr, code } = await deno(["info", "--json", module]);
  if (code !== 0) throw new Error(`Cannot list the packages of ${module}: ${stderr}`);
  const { npmPackages = {} }: { readonly npmPackages?: Readonly<Record<string, unknown>> } = JSON.parse(
    stdout,
  );
  return Object.keys(npmPackages).map((name) => name.slice(0, name.lastIndexOf("@"))).toSorted();
}

/** What an empty DENO_DIR holds after a program ran, in bytes of its files. */
async function bytesAfter(module: string, args: readonly string[]): Promise<number> {
  const folder = await Deno.makeTempDir();
  try {
    const { code, stderr } = await deno(["run", "-A", module, ...args], { DENO_DIR: folder });
    if (code !== 0) throw new Error(`Cannot measure ${module}: it ended with code ${code}: ${stderr}`);
    const warning = stderr.split("\n").find((line) => /warning/i.test(line));
    if (warning !== undefined) console.log(`${module} warns: ${warning}`);
    return await bytesIn(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function bytesIn(folder: string): Promise<number> {
  let bytes = 0;
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    bytes += isDirectory ? await bytesIn(path) : (await Deno.lstat(path)).size;
  }
  return bytes;
}

async function deno(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return await runCommand(Deno.execPath(), args, { cwd: ROOT.pathname, env });
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { smoke: { type: "boolean" } } });
  for (const [module, args] of Object.entries(STARTS)) {
    const size = values.smoke ? "" : `${(await bytesAfter(module, args) / 1e6).toFixed(1)} MB, `;
    console.log(`${module}: ${size}${(await packagesOf(module)).join(", ")}`);
  }
}
