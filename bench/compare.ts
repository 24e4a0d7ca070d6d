/**
 * Other consumers beside kclite, on the same pages: AWS's own client in a plain loop, lifion-kinesis, Java KCL and kcl-rs. On demand
 * only: it loads them from npm, Maven Central and PyPI, and takes some minutes.
 *
 * Every turn is a process of its own. In Deno and Node.js the readers take turns in every round, and each runtime has a floor of its
 * own, to which its other rows are compared round by round. What cannot be run is skipped, and says why.
 *
 * @module
 */

import { casesOf, optionsOf } from "./cases.ts";
import type { TurnSize } from "./meter.ts";
import { lineOf, type Row, rowOf, type Skipped } from "./figures.ts";
import { PEERS } from "./peers/all.ts";
import type { Peer } from "./peers/peer.ts";
import { measurePrograms, type ProgramFigures, PROGRAMS } from "./peers/programs.ts";
import { npmInstall, type OtherRuntime, reasonIn } from "./runtimes.ts";
import type { MeasuredTurn } from "./turn.ts";
import { type CannedServer, denoTurn, runTurn, type TurnCommand } from "./turns.ts";

/** Less than elsewhere: the slowest reader takes 135 s of CPU time for a million. */
const SIZE: TurnSize = { warmUp: 34_340, count: 343_400 };
/** What is measured of kclite, by the names of `readers.ts`. */
const OWN = ["floor", "client", "worker"] as const;

/** What `--only` calls the readers that are packages of npm, beside kclite's in the same runtimes. */
export const NPM = "npm";
/** What `--only` may name of the comparison. */
export const COMPARED: readonly string[] = [NPM, ...PROGRAMS.map(({ name }) => name)];

/** A reader in a runtime. */
interface Contender {
  readonly reader: string;
  readonly runtime: string;
  readonly command: TurnCommand;
  readonly turns: MeasuredTurn[];
}

/** What there is to compare with. */
export interface CompareOptions {
  readonly server: CannedServer;
  /** Where packages may be installed. */
  readonly folder: string;
  readonly rounds: number;
  /** Undefined: it could not be installed. */
  readonly node: OtherRuntime | undefined;
  /** The program for it. */
  readonly bundle: string;
  /** Of {@linkcode COMPARED}. */
  readonly only: readonly string[];
}

/** Measures in JSON, which all of them read, and Java in CBOR too. */
export async function compare(options: CompareOptions): Promise<ProgramFigures> {
  const { only, folder } = options;
  const inProcess = only.includes(NPM) ? await compareReaders(options) : { rows: [], skipped: [] };
  const programs = await measurePrograms(folder, PROGRAMS.filter(({ name }) => only.includes(name)));
  return {
    rows: [...inProcess.rows, ...programs.rows],
    others: programs.others,
    skipped: [...inProcess.skipped, ...programs.skipped],
  };
}

async function compareReaders({ server, folder, rounds, node, bundle }: CompareOptions) {
  const skipped: Skipped[] = PEERS.flatMap(({ packages: [{ name }], skippedInDeno: reason }) =>
    reason === undefined ? [] : [{ name: `${name} in Deno`, reason }]
  );
  const peersInDeno = PEERS.filter(({ skippedInDeno }) => skippedInDeno === undefined);
  let contenders = inRuntime(`Deno ${Deno.version.deno}`, denoTurn(undefined), peersInDeno);
  const packages = PEERS.flatMap((peer) => peer.packages).map(({ name, version }) => `${name}@${version}`);
  const failure = node === undefined ? "it is not installed" : await npmInstall(folder, packages, false);
  if (node === undefined || failure !== undefined) {
    skipped.push({ name: "all of Node.js", reason: failure ?? "it is not installed" });
  } else contenders.push(...inRuntime(node.title, [node.program, bundle], PEERS));
  const [one] = casesOf(["floor-json"]);
  if (one === undefined) throw new Error("Cannot compare: expected a case floor-json");
  const turnOptions = { ...optionsOf(one, server), size: SIZE, tableUrl: server.url };
  for (let round = 1; round <= rounds; round++) {
    console.error(`comparing: round ${round} of ${rounds}`);
    for (const { reader, runtime, command, turns } of contenders) {
      try {
        const turn = await runTurn(command, reader, turnOptions);
        turns.push(turn);
        console.log(lineOf(rowOf(`${reader} in ${runtime}`, [turn])));
      } catch (error) {
        skipped.push({ name: `${reader} in ${runtime}`, reason: reasonIn(String(error)) });
        contenders = contenders.filter((other) => other.reader !== reader || other.runtime !== runtime);
      }
    }
  }
  const rows = contenders.map(({ reader, runtime, turns }): Row => {
    const floor = contenders.find((other) => other.reader === "floor" && other.runtime === runtime);
    return rowOf(`${reader} in ${runtime}`, turns, reader === "floor" ? undefined : floor?.turns);
  });
  return { rows, skipped };
}

function inRuntime(runtime: string, command: TurnCommand, peers: readonly Peer[]): Contender[] {
  const readers = [...OWN, ...peers.map(({ packages: [{ name }] }) => name)];
  return readers.map((reader) => ({ reader, runtime, command, turns: [] }));
}
