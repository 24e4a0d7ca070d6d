import { assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { handlerName, handlerOf } from "../../src/lambda/handler_name.ts";
import cases from "../cases/handler_names.json" with { type: "json" };

for (const { comment, text, error, ...name } of cases) {
  Deno.test(`handlerName(): ${comment}`, () => {
    if (error === undefined) assertEquals<unknown>(handlerName(text), name);
    else assertThrows(() => handlerName(text), SyntaxError, error);
  });
}

const handler = () => {};

Deno.test("handlerOf() finds the handler among exports, in a default export, and as a member", () => {
  assertStrictEquals(handlerOf({ handler }, "handler", "a.mjs"), handler);
  assertStrictEquals(handlerOf({ default: { handler } }, "handler", "a.cjs"), handler);
  assertStrictEquals(handlerOf({ kinesis: { orders: handler } }, "kinesis.orders", "a.mjs"), handler);
  assertStrictEquals(handlerOf({ default: handler }, "default", "a.mjs"), handler);
  const own = Object.assign(() => {}, { handler });
  assertStrictEquals(handlerOf({ default: own }, "handler", "a.cjs"), handler);
});

Deno.test("handlerOf() says what there is where there is no handler", () => {
  const refused = (exports: Record<string, unknown>, name: string) =>
    assertThrows(() => handlerOf(exports, name, "a.mjs"), TypeError).message.split(": ").slice(2).join(": ");
  assertEquals(refused({ main: handler, "module.exports": {} }, "handler"), "there is none: it exports main");
  assertEquals(refused({}, "handler"), "there is none: it exports nothing");
  assertEquals(refused({ default: { app: 1 } }, "handler"), "there is none: it exports default, app");
  assertEquals(refused({ handler: "text" }, "handler"), "got string");
  assertEquals(refused({ handler: { deep: null } }, "handler.deep.er"), "there is none: it exports handler");
});
