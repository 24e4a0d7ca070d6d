/**
 * Kinesis and DynamoDB on this machine, to develop against without AWS: in memory, with nothing to install.
 *
 * ```sh
 * deno task emulator [--port N] [--stream NAME]... [--shards N] [--put N] [--seconds N] [--smoke]
 * ```
 *
 * `--put N` puts N words a second into the first stream. Ctrl-C stops; what it held is gone then. `--smoke` is short for any
 * free port, 50 words a second and one second. See docs/emulator.md.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { listenToSignals } from "../../src/host/signals.ts";
import { realSystem } from "../../src/system.ts";
import { pause } from "../../src/async/waiting.ts";
import { type SimulatedAws, simulatedAws } from "../../src/testing/mod.ts";

/** How the emulator runs. */
export interface EmulatorOptions {
  /** 0 takes any that is free. @default {4567} */
  readonly port?: number | undefined;
  /** @default {["words"]} */
  readonly streams?: readonly string[] | undefined;
  /** How many shards each stream has. @default {2} */
  readonly shards?: number | undefined;
  /** How many records are put a second, into the first stream. @default {0} */
  readonly putPerSecond?: number | undefined;
  /** Ends by itself after so many seconds; otherwise when `signal` aborts. */
  readonly seconds?: number | undefined;
  readonly signal: AbortSignal;
  readonly print: (line: string) => void;
}

const WORDS = "the quick brown fox jumps over the lazy dog".split(" ");
const PUT_EVERY_MS = 100;

/** Runs until it is told to stop. */
export async function main(options: EmulatorOptions): Promise<void> {
  const { port = 4567, streams = ["words"], shards = 2, putPerSecond = 0, seconds, signal, print } = options;
  const aws = simulatedAws({ streams: Object.fromEntries(streams.map((name) => [name, shards])) });
  const server = served(aws, port);
  const url = `http://127.0.0.1:${server.addr.port}`;
  for (const line of greeting(url, aws, streams)) print(line);
  const over = new AbortController();
  const stopped = AbortSignal.any([signal, over.signal]);
  const limit = seconds === undefined
    ? undefined
    : pause(realSystem.clock, seconds * 1000, stopped).then(() => over.abort());
  const [first] = streams;
  if (putPerSecond > 0 && first !== undefined) await putWords(aws, first, putPerSecond, stopped);
  else await pause(realSystem.clock, 2 ** 31 - 1, stopped);
  await limit;
  aws.close();
  await server.shutdown();
  print("Stopped.");
}

function served(aws: SimulatedAws, port: number): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve({ hostname: "127.0.0.1", port, onListen: () => {} }, aws.fetch);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AddrInUse)) throw cause;
    throw new Error(`Cannot listen on port ${port}: another program does: set --port, to 0 for any`, {
      cause,
    });
  }
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

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      port: { type: "string" },
      stream: { type: "string", multiple: true },
      shards: { type: "string" },
      put: { type: "string" },
      seconds: { type: "string" },
      smoke: { type: "boolean" },
    },
  });
  const number = (name: "port" | "shards" | "put" | "seconds", min: number) => {
    const text = values[name];
    if (text === undefined) return undefined;
    const value = Number(text);
    if (Number.isInteger(value) && value >= min) return value;
    console.error(
      `Cannot run: expected --${name} to be a whole number >= ${min}: got ${JSON.stringify(text)}`,
    );
    Deno.exit(2);
  };
  const { signal } = listenToSignals(() => {}, (exitCode) => Deno.exit(exitCode));
  await main({
    port: values.smoke ? 0 : number("port", 0),
    streams: values.stream,
    shards: number("shards", 1),
    putPerSecond: values.smoke ? 50 : number("put", 0),
    seconds: values.smoke ? 1 : number("seconds", 1),
    signal,
    print: (line) => console.log(line),
  });
  Deno.exit(0);
}
