/** `confluent()` on frames of Confluent's serializers, and its registry. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { confluent, type ConfluentOptions, type ProtobufMessage } from "../../src/glue/mod.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { keyed } from "../support/policy_bed.ts";

const frame = (id: number, ...payload: readonly number[]) =>
  Uint8Array.of(0, 0, 0, id >> 8, id & 0xff, ...payload);

function setUp(answer: (path: string) => Response | Promise<Response>, options: ConfluentOptions = {}) {
  const clock = new FakeClock(), asked: string[] = [], headers: Headers[] = [];
  const fetch = async (input: string | URL | Request, init?: RequestInit) => {
    const request = new Request(input, init);
    asked.push(request.url);
    headers.push(request.headers);
    return await answer(new URL(request.url).pathname);
  };
  const decoder = confluent("https://registry.example/base", {
    system: { clock, random: () => 0.5, fetch },
    ...options,
  });
  const decode = async (bytes: Uint8Array) => {
    const decoding = Promise.resolve().then(() =>
      decoder.decode(bytes, keyed(1, "a"), new AbortController().signal)
    );
    decoding.catch(() => {});
    for (let turn = 0; turn < 30; turn++) await clock.advance(1000);
    return await decoding;
  };
  return { asked, headers, decode };
}

Deno.test("confluent() reads JSON by its number, and sends the headers that were given", async () => {
  const { decode, asked, headers } = setUp(
    () => Response.json({ schema: "{}", schemaType: "JSON" }),
    { headers: { authorization: "Basic abc" } },
  );
  const { value, schemaInfo } = await decode(frame(258, 0x31));
  assertEquals([value, schemaInfo], [1, { id: "258", format: "JSON", name: undefined }]);
  assertEquals(asked, ["https://registry.example/base/schemas/ids/258"]);
  assertEquals(headers[0]?.get("authorization"), "Basic abc");
});

Deno.test("confluent() takes a schema without a type for Avro", async () => {
  const { decode } = setUp(() => Response.json({ schema: '"long"' }), { avro: (schema) => () => schema });
  assertEquals((await decode(frame(1, 2))).value, '"long"');
});

Deno.test("confluent() reads the path to a message of protocol buffers", async () => {
  const messages: ProtobufMessage[] = [];
  const { decode } = setUp(() => Response.json({ schema: "syntax…", schemaType: "PROTOBUF" }), {
    protobuf(_, message) {
      messages.push(message);
      return (payload) => [...payload];
    },
  });
  assertEquals((await decode(frame(1, 0, 7))).value, [7]);
  assertEquals((await decode(frame(1, 4, 2, 0, 8, 9))).value, [8, 9]);
  assertEquals(messages, [{ path: [0] }, { path: [1, 0] }]);
  for (const payload of [[], [2], [1, 0], [254, 255, 255, 255, 15], [128, 128, 128, 128, 128, 128]]) {
    await assertRejects(() => decode(frame(1, ...payload)), SyntaxError);
  }
});

Deno.test("confluent() tries again, then leaves the record for later; a number that is not there is final", async () => {
  let status = 500, isBroken = false;
  const { decode, asked } = setUp(() => {
    if (isBroken) return Promise.reject(new TypeError("refused"));
    return status === 200 ? Response.json({ schema: 5 }) : new Response("{}", { status });
  });
  const failure = async (id: number) => await assertRejects(() => decode(frame(id, 1)), Error);
  assertEquals("retryable" in await failure(1), true);
  assertEquals(asked.length, 3);
  status = 404;
  assertEquals("retryable" in await failure(1), false);
  status = 200;
  assertEquals("retryable" in await failure(2), true);
  isBroken = true;
  assertEquals("retryable" in await failure(3), true);
});

Deno.test("confluent() does not wait for a registry that hangs", async () => {
  const { decode } = setUp(() => new Promise<Response>(() => {}));
  const error = await assertRejects(() => decode(frame(1, 1)), Error, "Cannot read schema 1");
  assert("retryable" in error);
});

Deno.test("confluent() refuses what is no URL, and unknown options", () => {
  assertThrows(() => confluent("registry"), TypeError);
  assertThrows(() => confluent("https://a.example", { header: {} } as ConfluentOptions), TypeError, "header");
});
