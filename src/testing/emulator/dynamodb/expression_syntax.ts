// Pure.
/**
 * What DynamoDB's expressions consist of once they are read, and the words of their language.
 *
 * @module
 */

import type { AttributeValue } from "../../../aws/dynamodb.ts";
import { checkedValue } from "./attribute_values.ts";
import { type ApiError, invalid } from "../api_error.ts";
import type { Input } from "../input.ts";

/** A place in an item: attribute, then members of maps and lists. */
export type Path = readonly [string, ...(string | number)[]];

/** Something with a value. */
export type Operand =
  | { readonly type: "path"; readonly path: Path }
  | { readonly type: "value"; readonly value: AttributeValue }
  | { readonly type: "size"; readonly of: Operand }
  | { readonly type: "ifNotExists"; readonly path: Path; readonly otherwise: Operand }
  | { readonly type: "listAppend"; readonly left: Operand; readonly right: Operand }
  | { readonly type: "sum"; readonly left: Operand; readonly right: Operand; readonly factor: 1 | -1 };

/** The comparisons. */
export type Comparator = "=" | "<>" | "<" | "<=" | ">" | ">=";

/** Something that holds of an item, or does not. */
export type Condition =
  | { readonly type: "and" | "or"; readonly left: Condition; readonly right: Condition }
  | { readonly type: "not"; readonly of: Condition }
  | { readonly type: "compare"; readonly by: Comparator; readonly left: Operand; readonly right: Operand }
  | { readonly type: "between"; readonly of: Operand; readonly low: Operand; readonly high: Operand }
  | { readonly type: "in"; readonly of: Operand; readonly choices: readonly Operand[] }
  | { readonly type: "exists"; readonly path: Path; readonly wanted: boolean }
  | { readonly type: "hasType"; readonly of: Operand; readonly wanted: string }
  | { readonly type: "beginsWith" | "contains"; readonly of: Operand; readonly part: Operand };

/** One change of an update. */
export type Change =
  | { readonly type: "SET"; readonly path: Path; readonly value: Operand }
  | { readonly type: "REMOVE"; readonly path: Path }
  | { readonly type: "ADD" | "DELETE"; readonly path: Path; readonly value: AttributeValue };

/** A piece of an expression. */
export interface Token {
  readonly type: "word" | "name" | "value" | "number" | "sign" | "end";
  readonly text: string;
}

/** The pieces of an expression, `end` last. @throws {ApiError} for a character that is no part of any. */
export function tokensOf(expression: string, what: string): readonly Token[] {
  const tokens: Token[] = [];
  const pattern =
    /\s*(?:(?<word>[A-Za-z_]\w*)|(?<name>#\w+)|(?<value>:\w+)|(?<number>\d+)|(?<sign><>|<=|>=|[=<>(),.[\]+-]))/y;
  const end = expression.trimEnd().length;
  while (pattern.lastIndex < end) {
    const at = pattern.lastIndex;
    const groups = pattern.exec(expression)?.groups;
    const [type, text] = Object.entries(groups ?? {}).find(([, text]) => text !== undefined) ?? [];
    if (type === undefined || text === undefined) {
      throw syntaxError(what, expression.slice(at).trim().charAt(0));
    }
    tokens.push({ type: type as Token["type"], text });
  }
  tokens.push({ type: "end", text: "<EOF>" });
  return tokens;
}

/** As DynamoDB says it. */
export function syntaxError(what: string, token: string): ApiError {
  return invalid(`Invalid ${what}: Syntax error; token: "${token}", near: "${token}"`);
}

/** The names and values that stand for a request's `#name` and `:value`, with those noted that are used. */
export class Placeholders {
  readonly #names: Input | undefined;
  readonly #values: Input | undefined;
  readonly #used = new Set<string>();

  /** @throws {ApiError} when there are some but no expression. */
  constructor(input: Input, hasExpressions: boolean) {
    this.#names = input.map("ExpressionAttributeNames");
    this.#values = input.map("ExpressionAttributeValues");
    const maps = [["ExpressionAttributeNames", this.#names], [
      "ExpressionAttributeValues",
      this.#values,
    ]] as const;
    for (const [kind, map] of maps) {
      if (map === undefined) continue;
      if (!hasExpressions) throw invalid(`${kind} can only be specified when using expressions`);
      if (Object.keys(map.values).length === 0) throw invalid(`${kind} must not be empty`);
      const prefix = kind === "ExpressionAttributeNames" ? "#" : ":";
      const wrong = Object.keys(map.values).find((key) => !(key.startsWith(prefix) && /^.\w+$/.test(key)));
      if (wrong !== undefined) throw invalid(`${kind} contains invalid key: Syntax error; key: "${wrong}"`);
    }
  }

  name(placeholder: string, what: string): string {
    this.#used.add(placeholder);
    const name = this.#names?.text(placeholder);
    if (name !== undefined) return name;
    throw invalid(
      `Invalid ${what}: An expression attribute name used in the document path is not defined; attribute name: ${placeholder}`,
    );
  }

  value(placeholder: string, what: string): AttributeValue {
    this.#used.add(placeholder);
    const value = this.#values?.values[placeholder];
    if (value !== undefined) return checkedValue(value);
    throw invalid(
      `Invalid ${what}: An expression attribute value used in expression is not defined; attribute value: ${placeholder}`,
    );
  }

  /** @throws {ApiError} when some were given for nothing. */
  checkAllUsed(): void {
    const maps = [["ExpressionAttributeNames", this.#names], [
      "ExpressionAttributeValues",
      this.#values,
    ]] as const;
    for (const [kind, map] of maps) {
      const unused = Object.keys(map?.values ?? {}).filter((key) => !this.#used.has(key));
      if (unused.length === 0) continue;
      throw invalid(`Value provided in ${kind} unused in expressions: keys: {${unused.join(", ")}}`);
    }
  }
}
