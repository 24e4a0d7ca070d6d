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
 * other consumers too, see `compare.ts`; with `--only` it can stand alone, as `--only idle-1-8 --compare`. `--write` puts the tables into
 * docs/performance.md. `--smoke` runs tiny turns, which shows that the program works and measures nothing.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { withFolder } from "../tests/support/folder.ts";
import { type BenchCase, CASES, casesOf, IDLE_FLEETS, optionsOf, SMOKE_SIZE } from "./cases.ts";
import {
  cpuPerMillion,
  cpuRatio,
  markdownTable,
  type Rounds,
  rowOf,
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
  runTurn,
  startCannedServer,
  type TurnCommand,
  writeImportMap,
} from "./turns.ts";

const DOCUMENT = new URL("../docs/performance.md", import.meta.url);
/** Turns of a smoke run at the same time: nothing is measured, and it is to be over soon. */
const SMOKE_AT_ONCE = 3;
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
if (values.smoke && values.compare) {
  throw new RangeError("Cannot compare: expected --smoke or --compare: got both");
}

/** One case of one checkout: `of` makes its row's name. */
interface Contender {
  readonly one: BenchCase;
  readonly name: string;
  readonly command: TurnCommand;
  readonly isOther: boolean;
  readonly turns: MeasuredTurn[];
}

await withFolder({ "package.json": '{"private":true}' }, async (folder) => {
  const server = await startCannedServer(folder);
  try {
    await main(server, folder);
  } finally {
    await server.stop();
  }
});

async function main(server: CannedServer, folder: string): Promise<void> {
  const wanted = casesOf(names);
  const runtimes = await runtimesFor(wanted, folder);
  const cases = wanted.filter(({ isTls, runtime }) =>
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
  else await measure(contenders, server);
  const idle = await idleFigures();
  const comparison = values.compare
    ? await (await import("./compare.ts")).compare({
      server,
      folder,
      rounds,
      node: runtimes.get("node"),
      bundle,
    })
    : undefined;
  report(contenders.filter(({ turns }) => turns.length > 0), idle, comparison);
}

/** Installed only where a case or a comparison needs them. A smoke run takes what there is. */
async function runtimesFor(
  cases: readonly BenchCase[],
  folder: string,
): Promise<ReadonlyMap<RuntimeName, OtherRuntime>> {
  if (!values.compare && cases.every(({ runtime }) => runtime === undefined)) return new Map();
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
      contender.turns.push(await turnOf(contender, server));
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
      next.turns.push(await turnOf(next, server, true));
    }
  }));
}

async function turnOf({ one, command }: Contender, server: CannedServer, isSmoke = false) {
  const options = optionsOf(one, server);
  return await runTurn(command, one.reader, isSmoke ? { ...options, size: SMOKE_SIZE } : options);
}

/** Requests to DynamoDB for each shard and hour, by the name of the fleet. */
async function idleFigures(): Promise<ReadonlyMap<string, number>> {
  const figures = new Map<string, number>();
  for (const [name, fleet] of Object.entries(IDLE_FLEETS)) {
    if (names.length > 0 && !names.includes(name)) continue;
    if (values.smoke && figures.size > 0) break; // one fleet shows that it works
    figures.set(name, await idleRequestsPerShardHour(fleet));
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
  console.log(own);
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
  const targets = targetTable((name) =>
    figures.get(name) ?? [...figures].find(([key]) => key.startsWith(name))?.[1]
  );
  const compared = comparison === undefined ? "" : tableOf(comparison.rows);
  for (const text of [compared, targets]) if (text !== "") console.log(`\n${text}`);
  for (const line of comparison?.skipped ?? []) console.log(`skipped: ${line}`);
  if (values.write) {
    write(contenders, own, comparison === undefined ? undefined : `${targets}\n\n${compared}`);
  }
  console.log(JSON.stringify(summaryOf(measured, idle.get("idle-1-8"))));
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
  if (!isWhole || values.smoke) {
    throw new RangeError(
      "Cannot write the tables: expected a whole run: got --only, --against, --smoke, or no TLS, Node.js or Bun",
    );
  }
  let document = withBlock(Deno.readTextFileSync(DOCUMENT), "bench", own);
  if (compared !== undefined) document = withBlock(document, "bench --compare", compared);
  Deno.writeTextFileSync(DOCUMENT, document);
}
