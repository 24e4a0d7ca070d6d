/**
 * Reads files, with errors that name the places that were searched. Writes new ones.
 *
 * @module
 */

import { readFile as read, stat, writeFile } from "node:fs/promises";
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

/**
 * Writes a file that only this user may read.
 *
 * @throws {Error} in one line: there is a file of this name already, or it cannot be written.
 */
export async function writeNewFile(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flag: "wx", mode: 0o600 });
  } catch (error) {
    throw new Error(`Cannot write ${JSON.stringify(path)}: ${reasonOf(error, "write")}`, { cause: error });
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

function reasonOf(error: unknown, action: "read" | "write" = "read"): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ENOENT":
      return `there is no such ${action === "read" ? "file" : "folder"}, seen from ${process.cwd()}`;
    case "EEXIST":
      return "there is a file of this name already";
    case "EISDIR":
      return "it is a folder";
    case "EACCES":
    case "EPERM":
      return `this user may not ${action} it`;
    default:
      return error instanceof Error ? error.message.split("\n")[0] ?? error.name : String(error);
  }
}
