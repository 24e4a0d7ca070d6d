/**
 * docs/commands.md from the table of commands, with what the examples really print.
 *
 * @module
 */

import { EMULATOR_HELP } from "../src/host/emulator_arguments.ts";
import { REDRIVE_HELP } from "../src/host/redrive_arguments.ts";
import type { CommandSpec, Example } from "../src/command/operate/command_spec.ts";
import { COMMANDS } from "../src/command/operate/command_table.ts";
import { optionText, usageOf } from "../src/command/operate/command_text.ts";
import { APPLICATION, commandsWorld } from "./commands_world.ts";

/** Where the text belongs. */
export const COMMANDS_FILE: URL = new URL("commands.md", import.meta.url);

/** The whole text. */
export async function commandsMarkdown(): Promise<string> {
  const sections: string[] = [];
  for (const spec of COMMANDS) sections.push(await section(spec));
  return [
    HEAD,
    COMMANDS.map(({ name, summary }) => `- [\`${name}\`](#${name}): ${summary}.`).join("\n"),
    "- [`redrive`](#redrive): gives dead letters back to the processor.\n" +
    "- [`emulator`](#emulator): serves Kinesis and DynamoDB on this machine, in memory.\n",
    ...sections,
    `## redrive\n\n${block(REDRIVE_HELP)}\n`,
    `## emulator\n\n${block(EMULATOR_HELP)}\n`,
  ].join("\n");
}

const HEAD = `<!-- deno-fmt-ignore-file -->
<!-- Made by docs/commands_page.ts from src/command/operate/*_spec.ts: change those. -->

# Commands

\`kclite app.properties\` runs a worker. The commands below look at any fleet of KCL 3.x and change it, also one that is all Java.
They need the lease table and the stream, and no running kclite. [operating.md](operating.md) says which one helps when.

Each takes a properties file, or \`--application NAME --stream NAME --region REGION\`, and finds credentials and endpoints as a worker
does. Each has \`--json\` for programs and \`--help\`. A command that is done ends with 0, a wrong command line with 2, and a signal with
143, 130 or 129.

The outputs are real. They are of a made-up fleet of three workers that read the stream \`orders\`. One shard was split an hour
before. worker-c has died.
`;

async function section(spec: CommandSpec): Promise<string> {
  const { name, about, operands, options, exitCodes, examples } = spec;
  const rows = [
    ...operands.map(({ name, help }) => [name, help] as const),
    ...options.map((option) => [optionText(option), option.help] as const),
  ];
  const shown: string[] = [];
  for (const example of examples) shown.push(await exampleText(example));
  return [
    `## ${name}`,
    block(usageOf(spec)),
    ...about,
    ["| | |", "| --- | --- |", ...rows.map(([left, right]) => `| \`${escaped(left)}\` | ${escaped(right)} |`)]
      .join("\n"),
    exitCodes.map(({ code, meaning }) => `- Exit code ${code}: ${meaning}.`).join("\n"),
    ...shown,
  ].join("\n\n") + "\n";
}

/** Each example has a world of its own, so that what it changes is not seen by the next. */
async function exampleText(
  { command, what, isShown = true, isStopped = false, input }: Example,
): Promise<string> {
  const title = `${what[0]?.toUpperCase()}${what.slice(1)}:`;
  if (!isShown) return `${title}\n\n${block(command)}`;
  const folder = await Deno.makeTempDir({ prefix: "kclite-docs-" });
  try {
    const file = `${folder}/app.properties`;
    await Deno.writeTextFile(file, PROPERTIES);
    await Deno.writeTextFile(`${folder}/processor.ts`, PROCESSOR);
    const bed = await commandsWorld({ isStopped });
    const args = wordsOf(command).slice(1).map((word) =>
      word === "app.properties" || /\.json$/.test(word) ? `${folder}/${word}` : word
    );
    const { code, out, err } = await bed.run(args, {
      isBare: true,
      ...(input === undefined ? {} : { input }),
    });
    // What a command says while it works is no result.
    const printed = `${out}${code === 0 ? "" : err}`.replaceAll(`${folder}/`, "").trimEnd();
    const ending = code === 0 ? "" : `\n(exit code ${code})`;
    return `${title}\n\n${block(`$ ${command}\n${printed}${ending}`)}`;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const PROPERTIES = `applicationName = ${APPLICATION}
streamName = orders
executableName = processor.ts
regionName = eu-central-1
`;

const PROCESSOR = `export default () => ({
  processRecords() {},
  shardEnded: (context) => context.checkpoint(),
});
`;

/** The words of a command line, up to what the shell itself would take. */
function wordsOf(command: string): string[] {
  const [own = ""] = command.split(/ [<>|] /);
  return own.split(" ");
}

function block(text: string): string {
  return `\`\`\`text\n${text}\n\`\`\``;
}

/** In a cell a bar would end it. */
function escaped(text: string): string {
  return text.replaceAll("|", "\\|");
}
