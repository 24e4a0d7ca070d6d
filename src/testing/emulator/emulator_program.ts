/**
 * The program `cli.ts emulator`: Kinesis and DynamoDB on this machine, to develop against without AWS, in
 * memory, with nothing to install. What it prints and where it serves are handed in. See docs/emulator.md.
 *
 * @module
 */

import { pause } from "../../async/waiting.ts";
import { realSystem } from "../../system.ts";
import { type SimulatedAws, simulatedAws } from "./simulated_aws.ts";

/** How the emulator runs. */
export interface EmulatorOptions {
  /** Streams there are at once. @default {["words"]} */
  readonly streams?: readonly string[] | undefined;
  /** How many shards each stream has. @default {2} */
  readonly shards?: number | undefined;
  /** How many records are put a second, into the first stream. @default {0} */
  readonly putPerSecond?: number | undefined;
  /** Ends by itself after this time, in seconds; otherwise when `signal` aborts. */
  readonly seconds?: number | undefined;
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
  /** Starts a server. */
  readonly serve: (handler: (request: Request) => Promise<Response>) => Promise<EmulatorServer>;
}

/** What serves the emulator. */
export interface EmulatorServer {
  /** E.g. `http://127.0.0.1:4567`. */
  readonly url: string;
  close(): Promise<void>;
}

const WORDS: readonly string[] = "the quick brown fox jumps over the lazy dog".split(" ");
const PUT_EVERY_MS = 100;
/** Longer than any user waits, and short enough for a timer. */
const NEVER_MS = 2 ** 31 - 1;

/** Runs until `signal` aborts or its time is over. */
export async function runEmulator(options: EmulatorOptions): Promise<void> {
  const { streams = ["words"], shards = 2, putPerSecond = 0, seconds, signal, print, serve } = options;
  const aws = simulatedAws({
    streams: Object.fromEntries(streams.map((name) => [name, shards])),
    onNotice: print,
  });
  const server = await serve(aws.fetch);
  for (const line of greeting(server.url, aws, streams)) print(line);
  const over = new AbortController();
  const stopped = AbortSignal.any([signal, over.signal]);
  const limit = seconds === undefined
    ? undefined
    : pause(realSystem.clock, seconds * 1000, stopped).then(() => over.abort());
  const [first] = streams;
  if (putPerSecond > 0 && first !== undefined) await putWords(aws, first, putPerSecond, stopped);
  else await pause(realSystem.clock, NEVER_MS, stopped);
  await limit;
  aws.close();
  await server.close();
  print("Stopped.");
}

function greeting(url: string, aws: SimulatedAws, streams: readonly string[]): readonly string[] {
  const keys = "AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local";
  const [first = ""] = streams;
  return [
    `Kinesis and DynamoDB at ${url}, in memory: what they hold is gone when this stops.`,
    ...streams.map((name) => {
      const stream = aws.stream(name);
      return `Stream "${name}" with ${stream.shards().length} shards: ${stream.arn}`;
    }),
    "",
    "A worker on it, in another terminal (any keys will do):",
    `  ${keys} deno run -A cli.ts examples/words/words.properties --kinesis-endpoint ${url} --dynamodb-endpoint ${url}`,
    "A record into it, with AWS's own command line:",
    `  ${keys} AWS_REGION=us-east-1 aws kinesis put-record --endpoint-url ${url} --stream-name ${first} ` +
    "--partition-key 1 --data MSBoZWxsbw==",
    "",
    "Ctrl-C stops it.",
  ];
}

/** Puts numbered words, as examples/words reads them. */
async function putWords(
  aws: SimulatedAws,
  streamName: string,
  perSecond: number,
  signal: AbortSignal,
): Promise<void> {
  const stream = aws.stream(streamName);
  const startMs = realSystem.clock.monotonicMs();
  for (let put = 0; !signal.aborted;) {
    const due = (realSystem.clock.monotonicMs() - startMs) / 1000 * perSecond;
    for (; put < due; put++) stream.put(`${put} ${WORDS[put % WORDS.length]}`, `${put}`);
    await pause(realSystem.clock, PUT_EVERY_MS, signal);
  }
}
