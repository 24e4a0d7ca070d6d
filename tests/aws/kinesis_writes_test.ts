/** @module */

import { assertEquals, assertRejects } from "@std/assert";
import { signedKinesisWrites } from "../../src/aws/kinesis_writes.ts";
import { AwsServiceError } from "../../src/errors.ts";
import { scriptedSystem, type Step } from "./scripted_system.ts";

const ARN = "arn:aws:kinesis:eu-central-1:123456789012:stream/orders";
const KEYS = { accessKeyId: "a", secretAccessKey: "s", sessionToken: undefined, expiresEpochMs: undefined };
const RECORDS = ["one", "two"].map((text) => ({
  partitionKey: `k-${text}`,
  data: new TextEncoder().encode(text),
}));

function writesWith(...steps: readonly Step[]) {
  const scripted = scriptedSystem(steps);
  const { system, onEvent } = scripted;
  return {
    ...scripted,
    writes: signedKinesisWrites({ region: "eu-central-1", credentials: KEYS, system, onEvent }),
  };
}

const STORED = { ShardId: "shardId-000000000000", SequenceNumber: "49" };

Deno.test("putRecords() sends name, ARN, keys and base64, and has an outcome for each record", async () => {
  const failed = { ErrorCode: "ProvisionedThroughputExceededException", ErrorMessage: "slower" };
  const { writes, requests } = writesWith({ body: { FailedRecordCount: 1, Records: [STORED, failed] } });
  const outcomes = await writes.putRecords({ streamName: "orders", streamArn: ARN }, RECORDS);
  assertEquals(outcomes, [
    { isPut: true, shardId: "shardId-000000000000", sequenceNumber: "49" },
    { isPut: false, code: "ProvisionedThroughputExceededException", detail: "slower" },
  ]);
  assertEquals(JSON.parse(requests[0]?.body ?? ""), {
    StreamName: "orders",
    StreamARN: ARN,
    Records: [{ PartitionKey: "k-one", Data: "b25l" }, { PartitionKey: "k-two", Data: "dHdv" }],
  });
});

Deno.test("putRecords() names no ARN where none is known", async () => {
  const { writes, requests } = writesWith({ body: { Records: [STORED, STORED] } });
  await writes.putRecords({ streamName: "orders", streamArn: undefined }, RECORDS);
  assertEquals(Object.keys(JSON.parse(requests[0]?.body ?? "")), ["StreamName", "Records"]);
});

Deno.test("putRecords() does not believe an answer that misses a record, or its number", async () => {
  for (const Records of [[STORED], [STORED, STORED, STORED], [STORED, { ShardId: "s" }]]) {
    const { writes } = writesWith(...Array.from({ length: 5 }, (): Step => ({ body: { Records } })));
    const error = await assertRejects(
      () => writes.putRecords({ streamName: "orders", streamArn: undefined }, RECORDS),
      AwsServiceError,
    );
    assertEquals(error.code, "MalformedResponse");
  }
});
