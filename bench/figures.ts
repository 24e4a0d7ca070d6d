// Pure.
/**
 * From turns to figures: CPU seconds per million records, ratios taken round by round, medians, tables, the last line.
 *
 * @module
 */

import type { Turn } from "./meter.ts";
import type { MeasuredTurn } from "./turn.ts";

/** The turns of one case, one a round, in the order of the rounds. */
export type Rounds = readonly MeasuredTurn[];

/** The middle one; of an even number, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low = NaN, high = NaN] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return (low + high) / 2;
}

/** User and system seconds for a million records. Of calls: the same number is microseconds a call. */
export function cpuPerMillion({ count, userSeconds, systemSeconds }: Turn): number {
  return (userSeconds + systemSeconds) / count * 1e6;
}

/** Records a second by the clock. */
export function perSecond({ count, seconds }: Turn): number {
  return count / seconds;
}

/** The median of the ratios of CPU seconds, each of two turns of the same round. */
export function cpuRatio(turns: Rounds, others: Rounds): number {
  return median(turns.flatMap((turn, round) => {
    const other = others[round];
    return other === undefined ? [] : [cpuPerMillion(turn) / cpuPerMillion(other)];
  }));
}

/** What a case came to: medians of its rounds. */
export interface Row {
  readonly name: string;
  /** CPU seconds per million; of these, in the program, and in the kernel. */
  readonly cpu: number;
  readonly user: number;
  readonly system: number;
  /** CPU seconds over those of the floor in the same round. Undefined: it is a floor. */
  readonly timesFloor: number | undefined;
  readonly perSecond: number;
  readonly peakRssMiB: number;
  /** What was not reached, in words. */
  readonly note: string | undefined;
}

/** What was not measured, and why. */
export interface Skipped {
  readonly name: string;
  readonly reason: string;
}

/** The medians of a case's rounds. */
export function rowOf(name: string, turns: Rounds, floor?: Rounds, note?: string): Row {
  const of = (figure: (turn: MeasuredTurn) => number) => median(turns.map(figure));
  return {
    name,
    cpu: of(cpuPerMillion),
    user: of(({ count, userSeconds }) => userSeconds / count * 1e6),
    system: of(({ count, systemSeconds }) => systemSeconds / count * 1e6),
    timesFloor: floor === undefined ? undefined : cpuRatio(turns, floor),
    perSecond: of(perSecond),
    peakRssMiB: of(({ peakRssMiB }) => peakRssMiB),
    note,
  };
}

const HEAD = ["case", "CPU s", "user", "system", "times its floor", "a second", "peak RSS, MiB"] as const;

/** The cells of a row, below {@linkcode HEAD}. */
function cellsOf({ name, cpu, user, system, timesFloor, perSecond, peakRssMiB, note }: Row): string[] {
  return [
    withNote(`\`${name}\``, note),
    significant(cpu),
    significant(user),
    significant(system),
    timesFloor === undefined ? "" : timesFloor.toFixed(2),
    Math.round(perSecond).toLocaleString("en"),
    `${Math.round(peakRssMiB)}`,
  ];
}

/** A text and, in brackets, what was not reached. */
export function withNote(text: string, note: string | undefined): string {
  return note === undefined ? text : `${text} (${note})`;
}

/** A row as it is printed when it is known, long before the table is. */
export function lineOf({ name, cpu, user, system, perSecond, peakRssMiB, note }: Row): string {
  const cpus = `${significant(cpu)} CPU s a million (${significant(user)} + ${significant(system)})`;
  const rest = `${Math.round(perSecond).toLocaleString("en")} a second, ${Math.round(peakRssMiB)} MiB`;
  return withNote(`${name}: ${cpus}, ${rest}`, note);
}

/** A table of rows in Markdown, laid out as `deno fmt` would. */
export function tableOf(rows: readonly Row[]): string {
  return markdownTable([[...HEAD], ...rows.map(cellsOf)]);
}

/** A table in Markdown: its first column to the left, the others to the right. */
export function markdownTable(cells: readonly (readonly string[])[]): string {
  const [head = [], ...rows] = cells;
  const widths = head.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    `| ${
      row.map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)
      )
        .join(" | ")
    } |`;
  const rule = widths.map((width, column) => column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`);
  return [line(head), `| ${rule.join(" | ")} |`, ...rows.map(line)].join("\n");
}

/** Three digits that count. */
export function significant(value: number): string {
  return value >= 100 ? `${Math.round(value)}` : value.toFixed(value >= 10 ? 1 : 2);
}

/** The last line of `task bench`. A figure that was not measured is null. */
export interface Summary {
  /** CPU seconds of the floor over those of the worker, both in JSON: 1 = as cheap as the floor. */
  readonly floorRatio: number | null;
  /** CPU seconds of the worker in JSON over those in CBOR: 2 = CBOR takes half. */
  readonly cborRatioToJson: number | null;
  /** CPU seconds per million records of each case and of other consumers, and per million calls of `empty-call`. */
  readonly cpuPerMillion: Readonly<Record<string, number>>;
  /** Peak of 4 shards that catch up. */
  readonly rssMiB: number | null;
  readonly idleRequestsPerShardHour: number | null;
}

/** Sums up what was measured. @param others Rows of other consumers. */
export function summaryOf(
  measured: ReadonlyMap<string, Rounds>,
  idleRequestsPerShardHour: number | undefined,
  others: readonly Row[] = [],
): Summary {
  const ratio = (a: string, b: string) => {
    const [turns, others] = [measured.get(a), measured.get(b)];
    return turns === undefined || others === undefined ? null : rounded(cpuRatio(turns, others));
  };
  const catchUp = measured.get("catch-up");
  return {
    floorRatio: ratio("floor-json", "worker-json"),
    cborRatioToJson: ratio("worker-json", "worker-cbor"),
    cpuPerMillion: Object.fromEntries([
      ...[...measured].filter(([name]) => name !== "catch-up").map(([name, turns]) =>
        [name, rounded(median(turns.map(cpuPerMillion)))] as const
      ),
      ...others.map(({ name, cpu }) => [name, rounded(cpu)] as const),
    ]),
    rssMiB: catchUp === undefined ? null : Math.round(median(catchUp.map(({ peakRssMiB }) => peakRssMiB))),
    idleRequestsPerShardHour: idleRequestsPerShardHour ?? null,
  };
}

function rounded(value: number): number {
  return Number(value.toFixed(3));
}

/** What the bench writes into docs/performance.md: its cases, and what `--compare` adds. */
export type Block = "bench" | "bench --compare";

function marksOf(block: Block): readonly [start: string, end: string] {
  return [`<!-- written by deno task ${block} --write -->`, `<!-- end of what ${block} --write wrote -->`];
}

/** Where a block's text begins and ends. */
function placeOf(document: string, block: Block): readonly [from: number, to: number] {
  const [start, end] = marksOf(block);
  const from = document.indexOf(start), to = document.indexOf(end);
  if (from === -1 || to < from) {
    throw new Error(`Cannot find the figures in the document: expected "${start}" and "${end}"`);
  }
  return [from + start.length, to];
}

/** What stands between the marks of a document. */
export function writtenBlock(document: string, block: Block): string {
  return document.slice(...placeOf(document, block)).trim();
}

/** The document with another text between those marks. */
export function withBlock(document: string, block: Block, text: string): string {
  const [from, to] = placeOf(document, block);
  return `${document.slice(0, from)}\n\n${text}\n\n${document.slice(to)}`;
}
