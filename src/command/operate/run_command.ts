/**
 * Runs one command of the table of commands, from its arguments to its exit code.
 *
 * @module
 */

import { pause } from "../../async/waiting.ts";
import { errorText } from "../../errors.ts";
import { parseCommandArguments } from "../../host/command_arguments.ts";
import { oneLine } from "../../observe/one_line.ts";
import type { Need } from "../../properties/property_consistency.ts";
import { PropertiesError } from "../../properties/property_options.ts";
import { realSystem } from "../../system.ts";
import { type Screen, Terminal } from "../../terminal/terminal.ts";
import { type ProgramConfiguration, readConfiguration } from "../configuration.ts";
import type { Host, ProgramContext } from "../program_context.ts";
import { startProgram } from "../program_start.ts";
import { type CommandRun, type CommandSpec, Flags, JSON_FLAG, WrongUsage } from "./command_spec.ts";
import { commandHelp, usageOf } from "./command_text.ts";
import { failureSentence } from "./failure_text.ts";
import { openFleet, openStream, openWrites } from "./open_fleet.ts";
import type { OperateContext } from "./operate_context.ts";

/** Runs to the end. Never rejects. @returns the exit code, as if no signal had come. */
export async function runCommand(spec: CommandSpec, args: readonly string[], host: Host): Promise<number> {
  const parsed = parseCommandArguments(spec, args);
  switch (parsed.type) {
    case "help":
      try {
        host.out(commandHelp(spec));
      } catch {
        // Nobody reads it, as with `| head`.
      }
      return 0;
    case "misuse":
      return misused(spec, parsed.problem, host);
    case "run": {
      const { operands, values, configured } = parsed;
      return await runParsed(spec, { operands, flags: new Flags(values), configured }, host);
    }
  }
}

/** @returns the exit code. */
function misused(spec: CommandSpec, problem: string, host: Host): number {
  try {
    host.err(`${oneLine(problem)}\nUsage: ${usageOf(spec)}\nTry kclite ${spec.name} --help`);
  } catch {
    // The exit code says the same.
  }
  return 2;
}

async function runParsed(spec: CommandSpec, run: CommandRun, host: Host): Promise<number> {
  const terminal = terminalOf(host, (host.options?.system ?? realSystem).clock);
  const printLine = (line: string) => terminal.aside(() => host.err(line));
  const { context: program, setLog } = startProgram(run.configured, host, "warning", printLine);
  const { system, log, failure } = program;
  host.uncaught?.((what, thrown) => failure.abort(new Error(`Cannot go on: ${what}: ${errorText(thrown)}`)));
  const signal = AbortSignal.any([host.signal, failure.signal, terminal.closed]);
  const ended = new AbortController();
  host.stopping?.((signalName) =>
    void pause(system.clock, QUIET_STOP_MS, ended.signal).then((isLate) => {
      const text = `${signalName}: stopping; once more to end at once`;
      if (isLate) log({ level: "warning", text });
    })
  );
  let configuration: Promise<ProgramConfiguration> | undefined;
  const configured = () =>
    configuration ??= readConfiguration(program, (level, format) => {
      // What a worker says about its settings is of no use to one who looks at a table.
      setLog(level === "info" ? "warning" : level, format);
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
    openWrites: () => opened(openWrites),
  };
  try {
    const code = await (await spec.load())(run, context);
    failure.signal.throwIfAborted();
    return terminal.closed.aborted ? 0 : code;
  } catch (error) {
    // What went wrong is read on the screen that the terminal had before.
    terminal.end();
    if (error instanceof WrongUsage) return misused(spec, error.message, host);
    if (error instanceof PropertiesError) program.notices.push(...error.notices);
    tell();
    if (terminal.closed.aborted || (host.signal.aborted && error === host.signal.reason)) return 0;
    const shown = failure.signal.aborted ? failure.signal.reason : error;
    for (const text of failureSentence(spec.name, shown).split("\n")) {
      log({ level: "error", text });
    }
    return 1;
  } finally {
    ended.abort();
    terminal.end();
  }
}

/** A command that stops sooner says nothing about it, in ms. */
const QUIET_STOP_MS = 500;

const NEEDS: Readonly<Record<CommandSpec["target"], readonly Need[]>> = {
  application: ["application"],
  stream: ["stream"],
  file: ["executable", "application", "stream"],
};

function terminalOf(host: Host, clock: OperateContext["system"]["clock"]): Terminal {
  const screen = host.screen ?? linesOf(host);
  const noColour = (host.env("NO_COLOR") ?? "") !== "";
  const isDumb = host.env("TERM") === "dumb";
  return new Terminal({
    screen: isDumb ? { ...screen, isTerminal: false } : screen,
    writeProgress: host.childStderr,
    isProgressSeen: host.isTerminal === true && !isDumb,
    progressColumns: host.errorColumns,
    hasColour: screen.isTerminal && !noColour && !isDumb,
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
