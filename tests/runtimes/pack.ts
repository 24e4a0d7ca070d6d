/**
 * Writes the npm package: what `deno pack` makes, and in its package.json the optional peer dependencies, which Deno cannot write.
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
import { PROFILE_PACKAGE } from "../../src/host/profile_credentials.ts";
import { runCommand } from "../support/command.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The file that the task writes, in the root of the repository. */
export const PACKED = "kclite.tgz";

/** Packages that a user installs who needs them, as `npm:name@version`. */
export const OPTIONAL_PEERS: readonly string[] = [PROFILE_PACKAGE];

/** What a package.json says, as far as it matters here. */
export interface PackageJson {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

/**
 * The package.json with packages as optional peers, of the given version or a later one of its major: npm does not install them by itself.
 *
 * @throws {Error} when one is a dependency too, which npm would install.
 */
export function withOptionalPeers(json: PackageJson, specifiers: readonly string[]): PackageJson {
  const peers = specifiers.map((specifier) => {
    const [, name = "", version = ""] = /^npm:(.+)@(\d[^@]*)$/.exec(specifier) ?? [];
    if (name === "") throw new RangeError(`Cannot pack: expected npm:name@version: got ${specifier}`);
    if (json.dependencies?.[name] !== undefined) {
      throw new Error(`Cannot pack: expected ${name} to be optional: got a dependency: name it in no import`);
    }
    return { name, range: `^${version}` };
  });
  return {
    ...json,
    peerDependencies: Object.fromEntries(peers.map(({ name, range }) => [name, range])),
    peerDependenciesMeta: Object.fromEntries(peers.map(({ name }) => [name, { optional: true }])),
  };
}

/** Writes the package to a file. */
export async function packNpm(output: string): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await must(Deno.execPath(), ["pack", "--allow-dirty", "-o", `${folder}/deno.tgz`], ROOT);
    await must("tar", ["-xzf", "deno.tgz"], folder);
    const path = `${folder}/package/package.json`;
    const json = withOptionalPeers(JSON.parse(await Deno.readTextFile(path)), OPTIONAL_PEERS);
    await Deno.writeTextFile(path, `${JSON.stringify(json, undefined, 2)}\n`);
    await must("tar", ["-czf", "kclite.tgz", "package"], folder);
    await Deno.copyFile(`${folder}/kclite.tgz`, output);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
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
