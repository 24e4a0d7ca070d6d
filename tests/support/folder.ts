/**
 * Folders for tests that are about files.
 *
 * @module
 */

/** Puts files into a new folder for as long as `body` runs. */
export async function withFolder<T>(
  files: Readonly<Record<string, string>>,
  body: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await Deno.realPath(await Deno.makeTempDir());
  try {
    for (const [name, text] of Object.entries(files)) {
      const path = `${folder}/${name}`;
      await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      await Deno.writeTextFile(path, text);
    }
    return await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
