/**
 * Other packages beside kclite, on the same pages from the same server: AWS's own client in a plain loop, and lifion-kinesis.
 * On demand only: it loads them from npm, and takes some minutes.
 *
 * Every turn is a process of its own, and the readers take turns in every round, so that nobody inherits the memory or the
 * compiled code of another. Each runtime has a floor of its own, to which its other rows are compared round by round; the
 * figures are medians. What cannot be run is skipped, and says why.
 *
 * @module
 */

import { startDynalite } from "../tests/support/emulators.ts";
import { withFolder } from "../tests/support/folder.ts";
import { canRun, runCommand } from "../tests/support/command.ts";
import type { MeasuredTurn } from "./compare_turn.ts";
import { median, perSecond } from "./meter.ts";
import { PEERS } from "./peers/all.ts";
import type { Peer } from "./peers/peer.ts";
import config from "../deno.json" with { type: "json" };

const ROUNDS = 5;
/** The longest turn takes half a minute, most of it before it is measured. */
const TURN_LIMIT_MS = 120_000;
const ROOT = new URL("..", import.meta.url).pathname;
const PROGRAM = new URL("./compare_turn.ts", import.meta.url).pathname;

/** A reader in a runtime. */
interface Contender {
  readonly name: string;
  readonly version: string;
  readonly runtime: string;
  /** Program and arguments, to which what is to be read is added. */
  readonly command: readonly [string, ...string[]];
}

/** A row of the table. */
export interface Row {
  readonly name: string;
  readonly version: string;
  readonly runtime: string;
  readonly recordsPerSecond: number;
  /** Records a second over those of the floor in the same runtime; 1 = the same. */
  readonly ratioToFloor: number;
  readonly cpuSecondsPerMillionRecords: number;
  /** The most that one turn used. */
  readonly rssMiB: number;
}

/** What came out. */
export interface Comparison {
  readonly rows: readonly Row[];
  /** Sentences: what could not be measured, and why. */
  readonly skipped: readonly string[];
}

/** Measures, and prints a table. */
export async function compare(url: string): Promise<Comparison> {
  const skipped = PEERS.flatMap(({ packages: [{ name }], skippedInDeno: why }) =>
    why === undefined ? [] : [`${name} in Deno: ${why}`]
  );
  await using table = await startDynalite();
  return await withFolder({ "package.json": '{ "private": true, "type": "module" }' }, async (folder) => {
    const nodeVersion = await nodeProgram(folder, skipped);
    const contenders = [...inDeno(), ...(nodeVersion === undefined ? [] : inNode(folder, nodeVersion))];
    const measured = new Map(contenders.map((contender) => [contender, [] as MeasuredTurn[]]));
    for (let round = 1; round <= ROUNDS; round++) {
      console.error(`comparing: round ${round} of ${ROUNDS}`);
      for (const [contender, turns] of measured) {
        const turn = await turnOf(contender, [contender.name, url, table.url]);
        if (typeof turn === "object") {
          turns.push(turn);
        } else {
          measured.delete(contender);
          skipped.push(`${contender.name} in ${contender.runtime}: ${turn}`);
        }
      }
    }
    const rows = [...measured].map(([contender, turns]) =>
      rowOf(contender, turns, floorOf(contender, measured))
    );
    show(rows, skipped);
    return { rows, skipped };
  });
}

const OWN = ["floor", "kclite client", "kclite worker"];

function inDeno(): Contender[] {
  const runtime = `Deno ${Deno.version.deno}`;
  // Without the lock file: what is measured beside kclite must not get into it.
  const command = [Deno.execPath(), "run", "-A", "--quiet", "--no-lock", PROGRAM] as const;
  return inRuntime(runtime, command, PEERS.filter(({ skippedInDeno }) => skippedInDeno === undefined));
}

function inNode(folder: string, nodeVersion: string): Contender[] {
  const runtime = `Node.js ${nodeVersion}`;
  const command = ["node", `${folder}/compare_turn.mjs`] as const;
  return inRuntime(runtime, command, PEERS);
}

function inRuntime(runtime: string, command: Contender["command"], peers: readonly Peer[]): Contender[] {
  const own = OWN.map((name) => ({ name, version: config.version }));
  const others = peers.map(({ packages: [{ name, version }] }) => ({ name, version }));
  return [...own, ...others].map((reader) => ({ ...reader, runtime, command }));
}

/** Makes the program for Node.js: one bundle, with the packages installed beside it. @returns Node's version, if it could. */
async function nodeProgram(folder: string, skipped: string[]): Promise<string | undefined> {
  if (!await canRun("node") || !await canRun("npm")) {
    skipped.push("all of Node.js: it is not on the PATH, or npm is not");
    return undefined;
  }
  const packages = PEERS.flatMap((peer) => peer.packages).map(({ name, version }) => `${name}@${version}`);
  const install = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", ...packages];
  const bundle = ["bundle", "--quiet", "--no-lock", "--output", `${folder}/compare_turn.mjs`, PROGRAM];
  const steps = [["npm", install, folder], [Deno.execPath(), bundle, ROOT]] as const;
  for (const [command, args, cwd] of steps) {
    const { code, stderr } = await runCommand(command, args, { cwd, timeoutMs: 300_000 });
    if (code === 0) continue;
    skipped.push(`all of Node.js: ${command} ${args[0]} failed: ${reasonIn(stderr)}`);
    return undefined;
  }
  return (await runCommand("node", ["--version"])).stdout.trim().replace("v", "");
}

/** @returns The turn, or why there was none. */
async function turnOf({ command: [program, ...args] }: Contender, what: readonly string[]) {
  const { code, stdout, stderr } = await runCommand(program, [...args, ...what], {
    timeoutMs: TURN_LIMIT_MS,
  });
  const line = stdout.trim().split("\n").at(-1);
  if (code === 0 && line !== undefined) return JSON.parse(line) as MeasuredTurn;
  return code >= 128 ? `not over within ${TURN_LIMIT_MS / 1000} s` : reasonIn(stderr);
}

/** The line of what a program complained that says most. */
function reasonIn(stderr: string): string {
  const lines = stderr.trim().split("\n");
  return lines.find((line) => /error/i.test(line)) ?? lines[0] ?? "";
}

type Measured = ReadonlyMap<Contender, readonly MeasuredTurn[]>;

function floorOf({ runtime }: Contender, measured: Measured): readonly MeasuredTurn[] {
  const floor = [...measured].find(([other]) => other.name === "floor" && other.runtime === runtime);
  return floor?.[1] ?? [];
}

function rowOf(
  { name, version, runtime }: Contender,
  turns: readonly MeasuredTurn[],
  floor: readonly MeasuredTurn[],
): Row {
  const ratios = turns.flatMap((turn, round) => {
    const other = floor[round];
    return other === undefined ? [] : [perSecond(turn) / perSecond(other)];
  });
  const cpuSeconds = median(turns.map((turn) => turn.cpuSeconds / turn.records * 1e6));
  return {
    name,
    version,
    runtime,
    recordsPerSecond: Math.round(median(turns.map(perSecond))),
    ratioToFloor: Number(median(ratios).toFixed(3)),
    cpuSecondsPerMillionRecords: Number(cpuSeconds.toFixed(2)),
    rssMiB: Math.round(Math.max(...turns.map(({ rssMiB }) => rssMiB))),
  };
}

function show(rows: readonly Row[], skipped: readonly string[]): void {
  const head = ["reader", "version", "runtime", "records/s", "of its floor", "CPU s per million", "RSS MiB"];
  const cells = rows.map((row) => [
    row.name,
    row.version,
    row.runtime,
    row.recordsPerSecond.toLocaleString("en"),
    row.ratioToFloor.toFixed(2),
    row.cpuSecondsPerMillionRecords.toFixed(2),
    `${row.rssMiB}`,
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((row) => row[i]?.length ?? 0)));
  for (const row of [head, ...cells]) {
    console.log(
      row.map((cell, i) => i < 3 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)).join("  "),
    );
  }
  for (const line of skipped) console.log(`skipped: ${line}`);
}
