/** The signed Kinesis calls against kinesalite, and against the simulated Kinesis: what the one does the other must do. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { jsonCaller, type ServiceOptions } from "../../src/aws/json_call.ts";
import { type Kinesis, signedKinesis, type StreamReference } from "../../src/aws/kinesis.ts";
import { AwsServiceError } from "../../src/errors.ts";
import { realSystem } from "../../src/system.ts";
import { startKinesalite } from "../support/emulators.ts";
import { simulated } from "../support/simulated.ts";

const ORDERS: StreamReference = { streamName: "orders", streamArn: undefined };
const KEYS = { accessKeyId: "a", secretAccessKey: "s", sessionToken: undefined, expiresEpochMs: undefined };

/** What a test does with a stream of two shards. `control` makes calls that the library does not have. */
type Body = (
  kinesis: Kinesis,
  control: (operation: string, input: Record<string, unknown>) => Promise<void>,
) => Promise<void>;

/** Registers a test for each of both, with a stream. */
function testOnBoth(name: string, body: Body): void {
  testOnKinesalite(`${name}, on kinesalite`, body);
  Deno.test(`${name}, simulated`, () => withStream(simulated().service, body));
}

function testOnKinesalite(name: string, body: Body): void {
  Deno.test(name, async () => {
    await using emulator = await startKinesalite();
    const service = { region: "us-east-1", endpoint: emulator.url, credentials: KEYS, system: realSystem };
    await withStream(service, body);
  });
}

async function withStream(options: ServiceOptions, body: Body): Promise<void> {
  const call = jsonCaller({
    service: "kinesis",
    targetPrefix: "Kinesis_20131202",
    contentType: "application/x-amz-json-1.1",
    attemptTimeoutMs: 5000,
  }, options);
  const control = (operation: string, input: Record<string, unknown>) =>
    call({ operation, input, decode: () => {} });
  const kinesis = signedKinesis({ ...options, attemptTimeoutMs: 1000 });
  await control("CreateStream", { StreamName: "orders", ShardCount: 2 });
  await untilActive(kinesis);
  await body(kinesis, control);
}

async function untilActive(kinesis: Kinesis): Promise<void> {
  while ((await kinesis.describeStreamSummary(ORDERS)).streamStatus !== "ACTIVE") {
    await realSystem.clock.sleep(5);
  }
}

testOnBoth(
  "describeStreamSummary() tells name, status and open shards, and no ARN where there is none",
  async (kinesis) => {
    const summary = await kinesis.describeStreamSummary(ORDERS);
    assertEquals(summary.streamName, "orders");
    assertEquals(summary.streamStatus, "ACTIVE");
    assertEquals(summary.openShardCount, 2);
    assert(Math.abs((summary.streamCreationEpochS ?? 0) - Date.now() / 1000) < 60);
  },
);

testOnBoth(
  "a stream that does not exist is an AwsServiceError with operation, code, status and request id",
  async (kinesis) => {
    const error = await assertRejects(
      () => kinesis.describeStreamSummary({ streamName: "none", streamArn: undefined }),
      AwsServiceError,
      "none",
    );
    assertEquals(
      [error.service, error.operation, error.code, error.status, error.retryable],
      ["kinesis", "DescribeStreamSummary", "ResourceNotFoundException", 400, false],
    );
    assert(error.requestId !== undefined);
  },
);

testOnBoth("listShards() reads shards, and parents and ends after a split", async (kinesis, control) => {
  const [first, second] = await kinesis.listShards(ORDERS, { type: "AT_TIMESTAMP", timestampMs: 1 });
  assertEquals(first?.shardId, "shardId-000000000000");
  assertEquals(first?.hashKeyRange.startingHashKey, "0");
  assertEquals(second?.hashKeyRange.endingHashKey, `${2n ** 128n - 1n}`);
  assertEquals([first?.parentShardId, first?.endingSequenceNumber], [undefined, undefined]);
  await control("SplitShard", {
    StreamName: "orders",
    ShardToSplit: "shardId-000000000000",
    NewStartingHashKey: "1000",
  });
  await untilActive(kinesis);
  const after = await kinesis.listShards(ORDERS);
  assertEquals(after.length, 4);
  assertEquals(after[2]?.parentShardId, "shardId-000000000000");
  assertEquals(after[2]?.hashKeyRange.endingHashKey, "999");
  assert(after[0]?.endingSequenceNumber !== undefined);
});

testOnBoth(
  "getRecords() decodes what was put, and goes on from the next iterator",
  async (kinesis, control) => {
    const payloads = [new Uint8Array([0, 255, 1]), new Uint8Array(0), new TextEncoder().encode("grüße")];
    for (const payload of payloads) {
      await control("PutRecord", {
        StreamName: "orders",
        PartitionKey: "key",
        ExplicitHashKey: "0",
        Data: btoa(String.fromCharCode(...payload)),
      });
    }
    const iterator = await kinesis.getShardIterator(ORDERS, "shardId-000000000000", { type: "TRIM_HORIZON" });
    assert(iterator !== undefined);
    const page = await kinesis.getRecords(ORDERS, iterator, 2);
    assertEquals(page.records.map((record) => record.data), payloads.slice(0, 2));
    assertEquals(page.bytes, 3);
    assert((page.millisBehindLatest ?? NaN) >= 0); // kinesalite always says 0
    assertEquals(page.childShards, []);
    const [record] = page.records;
    assert(record !== undefined && page.nextShardIterator !== undefined);
    assertEquals(
      [record.partitionKey, record.subSequenceNumber, record.explicitHashKey, record.aggregated],
      ["key", 0, undefined, false],
    );
    assert(Number.isInteger(record.approximateArrivalTimestamp));
    assert(Math.abs(record.approximateArrivalTimestamp - Date.now()) < 60_000);
    assertEquals(
      (await kinesis.getRecords(ORDERS, page.nextShardIterator, 10)).records[0]?.data,
      payloads[2],
    );

    const after = await kinesis.getShardIterator(ORDERS, "shardId-000000000000", {
      type: "AFTER_SEQUENCE_NUMBER",
      sequenceNumber: record.sequenceNumber,
    });
    const timed = await kinesis.getShardIterator(ORDERS, "shardId-000000000000", {
      type: "AT_TIMESTAMP",
      timestampMs: record.approximateArrivalTimestamp - 1,
    });
    assert(after !== undefined && timed !== undefined);
    assertEquals((await kinesis.getRecords(ORDERS, after, 10)).records.length, 2);
    assertEquals((await kinesis.getRecords(ORDERS, timed, 10)).records.length, 3);
  },
);

testOnBoth("getRecords() at the end of a closed shard gives no next iterator", async (kinesis, control) => {
  await control("MergeShards", {
    StreamName: "orders",
    ShardToMerge: "shardId-000000000000",
    AdjacentShardToMerge: "shardId-000000000001",
  });
  await untilActive(kinesis);
  assertEquals((await kinesis.listShards(ORDERS))[2]?.adjacentParentShardId, "shardId-000000000001");
  let iterator = await kinesis.getShardIterator(ORDERS, "shardId-000000000000", { type: "TRIM_HORIZON" });
  for (let calls = 0; calls < 3 && iterator !== undefined; calls++) {
    iterator = (await kinesis.getRecords(ORDERS, iterator, 10)).nextShardIterator;
  }
  assertEquals(iterator, undefined);
});

testOnBoth(
  "getShardIterator() gives an iterator for a time after which there is no record, and it finds the next",
  async (kinesis, control) => {
    const put = (text: string) =>
      control("PutRecord", {
        StreamName: "orders",
        PartitionKey: "k",
        ExplicitHashKey: "0",
        Data: btoa(text),
      });
    await put("before");
    await realSystem.clock.sleep(20);
    const position = { type: "AT_TIMESTAMP", timestampMs: Date.now() - 1 } as const;
    let iterator = await kinesis.getShardIterator(ORDERS, "shardId-000000000000", position);
    const other = await kinesis.getShardIterator(ORDERS, "shardId-000000000001", position); // it is empty
    assertEquals((await kinesis.getRecords(ORDERS, other ?? "", 10)).records, []);
    await put("after");
    const texts: string[] = [];
    for (let reads = 0; reads < 50 && texts.length === 0; reads++) {
      const { records, nextShardIterator } = await kinesis.getRecords(ORDERS, iterator ?? "", 10);
      texts.push(...records.map(({ data }) => new TextDecoder().decode(data)));
      iterator = nextShardIterator;
      await realSystem.clock.sleep(20);
    }
    assertEquals(texts, ["after"]);
  },
);
