/**
 * Writes the Python package to a wheel: the modules of `python/kclite/`, and the bundled command line. The package `deno` of PyPI
 * brings the runtime. Python is not needed to write the wheel.
 *
 * ```sh
 * deno task pack:python [--try] [--smoke]
 * ```
 *
 * `--try` also installs the wheel in a new virtual environment, from PyPI, and runs amazon_kclpy's own sample with its imports
 * changed, on the emulator. It takes a minute. `--smoke` writes the wheel to a temporary folder and imports its modules.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { canRun } from "../support/command.ts";
import { must } from "./pack.ts";
import { type DenoJson, REPOSITORY, withAbsoluteLinks } from "./package_json.ts";
import { tryWheel } from "./try_wheel.ts";
import { textFile, wheelName, wheelOf } from "./wheel.ts";
import type { ZipFile } from "./zip.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** The text that PyPI shows, in the repository. */
const README = "docs/python.md";
/** Packages that the bundle contains. Their licenses come with the wheel. */
const BUNDLED = ["aws4fetch", "hono"] as const;

/** Writes the wheel into a folder. @returns Its path. */
export async function packPython(folder: string): Promise<string> {
  const { version, license }: DenoJson = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`));
  const metadata = {
    name: "kclite",
    version,
    license,
    summary: "A Kinesis Client Library without Java: it runs programs written on amazon_kclpy",
    homepage: REPOSITORY,
    python: ">=3.10",
    requires: ["deno>=2.9,<3"],
    description: withAbsoluteLinks(await Deno.readTextFile(`${ROOT}${README}`), README, version),
    commands: { kclite: "kclite.__main__:main" },
  };
  const modules = await filesBelow(`${ROOT}python/kclite`, "kclite");
  const bundle = textFile("kclite/cli.js", await bundledCommandLine());
  const wheel = await wheelOf(metadata, [...modules, bundle], await licenses());
  const path = `${folder}/${wheelName(metadata)}`;
  await Deno.writeFile(path, wheel);
  return path;
}

/** One file, with all packages. */
async function bundledCommandLine(): Promise<string> {
  const folder = await Deno.makeTempDir();
  try {
    const output = `${folder}/cli.js`;
    // The lock names the versions whose licenses come along.
    const how = ["--lock=deno.lock", "--frozen", "--minify", "--keep-names", "--output", output];
    await must(Deno.execPath(), ["bundle", ...how, "cli.ts"], ROOT);
    return await Deno.readTextFile(output);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The project's, and those of the bundled packages, which Deno has in its cache since it bundled them. */
async function licenses(): Promise<Readonly<Record<string, string>>> {
  const { npmCache } = JSON.parse(await must(Deno.execPath(), ["info", "--json"], ROOT));
  const lock: { readonly npm: Readonly<Record<string, unknown>> } = JSON.parse(
    await Deno.readTextFile(`${ROOT}deno.lock`),
  );
  const texts: Record<string, string> = { LICENSE: await Deno.readTextFile(`${ROOT}LICENSE`) };
  for (const name of BUNDLED) {
    const key = Object.keys(lock.npm).find((key) => key.startsWith(`${name}@`)) ?? "";
    const folder = `${npmCache}/registry.npmjs.org/${name}/${key.slice(name.length + 1)}`;
    texts[`LICENSE.${name}`] = await Deno.readTextFile(`${folder}/LICENSE`);
  }
  return texts;
}

async function filesBelow(folder: string, path: string): Promise<ZipFile[]> {
  const files: ZipFile[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (name === "__pycache__") continue;
    const below = { folder: `${folder}/${name}`, path: `${path}/${name}` };
    if (isDirectory) files.push(...await filesBelow(below.folder, below.path));
    else files.push({ path: below.path, bytes: await Deno.readFile(below.folder) });
  }
  return files.sort((a, b) => a.path < b.path ? -1 : 1);
}

/** Python reads the archive, its checksums too, and imports the modules out of it. */
async function importWheel(wheel: string): Promise<void> {
  if (!await canRun("python3")) {
    console.log("the import is skipped: there is no python3 on PATH");
    return;
  }
  await must("python3", ["-m", "zipfile", "-t", wheel], ROOT);
  const program = `import sys; sys.path.insert(0, ${JSON.stringify(wheel)})
import kclite.kcl, kclite.v2.processor, kclite.v3.processor, kclite.__main__
print(kclite.__version__)`;
  console.log(`python3 imports kclite ${(await must("python3", ["-B", "-c", program], ROOT)).trim()}`);
}

if (import.meta.main) {
  if (Deno.args.includes("--smoke")) {
    const folder = await Deno.makeTempDir();
    try {
      await importWheel(await packPython(folder));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  } else {
    const wheel = await packPython(ROOT.replace(/\/$/, ""));
    console.log(wheel.slice(ROOT.length));
    if (Deno.args.includes("--try")) await tryWheel(wheel);
  }
}
