/**
 * Runs one command of the table of commands, from its arguments to its exit code.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { directFetch } from "../../host/direct_fetch.ts";
import { parseCommandArguments } from "../../host/command_arguments.ts";
import { lineWriter, type LogFormat } from "../../observe/line_writer.ts";
import type { LogLevel } from "../../observe/log_lines.ts";
import { oneLine } from "../../observe/one_line.ts";
import type { Need } from "../../properties/property_consistency.ts";
import { PropertiesError } from "../../properties/property_options.ts";
import { realSystem } from "../../system.ts";
import { type Screen, Terminal } from "../../terminal/terminal.ts";
import { type ProgramConfiguration, readConfiguration } from "../configuration.ts";
import type { Host, ProgramContext } from "../program_context.ts";
import { type CommandRun, type CommandSpec, Flags, JSON_FLAG } from "./command_spec.ts";
import { commandHelp, usageOf } from "./command_text.ts";
import { openFleet, openStream } from "./open_fleet.ts";
import type { OperateContext } from "./operate_context.ts";

/** Runs to the end. Never rejects. @returns the exit code, as if no signal had come. */
export async function runCommand(spec: CommandSpec, args: readonly string[], host: Host): Promise<number> {
  const parsed = parseCommandArguments(spec, args);
  switch (parsed.type) {
    case "help":
      host.out(commandHelp(spec));
      return 0;
    case "misuse":
      try {
        host.err(`${oneLine(parsed.problem)}\nUsage: ${usageOf(spec)}\nTry ${spec.name} --help`);
      } catch {
        // The exit code says the same.
      }
      return 2;
    case "run": {
      const { operands, values, configured } = parsed;
      return await runParsed(spec, { operands, flags: new Flags(values), configured }, host);
    }
  }
}

async function runParsed(spec: CommandSpec, run: CommandRun, host: Host): Promise<number> {
  const system = host.options?.system ?? realSystem;
  let least: LogLevel = "warning", format: LogFormat = "text";
  const failure = new AbortController();
  const log = lineWriter(host.err, { clock: system.clock, least: () => least, format: () => format });
  const program: ProgramContext = {
    command: run.configured,
    host,
    system,
    directFetch: host.options?.system?.fetch ?? directFetch,
    log,
    leastLevel: () => least,
    logFormat: () => format,
    notices: [],
    failure,
  };
  host.uncaught?.((what, thrown) => failure.abort(new Error(`Cannot go on: ${what}: ${errorText(thrown)}`)));
  const terminal = terminalOf(host, system.clock);
  const signal = AbortSignal.any([host.signal, failure.signal, terminal.closed]);
  let configuration: Promise<ProgramConfiguration> | undefined;
  const configured = () =>
    configuration ??= readConfiguration(program, (level, logFormat) => {
      format = logFormat;
      // What a worker says about its settings is of no use to one who looks at a table.
      if (level === "debug" || level === "error") least = level;
    }, NEEDS[spec.target]);
  const tell = () => {
    for (const notice of program.notices.splice(0)) log(notice);
  };
  const opened = async <T>(
    open: (configuration: ProgramConfiguration, context: ProgramContext) => T,
  ): Promise<T> => {
    const access = open(await configured(), program);
    tell();
    return access;
  };
  const context: OperateContext = {
    ...program,
    terminal,
    signal,
    isJson: run.flags.has(JSON_FLAG),
    configuration: configured,
    openFleet: () => opened(openFleet),
    openStream: () => opened(openStream),
  };
  try {
    const code = await (await spec.load())(run, context);
    failure.signal.throwIfAborted();
    return code;
  } catch (error) {
    if (error instanceof PropertiesError) program.notices.push(...error.notices);
    tell();
    if (terminal.closed.aborted || (host.signal.aborted && error === host.signal.reason)) return 0;
    const shown = failure.signal.aborted ? failure.signal.reason : error;
    const isSentence = shown instanceof Error && shown.message.startsWith("Cannot ");
    for (const text of (isSentence ? shown.message : errorText(shown)).split("\n")) {
      log({ level: "error", text });
    }
    return 1;
  }
}

const NEEDS: Readonly<Record<CommandSpec["target"], readonly Need[]>> = {
  application: ["application"],
  stream: ["stream"],
  file: ["executable", "application", "stream"],
};

function terminalOf(host: Host, clock: OperateContext["system"]["clock"]): Terminal {
  const screen = host.screen ?? linesOf(host);
  const noColour = (host.env("NO_COLOR") ?? "") !== "";
  return new Terminal({
    screen,
    writeProgress: host.childStderr,
    isProgressSeen: host.isTerminal === true,
    hasColour: screen.isTerminal && !noColour && host.env("TERM") !== "dumb",
    clock,
  });
}

/** A pipe made of `out`, which ends a line itself. */
function linesOf({ out }: Host): Screen {
  return {
    write: (text) => out(text.replace(/\n$/, "")),
    isTerminal: false,
    columns: () => undefined,
    rows: () => undefined,
    closed: new AbortController().signal,
  };
}
