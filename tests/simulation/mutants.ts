/**
 * Shows that bugs are found: each mutant of the source is one deliberate bug. The simulation runs it with the seeds from 1 on
 * until a rule is broken; says which rule, and how many seeds it took: the last of them is the one that broke it. What the
 * simulation cannot see is run with the test file that the mutant names; says which test failed first.
 * The last line is one of JSON.
 *
 *     deno task sim:mutants [--seeds 4000] [--only name ...] [--smoke]
 *
 * `--only` may be given several times. `--smoke` runs one mutant that the first seeds find.
 *
 * The exit code is 0 when all were caught and 1 when one survived. It is 2, with the reason, when something could not be run:
 * a simulation that ends without a result has found nothing.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { copyRepository } from "../support/repository_copy.ts";
import { runCommand } from "../support/command.ts";
import { type Mutant, MUTANTS } from "./mutant_list.ts";
import { OPERATOR_MUTANTS } from "./operator_mutant_list.ts";
import { UNIT_MUTANTS } from "./unit_mutant_list.ts";

/** Of both kinds. */
export const ALL_MUTANTS: readonly Mutant[] = [...MUTANTS, ...UNIT_MUTANTS, ...OPERATOR_MUTANTS];

/** A mutant that hangs is given up after so long. */
const limitMs = 600_000;
/** A test file takes some seconds. */
const testLimitMs = 120_000;
/** More at a time than this has not been tried. */
const maxAtATime = 2;
/** What one simulation may need, with room to spare. */
const bytesEach = 1.5 * 2 ** 30;
/** Seeds that the source as it is must pass before a broken rule counts as a mutant's. */
const soundSeeds = 3;
/** One of the first seeds finds it. */
const smokeMutant = "renew-without-counter";

/** What became of one. */
type Verdict =
  | { readonly type: "caught"; readonly by: string }
  | { readonly type: "survived"; readonly what: string }
  | { readonly type: "notRun"; readonly reason: string };

/** Options of {@linkcode runMutants}. */
export interface MutantRun {
  readonly mutants: readonly Mutant[];
  /** Seeds for each of them. */
  readonly seeds: number;
  readonly print: (line: string) => void;
  /** Fills a folder with what the simulation needs. @default copyRepository */
  readonly copy?: (folder: string) => Promise<void>;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args, console.log);

/** See the module. Returns the exit code. */
export async function main(args: readonly string[], print: (line: string) => void): Promise<number> {
  try {
    return await runMutants({ ...readArgs(args), print });
  } catch (error) {
    print(String(error));
    return 2;
  }
}

function readArgs(args: readonly string[]): Pick<MutantRun, "mutants" | "seeds"> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: "string", default: "4000" },
      only: { type: "string", multiple: true },
      smoke: { type: "boolean", default: false },
    },
  });
  if (!/^[1-9]\d*$/.test(values.seeds)) {
    throw new TypeError(
      `Cannot run mutants: expected a positive whole number for --seeds: got "${values.seeds}"`,
    );
  }
  const only = values.smoke ? [smokeMutant] : values.only;
  const unknown = only?.find((wanted) => !ALL_MUTANTS.some(({ name }) => name === wanted));
  if (unknown !== undefined) {
    throw new TypeError(`Cannot run mutants: expected the name of a mutant for --only: got "${unknown}"`);
  }
  const mutants = ALL_MUTANTS.filter(({ name }) => only === undefined || only.includes(name));
  return { mutants, seeds: Number(values.seeds) };
}

/** Runs each mutant in a copy of the repository, as many at a time as this machine can bear. Returns the exit code. */
export async function runMutants(
  { mutants, seeds, print, copy = copyRepository }: MutantRun,
): Promise<number> {
  const folder = await Deno.makeTempDir({ prefix: "kclite-mutants-" });
  const counts = { caught: 0, survived: 0, notRun: 0 };
  const left = [...mutants];
  const sound = new Map<string, Promise<void>>();
  /** The source without any bug must pass what is to find the mutant; looked at once for each such thing. */
  const ensureSound = (place: string, { test }: Mutant): Promise<void> => {
    const key = test ?? "simulation";
    let passing = sound.get(key);
    if (passing === undefined) sound.set(key, passing = passes(place, test));
    return passing;
  };
  const work = async (place: string) => {
    await copy(place);
    for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
      await ensureSound(place, mutant);
      const verdict = await judge(place, mutant, seeds);
      counts[verdict.type]++;
      print(`${verdict.type === "caught" ? "✓" : "✗"} ${mutant.name}: ${textOf(verdict)}`);
    }
  };
  try {
    const places = Array.from(
      { length: Math.min(atATime(), mutants.length) },
      (_, index) => `${folder}/${index}`,
    );
    const ends = await Promise.allSettled(places.map(work));
    for (const end of ends) if (end.status === "rejected") throw end.reason;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  print(JSON.stringify({ mutants: mutants.length, ...counts }));
  if (counts.notRun > 0 || counts.caught + counts.survived !== mutants.length) return 2;
  return counts.survived === 0 ? 0 : 1;
}

/** How many simulations this machine runs side by side: each keeps one core busy. */
function atATime(): number {
  const inMemory = Math.floor(Deno.systemMemoryInfo().available / bytesEach);
  return Math.max(1, Math.min(maxAtATime, navigator.hardwareConcurrency, inMemory));
}

/** @throws {Error} when the source as it is does not pass. */
async function passes(folder: string, test: string | undefined): Promise<void> {
  const verdict = test === undefined ? await simulated(folder, soundSeeds) : await tested(folder, test);
  if (verdict.type === "survived") return;
  throw new Error(`Cannot run mutants: the source without any bug must pass: ${textOf(verdict)}`);
}

/** Mutates the copy, runs it, and mends it again. */
async function judge(folder: string, mutant: Mutant, seeds: number): Promise<Verdict> {
  const path = `${folder}/${mutant.file}`;
  const source = await Deno.readTextFile(path);
  try {
    await Deno.writeTextFile(path, mutated(source, mutant));
    return mutant.test === undefined ? await simulated(folder, seeds) : await tested(folder, mutant.test);
  } catch (error) {
    return { type: "notRun", reason: String(error) };
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

/** Runs the copy's simulation with the seeds from 1 on, until a rule is broken. */
async function simulated(folder: string, seeds: number): Promise<Verdict> {
  const args = ["run", "-A", "tests/simulation/sim.ts", "--first", "--seeds", `${seeds}`];
  const { stdout, stderr } = await runCommand(Deno.execPath(), args, { cwd: folder, timeoutMs: limitMs });
  const lines = stdout.trim().split("\n");
  const last = lines.at(-1) ?? "";
  if (!last.startsWith("{")) {
    const why = stderr.split("\n").find((line) => /^error|Error:/.test(line)) ?? stderr.trim().split("\n")[0];
    return { type: "notRun", reason: why || `no result within ${limitMs / 1000} s` };
  }
  const result = JSON.parse(last) as { readonly seeds: number; readonly violations: number };
  if (result.violations === 0) return { type: "survived", what: `${result.seeds} seeds` };
  const invariant = lines.map((line) => /^seed \d+, step \d+, [\d.]+ s: (\w+)/.exec(line)?.[1]).find(Boolean);
  return { type: "caught", by: `${invariant ?? "a rule"} after ${result.seeds} seeds` };
}

/** Runs one test file of the copy. The types are not checked: a bug may well be one that they would find. */
async function tested(folder: string, test: string): Promise<Verdict> {
  const args = ["test", "-A", "--lock=deno.lock", "--no-check", test];
  const { stdout, stderr } = await runCommand(Deno.execPath(), args, { cwd: folder, timeoutMs: testLimitMs });
  const [, passed = 0, failed = 0] = (/^(?:ok|FAILED) \| (\d+) passed.* \| (\d+) failed/m.exec(stdout) ?? [])
    .map(Number);
  if (failed > 0) {
    const first = /^(.+) => \.\//m.exec(stdout)?.[1];
    return { type: "caught", by: `"${first ?? "a test"}"` };
  }
  if (passed > 0) return { type: "survived", what: test };
  const why = stderr.split("\n").find((line) => /^error|Error:/.test(line));
  return { type: "notRun", reason: why ?? `no result of ${test} within ${testLimitMs / 1000} s` };
}

function textOf(verdict: Verdict): string {
  switch (verdict.type) {
    case "caught":
      return verdict.by;
    case "survived":
      return `NOT CAUGHT in ${verdict.what}`;
    case "notRun":
      return `COULD NOT BE RUN: ${verdict.reason}`;
  }
}
