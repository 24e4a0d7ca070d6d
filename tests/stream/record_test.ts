import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { type KinesisRecord, kinesisRecord, type RecordFields } from "../../src/stream/record.ts";

const SEQUENCE = "49590338271490256608559692538361571095921575989136588898";

function holding(data: string | Uint8Array, more: Partial<RecordFields> = {}): KinesisRecord {
  return kinesisRecord({
    sequenceNumber: SEQUENCE,
    subSequenceNumber: 0,
    partitionKey: "key",
    explicitHashKey: undefined,
    data: typeof data === "string" ? new TextEncoder().encode(data) : data,
    approximateArrivalTimestamp: 1_769_774_400_123,
    encryptionType: undefined,
    aggregated: false,
    ...more,
  });
}

Deno.test("KinesisRecord.text() decodes UTF-8, without a byte-order mark, and replaces what is not UTF-8", () => {
  assertEquals(holding("grüße 🦕").text(), "grüße 🦕");
  assertEquals(holding("").text(), "");
  assertEquals(holding("\ufeffabc").text(), "abc");
  assertEquals(holding(Uint8Array.of(0x61, 0xff, 0x62)).text(), "a\ufffdb");
});

Deno.test("KinesisRecord.text() reads only its own part of the page's memory", () => {
  const page = new TextEncoder().encode("one two three");
  assertEquals(holding(page.subarray(4, 7)).text(), "two");
});

Deno.test("KinesisRecord.json() gives what the caller says is there", () => {
  const { total } = holding('{"total":5}').json<{ readonly total: number }>();
  assertEquals(total + 1, 6);
  assertEquals(holding("\ufeff[1]").json(), [1]);
  assertStrictEquals(holding("null").json(), null);
});

const REFUSED: readonly (readonly [string, string | Uint8Array, string])[] = [
  ["nothing", "", "got no bytes"],
  ["text", 'say "hi"\n', 'got "say \\"hi\\"\\n"'],
  ["long text", "a".repeat(5_000_000), `got "${"a".repeat(40)}"… (5000000 bytes)`],
  ["gzip", Uint8Array.of(0x1f, 0x8b, 8, 0), "got 4 bytes of gzip: decompress them first"],
  ["JSON that is cut", '{"password":"', 'got "{\\"password\\":\\""'],
];
for (const [name, data, found] of REFUSED) {
  Deno.test(`KinesisRecord.json() names the record and shows little of its payload: ${name}`, () => {
    const { message, cause } = assertThrows(() => holding(data).json(), SyntaxError);
    assertEquals(message, `Cannot read record ${SEQUENCE} as JSON: expected JSON text: ${found}`);
    assertEquals(cause, undefined); // an engine's message quotes the payload
  });
}

Deno.test("KinesisRecord.json() names a user record of an aggregate by both numbers", () => {
  const record = holding("x", { aggregated: true, subSequenceNumber: 7 });
  assertThrows(() => record.json(), SyntaxError, `Cannot read record ${SEQUENCE}:7 as JSON`);
});

Deno.test("KinesisRecord.approximateArrival is the time of arrival, a new Date each time", () => {
  const record = holding("");
  assertEquals(record.approximateArrival.toISOString(), "2026-01-30T12:00:00.123Z");
  record.approximateArrival.setTime(0);
  assertEquals(record.approximateArrival.getTime(), record.approximateArrivalTimestamp);
});

Deno.test("kinesisRecord() makes a record of a copy that has lost its methods", () => {
  const record = holding("[1]", { aggregated: true, subSequenceNumber: 3, encryptionType: "KMS" });
  for (const copy of [{ ...record }, structuredClone(record)]) {
    assert(!("text" in copy));
    const again = kinesisRecord(copy);
    assertEquals(again, record);
    assertEquals(again.json(), [1]);
  }
});

Deno.test("kinesisRecord() leaves out what is no field of a record", () => {
  const fields = { ...holding("x"), more: 1 };
  assertEquals(Object.keys(kinesisRecord(fields)), Object.keys(holding("x")));
});
