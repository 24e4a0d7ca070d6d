// Pure.
/**
 * A conditional write to one item, as a value with two readings: expressions for DynamoDB, and the effect on
 * an item held in memory. The contract tests check that both agree.
 *
 * @module
 */

import type { AttributeValue, Expressions, Item } from "../aws/dynamodb.ts";
import { attributeIn, heldIn } from "./attribute_value.ts";

/**
 * What must hold, by attribute: it equals a text or number, it is there, or it is not. All of it together.
 */
export type ItemCondition = Readonly<
  Record<string, { readonly S: string } | { readonly N: string } | "present" | "absent">
>;

/** What changes; every other attribute stays as it is. */
export interface ItemUpdate {
  readonly set: Item;
  /** Added by the table itself; an absent attribute counts as 0. */
  readonly add: Readonly<Record<string, number>>;
  readonly remove: readonly string[];
}

/** The condition as DynamoDB takes it. Every name is aliased, since some (`key`, `data`) are reserved. */
export function conditionExpressions(when: ItemCondition): Expressions {
  const names: Record<string, string> = {};
  const values: Record<string, AttributeValue> = {};
  const clauses: string[] = [];
  for (const [name, wanted] of Object.entries(when)) {
    names[`#${name}`] = name;
    if (wanted === "present") clauses.push(`attribute_exists(#${name})`);
    else if (wanted === "absent") clauses.push(`attribute_not_exists(#${name})`);
    else {
      clauses.push(`#${name} = :when_${name}`);
      values[`:when_${name}`] = wanted;
    }
  }
  return clauses.length === 0
    ? {}
    : { ConditionExpression: clauses.join(" AND "), ...namesAndValues(names, values) };
}

/** The update and its condition as DynamoDB takes them. */
export function updateExpressions(
  update: ItemUpdate,
  when: ItemCondition,
): { readonly updateExpression: string; readonly expressions: Expressions } {
  const condition = conditionExpressions(when);
  const names: Record<string, string> = { ...condition.ExpressionAttributeNames };
  const values: Record<string, AttributeValue> = { ...condition.ExpressionAttributeValues };
  const alias = (name: string, value?: AttributeValue) => {
    names[`#${name}`] = name;
    if (value !== undefined) values[`:${name}`] = value;
  };
  const sets = Object.entries(update.set).map(([name, value]) => {
    alias(name, value);
    return `#${name} = :${name}`;
  });
  const adds = Object.entries(update.add).map(([name, amount]) => {
    alias(name, { N: String(amount) });
    return `#${name} :${name}`;
  });
  const removals = update.remove.map((name) => {
    alias(name);
    return `#${name}`;
  });
  const sections = [["SET", sets], ["REMOVE", removals], ["ADD", adds]] as const;
  return {
    updateExpression: sections.filter(([, parts]) => parts.length > 0)
      .map(([verb, parts]) => `${verb} ${parts.join(", ")}`).join(" "),
    expressions: {
      ...(condition.ConditionExpression === undefined
        ? {}
        : { ConditionExpression: condition.ConditionExpression }),
      ...namesAndValues(names, values),
    },
  };
}

/** Whether the condition holds for an item, or for there being none. */
export function holds(when: ItemCondition, item: Item | undefined): boolean {
  return Object.entries(when).every(([name, wanted]) => {
    const found = attributeIn(item, name);
    if (wanted === "absent") return found === undefined;
    if (found === undefined) return false;
    if (wanted === "present") return true;
    if ("S" in wanted) return heldIn(found, "S") === wanted.S;
    const number = heldIn(found, "N");
    return number !== undefined && Number(number) === Number(wanted.N);
  });
}

/**
 * The item after the update.
 *
 * @throws {TypeError} when it adds to an attribute that is no number, as DynamoDB refuses that.
 */
export function updatedItem(item: Item, update: ItemUpdate): Item {
  const next: Record<string, AttributeValue> = { ...item, ...update.set };
  for (const [name, amount] of Object.entries(update.add)) {
    const before = item[name] ?? { N: "0" };
    if (!("N" in before)) {
      throw new TypeError(
        `Cannot add to attribute "${name}": expected a number: got ${JSON.stringify(before)}`,
      );
    }
    next[name] = { N: String(Number(before.N) + amount) };
  }
  for (const name of update.remove) delete next[name];
  return next;
}

/** DynamoDB refuses empty maps of names or values. */
function namesAndValues(
  names: Readonly<Record<string, string>>,
  values: Readonly<Record<string, AttributeValue>>,
): Expressions {
  return {
    ...(Object.keys(names).length === 0 ? {} : { ExpressionAttributeNames: names }),
    ...(Object.keys(values).length === 0 ? {} : { ExpressionAttributeValues: values }),
  };
}
