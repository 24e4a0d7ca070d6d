/**
 * Takes the examples out of a Markdown text, and finds what their imports mean in this repository.
 *
 * @module
 */

import { importsOf } from "./source_text.ts";

/** One fenced block of code. */
export interface CodeBlock {
  /** The line of the opening fence, from 1. */
  readonly line: number;
  /** The words after the fence, e.g. `["ts", "ignore"]`. */
  readonly info: readonly string[];
  readonly code: string;
}

/** Every fenced block, in order. */
export function codeBlocks(markdown: string): CodeBlock[] {
  const blocks: CodeBlock[] = [];
  const lines = markdown.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const fence = lines[at]?.match(/^(\s*)(`{3,}|~{3,})(.*)$/);
    if (!fence) continue;
    const [, indent = "", marks = "", info = ""] = fence;
    const end = lines.findIndex((line, i) => i > at && line.trim() === marks);
    if (end === -1) throw new SyntaxError(`Line ${at + 1}: the code block is never closed`);
    const code = lines.slice(at + 1, end).map((line) =>
      line.startsWith(indent) ? line.slice(indent.length) : line
    );
    blocks.push({
      line: at + 1,
      info: info.split(/[\s,]+/).filter((word) => word !== ""),
      code: code.join("\n"),
    });
    at = end;
  }
  return blocks;
}

/**
 * The blocks that must compile: marked `ts` or `typescript`, and not `ignore` (Deno's word for its own doc
 * tests).
 */
export function examples(markdown: string): CodeBlock[] {
  return codeBlocks(markdown).filter(({ info: [language = "", ...rest] }) =>
    /^(ts|typescript)$/.test(language) && !rest.includes("ignore")
  );
}

/** What is published, under which name. */
export interface PublishedAs {
  /** E.g. `@kclite/kclite`. */
  readonly name: string;
  /** From deno.json, e.g. `{".": "./mod.ts"}`. */
  readonly exports: Readonly<Record<string, string>>;
}

/**
 * An import map for the examples. It maps each specifier of this library to the path of its file, from the
 * root. A specifier is the library's name (bare, or behind `jsr:` or `npm:`), or a URL or relative path that
 * ends in an entry point.
 */
export function libraryImports(
  blocks: readonly CodeBlock[],
  { name, exports }: PublishedAs,
): Record<string, string> {
  const found: Record<string, string> = {};
  for (const { specifier } of blocks.flatMap(({ code }) => importsOf(code))) {
    if (specifier === undefined) continue;
    const byName = specifier.match(/^(?:jsr:|npm:)?\/?(@[^/]+\/[^/@]+)(?:@[^/]+)?(\/.*)?$/);
    const path = byName?.[1] === name
      ? exports[`.${byName[2] ?? ""}`]
      : Object.values(exports).find((path) =>
        /^(https?:|\.)/.test(specifier) && specifier.endsWith(path.slice(1))
      );
    if (path !== undefined) found[specifier] = path;
  }
  return found;
}
