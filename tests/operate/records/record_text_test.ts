/** @module */

import { assert, assertEquals } from "@std/assert";
import { recordJson, recordLine } from "../../../src/operate/records/record_text.ts";
import { type KinesisRecord, kinesisRecord } from "../../../src/stream/record.ts";

const SHARD_ID = "shardId-000000000003";

function record(data: string | Uint8Array, partitionKey: string = "key"): KinesisRecord {
  return kinesisRecord({
    sequenceNumber: "49681058629384720000",
    subSequenceNumber: 2,
    partitionKey,
    explicitHashKey: undefined,
    data: typeof data === "string" ? new TextEncoder().encode(data) : data,
    approximateArrivalTimestamp: Date.UTC(2026, 0, 30, 12),
    encryptionType: undefined,
    aggregated: true,
  });
}

Deno.test("recordLine() has time, shard, key and data", () => {
  assertEquals(
    recordLine(SHARD_ID, record('{"order":1} größer')),
    '2026-01-30T12:00:00.000Z  shardId-000000000003  key  {"order":1} größer',
  );
});

Deno.test("recordLine() lets no control character through, in key or data", () => {
  const line = recordLine(SHARD_ID, record("a\u001b[2J\r\nb\u009b\u202e", "k\u0007\t"));
  assertEquals(
    line,
    "2026-01-30T12:00:00.000Z  shardId-000000000003  k\\u0007\\t  a\\u001b[2J\\r\\nb\\u009b\\u202e",
  );
});

Deno.test("recordLine() shows bytes as base64, and an empty key as such", () => {
  assertEquals(
    recordLine(SHARD_ID, record(Uint8Array.of(0xff, 0, 1), "")),
    '2026-01-30T12:00:00.000Z  shardId-000000000003  ""  base64:/wAB',
  );
});

Deno.test("recordLine() cuts long data, not in the middle of a letter", () => {
  assert(recordLine(SHARD_ID, record("x".repeat(50)), 10).endsWith("  xxxxxxxxxx… (50 bytes)"));
  for (const letter of ["é", "日", "🎉"]) {
    const line = recordLine(SHARD_ID, record(`x${letter.repeat(50)}`), 10);
    assert(line.includes(`  x${letter.repeat(9)}… (`), line);
  }
  const bytes = new Uint8Array(10 * 1024 ** 2).fill(0xff);
  assert(recordLine(SHARD_ID, record(bytes), 10).endsWith("… (10485760 bytes)"));
});

Deno.test("recordJson() has stable names, and says how the data is written", () => {
  assertEquals(JSON.parse(recordJson(SHARD_ID, record("text\n\ufeff"))), {
    shardId: SHARD_ID,
    sequenceNumber: "49681058629384720000",
    subSequenceNumber: 2,
    partitionKey: "key",
    approximateArrivalTime: "2026-01-30T12:00:00.000Z",
    aggregated: true,
    encoding: "utf8",
    data: "text\n\ufeff",
  });
  const bytes = JSON.parse(recordJson(SHARD_ID, record(Uint8Array.of(0xc3))));
  assertEquals([bytes.encoding, bytes.data], ["base64", "ww=="]);
});

Deno.test("recordJson() is one line that a terminal does not obey, and says the same", () => {
  const hostile = "a\u001b[2J\n\u009b31m\u2028\u202e";
  const json = recordJson(SHARD_ID, record(hostile, hostile));
  // deno-lint-ignore no-control-regex -- these must not be there
  assertEquals(/[\u0000-\u001f\u007f-\u009f\u2028\u202e]/.test(json), false);
  assertEquals([JSON.parse(json).data, JSON.parse(json).partitionKey], [hostile, hostile]);
});
