/**
 * Writes the type declarations of the npm package, by TypeScript itself. Every file of the library can be declared without looking
 * at others (`isolatedDeclarations`), so only those are written that an entry point's declarations lead to.
 *
 * @module
 */

import { dirname } from "node:path";
import { withoutNpmSpecifiers } from "./package_json.ts";

/**
 * Writes the declarations.
 *
 * @param root The folder of the repository; ends with `/`.
 * @param entries Paths below it: `./mod.ts`.
 * @param folder Where the declarations go, at the same paths.
 * @returns Ranges of packages whose types are used, by name.
 * @throws {Error} when a type cannot be written down without inference.
 */
export async function writeDeclarations(
  root: string,
  entries: readonly string[],
  folder: string,
): Promise<Readonly<Record<string, string>>> {
  const { default: ts } = await import("npm:typescript@5.9.3");
  const compilerOptions = { isolatedDeclarations: true, target: ts.ScriptTarget.ESNext };
  const base = new URL("file:///");
  const dependencies: Record<string, string> = {};
  const seen = new Set<string>();
  const open = entries.map((entry) => new URL(entry, base).pathname.slice(1));
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const source = await Deno.readTextFile(`${root}${path}`);
    const { outputText, diagnostics = [] } = ts.transpileDeclaration(source, {
      fileName: `/${path}`,
      reportDiagnostics: true,
      compilerOptions,
    });
    for (const { messageText } of diagnostics) {
      throw new Error(`Cannot declare ${path}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`);
    }
    const packed = withoutNpmSpecifiers(outputText);
    Object.assign(dependencies, packed.dependencies);
    const from = new URL(path, base);
    const text = packed.text.replace(
      /(\bfrom\s*|\bimport\s*\(?\s*)"(\.{1,2}\/[^"]+)\.ts"/g,
      (_, before: string, specifier: string) => {
        open.push(new URL(`${specifier}.ts`, from).pathname.slice(1));
        return `${before}"${specifier}.js"`;
      },
    );
    const output = `${folder}/${path.replace(/\.ts$/, ".d.ts")}`;
    await Deno.mkdir(dirname(output), { recursive: true });
    await Deno.writeTextFile(output, text.replace(/^#!.*\n/, ""));
  }
  return dependencies;
}
