/**
 * Reads the command line behind `redrive`: `cli.ts redrive dead.jsonl app.properties --max 10`.
 *
 * @module
 */

import { parseCommand, type RunCommand } from "./arguments.ts";

/** What the command line requests of a redrive. */
export type RedriveCommand =
  | {
    readonly type: "run";
    /** An ARN, `s3://bucket/prefix`, or a path. */
    readonly source: string;
    readonly isDryRun: boolean;
    readonly max: number;
    readonly sinceEpochMs: number | undefined;
    /** What configures the processor. */
    readonly configured: RunCommand;
  }
  | { readonly type: "help" }
  /** It cannot be understood; one line that says why. */
  | { readonly type: "misuse"; readonly problem: string };

/** What `redrive --help` prints. */
export const REDRIVE_HELP: string = `Usage: kclite redrive SOURCE [OPTION...] [PROPERTIES_FILE]

Gives dead letters to the processor of a properties file, one after the other. What succeeds is removed from
the source; what fails stays there. See docs/dead-letters.md.

SOURCE is a file of JSON lines, the ARN of a queue of SQS, of a table of DynamoDB or of a stream of Kinesis,
or s3://BUCKET/PREFIX. A stream keeps its records: nothing is removed there.

      --dry-run      shows the letters, and calls and removes nothing; needs no properties file
      --max NUMBER   ends after this number of letters
      --since TIME   of a stream: letters from this time on, e.g. 2026-01-30T12:00:00Z
  -h, --help         this text

All other options are those of kclite --help: --set, --region, --log-level and so on.

Exit code: 0 when every letter was processed, 1 when one failed or could not be read, or after a failure,
2 for a wrong command line; 143, 130 or 129 after a signal, when the letter under way is finished.`;

/** Reads the arguments behind `redrive`. */
export function parseRedriveCommand(args: readonly string[]): RedriveCommand {
  const misuse = (problem: string) => ({ type: "misuse", problem } as const);
  const [source, ...others] = args;
  if (args.includes("--help") || args.includes("-h")) return { type: "help" };
  if (source === undefined || source === "" || source.startsWith("-")) {
    return misuse("Expected a source behind redrive: a file, an ARN, or s3://BUCKET/PREFIX");
  }
  const rest: string[] = [];
  let isDryRun = false, max = Infinity, sinceEpochMs: number | undefined;
  for (let i = 0; i < others.length; i++) {
    const argument = others[i] ?? "";
    const [, name, inline] = /^--(max|since)(?:=(.*))?$/.exec(argument) ?? [];
    if (argument === "--dry-run") isDryRun = true;
    else if (name === undefined) rest.push(argument);
    else {
      const value = inline ?? others[++i] ?? "";
      if (name === "max") {
        if (!/^\d{1,9}$/.test(value)) {
          return misuse(`Expected --max to be a whole number: got ${JSON.stringify(value)}`);
        }
        max = Number(value);
      } else {
        sinceEpochMs = Date.parse(value);
        if (Number.isNaN(sinceEpochMs)) {
          return misuse(
            `Expected --since to be a time such as 2026-01-30T12:00:00Z: got ${JSON.stringify(value)}`,
          );
        }
      }
    }
  }
  const configured = parseCommand(rest);
  switch (configured.type) {
    case "run":
      return { type: "run", source, isDryRun, max, sinceEpochMs, configured };
    case "misuse":
      return configured;
    default:
      return { type: "help" };
  }
}
