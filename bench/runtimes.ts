/**
 * Node.js and Bun for turns: npm has both as packages. They run one bundle of `turn.ts`, made by `deno bundle`.
 *
 * @module
 */

import { canRun, runCommand } from "../tests/support/command.ts";

/** Runtimes beside Deno, by the names of their npm packages, with the version that is asked for. */
export const RUNTIMES = { node: "24", bun: "1" } as const;

/** The name of such a runtime. */
export type RuntimeName = keyof typeof RUNTIMES;

/** A runtime that can be started. */
export interface OtherRuntime {
  /** As people write it, with its version. */
  readonly title: string;
  readonly program: string;
}

const ROOT = new URL("..", import.meta.url).pathname;
const PROGRAM = new URL("./turn.ts", import.meta.url).pathname;
const TITLES: Readonly<Record<RuntimeName, string>> = { node: "Node.js", bun: "Bun" };

/** Installs both in a folder. @returns Why there is none, as a text, when this machine cannot have them. */
export async function installRuntimes(
  folder: string,
): Promise<ReadonlyMap<RuntimeName, OtherRuntime> | string> {
  if (!await canRun("npm")) return "there is no npm on the PATH";
  const names = Object.keys(RUNTIMES) as RuntimeName[];
  const failure = await npmInstall(folder, names.map((name) => `${name}@${RUNTIMES[name]}`));
  if (failure !== undefined) return failure;
  const found = names.map((name) => runtimeOf(name, `${folder}/node_modules/.bin/${name}`));
  return new Map((await Promise.all(found)).map((runtime, i) => [names[i] ?? "node", runtime]));
}

/** Node.js as it is on the PATH, for a smoke run: nothing is downloaded. @returns Why not, as a text. */
export async function runtimesOnPath(): Promise<ReadonlyMap<RuntimeName, OtherRuntime> | string> {
  if (!await canRun("node")) return "there is no node on the PATH";
  return new Map([["node", await runtimeOf("node", "node")]]);
}

async function runtimeOf(name: RuntimeName, program: string): Promise<OtherRuntime> {
  const { stdout } = await runCommand(program, ["--version"]);
  return { title: `${TITLES[name]} ${stdout.trim().replace("v", "")}`, program };
}

/** @param scripts Whether packages may run scripts of their own. @returns What npm complained of, if it did. */
export async function npmInstall(
  folder: string,
  packages: readonly string[],
  scripts = true,
): Promise<string | undefined> {
  const options = ["--no-audit", "--no-fund", "--loglevel=error", ...(scripts ? [] : ["--ignore-scripts"])];
  const { code, stderr } = await runCommand("npm", ["install", "--prefix", folder, ...options, ...packages], {
    cwd: folder,
    timeoutMs: 300_000,
  });
  return code === 0 ? undefined : `npm install failed: ${reasonIn(stderr)}`;
}

/** Makes the program for other runtimes. @param importMap See {@linkcode writeImportMap}. @throws {Error} when it cannot. */
export async function bundleTurns(output: string, importMap?: string): Promise<void> {
  const map = importMap === undefined ? [] : ["--import-map", importMap];
  const { code, stderr } = await runCommand(Deno.execPath(), [
    ...["bundle", "--quiet", "--no-lock", ...map, "--output", output, PROGRAM],
  ], { cwd: ROOT, timeoutMs: 120_000 });
  if (code !== 0) throw new Error(`Cannot bundle ${PROGRAM}: ${reasonIn(stderr)}`);
}

/** The line of what a program complained that says most. */
export function reasonIn(stderr: string): string {
  const lines = stderr.trim().split("\n");
  return lines.find((line) => /error/i.test(line)) ?? lines[0] ?? "";
}
