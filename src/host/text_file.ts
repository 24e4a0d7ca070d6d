/**
 * Reads a text file. Node's module is loaded by the first call, so that what names this file can be bundled
 * for runtimes that have no files.
 *
 * @module
 */

/** The text of a file in UTF-8. Throws what the platform throws. */
export async function readTextFile(path: string): Promise<string> {
  const { readFile } = await import("node:fs/promises");
  return await readFile(path, "utf8");
}
