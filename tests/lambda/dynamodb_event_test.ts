/** Lambda handlers for DynamoDB Streams, unchanged. */

import { assert, assertEquals } from "@std/assert";
import { KinesisWorker } from "../../mod.ts";
import { changeRecords } from "../../src/dynamodb_streams/wire_changes.ts";
import { eventCuts, streamEvent } from "../../src/lambda/kinesis_event.ts";
import { type DynamoDBEvent, fromLambdaHandler } from "../../src/lambda/mod.ts";
import { simulatedAws } from "../../src/testing/mod.ts";
import { testCredentials } from "../support/test_stream.ts";

const ARN = "arn:aws:dynamodb:us-east-2:123456789012:table/ExampleTable/stream/2024-01-01T00:00:00.000";
const SOURCE = {
  shardId: "shardId-00000001664559083000-0a1b2c3d",
  eventSourceARN: ARN,
  awsRegion: "us-east-2",
  invokeIdentityArn: "arn:aws:iam::123456789012:role/lambda-role",
};

/** A record of the AWS Lambda guide, "Using AWS Lambda with Amazon DynamoDB", without the ARN. */
const GUIDES_RECORD = {
  eventID: "c4ca4238a0b923820dcc509a6f75849b",
  eventName: "INSERT",
  eventVersion: "1.1",
  eventSource: "aws:dynamodb",
  awsRegion: "us-east-2",
  dynamodb: {
    ApproximateCreationDateTime: 1428537600,
    Keys: { Id: { N: "101" } },
    NewImage: { Message: { S: "New item!" }, Id: { N: "101" } },
    SequenceNumber: "4421584500000000017450439091",
    SizeBytes: 26,
    StreamViewType: "NEW_AND_OLD_IMAGES",
  },
};

Deno.test("streamEvent() makes the event of the Lambda guide, field for field", () => {
  const { records } = changeRecords([GUIDES_RECORD]);
  const event = streamEvent(records, SOURCE);
  const expected = { Records: [{ ...GUIDES_RECORD, eventSourceARN: ARN }] };
  assertEquals(JSON.stringify(event), JSON.stringify(expected));
  const [cut] = eventCuts(records, SOURCE, 1_000_000);
  assertEquals(cut?.bytes, JSON.stringify(event).length);
});

Deno.test("streamEvent() says which change the time to live has made", () => {
  const userIdentity = { PrincipalId: "dynamodb.amazonaws.com", Type: "Service" };
  const event = streamEvent(
    changeRecords([{ ...GUIDES_RECORD, eventName: "REMOVE", userIdentity }]).records,
    SOURCE,
  );
  const [record] = event.Records;
  assert(record !== undefined && "userIdentity" in record);
  assertEquals(record.userIdentity, { principalId: "dynamodb.amazonaws.com", type: "Service" });
});

// Web Crypto cannot be aborted: a signature that is being made when a worker stops is finished after it.
Deno.test({
  name: "fromLambdaHandler() runs a handler for DynamoDB Streams, which names the record that failed",
  sanitizeOps: false,
  async fn() {
    const aws = simulatedAws({ tables: { orders: { key: "id", stream: "NEW_AND_OLD_IMAGES" } } });
    const table = aws.table("orders");
    for (const id of ["a", "b", "c"]) table.put({ id: { S: id } });
    const stop = new AbortController();
    const seen: string[] = [];
    let refusals = 1;
    // As handlers of AWS's guide report the first record that failed.
    const handler = (event: DynamoDBEvent) => {
      for (const { eventName, eventSource, dynamodb, eventSourceARN } of event.Records) {
        const id = dynamodb.Keys["id"];
        const key = id !== undefined && "S" in id ? id.S : "";
        if (key === "b" && refusals-- > 0) {
          return Promise.resolve({ batchItemFailures: [{ itemIdentifier: dynamodb.SequenceNumber }] });
        }
        seen.push([eventSource, eventName, key, eventSourceARN === table.stream.arn].join(" "));
      }
      if (seen.length >= 3) stop.abort();
      return Promise.resolve({ batchItemFailures: [] });
    };
    try {
      await new KinesisWorker({
        log: false,
        applicationName: "app",
        streamArn: table.stream.arn,
        credentials: testCredentials,
        system: aws.system,
        initialPositionInStream: "TRIM_HORIZON",
        errors: { partial: true, retry: { attempts: 5, delay: () => 1 } },
        processor: fromLambdaHandler(handler),
      }).run(stop.signal);
    } finally {
      aws.close();
    }
    assertEquals(seen, ["a", "b", "c"].map((key) => `aws:dynamodb INSERT ${key} true`));
  },
});
