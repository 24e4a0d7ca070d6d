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
import { main as runCommandLine } from "../../cli.ts";
import { listenToSignals } from "../../src/host/signals.ts";
import { progressLines } from "../../src/observe/progress_lines.ts";
import { type Snapshot, Totals } from "../../src/observe/totals.ts";
import { realSystem } from "../../src/system.ts";
import { pause } from "../../src/async/waiting.ts";
import { simulatedAws } from "../../src/testing/mod.ts";
import { createStream, type Producer } from "./producer.ts";
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
  const { clock } = realSystem;
  await using server = servedAws();
  const { url } = server;
  screen.log(`Kinesis and DynamoDB at ${url}, simulated in this process`);
  const producer = await createStream(url, "words", shards);
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
  const limit = seconds === undefined
    ? undefined
    : pause(clock, seconds * 1000, stopped).then(() => stop.abort());
  while (!stopped.aborted) {
    await producer.putWords(WORDS_PER_SECOND * BATCH_MS / 1000);
    await pause(clock, BATCH_MS, stopped);
  }
  await Promise.all([limit, splitting, watching]);
  screen.end();
  screen.log("Stopping: the producer has stopped, the worker finishes what was put");
  const untilMs = clock.monotonicMs() + drainMs;
  while (seen.size < producer.put() && clock.monotonicMs() < untilMs) await clock.sleep(50);
  stopWorker.abort();
  const exitCode = await ended;
  for (const line of summary(producer.put())) screen.log(line);
  return exitCode === 0 && seen.size === producer.put() ? 0 : 1;
}

/** A Kinesis and a DynamoDB on a free port, until they are disposed of. */
function servedAws(): AsyncDisposable & { readonly url: string } {
  const aws = simulatedAws();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, aws.fetch);
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    async [Symbol.asyncDispose]() {
      aws.close();
      await server.shutdown();
    },
  };
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
  while (await pause(realSystem.clock, 1000, signal)) {
    const now = totals.snapshot();
    screen.show(progressLines(now, before));
    before = now;
  }
}

async function splitLater(producer: Producer, ms: number, signal: AbortSignal): Promise<void> {
  if (await pause(realSystem.clock, ms, signal)) await producer.split();
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
  const { signal } = listenToSignals(() => {}, (exitCode) => Deno.exit(exitCode));
  const encoder = new TextEncoder();
  const screen = new Screen(
    Deno.stdout.isTerminal(),
    (text) => void Deno.stdout.writeSync(encoder.encode(text)),
  );
  Deno.exit(await main({ seconds, shards, signal, screen }));
}
