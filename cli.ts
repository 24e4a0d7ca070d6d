#!/usr/bin/env -S deno run -A
/**
 * The command line: arguments, environment and a properties file in, a running worker and an exit code out. The only
 * place that prints or exits.
 *
 * ```sh
 * deno run -A cli.ts app.properties
 * ```
 *
 * {@linkcode main} is all of it but the process: tests and demos call it with a signal, an environment and functions
 * that print.
 *
 * @module
 */

import process from "node:process";
import { COMMANDS } from "./src/command/operate/command_table.ts";
import { Program } from "./src/command/program.ts";
import type { Host } from "./src/command/program_context.ts";
import { errorText } from "./src/errors.ts";
import { helpText, parseCommand } from "./src/host/arguments.ts";
import { EMULATOR_HELP, parseEmulatorCommand } from "./src/host/emulator_arguments.ts";
import { variable, variableNames } from "./src/host/environment_variables.ts";
import { guardConsole } from "./src/host/guarded_console.ts";
import { standardInput, standardScreen } from "./src/host/standard_streams.ts";
import { isStartedFile } from "./src/host/modules.ts";
import { endWith } from "./src/host/program_end.ts";
import { parseRedriveCommand, REDRIVE_HELP } from "./src/host/redrive_arguments.ts";
import { type FetchHandler, serve } from "./src/host/serve.ts";
import { listenToSignals } from "./src/host/signals.ts";
import { listenToUncaught } from "./src/host/uncaught.ts";
import { oneLine } from "./src/observe/one_line.ts";
import { VERSION } from "./src/version.ts";

export type { Host } from "./src/command/program_context.ts";
export type { UncaughtListener } from "./src/host/uncaught.ts";

/** Runs the program. @returns the exit code, as if no signal had come. */
export async function main(args: readonly string[], host: Host): Promise<number> {
  if (args[0] === "emulator") return await emulate(args.slice(1), host);
  if (args[0] === "redrive") return await redrive(args.slice(1), host);
  const spec = COMMANDS.find(({ name }) => name === args[0]);
  if (spec !== undefined) {
    const { runCommand } = await import("./src/command/operate/run_command.ts");
    return await runCommand(spec, args.slice(1), host);
  }
  const command = parseCommand(args);
  switch (command.type) {
    case "help":
      host.out(helpText(COMMANDS));
      return 0;
    case "version":
      host.out(`kclite ${VERSION}`);
      return 0;
    case "misuse":
      try {
        host.err(`${oneLine(command.problem)}\nTry --help`);
      } catch {
        // The exit code says the same.
      }
      return 2;
    case "run":
      return await new Program(command, host).run();
  }
}

/** `cli.ts emulator`; loaded only then. A properties file of this name needs --properties-file. */
async function emulate(args: readonly string[], { out, err, signal }: Host): Promise<number> {
  const command = parseEmulatorCommand(args);
  switch (command.type) {
    case "help":
      out(EMULATOR_HELP);
      return 0;
    case "misuse":
      err(`${command.problem}\nTry emulator --help`);
      return 2;
    case "run":
      try {
        const { runEmulator } = await import("./src/testing/emulator/emulator_program.ts");
        const { port } = command;
        const start = (handler: FetchHandler) => serve(handler, { port, setting: "--port" });
        await runEmulator({ ...command, signal, print: out, serve: start });
        return 0;
      } catch (error) {
        err(error instanceof Error && error.message.startsWith("Cannot ") ? error.message : errorText(error));
        return 1;
      }
  }
}

/** `cli.ts redrive`; loaded only then. */
async function redrive(args: readonly string[], host: Host): Promise<number> {
  const command = parseRedriveCommand(args);
  switch (command.type) {
    case "help":
      host.out(REDRIVE_HELP);
      return 0;
    case "misuse":
      host.err(`${oneLine(command.problem)}\nTry redrive --help`);
      return 2;
    case "run": {
      const { runRedrive } = await import("./src/command/redrive_program.ts");
      return await runRedrive(command, host);
    }
  }
}

/** The process's part: signals, the environment and the exit code. */
async function runProcess(): Promise<number> {
  const { out, err } = guardConsole();
  let announce = (name: string) => console.error(`${name}: stopping; once more to end at once`);
  const request = listenToSignals(
    (name) => announce(name),
    (exitCode) => process.exit(exitCode),
  );
  const exitCode = await main(process.argv.slice(2), {
    out,
    err,
    childStderr: (text) => void process.stderr.write(text),
    isTerminal: process.stderr.isTTY === true,
    screen: standardScreen(),
    input: standardInput,
    env: variable,
    envNames: variableNames(),
    signal: request.signal,
    uncaught: listenToUncaught,
    stopping: (hear) => void (announce = hear),
  });
  return exitCode === 0 ? request.exitCode() ?? 0 : exitCode;
}

if (import.meta.main ?? isStartedFile(import.meta.url)) endWith(runProcess);
