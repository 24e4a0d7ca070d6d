// Pure.
/**
 * How many columns a text takes on a terminal, and texts cut to some columns. Colours, as
 * {@linkcode paintedText} sets them, take none.
 *
 * The rule is our own and small: East Asian wide and fullwidth letters and emoji take two columns, combining
 * marks and joiners none, all others one. An emoji of several joined parts may take fewer than is counted
 * here. So a column may be too wide, and a line never is.
 *
 * Source: unicode.org/Public/16.0.0/ucd/EastAsianWidth.txt, in whole blocks; terminals use the same property.
 *
 * @module
 */

/** A colour by its meaning. */
export type Tone = "good" | "warning" | "bad" | "dim" | "bold";

/** How a text is shortened: at its end, or in its middle where both ends say something. */
export type Cut = "end" | "middle";

/** The text in a colour. */
export function paintedText(tone: Tone, text: string): string {
  return text === "" ? "" : `\u001b[${TONES[tone]}m${text}${RESET}`;
}

/** ECMA-48, "Select Graphic Rendition". Each terminal chooses the shades, so that they fit its background. */
const TONES: Readonly<Record<Tone, number>> = { good: 32, warning: 33, bad: 31, dim: 2, bold: 1 };

const RESET = "\u001b[0m";

/** How many columns a text takes. */
export function textWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const letter of text.replaceAll(COLOUR, "")) width += letterWidth(letter);
  return width;
}

/** The text in at most this many columns. What is missing is an ellipsis. */
export function cutText(text: string, columns: number, cut: Cut = "end"): string {
  if (textWidth(text) <= columns) return text;
  if (columns < 1) return "";
  const room = columns - 1;
  const left = cut === "end" ? room : Math.ceil(room / 2);
  // Most texts; thousands of them make a table.
  if (ASCII.test(text)) return `${text.slice(0, left)}…${text.slice(text.length - (room - left))}`;
  const pieces = piecesOf(text);
  const kept: string[] = [], tail: string[] = [];
  let used = 0, at = 0;
  for (; at < pieces.length; at++) {
    const { text, width } = pieces[at] ?? NONE;
    if (used + width > left) break;
    kept.push(text);
    used += width;
  }
  let end = pieces.length;
  for (; end > at; end--) {
    const { text, width } = pieces[end - 1] ?? NONE;
    if (used + width > room) break;
    tail.push(text);
    used += width;
  }
  // Colours of what is left out stay, or the rest of the line would have the wrong ones.
  const colours = pieces.slice(at, end).filter(({ isColour }) => isColour).map(({ text }) => text);
  return [...kept, "…", ...colours, ...tail.reverse()].join("");
}

/** The text, with spaces up to this many columns. */
export function padText(text: string, columns: number, align: "left" | "right" = "left"): string {
  const spaces = " ".repeat(Math.max(0, columns - textWidth(text)));
  return align === "left" ? text + spaces : spaces + text;
}

/**
 * The words of a text in lines of at most this many columns. A word that is longer than a line is broken. A
 * text in colours loses them when it takes more than one line.
 */
export function wrapText(text: string, columns: number): string[] {
  if (textWidth(text) <= columns) return [text];
  const lines: string[] = [];
  let line = "", used = 0;
  for (const word of text.replaceAll(COLOUR, "").split(" ")) {
    const width = textWidth(word);
    if (used > 0 && used + 1 + width <= columns) {
      line += ` ${word}`;
      used += 1 + width;
      continue;
    }
    if (used > 0) lines.push(line);
    line = word;
    used = width;
    while (used > columns) {
      const start = startOf(line, columns);
      lines.push(start);
      line = line.slice(start.length);
      used = textWidth(line);
    }
  }
  return used > 0 ? [...lines, line] : lines;
}

/** As many letters as fit, and at least one: no terminal is too narrow for an end of this. */
function startOf(text: string, columns: number): string {
  let start = "", used = 0;
  for (const { text: letter, width } of piecesOf(text)) {
    if (start !== "" && used + width > columns) break;
    start += letter;
    used += width;
  }
  return start;
}

interface Piece {
  readonly text: string;
  readonly width: number;
  readonly isColour: boolean;
}

const NONE: Piece = { text: "", width: 0, isColour: false };

/** Letters with their marks, and colours. */
function piecesOf(text: string): Piece[] {
  const pieces: Piece[] = [];
  for (const [piece] of text.matchAll(PIECE)) {
    const isColour = piece.startsWith("\u001b");
    pieces.push({ text: piece, width: isColour ? 0 : textWidth(piece), isColour });
  }
  return pieces;
}

function letterWidth(letter: string): number {
  if (NARROWEST.test(letter)) return 0;
  return WIDE.test(letter) ? 2 : 1;
}

const ASCII = /^[\x20-\x7e]*$/;

// deno-lint-ignore no-control-regex -- a colour begins with a control character
const COLOUR = /\u001b\[[\d;]*m/g;

// deno-lint-ignore no-control-regex -- a colour begins with a control character
const PIECE = /\u001b\[[\d;]*m|\P{M}[\p{M}\u200d\ufe0e\ufe0f]*|\p{M}+/gsu;

/** Marks that are drawn over the letter before, joiners, and other letters that are not seen. */
const NARROWEST = /^[\p{Mn}\p{Me}\p{Cf}\u1160-\u11ff]$/u;

/** Wide and fullwidth letters, and what is drawn as an emoji by itself. */
const WIDE =
  /^[\u1100-\u115f\u2329\u232a\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{16fe0}-\u{18dff}\u{1b000}-\u{1b2ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]$/u;
