// Pure.
/**
 * Where a parser is in an expression, and what all expressions have in common: paths, values, errors.
 *
 * @module
 */

import type { AttributeValue } from "../../../aws/dynamodb.ts";
import { type ApiError, invalid } from "../api_error.ts";
import {
  type Operand,
  type Path,
  type Placeholders,
  syntaxError,
  type Token,
  tokensOf,
} from "./expression_syntax.ts";
import { RESERVED_WORDS } from "./reserved_words.ts";

/** What an expression is read with. */
export interface ExpressionSource {
  readonly expression: string;
  /** Such as `ConditionExpression`, for errors. */
  readonly what: string;
  readonly placeholders: Placeholders;
}

/** See the module. What is wrong is thrown as an `ApiError`. */
export class ExpressionCursor {
  readonly #what: string;
  readonly #placeholders: Placeholders;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor({ expression, what, placeholders }: ExpressionSource) {
    if (expression.trim() === "") throw invalid(`Invalid ${what}: The expression can not be empty;`);
    this.#what = what;
    this.#placeholders = placeholders;
    this.#tokens = tokensOf(expression, what);
  }

  skip(count: number): void {
    this.#at += count;
  }

  /** The value that a placeholder stands for, which must come next. */
  value(): AttributeValue {
    const { type, text } = this.next;
    if (type !== "value") throw this.error();
    this.#at++;
    return this.#placeholders.value(text, this.#what);
  }

  /** A path or a value. */
  plainOperand(): Operand {
    return this.next.type === "value"
      ? { type: "value", value: this.value() }
      : { type: "path", path: this.path() };
  }

  path(): Path {
    const path: [string, ...(string | number)[]] = [this.name()];
    for (;;) {
      if (this.take(".")) path.push(this.name());
      else if (this.take("[")) {
        const { type, text } = this.next;
        if (type !== "number") throw this.error();
        this.#at++;
        path.push(Number(text));
        this.expect("]");
      } else return path;
    }
  }

  name(): string {
    const { type, text } = this.next;
    if (type === "name") {
      this.#at++;
      return this.#placeholders.name(text, this.#what);
    }
    if (type !== "word" || this.functionAhead() !== undefined) throw this.error();
    if (RESERVED_WORDS.has(text.toUpperCase())) {
      throw this.invalid(`Attribute name is a reserved keyword; reserved keyword: ${text}`);
    }
    this.#at++;
    return text;
  }

  /** What comes next, without passing over it. */
  get next(): Token {
    return this.#tokens[this.#at] ?? { type: "end", text: "<EOF>" };
  }

  /** The name of a function, when what follows is a call of one. */
  functionAhead(): string | undefined {
    const { type, text } = this.next;
    return type === "word" && this.#tokens[this.#at + 1]?.text === "(" &&
        !/^(and|or|not|in|between)$/i.test(text)
      ? text
      : undefined;
  }

  /** Passes over a sign, if it comes next. */
  take(sign: string): boolean {
    const isThere = this.next.type === "sign" && this.next.text === sign;
    if (isThere) this.#at++;
    return isThere;
  }

  /** Passes over a word in any case, if it comes next. */
  takeWord(word: string): boolean {
    const isThere = this.next.type === "word" && this.next.text.toUpperCase() === word;
    if (isThere) this.#at++;
    return isThere;
  }

  expect(sign: string): void {
    if (!this.take(sign)) throw this.error();
  }

  expectEnd(): void {
    if (this.next.type !== "end") throw this.error();
  }

  /** No two paths may be or contain the same, nor take the same for a list and a map. */
  checkOverlaps(paths: readonly Path[]): void {
    paths.forEach((path, i) => {
      for (const other of paths.slice(0, i)) {
        const place = path.findIndex((part, j) => part !== other[j]);
        const [mine, theirs] = [path[place], other[place]];
        const isPart = mine === undefined || theirs === undefined;
        if (!isPart && typeof mine === typeof theirs) continue;
        throw this.invalid(
          `Two document paths ${
            isPart ? "overlap" : "conflict"
          } with each other; must remove or rewrite one of these ` +
            `paths; path one: [${other.join(", ")}], path two: [${path.join(", ")}]`,
        );
      }
    });
  }

  mistyped(operator: string, type: string): ApiError {
    return this.invalid(
      `Incorrect operand type for operator or function; operator or function: ${operator}, operand type: ${type}`,
    );
  }

  invalid(why: string): ApiError {
    return invalid(`Invalid ${this.#what}: ${why}`);
  }

  error(): ApiError {
    return syntaxError(this.#what, this.next.text);
  }
}
