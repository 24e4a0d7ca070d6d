import { assertEquals } from "@std/assert";
import { testRecord } from "../../../src/testing/unit/test_record.ts";

Deno.test("testRecord() makes a record of text, of bytes, of fields, or of nothing", () => {
  assertEquals(testRecord("abc").text(), "abc");
  assertEquals(testRecord(Uint8Array.of(1)).data, Uint8Array.of(1));
  assertEquals(testRecord({ data: '{"a":1}', partitionKey: "p" }).json(), { a: 1 });
  assertEquals(testRecord().data.length, 0);
});

Deno.test("testRecord() makes up what is left out, and keeps what is given", () => {
  const { data: _, ...made } = testRecord({ sequenceNumber: "7", aggregated: true, subSequenceNumber: 2 });
  assertEquals(made, {
    sequenceNumber: "7",
    subSequenceNumber: 2,
    partitionKey: "key",
    explicitHashKey: undefined,
    approximateArrivalTimestamp: 1_700_000_000_000,
    encryptionType: undefined,
    aggregated: true,
  });
});
