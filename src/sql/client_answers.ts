// Pure.
/**
 * Reads what clients answer, whose shapes differ: `pg` and PGlite give an object with `rows`, `postgres` a
 * list of rows, `mysql2` a list of two, whose first is the rows or a header.
 *
 * @module
 */

import { excerptOf, isSequenceNumber } from "../stream/sequence_number.ts";
import type { SqlDialect, StoredPosition } from "./statements.ts";

/** One row of the table of positions. */
export interface PositionRow {
  readonly stream: string;
  readonly token: bigint;
  readonly leaseCounter: number;
  readonly position: StoredPosition;
  readonly isShardEnded: boolean;
}

/**
 * The row that was read; undefined when there is none.
 *
 * @throws {TypeError} when it is no answer of a known client, or no such row.
 */
export function rowIn(answer: unknown): PositionRow | undefined {
  const [row] = rowsIn(answer);
  return row === undefined ? undefined : positionRow(row);
}

/**
 * Whether a write has found its row.
 *
 * @throws {TypeError} when it is no answer of a known client.
 */
export function hasWritten(dialect: SqlDialect, answer: unknown): boolean {
  if (dialect === "postgres") return rowsIn(answer).length > 0;
  const header: unknown = Array.isArray(answer) ? answer[0] : answer;
  if (isObject(header) && "affectedRows" in header) return Number(header.affectedRows) > 0;
  throw new TypeError(
    `${CANNOT}: expected affectedRows in a header, as mysql2 gives it: got ${shapeOf(answer)}`,
  );
}

const CANNOT = "Cannot read the answer of the SQL client";

function rowsIn(answer: unknown): readonly unknown[] {
  const rows: unknown = isObject(answer) && "rows" in answer
    ? answer.rows
    : Array.isArray(answer) && Array.isArray(answer[0])
    ? answer[0]
    : answer;
  if (Array.isArray(rows)) return rows;
  throw new TypeError(
    `${CANNOT}: expected a list of rows, or an object with rows: got ${
      shapeOf(answer)
    }: let query() return ` +
      "what the client's own function gives",
  );
}

function positionRow(row: unknown): PositionRow {
  if (!isObject(row)) throw new TypeError(`${CANNOT}: expected a row as an object: got ${shapeOf(row)}`);
  const { stream, fencing_token, lease_counter, sequence_number, sub_sequence_number, shard_ended } = row;
  if (typeof sequence_number !== "string" || !isSequenceNumber(sequence_number)) {
    throw new TypeError(
      `${CANNOT}: expected sequence_number to be digits or a sentinel: got ${excerptOf(sequence_number)}`,
    );
  }
  return {
    stream: String(stream),
    token: BigInt(integer("fencing_token", fencing_token)),
    leaseCounter: Number(integer("lease_counter", lease_counter)),
    position: {
      sequenceNumber: sequence_number,
      subSequenceNumber: Number(integer("sub_sequence_number", sub_sequence_number)),
    },
    isShardEnded: shard_ended === true || Number(shard_ended) === 1,
  };
}

/** Clients give a BIGINT as text, as a number or as a bigint. */
function integer(name: string, value: unknown): string {
  const text = typeof value === "number" || typeof value === "bigint" || typeof value === "string"
    ? `${value}`
    : "";
  if (/^\d{1,19}$/.test(text)) return text;
  throw new TypeError(`${CANNOT}: expected ${name} to be an integer: got ${excerptOf(text)}`);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

function shapeOf(value: unknown): string {
  if (Array.isArray(value)) return "a list without rows";
  return isObject(value)
    ? `an object with ${Object.keys(value).slice(0, 5).join(", ") || "nothing"}`
    : typeof value;
}
