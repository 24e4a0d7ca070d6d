/**
 * Other packages beside kclite, on the same pages from the same server: AWS's own client in a plain loop, and lifion-kinesis.
 * On demand only: it loads them from npm, and takes some minutes.
 *
 * Every turn is a process of its own, and the readers take turns in every round. Each runtime has a floor of its own, to
 * which its other rows are compared round by round. What cannot be run is skipped, and says why.
 *
 * @module
 */

import { canRun, runCommand } from "../tests/support/command.ts";
import { startDynalite } from "../tests/support/emulators.ts";
import { casesOf, optionsOf } from "./cases.ts";
import type { TurnSize } from "./meter.ts";
import { type Row, rowOf } from "./figures.ts";
import { PEERS } from "./peers/all.ts";
import type { Peer } from "./peers/peer.ts";
import type { MeasuredTurn } from "./turn.ts";
import { type CannedServer, denoTurn, runTurn, type TurnCommand } from "./turns.ts";

const ROUNDS = 5;
/** Less than elsewhere: the slowest reader takes 135 s of CPU time for a million. */
const SIZE: TurnSize = { warmUp: 34_340, count: 343_400 };
const ROOT = new URL("..", import.meta.url).pathname;
const PROGRAM = new URL("./turn.ts", import.meta.url).pathname;
/** What is measured of kclite, by the names of `readers.ts`. */
const OWN = ["floor", "client", "worker"] as const;

/** A reader in a runtime. */
interface Contender {
  readonly reader: string;
  readonly runtime: string;
  readonly command: TurnCommand;
  readonly turns: MeasuredTurn[];
}

/**
 * Measures in JSON, which all of them read.
 *
 * @param folder Where packages may be installed.
 */
export async function compare(server: CannedServer, folder: string): Promise<readonly Row[]> {
  const skipped = PEERS.flatMap(({ packages: [{ name }], skippedInDeno: why }) =>
    why === undefined ? [] : [`${name} in Deno: ${why}`]
  );
  await using table = await startDynalite();
  const nodeVersion = await nodeProgram(folder, skipped);
  const peersInDeno = PEERS.filter(({ skippedInDeno }) => skippedInDeno === undefined);
  let contenders = inRuntime(`Deno ${Deno.version.deno}`, denoTurn(undefined), peersInDeno);
  if (nodeVersion !== undefined) {
    contenders.push(...inRuntime(`Node.js ${nodeVersion}`, ["node", `${folder}/turn.mjs`], PEERS));
  }
  const [one] = casesOf(["floor-json"]);
  if (one === undefined) throw new Error("Cannot compare: expected a case floor-json");
  for (let round = 1; round <= ROUNDS; round++) {
    console.error(`comparing: round ${round} of ${ROUNDS}`);
    for (const { reader, runtime, command, turns } of contenders) {
      try {
        turns.push(
          await runTurn(command, reader, { ...optionsOf(one, server), size: SIZE, tableUrl: table.url }),
        );
      } catch (error) {
        skipped.push(`${reader} in ${runtime}: ${reasonIn(String(error))}`);
        contenders = contenders.filter((other) => other.reader !== reader || other.runtime !== runtime);
      }
    }
  }
  for (const line of skipped) console.log(`skipped: ${line}`);
  return contenders.map(({ reader, runtime, turns }) => {
    const floor = contenders.find((other) => other.reader === "floor" && other.runtime === runtime);
    return rowOf(`${reader} in ${runtime}`, turns, reader === "floor" ? undefined : floor?.turns);
  });
}

function inRuntime(runtime: string, command: TurnCommand, peers: readonly Peer[]): Contender[] {
  const readers = [...OWN, ...peers.map(({ packages: [{ name }] }) => name)];
  return readers.map((reader) => ({ reader, runtime, command, turns: [] }));
}

/** Makes the program for Node.js: one bundle, with the packages installed beside it. @returns Node's version, if it could. */
async function nodeProgram(folder: string, skipped: string[]): Promise<string | undefined> {
  if (!await canRun("node") || !await canRun("npm")) {
    skipped.push("all of Node.js: it is not on the PATH, or npm is not");
    return undefined;
  }
  const packages = PEERS.flatMap((peer) => peer.packages).map(({ name, version }) => `${name}@${version}`);
  const install = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", ...packages];
  const bundle = ["bundle", "--quiet", "--no-lock", "--output", `${folder}/turn.mjs`, PROGRAM];
  const steps = [["npm", install, folder], [Deno.execPath(), bundle, ROOT]] as const;
  for (const [command, args, cwd] of steps) {
    const { code, stderr } = await runCommand(command, args, { cwd, timeoutMs: 300_000 });
    if (code === 0) continue;
    skipped.push(`all of Node.js: ${command} ${args[0]} failed: ${reasonIn(stderr)}`);
    return undefined;
  }
  return (await runCommand("node", ["--version"])).stdout.trim().replace("v", "");
}

/** The line of what a program complained that says most. */
function reasonIn(stderr: string): string {
  const lines = stderr.trim().split("\n");
  return lines.find((line) => /error/i.test(line)) ?? lines[0] ?? "";
}
