/**
 * A stream of words, consumed on this machine: a simulated Kinesis and DynamoDB, a producer, and a worker that runs
 * through the command line's own code with words.properties.
 *
 * ```sh
 * deno task demo [--seconds N] [--shards N] [--smoke]
 * ```
 *
 * `--smoke` is short for two seconds and one shard.
 *
 * Ctrl-C stops in order. Exits with 1 when a record that was put was not processed.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { main as runCommandLine } from "@kclite/kclite/cli";
import { progressLines, type Snapshot, Totals } from "@kclite/kclite/health";
import { type SimulatedAws, simulatedAws } from "@kclite/kclite/testing";
import { Producer } from "./producer.ts";
import { Screen } from "./screen.ts";
import { counts, seen } from "./words.ts";

/** How the demo runs. */
export interface DemoOptions {
  /** Ends by itself after so many seconds; otherwise when `signal` aborts. */
  readonly seconds?: number | undefined;
  /** @default {4} */
  readonly shards?: number | undefined;
  /** How long the worker has for what was put, once the producer has stopped, in ms. @default {15000} */
  readonly drainMs?: number | undefined;
  readonly signal: AbortSignal;
  readonly screen: Screen;
}

const DEMO_ENVIRONMENT: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY_ID: "demo",
  AWS_SECRET_ACCESS_KEY: "demo",
};

/** Words a second; one shard is split halfway through a timed run, to show that nothing is lost. */
const WORDS_PER_SECOND = 400;
const BATCH_MS = 100;

/** Runs the demo. @returns the exit code. */
export async function main(
  { seconds, shards = 4, drainMs = 15_000, signal, screen }: DemoOptions,
): Promise<number> {
  const aws = simulatedAws({ streams: { words: shards } });
  await using server = served(aws);
  const { url } = server;
  screen.log(`Kinesis and DynamoDB at ${url}, simulated in this process`);
  const producer = new Producer(aws.stream("words"));
  screen.log(
    `Stream "words" with ${shards} shards; putting ${WORDS_PER_SECOND} words a second. Ctrl-C stops in order.`,
  );

  const totals = new Totals();
  const stopWorker = new AbortController();
  const properties = fileURLToPath(new URL("words.properties", import.meta.url));
  const worker = runCommandLine([
    properties,
    "--kinesis-endpoint",
    url,
    "--dynamodb-endpoint",
    url,
    "--set",
    "workerIdentifier=demo-worker",
  ], {
    out: (line) => screen.log(line),
    err: (line) => screen.log(line),
    childStderr: () => {},
    // It takes any keys; none of this process's own environment is looked at.
    env: (name) => DEMO_ENVIRONMENT[name],
    envNames: Object.keys(DEMO_ENVIRONMENT),
    signal: stopWorker.signal,
    options: { onEvent: totals.listener },
  });

  const stop = new AbortController();
  const stopped = AbortSignal.any([signal, stop.signal]);
  const ended = worker.then((exitCode) => {
    stop.abort(); // it cannot run on without its worker
    return exitCode;
  });
  const watching = watch(totals, screen, stopped);
  const splitting = seconds === undefined ? undefined : splitLater(producer, seconds * 500, stopped);
  const limit = seconds === undefined ? undefined : pause(seconds * 1000, stopped).then(() => stop.abort());
  while (!stopped.aborted) {
    producer.putWords(WORDS_PER_SECOND * BATCH_MS / 1000);
    await pause(BATCH_MS, stopped);
  }
  await Promise.all([limit, splitting, watching]);
  screen.end();
  screen.log("Stopping: the producer has stopped, the worker finishes what was put");
  const untilMs = performance.now() + drainMs;
  while (seen.size < producer.put && performance.now() < untilMs) await pause(50);
  stopWorker.abort();
  const exitCode = await ended;
  for (const line of summary(producer.put)) screen.log(line);
  return exitCode === 0 && seen.size === producer.put ? 0 : 1;
}

/** Kinesis and DynamoDB on a free port, until they are disposed of. */
function served(aws: SimulatedAws): AsyncDisposable & { readonly url: string } {
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, aws.fetch);
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    async [Symbol.asyncDispose]() {
      aws.close();
      await server.shutdown();
    },
  };
}

/** Waits. @returns whether the whole time has passed, and `signal` did not end it. */
function pause(ms: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve(!signal?.aborted);
    };
    const timer = setTimeout(end, ms);
    if (signal?.aborted) end();
    signal?.addEventListener("abort", end);
  });
}

/** What the run came to. */
function summary(put: number): string[] {
  const delivered = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const common = [...counts].toSorted(([, a], [, b]) => b - a).slice(0, 5);
  const missing = put - seen.size;
  return [
    "",
    `Put ${put} records, processed ${seen.size}` +
    (missing === 0 ? ": every one of them" : `: ${missing} MISSING`) +
    (delivered === seen.size ? ", none twice." : `, ${delivered - seen.size} more than once.`),
    `Most common: ${common.map(([word, count]) => `${word} ${count}`).join(", ")}`,
  ];
}

async function watch(totals: Totals, screen: Screen, signal: AbortSignal): Promise<void> {
  let before: Snapshot | undefined;
  while (await pause(1000, signal)) {
    const now = totals.snapshot();
    screen.show(progressLines(now, before));
    before = now;
  }
}

async function splitLater(producer: Producer, ms: number, signal: AbortSignal): Promise<void> {
  if (await pause(ms, signal)) producer.split();
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: { seconds: { type: "string" }, shards: { type: "string" }, smoke: { type: "boolean" } },
  });
  const number = (name: "seconds" | "shards") => {
    const text = values[name];
    if (text === undefined) return undefined;
    const value = Number(text);
    if (Number.isInteger(value) && value > 0) return value;
    console.error(
      `Cannot run the demo: expected --${name} to be a whole number above 0: got ${JSON.stringify(text)}`,
    );
    Deno.exit(2);
  };
  const [seconds, shards] = values.smoke ? [2, 1] : [number("seconds"), number("shards")];
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => stop.signal.aborted ? Deno.exit(130) : stop.abort());
  }
  const encoder = new TextEncoder();
  const screen = new Screen(
    Deno.stdout.isTerminal(),
    (text) => void Deno.stdout.writeSync(encoder.encode(text)),
  );
  Deno.exit(await main({ seconds, shards, signal: stop.signal, screen }));
}
