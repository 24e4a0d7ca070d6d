/** Schemas of libraries as they are: their types are inferred, and what they refuse is named. */

import { assertEquals } from "@std/assert";
import { eachDecoded, json, RecordDecodeError, type StandardSchemaV1 } from "../../src/decode/mod.ts";
import { NotingProcessor, pageOf, startConsumer } from "../support/consumer_bed.ts";
import { keyed } from "../support/policy_bed.ts";
import { type, v, z } from "../support/schema_libraries.ts";

interface Order {
  readonly id: string;
  readonly total: number;
}

/** Compiles only when a schema's type is that of an order: neither `any` nor less. */
type Exactly<T> = (<X>() => X extends T ? 1 : 2) extends
  (<X>() => X extends { id: string; total: number } ? 1 : 2) ? true
  : false;

const SCHEMAS: Readonly<Record<string, StandardSchemaV1<unknown, Order>>> = {
  zod: z.object({ id: z.string(), total: z.number() }),
  valibot: v.object({ id: v.string(), total: v.number() }),
  arktype: type({ id: "string", total: "number" }),
};

Deno.test("eachDecoded() infers the value's type from zod, valibot and arktype", () => {
  const inferred: true[] = [];
  const note = <T>(isExact: Exactly<T>): void => void inferred.push(isExact as true);
  eachDecoded({ decoder: json(), schema: z.object({ id: z.string(), total: z.number() }) }, (order) => {
    note<typeof order>(true);
  });
  eachDecoded({ decoder: json(), schema: v.object({ id: v.string(), total: v.number() }) }, (order) => {
    note<typeof order>(true);
  });
  eachDecoded({ decoder: json(), schema: type({ id: "string", total: "number" }) }, (order) => {
    note<typeof order>(true);
  });
  assertEquals(inferred, []); // what counts is that it compiles
});

for (const [name, schema] of Object.entries(SCHEMAS)) {
  Deno.test(`eachDecoded() with ${name} gives what fits, and says what does not`, async () => {
    const seen: Order[] = [], errors: unknown[] = [];
    const bed = startConsumer(new NotingProcessor(), {
      processor: eachDecoded({ decoder: json(), schema }, (order) => seen.push(order)),
      onProcessError: "skip",
    });
    const data = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));
    bed.retrieval.feed(pageOf([
      keyed(1, "a", { data: data({ id: "1", total: 2 }) }),
      keyed(2, "a", { data: data({ id: "2", total: "much" }) }),
      keyed(3, "a", { data: data({ id: "3", total: 4 }) }),
    ]));
    await bed.clock.advance(0);
    bed.held.lose();
    await bed.end;
    for (const event of bed.events) if (event.type === "batchFailed") errors.push(event.error);
    assertEquals(seen.map(({ total }) => total), [2, 4]);
    const [error] = errors;
    assertEquals(errors.length, 1);
    assertEquals(error instanceof RecordDecodeError && /total/.test(`${error.cause}`), true, `${error}`);
  });
}
