// Pure.
/**
 * Rows and columns as text: aligned where they fit, and a block for each row where the terminal is too
 * narrow.
 *
 * @module
 */

import { type Cut, cutText, padText, textWidth, wrapText } from "./text_width.ts";

/** One column. */
export interface Column<Row> {
  readonly title: string;
  /** Without control characters, but for those of `Terminal.paint`. */
  readonly cell: (row: Row) => string;
  /** @default {"left"} */
  readonly align?: "left" | "right" | undefined;
  /**
   * How its cells are shortened where the terminal is too narrow: in the middle, since both ends of keys and
   * sequence numbers say something, or at the end, or never.
   *
   * @default {"middle"} and "never" when it is aligned to the right
   */
  readonly shrink?: Cut | "never" | undefined;
  /** How narrow it may become. @default {12} */
  readonly least?: number | undefined;
}

/**
 * The lines of a table, with its head. No rows make no lines.
 *
 * @param width How wide a line may be; Infinity in a pipe.
 */
export function tableLines<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  width: number,
): string[] {
  if (rows.length === 0 || columns.length === 0) return [];
  const head = columns.map(({ title }) => title);
  const body = rows.map((row) => columns.map(({ cell }) => cell(row)));
  const widths = head.map(textWidth);
  for (const cells of body) {
    cells.forEach((cell, at) => widths[at] = Math.max(widths[at] ?? 0, textWidth(cell)));
  }
  const fitting = fittingWidths(widths, columns, width - GAP.length * (columns.length - 1));
  if (fitting === undefined) return blocks(body, head, width);
  return [head, ...body].map((cells) =>
    cells.map((cell, at) => {
      const { align, shrink } = columns[at] ?? {};
      const room = fitting[at] ?? 0;
      return padText(cutText(cell, room, shrink === "end" ? "end" : "middle"), room, align);
    }).join(GAP).trimEnd()
  );
}

/** Between two columns. */
const GAP = "  ";

/** Narrower than this, a cell says little. */
const LEAST = 12;

/**
 * The widest columns are made narrower, all alike, until the sum fits.
 *
 * @returns undefined when it cannot fit.
 */
function fittingWidths<Row>(
  widths: readonly number[],
  columns: readonly Column<Row>[],
  room: number,
): number[] | undefined {
  const fitting = [...widths];
  let surplus = fitting.reduce((sum, width) => sum + width, 0) - room;
  while (surplus > 0) {
    let widest = -1;
    fitting.forEach((width, at) => {
      if (width > leastWidth(columns[at]) && width > (fitting[widest] ?? 0)) widest = at;
    });
    const width = fitting[widest];
    if (width === undefined) return undefined;
    fitting[widest] = width - 1;
    surplus--;
  }
  return fitting;
}

function leastWidth<Row>(column: Column<Row> | undefined): number {
  const { align, shrink = align === "right" ? "never" : "middle", least = LEAST, title = "" } = column ?? {};
  return shrink === "never" ? Infinity : Math.max(least, textWidth(title));
}

/** `title: cell` on lines of their own, and an empty line between two rows. Empty cells are left out. */
function blocks(body: readonly (readonly string[])[], head: readonly string[], width: number): string[] {
  return body.flatMap((cells, row) => [
    ...(row === 0 ? [] : [""]),
    ...cells.flatMap((cell, at) => {
      const title = head[at] ?? "";
      if (cell.trim() === "") return [];
      return hanging(title === "" ? cell : `${title}: ${cell}`, width);
    }),
  ]);
}

function hanging(text: string, width: number): string[] {
  if (textWidth(text) <= width) return [text];
  const [first = "", ...rest] = wrapText(text, Math.max(1, width - 2));
  return [first, ...rest.map((line) => `  ${line}`)];
}
