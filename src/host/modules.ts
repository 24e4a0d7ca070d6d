/**
 * Loads a module that a user names in a properties file, and reports which module was started.
 *
 * @module
 */

import { existsSync, realpathSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";
import { errorText } from "../errors.ts";
import { findFile } from "./files.ts";

/**
 * What the module exports.
 *
 * @param name Its path; a relative one is looked for in each folder.
 * @throws {Error} when there is no such file, or when loading it fails; the original error is the `cause`.
 */
export async function loadModule(
  name: string,
  folders: readonly string[],
): Promise<Readonly<Record<string, unknown>>> {
  const path = await findFile(name, folders);
  if (path === undefined) {
    throw new Error(
      `Cannot load module ${JSON.stringify(name)}: there is no such file: looked in ${
        [...new Set(folders)].join(" and ")
      }`,
    );
  }
  try {
    return await imported(path);
  } catch (error) {
    throw new Error(`Cannot load module ${JSON.stringify(path)}: ${loadProblem(error)}`, { cause: error });
  }
}

/**
 * A `.js` file without a package.json beside it is a module for Deno, where Node.js and Lambda look at its
 * text. So does this, before any of the file runs.
 */
async function imported(path: string): Promise<Readonly<Record<string, unknown>>> {
  const isCommonJs = "Deno" in globalThis && path.endsWith(".js") &&
    hasCommonJs(await readFile(path, "utf8"));
  if (!isCommonJs) return await import(pathToFileURL(path).href);
  const exports: unknown = createRequire(path)(path);
  const own = typeof exports === "object" && exports !== null ? exports : {};
  return { ...own, default: exports };
}

/** Whether a text uses the names of CommonJS, and none of the statements of a module. */
function hasCommonJs(text: string): boolean {
  return /(?<![.\w$])(?:module\s*\.\s*exports\b|exports\s*[.[]|require\s*\()/.test(text) &&
    !/^\s*(?:import\b(?!\s*\()|export\b)/m.test(text);
}

/**
 * Why a module could not be loaded, in words. Node.js before 22.18 says "Unknown file extension" of a module
 * in TypeScript.
 *
 * @param version Of Node.js.
 */
export function loadProblem(error: unknown, version: string = process.versions.node): string {
  const text = errorText(error);
  const isTypeScript = error instanceof Error && "code" in error &&
    error.code === "ERR_UNKNOWN_FILE_EXTENSION" && /"?\.[cm]?tsx?"/.test(text);
  if (!isTypeScript) return text;
  return `Node.js ${version} runs no TypeScript: use Node.js 22.18 or newer, Deno or Bun, or compile the module to .js`;
}

/**
 * Whether the module is the file that the runtime was started with: for runtimes without `import.meta.main`,
 * such as Node 20.
 */
export function isStartedFile(moduleUrl: string): boolean {
  const [, started] = process.argv;
  // `node -e PROGRAM ARGUMENT` started no file: its first argument stands in the file's place.
  if (started === undefined || !existsSync(started) || !moduleUrl.startsWith("file:")) return false;
  // npm starts a program by a link to it.
  return realpathSync(started) === realpathSync(fileURLToPath(moduleUrl));
}
