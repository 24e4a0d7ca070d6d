/**
 * The demo's flags, and what it says when one of them is wrong.
 *
 * @module
 */

import { parseArgs } from "node:util";

/** What a user may set. */
export interface DemoFlags {
  readonly seconds: number;
  readonly shards: number;
  readonly workers: number;
  /** Whether it goes on after the story, until it is stopped. */
  readonly isForever: boolean;
}

/** What to do. */
export type DemoCommand =
  | { readonly type: "run"; readonly flags: DemoFlags }
  | { readonly type: "help" }
  | { readonly type: "misuse"; readonly problem: string };

/** The text of `--help`. */
export const USAGE = `Usage: deno task demo [--seconds N] [--shards N] [--workers N] [--forever]

Workers share one stream while a shard is split, a worker stops in order, another is killed and a new one joins.
Everything runs on this machine, in one process. Ctrl-C stops it in order.

  --seconds N  how long the story takes, about: 3 to 3600 (60)
  --shards N   how many shards the stream has at first: 1 to 50 (4)
  --workers N  how many workers there are at first: 1 to 10 (3)
  --forever    goes on after the story, until Ctrl-C
  --smoke      3 seconds and 2 shards, for a quick test
  --help       shows this`;

/** Each number, from and to, and its default. */
const NUMBERS = { seconds: [3, 3600, 60], shards: [1, 50, 4], workers: [1, 10, 3] } as const;

/** Reads the arguments. */
export function parseDemoFlags(args: readonly string[]): DemoCommand {
  const text = { type: "string" } as const, flag = { type: "boolean" } as const;
  const options = { seconds: text, shards: text, workers: text, forever: flag, smoke: flag, help: flag };
  let values: ReturnType<typeof parseArgs<{ readonly options: typeof options }>>["values"];
  try {
    values = parseArgs({ args: [...args], options }).values;
  } catch (error) {
    const problem = error instanceof Error ? error.message.split(/\.(?: |$)/, 1)[0] ?? "" : String(error);
    return { type: "misuse", problem: `Cannot run the demo: ${problem}` };
  }
  if (values.help) return { type: "help" };
  const numbers: Record<string, number> = {};
  for (const [name, [from, to, normal]] of Object.entries(NUMBERS)) {
    const given = values[name as keyof typeof NUMBERS];
    const number = numbers[name] = given === undefined ? normal : /^\d+$/.test(given) ? Number(given) : NaN;
    if (!(number >= from && number <= to)) {
      const found = `got ${JSON.stringify(given)}`;
      const problem = `Cannot run the demo: --${name} must be a whole number from ${from} to ${to}: ${found}`;
      return { type: "misuse", problem };
    }
  }
  const { seconds = 60, shards = 4, workers = 3 } = numbers;
  const smoke = values.smoke ? { seconds: 3, shards: 2 } : {};
  return { type: "run", flags: { seconds, shards, workers, isForever: values.forever ?? false, ...smoke } };
}
