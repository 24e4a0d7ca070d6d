/**
 * Chaos: workers of the real command line in processes of their own, under kills, pauses, orderly stops, rolling restarts, reshards,
 * outages, throttling and a network that breaks, stalls, cuts and damages. Everything is on loopback and ends by itself.
 *
 *     deno task chaos [--minutes 2] [--seed 1] [--workers 4] [--rate 400] [--keep] [--smoke]
 *     deno task chaos --exactly-once dynamodb|postgres …
 *
 * With `--exactly-once` three workers count each record in a database, whose connections and answers are lost too.
 *
 * The last line is one of JSON. The exit code is 1 when a record was lost, when one came again after an orderly end, or
 * when a worker ended by itself or did not stop in order. With `--exactly-once` it is 1 when any counter is wrong.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { simulatedAws } from "../../src/testing/mod.ts";
import { seedOf } from "../support/seed.ts";
import { Chaos, type ChaosOptions, REGION, STREAM } from "./chaos.ts";
import { dynamodbStore, TABLE } from "./dynamodb_store.ts";
import { ledgerStore } from "./ledger_store.ts";
import { postgresStore } from "./postgres_store.ts";
import type { ResultsStore } from "./results_store.ts";

/** @returns why there is none, where none can be had. */
async function storeOf(
  kind: string | undefined,
  { seed, folder }: ChaosOptions,
  aws: ReturnType<typeof simulatedAws>,
): Promise<ResultsStore | string> {
  if (kind === undefined) return ledgerStore(folder);
  if (kind === "dynamodb") return dynamodbStore(aws);
  if (kind === "postgres") return await postgresStore(seed);
  throw new RangeError(`Cannot run chaos: expected --exactly-once dynamodb or postgres: got "${kind}"`);
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      "exactly-once": { type: "string" },
      minutes: { type: "string", default: "2" },
      seed: { type: "string", default: "1" },
      workers: { type: "string" },
      rate: { type: "string", default: "400" },
      shards: { type: "string", default: "4" },
      keep: { type: "boolean", default: false },
      smoke: { type: "boolean", default: false },
    },
  });
  const kind = values["exactly-once"];
  const seed = seedOf(values.seed);
  const folder = await Deno.makeTempDir({ prefix: "kclite-chaos-" });
  const options: ChaosOptions = values.smoke
    ? { ms: 1500, seed, workers: 2, rate: 200, shards: 2, failoverTimeMs: 1000, folder }
    : {
      ms: Number(values.minutes) * 60_000,
      seed,
      workers: Number(values.workers ?? (kind === undefined ? 4 : 3)),
      rate: Number(values.rate),
      shards: Number(values.shards),
      failoverTimeMs: 3000,
      folder,
    };
  try {
    const tables = kind === "dynamodb" ? { [TABLE]: { key: "id" } } : {};
    const aws = simulatedAws({ streams: { [STREAM]: options.shards }, tables, region: REGION });
    const store = await storeOf(kind, options, aws);
    if (typeof store === "string") {
      console.log(`chaos --exactly-once ${kind} is skipped: ${store}`);
      return 0;
    }
    await using results = store;
    console.log(`Results go to ${results.name}`);
    await using chaos = new Chaos(options, aws, results);
    const { verdict, troubles, done } = await chaos.run();
    for (const line of [...troubles, ...verdict.stories]) console.log(line);
    console.log(`Done: ${Object.entries(done).map(([name, times]) => `${times} ${name}`).join(", ")}`);
    const exactly = kind === undefined ? {} : { results: results.name };
    console.log(JSON.stringify({ seed, ...exactly, ...verdict.sums, troubles: troubles.length }));
    return verdict.isGood && troubles.length === 0 ? 0 : 1;
  } finally {
    if (values.keep) console.log(folder);
    else await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) Deno.exit(await main(Deno.args));
