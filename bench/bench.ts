/**
 * What reading costs in CPU seconds, in the program and in the kernel apart: whole workers, the client alone, fan-out, child
 * processes, TLS, an empty call; each beside the floor that nobody can go below. Also the memory of a worker that catches
 * up, and the requests of an idle one.
 *
 * Every turn is a process of its own, against a server in another process, and all cases take turns in each round; the
 * figures are medians, and ratios are of CPU seconds in the same round. Go by the ratios: on shared cores CPU seconds grow too.
 *
 * ```sh
 * deno task bench [--only name,…] [--rounds N] [--against folder] [--compare] [--write] [--smoke]
 * ```
 *
 * `--against` has the library of another checkout take turns with this one's: what a change gained. `--compare` measures
 * other clients too, see `compare.ts`. `--write` puts the table into docs/performance.md. `--smoke` runs tiny turns, which
 * shows that the program works and measures nothing. Ends with one line of JSON: `Summary` of `figures.ts`.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { runCommand } from "../tests/support/command.ts";
import { withFolder } from "../tests/support/folder.ts";
import { type BenchCase, CASES, casesOf, IDLE_REQUESTS, optionsOf, SMOKE_SIZE } from "./cases.ts";
import {
  cpuPerMillion,
  cpuRatio,
  markdownTable,
  type Rounds,
  type Row,
  rowOf,
  summaryOf,
  tableOf,
  withBlock,
} from "./figures.ts";
import type { MeasuredTurn } from "./turn.ts";
import { type CannedServer, denoTurn, runTurn, startCannedServer, writeImportMap } from "./turns.ts";

const DOCUMENT = new URL("../docs/performance.md", import.meta.url);
/** Turns of a smoke run at the same time: nothing is measured, and it is to be over soon. */
const SMOKE_AT_ONCE = 3;
const COST = new URL("./cost.ts", import.meta.url).pathname;

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

/** One case of one checkout: `of` makes its row's name. */
interface Contender {
  readonly one: BenchCase;
  readonly name: string;
  readonly importMap: string | undefined;
  readonly turns: MeasuredTurn[];
}

await withFolder({}, async (folder) => {
  const server = await startCannedServer(folder);
  try {
    await main(server, folder);
  } finally {
    await server.stop();
  }
});

async function main(server: CannedServer, folder: string): Promise<void> {
  const cases = casesOf(names).filter(({ isTls }) => isTls !== true || server.tlsUrl !== undefined);
  if (server.tlsUrl === undefined) {
    console.log("TLS is skipped: there is no openssl on the PATH to make a certificate");
  }
  const importMap = values.against === undefined ? undefined : `${folder}/against.json`;
  if (importMap !== undefined) await writeImportMap(importMap, values.against ?? "");
  const contenders = cases.flatMap((one): Contender[] => {
    const own = { one, name: one.name, importMap: undefined, turns: [] };
    if (importMap === undefined || one.reader.startsWith("floor")) return [own];
    return [own, { one, name: `${one.name} of ${values.against}`, importMap, turns: [] }];
  });
  if (values.smoke) await smoke(contenders, server);
  else await measure(contenders, server);
  const idle = names.length === 0 || names.includes(IDLE_REQUESTS) ? await idleRequests() : undefined;
  const comparison = values.compare ? await (await import("./compare.ts")).compare(server, folder) : [];
  report(contenders, idle, comparison);
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

/** One tiny turn of each, some at once. */
async function smoke(contenders: readonly Contender[], server: CannedServer): Promise<void> {
  const left = [...contenders];
  await Promise.all(Array.from({ length: SMOKE_AT_ONCE }, async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      next.turns.push(await turnOf(next, server, true));
    }
  }));
}

async function turnOf({ one, importMap }: Contender, server: CannedServer, isSmoke = false) {
  const options = optionsOf(one, server);
  const command = denoTurn(one.isTls === true ? server.certificate : undefined, importMap);
  return await runTurn(command, one.reader, isSmoke ? { ...options, size: SMOKE_SIZE } : options);
}

/** Requests to DynamoDB for each shard and hour, of one worker that has 8 idle shards. */
async function idleRequests(): Promise<number> {
  const size = values.smoke ? ["--smoke"] : ["--workers", "1", "--shards", "8", "--seconds", "45"];
  const { code, stdout, stderr } = await runCommand(Deno.execPath(), [
    "run",
    "-A",
    COST,
    "--idle-only",
    ...size,
  ], {
    timeoutMs: 120_000,
  });
  if (code !== 0) throw new Error(`Cannot count the requests of an idle worker: ${stderr}`);
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "").idlePerShardHour;
}

function report(
  contenders: readonly Contender[],
  idle: number | undefined,
  comparison: readonly Row[],
): void {
  const measured = new Map(contenders.map(({ name, turns }) => [name, turns as Rounds]));
  const own = contenders.filter(({ importMap }) => importMap === undefined);
  const rows = contenders.map(({ name, one: { floor }, turns }) =>
    rowOf(name, turns, measured.get(floor ?? ""))
  );
  const table = tableOf(rows.filter(({ name }) => !name.startsWith("catch-up")));
  const summary = summaryOf(measured, idle);
  const others = otherFigures(contenders, idle);
  console.log([table, others].filter((text) => text !== "").join("\n\n"));
  if (comparison.length > 0) console.log(`\n${tableOf(comparison)}`);
  for (const { name, one, turns, importMap } of contenders) {
    if (importMap === undefined) continue;
    const before = turns, now = measured.get(one.name) ?? [];
    if (one.name === "catch-up") continue;
    const ratios = now.flatMap((turn, i) =>
      before[i] === undefined ? [] : [cpuPerMillion(turn) / cpuPerMillion(before[i])]
    );
    const range = [Math.min(...ratios), Math.max(...ratios)].map((ratio) => ratio.toFixed(2)).join(" to ");
    console.log(
      `${one.name} takes ${cpuRatio(now, before).toFixed(2)} (${range}) of the CPU time of ${name}`,
    );
  }
  if (values.write) writeTable(own, `${table}\n\n${others}`);
  console.log(JSON.stringify(summary));
}

/** What is not CPU time. */
function otherFigures(contenders: readonly Contender[], idle: number | undefined): string {
  const rows = contenders.filter(({ one }) => one.name === "catch-up").map(({ name, turns }) => [
    `\`${name}\``,
    `${Math.round(rowOf(name, turns).peakRssMiB)} MiB at the peak`,
  ]);
  if (idle !== undefined) {
    rows.push([`\`${IDLE_REQUESTS}\``, `${idle} requests to DynamoDB per shard and hour`]);
  }
  return rows.length === 0 ? "" : markdownTable([["case", "figure"], ...rows]);
}

function writeTable(own: readonly Contender[], text: string): void {
  if (own.length < CASES.length || names.length > 0 || values.against !== undefined || values.smoke) {
    throw new RangeError(
      "Cannot write the table: expected a whole run: got --only, --against, --smoke, or no TLS",
    );
  }
  Deno.writeTextFileSync(DOCUMENT, withBlock(Deno.readTextFileSync(DOCUMENT), text));
}
