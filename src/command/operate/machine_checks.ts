/**
 * What `kclite doctor` checks on this machine: the settings, what processes the records, and the port of
 * health.
 *
 * @module
 */

import { errorText } from "../../errors.ts";
import { serve } from "../../host/serve.ts";
import { type Check, checked, type Checking, failureOf, notTried } from "../../operate/check/check.ts";
import { PropertiesError } from "../../properties/property_options.ts";
import type { ProgramConfiguration } from "../configuration.ts";
import { lookUpProcessing } from "../processing_lookup.ts";
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
    const problems = error instanceof PropertiesError
      ? error.message.split("\n").map((detail) => ({ detail, mend: MEND_SETTINGS }))
      : [settingsFailure(error)];
    const failed = problems.map((problem): Check => ({ name, status: "failed", ...problem }));
    return { checks: failed, configuration: undefined, notes: notesOf(context) };
  }
}

/** No problem of one property: there is no file, or no region. */
function settingsFailure(error: unknown): { readonly detail: string; readonly mend: string } {
  return error instanceof Error && error.message.startsWith("Cannot read ")
    ? { detail: error.message, mend: "name a file that this user may read" }
    : failureOf(error);
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
  { settings }: ProgramConfiguration,
  { command: { file } }: OperateContext,
  checking: Checking,
): Promise<Check> {
  return await checked("program", checking, () => lookUpProcessing(settings, file));
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
