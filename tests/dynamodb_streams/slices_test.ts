/** Slices on the stream of a table: refused without what reads it, and read to the end with it. */

import { assertEquals, assertThrows } from "@std/assert";
import { tableStreams } from "../../src/dynamodb_streams/mod.ts";
import { EdgeWorker } from "../../src/edge/mod.ts";
import type { EdgeOptions } from "../../src/edge/slice_options.ts";
import { ordersTable } from "../support/table_stream.ts";
import { simulated } from "../support/simulated.ts";
import { testCredentials } from "../support/test_stream.ts";

const REGION = "us-east-1";
const ARN = `arn:aws:dynamodb:${REGION}:123456789012:table/orders/stream/2026-01-30T12:00:00.000`;

function options(more: Partial<EdgeOptions>): EdgeOptions {
  return {
    applicationName: "app",
    region: REGION,
    credentials: testCredentials,
    initialPositionInStream: "TRIM_HORIZON",
    workerIdentifier: "edge-1",
    leases: "hold",
    failoverTimeMs: 180_000,
    log: false,
    processor: () => ({ processRecords: () => {}, shardEnded: (context) => context.checkpoint() }),
    ...more,
  };
}

Deno.test("new EdgeWorker() refuses the stream of a table without tableStreams(), and says so", () => {
  const wanted: readonly Partial<EdgeOptions>[] = [
    { streamArn: ARN },
    { streams: ["words", ARN] },
    { streams: [{ streamArn: ARN }] },
  ];
  for (const more of wanted) {
    assertThrows(
      () => new EdgeWorker(options(more)),
      TypeError,
      "kinesis: tableStreams({ region, credentials })",
    );
  }
  new EdgeWorker(options({ streams: ["words"] }));
  new EdgeWorker(
    options({ streamArn: ARN, kinesis: tableStreams({ region: REGION, credentials: testCredentials }) }),
  );
});

Deno.test("runUntilCaughtUp() of an EdgeWorker with tableStreams() reads a table's changes through a rollover", async () => {
  const { aws, call } = simulated();
  try {
    await call("CreateTable", ordersTable());
    const { stream } = aws.table("orders");
    const put = (id: string) => call("PutItem", { TableName: "orders", Item: { id: { S: id } } });
    const changes: string[] = [];
    const worker = () =>
      new EdgeWorker(options({
        streamArn: stream.arn,
        system: aws.system,
        kinesis: tableStreams({
          region: REGION,
          credentials: testCredentials,
          endpoint: "http://simulated",
          system: aws.system,
        }),
        processor: () => ({
          async processRecords({ records }, context) {
            for (const { change } of records) changes.push(JSON.stringify(change?.keys));
            await context.checkpoint();
          },
          shardEnded: (context) => context.checkpoint(),
        }),
      }));
    await put("a");
    stream.rollOver();
    await put("b");
    const first = await worker().runUntilCaughtUp({ budgetMs: 60_000 });
    await put("c");
    const second = await worker().runUntilCaughtUp({ budgetMs: 60_000 });
    assertEquals([first.outcome, second.outcome, first.failures, second.failures], [
      "caughtUp",
      "caughtUp",
      [],
      [],
    ]);
    assertEquals(changes, ['{"id":{"S":"a"}}', '{"id":{"S":"b"}}', '{"id":{"S":"c"}}']);
  } finally {
    aws.close();
  }
});
