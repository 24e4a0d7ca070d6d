/**
 * The table of cases in docs/failures.md, from the cases that the tests run.
 *
 * @module
 */

import cases from "../tests/cases/error_policy.json" with { type: "json" };

/** Where the table belongs. */
export const FAILURES_FILE: URL = new URL("failures.md", import.meta.url);

/** What the table shows of a case. */
interface Shown {
  readonly comment: string;
  readonly policy: {
    readonly retry?: { readonly attempts?: number; readonly maxAgeMs?: number };
    readonly split?: string;
    readonly partial?: boolean;
  };
  readonly poison?: readonly number[];
  readonly flaky?: Readonly<Record<string, number>>;
  readonly calls: readonly string[];
  readonly letters?: readonly string[];
  readonly skipped?: readonly string[];
}

/** The text of docs/failures.md with the table as the cases are. */
export function withCases(page: string): string {
  const [head] = page.split(/(?<=\n)\| case /);
  return `${head}${table((cases as readonly Shown[]).map(row))}\n`;
}

const COLUMNS = ["case", "policy", "fails", "calls", "given up"];

function row(
  { comment, policy, poison = [], flaky = {}, calls, letters = [], skipped = [] }: Shown,
): string[] {
  const { retry: { attempts, maxAgeMs } = {}, split, partial } = policy;
  const rules = [
    attempts === undefined ? "no limit" : `attempts ${attempts}`,
    ...(split === undefined ? [] : [split]),
    ...(partial === true ? ["partial"] : []),
    ...(maxAgeMs === undefined ? [] : [`age ${maxAgeMs / 1000} s`]),
  ];
  const fails = [
    ...poison.map((number) => `${number} always`),
    ...Object.entries(flaky).map(([number, times]) => `${number} ${times}×`),
  ];
  return [comment, rules.join(", "), fails.join(", "), calls.join("; "), [...letters, ...skipped].join("; ")];
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = COLUMNS.map((head, i) =>
    Math.max(...[head, ...rows.map((row) => row[i] ?? "")].map((cell) => cell.length))
  );
  const line = (cells: readonly string[], filler: string) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i] ?? 0, filler)).join(" | ")} |`;
  return [line(COLUMNS, " "), line(COLUMNS.map(() => ""), "-"), ...rows.map((cells) => line(cells, " "))]
    .join("\n");
}
