/**
 * The help of a command, and docs/commands.md, from the table of commands.
 *
 * @module
 */

import { FLAGS } from "../../host/arguments.ts";
import type { CommandOption, CommandSpec } from "./command_spec.ts";

/** What `--help` of a command prints. */
export function commandHelp(spec: CommandSpec): string {
  const { about, operands, options, exitCodes, examples } = spec;
  const rows = [
    ...operands.map(({ name, help }) => [name, help] as const),
    ...options.map((option) => [optionText(option), option.help] as const),
    ["-h, --help", "this text"] as const,
  ];
  return [
    `Usage: ${usageOf(spec)}`,
    ...about.flatMap((paragraph) => ["", ...wrapped(paragraph, 100)]),
    "",
    ...rows.map(([name, help]) => helpRow(name, help)),
    "",
    ...wrapped(TARGETS[spec.target], 100),
    ...targetFlags(spec).map((name) =>
      helpRow(`--${name} ${FLAGS[name]?.value ?? ""}`, FLAGS[name]?.help ?? "")
    ),
    helpRow("-p, --properties-file FILE", "the properties file; may stand alone at the end too"),
    helpRow("--set KEY=VALUE", "any property of docs/OPTIONS.md; may be repeated"),
    "",
    examples.length === 1 ? "Example:" : "Examples:",
    ...examples.flatMap(({ command, what }) => [`  ${command}`, `      ${what}`]),
    "",
    ...wrapped(exitText(exitCodes), 100),
  ].join("\n");
}

/** `kclite explain LEASE [OPTION...] [PROPERTIES_FILE]` */
export function usageOf({ name, operands, target }: CommandSpec): string {
  const file = target === "file" ? "PROPERTIES_FILE" : "[PROPERTIES_FILE]";
  return ["kclite", name, ...operands.map(({ name }) => name), "[OPTION...]", file].join(" ");
}

/** An option as people write it. */
export function optionText({ name, kind }: CommandOption<unknown>): string {
  return kind === undefined ? `--${name}` : `--${name} ${kind.label}`;
}

/** What the exit code says. */
export function exitText(exitCodes: CommandSpec["exitCodes"]): string {
  const own = exitCodes.map(({ code, meaning }) => `${code} ${meaning}`);
  return `Exit code: ${
    ["0 when it is done", ...own, "2 for a wrong command line", "143, 130 or 129 after a signal"].join(", ")
  }.`;
}

const TARGETS: Readonly<Record<CommandSpec["target"], string>> = {
  application:
    "The application and its stream are those of a properties file, or of these flags. Region, endpoints and " +
    "credentials are found as a worker finds them.",
  stream:
    "The stream is that of a properties file, or of these flags. Region, endpoints and credentials are found as " +
    "a worker finds them.",
  file: "The properties file is read as a worker reads it. These flags beat it.",
};

function targetFlags({ target }: CommandSpec): readonly string[] {
  const places = ["region", "kinesis-endpoint"];
  if (target === "stream") return ["stream", ...places];
  return ["application", "stream", ...places, "dynamodb-endpoint"];
}

function helpRow(name: string, help: string): string {
  const left = `  ${name}`;
  const [first = "", ...rest] = wrapped(help, 100 - HELP_COLUMN);
  const lines = left.length < HELP_COLUMN - 1 ? [left.padEnd(HELP_COLUMN) + first] : [left, indented(first)];
  return [...lines, ...rest.map(indented)].join("\n");
}

const HELP_COLUMN = 34;

function indented(line: string): string {
  return " ".repeat(HELP_COLUMN) + line;
}

/** The words of a text in lines of at most this width. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return line === "" ? lines : [...lines, line];
}
