/**
 * A story in a minute: workers share a stream of words while a shard is split, a worker stops in order, another is killed, and a new one
 * joins. Kinesis and DynamoDB are simulated in this process.
 *
 * ```sh
 * deno task demo [--seconds N] [--shards N] [--workers N] [--forever] [--smoke]
 * ```
 *
 * Ctrl-C stops in order, a second one at once. Exits with 1 when a word that was put was not processed, and with 2 for wrong flags.
 *
 * @module
 */

import { simulatedAws } from "@kclite/kclite/testing";
import { boardLines, counted, listText, numberText } from "./board.ts";
import { Fleet } from "./fleet.ts";
import { type DemoFlags, parseDemoFlags, USAGE } from "./flags.ts";
import { Ledger } from "./ledger.ts";
import { pageHandler } from "./page.ts";
import { pause } from "./pause.ts";
import { putWords } from "./producer.ts";
import { Screen } from "./screen.ts";
import { tellStory } from "./story.ts";
import { counts } from "./words.ts";

/** How the demo runs. */
export interface DemoOptions extends DemoFlags {
  /** The book of what was put and processed. @default a new one */
  readonly ledger?: Ledger | undefined;
  /** How long the workers have for what was put, once no more is put, in ms. @default by the failover time */
  readonly drainMs?: number | undefined;
  readonly signal: AbortSignal;
  readonly screen: Screen;
}

const WORDS_PER_SECOND = 400;
const BATCH_MS = 100;
/** A worker's default. A short story has shorter failovers. */
const MOST_FAILOVER_MS = 10_000;
const LEAST_FAILOVER_MS = 1000;
/** How often the block is drawn on a terminal, and a line printed elsewhere. */
const DRAW_MS = 250, LINE_MS = 5000;

/** Runs the demo. @returns the exit code. */
export async function main(options: DemoOptions): Promise<number> {
  const { seconds, shards, workers, isForever, signal, screen, ledger = new Ledger() } = options;
  const failoverTimeMs = Math.min(
    MOST_FAILOVER_MS,
    Math.max(LEAST_FAILOVER_MS, Math.round(seconds * 1000 / 6)),
  );
  const { drainMs = failoverTimeMs * 2 + 10_000 } = options;
  counts.clear();
  const aws = simulatedAws({ streams: { words: shards } });
  const stream = aws.stream("words");
  const fleet = new Fleet({ aws, ledger, failoverTimeMs });
  const board = () => boardLines({ shards: stream.shards(), fleet, ledger, nowMs: performance.now() });
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    pageHandler(fleet, board),
  );
  screen.log(`The page: http://127.0.0.1:${server.addr.port}/`);
  screen.log(`${WORDS_PER_SECOND} words a second go into a stream. Ctrl-C stops in order.`);
  screen.log("");

  const startMs = performance.now();
  const say = (sentence: string) => {
    const elapsed = `${Math.round((performance.now() - startMs) / 1000)} s`;
    screen.log(sentence, `${elapsed.padStart(5)}  `);
  };
  const stop = new AbortController();
  const stopped = AbortSignal.any([signal, stop.signal]);
  const showing = show(screen, board, stopped);
  const putting = putUntil(stopped, (atMs) => {
    const due = (atMs - startMs) / 1000 * WORDS_PER_SECOND;
    putWords(stream, Math.max(0, Math.floor(due - ledger.put)), ledger, atMs);
  });
  await tellStory({
    ...{ stream, fleet, ledger, seconds, workers, say, signal },
    patienceMs: failoverTimeMs * 3 + 5000,
  });
  if (isForever && !signal.aborted) {
    say("The story is over. The workers go on until Ctrl-C.");
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  }
  stop.abort();
  await Promise.all([showing, putting]);
  say("No more words are put. The workers finish and stop.");
  const untilMs = performance.now() + drainMs;
  while (ledger.processed < ledger.put && performance.now() < untilMs) await pause(50);
  const failures = await fleet.end();
  aws.close();
  screen.end();
  for (const failure of failures) screen.log(`A worker failed: ${failure}`);
  for (const line of sums(ledger)) screen.log(line);
  return failures.length === 0 && ledger.processed === ledger.put ? 0 : 1;
}

async function putUntil(signal: AbortSignal, put: (atMs: number) => void): Promise<void> {
  do put(performance.now()); while (await pause(BATCH_MS, signal));
}

async function show(screen: Screen, board: () => string[], signal: AbortSignal): Promise<void> {
  while (await pause(screen.isTerminal ? DRAW_MS : LINE_MS, signal)) screen.show(board());
}

/** What the run came to. */
function sums(ledger: Ledger): string[] {
  const { put, processed, repeated, byWorker } = ledger;
  const missing = put - processed;
  const common = [...counts].toSorted(([, a], [, b]) => b - a).slice(0, 5);
  return [
    "",
    `Put ${counted(put, "word")}, processed ${numberText(processed)}: ` +
    (missing === 0 ? "every one of them." : `${numberText(missing)} MISSING.`),
    repeated === 0
      ? "None came twice."
      : `${
        numberText(repeated)
      } came twice: what a killed worker had not checkpointed. Kinesis delivers at least once.`,
    `By worker: ${[...byWorker].map(([name, count]) => `${name} ${numberText(count)}`).join(", ")}.`,
    `Most common: ${listText(common.map(([word, count]) => `${word} ${numberText(count)}`))}.`,
  ];
}

if (import.meta.main) {
  const command = parseDemoFlags(Deno.args);
  if (command.type === "help") {
    console.log(USAGE);
    Deno.exit(0);
  }
  if (command.type === "misuse") {
    console.error(`${command.problem}\n\n${USAGE}`);
    Deno.exit(2);
  }
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => stop.signal.aborted ? Deno.exit(130) : stop.abort());
  }
  const encoder = new TextEncoder();
  const isTerminal = Deno.stdout.isTerminal() && Deno.env.get("TERM") !== "dumb";
  const screen = new Screen({
    size: () => isTerminal ? Deno.consoleSize() : undefined,
    print: (text) => void Deno.stdout.writeSync(encoder.encode(text)),
  });
  Deno.exit(await main({ ...command.flags, signal: stop.signal, screen }));
}
