import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { documentText } from "../../../src/failures/letters/document.ts";
import { dynamoDBSink, kinesisSink, s3Sink, sqsSink } from "../../../src/failures/letters/aws_sinks.ts";
import { fetchAgain } from "../../../src/failures/redrive/fetch_again.ts";
import type { LetterSource } from "../../../src/failures/redrive/redrive.ts";
import { openSource, sourcePlace } from "../../../src/failures/redrive/sources.ts";
import { storedLetter } from "../../../src/failures/redrive/stored_letter.ts";
import { SignedServices } from "../../support/signed_services.ts";
import { simulated } from "../../support/simulated.ts";
import { aggregate as aggregateOf, utf8 } from "../../support/kpl.ts";
import { connectionOf, letterOf, NEVER, recordOf } from "../letters/fixtures.ts";

const letters = ["1", "2", "3"].map((number) => letterOf({ records: [recordOf(number)] }));

/** Goes through a source; removes letters whose first record is not `kept`. */
async function redriven(source: LetterSource, kept?: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { text, remove } of source.letters(NEVER)) {
    const { range } = storedLetter(text);
    found.push(range.start);
    if (range.start !== kept) await remove?.();
  }
  await source.close();
  return found;
}

function opened(
  text: string,
  connection: ReturnType<typeof connectionOf>,
  region = "eu-west-1",
): LetterSource {
  const place = sourcePlace(text);
  if (place === undefined) throw new Error(`${text} is a path`);
  const { credentials, system } = connection;
  return openSource(place, { region, credentials, system });
}

Deno.test("a queue gives each message once, and shows again what was not removed", async () => {
  const services = new SignedServices();
  services.queues.set("failed", []);
  const connection = connectionOf(services.fetch);
  const arn = "arn:aws:sqs:eu-west-1:123456789012:failed";
  for (const letter of letters) await sqsSink(arn).store(letter, connection, NEVER);
  assertEquals(await redriven(opened(arn, connection), "2"), ["1", "2", "3"]);
  assertEquals(services.queues.get("failed")?.map(({ body, hidden }) => [body, hidden]), [
    [documentText(letters[1] ?? letterOf()), false],
  ]);
  assertEquals(await redriven(opened(arn, connection)), ["2"]);
  assertEquals(services.queues.get("failed"), []);
});

Deno.test("a bucket gives all pages below a prefix, and removes objects", async () => {
  const services = new SignedServices();
  const bucket = new Map([["other/x", "not a letter"]]);
  services.buckets.set("failed", bucket);
  const connection = connectionOf(services.fetch);
  for (const letter of letters) await s3Sink("arn:aws:s3:::failed").store(letter, connection, NEVER);
  const odd = letterOf({ applicationName: "a+b & <c>", records: [recordOf("4")] });
  await s3Sink("arn:aws:s3:::failed").store(odd, connection, NEVER);
  const found = await redriven(opened("s3://failed", connection, "eu-central-1"), "2");
  assertEquals(found.toSorted(), ["1", "2", "3", "4"]);
  assertEquals(bucket.size, 2);
  const prefix = "s3://failed/aws/lambda/word-count/";
  assertEquals(await redriven(opened(prefix, connection, "eu-central-1")), ["2"]);
  assertEquals([...bucket.keys()], ["other/x"]);
});

Deno.test("a table gives its items and removes them, but not one that was stored anew", async () => {
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
  const connection = { ...connectionOf(system.fetch), system };
  const arn = "arn:aws:dynamodb:us-east-1:123456789012:table/failed";
  const sink = dynamoDBSink(arn);
  for (const letter of letters) await sink.store(letter, connection, NEVER);
  const source = opened(arn, connection, "us-east-1");
  for await (const { text, remove } of source.letters(NEVER)) {
    if (storedLetter(text).range.start === "3") {
      await sink.store(letterOf({ records: [recordOf("3")], givenUpEpochMs: 1 }), connection, NEVER);
    }
    await remove?.();
  }
  assertEquals(await redriven(opened(arn, connection, "us-east-1")), ["3"]);
  assertEquals(await dynamodb.scan("failed"), []);
  const missing = opened(`${arn}-not`, connection, "us-east-1");
  await assertRejects(() => redriven(missing), Error, "there is no such table");
  aws.close();
});

Deno.test("a stream gives all letters of all shards, and removes none", async () => {
  const { aws, system } = simulated({ streams: { failed: 3 } });
  const connection = { ...connectionOf(system.fetch), system };
  const arn = "arn:aws:kinesis:us-east-1:123456789012:stream/failed";
  for (const [i, letter] of letters.entries()) {
    const [record] = letter.records;
    if (record === undefined) continue;
    const spread = {
      ...letter,
      records: [recordOf(record.sequenceNumber, "x", { partitionKey: `key ${i}` })],
    };
    await kinesisSink(arn, { endpoint: "http://simulated" }).store(spread, connection, NEVER);
  }
  for (let i = 0; i < 2; i++) {
    assertEquals((await redriven(opened(arn, connection, "us-east-1"))).toSorted(), ["1", "2", "3"]);
  }
  aws.close();
});

Deno.test("sourcePlace() takes anything else for a path, and refuses what keeps no letters", () => {
  for (const path of ["dead.jsonl", "./a:b", "C:\\dead.jsonl"]) assertEquals(sourcePlace(path), undefined);
  for (
    const [text, says] of [
      ["arn:aws:sns:eu-west-1:123456789012:failed", "name the queue that is subscribed to it"],
      ["arn:aws:lambda:eu-west-1:123456789012:function:f", "expected a queue of SQS"],
      ["arn:aws:kinesis:eu-west-1:123456789012:stream/a/consumer/b:1", "expected a queue of SQS"],
      ["arn:nonsense", "expected an ARN"],
      ["https://sqs.eu-west-1.amazonaws.com/1/x", "expected an ARN"],
    ] as const
  ) assertThrows(() => sourcePlace(text), TypeError, says);
});

Deno.test("fetchAgain() finds the records of a letter, within aggregates too", async () => {
  const { aws, kinesis, system } = simulated({ streams: { orders: 1 }, isReadLimited: false });
  const control = aws.stream("orders");
  for (const text of ["a", "b"]) control.put(text);
  const userRecords = ["c", "d", "e"].map((data) => ({ partitionKey: "k", data: utf8(data) }));
  control.put(aggregateOf(userRecords));
  control.put("f");
  const stream = { streamName: "orders", streamArn: undefined };
  const [shard] = await kinesis.listShards(stream);
  const iterator = await kinesis.getShardIterator(stream, shard?.shardId ?? "", { type: "TRIM_HORIZON" });
  const { records: raw } = await kinesis.getRecords(stream, iterator ?? "", 10);
  const [a, b, aggregate, f] = raw.map(({ sequenceNumber }) => sequenceNumber);
  const clock = { ...system.clock, sleep: () => Promise.resolve() };
  const fetched = async (
    records: readonly [string | undefined, number][],
    change = (text: string) => text,
  ) => {
    const letter = letterOf({
      shardId: shard?.shardId ?? "",
      records: records.map(([number, sub]) =>
        recordOf(number ?? "", "x", { subSequenceNumber: sub, aggregated: number === aggregate })
      ),
    });
    const text = change(documentText(letter, { records: "none" }));
    const found = await fetchAgain(storedLetter(text), stream, { kinesis, clock }, NEVER);
    return found.map(({ data }) => new TextDecoder().decode(data)).join("");
  };
  assertEquals(await fetched([[b, 0]]), "b");
  assertEquals(await fetched([[b, 0], [aggregate, 0], [aggregate, 2], [f, 0]]), "bcef");
  // Without positions: all between the ends, if their number is right.
  const noPositions = (text: string) =>
    JSON.stringify({ ...JSON.parse(text), kclite: { ...JSON.parse(text).kclite, positions: undefined } });
  assertEquals(await fetched([[aggregate, 1], [aggregate, 2], [f, 0]], noPositions), "def");
  await assertRejects(
    () => fetched([[aggregate, 0], [f, 0]], noPositions),
    RangeError,
    "expected 2 records: got 4",
  );
  // A processor that takes aggregates whole gets them whole again.
  const whole = letterOf({
    shardId: shard?.shardId ?? "",
    records: raw.filter(({ sequenceNumber }) => sequenceNumber === aggregate || sequenceNumber === f),
  });
  for (const change of [(text: string) => text, noPositions]) {
    const letter = storedLetter(change(documentText(whole, { records: "none" })));
    const found = await fetchAgain(letter, stream, { kinesis, clock }, NEVER);
    assertEquals(found.map(({ data }) => [...data]), whole.records.map(({ data }) => [...data]));
  }
  // Lambda's documents know no records within aggregates.
  const lambdas = (text: string) => JSON.stringify({ ...JSON.parse(text), kclite: undefined });
  assertEquals(await fetched([[b, 0], [aggregate, 0]], lambdas), "bcde");
  const gone = `${BigInt(a ?? "0") - 1n}`;
  await assertRejects(() => fetched([[gone, 0]]), RangeError, "the stream retains them no longer");
  aws.close();
});
