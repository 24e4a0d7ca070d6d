/**
 * Looks a program up before anything is created or paid for. Otherwise a wrong name would show only when the
 * first shard is read, again and again.
 *
 * Follows `execvp`, as starting a child does: a name with a slash is a path, any other is searched for on
 * `PATH`. If the runtime does not permit the search, there is no result and no prompt.
 *
 * @module
 */

import { stat } from "node:fs/promises";
import process from "node:process";
import { isNotPermitted } from "../errors.ts";
import { variable } from "./environment_variables.ts";

/** What there is at a path. */
export type Found = "program" | "file" | "folder" | "nothing" | "notPermitted";

/** What a look-up needs of this machine. */
export interface ProgramSurroundings {
  /** A file that may not be run is a `file`. */
  readonly look: (path: string) => Promise<Found>;
  readonly env: (name: string) => string | undefined;
  readonly workingFolder: string;
  readonly isWindows: boolean;
}

/** A message for the operator. */
export interface ProgramNotice {
  readonly level: "debug" | "warning";
  readonly text: string;
}

/**
 * Makes sure that there is a program, as far as this machine lets us look.
 *
 * @throws {Error} when it cannot be started.
 */
export async function checkedProgram(
  executableName: string,
  folder: string | undefined,
): Promise<readonly ProgramNotice[]> {
  const lookup = await lookUpProgram(executableName, folder);
  if (lookup.type === "missing") throw new Error(`Cannot start: ${lookup.problem}`);
  const notices: ProgramNotice[] = [];
  if (lookup.type === "unknown") {
    notices.push({ level: "debug", text: "The program was not looked up: reading is not permitted" });
  }
  if (/ ["']/.test(executableName)) {
    const text = "executableName: quotes are not understood, and reach the program as they are";
    notices.push({ level: "warning", text });
  }
  return notices;
}

/** The result of looking a program up. */
export type ProgramLookup =
  | { readonly type: "found" }
  /** Why it cannot be started, as the end of a sentence. */
  | { readonly type: "missing"; readonly problem: string }
  /** The runtime does not let us look. */
  | { readonly type: "unknown" };

/**
 * Looks up the first word of an `executableName`.
 *
 * @param folder The folder of the properties file, in which people expect their program; undefined without a
 * file.
 */
export async function lookUpProgram(
  executableName: string,
  folder: string | undefined,
  surroundings: ProgramSurroundings = thisMachine(),
): Promise<ProgramLookup> {
  const [name = ""] = executableName.split(" ").filter((word) => word !== "");
  const isPath = name.includes("/") || (surroundings.isWindows && /[\\:]/.test(name));
  const places = isPath ? [""] : searchPath(surroundings);
  if (places === undefined) return { type: "unknown" };
  let refused: string | undefined, isKnown = true;
  for (const place of places) {
    for (const file of spellings(name, surroundings)) {
      const path = place === "" ? file : inFolder(place, file, surroundings);
      const found = await surroundings.look(path);
      if (found === "program") return { type: "found" };
      if (found === "notPermitted") isKnown = false;
      if (found === "file") refused ??= `${shown(path)} is not executable: chmod +x ${path}`;
      if (found === "folder" && isPath) refused ??= `${shown(path)} is a folder: expected a program`;
    }
  }
  if (!isKnown) return { type: "unknown" };
  const problem = refused ?? await problemOf(name, isPath, folder, surroundings);
  return { type: "missing", problem };
}

/** The folders of `PATH`; undefined if it cannot be seen. An empty one is the working folder. */
function searchPath({ env, isWindows, workingFolder }: ProgramSurroundings): readonly string[] | undefined {
  const path = env("PATH") ?? (isWindows ? env("Path") : undefined);
  if (path === undefined) return undefined;
  const folders = path.split(isWindows ? ";" : ":").map((folder) => folder === "" ? workingFolder : folder);
  return isWindows ? [workingFolder, ...folders] : folders;
}

/** On Windows a name is written without its extension, which is one of `PATHEXT`. */
function spellings(name: string, { env, isWindows }: ProgramSurroundings): readonly string[] {
  if (!isWindows) return [name];
  const extensions = (env("PATHEXT") || ".COM;.EXE;.BAT;.CMD").split(";").filter((text) => text !== "");
  return [name, ...extensions.map((extension) => name + extension)];
}

async function problemOf(
  name: string,
  isPath: boolean,
  folder: string | undefined,
  surroundings: ProgramSurroundings,
): Promise<string> {
  const { look, workingFolder } = surroundings;
  const quoted = shown(name);
  if (/["'`]/.test(name)) {
    return `there is no program ${quoted}: quotes are not understood, and each space ends a word: ` +
      "write the name without them";
  }
  if (/^~|[$%]/.test(name)) {
    return `there is no program ${quoted}: "~" and variables are not understood: write the whole path`;
  }
  if (/\s/.test(name)) {
    return `there is no program ${quoted}: only spaces separate a program from its arguments`;
  }
  const text = isPath
    ? `there is no program ${quoted}${/^(?:[/\\]|\w:)/.test(name) ? "" : `, seen from ${workingFolder}`}`
    : `there is no program ${quoted} on PATH; a name without a slash is looked for there`;
  const isThere = async (path: string) => ["program", "file"].includes(await look(path));
  if (!isPath && await isThere(inFolder(workingFolder, name, surroundings))) {
    return `${text} (there is one here: write .${inFolder("", name, surroundings)})`;
  }
  const beside = folder === undefined ? undefined : inFolder(folder, name.replace(/^\.\//, ""), surroundings);
  if (beside === undefined || !(await isThere(beside))) return text;
  return `${text} (there is one beside the properties file: write ${beside})`;
}

function inFolder(folder: string, name: string, { isWindows }: ProgramSurroundings): string {
  return `${folder}${isWindows ? "\\" : "/"}${name}`;
}

/** Without the line breaks that a properties file can hold, at a length that can be read. */
function shown(name: string): string {
  const text = name.length > 100 ? `${name.slice(0, 100)}…` : name;
  return `"${text.replace(/\p{Cc}/gu, (char) => JSON.stringify(char).slice(1, -1))}"`;
}

function thisMachine(): ProgramSurroundings {
  return { look, env: variable, workingFolder: process.cwd(), isWindows: process.platform === "win32" };
}

async function look(path: string): Promise<Found> {
  // Without this Deno would prompt the user.
  if ("Deno" in globalThis && (await Deno.permissions.query({ name: "read", path })).state !== "granted") {
    return "notPermitted";
  }
  try {
    // Not access(): under Deno that wants to know the user, and a permission for it.
    const found = await stat(path);
    if (found.isDirectory()) return "folder";
    return process.platform === "win32" || (found.mode & 0o111) !== 0 ? "program" : "file";
  } catch (error) {
    return isNotPermitted(error) ? "notPermitted" : "nothing";
  }
}
