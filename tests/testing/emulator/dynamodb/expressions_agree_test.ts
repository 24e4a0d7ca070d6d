/**
 * dynalite and the simulated DynamoDB, given the same random items, conditions and updates, refuse the same and leave the
 * same items.
 *
 * Left out is what dynalite does in another way than AWS: sizes of empty texts, IN with a BOOL that is false, lists that contain
 * anything but texts and numbers, NS members written in two ways, sums of more than 38 digits, orders of values that have none, and
 * whether two values that are not there are equal.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import fc from "../../../support/fast_check.ts";
import type { AttributeValue } from "../../../../src/aws/dynamodb.ts";
import {
  dynaliteFixture,
  type DynamoDBFixture,
  inOrder,
  simulatedAwsFixture,
} from "../../../store/fixtures.ts";
import { seeded } from "../../../support/seed.ts";

const text = fc.constantFrom("a", "ab", "b", "é", "shard-1");
const number = fc.constantFrom(
  "0",
  "1",
  "-1",
  "1.5",
  "10",
  "007",
  "1e3",
  "-0.0010",
  "123456789012345678901234567890",
);
const scalar: fc.Arbitrary<AttributeValue> = fc.oneof(
  text.map((S) => ({ S })),
  number.map((N) => ({ N })),
  fc.constantFrom({ B: btoa("a") }, { B: btoa("ab") }),
  fc.constant({ BOOL: true }),
  fc.constant({ NULL: true } as const),
);
const comparable = fc.oneof(text.map((S) => ({ S })), number.map((N) => ({ N })));
const value: fc.Arbitrary<AttributeValue> = fc.oneof(
  { weight: 5, arbitrary: scalar },
  fc.uniqueArray(text, { minLength: 1, maxLength: 3 }).map((SS) => ({ SS })),
  fc.constantFrom({ NS: ["1"] }, { NS: ["1", "1.5"] }, { BS: [btoa("a")] }),
  fc.array(scalar, { maxLength: 3 }).map((L) => ({ L })),
  fc.dictionary(fc.constantFrom("x", "y"), scalar).map((M) => ({ M })),
);

/** Attributes by placeholder: some have names that may not stand by themselves. */
const NAMES = { "#a": "a", "#b": "b", "#key": "key", "#c": "c.d" };
const name = fc.constantFrom("a", "b", "#a", "#b", "#key", "#c", "#unknown", "size");
const path = fc.oneof(
  { weight: 6, arbitrary: name },
  fc.tuple(name, fc.constantFrom(".x", ".y", "[0]", "[1]", "[0].x")).map(([first, rest]) =>
    `${first}${rest}`
  ),
);
const VALUES = [":v", ":w", ":x", ":y"];
const placeholder = fc.constantFrom(...VALUES);
/** Values of types that have an order: AWS refuses to compare others, dynalite does not. */
const orderedPlaceholder = fc.constantFrom(":x", ":y");
const operand = fc.oneof(path, path.map((of) => `size(${of})`));
const ordered = fc.constantFrom("<", "<=", ">", ">=");

const clause = fc.oneof(
  fc.tuple(operand, fc.constantFrom("=", "<>"), placeholder).map((parts) => parts.join(" ")),
  fc.tuple(placeholder, fc.constantFrom("=", "<>"), operand).map((parts) => parts.join("")),
  fc.constant("a = a"),
  fc.tuple(path, ordered, orderedPlaceholder).map((parts) => parts.join("")),
  fc.tuple(fc.constantFrom("attribute_exists", "attribute_not_exists"), path).map(([of, at]) =>
    `${of}(${at})`
  ),
  fc.tuple(fc.constantFrom("begins_with", "attribute_type"), path, placeholder)
    .map(([of, at, part]) => `${of} (${at}, ${part})`),
  fc.tuple(fc.constant("contains"), path, orderedPlaceholder).map(([of, at, part]) =>
    `${of} (${at}, ${part})`
  ),
  fc.tuple(path, orderedPlaceholder, orderedPlaceholder).map(([of, low, high]) =>
    `${of} BETWEEN ${low} AND ${high}`
  ),
  fc.tuple(path, fc.array(placeholder, { minLength: 1, maxLength: 3 })).map(([of, all]) =>
    `${of} IN (${all.join(", ")})`
  ),
);
const condition = fc.oneof(
  fc.constantFrom("a = b AND attribute_exists(a)", "attribute_exists(b) AND b <> #a"),
  { weight: 3, arbitrary: clause },
  fc.tuple(clause, fc.constantFrom("AND", "or", "OR"), clause).map((parts) => parts.join(" ")),
  clause.map((inner) => `NOT ${inner}`),
  fc.tuple(clause, clause, clause).map(([a, b, c]) => `${a} AND (${b} OR NOT ${c})`),
  fc.tuple(clause, clause, clause).map(([a, b, c]) => `NOT (${a} OR ${b}) OR ${c} AND ${a}`),
  fc.tuple(clause, fc.constantFrom(")", "AND", "= :v", "]")).map((parts) => parts.join(" ")),
);

const settable = fc.oneof(
  path,
  placeholder,
  fc.tuple(path, placeholder).map(([at, or]) => `if_not_exists(${at}, ${or})`),
  fc.tuple(path, placeholder).map(([at, tail]) => `list_append(${at}, ${tail})`),
  fc.tuple(path, fc.constantFrom("+", "-"), placeholder).map((parts) => parts.join(" ")),
);
const assignment = fc.tuple(path, settable).map(([to, from]) => `${to} = ${from}`);
const few = <T>(one: fc.Arbitrary<T>, most: number) => fc.array(one, { minLength: 1, maxLength: most });
const set = few(assignment, 2).map((all) => `SET ${all.join(", ")}`);
const remove = few(path, 2).map((all) => `REMOVE ${all.join(", ")}`);
const add = fc.tuple(path, placeholder).map(([to, from]) => `ADD ${to} ${from}`);
const remain = fc.tuple(path, placeholder).map(([to, from]) => `delete ${to} ${from}`);
// Not SET and ADD in one: what dynalite copies it does not copy, so that adding to one adds to both.
const update = fc.oneof(few(fc.oneof(set, remove), 2), few(fc.oneof(add, remove, remain), 3))
  .map((sections) => sections.join(" "));

const item = fc.record({ a: value, b: value, key: scalar, "c.d": scalar }, { requiredKeys: [] });
const write = fc.record({
  item,
  values: fc.tuple(value, value, comparable, comparable),
  condition: fc.option(condition, { nil: undefined }),
  update: fc.option(update, { nil: undefined }),
  returned: fc.constantFrom("NONE", "ALL_OLD", "UPDATED_OLD", "ALL_NEW", "UPDATED_NEW"),
});

type Write = typeof write extends fc.Arbitrary<infer T> ? T : never;

const TABLE = {
  TableName: "random",
  BillingMode: "PAY_PER_REQUEST",
  KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
  AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
};

Deno.test("dynalite and the simulated DynamoDB agree on random expressions", async () => {
  await using dynalite = await dynaliteFixture();
  await using simulated = await simulatedAwsFixture();
  for (const { raw, dynamodb } of [dynalite, simulated]) {
    await raw("CreateTable", TABLE);
    while ((await dynamodb.describeTable("random"))?.tableStatus !== "ACTIVE") {
      await new Promise((done) => setTimeout(done, 1));
    }
  }
  await fc.assert(
    fc.asyncProperty(write, async (write) => {
      const wanted = await outcome(dynalite, write);
      assertEquals(await outcome(simulated, write), wanted);
    }),
    { ...seeded(), numRuns: Number(Deno.env.get("RUNS") ?? 400) },
  );
});

/** Puts an item, updates or replaces it on a condition, and tells what came of each. */
async function outcome(
  { raw }: DynamoDBFixture,
  { item, values, condition, update, returned }: Write,
): Promise<unknown> {
  const key = { id: { S: "1" } };
  const put = await raw("PutItem", { TableName: "random", Item: { ...key, ...item } });
  const all = [condition, update].join(" ");
  const used = <T>(map: Readonly<Record<string, T>>) => {
    const some = Object.entries(map).filter(([name]) => new RegExp(`${name}\\b`).test(all));
    return some.length === 0 ? undefined : Object.fromEntries(some);
  };
  const expressions = {
    ConditionExpression: condition,
    ExpressionAttributeNames: used(NAMES),
    ExpressionAttributeValues: used(Object.fromEntries(VALUES.map((name, i) => [name, values[i]]))),
  };
  const written = update === undefined
    ? await raw("DeleteItem", { TableName: "random", Key: key, ReturnValues: "ALL_OLD", ...expressions })
    : await raw("UpdateItem", {
      TableName: "random",
      Key: key,
      UpdateExpression: update,
      ReturnValues: returned,
      ...expressions,
    });
  const { body: { Item: left } } = await raw("GetItem", { TableName: "random", Key: key });
  return [put.status, written.status, codeOf(written.body), normal(written.body.Attributes), normal(left)];
}

function codeOf({ __type: type }: Readonly<Record<string, unknown>>): unknown {
  return type;
}

function normal(item: unknown): unknown {
  return item === undefined ? undefined : inOrder([item as Record<string, AttributeValue>]);
}
