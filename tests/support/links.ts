/**
 * Keeps the links of documents: each leads to a file or folder of the repository, and to a heading that is
 * there.
 *
 * @module
 */

import type { DocumentRule, TextFile } from "./documents.ts";
import { lineAt } from "./source_text.ts";

/** Every link of a document to another place of the repository leads there. Other hosts are not asked. */
export const linksLeadSomewhere: DocumentRule = ({ files, paths }) => {
  const texts = new Map(files.map(({ path, text }) => [path, text]));
  return files.filter(({ path }) => path.endsWith(".md")).flatMap((file) =>
    linksOf(file).flatMap(({ line, target }) => {
      const [path = "", anchor] = target.split("#");
      const found = path === "" ? file.path : resolved(file.path, path);
      if (!paths.has(found)) return [`${file.path}:${line} links to ${target}: there is no ${found}`];
      const text = texts.get(found);
      return anchor === undefined || text === undefined || anchorsOf(text).has(anchor)
        ? []
        : [`${file.path}:${line} links to ${target}: ${found} has no heading #${anchor}`];
    })
  );
};

function linksOf({ text }: TextFile): { readonly line: number; readonly target: string }[] {
  const prose = text.replace(/^ *```[^]*?^ *```/gm, (block) => block.replace(/[^\n]/g, " "));
  return [...prose.matchAll(/\]\(([^()\s]+)\)/g)]
    .map(({ 1: target = "", index }) => ({ line: lineAt(text, index), target }))
    .filter(({ target }) => !/^[a-z]+:/.test(target));
}

/** A path relative to a document, from the root and without a slash at the end. */
function resolved(from: string, path: string): string {
  return decodeURIComponent(new URL(path, `file:///${from}`).pathname).replace(/^\/|\/$/g, "");
}

/** The anchors that GitHub gives to the headings of a document. */
function anchorsOf(markdown: string): ReadonlySet<string> {
  const headings = [...markdown.matchAll(/^#{1,6} (.*)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading.toLowerCase().replace(/[^\p{L}\p{N}_\- ]/gu, "").trim().replaceAll(" ", "-")
    ),
  );
}
