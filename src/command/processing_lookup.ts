/**
 * Looks for what is to process the records, without starting or loading it.
 *
 * @module
 */

import { executableOf } from "../consumer/module_processor.ts";
import { errorText } from "../errors.ts";
import { findFile, folderOf, workingFolder } from "../host/files.ts";
import { checkedProgram } from "../host/programs.ts";
import { handlerName } from "../lambda/handler_name.ts";
import type { Configuration } from "../properties/property_options.ts";

/** A text is good news. */
export type ProcessingFound = string | { readonly detail: string; readonly mend: string };

/**
 * Looks it up.
 *
 * @param file The properties file; undefined if flags and environment set everything.
 */
export async function lookUpProcessing(
  { executableName = "", lambdaHandler, lambdaBootstrap }: Configuration["settings"],
  file: string | undefined,
): Promise<ProcessingFound> {
  const folder = file === undefined ? undefined : folderOf(file);
  const folders = [...(folder === undefined ? [] : [folder]), workingFolder()];
  if (lambdaBootstrap === undefined && lambdaHandler !== undefined) {
    return await lookUpFile(handlerName(lambdaHandler).files, folders, `handler ${lambdaHandler}`);
  }
  const program = lambdaBootstrap ?? executableName;
  const executable = lambdaBootstrap === undefined ? executableOf(program) : { type: "program" as const };
  if (executable.type === "module") return await lookUpFile([executable.path], folders, "module");
  try {
    const notices = await checkedProgram(program, folder);
    return [`${program} is there`, ...notices.map(({ text }) => text)].join("; ");
  } catch (error) {
    const name = lambdaBootstrap === undefined ? "executableName" : "lambdaBootstrap";
    return { detail: errorText(error), mend: `correct ${name}, or install the program` };
  }
}

async function lookUpFile(
  files: readonly string[],
  folders: readonly string[],
  what: string,
): Promise<ProcessingFound> {
  for (const file of files) {
    if (await findFile(file, folders) !== undefined) return `${what}: ${file} is there`;
  }
  return {
    detail: `${what}: there is no file ${files.join(" or ")} in ${[...new Set(folders)].join(" or ")}`,
    mend: "correct the name; it counts from the folder of the properties file, then from this one",
  };
}
