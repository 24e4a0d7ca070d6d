/**
 * Keeps documents readable: short sentences, and no word of `PLAIN_WORDS`. Each rule goes from text to
 * complaints, so that `documents_test.ts` can show that it is able to fail.
 *
 * @module
 */

import type { DocumentRule, TextFile } from "./documents.ts";
import { plainWordProblems } from "./plain_words.ts";

/** A sentence of more words than this is long. */
const LONG_WORDS = 30;

/** The part of a document's sentences that may be long, outside of those in `STRICT`. */
const LONG_PART = 0.05;

/** Documents without a single long sentence: everybody reads them. */
const STRICT: readonly string[] = ["README.md", "CONTRIBUTING.md", "SECURITY.md"];

/** Documents that are kept. CHANGELOG.md is a record of the past. */
function isKept({ path }: TextFile): boolean {
  return STRICT.includes(path) || path === "ARCHITECTURE.md" || /^(?:docs|examples)\/.*\.md$/.test(path);
}

/** No sentence of README, CONTRIBUTING and SECURITY is long, and few of the other documents. */
export const shortSentences: DocumentRule = ({ files }) =>
  files.filter(isKept).flatMap((file) => {
    const all = sentences(file.text);
    const long = all.filter(({ words }) => words > LONG_WORDS);
    const allowed = STRICT.includes(file.path) ? 0 : Math.ceil(all.length * LONG_PART) - 1;
    if (long.length <= Math.max(0, allowed)) return [];
    return long.map(({ line, words, text }) =>
      `${file.path}:${line} has a sentence of ${words} words: expected at most ${LONG_WORDS}: ${text}`
    );
  });

/** No document says a word that is out. */
export const plainDocuments: DocumentRule = ({ files }) =>
  files.filter(isKept).flatMap((file) =>
    blocks(file.text, true).flatMap(({ line, text }) =>
      plainWordProblems(text).map((problem) => `${file.path}:${line} ${problem}`)
    )
  );

/** A sentence of a document. */
interface Sentence {
  /** The line at which its paragraph begins, from 1. */
  readonly line: number;
  readonly words: number;
  readonly text: string;
}

/**
 * The sentences of a Markdown text: of its headings, paragraphs and items of lists. Code blocks, tables and
 * the targets of links are left out; a name in backticks counts by its words.
 */
export function sentences(markdown: string): Sentence[] {
  return blocks(markdown, false).flatMap(({ line, text }) =>
    text.replaceAll("`", "").replace(/\b(e\.g|i\.e|etc|vs)\./g, "$1")
      .split(/(?<=[.!?]["')*_]*)\s+/)
      .map((sentence) => ({
        line,
        text: sentence,
        words: sentence.match(/\S*[\p{L}\p{N}]\S*/gu)?.length ?? 0,
      }))
      .filter(({ words }) => words > 0)
  );
}

/** The blocks of prose, one text each. For words, tables count, and code and quoted names of tests do not. */
function blocks(markdown: string, forWords: boolean): { readonly line: number; readonly text: string }[] {
  const found: { line: number; text: string }[] = [];
  let fence: string | undefined;
  let isOpen = false;
  for (const [at, whole] of markdown.split("\n").entries()) {
    const mark = /^\s*(`{3,}|~{3,})/.exec(whole)?.[1];
    if (mark !== undefined && (fence === undefined || mark.startsWith(fence))) {
      fence = fence === undefined ? mark : undefined;
      isOpen = false;
      continue;
    }
    const isTable = /^\s*\|/.test(whole);
    if (fence !== undefined || whole.trim() === "" || (isTable && !forWords)) {
      isOpen = false;
      continue;
    }
    const start = /^\s*(?:#{1,6} |[-*+] |\d+\. |> |\[\^?\w+\]: )/.exec(whole)?.[0];
    const text = plainText(whole.slice(start?.length ?? 0), forWords, isTable);
    const last = found.at(-1);
    if (isOpen && start === undefined && !isTable && last !== undefined) last.text += ` ${text}`;
    else found.push({ line: at + 1, text });
    isOpen = !isTable && start?.includes("#") !== true;
  }
  return found;
}

/** A line without what is not prose. */
function plainText(line: string, forWords: boolean, isTable: boolean): string {
  let text = line.replace(/!?\[([^\]]*)\]\([^)]*\)/g, "$1").replace(/<[^>]+>/g, " ");
  if (forWords) text = text.replace(/`[^`]*`/g, " ");
  if (isTable) text = text.replace(/"[^"|]*"/g, " ");
  return text.trim();
}
