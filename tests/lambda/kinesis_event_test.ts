import { assertEquals } from "@std/assert";
import { eventCuts, eventRecord } from "../../src/lambda/kinesis_event.ts";
import { type KinesisRecord, kinesisRecord } from "../../src/stream/record.ts";
import { recordWith } from "../support/consumer_bed.ts";
import fc from "../support/fast_check.ts";
import { seeded } from "../support/seed.ts";

const SOURCE = {
  shardId: "shardId-000000000006",
  eventSourceARN: "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream",
  awsRegion: "us-east-2",
  invokeIdentityArn: "arn:aws:iam::123456789012:role/lambda-role",
};

/** The event of the AWS Lambda guide, "Using Lambda with Kinesis". */
const GUIDES_RECORD = {
  kinesis: {
    kinesisSchemaVersion: "1.0",
    partitionKey: "1",
    sequenceNumber: "49590338271490256608559692538361571095921575989136588898",
    data: "SGVsbG8sIHRoaXMgaXMgYSB0ZXN0Lg==",
    approximateArrivalTimestamp: 1545084650.987,
  },
  eventSource: "aws:kinesis",
  eventVersion: "1.0",
  eventID: "shardId-000000000006:49590338271490256608559692538361571095921575989136588898",
  eventName: "aws:kinesis:record",
  invokeIdentityArn: "arn:aws:iam::123456789012:role/lambda-role",
  awsRegion: "us-east-2",
  eventSourceARN: "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream",
};

Deno.test("eventRecord() makes the record of the Lambda guide, field for field", () => {
  const { sequenceNumber } = GUIDES_RECORD.kinesis;
  const record = kinesisRecord({
    ...recordWith(sequenceNumber, "Hello, this is a test."),
    partitionKey: "1",
    approximateArrivalTimestamp: 1545084650987,
  });
  assertEquals(JSON.stringify(eventRecord(record, SOURCE)), JSON.stringify(GUIDES_RECORD));
});

Deno.test("eventRecord() gives user records of an aggregate ids of their own, and a whole aggregate its usual one", () => {
  const user = kinesisRecord({ ...recordWith(7, "x", 2), aggregated: true });
  assertEquals(eventRecord(user, SOURCE).eventID, "shardId-000000000006:7:2");
  assertEquals(eventRecord(user, SOURCE).kinesis.sequenceNumber, "7");
  assertEquals(
    eventRecord(kinesisRecord({ ...user, aggregated: false }), SOURCE).eventID,
    "shardId-000000000006:7",
  );
});

Deno.test("eventCuts() cuts any records into events that fit, in order, as few as can be, and counts their bytes exactly", () => {
  const record = fc.record({
    key: fc.string({ unit: "grapheme", maxLength: 40 }),
    size: fc.nat({ max: 900 }),
  });
  fc.assert(
    fc.property(fc.array(record, { maxLength: 30 }), fc.integer({ min: 600, max: 5000 }), (all, limit) => {
      const records = all.map(({ key, size }, i) =>
        kinesisRecord({ ...recordWith(i), partitionKey: key, data: new Uint8Array(size) })
      );
      const cuts = eventCuts(records, SOURCE, limit);
      assertEquals(cuts.flatMap((cut) => cut.records), records);
      const bytesOf = (of: readonly KinesisRecord[]) =>
        new TextEncoder().encode(JSON.stringify({ Records: of.map((one) => eventRecord(one, SOURCE)) }))
          .length;
      for (const [i, cut] of cuts.entries()) {
        assertEquals(cut.bytes, bytesOf(cut.records));
        assertEquals(cut.bytes <= limit || cut.records.length === 1, true);
        const next = cuts[i + 1]?.records[0];
        if (next !== undefined) assertEquals(bytesOf([...cut.records, next]) > limit, true);
      }
    }),
    seeded(),
  );
});

Deno.test("eventCuts() fills an event to the last byte, and not beyond", () => {
  const records = [1, 2].map((n) => recordWith(n, "xyz"));
  const [cut] = eventCuts(records, SOURCE, Infinity);
  const bytes = cut?.bytes ?? 0;
  assertEquals(eventCuts(records, SOURCE, bytes).length, 1);
  assertEquals(eventCuts(records, SOURCE, bytes - 1).length, 2);
});
