/** @module */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { KinesisProducer, type ProducerOptions } from "../../src/producer/mod.ts";
import { type SimulatedAws, simulatedAws } from "../../src/testing/mod.ts";
import { deaggregateAll } from "../../src/stream/aggregation.ts";
import fc from "../support/fast_check.ts";
import { seeded } from "../support/seed.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

/** @param refused For each call, the records that Kinesis does not take, by their place in it. */
function setUp(
  shards: number = 1,
  options: Partial<ProducerOptions> = {},
  refused: (readonly number[])[] = [],
) {
  const aws = simulatedAws({ streams: { results: shards } });
  const fetch = refusing(aws.system.fetch, refused);
  const system = { ...aws.system, clock: quick(aws), fetch };
  const producer = new KinesisProducer({
    streamName: "results",
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    system,
    ...options,
  });
  return { aws, producer };
}

/** Its pauses take no time. */
function quick({ system: { clock } }: SimulatedAws) {
  return {
    epochMs: () => clock.epochMs(),
    monotonicMs: () => clock.monotonicMs(),
    sleep: (_ms: number, signal?: AbortSignal) => clock.sleep(0, signal),
  };
}

/** Takes records out of calls, and answers for them that their shard has no throughput left. */
function refusing(fetch: SimulatedAws["system"]["fetch"], refused: (readonly number[])[]): typeof fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const places = refused.shift() ?? [];
    if (places.length === 0) return await fetch(request);
    const body = await request.json();
    const isTaken = (_: unknown, at: number) => !places.includes(at);
    const taken: readonly unknown[] = body.Records.filter(isTaken);
    const headers = new Headers(request.headers);
    headers.delete("content-length");
    const answer = taken.length === 0 ? { Records: [] } : await (await fetch(
      new Request(request.url, {
        method: "POST",
        headers,
        body: JSON.stringify({ ...body, Records: taken }),
      }),
    )).json();
    const results = [...answer.Records];
    const ErrorCode = "ProvisionedThroughputExceededException";
    return Response.json({
      Records: body.Records.map((_: unknown, at: number) =>
        isTaken(_, at) ? results.shift() : { ErrorCode, ErrorMessage: "Rate exceeded" }
      ),
    });
  };
}

/** What the stream holds by partition key, aggregates taken apart, in the order of each shard. */
function stored(aws: SimulatedAws): Readonly<Record<string, readonly string[]>> {
  const results = aws.stream("results");
  const byKey: Record<string, string[]> = {};
  for (const { shardId } of results.shards()) {
    for (const record of deaggregateAll(results.records(shardId), undefined)) {
      (byKey[record.partitionKey] ??= []).push(record.text());
    }
  }
  return byKey;
}

Deno.test("KinesisProducer.put() says where the record is", async () => {
  const { aws, producer } = setUp();
  const { shardId, sequenceNumber } = await producer.put({ partitionKey: "a", data: bytes("one") });
  assertEquals(shardId, "shardId-000000000000");
  assertEquals(aws.stream("results").records("shardId-000000000000")[0]?.sequenceNumber, sequenceNumber);
});

Deno.test("KinesisProducer.put() sends what was put in one go in one call, in order of each key", async () => {
  const { aws, producer } = setUp(3);
  const calls = noteCalls(aws);
  await producer.putAll(["a1", "b1", "a2", "c1", "b2", "a3"].map(toRecord));
  assertEquals(calls, [3, 2, 1]);
  assertEquals(stored(aws), { a: ["a1", "a2", "a3"], b: ["b1", "b2"], c: ["c1"] });
});

Deno.test("KinesisProducer keeps the order of each key, whichever records are refused", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom("a", "b", "c", "d"), { maxLength: 40 }),
      fc.array(fc.uniqueArray(fc.nat(3)), { maxLength: 9 }),
      fc.boolean(),
      async (keys, refused, aggregate) => {
        const { aws, producer } = setUp(2, { aggregate }, [...refused]);
        await producer.putAll(keys.map((key, at) => toRecord(`${key}${at}`)));
        const expected: Record<string, string[]> = {};
        for (const [at, key] of keys.entries()) (expected[key] ??= []).push(`${key}${at}`);
        assertEquals(stored(aws), expected);
      },
    ),
    { numRuns: 50, ...seeded() },
  );
});

Deno.test("KinesisProducer with aggregate puts what waits of a key as one record that can be taken apart", async () => {
  const { aws, producer } = setUp(1, { aggregate: true });
  const calls = noteCalls(aws);
  const texts = Array.from({ length: 100 }, (_, at) => `a${at}-${"x".repeat(1000)}`);
  await producer.putAll(texts.map(toRecord));
  assertEquals(stored(aws), { a: texts });
  // 51,200 bytes of an aggregate hold 50 records.
  assertEquals(calls, [1, 1, 1].slice(0, calls.length));
  assert(calls.length <= 3);
});

Deno.test("KinesisProducer gives a record up after ten refusals, and what waits behind it", async () => {
  const { aws, producer } = setUp(1, {}, Array.from({ length: 10 }, () => [0]));
  const first = producer.put(toRecord("a1")), second = producer.put(toRecord("a2"));
  await assertRejects(() => first, Error, "Kinesis did not take it in 10 tries");
  await assertRejects(() => second, Error, "Kinesis did not take it in 10 tries");
  await producer.put(toRecord("a3"));
  assertEquals(stored(aws), { a: ["a3"] });
});

Deno.test("KinesisProducer rejects with what Kinesis says of a whole call, and goes on", async () => {
  const { aws, producer } = setUp();
  aws.faults.next("PutRecords", { type: "refused", code: "AccessDeniedException", times: 1 });
  const error = await assertRejects(() => producer.putAll(["a1", "b1"].map(toRecord)), Error, "AccessDenied");
  assert(error.message.includes("PutRecords"));
  await producer.put(toRecord("a2"));
  assertEquals(stored(aws), { a: ["a2"] });
});

Deno.test("KinesisProducer.put() refuses what is no record, before anything is sent", async () => {
  const { producer } = setUp();
  await assertRejects(() => producer.put({ partitionKey: "", data: bytes("x") }), RangeError, "got 0");
  await assertRejects(
    () => producer.put({ partitionKey: "k".repeat(257), data: bytes("x") }),
    RangeError,
    "257",
  );
  const large = new Uint8Array(10 * 1024 ** 2);
  await assertRejects(() => producer.put({ partitionKey: "k", data: large }), RangeError, "got 10485761");
});

Deno.test("KinesisProducer.put() refuses more than 128 MiB that wait", async () => {
  const { aws, producer } = setUp();
  aws.faults.next("PutRecords", { type: "refused", code: "AccessDeniedException", times: Infinity });
  const data = new Uint8Array(9 * 1024 ** 2);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 16 }, (_, at) => producer.put({ partitionKey: `${at}`, data })),
  );
  const reasons = outcomes.map((outcome) => outcome.status === "rejected" ? `${outcome.reason}` : "");
  assertEquals(reasons.filter((reason) => reason.includes("await earlier ones")).length, 2);
});

Deno.test("KinesisProducer puts a record above 1 MiB alone: where it is refused, others are not", async () => {
  const { aws, producer } = setUp();
  const large = producer.put({ partitionKey: "large", data: new Uint8Array(2 * 1024 ** 2) });
  const small = producer.putAll(["a1", "b1"].map(toRecord));
  await assertRejects(() => large, Error, "PutRecords");
  await small;
  assertEquals(stored(aws), { a: ["a1"], b: ["b1"] });
});

Deno.test("new KinesisProducer() refuses an unknown option", () => {
  assertThrows(() => setUp(1, { agregate: true } as Partial<ProducerOptions>), TypeError, "aggregate");
});

/** Its key is its first letter. */
function toRecord(text: string) {
  return { partitionKey: text.slice(0, 1), data: bytes(text) };
}

/** The records of each call from now on. */
function noteCalls(aws: SimulatedAws): number[] {
  const calls: number[] = [];
  aws.faults.next("PutRecords", {
    type: "throttled",
    times: Infinity,
    when: (input) => {
      calls.push((input["Records"] as readonly unknown[]).length);
      return false;
    },
  });
  return calls;
}
