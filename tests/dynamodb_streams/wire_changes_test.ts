/** Changes as records: what AWS's adapter makes of them, and what we read from that. */

import { assertEquals, assertThrows } from "@std/assert";
import { changeRecords } from "../../src/dynamodb_streams/wire_changes.ts";
import type { Change } from "../../src/stream/change.ts";
import { kinesisRecord } from "../../src/stream/record.ts";

const WIRE = {
  eventID: "c9fbe7d0261a5163fcb6940593e41797",
  eventName: "MODIFY",
  eventVersion: "1.1",
  eventSource: "aws:dynamodb",
  awsRegion: "us-east-2",
  dynamodb: {
    ApproximateCreationDateTime: 1664559083,
    Keys: { PK: { S: "SMITH#1" } },
    NewImage: { PK: { S: "SMITH#1" }, n: { N: "2" }, b: { B: "AQID" }, l: { L: [] } },
    OldImage: { PK: { S: "SMITH#1" }, n: { N: "1" } },
    SequenceNumber: "100000000005391461882",
    SizeBytes: 123,
    StreamViewType: "NEW_AND_OLD_IMAGES",
  },
};

Deno.test("changeRecords() makes the record that AWS's adapter 2.3.0 makes: data, partition key, time", () => {
  const { records: [record], bytes } = changeRecords([WIRE]);
  // Jackson's text of the same record: times in ms, nothing that is null.
  const golden =
    '{"eventID":"c9fbe7d0261a5163fcb6940593e41797","eventName":"MODIFY","eventVersion":"1.1","eventSource":"aws:dynamodb",' +
    '"awsRegion":"us-east-2","dynamodb":{"ApproximateCreationDateTime":1664559083000,"Keys":{"PK":{"S":"SMITH#1"}},' +
    '"NewImage":{"PK":{"S":"SMITH#1"},"n":{"N":"2"},"b":{"B":"AQID"},"l":{"L":[]}},"OldImage":{"PK":{"S":"SMITH#1"},"n":{"N":"1"}},' +
    '"SequenceNumber":"100000000005391461882","SizeBytes":123,"StreamViewType":"NEW_AND_OLD_IMAGES"}}';
  assertEquals(record?.text(), golden);
  assertEquals(bytes, golden.length);
  assertEquals(record?.partitionKey, "100000000005391461882");
  assertEquals(record?.sequenceNumber, "100000000005391461882");
  assertEquals(record?.approximateArrivalTimestamp, 1664559083000);
  assertEquals([record?.subSequenceNumber, record?.aggregated, record?.encryptionType], [0, false, "NONE"]);
});

Deno.test("a record of a table's stream tells its change, read once; one of Kinesis has none", () => {
  const { records: [record] } = changeRecords([WIRE]);
  assertEquals(
    record?.change,
    {
      type: "MODIFY",
      eventId: WIRE.eventID,
      keys: WIRE.dynamodb.Keys,
      newImage: WIRE.dynamodb.NewImage,
      oldImage: WIRE.dynamodb.OldImage,
      sequenceNumber: WIRE.dynamodb.SequenceNumber,
      sizeBytes: 123,
      streamViewType: "NEW_AND_OLD_IMAGES",
      approximateCreation: new Date(1664559083000),
      userIdentity: undefined,
      isExpiry: false,
    } as Change,
  );
  assertEquals(record?.change === record?.change, true);
  if (record !== undefined) assertEquals(kinesisRecord(record).change, undefined);
});

Deno.test("a deletion by the time to live says so, and has the adapter's names", () => {
  const userIdentity = { PrincipalId: "dynamodb.amazonaws.com", Type: "Service" };
  const { NewImage: _, ...dynamodb } = WIRE.dynamodb;
  const { records: [record] } = changeRecords([{ ...WIRE, eventName: "REMOVE", dynamodb, userIdentity }]);
  assertEquals(record?.json<{ userIdentity: unknown }>().userIdentity, {
    principalId: "dynamodb.amazonaws.com",
    type: "Service",
  });
  assertEquals([record?.change.isExpiry, record?.change.type, record?.change.newImage], [
    true,
    "REMOVE",
    undefined,
  ]);
});

Deno.test("changeRecords() believes no record with a wrong field, and none out of order", () => {
  const inner = (more: object) => ({ ...WIRE, dynamodb: { ...WIRE.dynamodb, ...more } });
  for (
    const wrong of [
      {},
      { ...WIRE, eventName: "ODD" },
      inner({ SequenceNumber: "x" }),
      inner({ ApproximateCreationDateTime: "now" }),
      inner({ Keys: undefined }),
    ]
  ) assertThrows(() => changeRecords([wrong]), SyntaxError);
  assertThrows(() => changeRecords([WIRE, WIRE]), SyntaxError, "to grow");
});
