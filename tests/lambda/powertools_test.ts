/**
 * Handlers written with the real packages of Powertools for AWS Lambda.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromLambdaHandler, type LambdaHandler } from "../../src/lambda/mod.ts";
import { eventsOf, pageOf, recordWith, startConsumer } from "../support/consumer_bed.ts";
import { BatchProcessor, EventType, processPartialResponse } from "../support/powertools_batch.ts";
import {
  DynamoDBClient,
  DynamoDBPersistenceLayer,
  IdempotencyConfig,
  makeIdempotent,
} from "../support/powertools_idempotency.ts";
import { servedSimulated } from "../support/simulated.ts";

interface Item {
  readonly eventID: string;
  readonly kinesis: { readonly data: string };
}

/** As the documentation of the package has it. */
function batchHandler(processed: string[]): LambdaHandler {
  const processor = new BatchProcessor(EventType.KinesisDataStreams);
  const recordHandler = async ({ kinesis }: Item) => {
    const text = atob(kinesis.data);
    if (text.startsWith("bad")) throw new Error(text);
    processed.push(text);
  };
  return (event, context) =>
    processPartialResponse(event as never, recordHandler as never, processor, { context: context as never });
}

/** What a processor of the handler makes of some records. */
async function processing(handler: LambdaHandler, texts: readonly string[]) {
  const stream = { streamName: "words", streamArn: undefined, streamIdentifier: undefined };
  const processor = fromLambdaHandler(handler)("shardId-000000000000", stream);
  const records = texts.map((text, i) => recordWith(i + 1, text));
  const context = { signal: new AbortController().signal } as unknown as Parameters<
    typeof processor.processRecords
  >[1];
  const batch = { records, millisBehindLatest: 0, isAtShardEnd: false, childShards: [] };
  return await processor.processRecords(batch, context);
}

Deno.test("fromLambdaHandler() runs a handler of @aws-lambda-powertools/batch: all went well, or some failed", async () => {
  const processed: string[] = [];
  const handler = batchHandler(processed);
  assertEquals(await processing(handler, ["a", "b"]), null);
  assertEquals(await processing(handler, ["c", "bad 1", "d", "bad 2"]), {
    batchItemFailures: [{ itemIdentifier: "2" }, { itemIdentifier: "4" }],
  });
  assertEquals(processed, ["a", "b", "c", "d"]);
});

Deno.test("fromLambdaHandler() fails the call when all records of @aws-lambda-powertools/batch have failed", async () => {
  let failures = 0;
  const processed: string[] = [];
  const handler = batchHandler(processed);
  const flaky: LambdaHandler = async (event, context, callback) => {
    // Two bad calls, then the records are mended.
    if (failures < 2) return await handler(event, context, callback);
    processed.push(...event.Records.map(({ kinesis }) => atob(kinesis.data)));
  };
  const bed = startConsumer(undefined, {
    processor: fromLambdaHandler(flaky),
    onProcessError: "retry",
  });
  bed.retrieval.feed(pageOf([recordWith(1, "bad")], []));
  for (let i = 0; i < 100 && eventsOf(bed.events, "shardCompleted").length === 0; i++) {
    failures = eventsOf(bed.events, "batchFailed").length;
    await bed.clock.advance(100);
  }
  const failed = eventsOf(bed.events, "batchFailed").map(({ error }) => `${error}`);
  assertEquals(failed.length, 2);
  for (const text of failed) {
    assertStringIncludes(text, "FullBatchFailureError: All records failed processing");
  }
  assertEquals(processed, ["bad"]);
});

Deno.test("fromLambdaHandler() runs a handler of @aws-lambda-powertools/idempotency on DynamoDB: what went well is not repeated", async () => {
  await using simulated = servedSimulated();
  await simulated.call("CreateTable", {
    TableName: "idempotency",
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    BillingMode: "PAY_PER_REQUEST",
  });
  const awsSdkV3Client = new DynamoDBClient({
    region: "us-east-1",
    endpoint: simulated.url,
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
  });
  const persistenceStore = new DynamoDBPersistenceLayer({ tableName: "idempotency", awsSdkV3Client });
  const config = new IdempotencyConfig({ eventKeyJmesPath: "eventID" });
  const processed: string[] = [];
  let failuresLeft = 1;
  const pay = makeIdempotent(
    async ({ kinesis }: Item) => {
      const text = atob(kinesis.data);
      if (text === "b" && failuresLeft-- > 0) throw new Error("the bank is away");
      processed.push(text);
      return { paid: text };
    },
    { persistenceStore: persistenceStore as never, config },
  );
  const handler: LambdaHandler = async (event, context) => {
    config.registerLambdaContext(context as never);
    for (const record of event.Records) await pay(record);
  };
  const bed = startConsumer(undefined, {
    processor: fromLambdaHandler(handler, { functionName: "payments", timeoutMs: 60_000 }),
    onProcessError: "retry",
  });
  bed.retrieval.feed(pageOf(["a", "b", "c"].map((text, i) => recordWith(i + 1, text)), []));
  for (let i = 0; i < 500 && eventsOf(bed.events, "shardCompleted").length === 0; i++) {
    await bed.clock.advance(100);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assertEquals(eventsOf(bed.events, "batchFailed").map(({ error }) => `${error}`), [
    "Error: the bank is away",
  ]);
  assertEquals(processed, ["a", "b", "c"], "the first record was called twice, and paid once");
  const { body: { Items } } = await simulated.call("Scan", { TableName: "idempotency" });
  assertEquals(Items.map(({ status }: { status: { S: string } }) => status.S), [
    "COMPLETED",
    "COMPLETED",
    "COMPLETED",
  ]);
  assert(Items.every(({ id }: { id: { S: string } }) => id.S.includes("#")));
  awsSdkV3Client.destroy();
});
