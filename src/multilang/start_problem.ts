// Pure.
/**
 * Decides why a program does not start: because of the program, or because of the moment (too many open
 * files, no memory). A problem of the program remains however often the start is tried.
 *
 * @module
 */

import { errorCode, errorText } from "../errors.ts";

/** By the system's code. Source: execve(2). */
const PROBLEMS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "there is no such program"],
  ["ENOTDIR", "there is no such program"],
  ["EACCES", "it is not executable for this user"],
  ["EPERM", "it is not executable for this user"],
  ["EISDIR", "it is a folder"],
  ["ELOOP", "its links lead nowhere"],
  ["ENAMETOOLONG", "its name is too long"],
  ["ENOEXEC", "this system cannot run such a file"],
]);

/** What is wrong with the program, by the error of its start; undefined if a later try may succeed. */
export function startProblem(program: string, error: unknown): string | undefined {
  const code = errorCode(error) ?? "";
  const problem = PROBLEMS.get(code);
  if (problem === undefined) return undefined;
  return `${problem}${hintOf(program, code)}: ${errorText(error)}`;
}

function hintOf(program: string, code: string): string {
  if (/["']/.test(program)) return ": executableName is split at spaces, and quotes are not understood";
  return code === "ENOENT" && !program.includes("/") ? ": a name without a slash is looked for on PATH" : "";
}
