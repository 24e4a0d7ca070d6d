import { assert, assertEquals, assertThrows } from "@std/assert";
import { filterOf } from "../../src/filters/filter.ts";
import type { FilterPattern, RecordFilter } from "../../src/failures/failure_options.ts";
import { testRecord, type TestRecordFields } from "../../src/testing/unit/test_record.ts";
import cases from "../cases/filters.json" with { type: "json" };
import fc from "../support/fast_check.ts";

for (const { comment, filter, matches = [], refuses = [] } of cases.cases) {
  if (matches.length + refuses.length === 0) continue;
  Deno.test(`filterOf() decides: ${comment}`, () => {
    const isDelivered = filterOf(filter as FilterPattern);
    const decided = (records: readonly TestRecordFields[]) =>
      records.map((record) => [record, isDelivered(testRecord(record))]);
    assertEquals(decided(matches), matches.map((record) => [record, true]));
    assertEquals(decided(refuses), refuses.map((record) => [record, false]));
  });
}

for (const { comment, filter, error, message } of cases.cases) {
  if (error === undefined) continue;
  Deno.test(`filterOf() refuses: ${comment}`, () => {
    const thrown = assertThrows(() => filterOf(filter as FilterPattern), Error);
    assertEquals({ error: thrown.name, message: thrown.message }, { error, message });
  });
}

Deno.test("each case of tests/cases/filters.json decides or refuses", () => {
  const silent = cases.cases.filter(({ matches, error }) =>
    (matches === undefined) === (error === undefined)
  );
  assertEquals(silent, []);
});

const CIRCLE: { data?: unknown } = {};
CIRCLE.data = CIRCLE;
const NOT_JSON: readonly (readonly [string, unknown, string])[] = [
  [
    "undefined",
    { data: { a: [1], b: undefined } },
    'expected "b" in filter to be a value of JSON: got undefined',
  ],
  ["a function", { data: { a: [() => true] } }, 'expected "0" in filter to be a value of JSON: got function'],
  ["NaN", { data: { a: [NaN] } }, 'expected "0" in filter to be a value of JSON: got NaN'],
  ["a bigint", { data: { a: [5n] } }, 'expected "0" in filter to be a value of JSON: got bigint'],
  ["what contains itself", CIRCLE, "expected filter to be a value of JSON"],
];
for (const [name, filter, message] of NOT_JSON) {
  Deno.test(`filterOf() refuses a pattern that JSON cannot hold: ${name}`, () => {
    assertThrows(() => filterOf(filter as FilterPattern), TypeError, `Cannot start worker: ${message}`);
  });
}

Deno.test("filterOf() asks a function, and lets its error pass", () => {
  const isDelivered = filterOf((record) => record.json<{ readonly a: number }>().a === 1);
  assertEquals([isDelivered(testRecord('{"a":1}')), isDelivered(testRecord('{"a":2}'))], [true, false]);
  assertThrows(() => isDelivered(testRecord("x")), SyntaxError, "Cannot read record 1 as JSON");
});

for (
  const [found, answer] of [["undefined", undefined], ["a promise", Promise.resolve(true)], ["null", null]]
) {
  Deno.test(`filterOf() refuses a function that answers ${found}`, () => {
    const isDelivered = filterOf((() => answer) as unknown as RecordFilter);
    assertThrows(() => isDelivered(testRecord()), TypeError, `to return true or false: got ${found}`);
  });
}

Deno.test("filterOf() reads a body whose lists are nested deeply", () => {
  const depth = 5_000;
  const data = `{"a":${"[".repeat(depth)}"x"${"]".repeat(depth)}}`;
  assert(filterOf({ data: { a: ["x"] } })(testRecord(data)));
  assert(!filterOf({ data: { b: ["x"] } })(testRecord(data)));
});

/** JSON of few names and few values, so that patterns often match. */
const NAMES = ["a", "b", "c"];
const scalar = fc.constantFrom<Scalar>("x", "y", "xy", "", 1, 2, -1, true, null);
type Scalar = string | number | boolean | null;
type Json = Scalar | readonly Json[] | { readonly [name: string]: Json };
const { body } = fc.letrec<{ body: Json; value: Json }>((tie) => ({
  body: fc.dictionary(fc.constantFrom(...NAMES), tie("value"), { maxKeys: 3 }),
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    scalar,
    fc.array(tie("value"), { maxLength: 3 }),
    tie("body"),
  ),
}));

const rule = fc.oneof(
  scalar,
  fc.record({ prefix: fc.constantFrom("x", "") }),
  fc.record({ suffix: fc.constantFrom("y", "xy") }),
  fc.record({ "equals-ignore-case": fc.constantFrom("X", "Y") }),
  fc.record({ exists: fc.boolean() }),
  fc.record({ "anything-but": fc.constantFrom<unknown>("x", ["x", "y"], [1, 2]) }),
  fc.record({ numeric: fc.constantFrom([">", 0], ["<=", 1], ["=", 2], [">", -1, "<", 2]) }),
);
type Rule = Scalar | Readonly<Record<string, unknown>>;
interface Fields {
  readonly [name: string]: readonly Rule[] | Fields;
}
const { fields } = fc.letrec<{ fields: Fields }>((tie) => ({
  fields: fc.dictionary(
    fc.constantFrom(...NAMES),
    fc.oneof({ maxDepth: 3 }, fc.array(rule, { minLength: 1, maxLength: 3 }), tie("fields")),
    { minKeys: 1, maxKeys: 2 },
  ) as fc.Arbitrary<Fields>,
}));

/**
 * The naive model, after aws/event-ruler: a record is a list of paths with scalar values, each with the
 * elements of lists that it lies in. A pattern matches when each of its paths has a fitting value and no two
 * of the chosen values lie in different elements of one list.
 */
interface Leaf {
  readonly path: string;
  readonly value: Scalar;
  readonly elements: ReadonlyMap<string, number>;
}

function leavesOf(value: Json, path: string, place: string, elements: ReadonlyMap<string, number>): Leaf[] {
  if (typeof value !== "object" || value === null) return [{ path, value, elements }];
  if (Array.isArray(value)) {
    return value.flatMap((one: Json, i) =>
      leavesOf(one, path, `${place}[${i}]`, new Map([...elements, [place, i]]))
    );
  }
  return Object.entries(value).flatMap(([name, one]) =>
    leavesOf(one, `${path}/${name}`, `${place}/${name}`, elements)
  );
}

function pathsOf(pattern: Fields, path = ""): { readonly path: string; readonly rules: readonly Rule[] }[] {
  return Object.entries(pattern).flatMap(([name, of]) =>
    Array.isArray(of) ? [{ path: `${path}/${name}`, rules: of }] : pathsOf(of as Fields, `${path}/${name}`)
  );
}

function fits(rule: Rule, value: Scalar): boolean {
  if (typeof rule !== "object" || rule === null) return rule === value;
  const [[name, operand] = []] = Object.entries(rule);
  const isNumber = typeof value === "number";
  switch (name) {
    case "exists":
      return operand === true;
    case "prefix":
      return typeof value === "string" && value.startsWith(operand as string);
    case "suffix":
      return typeof value === "string" && value.endsWith(operand as string);
    case "equals-ignore-case":
      return typeof value === "string" && value.toUpperCase() === (operand as string).toUpperCase();
    case "anything-but":
      return ![operand].flat().includes(value);
    default: {
      const [sign, limit, sign2, limit2] = operand as [string, number, string?, number?];
      const holds = (sign: string, limit: number) =>
        isNumber &&
        (sign === ">"
          ? value > limit
          : sign === "<"
          ? value < limit
          : sign === "<="
          ? value <= limit
          : value === limit);
      return holds(sign, limit) && (sign2 === undefined || holds(sign2, limit2 ?? 0));
    }
  }
}

function modelMatches(pattern: Fields, record: Json): boolean {
  const leaves = leavesOf(record, "", "", new Map());
  const search = (
    [first, ...rest]: ReturnType<typeof pathsOf>,
    chosen: ReadonlyMap<string, number>,
  ): boolean => {
    if (first === undefined) return true;
    const there = leaves.filter(({ path }) => path === first.path);
    const mayBeAbsent = first.rules.some((rule) => typeof rule === "object" && rule?.["exists"] === false);
    if (mayBeAbsent && there.length === 0 && search(rest, chosen)) return true;
    return there.some(({ value, elements }) =>
      first.rules.some((rule) => fits(rule, value)) &&
      [...elements].every(([list, i]) => (chosen.get(list) ?? i) === i) &&
      search(rest, new Map([...chosen, ...elements]))
    );
  };
  return search(pathsOf(pattern), new Map());
}

Deno.test("filterOf() matches as a naive model of event-ruler does", () => {
  let matched = 0, runs = 0;
  fc.assert(
    fc.property(fields, body, (pattern, record) => {
      const expected = modelMatches(pattern, record);
      runs++;
      if (expected) matched++;
      assertEquals(filterOf({ data: pattern })(testRecord(JSON.stringify(record))), expected);
    }),
    { numRuns: 5_000 },
  );
  assert(matched > runs / 20, `only ${matched} of ${runs} matched`);
});

Deno.test("filterOf() never throws because of what a record holds", () => {
  const isDelivered = filterOf([{ data: { a: [{ numeric: [">", 0] }], b: { c: [{ exists: false }] } } }]);
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array(), fc.json().map((json) => new TextEncoder().encode(json))),
      (data) => {
        assertEquals(typeof isDelivered(testRecord(data)), "boolean");
      },
    ),
  );
});
