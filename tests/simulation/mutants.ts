/**
 * Shows that the simulation finds bugs: each mutant of the source, one deliberate bug, is run with the seeds from 1 on until a
 * rule is broken. Says which rule, and how many seeds it took: the last of them is the one that broke it.
 * The last line is one of JSON; the exit code tells whether all were caught.
 *
 *     deno task sim:mutants [--seeds 4000] [--only name]
 *
 * @module
 */

import { parseArgs } from "node:util";
import { type Mutant, MUTANTS } from "./mutant_list.ts";

const ROOT = new URL("../../", import.meta.url);
/** A mutant that hangs is given up after so long. */
const limitMs = 600_000;

/** What became of one. */
interface Verdict {
  /** The rule that was broken; undefined: none was, or `trouble` kept it from being found out. */
  readonly invariant: string | undefined;
  readonly seeds: number;
  readonly trouble?: string;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { seeds: { type: "string", default: "4000" }, only: { type: "string" } },
  });
  const chosen = MUTANTS.filter(({ name }) => values.only === undefined || name === values.only);
  const folder = await Deno.makeTempDir({ prefix: "kclite-mutants-" });
  let caught = 0;
  try {
    await copyTree(folder);
    for (const mutant of chosen) {
      const { invariant, seeds, trouble } = await judge(folder, mutant, Number(values.seeds));
      if (invariant !== undefined) caught++;
      const how = trouble ??
        (invariant === undefined ? `NOT CAUGHT in ${seeds} seeds` : `${invariant} after ${seeds} seeds`);
      console.log(`${invariant === undefined ? "✗" : "✓"} ${mutant.name}: ${how}`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  console.log(JSON.stringify({ mutants: chosen.length, caught }));
  return caught === chosen.length ? 0 : 1;
}

/** Mutates the copy, runs it, and mends it again. */
async function judge(folder: string, mutant: Mutant, seeds: number): Promise<Verdict> {
  const path = `${folder}/${mutant.file}`;
  const source = await Deno.readTextFile(path);
  await Deno.writeTextFile(path, mutated(source, mutant));
  try {
    const output = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "tests/simulation/sim.ts", "--first", "--seeds", `${seeds}`],
      cwd: folder,
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(limitMs),
    }).output();
    return verdictOf(new TextDecoder().decode(output.stdout), new TextDecoder().decode(output.stderr));
  } finally {
    await Deno.writeTextFile(path, source);
  }
}

/**
 * The source with the bug.
 *
 * @throws {Error} when the text is not there exactly once: the mutant is out of date.
 */
export function mutated(source: string, { name, file, find, replace }: Mutant): string {
  const matches = source.split(find).length - 1;
  if (matches !== 1) {
    throw new Error(
      `Cannot make mutant "${name}": expected its text once in ${file}: got ${matches}: write it anew`,
    );
  }
  return source.replace(find, () => replace);
}

function verdictOf(stdout: string, stderr: string): Verdict {
  const lines = stdout.trim().split("\n");
  const last = lines.at(-1) ?? "";
  if (!last.startsWith("{")) {
    return { invariant: undefined, seeds: 0, trouble: `did not finish: ${stderr.trim().split("\n")[0]}` };
  }
  const { seeds } = JSON.parse(last) as { readonly seeds: number };
  const invariant = lines.map((line) => /^seed \d+, step \d+, [\d.]+ s: (\w+)/.exec(line)?.[1]).find(Boolean);
  return { invariant, seeds };
}

async function copyTree(folder: string): Promise<void> {
  for (const path of ["src", "tests/simulation"]) {
    await copyFolder(new URL(`${path}/`, ROOT), `${folder}/${path}`);
  }
  for (const path of ["deno.json", "deno.lock"]) {
    await Deno.copyFile(new URL(path, ROOT), `${folder}/${path}`);
  }
}

async function copyFolder(from: URL, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory } of Deno.readDir(from)) {
    if (isDirectory) await copyFolder(new URL(`${name}/`, from), `${to}/${name}`);
    else await Deno.copyFile(new URL(name, from), `${to}/${name}`);
  }
}
