/**
 * How leasing grows with workers and shards: fleets of some sizes in virtual time, in fair weather. Prints a table; the last
 * line is one of JSON. What it found is in docs/scale.md.
 *
 *     deno task bench:scale [--workers 500] [--shards 10000] [--only] [--within 1000] [--failover 10000] [--no-pass] [--smoke]
 *
 * Runs the sizes of the ladder that are smaller, and the one asked for; `--only` that one alone. All workers of a batch
 * start `--within` so many ms. `--smoke` is short for 3 workers on 6 shards alone.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { type PhaseFigures, type ScaleFigures, scaleRun } from "./scale_run.ts";

/** Workers and shards, 20 shards each. */
const ladder = [[5, 100], [50, 1000], [100, 2000], [250, 5000]] as const;

if (import.meta.main) await main(Deno.args);

async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      workers: { type: "string", default: "500" },
      shards: { type: "string", default: "10000" },
      only: { type: "boolean", default: false },
      within: { type: "string", default: "1000" },
      failover: { type: "string", default: "10000" },
      seed: { type: "string", default: "1" },
      "no-pass": { type: "boolean", default: false },
      smoke: { type: "boolean", default: false },
    },
  });
  const asked = values.smoke ? [3, 6] as const : [Number(values.workers), Number(values.shards)] as const;
  const isAlone = values.only || values.smoke;
  const sizes = [...ladder.filter(([workers]) => !isAlone && workers < asked[0]), asked];
  const all: ScaleFigures[] = [];
  for (const [workers, shards] of sizes) {
    const figures = await scaleRun({
      workers,
      shards,
      seed: `scale ${values.seed}`,
      startWithinMs: Number(values.within),
      steadyMs: 60_000,
      worker: { failoverTimeMs: Number(values.failover) },
    }, { withPass: !values["no-pass"] });
    all.push(figures);
    console.error(`${workers} × ${shards}: ${figures.realS} s, ${figures.rssMiB} MiB`);
  }
  console.log(tableOf(all));
  console.log(JSON.stringify({ sizes: all }));
}

/** Markdown: a column for each size. */
function tableOf(all: readonly ScaleFigures[]): string {
  const row = (name: string, cell: (figures: ScaleFigures) => string | number | undefined) =>
    `| ${name} | ${all.map((figures) => cell(figures) ?? "never").join(" | ")} |`;
  const phase = (name: string, of: (figures: ScaleFigures) => PhaseFigures) => [
    row(`**${name}**: all shards read, s`, (figures) => of(figures).readS),
    row("balanced, s", (figures) => of(figures).balancedS),
    row("leases gained", (figures) => of(figures).gained),
    row("longest unread, s", (figures) => of(figures).longestGapS),
    row("leaders, troubles", (figures) => `${of(figures).leaders}, ${of(figures).troubles}`),
    row(
      "busiest second, read / write units",
      (figures) => `${of(figures).peakReadUnits} / ${of(figures).peakWriteUnits}`,
    ),
  ];
  const purposes = [...new Set(all.flatMap(({ steady }) => Object.keys(steady.requests)))].toSorted();
  const passes = Object.keys(all[0]?.passMs ?? {}) as (keyof NonNullable<ScaleFigures["passMs"]>)[];
  return [
    row("workers × shards", ({ workers, shards }) => `${workers} × ${shards}`),
    `| --- |${all.map(() => " --- |").join("")}`,
    ...phase("cold start", ({ cold }) => cold),
    ...purposes.map((purpose) =>
      row(`at rest: ${purpose} per second`, ({ steady }) => steady.requests[purpose] ?? 0)
    ),
    row("leader's requests per second", ({ steady }) => steady.leaderRequests),
    row("another worker's", ({ steady }) => steady.workerRequests),
    row("read / write units per second", ({ steady }) => `${steady.readUnits} / ${steady.writeUnits}`),
    row("requests per lease and hour", ({ steady }) => steady.requestsPerLeaseHour),
    ...phase("as many workers again", ({ doubled }) => doubled),
    ...phase("a tenth killed", ({ killed }) => killed),
    ...phase("a tenth stopped", ({ stopped }) => stopped),
    ...passes.map((name) => row(`pass: ${name}, ms`, ({ passMs }) => passMs?.[name])),
    row("real time, s", ({ realS }) => realS),
    row("memory, MiB", ({ rssMiB }) => rssMiB),
  ].join("\n");
}
