// Pure.
/**
 * Checks as lines of text: how each ended, what it found, and what mends it.
 *
 * @module
 */

import { counted } from "../../observe/format.ts";
import { oneLine } from "../../observe/one_line.ts";
import type { Check } from "../../operate/check/check.ts";
import { type Tone, wrapText } from "../../terminal/text_width.ts";

/** How lines are made. */
export interface CheckStyle {
  /** How wide a line may be. */
  readonly columns: number;
  readonly paint: (tone: Tone, text: string) => string;
}

const WORDS: Readonly<Record<Check["status"], readonly [word: string, tone: Tone]>> = {
  ok: ["ok", "good"],
  failed: ["failed", "bad"],
  notTried: ["not tried", "dim"],
};

/** The width of the longest word, and two spaces. */
const INDENT = 11;

/** The lines, with notes and a count at the end. */
export function checkLines(
  checks: readonly Check[],
  notes: readonly string[],
  style: CheckStyle,
): string[] {
  const failed = checks.filter(({ status }) => status === "failed").length;
  const good = checks.filter(({ status }) => status === "ok").length;
  const summary = `${counted(good, "check")} ok, ${failed} failed, ${
    checks.length - good - failed
  } not tried`;
  return [
    ...checks.flatMap(({ name, status, detail, mend }) =>
      row(...WORDS[status], [`${name}: ${detail}`, ...(mend === undefined ? [] : [`mend: ${mend}`])], style)
    ),
    ...notes.flatMap((text) => row("note", "warning", [text], style)),
    "",
    ...wrapText(summary, style.columns).map((line) => style.paint(failed === 0 ? "good" : "bad", line)),
  ];
}

function row(word: string, tone: Tone, texts: readonly string[], { columns, paint }: CheckStyle): string[] {
  const width = Math.max(1, columns - INDENT);
  const [first = "", ...more] = texts.flatMap((text) => wrapText(oneLine(text), width));
  return [
    `${paint(tone, word)}${" ".repeat(INDENT - word.length)}${first}`,
    ...more.map((line) => `${" ".repeat(INDENT)}${line}`),
  ];
}
