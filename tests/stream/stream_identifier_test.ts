import { assertEquals } from "@std/assert";
import { areIncarnations, identifierText, parseIdentifier } from "../../src/stream/stream_identifier.ts";

Deno.test("parseIdentifier() takes account, stream and epoch apart, and identifierText() puts them together", () => {
  for (const text of ["123456789012:orders:1700000000", "1:a.b-c_d:1", "000000000000:s:999999999999999"]) {
    const identifier = parseIdentifier(text);
    assertEquals(identifier === undefined ? undefined : identifierText(identifier), text);
  }
  assertEquals(parseIdentifier("123456789012:orders:1700000000"), {
    accountId: "123456789012",
    streamName: "orders",
    creationEpochS: 1_700_000_000,
  });
});

Deno.test("parseIdentifier() takes nothing else: what it gives back is the beginning of lease keys", () => {
  const wrong = [
    "",
    "orders",
    "123456789012:orders",
    "a:orders:1",
    "1:orders:0",
    "1:orders:-1",
    "1:orders:01",
    "1:orders:1.5",
    "1:or ders:1",
    "1::1",
    "1:orders:1:shardId-000000000000",
    `1:${"x".repeat(129)}:1`,
    "1:orders:9999999999999999",
    "1:orders:1\n",
  ];
  assertEquals(wrong.filter((text) => parseIdentifier(text) !== undefined), []);
});

Deno.test("areIncarnations() tells a stream that was created anew from another one", () => {
  const stream = { accountId: "1", streamName: "orders", creationEpochS: 5 };
  assertEquals(areIncarnations(stream, { ...stream, creationEpochS: 6 }), true);
  assertEquals(areIncarnations(stream, stream), false);
  assertEquals(areIncarnations(stream, { ...stream, creationEpochS: 6, accountId: "2" }), false);
  assertEquals(areIncarnations(stream, { ...stream, creationEpochS: 6, streamName: "words" }), false);
});
