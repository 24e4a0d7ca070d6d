import { assert, assertEquals, assertThrows } from "@std/assert";
import { documentText } from "../../../src/failures/letters/document.ts";
import { storedLetter } from "../../../src/failures/redrive/stored_letter.ts";
import fc from "../../support/fast_check.ts";
import { seeded } from "../../support/seed.ts";
import { letterOf, recordOf, STREAM_ARN } from "../letters/fixtures.ts";

const RECORDS = [
  recordOf("100", "hello"),
  recordOf("101", new Uint8Array([0, 255]), { subSequenceNumber: 2, explicitHashKey: "7", aggregated: true }),
];

Deno.test("storedLetter() reads back the records of a document, from a list and from S3's payload", () => {
  for (const records of ["list", "payload"] as const) {
    const letter = storedLetter(documentText(letterOf({ records: RECORDS }), { records }));
    assertEquals(letter.records?.map((record) => ({ ...record, data: [...record.data] })), [
      ...RECORDS.map((record) => ({ ...record, data: [...record.data] })),
    ]);
    assertEquals(
      [letter.condition, letter.application, letter.shardId, letter.streamName, letter.streamArn],
      ["RetryAttemptsExhausted", "word-count", "shardId-000000000001", "orders", STREAM_ARN],
    );
    assertEquals([letter.leaseKey, letter.fencingToken], ["shardId-000000000001", 7]);
  }
});

Deno.test("storedLetter() says where the records are that were left out", () => {
  const { records, range } = storedLetter(documentText(letterOf({ records: RECORDS }), { records: "none" }));
  assertEquals(records, undefined);
  assertEquals(range, {
    start: "100",
    end: "101",
    subSequenceNumbers: { first: 0, last: 2 },
    wholeAggregates: false,
    positions: new Set(["100", "101:2"]),
    recordCount: 2,
  });
});

Deno.test("storedLetter() reads Lambda's own document, bare and in SNS's envelope", () => {
  const lambda = JSON.stringify({
    requestContext: {
      requestId: "c9b8fa9f",
      functionArn: "arn:aws:lambda:us-east-2:1:function:f",
      condition: "RetryAttemptsExhausted",
      approximateInvokeCount: 1,
    },
    responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
    version: "1.0",
    timestamp: "2019-11-14T00:38:06.021Z",
    KinesisBatchInfo: {
      shardId: "shardId-000000000001",
      startSequenceNumber: "49601189658422359378836298521827638475320189012309704722",
      endSequenceNumber: "49601189658422359378836298522902373528957594348623495186",
      approximateArrivalOfFirstRecord: "2019-11-14T00:38:04.835Z",
      approximateArrivalOfLastRecord: "2019-11-14T00:38:05.580Z",
      batchSize: 500,
      streamArn: "arn:aws:kinesis:us-east-2:123456789012:stream/mystream",
    },
  });
  for (const text of [lambda, JSON.stringify({ Type: "Notification", MessageId: "1", Message: lambda })]) {
    const letter = storedLetter(text);
    assertEquals([letter.streamName, letter.records, letter.range.positions, letter.range.recordCount], [
      "mystream",
      undefined,
      undefined,
      undefined,
    ]);
    assertEquals(letter.range.start.length, 56);
  }
});

Deno.test("storedLetter() refuses what is no dead letter, and repeats nothing of it", () => {
  const good = JSON.parse(documentText(letterOf()));
  const [record] = good.records;
  const cases = [
    "secret",
    '{"requestContext":',
    "[]",
    "{}",
    { ...good, KinesisBatchInfo: { ...good.KinesisBatchInfo, startSequenceNumber: "secret" } },
    { ...good, KinesisBatchInfo: { ...good.KinesisBatchInfo, shardId: 7 } },
    { ...good, records: "secret" },
    { ...good, records: [] },
    { ...good, records: [{ ...record, data: "secret!" }] },
    { ...good, records: [{ ...record, sequenceNumber: "-1" }] },
    { ...good, records: [{ ...record, approximateArrivalTimestamp: "secret" }] },
    { ...good, kclite: "secret" },
    { ...good, records: undefined, payload: "secret" },
  ];
  for (const value of cases) {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    const error = assertThrows(() => storedLetter(text), SyntaxError);
    assert(!error.message.includes("secret"), error.message);
  }
  fc.assert(
    fc.property(fc.json(), (text) => {
      assertThrows(() => storedLetter(text), SyntaxError);
    }),
    seeded(),
  );
});
