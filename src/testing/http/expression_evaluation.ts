// Pure.
/**
 * What expressions make of an item: whether a condition holds, and what an update leaves.
 *
 * @module
 */

import type { AttributeValue, Item } from "../../aws/dynamodb.ts";
import { invalid } from "./api_error.ts";
import {
  areEqual,
  bytesOf,
  decimalOf,
  isSet,
  membersOf,
  numberValue,
  orderOf,
  setOf,
  typeOf,
} from "./attribute_values.ts";
import { addDecimals } from "./decimal.ts";
import type { Change, Comparator, Condition, Operand, Path } from "./expression_syntax.ts";

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
  let value = item[name];
  for (const part of rest) {
    if (value === undefined) return undefined;
    if (typeof part === "number") value = "L" in value ? value.L[part] : undefined;
    else value = "M" in value ? value.M[part] : undefined;
  }
  return value;
}

/**
 * The item after an update. All values are taken from the item as it was.
 *
 * @throws {ApiError} when a path or a type does not fit.
 */
export function updatedItem(changes: readonly Change[], item: Item): Item {
  const values = changes.map((change) => change.type === "SET" ? setValue(change.value, item) : undefined);
  const ordered = changes.map((change, i) => ({ change, value: values[i] }))
    .toSorted((a, b) => order(a.change, b.change));
  return ordered.reduce((next, { change, value }) => changed(next, change, value), item);
}

/** The members of an item at some paths. */
export function projected(paths: readonly Path[], item: Item): Item {
  return paths.reduce<Item>((result, path) => {
    const value = valueAt(path, item);
    return value === undefined ? result : withProjected(result, path, value);
  }, {});
}

function withProjected(item: Item, [name, ...rest]: Path, value: AttributeValue): Item {
  const wrapped = rest.toReversed().reduce<AttributeValue>(
    (inner, part) => typeof part === "number" ? { L: [inner] } : { M: { [part]: inner } },
    value,
  );
  const present = item[name];
  return { ...item, [name]: present === undefined ? wrapped : merged(present, wrapped) };
}

function merged(a: AttributeValue, b: AttributeValue): AttributeValue {
  if ("L" in a && "L" in b) return { L: [...a.L, ...b.L] };
  if (!("M" in a) || !("M" in b)) return b;
  const members: Record<string, AttributeValue> = { ...a.M };
  for (const [name, value] of Object.entries(b.M)) {
    const present = members[name];
    members[name] = present === undefined ? value : merged(present, value);
  }
  return { M: members };
}

function changed(item: Item, change: Change, value: AttributeValue | undefined): Item {
  const [name, ...rest] = change.path;
  const root = { M: item };
  const next = replaced(root, [name, ...rest], (present) => {
    switch (change.type) {
      case "SET":
        return value;
      case "REMOVE":
        return undefined;
      case "ADD":
        return added(present, change.value);
      case "DELETE":
        return without(present, change.value);
    }
  });
  return "M" in next ? next.M : item;
}

/** The container with what is at the path made anew; undefined takes it away. */
function replaced(
  container: AttributeValue,
  [part, ...rest]: readonly (string | number)[],
  make: (present: AttributeValue | undefined) => AttributeValue | undefined,
): AttributeValue {
  if (typeof part === "string" && "M" in container) {
    const present = container.M[part];
    const { [part]: _, ...others } = container.M;
    const next = rest.length === 0 ? make(present) : replaced(there(present), rest, make);
    return { M: next === undefined ? others : { ...others, [part]: next } };
  }
  if (typeof part === "number" && "L" in container) {
    const present = container.L[part];
    const next = rest.length === 0 ? make(present) : replaced(there(present), rest, make);
    if (next === undefined) return { L: container.L.toSpliced(part, present === undefined ? 0 : 1) };
    return { L: present === undefined ? [...container.L, next] : container.L.with(part, next) };
  }
  throw invalidPath();
}

function there(value: AttributeValue | undefined): AttributeValue {
  if (value === undefined) throw invalidPath();
  return value;
}

function added(present: AttributeValue | undefined, value: AttributeValue): AttributeValue {
  if (present === undefined) return value;
  if ("N" in present && "N" in value) {
    return numberValue(addDecimals(decimalOf(present.N), decimalOf(value.N), 1));
  }
  checkSameSet(present, value);
  const all = [...new Set([...membersOf(present), ...membersOf(value)])];
  return setOf(typeOf(present), all) ?? present;
}

function without(present: AttributeValue | undefined, value: AttributeValue): AttributeValue | undefined {
  if (present === undefined) return undefined;
  checkSameSet(present, value);
  const gone = new Set(membersOf(value));
  return setOf(typeOf(present), membersOf(present).filter((member) => !gone.has(member)));
}

function checkSameSet(present: AttributeValue, value: AttributeValue): void {
  if (!isSet(present) || typeOf(present) !== typeOf(value)) throw mistyped();
}

/** A value to set. @throws {ApiError} when it refers to what is not there. */
function setValue(operand: Operand, item: Item): AttributeValue {
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

/** Removals come last, and from the last list member on, for indexes count those of the item as it was. */
function order(a: Change, b: Change): number {
  if (a.type !== "REMOVE" || b.type !== "REMOVE") {
    return Number(a.type === "REMOVE") - Number(b.type === "REMOVE");
  }
  const place = a.path.findIndex((part, i) => part !== b.path[i]);
  const [left, right] = [a.path[place], b.path[place]];
  return typeof left === "number" && typeof right === "number" ? right - left : 0;
}

function invalidPath(): Error {
  return invalid("The document path provided in the update expression is invalid for update");
}

function mistyped(): Error {
  return invalid("An operand in the update expression has an incorrect data type");
}
