/**
 * What `kclite doctor` checks on this machine: the settings, what processes the records, and the port of
 * health.
 *
 * @module
 */

import { executableOf } from "../../consumer/module_processor.ts";
import { errorText } from "../../errors.ts";
import { findFile, folderOf, workingFolder } from "../../host/files.ts";
import { checkedProgram } from "../../host/programs.ts";
import { serve } from "../../host/serve.ts";
import { handlerName } from "../../lambda/handler_name.ts";
import { type Check, checked, type Checking, type Finding, notTried } from "../../operate/check/check.ts";
import { PropertiesError } from "../../properties/property_options.ts";
import type { ProgramConfiguration } from "../configuration.ts";
import type { OperateContext } from "./operate_context.ts";

/** Settings that were read, or what is wrong with them. */
export interface SettingsChecks {
  readonly checks: readonly Check[];
  /** Undefined: they cannot be used. */
  readonly configuration: ProgramConfiguration | undefined;
  /** What is merely odd. It may be the cause: a name that is missing is often there, misspelt. */
  readonly notes: readonly string[];
}

/** What was said of the settings so far, without what is only of interest. */
export function notesOf({ notices }: OperateContext): string[] {
  return notices.splice(0).filter(({ level }) => level === "warning").map(({ text }) => text);
}

/** Reads file, environment and flags. Every problem is a failure of its own. */
export async function settingsChecks(context: OperateContext): Promise<SettingsChecks> {
  const name = context.command.file ?? "settings";
  try {
    const configuration = await context.configuration();
    return {
      checks: [{ name, status: "ok", detail: "can be read" }],
      configuration,
      notes: notesOf(context),
    };
  } catch (error) {
    context.signal.throwIfAborted();
    if (error instanceof PropertiesError) context.notices.push(...error.notices);
    const problems = error instanceof PropertiesError ? error.message.split("\n") : [errorText(error)];
    const failed = problems.map((detail): Check => ({ name, status: "failed", detail, mend: MEND_SETTINGS }));
    return { checks: failed, configuration: undefined, notes: notesOf(context) };
  }
}

const MEND_SETTINGS = "correct the property; docs/properties.md has all of them";

/** What is checked only where the settings can be read. */
export const AFTER_SETTINGS: readonly string[] = [
  "program",
  "health port",
  "endpoints",
  "clock",
  "credentials",
  "stream",
  "table",
  "permissions",
];

/** Whether there is what is to process the records. It is not started. */
export async function programCheck(
  { settings: { executableName, lambdaHandler, lambdaBootstrap } }: ProgramConfiguration,
  { command: { file } }: OperateContext,
  checking: Checking,
): Promise<Check> {
  const folder = file === undefined ? undefined : folderOf(file);
  const folders = [...(folder === undefined ? [] : [folder]), workingFolder()];
  return await checked("program", checking, async () => {
    const program = lambdaBootstrap ?? executableName ?? "";
    if (lambdaBootstrap === undefined && lambdaHandler !== undefined) {
      return await fileFinding(handlerName(lambdaHandler).files, folders, `handler ${lambdaHandler}`);
    }
    const executable = lambdaBootstrap === undefined ? executableOf(program) : { type: "program" as const };
    if (executable.type === "module") return await fileFinding([executable.path], folders, "module");
    try {
      const notices = await checkedProgram(program, folder);
      return [`${program} is there`, ...notices.map(({ text }) => text)].join("; ");
    } catch (error) {
      return { detail: errorText(error), mend: "correct executableName, or install the program" };
    }
  });
}

async function fileFinding(
  files: readonly string[],
  folders: readonly string[],
  what: string,
): Promise<Finding> {
  for (const file of files) {
    if (await findFile(file, folders) !== undefined) return `${what}: ${file} is there`;
  }
  return {
    detail: `${what}: there is no file ${files.join(" or ")} in ${[...new Set(folders)].join(" or ")}`,
    mend: "correct the name; it counts from the folder of the properties file, then from this one",
  };
}

/** Whether a worker could serve its health. */
export async function healthPortCheck(
  { settings: { healthPort: port, healthHost: hostname } }: ProgramConfiguration,
  checking: Checking,
): Promise<Check> {
  const name = "health port";
  if (port === undefined) return notTried(name, "healthPort is not set");
  return await checked(name, checking, async () => {
    try {
      const server = await serve(() => new Response(), { port, hostname, setting: "healthPort" });
      await server.close();
      return `${port} is free`;
    } catch (error) {
      return {
        detail: errorText(error),
        mend: "stop what uses it (a worker on this machine?), or set another",
      };
    }
  });
}
