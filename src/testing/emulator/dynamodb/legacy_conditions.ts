// Pure.
/**
 * `Expected` and `AttributeUpdates`, DynamoDB's parameters from before expressions, which Java KCL still
 * writes with: read into the same conditions and changes.
 *
 * Source: "Legacy conditional parameters" of the DynamoDB documentation.
 *
 * @module
 */

import type { AttributeValue } from "../../../aws/dynamodb.ts";
import { invalid } from "../api_error.ts";
import { checkedValue, isSet, typeOf } from "./attribute_values.ts";
import type { Change, Comparator, Condition, Operand, Path } from "./expression_syntax.ts";
import type { Input } from "../input.ts";

/** The condition in `Expected`; undefined when there is none. @throws {ApiError}. */
export function legacyCondition(input: Input): Condition | undefined {
  const type = input.text("ConditionalOperator") === "OR" ? "or" : "and";
  const conditions = input.map("Expected")?.entries() ?? [];
  return conditions.map(([name, expected]) => expectedCondition(name, expected))
    .reduce<Condition | undefined>(
      (left, right) => left === undefined ? right : { type, left, right },
      undefined,
    );
}

/** The changes in `AttributeUpdates`; undefined when there are none. @throws {ApiError}. */
export function legacyChanges(input: Input): readonly Change[] | undefined {
  return input.map("AttributeUpdates")?.entries().map(([name, update]): Change => {
    const action = update.text("Action") ?? "PUT";
    const path: Path = [name];
    const value = update.has("Value") ? checkedValue(update.values["Value"]) : undefined;
    if (value === undefined) {
      if (action === "DELETE") return { type: "REMOVE", path };
      throw invalid(
        `One or more parameter values were invalid: Only DELETE action is allowed when no attribute value is specified`,
      );
    }
    switch (action) {
      case "PUT":
        return { type: "SET", path, value: { type: "value", value } };
      case "ADD":
        if ("N" in value || isSet(value)) return { type: "ADD", path, value };
        break;
      case "DELETE":
        if (isSet(value)) return { type: "DELETE", path, value };
        break;
    }
    throw invalid(
      `One or more parameter values were invalid: Action ${action} is not supported for the type ${
        typeOf(value)
      }`,
    );
  });
}

function expectedCondition(name: string, expected: Input): Condition {
  const of: Operand = { type: "path", path: [name] };
  if (expected.boolean("Exists") === false) return { type: "exists", path: [name], wanted: false };
  const operator = expected.text("ComparisonOperator") ?? "EQ";
  const values = (expected.has("Value") ? [expected.values["Value"]] : listIn(expected)).map(checkedValue);
  const [first, second] = values.map((value): Operand => ({ type: "value", value }));
  if (operator === "NULL" || operator === "NOT_NULL") {
    return { type: "exists", path: [name], wanted: operator === "NOT_NULL" };
  }
  if (first === undefined) {
    throw invalid(
      `One or more parameter values were invalid: Value must be provided for Attribute: ${name} with ${operator}`,
    );
  }
  const by = COMPARATORS.get(operator);
  if (by !== undefined) return { type: "compare", by, left: of, right: first };
  switch (operator) {
    case "BEGINS_WITH":
      return { type: "beginsWith", of, part: first };
    case "CONTAINS":
      return { type: "contains", of, part: first };
    case "NOT_CONTAINS":
      return { type: "not", of: { type: "contains", of, part: first } };
    case "IN":
      return { type: "in", of, choices: values.map((value) => ({ type: "value", value })) };
    case "BETWEEN":
      if (second !== undefined) return { type: "between", of, low: first, high: second };
  }
  throw invalid(
    `One or more parameter values were invalid: ComparisonOperator ${operator} for Attribute: ${name}`,
  );
}

function listIn(expected: Input): readonly AttributeValue[] {
  const list = expected.values["AttributeValueList"];
  return Array.isArray(list) ? list : [];
}

const COMPARATORS: ReadonlyMap<string, Comparator> = new Map([
  ["EQ", "="],
  ["NE", "<>"],
  ["LT", "<"],
  ["LE", "<="],
  ["GT", ">"],
  ["GE", ">="],
]);
