// Pure.
/**
 * Reads update expressions, and projections, which are lists of the same paths.
 *
 * Source: "Update expressions" of the DynamoDB documentation.
 *
 * @module
 */

import { isSet, typeOf } from "./attribute_values.ts";
import { ExpressionCursor, type ExpressionSource } from "./expression_cursor.ts";
import type { Change, Operand, Path } from "./expression_syntax.ts";

/** @throws {ApiError} when it cannot be read. */
export function parseUpdate(source: ExpressionSource): readonly Change[] {
  return new UpdateParser(source).update();
}

/** @throws {ApiError} when it cannot be read. */
export function parseProjection(source: ExpressionSource): readonly Path[] {
  const cursor = new ExpressionCursor(source);
  const paths: Path[] = [];
  do paths.push(cursor.path()); while (cursor.take(","));
  cursor.expectEnd();
  cursor.checkOverlaps(paths);
  return paths;
}

class UpdateParser {
  readonly #cursor: ExpressionCursor;

  constructor(source: ExpressionSource) {
    this.#cursor = new ExpressionCursor(source);
  }

  update(): readonly Change[] {
    const changes: Change[] = [];
    const seen = new Set<string>();
    while (this.#cursor.next.type !== "end") {
      const section = this.#cursor.next.text.toUpperCase();
      if (this.#cursor.next.type !== "word" || !["SET", "REMOVE", "ADD", "DELETE"].includes(section)) {
        throw this.#cursor.error();
      }
      if (seen.has(section)) {
        throw this.#cursor.invalid(`The "${section}" section can only be used once in an update expression;`);
      }
      seen.add(section);
      this.#cursor.skip(1);
      do changes.push(this.#change(section as Change["type"])); while (this.#cursor.take(","));
    }
    this.#cursor.checkOverlaps(changes.map(({ path }) => path));
    return changes;
  }

  #change(type: Change["type"]): Change {
    const path = this.#cursor.path();
    switch (type) {
      case "SET":
        this.#cursor.expect("=");
        return { type, path, value: this.#sum() };
      case "REMOVE":
        return { type, path };
      case "ADD":
      case "DELETE": {
        const value = this.#cursor.value();
        if (isSet(value) || (type === "ADD" && "N" in value)) return { type, path, value };
        throw this.#cursor.mistyped(type, typeOf(value));
      }
    }
  }

  /** What SET may set to: an operand, or two of them added or subtracted. */
  #sum(): Operand {
    const left = this.#settable();
    const sign = this.#cursor.next.text;
    if (sign !== "+" && sign !== "-") return left;
    this.#cursor.skip(1);
    const right = this.#settable();
    for (const operand of [left, right]) {
      if (operand.type === "value" && !("N" in operand.value)) {
        throw this.#cursor.mistyped(sign, typeOf(operand.value));
      }
    }
    return { type: "sum", left, right, factor: sign === "+" ? 1 : -1 };
  }

  #settable(): Operand {
    const name = this.#cursor.functionAhead();
    if (name === undefined) return this.#cursor.plainOperand();
    this.#cursor.skip(2);
    if (name !== "if_not_exists" && name !== "list_append") {
      throw this.#cursor.invalid(`Invalid function name; function: ${name}`);
    }
    const left = this.#settable();
    this.#cursor.expect(",");
    const right = this.#settable();
    this.#cursor.expect(")");
    if (name === "if_not_exists") {
      if (left.type !== "path") {
        throw this.#cursor.invalid(
          `Operator or function requires a document path; operator or function: ${name}`,
        );
      }
      return { type: "ifNotExists", path: left.path, otherwise: right };
    }
    for (const operand of [left, right]) {
      if (operand.type === "value" && !("L" in operand.value)) {
        throw this.#cursor.mistyped(name, typeOf(operand.value));
      }
    }
    return { type: "listAppend", left, right };
  }
}
