/**
 * Measures what one tick of an EdgeWorker costs: eight shards at the tip of their stream, on the emulator over loopback HTTP. A cold
 * tick begins in a new instance, as in an isolate that was just loaded; a warm one in the instance of the tick before.
 *
 * ```sh
 * deno task bench:edge [--shards N] [--ticks N] [--smoke]
 * ```
 *
 * Ends with one line of JSON: KiB of a Worker with a Durable Object, gzipped; requests of a cold tick without duties of a leader, with
 * `leases: "hold"`; medians of ms. `--smoke` makes two ticks with two shards.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { EdgeWorker, type LeasesMode } from "../src/edge/mod.ts";
import { realClock } from "../src/system.ts";
import { edgeBundle, gzippedKib } from "../tests/support/edge_bundle.ts";
import { servedSimulated, type Simulated } from "../tests/support/simulated.ts";
import { testCredentials } from "../tests/support/test_stream.ts";

const { values } = parseArgs({
  options: {
    "shards": { type: "string", default: "8" },
    "ticks": { type: "string", default: "30" },
    "smoke": { type: "boolean", default: false },
  },
});
const shards = values.smoke ? 2 : Number(values.shards);
const ticks = values.smoke ? 1 : Number(values.ticks);
const MODES: readonly LeasesMode[] = ["hold", "relay", "solo"];

/** What a tick took. */
interface Tick {
  readonly requests: number;
  readonly ms: number;
  /** How many times each operation was asked for. */
  readonly operations: ReadonlyMap<string, number>;
}

/** Ticks of one kind. */
interface Ticks {
  readonly cold: readonly Tick[];
  readonly warm: readonly Tick[];
}

/** A worker whose ticks are measured. */
class Measured {
  readonly #worker: EdgeWorker;
  #operations = new Map<string, number>();

  constructor({ url }: Simulated, leases: LeasesMode) {
    this.#worker = new EdgeWorker({
      applicationName: `bench-${leases}`,
      workerIdentifier: "bench-0",
      leases,
      streamName: "words",
      region: "us-east-1",
      credentials: testCredentials,
      kinesisEndpoint: url,
      dynamoDBEndpoint: url,
      failoverTimeMs: 600_000,
      initialPositionInStream: "TRIM_HORIZON",
      maxLeasesForWorker: shards,
      onProcessError: "retry",
      onEvent: (event) => {
        if (event.type !== "requestSent") return;
        this.#operations.set(event.operation, (this.#operations.get(event.operation) ?? 0) + 1);
      },
      processor: () => ({
        processRecords: (_batch, context) => context.checkpoint(),
        shardEnded: (context) => context.checkpoint(),
      }),
    });
  }

  async tick(): Promise<Tick> {
    this.#operations = new Map();
    const startedMs = performance.now();
    const { outcome, requests, failures } = await this.#worker.runSlice({
      budgetMs: 30_000,
      maxShards: shards,
    });
    const ms = performance.now() - startedMs;
    if (outcome !== "caughtUp" || failures.length > 0) {
      throw new Error(`Cannot measure: a tick ended with "${outcome}": ${failures.map(({ text }) => text)}`);
    }
    return { requests, ms, operations: this.#operations };
  }
}

async function measure(emulator: Simulated, leases: LeasesMode): Promise<Ticks> {
  const first = new Measured(emulator, leases);
  // The first tick makes the table, the second finds it as every later one does.
  await first.tick();
  await first.tick();
  const cold: Tick[] = [], warm: Tick[] = [];
  for (let n = 0; n < ticks; n++) {
    const worker = new Measured(emulator, leases);
    cold.push(await worker.tick());
    // A slice keeps to five reads a second of a shard, counted from the slice before.
    await realClock.sleep(250);
    warm.push(await worker.tick());
  }
  return { cold, warm };
}

/** A leader's pass reads the whole table. */
const isLed = ({ operations }: Tick) => operations.has("Scan");
const median = (numbers: readonly number[]) =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? NaN;

/** The commonest tick of a kind, in words. */
function row(name: string, all: readonly Tick[]): string {
  const requests = median(all.map((tick) => tick.requests));
  const usual = all.find((tick) => tick.requests === requests);
  const operations = [...usual?.operations ?? []].toSorted().map(([operation, count]) =>
    `${operation} ${count}`
  );
  const ms = median(all.map((tick) => tick.ms)).toFixed(0);
  return `${name.padEnd(24)} ${`${requests}`.padStart(3)} requests, ${ms.padStart(3)} ms: ${
    operations.join(", ")
  }`;
}

if (import.meta.main) {
  const gzipKiB = gzippedKib(await edgeBundle("EdgeWorker"));
  await using emulator = servedSimulated({ streams: { words: shards }, isReadLimited: false });
  const measured = new Map<LeasesMode, Ticks>();
  for (const mode of MODES) measured.set(mode, await measure(emulator, mode));
  console.log(`${shards} shards at the tip, ${ticks} cold and ${ticks} warm ticks of each mode; medians:`);
  for (const [mode, { cold, warm }] of measured) {
    for (const [name, all] of Object.entries({ cold, warm })) {
      for (const led of [false, true]) {
        const some = all.filter((tick) => isLed(tick) === led);
        if (some.length > 0) console.log(row(`${mode}, ${name}${led ? ", leading" : ""}`, some));
      }
    }
  }
  const { cold = [], warm = [] } = measured.get("hold") ?? {};
  const plain = (all: readonly Tick[]) => all.filter((tick) => !isLed(tick));
  console.log(JSON.stringify({
    gzipKiB: Number(gzipKiB.toFixed(1)),
    requestsPerTick: median(plain(cold).map(({ requests }) => requests)),
    coldTickMs: Math.round(median(plain(cold).map(({ ms }) => ms))),
    warmTickMs: Math.round(median(plain(warm).map(({ ms }) => ms))),
    shards,
  }));
}
