// Pure.
/**
 * Rows and columns as text: aligned where they fit, and a block for each row where the terminal is too
 * narrow.
 *
 * @module
 */

/** One column. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  /** @default {"left"} */
  readonly align?: "left" | "right" | undefined;
}

/**
 * The lines of a table, with its head.
 *
 * @param columns How wide a line may be.
 */
export function tableLines<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  _width: number,
): string[] {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ cell }) => cell(row))),
  ];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => (line[index] ?? "").length)));
  return cells.map((line) =>
    line.map((cell, index) => {
      const width = widths[index] ?? 0;
      return columns[index]?.align === "right" ? cell.padStart(width) : cell.padEnd(width);
    }).join("  ").trimEnd()
  );
}
