/**
 * How fast one shard is read: a whole worker (leases in memory, the signed Kinesis client, pages decoded and delivered to a
 * processor that touches each record) beside the floor of `floor.ts`, on the same pages from the same server.
 *
 * The two take turns in one process, so that whatever else the machine does hits both alike; the figures are medians over
 * the rounds. Ends with one line of JSON. `floorRatio` is the worker's records a second over the floor's: 1 = as fast as
 * one page after the other can be; more, since a worker reads ahead.
 *
 * ```sh
 * deno task bench [--compare] [--smoke]
 * ```
 *
 * `--compare` measures other packages too, see `compare.ts`, and adds `compare` to the line. `--smoke` runs one round of a few
 * pages, which shows that the program works and measures nothing.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { FULL_TURN, median, perCpuSecond, perSecond, SMOKE_TURN, type Turn } from "./meter.ts";
import { floorTurn, workerTurn } from "./readers.ts";

const { values } = parseArgs({
  options: { compare: { type: "boolean", default: false }, smoke: { type: "boolean", default: false } },
});
const [rounds, size] = values.smoke ? [1, SMOKE_TURN] : [5, FULL_TURN];

/** Starts the canned server; `stop` ends it. */
async function startServer(): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  const server = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--allow-net=127.0.0.1",
      new URL("./canned_server.ts", import.meta.url).pathname,
    ],
    stdout: "piped",
  }).spawn();
  const lines = server.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await lines.read();
  if (value === undefined) throw new Error("The canned server did not start");
  return {
    url: JSON.parse(value).url,
    async stop() {
      server.kill("SIGKILL");
      await lines.cancel();
      await server.status;
    },
  };
}

function show(name: string, turn: Turn): void {
  const figures = [perSecond(turn), perCpuSecond(turn)].map((value) =>
    Math.round(value).toLocaleString("en")
  );
  console.log(`${name.padEnd(8)} ${figures[0]} records/s, ${figures[1]} records per CPU second`);
}

/** The worker beside the floor. */
async function measure(url: string): Promise<Readonly<Record<string, number>>> {
  const done: { readonly floor: Turn; readonly worker: Turn }[] = [];
  let rssMiB = 0;
  for (let round = 1; round <= rounds; round++) {
    // Who goes first alternates too.
    const [first, second] = round % 2 === 1 ? [floorTurn, workerTurn] : [workerTurn, floorTurn];
    const [a, b] = [await first(url, size), await second(url, size)];
    const turns = first === floorTurn ? { floor: a, worker: b } : { floor: b, worker: a };
    done.push(turns);
    rssMiB = Math.max(rssMiB, Deno.memoryUsage().rss / 2 ** 20);
    show("floor", turns.floor);
    show("worker", turns.worker);
  }
  const of = (figure: (round: typeof done[number]) => number) => median(done.map(figure));
  return {
    floorRatio: Number(of(({ floor, worker }) => perSecond(worker) / perSecond(floor)).toFixed(3)),
    recordsPerSecond: Math.round(of(({ worker }) => perSecond(worker))),
    recordsPerCpuSecond: Math.round(of(({ worker }) => perCpuSecond(worker))),
    rssMiB: Math.round(rssMiB),
  };
}

const server = await startServer();
try {
  const figures = await measure(server.url);
  const { compare } = values.compare ? await import("./compare.ts") : {};
  const comparison = compare === undefined ? {} : { compare: await compare(server.url) };
  console.log(JSON.stringify({ ...figures, ...comparison }));
} finally {
  await server.stop();
}
