/**
 * Reads the command line behind `emulator`: `cli.ts emulator --port 0 --stream words`.
 *
 * @module
 */

import { parseArgs } from "node:util";

/** What the command line requests of the emulator. */
export type EmulatorCommand =
  | {
    readonly type: "run";
    /** 0 takes any port that is free. */
    readonly port: number;
    readonly streams: readonly string[] | undefined;
    readonly shards: number | undefined;
    readonly putPerSecond: number | undefined;
    readonly seconds: number | undefined;
  }
  | { readonly type: "help" }
  /** It cannot be understood; one line that says why. */
  | { readonly type: "misuse"; readonly problem: string };

/** What `emulator --help` prints. */
export const EMULATOR_HELP: string = `Usage: kclite emulator [OPTION...]

Kinesis and DynamoDB on this machine, in memory: to develop against without AWS. See docs/emulator.md.

      --port PORT       where to listen on 127.0.0.1; 0 takes any free port (4567)
      --stream NAME     a stream that is there at once; may be repeated (words)
      --shards NUMBER   how many shards each stream has (2)
      --put NUMBER      puts this number of words a second into the first stream (0)
      --seconds NUMBER  ends by itself after this time
      --smoke           short for --port 0 --put 50 --seconds 1
  -h, --help            this text

Ctrl-C stops it. What it held is gone then.`;

const NUMBERS = { port: 0, shards: 1, put: 0, seconds: 1 } as const;

/** Reads the arguments behind `emulator`. */
export function parseEmulatorCommand(args: readonly string[]): EmulatorCommand {
  const text = { type: "string" } as const;
  const flag = { type: "boolean" } as const;
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      options: {
        port: text,
        stream: { type: "string", multiple: true },
        shards: text,
        put: text,
        seconds: text,
        smoke: flag,
        help: { type: "boolean", short: "h" },
      },
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return { type: "misuse", problem: error.message };
  }
  const { values } = parsed;
  if (values.help) return { type: "help" };
  const numbers: Partial<Record<keyof typeof NUMBERS, number>> = {};
  for (const [name, least] of Object.entries(NUMBERS) as [keyof typeof NUMBERS, number][]) {
    const value = values[name];
    if (value === undefined) continue;
    if (!/^\d+$/.test(value) || Number(value) < least || !Number.isSafeInteger(Number(value))) {
      const problem = `Cannot run the emulator: expected --${name} to be a whole number >= ${least}: got ${
        JSON.stringify(value)
      }`;
      return { type: "misuse", problem };
    }
    numbers[name] = Number(value);
  }
  const { smoke = false, stream } = values;
  return {
    type: "run",
    port: numbers.port ?? (smoke ? 0 : 4567),
    streams: stream,
    shards: numbers.shards,
    putPerSecond: numbers.put ?? (smoke ? 50 : undefined),
    seconds: numbers.seconds ?? (smoke ? 1 : undefined),
  };
}
