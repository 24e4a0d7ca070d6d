import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import {
  dynamoDBSink,
  kinesisSink,
  s3Sink,
  snsSink,
  sqsSink,
} from "../../../src/failures/letters/aws_sinks.ts";
import { documentText } from "../../../src/failures/letters/document.ts";
import { letterId } from "../../../src/failures/letters/letter_id.ts";
import { errorText } from "../../../src/errors.ts";
import { SignedServices } from "../../support/signed_services.ts";
import { simulated } from "../../support/simulated.ts";
import { connectionOf, letterOf, NEVER, recordOf } from "./fixtures.ts";

const QUEUE = "arn:aws:sqs:eu-west-1:123456789012:failed";
const TOPIC = "arn:aws:sns:eu-west-1:123456789012:failed";
const SHARD = "shardId-000000000001";

Deno.test("sqsSink() sends one signed message: the document, to the queue of the ARN", async () => {
  const services = new SignedServices();
  services.queues.set("failed", []);
  const letter = letterOf();
  await sqsSink(QUEUE).store(letter, connectionOf(services.fetch), NEVER);
  assertEquals(services.queues.get("failed")?.map(({ body }) => body), [documentText(letter)]);
  const [request, ...more] = services.requests;
  assertEquals(more, []);
  assertEquals(request?.url.href, "https://sqs.eu-west-1.amazonaws.com/");
  assertEquals(request?.region, "eu-west-1");
  assertEquals(request?.headers.get("content-type"), "application/x-amz-json-1.0");
  assertEquals(request?.headers.get("x-amz-target"), "AmazonSQS.SendMessage");
  assertEquals(JSON.parse(request?.body ?? ""), {
    QueueUrl: "https://sqs.eu-west-1.amazonaws.com/123456789012/failed",
    MessageBody: documentText(letter),
  });
});

Deno.test("sqsSink() of a FIFO queue groups by the records' key, or by the shard, and names each letter", async () => {
  const services = new SignedServices();
  services.queues.set("failed.fifo", []);
  const connection = connectionOf(services.fetch);
  const mixed = letterOf({ records: [recordOf("1"), recordOf("2", "x", { partitionKey: "q" })] });
  const odd = letterOf({ records: [recordOf("1", "x", { partitionKey: "ключ с пробелом" })] });
  for (const letter of [letterOf(), mixed, odd]) {
    await sqsSink(`${QUEUE}.fifo`).store(letter, connection, NEVER);
  }
  await sqsSink(`${QUEUE}.fifo`, { groupBy: "shard" }).store(letterOf(), connection, NEVER);
  const groups = services.queues.get("failed.fifo")?.map(({ group }) => group) ?? [];
  assertEquals(groups.toSpliced(2, 1), ["p", SHARD, SHARD]);
  assert(/^[0-9a-f-]{36}$/.test(groups[2] ?? ""), groups[2]);
  const ids = services.requests.map(({ body }) => JSON.parse(body).MessageDeduplicationId);
  assertEquals(ids, [letterId(letterOf()), letterId(mixed), letterId(odd), letterId(letterOf())]);
});

Deno.test("snsSink() publishes by a signed form", async () => {
  const services = new SignedServices();
  services.topics.set(TOPIC, []).set(`${TOPIC}.fifo`, []);
  const connection = connectionOf(services.fetch);
  const letter = letterOf({ error: new Error("Ünïcode & more + %") });
  await snsSink(TOPIC).store(letter, connection, NEVER);
  await snsSink(`${TOPIC}.fifo`).store(letter, connection, NEVER);
  assertEquals(services.topics.get(TOPIC), [documentText(letter)]);
  const [plain, fifo] = services.requests.map(({ body }) => Object.fromEntries(new URLSearchParams(body)));
  assertEquals(plain, {
    Action: "Publish",
    Version: "2010-03-31",
    TopicArn: TOPIC,
    Message: documentText(letter),
  });
  assertEquals(fifo?.["MessageGroupId"], "p");
  assertEquals(fifo?.["MessageDeduplicationId"], letterId(letter));
  assertEquals(services.requests[0]?.url.href, "https://sns.eu-west-1.amazonaws.com/");
});

Deno.test("s3Sink() puts an object with Lambda's key, whose payload is the whole event", async () => {
  const services = new SignedServices();
  const bucket = new Map<string, string>();
  services.buckets.set("failed", bucket).set("fail.ed", new Map());
  const connection = connectionOf(services.fetch);
  const letter = letterOf();
  await s3Sink("arn:aws:s3:::failed").store(letter, connection, NEVER);
  await s3Sink("arn:aws:s3:::failed").store(letter, connection, NEVER);
  const [[key, text] = [], ...more] = [...bucket];
  assertEquals(more, []);
  assertEquals(key, `aws/lambda/word-count/${SHARD}/2026/01/30/2026-01-30T12.00.00-${letterId(letter)}`);
  const { payload, records } = JSON.parse(text ?? "");
  assertEquals(records, undefined);
  assertEquals(JSON.parse(payload).Records[0].kinesis.data, btoa("hello"));
  assertEquals(services.requests[0]?.url.hostname, "failed.s3.eu-central-1.amazonaws.com");
  // No certificate matches a name with dots.
  await s3Sink("arn:aws:s3:::fail.ed", { keyPrefix: "a+b (1)/ü!" }).store(letter, connection, NEVER);
  assertEquals(services.requests.at(-1)?.url.hostname, "s3.eu-central-1.amazonaws.com");
  assert([...services.buckets.get("fail.ed")?.keys() ?? []][0]?.startsWith("a+b (1)/ü!word-count/"));
});

Deno.test("s3Sink() finds the region of its bucket, and stays there", async () => {
  const services = new SignedServices();
  services.buckets.set("failed", new Map());
  services.bucketRegion = "us-west-2";
  const sink = s3Sink("arn:aws:s3:::failed"), connection = connectionOf(services.fetch);
  await sink.store(letterOf(), connection, NEVER);
  await sink.store(letterOf(), connection, NEVER);
  assertEquals(services.requests.map(({ region }) => region), ["eu-central-1", "us-west-2", "us-west-2"]);
  // A bucket that is said to be where it is not ends the search.
  services.next.push(
    ...Array(3).fill({
      status: 301,
      headers: { "x-amz-bucket-region": "eu-west-3" },
      body: "<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message></Error>",
    }),
  );
  await assertRejects(() => sink.store(letterOf(), connection, NEVER), Error, "it was refused");
  assertEquals(services.requests.length, 5);
});

Deno.test("kinesisSink() keeps the partition key, and refuses the stream that the letter is from", async () => {
  const { aws, system, kinesis } = simulated({ streams: { orders: 1, failed: 1 } });
  const arn = (name: string) => `arn:aws:kinesis:us-east-1:123456789012:stream/${name}`;
  const options = { endpoint: "http://simulated" };
  const connection = { ...connectionOf(system.fetch), system };
  const letter = letterOf({
    streamArn: arn("orders"),
    records: [recordOf("1", "a", { partitionKey: "kéy" })],
  });
  await kinesisSink(arn("failed"), options).store(letter, connection, NEVER);
  const stream = { streamName: "failed", streamArn: undefined };
  const [shard] = await kinesis.listShards(stream);
  const iterator = await kinesis.getShardIterator(stream, shard?.shardId ?? "", { type: "TRIM_HORIZON" });
  const { records } = await kinesis.getRecords(stream, iterator ?? "", 10);
  assertEquals(records.map(({ partitionKey, data }) => [partitionKey, new TextDecoder().decode(data)]), [
    ["kéy", documentText(letter)],
  ]);
  const own = kinesisSink(arn("orders"), options).store(letter, connection, NEVER);
  await assertRejects(() => own, Error, "it is the stream that the letter is from");
  aws.close();
});

Deno.test("dynamoDBSink() makes one item of a letter that is stored twice", async () => {
  const { aws, system, dynamodb } = simulated();
  await dynamodb.createTable({
    TableName: "failed",
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    BillingMode: "PAY_PER_REQUEST",
  });
  while ((await dynamodb.describeTable("failed"))?.tableStatus !== "ACTIVE") {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const connection = {
    ...connectionOf(system.fetch),
    system,
    endpointOf: (service: string) => service === "dynamodb" ? "http://simulated" : undefined,
  };
  const sink = dynamoDBSink("arn:aws:dynamodb:us-east-1:123456789012:table/failed");
  await sink.store(letterOf(), connection, NEVER);
  await sink.store(letterOf({ givenUpEpochMs: Date.UTC(2026, 0, 31) }), connection, NEVER);
  await sink.store(letterOf({ records: [recordOf("101")] }), connection, NEVER);
  const items = await dynamodb.scan("failed");
  assertEquals(items.length, 2);
  const again = items.find(({ id }) => id && "S" in id && id.S === letterId(letterOf()));
  assertEquals(again?.["timestamp"], { S: "2026-01-31T00:00:00.000Z" });
  assertEquals(again?.["condition"], { S: "RetryAttemptsExhausted" });
  aws.close();
});

/** What a sink says when the service answers so; the answer is repeated as long as the sink tries. */
async function refusal(
  sink: ReturnType<typeof sqsSink>,
  answer: { readonly status: number; readonly body: string },
): Promise<string> {
  const services = new SignedServices();
  services.next.push(...Array(20).fill(answer));
  const store = sink.store(letterOf(), connectionOf(services.fetch), NEVER);
  return errorText(await assertRejects(() => store, Error));
}

const xml = (status: number, code: string, message = "no") => ({
  status,
  body: `<Error><Code>${code}</Code><Message>${message}</Message></Error>`,
});
const json = (status: number, code: string, message = "no") => ({
  status,
  body: JSON.stringify({ __type: `com.amazonaws.sqs#${code}`, message }),
});

Deno.test("a sink that is refused says what to do", async () => {
  const stream = kinesisSink("arn:aws:kinesis:eu-west-1:123456789012:stream/failed");
  const table = dynamoDBSink("arn:aws:dynamodb:eu-west-1:123456789012:table/failed");
  const bucket = s3Sink("arn:aws:s3:::failed");
  const cases = [
    [sqsSink(QUEUE), json(403, "AccessDenied"), "allow sqs:SendMessage on it"],
    [snsSink(TOPIC), xml(403, "AuthorizationError"), "allow sns:Publish on it"],
    [bucket, xml(403, "AccessDenied"), "allow s3:PutObject on it"],
    [stream, json(400, "AccessDeniedException"), "allow kinesis:PutRecord on it"],
    [table, json(400, "AccessDeniedException"), "allow dynamodb:PutItem on it"],
    [sqsSink(QUEUE), json(400, "KmsAccessDenied"), "allow kms:GenerateDataKey and kms:Decrypt on the key"],
    [sqsSink(QUEUE), json(400, "QueueDoesNotExist"), "it does not exist: expected a queue of SQS"],
    [snsSink(TOPIC), xml(404, "NotFound"), "it does not exist: expected a topic of SNS"],
    [bucket, xml(404, "NoSuchBucket"), "it does not exist: expected a bucket of S3"],
    [stream, json(400, "ResourceNotFoundException"), "it does not exist: expected a stream of Kinesis"],
    [table, json(400, "ResourceNotFoundException"), "it does not exist: expected a table of DynamoDB"],
    [
      sqsSink(QUEUE),
      json(400, "InvalidParameterValue", "Message must be shorter than 1024 bytes"),
      "set maxBytes",
    ],
    [sqsSink(QUEUE), json(500, "InternalError"), "it will be tried again"],
    [snsSink(TOPIC), xml(200, "Odd"), "it will be tried again"],
  ] as const;
  for (const [sink, answer, says] of cases) {
    const text = await refusal(sink, answer);
    assertStringIncludes(text, says);
    assertStringIncludes(text, `Cannot store a dead letter in ${sink.name}`);
  }
});

Deno.test("a sink that answers late is tried again; one that hangs ends with the signal", async () => {
  const services = new SignedServices();
  services.queues.set("failed", []);
  services.next.push(json(503, "ServiceUnavailable"), json(400, "RequestThrottled"));
  await sqsSink(QUEUE).store(letterOf(), connectionOf(services.fetch), NEVER);
  assertEquals(services.queues.get("failed")?.length, 1);

  services.next.push("hang");
  const stop = new AbortController();
  const hanging = sqsSink(QUEUE).store(letterOf(), connectionOf(services.fetch), stop.signal);
  stop.abort(new Error("the lease is lost"));
  await assertRejects(() => hanging, Error, "the lease is lost");
});

Deno.test("a sink whose endpoint is set uses it: its own, else the worker's settings", async () => {
  const services = new SignedServices();
  services.queues.set("failed", []);
  services.buckets.set("failed", new Map());
  const asked: string[] = [];
  const connection = connectionOf(services.fetch, {
    endpointOf: (service, region) => {
      asked.push(`${service} ${region}`);
      return "http://127.0.0.1:4566";
    },
  });
  await sqsSink(QUEUE).store(letterOf(), connection, NEVER);
  await s3Sink("arn:aws:s3:::failed").store(letterOf(), connection, NEVER);
  await sqsSink(QUEUE, { endpoint: "http://127.0.0.1:9324/x" }).store(letterOf(), connection, NEVER);
  assertEquals(asked, ["sqs eu-west-1", "s3 eu-central-1"]);
  assertEquals(services.requests.map(({ url }) => url.host + url.pathname.slice(0, 8)), [
    "127.0.0.1:4566/",
    "127.0.0.1:4566/failed/",
    "127.0.0.1:9324/x/",
  ]);
  assertStringIncludes(services.requests[0]?.body ?? "", '"http://127.0.0.1:4566/123456789012/failed"');
});

Deno.test("a document of more than 256 KiB goes without its records, unless the queue takes more", async () => {
  const services = new SignedServices();
  services.queues.set("failed", []);
  const letter = letterOf({ records: [recordOf("1", new Uint8Array(200_000)), recordOf("2")] });
  await sqsSink(QUEUE).store(letter, connectionOf(services.fetch), NEVER);
  const document = JSON.parse(services.queues.get("failed")?.[0]?.body ?? "");
  assertEquals(document.records, undefined);
  assertEquals(document.kclite.positions, ["1", "2"]);
  const larger = sqsSink(QUEUE, { maxBytes: 1_048_576 }).store(letter, connectionOf(services.fetch), NEVER);
  await assertRejects(() => larger, Error, "raise its limit, or set maxBytes lower");
});

Deno.test("sinks refuse what is no ARN of theirs, and limits that cannot be met", () => {
  for (
    const [make, says] of [
      [() => sqsSink(TOPIC), "expected the ARN of a queue of SQS"],
      [() => sqsSink("failed"), "arn:aws:sqs:REGION:ACCOUNT_ID:QUEUE_NAME"],
      [() => snsSink(QUEUE), "expected the ARN of a topic"],
      [() => s3Sink("arn:aws:s3:::failed/prefix"), "expected the ARN of a bucket"],
      [() => kinesisSink("arn:aws:kinesis:eu-west-1:123456789012:failed"), "expected the ARN of a stream"],
      [() => dynamoDBSink("arn:aws:dynamodb:eu-west-1:1:table/failed"), "expected the ARN of a table"],
    ] as const
  ) assertThrows(make, TypeError, says);
  for (const maxBytes of [0, 1000, 1.5, NaN, 1_048_577]) {
    assertThrows(() => sqsSink(QUEUE, { maxBytes }), RangeError, "maxBytes must be from 32768 to 1048576");
  }
});

Deno.test("no sink repeats the keys that it signs with", async () => {
  const services = new SignedServices();
  services.queues.set("failed", []);
  const { secretAccessKey, sessionToken } = await connectionOf(services.fetch).credentials();
  const error = new Error(`canonical request: ${sessionToken} ${encodeURIComponent(secretAccessKey)}`);
  await sqsSink(QUEUE).store(letterOf({ error }), connectionOf(services.fetch), NEVER);
  const text = services.queues.get("failed")?.[0]?.body ?? "";
  assert(!text.includes("EXAMPLE"), text);
  assertStringIncludes(text, "canonical request: (hidden) (hidden)");
});
