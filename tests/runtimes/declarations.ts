/**
 * Writes the type declarations of the npm package, by TypeScript itself. Every file of the library can be declared without looking
 * at others (`isolatedDeclarations`). Of each file only those declarations are kept that the entry points' types lead to: the
 * rest is half of the bytes, and no user can name it.
 *
 * @module
 */

import { dirname } from "node:path";
import type Typescript from "npm:typescript@5.9.3";
import { withoutNpmSpecifiers } from "./package_json.ts";

type Compiler = typeof Typescript;

/** A name that a file exports. */
interface Wanted {
  readonly path: string;
  readonly name: string;
}

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
  const needed = await neededDeclarations(entries, (path) => Deno.readTextFile(`${root}${path}`));
  const dependencies: Record<string, string> = {};
  for (const [path, declared] of needed) {
    const packed = withoutNpmSpecifiers(declared);
    Object.assign(dependencies, packed.dependencies);
    const output = `${folder}/${path.replace(/\.ts$/, ".d.ts")}`;
    await Deno.mkdir(dirname(output), { recursive: true });
    // TypeScript indents by four; two are a sixteenth of the bytes less.
    const text = packed.text.replace(SPECIFIER, '$1"$2.js"').replace(/^(?: {4})+/gm, halved);
    await Deno.writeTextFile(output, `${DISPOSABLE.test(text) ? DISPOSABLE_LIB : ""}${text}`);
  }
  return dependencies;
}

/** `await using` came after ES2022, which many projects name as their library. JSR allows no such line in the source. */
const DISPOSABLE = /\b(?:AsyncDisposable|Symbol\.asyncDispose)\b/;
const DISPOSABLE_LIB = `/// <reference lib="esnext.disposable" />\n`;

function halved(indentation: string): string {
  return indentation.slice(indentation.length / 2);
}

/** Where another file of the library is named. */
const SPECIFIER = /(\bfrom\s*|\bimport\s*\(?\s*)"(\.{1,2}\/[^"]+)\.ts"/g;

/**
 * The declarations that a user of the entry points can meet, by path. Specifiers are those of the sources.
 *
 * @param entries Paths such as `./mod.ts`. Of these files everything is kept.
 * @param read Gives the source at such a path, without the `./`.
 */
export async function neededDeclarations(
  entries: readonly string[],
  read: (path: string) => Promise<string>,
): Promise<ReadonlyMap<string, string>> {
  const { default: ts } = await import("npm:typescript@5.9.3");
  const files = new Map<string, DeclaredFile>();
  const roots = entries.map((entry) => resolved(entry, ""));
  const unread = [...roots];
  for (let path = unread.pop(); path !== undefined; path = unread.pop()) {
    if (files.has(path)) continue;
    const text = declarationText(ts, path, await read(path));
    const from = path;
    unread.push(...[...text.matchAll(SPECIFIER)].map(([, , stem]) => resolved(`${stem}.ts`, from)));
    files.set(path, new DeclaredFile(ts, path, text));
  }
  const wanted: Wanted[] = roots.flatMap((path) => files.get(path)?.keepAll() ?? []);
  for (let next = wanted.pop(); next !== undefined; next = wanted.pop()) {
    wanted.push(...files.get(next.path)?.keep(next.name) ?? []);
  }
  const kept = [...files].map(([path, file]) => [path, file.text(roots.includes(path))] as const);
  return new Map(kept.filter(([, text]) => text !== ""));
}

function resolved(specifier: string, from: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

function declarationText(ts: Compiler, path: string, source: string): string {
  const { outputText, diagnostics = [] } = ts.transpileDeclaration(source, {
    fileName: `/${path}`,
    reportDiagnostics: true,
    compilerOptions: { isolatedDeclarations: true, target: ts.ScriptTarget.ESNext },
  });
  for (const { messageText } of diagnostics) {
    throw new Error(`Cannot declare ${path}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`);
  }
  return outputText.replace(/^#!.*\n/, "");
}

/** One file of declarations, and which of its statements are kept. A name may have several, such as overloads. */
class DeclaredFile {
  readonly #ts: Compiler;
  readonly #path: string;
  readonly #source: Typescript.SourceFile;
  readonly #kept = new Set<Typescript.Node>();

  constructor(ts: Compiler, path: string, text: string) {
    this.#ts = ts;
    this.#path = path;
    this.#source = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
  }

  /** Keeps every statement. @returns What it needs of other files. */
  keepAll(): readonly Wanted[] {
    return this.#source.statements.flatMap((statement) => this.#keepStatement(statement));
  }

  /** Keeps what declares or passes on a name, `*`: everything. @returns What that needs of other files. */
  keep(name: string): readonly Wanted[] {
    if (name === "*") return this.keepAll();
    const declaring = this.#source.statements.filter((statement) => this.#declares(statement, name));
    const imports = this.#source.statements.flatMap((statement) => this.#passedOn(statement, name));
    return [...declaring.flatMap((statement) => this.#keepStatement(statement)), ...imports];
  }

  /** What is kept, as text; empty: nothing is. Only an entry point keeps the comment of its module. */
  text(isEntry: boolean): string {
    const texts = this.#source.statements.map((statement) => {
      const text = this.#statementText(statement);
      return isEntry ? text : text.replace(/^\s*\/\*\*(?:(?!\*\/)[^])*@module\b(?:(?!\*\/)[^])*\*\/\s*/, "");
    });
    const all = texts.join("").trim();
    return all === "" ? "" : `${all}\n`;
  }

  /** Every name in it may be one of this file or one that it imports. Names of members and parameters are none. */
  #keepStatement(statement: Typescript.Statement): readonly Wanted[] {
    const ts = this.#ts;
    if (this.#kept.has(statement)) return [];
    this.#kept.add(statement);
    if (ts.isImportDeclaration(statement)) return [];
    if (ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined) {
      const { exportClause } = statement;
      if (exportClause === undefined || !ts.isNamedExports(exportClause)) return this.#of(statement, "*");
      return exportClause.elements.flatMap((element) => {
        this.#kept.add(element);
        return this.#of(statement, (element.propertyName ?? element.name).text);
      });
    }
    const wanted: Wanted[] = [];
    const visit = (node: Typescript.Node): void => {
      if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
        const path = node.argument.literal.getText().slice(1, -1);
        if (path.startsWith(".")) wanted.push({ path: resolved(path, this.#path), name: "*" });
      }
      const isName = (node.parent as { readonly name?: Typescript.Node }).name === node;
      if (ts.isIdentifier(node) && !isName) wanted.push(...this.keep(node.text));
      ts.forEachChild(node, visit);
    };
    ts.forEachChild(statement, visit);
    return wanted;
  }

  #declares(statement: Typescript.Statement, name: string): boolean {
    const ts = this.#ts;
    if (ts.isVariableStatement(statement)) {
      return statement.declarationList.declarations.some((one) => one.name.getText() === name);
    }
    return !ts.isExportDeclaration(statement) &&
      (statement as { readonly name?: Typescript.Node }).name?.getText() === name;
  }

  /** Marks the parts of imports and of `export … from` that have this name. @returns What they are elsewhere. */
  #passedOn(statement: Typescript.Statement, name: string): readonly Wanted[] {
    const ts = this.#ts;
    if (ts.isExportDeclaration(statement) && statement.moduleSpecifier !== undefined) {
      if (statement.exportClause === undefined) {
        this.#kept.add(statement);
        return this.#of(statement, name);
      }
    }
    const clause = ts.isImportDeclaration(statement)
      ? statement.importClause?.namedBindings
      : ts.isExportDeclaration(statement)
      ? statement.exportClause
      : undefined;
    if (clause === undefined) return [];
    if (ts.isNamespaceImport(clause) || ts.isNamespaceExport(clause)) {
      if (clause.name.text !== name) return [];
      this.#kept.add(statement).add(clause);
      return this.#of(statement, "*");
    }
    return [...clause.elements].filter((element) => element.name.text === name).flatMap((element) => {
      if (this.#kept.has(element)) return [];
      this.#kept.add(statement).add(element);
      return this.#of(statement, (element.propertyName ?? element.name).text);
    });
  }

  /** A name of the file that a statement imports or passes on; nothing of a package. */
  #of(statement: Typescript.Statement, name: string): readonly Wanted[] {
    const { moduleSpecifier } = statement as { readonly moduleSpecifier?: Typescript.StringLiteral };
    const path = moduleSpecifier?.text;
    return path?.startsWith(".") === true ? [{ path: resolved(path, this.#path), name }] : [];
  }

  #statementText(statement: Typescript.Statement): string {
    const ts = this.#ts;
    if (!this.#kept.has(statement)) return "";
    const clause = ts.isImportDeclaration(statement)
      ? statement.importClause?.namedBindings
      : ts.isExportDeclaration(statement)
      ? statement.exportClause
      : undefined;
    const text = this.#source.text.slice(statement.pos, statement.end);
    if (clause === undefined || !(ts.isNamedImports(clause) || ts.isNamedExports(clause))) return text;
    const names = [...clause.elements].filter((element) => this.#kept.has(element));
    if (names.length === 0) return "";
    const list = names.map((element) => element.getText()).join(", ");
    const begin = clause.pos - statement.pos;
    return `${text.slice(0, begin)} { ${list} }${text.slice(clause.end - statement.pos)}`;
  }
}
