/**
 * Reads files, with errors that name the places that were searched.
 *
 * @module
 */

import { readFile as read, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import process from "node:process";

/**
 * The bytes of a file.
 *
 * @throws {Error} in one line: there is none, it may not be read, or it is a folder.
 */
export async function readFile(path: string): Promise<Uint8Array> {
  try {
    return await read(path);
  } catch (error) {
    throw new Error(`Cannot read ${JSON.stringify(path)}: ${reasonOf(error)}`, { cause: error });
  }
}

/** The first of the folders that holds the file, joined with its name; undefined when none does. */
export async function findFile(name: string, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const path = resolve(folder, name);
    try {
      // Not access(): under Deno that wants to know the user, and a permission for it.
      await stat(path);
      return path;
    } catch {
      continue; // not here, or not for us: the next folder, or the caller's error
    }
  }
  return undefined;
}

/** The folder of a file, as an absolute path. */
export function folderOf(path: string): string {
  return dirname(resolve(path));
}

/** The folder that relative paths start from. */
export function workingFolder(): string {
  return process.cwd();
}

function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ENOENT":
      return `there is no such file, seen from ${process.cwd()}`;
    case "EISDIR":
      return "it is a folder";
    case "EACCES":
    case "EPERM":
      return "this user may not read it";
    default:
      return error instanceof Error ? error.message.split("\n")[0] ?? error.name : String(error);
  }
}
