// Pure.
/**
 * What a command of the command line is: its operands, options, examples and exit codes. `--help`, the
 * reading of arguments and docs/commands.md are made of the same value.
 *
 * @module
 */

import type { RunCommand } from "../../host/arguments.ts";
import type { OperateContext } from "./operate_context.ts";

/** How the text of an option becomes a value. */
export interface ValueKind<T> {
  /** Stands behind the option in the help, e.g. `DURATION`. */
  readonly label: string;
  /** For messages, e.g. `a duration such as 5m`. */
  readonly expected: string;
  /** @returns undefined when the text cannot be read. */
  readonly read: (text: string) => T | undefined;
}

/** An option of one command. */
export interface CommandOption<T> {
  /** Without dashes. */
  readonly name: string;
  /** Undefined for an option without a value. */
  readonly kind: ValueKind<T> | undefined;
  readonly help: string;
  /** Whether it may be given more than once. */
  readonly isRepeated: boolean;
}

/** What must stand behind a command, besides the properties file. */
export interface Operand {
  /** In capitals, e.g. `LEASE`. */
  readonly name: string;
  readonly help: string;
}

/** A command with what it does. */
export interface Example {
  readonly command: string;
  readonly what: string;
  /** Whether docs/commands.md shows what it prints. @default {true} */
  readonly isShown?: boolean | undefined;
  /** Whether docs/commands.md runs it on a fleet whose workers have stopped. @default {false} */
  readonly isStopped?: boolean | undefined;
  /** What is piped in. */
  readonly input?: string | undefined;
}

/** One command. */
export interface CommandSpec {
  readonly name: string;
  /** One line for the list of commands. */
  readonly summary: string;
  /** Paragraphs for its own help. */
  readonly about: readonly string[];
  readonly operands: readonly Operand[];
  /**
   * What it works on. `application`: an application and its stream; `stream`: a stream alone; `file`: a
   * properties file as a worker would take it, executable included.
   */
  readonly target: "application" | "stream" | "file";
  readonly options: readonly CommandOption<unknown>[];
  readonly examples: readonly Example[];
  /** What the code says, besides 0, 2 and those of signals. */
  readonly exitCodes: readonly { readonly code: number; readonly meaning: string }[];
  /** Loads what it runs. */
  readonly load: () => Promise<CommandProgram>;
}

/** Runs a command. @returns the exit code, as if no signal had come. */
export type CommandProgram = (run: CommandRun, context: OperateContext) => Promise<number>;

/** A command as it was given. */
export interface CommandRun {
  readonly operands: readonly string[];
  readonly flags: Flags;
  /** What configures it: the file, and the flags of a run. */
  readonly configured: RunCommand;
}

/** A command line that contradicts itself. It ends with the usage text, and exit code 2. */
export class WrongUsage extends RangeError {
  override readonly name = "WrongUsage";
}

/** The options of a command as they were given. */
export class Flags {
  readonly #values: ReadonlyMap<string, readonly unknown[]>;

  constructor(values: ReadonlyMap<string, readonly unknown[]>) {
    this.#values = values;
  }

  /** The last value; undefined when it was not given. */
  of<T>(option: CommandOption<T>): T | undefined {
    // Read by the option's own kind.
    return this.#values.get(option.name)?.at(-1) as T | undefined;
  }

  /** All values of an option that may be repeated. */
  all<T>(option: CommandOption<T>): readonly T[] {
    return (this.#values.get(option.name) ?? []) as readonly T[];
  }

  has(option: CommandOption<unknown>): boolean {
    return this.#values.has(option.name);
  }
}

/** An option without a value. */
export function flag(name: string, help: string): CommandOption<true> {
  return { name, kind: undefined, help, isRepeated: false };
}

/** An option with a value. */
export function option<T>(name: string, kind: ValueKind<T>, help: string): CommandOption<T> {
  return { name, kind, help, isRepeated: false };
}

/** The same, as often as one likes. */
export function repeated<T>(name: string, kind: ValueKind<T>, help: string): CommandOption<T> {
  return { name, kind, help, isRepeated: true };
}

/** Results as JSON, for programs: every command has it. */
export const JSON_FLAG: CommandOption<true> = flag("json", "prints JSON, for programs");

/** For every command that scans the table. */
export const MAX_RCU: CommandOption<number> = option(
  "max-rcu",
  wholeNumber(1),
  "the most read units a second that a scan uses (a quarter of a PROVISIONED table's)",
);

/** Any text that is not empty. */
export function text(label: string): ValueKind<string> {
  return { label, expected: "a text", read: (text) => text === "" ? undefined : text };
}

/** One of some words. */
export function oneOf<const Word extends string>(words: readonly Word[]): ValueKind<Word> {
  return {
    label: words.join("|"),
    expected: words.length === 1 ? `${words[0]}` : `one of ${words.join(", ")}`,
    read: (text) => words.find((word) => word === text),
  };
}

/** A whole number. */
export function wholeNumber(least: number): ValueKind<number> {
  return {
    label: "NUMBER",
    expected: `a whole number from ${least} on`,
    read: (text) => /^\d{1,15}$/.test(text) && Number(text) >= least ? Number(text) : undefined,
  };
}

/** A time such as `2026-01-30T12:00:00Z`, as ms since 1970. */
export const TIME: ValueKind<number> = {
  label: "TIME",
  expected: "a time such as 2026-01-30T12:00:00Z",
  read: readTime,
};

/** A span of time such as `90s` or `PT1H`, in ms. */
export const DURATION: ValueKind<number> = {
  label: "DURATION",
  expected: "a duration such as 30s, 5m, 2h, 1d or PT5M",
  read: readDuration,
};

/** ISO 8601 with a zone. A time without one would mean another moment on each machine. */
export function readTime(text: string): number | undefined {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)$/.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

/** @returns ms. */
export function readDuration(text: string): number | undefined {
  const [, amount, unit = ""] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h|d)$/.exec(text) ?? [];
  if (amount !== undefined) return Math.round(Number(amount) * (UNIT_MS.get(unit) ?? 0));
  const iso = /^P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9}(?:\.\d{1,3})?)S)?)?$/.exec(
    text,
  );
  if (iso === null || !/\d/.test(text) || text.endsWith("T")) return undefined;
  const [days = 0, hours = 0, minutes = 0, seconds = 0] = iso.slice(1).map((part) => Number(part ?? 0));
  return Math.round(((days * 24 + hours) * 60 + minutes) * 60_000 + seconds * 1000);
}

const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ["ms", 1],
  ["s", 1000],
  ["m", 60_000],
  ["h", 3_600_000],
  ["d", 86_400_000],
]);
