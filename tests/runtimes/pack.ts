/**
 * Writes the npm package to a file: one bundle in pieces, an entry point for each of deno.json, their declarations, `bin/kclite`,
 * and a README of its own.
 *
 * ```sh
 * deno task pack [--smoke]
 * ```
 *
 * `--smoke` packs too: that takes a few seconds.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { runCommand } from "../support/command.ts";
import { writeDeclarations } from "./declarations.ts";
import { type DenoJson, packageJson, withAbsoluteLinks, withoutNpmSpecifiers } from "./package_json.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** The package's README, in the repository. */
const README = "docs/npm.md";

/** The file that the task writes, in the root of the repository. */
export const PACKED = "kclite.tgz";

/** Writes the package to a file. */
export async function packNpm(output: string): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await writePackage(`${folder}/package`);
    await must("tar", ["-czf", "kclite.tgz", "package"], folder);
    await Deno.copyFile(`${folder}/kclite.tgz`, output);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Writes the files of the package into a folder, which must not exist. */
export async function writePackage(folder: string): Promise<void> {
  const deno: DenoJson = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const entries = Object.values(deno.exports);
  await writeBundle(entries, folder);
  const dependencies = {
    ...await withPlainImports(folder),
    ...await writeDeclarations(ROOT, entries, folder),
  };
  const json = packageJson(deno, dependencies);
  await Deno.writeTextFile(`${folder}/package.json`, `${JSON.stringify(json, undefined, 2)}\n`);
  const readme = withAbsoluteLinks(await Deno.readTextFile(`${ROOT}${README}`), README, deno.version);
  await Deno.writeTextFile(`${folder}/README.md`, readme);
  await Deno.copyFile(`${ROOT}LICENSE`, `${folder}/LICENSE`);
  await Deno.mkdir(`${folder}/bin`);
  await Deno.copyFile(`${ROOT}bin/kclite`, `${folder}/bin/kclite`);
  for (const program of ["bin/kclite", "cli.js"]) await Deno.chmod(`${folder}/${program}`, 0o755);
}

/**
 * Packages stay imports. Names of functions do not stay: they take up a sixth of a Worker's bundle. Errors say their own
 * `name`, and a stack trace still has the names of methods.
 */
async function writeBundle(entries: readonly string[], folder: string): Promise<void> {
  const how = ["--code-splitting", "--minify", "--external", "npm:*", "--outdir", folder];
  await must(Deno.execPath(), ["bundle", ...how, ...entries], ROOT);
}

/** Puts the imports of the JavaScript below the folder into npm's words. @returns Ranges of the packages by name. */
async function withPlainImports(folder: string): Promise<Readonly<Record<string, string>>> {
  const dependencies: Record<string, string> = {};
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) Object.assign(dependencies, await withPlainImports(path));
    if (!name.endsWith(".js")) continue;
    const packed = withoutNpmSpecifiers(await Deno.readTextFile(path));
    Object.assign(dependencies, packed.dependencies);
    await Deno.writeTextFile(path, packed.text.replace(/^#!.*\n/, "#!/usr/bin/env node\n"));
  }
  return dependencies;
}

/** @throws {Error} with all that the program said, when it fails. */
export async function must(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await runCommand(command, args, { cwd, timeoutMs: 300_000 });
  if (code !== 0) {
    throw new Error(`${command} ${args.join(" ")} ended with code ${code}:\n${stdout}${stderr}`);
  }
  return stdout;
}

if (import.meta.main) {
  await packNpm(`${ROOT}${PACKED}`);
  console.log(PACKED);
}
