/**
 * Reads the arguments behind a command: its own options and operands, and the flags of a run, which say what
 * it works on.
 *
 * @module
 */

import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { nearestName } from "../nearest_name.ts";
import { ownValue } from "../own_value.ts";
import { entriesOf, lastOf, OPTIONS, type RunCommand } from "./arguments.ts";

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

/** Reads what stands behind the command's name. `--help` wins, wherever it stands and whatever is wrong. */
export function parseCommandArguments(shape: CommandShape, args: readonly string[]): CommandArguments {
  const options = optionsOf(shape);
  // Not strict: Node's refusals name no near option, and take no value that begins with a dash.
  const { tokens, positionals } = parseArgs({
    args: [...args],
    options,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const given = tokens.filter((token) => token.kind === "option");
  if (given.some(({ name, value }) => name === "help" && value === undefined)) return { type: "help" };
  const problem = given.map((option) => optionProblem(shape, options, option)).find((text) =>
    text !== undefined
  );
  if (problem !== undefined) return misuse(problem);

  const values = new Map<string, readonly unknown[]>();
  for (const { name, kind, isRepeated } of shape.options) {
    const own = given.filter((option) => option.name === name);
    if (own.length === 0) continue;
    if (own.length > 1 && kind !== undefined && !isRepeated) {
      return misuse(`Expected --${name} once: got it ${own.length} times`);
    }
    values.set(name, own.map(({ value }) => kind === undefined ? true : kind.read(value ?? "")));
  }

  const operands = positionals.slice(0, shape.operands.length);
  const missing = shape.operands.find((_, at) => (operands[at] ?? "") === "");
  if (missing !== undefined) return misuse(`Expected ${missing.name} behind ${shape.name}: got nothing`);
  const named = lastOf(given, "properties-file")?.value;
  const files = [...named === undefined ? [] : [named], ...positionals.slice(operands.length)];
  if (files.length > 1) return misuse(`Expected one properties file: got ${files.join(", ")}`);
  const entries = entriesOf(given.filter(({ name }) => !values.has(name)));
  if (typeof entries === "string") return misuse(entries);
  return {
    type: "run",
    operands,
    values,
    configured: { type: "run", file: files[0], entries, systemProperties: {}, warnings: [] },
  };
}

/** Flags of a run that say nothing to a command. */
const OF_A_RUN: readonly string[] = ["log-configuration", "deregister", "version"];

function optionsOf(shape: CommandShape): ParseArgsOptionsConfig {
  const shared = Object.entries(OPTIONS).filter(([name]) => !OF_A_RUN.includes(name));
  const own = shape.options.map(({ name, kind }) =>
    [name, { type: kind === undefined ? "boolean" : "string" } as const] as const
  );
  return Object.fromEntries([...shared, ...own]);
}

/** An option as it was found. */
interface Found {
  readonly name: string;
  readonly rawName: string;
  readonly value?: string | undefined;
  readonly inlineValue?: boolean | undefined;
}

/** Why an option cannot be taken, in one line. */
function optionProblem(
  shape: CommandShape,
  options: ParseArgsOptionsConfig,
  { name, rawName, value, inlineValue = false }: Found,
): string | undefined {
  const known = ownValue(options, name);
  if (known === undefined) {
    const meant = nearestName(name, Object.keys(options));
    const mend = meant === undefined ? `see kclite ${shape.name} --help` : `did you mean --${meant}?`;
    return `There is no option ${rawName}: ${mend}`;
  }
  if (known.type === "boolean") {
    return value === undefined
      ? undefined
      : `Expected ${rawName} without a value: got ${JSON.stringify(value)}`;
  }
  const kind = shape.options.find((option) => option.name === name)?.kind;
  const expected = kind?.expected ?? "a value";
  if (value === undefined) return `Expected ${expected} behind ${rawName}: got nothing`;
  // `--by-duration -PT1H` has a value, `--shard --json` forgot it.
  const isOption = !inlineValue && (/^--|^-[ph]$/.test(value) || (kind === undefined && /^-./.test(value)));
  if (isOption) return `Expected ${expected} behind ${rawName}: got the option ${value}`;
  if (kind === undefined || kind.read(value) !== undefined) return undefined;
  return `Expected ${rawName} to be ${expected}: got ${JSON.stringify(value)}`;
}

function misuse(problem: string): CommandArguments {
  return { type: "misuse", problem };
}
