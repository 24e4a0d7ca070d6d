/**
 * What reading costs in CPU seconds, in the program and in the kernel apart: whole workers, the client alone, fan-out, child
 * processes, TLS, an empty call, Node.js and Bun; each beside the floor that nobody can go below. Also the memory of a worker that
 * catches up, and the requests of idle fleets. Ends with the targets beside what was measured, and one line of JSON: `Summary` of
 * `figures.ts`.
 *
 * Every turn is a process of its own, against a server in another process, and all cases take turns in each round; the
 * figures are medians, and ratios are of CPU seconds in the same round. Go by the ratios: on shared cores CPU seconds grow too.
 *
 * ```sh
 * deno task bench [--only name,…] [--rounds N] [--against folder] [--compare] [--write] [--smoke]
 * ```
 *
 * `--against` has the library of another checkout take turns with this one's: what a change gained. `--compare` measures
 * other consumers too, see `compare.ts`; `--only java-cbor,kcl-rs-json` measures these two and nothing else. `--write` puts the tables into
 * docs/performance.md. `--smoke` runs tiny turns, which shows that the program works and measures nothing.
 *
 * Each figure is printed as soon as there is one. What fails is named and left out of the rounds that follow, and all else goes on; the
 * program then ends with code 1, unless only other consumers failed.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { withFolder } from "../tests/support/folder.ts";
import {
  type BenchCase,
  CASES,
  IDLE_FLEETS,
  optionsOf,
  type Selection,
  selectionOf,
  SMOKE_SIZE,
} from "./cases.ts";
import { compare, COMPARED, NPM } from "./compare.ts";
import {
  cpuPerMillion,
  cpuRatio,
  lineOf,
  markdownTable,
  type Rounds,
  rowOf,
  type Skipped,
  summaryOf,
  tableOf,
  withBlock,
} from "./figures.ts";
import { idleRequestsPerShardHour } from "./idle.ts";
import type { ProgramFigures } from "./peers/programs.ts";
import {
  bundleTurns,
  installRuntimes,
  type OtherRuntime,
  type RuntimeName,
  runtimesOnPath,
} from "./runtimes.ts";
import { targetTable } from "./targets.ts";
import type { MeasuredTurn } from "./turn.ts";
import {
  type CannedServer,
  denoTurn,
  killAll,
  runTurn,
  startCannedServer,
  type TurnCommand,
  writeImportMap,
} from "./turns.ts";

const DOCUMENT = new URL("../docs/performance.md", import.meta.url);
/** Turns of a smoke run at the same time: nothing is measured, and it is to be over soon. */
const SMOKE_AT_ONCE = 3;
const SIGNALS = ["SIGINT", "SIGTERM"] as const;
/** The case that is about memory and not about CPU time. */
const CATCH_UP = "catch-up";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    rounds: { type: "string", default: "3" },
    against: { type: "string" },
    compare: { type: "boolean", default: false },
    write: { type: "boolean", default: false },
    smoke: { type: "boolean", default: false },
  },
});
const names = values.only?.split(",") ?? [];
const rounds = Number(values.rounds);
if (!Number.isSafeInteger(rounds) || rounds < 1) {
  throw new RangeError(`Cannot measure: expected --rounds to be 1 or more: got ${values.rounds}`);
}
const wanted: Selection = selectionOf(names, COMPARED, values.compare);
if (values.smoke && wanted.compared.length > 0) {
  throw new RangeError("Cannot compare: expected --smoke or other consumers: got both");
}

/** One case of one checkout: `of` makes its row's name. */
interface Contender {
  readonly one: BenchCase;
  readonly name: string;
  readonly command: TurnCommand;
  readonly isOther: boolean;
  readonly turns: MeasuredTurn[];
}

/** What failed of our own. */
const failed: Skipped[] = [];

await withFolder({ "package.json": '{"private":true}' }, async (folder) => {
  // Java would look for its server for ever.
  const stop = () => {
    killAll();
    Deno.removeSync(folder, { recursive: true });
    Deno.exit(130);
  };
  for (const signal of SIGNALS) Deno.addSignalListener(signal, stop);
  const server = await startCannedServer(folder);
  try {
    await main(server, folder);
  } finally {
    await server.stop();
    for (const signal of SIGNALS) Deno.removeSignalListener(signal, stop);
  }
});
if (failed.length > 0) Deno.exitCode = 1;

async function main(server: CannedServer, folder: string): Promise<void> {
  const runtimes = await runtimesFor(folder);
  const cases = wanted.cases.filter(({ isTls, runtime }) =>
    (isTls !== true || server.tlsUrl !== undefined) && (runtime === undefined || runtimes.has(runtime))
  );
  if (server.tlsUrl === undefined) {
    console.log("TLS is skipped: there is no openssl on the PATH to make a certificate");
  }
  const importMap = values.against === undefined ? undefined : `${folder}/against.json`;
  if (importMap !== undefined) await writeImportMap(importMap, values.against ?? "");
  const bundle = `${folder}/turn.mjs`, otherBundle = `${folder}/against.mjs`;
  if (runtimes.size > 0) await bundleTurns(bundle);
  if (runtimes.size > 0 && importMap !== undefined) await bundleTurns(otherBundle, importMap);
  const contenders = cases.flatMap((one): Contender[] => {
    const runtime = one.runtime === undefined ? undefined : runtimes.get(one.runtime);
    const certificate = one.isTls === true ? server.certificate : undefined;
    const command = (map: string | undefined): TurnCommand =>
      runtime === undefined
        ? denoTurn(certificate, map)
        : [runtime.program, map === undefined ? bundle : otherBundle];
    const own = { one, name: one.name, command: command(undefined), isOther: false, turns: [] };
    if (importMap === undefined || one.reader.startsWith("floor")) return [own];
    const name = `${one.name} of ${values.against}`;
    return [own, { one, name, command: command(importMap), isOther: true, turns: [] }];
  });
  if (values.smoke) await smoke(contenders, server);
  else if (contenders.length > 0) await measure(contenders, server);
  const idle = await idleFigures();
  const comparison = wanted.compared.length === 0 ? undefined : await compare({
    server,
    folder,
    rounds,
    node: runtimes.get("node"),
    bundle,
    only: wanted.compared,
  });
  report(contenders.filter(({ turns }) => turns.length > 0), idle, comparison);
}

/** Installed only where a case or a comparison needs them. A smoke run takes what there is. */
async function runtimesFor(folder: string): Promise<ReadonlyMap<RuntimeName, OtherRuntime>> {
  const { cases, compared } = wanted;
  if (!compared.includes(NPM) && cases.every(({ runtime }) => runtime === undefined)) return new Map();
  const runtimes = values.smoke ? await runtimesOnPath() : await installRuntimes(folder);
  if (typeof runtimes !== "string") return runtimes;
  console.log(`Node.js and Bun are skipped: ${runtimes}`);
  return new Map();
}

async function measure(contenders: readonly Contender[], server: CannedServer): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    console.error(`round ${round} of ${rounds}`);
    // Who goes first alternates, so that nobody always follows the same one.
    for (const contender of round % 2 === 1 ? contenders : contenders.toReversed()) {
      // Ratios are of turns of the same round: whoever has none in one round is out.
      if (contender.turns.length < round - 1) continue;
      const turn = await turnOf(contender, server);
      if (turn === undefined) continue;
      contender.turns.push(turn);
      console.log(lineOf(rowOf(contender.name, [turn])));
    }
  }
}

/** One tiny turn of each way of reading, some at once. */
async function smoke(contenders: readonly Contender[], server: CannedServer): Promise<void> {
  const ways = new Map(contenders.map((contender) => {
    const { one: { reader, isTls, runtime }, isOther } = contender;
    return [[reader, isTls, runtime, isOther].join(), contender];
  }));
  const left = [...ways.values()];
  await Promise.all(Array.from({ length: SMOKE_AT_ONCE }, async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const turn = await turnOf(next, server);
      if (turn !== undefined) next.turns.push(turn);
    }
  }));
}

/** @returns Undefined: it failed, and was named. */
async function turnOf(
  { one, name, command }: Contender,
  server: CannedServer,
): Promise<MeasuredTurn | undefined> {
  const options = optionsOf(one, server);
  try {
    return await runTurn(command, one.reader, values.smoke ? { ...options, size: SMOKE_SIZE } : options);
  } catch (error) {
    fail(name, error);
    return undefined;
  }
}

function fail(name: string, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  console.log(`failed: ${name}: ${reason}`);
  failed.push({ name, reason });
}

/** Requests to DynamoDB for each shard and hour, by the name of the fleet. */
async function idleFigures(): Promise<ReadonlyMap<string, number>> {
  const figures = new Map<string, number>();
  // In a smoke run, one fleet shows that it works.
  for (const name of values.smoke ? wanted.fleets.slice(0, 1) : wanted.fleets) {
    const fleet = IDLE_FLEETS[name];
    if (fleet === undefined) continue;
    try {
      const requests = await idleRequestsPerShardHour(fleet);
      figures.set(name, requests);
      console.log(`${name}: ${requests} requests to DynamoDB per shard and hour`);
    } catch (error) {
      fail(name, error);
    }
  }
  return figures;
}

function report(
  contenders: readonly Contender[],
  idle: ReadonlyMap<string, number>,
  comparison: ProgramFigures | undefined,
): void {
  const measured = new Map(contenders.map(({ name, turns }) => [name, turns as Rounds]));
  const rows = contenders.map(({ name, one: { floor }, turns }) =>
    rowOf(name, turns, measured.get(floor ?? ""))
  );
  const cpuRows = rows.filter(({ name }) => !name.startsWith(CATCH_UP));
  const memory = rows.filter(({ name }) => name.startsWith(CATCH_UP)).map((row) =>
    [row.name, row.peakRssMiB] as const
  );
  const others = [...memory, ...idle];
  const own = [
    cpuRows.length === 0 ? "" : tableOf(cpuRows),
    others.length === 0 ? "" : markdownTable([
      ["case", "figure"],
      ...memory.map(([name, mib]) => [`\`${name}\``, `${Math.round(mib)} MiB at the peak`]),
      ...[...idle].map((
        [name, requests],
      ) => [`\`${name}\``, `${requests} requests to DynamoDB per shard and hour`]),
    ]),
  ].filter((text) => text !== "").join("\n\n");
  if (own !== "") console.log(own);
  for (const { name, one, turns, isOther } of contenders) {
    if (isOther && one.name !== CATCH_UP) {
      console.log(gainOf(one.name, measured.get(one.name) ?? [], name, turns));
    }
  }
  const figures = new Map([
    ...cpuRows.map(({ name, cpu }) => [name, cpu] as const),
    ...others,
    ...comparison?.rows.map(({ name, cpu }) => [name, cpu] as const) ?? [],
    ...comparison?.others ?? [],
  ]);
  const notes = new Map(comparison?.rows.map(({ name, note }) => [name, note]));
  const targets = targetTable(
    (name) => figures.get(name) ?? [...figures].find(([key]) => key.startsWith(name))?.[1],
    (name) => notes.get(name),
  );
  const compared = comparison === undefined ? "" : tableOf(comparison.rows);
  for (const text of [compared, targets]) if (text !== "") console.log(`\n${text}`);
  const skipped = comparison?.skipped ?? [];
  for (const { name, reason } of skipped) console.log(`not measured: ${name}: ${reason}`);
  for (const { name, reason } of failed) console.log(`failed: ${name}: ${reason}`);
  if (values.write) {
    // Names only: a reason may hold what is this machine's own.
    const without = skipped.length === 0
      ? ""
      : `Not measured in this run: ${skipped.map(({ name }) => `\`${name}\``).join(", ")}.`;
    const texts = [targets, compared, without].filter((text) => text !== "");
    write(contenders, own, comparison === undefined ? undefined : texts.join("\n\n"));
  }
  console.log(JSON.stringify(summaryOf(measured, idle.get("idle-1-8"), comparison?.rows)));
}

/** What this checkout gained over another. */
function gainOf(name: string, now: Rounds, otherName: string, before: Rounds): string {
  const ratios = now.flatMap((turn, i) =>
    before[i] === undefined ? [] : [cpuPerMillion(turn) / cpuPerMillion(before[i])]
  );
  const range = [Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(2)).join(" to ");
  return `${name} takes ${cpuRatio(now, before).toFixed(2)} (${range}) of the CPU time of ${otherName}`;
}

function write(contenders: readonly Contender[], own: string, compared: string | undefined): void {
  const isWhole = contenders.length === CASES.length && names.length === 0 && values.against === undefined;
  if (!isWhole || values.smoke || failed.length > 0) {
    console.log(
      "Cannot write the tables: expected a whole run: got --only, --against, --smoke, a failure, or no TLS, Node.js or Bun",
    );
    Deno.exitCode = 1;
    return;
  }
  let document = withBlock(Deno.readTextFileSync(DOCUMENT), "bench", own);
  if (compared !== undefined) document = withBlock(document, "bench --compare", compared);
  Deno.writeTextFileSync(DOCUMENT, document);
}
