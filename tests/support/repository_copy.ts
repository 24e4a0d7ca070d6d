/**
 * A copy of the repository, for programs that change files: a mutant of the source, a task that writes its
 * output. It has every file that is not hidden and not made by a program. So no program finds later that the
 * copy lacks an import.
 *
 * @module
 */

const ROOT = new URL("../../", import.meta.url);
/** Hidden files that belong to the repository. */
const shownAnyway: ReadonlySet<string> = new Set([".ci", ".github", ".gitignore"]);
/** What programs made, large at times. */
const made: ReadonlySet<string> = new Set(["node_modules", "target", "coverage"]);

/** Copies the repository into a folder, which is made where it is missing. */
export async function copyRepository(folder: string): Promise<void> {
  await copyFolder(ROOT, folder);
}

async function copyFolder(from: URL, to: string): Promise<void> {
  await Deno.mkdir(to, { recursive: true });
  for await (const { name, isDirectory, isFile } of Deno.readDir(from)) {
    if (made.has(name) || (name.startsWith(".") && !shownAnyway.has(name))) continue;
    if (isDirectory) await copyFolder(new URL(`${encodeURIComponent(name)}/`, from), `${to}/${name}`);
    else if (isFile) await Deno.copyFile(new URL(encodeURIComponent(name), from), `${to}/${name}`);
  }
}
