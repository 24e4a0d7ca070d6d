import { assertEquals, assertThrows } from "@std/assert";
import { type ClientAnswer, filledInput, judge, type ListedCall, Refusal } from "./judge.ts";

const refused = (code: string, message = "no", members = {}): ClientAnswer => ({ code, message, members });

const cases: readonly (readonly [
  what: string,
  expected: ListedCall["expected"],
  answer: ClientAnswer,
  type: string,
  why?: string,
])[] = [
  ["an answer with more than was expected", { a: 1 }, { output: { a: 1, b: 2 } }, "as AWS"],
  ["an answer without a member", { a: 1 }, { output: {} }, "wrong", "answer.a is missing, expected 1"],
  [
    "another value",
    { a: { b: "x" } },
    { output: { a: { b: "y" } } },
    "wrong",
    'answer.a.b is "y", expected "x"',
  ],
  [
    "a list that is longer",
    { a: [{}] },
    { output: { a: [{}, {}] } },
    "wrong",
    "answer.a is [{},{}], expected 1 members",
  ],
  ["a text that fits", { a: /^\d+$/ }, { output: { a: "12" } }, "as AWS"],
  [
    "a text that does not fit",
    { a: /^\d+$/ },
    { output: { a: "x" } },
    "wrong",
    'answer.a is "x", expected /^\\d+$/',
  ],
  ["bytes", { a: { $bytes: "eA==" } }, { output: { a: { $bytes: "eA==" } } }, "as AWS"],
  ["bytes as text in base64", { a: { $bytes: "eA==" } }, { output: { a: "eA==" } }, "as AWS"],
  [
    "other bytes",
    { a: { $bytes: "eA==" } },
    { output: { a: "eQ==" } },
    "wrong",
    'answer.a.$bytes is missing, expected "eA=="',
  ],
  [
    "a member that should not be there",
    { a: undefined },
    { output: { a: 1 } },
    "wrong",
    "answer.a is 1, expected missing",
  ],
  [
    "a refusal for an answer",
    { a: 1 },
    refused("ResourceInUseException"),
    "wrong",
    "refused: ResourceInUseException: no",
  ],
  [
    "an answer for a refusal",
    new Refusal("ResourceInUse"),
    { output: {} },
    "wrong",
    "not refused, expected ResourceInUse",
  ],
  ["the refusal", new Refusal("ResourceInUse"), refused("ResourceInUseException"), "as AWS"],
  [
    "the refusal by the query protocol's word",
    new Refusal("InvalidParameterValue"),
    refused("InvalidParameterValue"),
    "as AWS",
  ],
  [
    "another refusal",
    new Refusal("ResourceInUse"),
    refused("InternalFailure"),
    "wrong",
    "refused as InternalFailure, expected ResourceInUse: no",
  ],
  [
    "a refusal without its members",
    new Refusal("X", { a: 1 }),
    refused("X"),
    "wrong",
    "refusal.a is missing, expected 1",
  ],
  [
    "what is not simulated",
    {},
    refused("UnknownOperationException", "The operation X.Y is not simulated (…)."),
    "not simulated",
  ],
];

for (const [what, expected, answer, type, why = ""] of cases) {
  Deno.test(`judge() calls ${what} "${type}"`, () => {
    assertEquals(judge({ expected }, answer, false), { type, why });
  });
}

Deno.test("judge() takes a call as not simulated when the emulator has given the remedy meanwhile", () => {
  assertEquals(
    judge({ expected: { EventStream: [{}] } }, { output: { EventStream: [] } }, true).type,
    "not simulated",
  );
});

Deno.test("filledInput() puts earlier answers in place, and says which one is not there", () => {
  const answers = new Map([["list", { Shards: [{ ShardId: "s0" }] }]]);
  assertEquals(filledInput({ a: ["{list.Shards.0.ShardId}", "{}"] }, answers), { a: ["s0", "{}"] });
  assertThrows(
    () => filledInput("{list.Shards.1.ShardId}", answers),
    Error,
    "{list.Shards.1.ShardId} was not answered",
  );
});
