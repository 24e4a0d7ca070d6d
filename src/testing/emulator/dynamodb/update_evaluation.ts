// Pure.
/**
 * What updates leave of an item, and what projections show of it.
 *
 * @module
 */

import { ownValue } from "../../../own_value.ts";
import type { AttributeValue, Item } from "../../../aws/dynamodb.ts";
import { invalid } from "../api_error.ts";
import { decimalOf, isSet, membersOf, numberValue, setOf, typeOf } from "./attribute_values.ts";
import { mistyped, setValue, valueAt } from "./condition_evaluation.ts";
import { addDecimals } from "./decimal.ts";
import type { Change, Path } from "./expression_syntax.ts";

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
  const present = ownValue(item, `${name}`);
  return { ...item, [name]: present === undefined ? wrapped : merged(present, wrapped) };
}

function merged(a: AttributeValue, b: AttributeValue): AttributeValue {
  if ("L" in a && "L" in b) return { L: [...a.L, ...b.L] };
  if (!("M" in a) || !("M" in b)) return b;
  const members = new Map(Object.entries(a.M));
  for (const [name, value] of Object.entries(b.M)) {
    const present = members.get(name);
    members.set(name, present === undefined ? value : merged(present, value));
  }
  return { M: Object.fromEntries(members) };
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

/** A copy of the container with a new value at the path; undefined removes it. */
function replaced(
  container: AttributeValue,
  [part, ...rest]: readonly (string | number)[],
  make: (present: AttributeValue | undefined) => AttributeValue | undefined,
): AttributeValue {
  if (typeof part === "string" && "M" in container) {
    const present = ownValue(container.M, part);
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
