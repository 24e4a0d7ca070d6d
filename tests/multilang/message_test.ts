import { assertEquals, assertLessOrEqual } from "@std/assert";
import fc from "../support/fast_check.ts";
import { type DaemonMessage, encodeLine, PIECE_BYTES } from "../../src/multilang/message.ts";
import type { RecordFields } from "../../src/stream/record.ts";
import { recordWith } from "../support/consumer_bed.ts";
import { seeded } from "../support/seed.ts";

function lineOf(message: DaemonMessage): string {
  let line = "";
  for (const piece of encodeLine(message)) {
    assertLessOrEqual(piece.length, PIECE_BYTES);
    for (const byte of piece) assertLessOrEqual(byte, 0x7f);
    line += new TextDecoder().decode(piece);
  }
  return line;
}

const LINES: readonly (readonly [string, DaemonMessage, string])[] = [
  [
    "initialize with the keys that kclpy needs (trap 2)",
    {
      action: "initialize",
      shardId: "shardId-000000000000",
      sequenceNumber: "TRIM_HORIZON",
      subSequenceNumber: 0,
    },
    '{"action":"initialize","shardId":"shardId-000000000000","sequenceNumber":"TRIM_HORIZON","subSequenceNumber":0}\n',
  ],
  [
    "records with an action each, whole milliseconds and a sub-sequence number (traps 2, 3, 4)",
    {
      action: "processRecords",
      records: [{
        ...recordWith("4961"),
        data: new Uint8Array([0xfb, 0xff, 0x00, 0x01]),
        partitionKey: "cat",
        approximateArrivalTimestamp: 1476889706999.6,
      }, { ...recordWith("4962", "", 3), approximateArrivalTimestamp: NaN }],
      millisBehindLatest: 1200,
    },
    '{"action":"processRecords","records":[{"data":"+/8AAQ==","partitionKey":"cat","sequenceNumber":"4961",' +
    '"approximateArrivalTimestamp":1476889707000,"subSequenceNumber":0,"action":"record"},' +
    '{"data":"","partitionKey":"key","sequenceNumber":"4962","approximateArrivalTimestamp":0,' +
    '"subSequenceNumber":3,"action":"record"}],"millisBehindLatest":1200}\n',
  ],
  [
    "an empty batch, its lag as a null that is written out (trap 2)",
    { action: "processRecords", records: [], millisBehindLatest: undefined },
    '{"action":"processRecords","records":[],"millisBehindLatest":null}\n',
  ],
  [
    "a checkpoint's success as null (traps 5, 6)",
    { action: "checkpoint", sequenceNumber: "4961", subSequenceNumber: 9223372036854775807n, error: null },
    '{"action":"checkpoint","sequenceNumber":"4961","subSequenceNumber":9223372036854775807,"error":null}\n',
  ],
  [
    "a checkpoint under both names for a child that names it as KCL 1.x does",
    {
      action: "checkpoint",
      checkpoint: "4961",
      sequenceNumber: "4961",
      subSequenceNumber: null,
      error: null,
    },
    '{"action":"checkpoint","checkpoint":"4961","sequenceNumber":"4961","subSequenceNumber":null,"error":null}\n',
  ],
  [
    "a checkpoint's failure as a bare name, its nulls echoed (traps 5, 6)",
    { action: "checkpoint", sequenceNumber: null, subSequenceNumber: null, error: "ThrottlingException" },
    '{"action":"checkpoint","sequenceNumber":null,"subSequenceNumber":null,"error":"ThrottlingException"}\n',
  ],
  [
    "what a child has sent as its sequence number, in ASCII",
    {
      action: "checkpoint",
      sequenceNumber: 'é"\n',
      subSequenceNumber: null,
      error: "IllegalArgumentException",
    },
    '{"action":"checkpoint","sequenceNumber":"\\u00E9\\"\\n","subSequenceNumber":null,"error":"IllegalArgumentException"}\n',
  ],
  ["leaseLost", { action: "leaseLost" }, '{"action":"leaseLost"}\n'],
  ["shardEnded", { action: "shardEnded" }, '{"action":"shardEnded"}\n'],
  ["shutdownRequested", { action: "shutdownRequested" }, '{"action":"shutdownRequested"}\n'],
];

for (const [what, message, line] of LINES) {
  Deno.test(`encodeLine() writes ${what}`, () => assertEquals(lineOf(message), line));
}

Deno.test("encodeLine() says in one ASCII line what any record holds (traps 1, 15; promise 13)", () => {
  const record = fc.record({
    data: fc.tuple(fc.oneof(fc.nat(20), fc.nat(70_000)), fc.nat(255)).map(([length, step]) =>
      Uint8Array.from({ length }, (_, i) => i * step)
    ),
    partitionKey: fc.oneof(fc.string(), fc.string({ unit: "binary" }), fc.string({ unit: "grapheme" })),
    subSequenceNumber: fc.nat(),
    sequenceNumber: fc.bigInt({ min: 0n, max: 1n << 186n }).map(String),
    approximateArrivalTimestamp: fc.nat(),
  });
  fc.assert(
    fc.property(
      fc.array(record, { maxLength: 5 }),
      fc.option(fc.nat(), { nil: undefined }),
      (parts, behind) => {
        const records = parts.map((part): RecordFields => ({ ...recordWith(1), ...part }));
        const line = lineOf({ action: "processRecords", records, millisBehindLatest: behind });
        assertEquals(line.indexOf("\n"), line.length - 1);
        assertEquals<unknown>(JSON.parse(line), {
          action: "processRecords",
          records: parts.map((part) => ({
            ...part,
            data: btoa(Array.from(part.data, (byte) => String.fromCharCode(byte)).join("")),
            action: "record",
          })),
          millisBehindLatest: behind ?? null,
        });
      },
    ),
    { ...seeded(), numRuns: 40 },
  );
});

Deno.test("encodeLine() cuts a line of any length into pieces, also within a partition key", () => {
  for (const length of [0, 100, PIECE_BYTES - 200, PIECE_BYTES, 3 * PIECE_BYTES + 7]) {
    for (const count of [1, 300]) {
      const records = Array.from({ length: count }, (_, at): RecordFields => ({
        ...recordWith(at + 1),
        data: Uint8Array.from({ length: at === 7 ? 100_000 : 1000 }, (_, byte) => byte * at),
        partitionKey: at === count >> 1 ? "k".repeat(length) : "key",
      }));
      const line = lineOf({ action: "processRecords", records, millisBehindLatest: 5 });
      const { records: read } = JSON.parse(line);
      assertEquals(
        read.map(({ data, partitionKey }: RecordFields) => `${data} ${partitionKey}`),
        records.map(({ data, partitionKey }) => `${data.toBase64()} ${partitionKey}`),
      );
      assertEquals(line.endsWith(',"action":"record"}],"millisBehindLatest":5}\n'), true);
    }
  }
});

Deno.test("encodeLine() knows no action but those that kclpy knows (trap 7)", () => {
  const actions = LINES.map(([, , line]) => (JSON.parse(line) as { readonly action: string }).action);
  assertEquals([...new Set(actions)].sort(), [
    "checkpoint",
    "initialize",
    "leaseLost",
    "processRecords",
    "shardEnded",
    "shutdownRequested",
  ]);
});
