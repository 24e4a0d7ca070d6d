/**
 * Starts each task of deno.json in a copy of the repository, so that none can rot unseen: `--smoke` makes a program do really
 * little, and really do it. A step of `.ci/run`; ends with 1 when a task failed.
 *
 * ```sh
 * deno run -A tests/tasks/tasks.ts [task]...
 * ```
 *
 * What a task needs and this machine lacks (Java, Python, a browser) ends in "skipped", which the task itself says.
 *
 * @module
 */

import { type CommandResult, runCommand } from "../support/command.ts";
import { copyRepository } from "../support/repository_copy.ts";

const ROOT = new URL("../../", import.meta.url);
/** A task should take 5 s on a quiet machine. One that takes so much longer hangs, or does not know `--smoke`, in ms. */
const limitMs = 40_000;
/** For all of them on a quiet machine, in ms: what takes longer is reported and does not fail, since machines differ. */
const goalMs = 90_000;

/** How a task is started. */
export type Start =
  /** A program of ours, which knows `--smoke`. */
  | { readonly type: "smoke" }
  /** `.ci/run` has a step of this name, which runs the task itself. */
  | { readonly type: "ownStep" };

/** Tasks that are commands of Deno's. Every other one is a program of ours. */
const COMMANDS: Readonly<Record<string, Start>> = {
  "test": { type: "ownStep" },
  "check": { type: "ownStep" },
  "check:portable": { type: "ownStep" },
  "docs:lint": { type: "ownStep" },
  "publish:dry-run": { type: "ownStep" },
};

/**
 * How each task is started.
 *
 * @param tasks Names, as in deno.json.
 * @param ciRun The text of `.ci/run`.
 * @throws {Error} when a task is named here that is gone, or is said to have a step of `.ci/run` and has none.
 */
export function startsOf(tasks: readonly string[], ciRun: string): ReadonlyMap<string, Start> {
  for (const [name, { type }] of Object.entries(COMMANDS)) {
    if (!tasks.includes(name)) throw new Error(`Cannot start task "${name}": deno.json has no such task`);
    const isRun = ciRun.split("\n").some((line) =>
      !/^\s*#/.test(line) && `${line} `.includes(` task ${name} `)
    );
    if (type === "ownStep" && !isRun) {
      throw new Error(`Cannot leave task "${name}" to .ci/run: expected a step with "task ${name}"`);
    }
  }
  return new Map(tasks.map((name) => [name, COMMANDS[name] ?? { type: "smoke" }]));
}

/** What became of a task, in words, and whether that is good. */
export function outcomeOf(
  { code, stdout, stderr }: CommandResult,
): { readonly isGood: boolean; readonly text: string } {
  const said = `${stdout}\n${stderr}`;
  if (code >= 128) return { isGood: false, text: `FAILED: not over within ${limitMs / 1000} s\n${said}` };
  if (code !== 0) return { isGood: false, text: `FAILED with code ${code}\n${said}` };
  const skipped = said.split("\n").find((line) => /\bskipped\b/.test(line));
  return { isGood: true, text: skipped === undefined ? "ok" : `skipped: ${skipped.trim()}` };
}

async function main(only: readonly string[]): Promise<number> {
  const { tasks } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  const starts = startsOf(Object.keys(tasks), await Deno.readTextFile(new URL(".ci/run", ROOT)));
  const unknown = only.filter((name) => !starts.has(name));
  if (unknown.length > 0) {
    throw new RangeError(`Cannot start ${unknown.join(", ")}: deno.json has no such task`);
  }
  const folder = await Deno.makeTempDir({ prefix: "kclite-tasks-" });
  const startedMs = performance.now();
  let ran = 0, failed = 0;
  try {
    await copyRepository(folder);
    for (const [name, { type }] of starts) {
      if (type === "ownStep" || (only.length > 0 && !only.includes(name))) continue;
      const fromMs = performance.now();
      const args = ["task", name, ...(type === "smoke" ? ["--smoke"] : [])];
      const { isGood, text } = outcomeOf(
        await runCommand(Deno.execPath(), args, { cwd: folder, timeoutMs: limitMs }),
      );
      ran++;
      if (!isGood) failed++;
      console.log(`${name}: ${text} (${seconds(fromMs)} s)`);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
  if (performance.now() - startedMs > goalMs) console.log(`slow: all of them should take ${goalMs / 1000} s`);
  console.log(`${ran} tasks started, ${failed} failed (${seconds(startedMs)} s)`);
  return ran > 0 && failed === 0 ? 0 : 1;
}

function seconds(sinceMs: number): string {
  return ((performance.now() - sinceMs) / 1000).toFixed(1);
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
