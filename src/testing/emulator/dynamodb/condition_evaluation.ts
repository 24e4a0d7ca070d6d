// Pure.
/**
 * What conditions make of an item, and what the operands of expressions are worth in it.
 *
 * @module
 */

import { ownValue } from "../../../own_value.ts";
import type { AttributeValue, Item } from "../../../aws/dynamodb.ts";
import { invalid } from "../api_error.ts";
import {
  areEqual,
  bytesOf,
  decimalOf,
  isSet,
  membersOf,
  numberValue,
  orderOf,
  typeOf,
} from "./attribute_values.ts";
import { addDecimals } from "./decimal.ts";
import type { Comparator, Condition, Operand, Path } from "./expression_syntax.ts";

/** Whether a condition holds of an item; of none when there is `{}`. */
export function holds(condition: Condition, item: Item): boolean {
  switch (condition.type) {
    case "and":
      return holds(condition.left, item) && holds(condition.right, item);
    case "or":
      return holds(condition.left, item) || holds(condition.right, item);
    case "not":
      return !holds(condition.of, item);
    case "exists":
      return (valueAt(condition.path, item) !== undefined) === condition.wanted;
    case "compare":
      return compares(condition.by, valueOf(condition.left, item), valueOf(condition.right, item));
    case "between": {
      const value = valueOf(condition.of, item);
      return compares(">=", value, valueOf(condition.low, item)) &&
        compares("<=", value, valueOf(condition.high, item));
    }
    case "in": {
      const value = valueOf(condition.of, item);
      return condition.choices.some((choice) => areEqual(value, valueOf(choice, item)));
    }
    case "hasType": {
      const value = valueOf(condition.of, item);
      return value !== undefined && typeOf(value) === condition.wanted;
    }
    case "beginsWith":
      return beginsWith(valueOf(condition.of, item), valueOf(condition.part, item));
    case "contains":
      return contains(valueOf(condition.of, item), valueOf(condition.part, item));
  }
}

/** The value at a path; undefined when there is none. */
export function valueAt([name, ...rest]: Path, item: Item): AttributeValue | undefined {
  let value: AttributeValue | undefined = ownValue(item, `${name}`);
  for (const part of rest) {
    if (value === undefined) return undefined;
    if (typeof part === "number") value = "L" in value ? value.L[part] : undefined;
    else value = "M" in value ? ownValue(value.M, part) : undefined;
  }
  return value;
}

/** A value to set. @throws {ApiError} when it refers to what is not there. */
export function setValue(operand: Operand, item: Item): AttributeValue {
  const value = valueOf(operand, item);
  if (value !== undefined) return value;
  throw invalid("The provided expression refers to an attribute that does not exist in the item");
}

function valueOf(operand: Operand, item: Item): AttributeValue | undefined {
  switch (operand.type) {
    case "path":
      return valueAt(operand.path, item);
    case "value":
      return operand.value;
    case "size":
      return sizeOf(valueOf(operand.of, item));
    case "ifNotExists":
      return valueAt(operand.path, item) ?? valueOf(operand.otherwise, item);
    case "sum": {
      const left = setValue(operand.left, item), right = setValue(operand.right, item);
      if (!("N" in left) || !("N" in right)) throw mistyped();
      return numberValue(addDecimals(decimalOf(left.N), decimalOf(right.N), operand.factor));
    }
    case "listAppend": {
      const left = setValue(operand.left, item), right = setValue(operand.right, item);
      if (!("L" in left) || !("L" in right)) throw mistyped();
      return { L: [...left.L, ...right.L] };
    }
  }
}

function sizeOf(value: AttributeValue | undefined): AttributeValue | undefined {
  if (value === undefined) return undefined;
  if ("S" in value) return { N: `${value.S.length}` };
  if ("B" in value) return { N: `${bytesOf(value.B).length}` };
  if ("L" in value) return { N: `${value.L.length}` };
  if ("M" in value) return { N: `${Object.keys(value.M).length}` };
  return isSet(value) ? { N: `${membersOf(value).length}` } : undefined;
}

function compares(by: Comparator, a: AttributeValue | undefined, b: AttributeValue | undefined): boolean {
  if (by === "=") return areEqual(a, b);
  if (by === "<>") return !areEqual(a, b);
  const found = orderOf(a, b);
  if (found === undefined) return false;
  switch (by) {
    case "<":
      return found < 0;
    case "<=":
      return found <= 0;
    case ">":
      return found > 0;
    case ">=":
      return found >= 0;
  }
}

function beginsWith(value: AttributeValue | undefined, part: AttributeValue | undefined): boolean {
  if (value === undefined || part === undefined) return false;
  if ("S" in value && "S" in part) return value.S.startsWith(part.S);
  if (!("B" in value) || !("B" in part)) return false;
  const bytes = bytesOf(value.B);
  return bytesOf(part.B).every((byte, i) => bytes[i] === byte);
}

function contains(value: AttributeValue | undefined, part: AttributeValue | undefined): boolean {
  if (value === undefined || part === undefined) return false;
  if ("S" in value && "S" in part) return value.S.includes(part.S);
  if ("L" in value) return value.L.some((member) => areEqual(member, part));
  if ("SS" in value && "S" in part) return value.SS.includes(part.S);
  if ("NS" in value && "N" in part) return value.NS.includes(part.N);
  if ("BS" in value && "B" in part) return value.BS.includes(part.B);
  return "B" in value && "B" in part && binary(value.B).includes(binary(part.B));
}

/** Bytes as characters, for a search. */
function binary(base64: string): string {
  return Array.from(bytesOf(base64), (byte) => String.fromCharCode(byte)).join("");
}

/** Two values do not go together. */
export function mistyped(): Error {
  return invalid("An operand in the update expression has an incorrect data type");
}
