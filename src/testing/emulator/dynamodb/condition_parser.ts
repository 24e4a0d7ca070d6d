// Pure.
/**
 * Reads DynamoDB's conditions, by recursive descent. Ours: the one parser for JavaScript (dynalite's) is part
 * of a whole emulator with a native addon. It does not run everywhere that this must.
 *
 * Source: "Condition and filter expressions" of the DynamoDB documentation.
 *
 * @module
 */

import { orderOf, typeOf, TYPES } from "./attribute_values.ts";
import { ExpressionCursor, type ExpressionSource } from "./expression_cursor.ts";
import type { Comparator, Condition, Operand } from "./expression_syntax.ts";

/** Expressions deeper than that are refused; DynamoDB allows 300 operators. */
const MAX_DEPTH = 100;

/** @throws {ApiError} when it cannot be read. */
export function parseCondition(source: ExpressionSource): Condition {
  return new ConditionParser(source).condition();
}

class ConditionParser {
  readonly #cursor: ExpressionCursor;
  #depth = 0;

  constructor(source: ExpressionSource) {
    this.#cursor = new ExpressionCursor(source);
  }

  condition(): Condition {
    const condition = this.#either();
    this.#cursor.expectEnd();
    return condition;
  }

  #either(): Condition {
    if (++this.#depth > MAX_DEPTH) throw this.#cursor.invalid("The expression is nested too deeply;");
    let left = this.#both();
    while (this.#cursor.takeWord("OR")) left = { type: "or", left, right: this.#both() };
    this.#depth--;
    return left;
  }

  #both(): Condition {
    let left = this.#negated();
    while (this.#cursor.takeWord("AND")) left = { type: "and", left, right: this.#negated() };
    return left;
  }

  #negated(): Condition {
    let isNegated = false;
    while (this.#cursor.takeWord("NOT")) isNegated = !isNegated;
    const condition = this.#single();
    return isNegated ? { type: "not", of: condition } : condition;
  }

  #single(): Condition {
    if (this.#cursor.take("(")) {
      const condition = this.#either();
      this.#cursor.expect(")");
      return condition;
    }
    const name = this.#cursor.functionAhead();
    if (name !== undefined && name !== "size") return this.#function(name);
    const of = this.#operand();
    if (this.#cursor.takeWord("BETWEEN")) return this.#between(of);
    if (this.#cursor.takeWord("IN")) {
      this.#cursor.expect("(");
      const choices: Operand[] = [];
      do choices.push(this.#operand()); while (this.#cursor.take(","));
      this.#cursor.expect(")");
      return { type: "in", of, choices };
    }
    const by = this.#cursor.next.text;
    if (!isComparator(by)) throw this.#cursor.error();
    this.#cursor.skip(1);
    const right = this.#operand();
    this.#checkDistinct(by, of, right);
    if (by !== "=" && by !== "<>") {
      for (const operand of [of, right]) {
        if (operand.type === "value" && orderOf(operand.value, operand.value) === undefined) {
          throw this.#cursor.mistyped(by, typeOf(operand.value));
        }
      }
    }
    return { type: "compare", by, left: of, right };
  }

  #between(of: Operand): Condition {
    const low = this.#operand();
    if (!this.#cursor.takeWord("AND")) throw this.#cursor.error();
    const high = this.#operand();
    if (low.type === "value" && high.type === "value") {
      if (typeOf(low.value) !== typeOf(high.value)) {
        throw this.#cursor.invalid(
          "The BETWEEN operator requires same data type for lower and upper bounds;",
        );
      }
      if ((orderOf(low.value, high.value) ?? 0) > 0) {
        throw this.#cursor.invalid(
          "The BETWEEN operator requires upper bound to be greater than or equal to lower bound;",
        );
      }
    }
    return { type: "between", of, low, high };
  }

  #function(name: string): Condition {
    this.#cursor.skip(2);
    const operands: Operand[] = [];
    do operands.push(this.#operand()); while (this.#cursor.take(","));
    this.#cursor.expect(")");
    const wanted = CONDITION_FUNCTIONS.get(name);
    if (wanted === undefined) throw this.#cursor.invalid(`Invalid function name; function: ${name}`);
    const [of, part] = operands;
    if (of === undefined || operands.length !== wanted) {
      throw this.#cursor.invalid(
        `Incorrect number of operands for operator or function; operator or function: ${name}, number of operands: ${operands.length}`,
      );
    }
    if (name === "attribute_exists" || name === "attribute_not_exists" || part === undefined) {
      if (of.type === "path") return { type: "exists", path: of.path, wanted: name === "attribute_exists" };
      throw this.#cursor.invalid(
        `Operator or function requires a document path; operator or function: ${name}`,
      );
    }
    this.#checkDistinct(name, of, part);
    if (name === "attribute_type") {
      if (part.type === "value" && "S" in part.value && TYPES.has(part.value.S)) {
        return { type: "hasType", of, wanted: part.value.S };
      }
      throw this.#cursor.invalid("Invalid attribute type name found;");
    }
    if (name === "contains") return { type: "contains", of, part };
    for (const operand of [of, part]) {
      if (operand.type === "value" && !("S" in operand.value) && !("B" in operand.value)) {
        throw this.#cursor.mistyped(name, typeOf(operand.value));
      }
    }
    return { type: "beginsWith", of, part };
  }

  #operand(): Operand {
    const name = this.#cursor.functionAhead();
    if (name === undefined) return this.#cursor.plainOperand();
    if (name !== "size") {
      throw this.#cursor.invalid(
        `The function is not allowed to be used this way in an expression; function: ${name}`,
      );
    }
    this.#cursor.skip(2);
    const of = this.#cursor.plainOperand();
    this.#cursor.expect(")");
    if (of.type === "value" && ("N" in of.value || "BOOL" in of.value || "NULL" in of.value)) {
      throw this.#cursor.mistyped(name, typeOf(of.value));
    }
    return { type: "size", of };
  }

  #checkDistinct(name: string, left: Operand, right: Operand): void {
    if (left.type !== "path" || right.type !== "path") return;
    if (JSON.stringify(left.path) !== JSON.stringify(right.path)) return;
    throw this.#cursor.invalid(
      `The first operand must be distinct from the remaining operands for this operator or function; operator: ${name}, ` +
        `first operand: [${left.path.join(", ")}]`,
    );
  }
}

/** How many operands each takes. */
const CONDITION_FUNCTIONS: ReadonlyMap<string, number> = new Map([
  ["attribute_exists", 1],
  ["attribute_not_exists", 1],
  ["attribute_type", 2],
  ["begins_with", 2],
  ["contains", 2],
]);

function isComparator(text: string): text is Comparator {
  return ["=", "<>", "<", "<=", ">", ">="].includes(text);
}
