/**
 * Reads the arguments behind a command: its own options and operands, and the flags of a run, which say what
 * it works on.
 *
 * @module
 */

import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { entriesOf, firstSentence, lastOf, OPTIONS, type RunCommand } from "./arguments.ts";

/** What the reading needs to know of a command. */
export interface CommandShape {
  readonly name: string;
  readonly operands: readonly { readonly name: string }[];
  readonly options: readonly {
    readonly name: string;
    readonly kind:
      | { readonly expected: string; readonly read: (text: string) => unknown }
      | undefined;
    readonly isRepeated: boolean;
  }[];
}

/** A command line, read. */
export type CommandArguments =
  | {
    readonly type: "run";
    readonly operands: readonly string[];
    /** The values of each option that was given. */
    readonly values: ReadonlyMap<string, readonly unknown[]>;
    readonly configured: RunCommand;
  }
  | { readonly type: "help" }
  /** It cannot be understood; one line that says why. */
  | { readonly type: "misuse"; readonly problem: string };

/** Reads what stands behind the command's name. */
export function parseCommandArguments(shape: CommandShape, args: readonly string[]): CommandArguments {
  const misuse = (problem: string) => ({ type: "misuse", problem } as const);
  let parsed;
  try {
    parsed = parseArgs({
      args: withDashedValues(shape, args),
      options: { ...OPTIONS, ...ownOptions(shape) },
      allowPositionals: true,
      strict: true,
      tokens: true,
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return misuse(firstSentence(error.message));
  }
  const given = parsed.tokens.filter((token) => token.kind === "option");
  if (lastOf(given, "help") !== undefined) return { type: "help" };
  const values = new Map<string, unknown[]>();
  for (const { name, kind } of shape.options) {
    for (const { value } of given.filter((option) => option.name === name)) {
      const read = kind === undefined ? true : kind.read(value ?? "");
      if (read === undefined) {
        return misuse(`Expected --${name} to be ${kind?.expected}: got ${JSON.stringify(value)}`);
      }
      values.set(name, [...values.get(name) ?? [], read]);
    }
  }
  const wanted = shape.operands.length;
  const operands = parsed.positionals.slice(0, wanted);
  const [positional, ...surplus] = parsed.positionals.slice(wanted);
  const missing = shape.operands[operands.length];
  if (missing !== undefined) return misuse(`Expected ${missing.name} behind ${shape.name}: got nothing`);
  if (surplus.length > 0) {
    return misuse(`Expected one properties file: got ${[positional, ...surplus].join(", ")}`);
  }
  const entries = entriesOf(given.filter(({ name }) => !values.has(name)));
  if (typeof entries === "string") return misuse(entries);
  const file = lastOf(given, "properties-file")?.value ?? positional;
  return {
    type: "run",
    operands,
    values,
    configured: { type: "run", file, entries, systemProperties: {}, warnings: [] },
  };
}

function ownOptions({ options }: CommandShape): ParseArgsOptionsConfig {
  return Object.fromEntries(
    options.map(({ name, kind, isRepeated }) => [
      name,
      { type: kind === undefined ? "boolean" : "string", ...(isRepeated ? { multiple: true } : {}) },
    ]),
  );
}

/** A value may begin with a dash, as `--by-duration -PT1H` does. `parseArgs` takes it only behind "=". */
function withDashedValues({ options }: CommandShape, args: readonly string[]): string[] {
  const joined: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "", next = args[at + 1];
    const kind = options.find(({ name }) => arg === `--${name}`)?.kind;
    if (kind !== undefined && next?.startsWith("-") && kind.read(next) !== undefined) {
      joined.push(`${arg}=${next}`);
      at++;
    } else joined.push(arg);
  }
  return joined;
}
