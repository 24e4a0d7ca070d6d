/** The commands of an operator on an application that reads the stream of a table. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { KinesisWorker } from "../../mod.ts";
import type { Change } from "../../src/stream/change.ts";
import type { Item } from "../../src/aws/dynamodb.ts";
import { until } from "../support/fleet.ts";
import { OperateBed } from "../support/operate_bed.ts";
import { signedHeaders } from "../support/simulated.ts";
import { ordersTable } from "../support/table_stream.ts";

const NO_KEYS = { startingHashKey: "0", endingHashKey: "1" };

/** A table with the changes a, b and, in the next shard, c; and a lease that stands behind a. */
async function bed() {
  const made = new OperateBed({});
  const call = async (operation: string, input: object) => {
    const headers = signedHeaders(`DynamoDB_20120810.${operation}`, "application/x-amz-json-1.0");
    await made.aws.fetch("http://x", { method: "POST", headers, body: JSON.stringify(input) });
  };
  const put = (id: string) => call("PutItem", { TableName: "orders", Item: { id: { S: id } } });
  await call("CreateTable", ordersTable());
  const { stream } = made.aws.table("orders");
  await put("a");
  await put("b");
  made.clock.pass(60_000);
  stream.rollOver();
  await put("c");
  await made.table();
  const [first] = stream.shards();
  const leaseKey = first?.shardId ?? "";
  await made.lease({
    leaseKey,
    shardId: leaseKey,
    streamIdentifier: undefined,
    checkpoint: { sequenceNumber: "100000000000000000002", subSequenceNumber: 0 },
    parentShardIds: [],
    hashKeyRange: NO_KEYS,
  });
  const flags = ["--application", "app", "--stream", stream.arn, "--region", "eu-central-1"];
  return {
    ...made,
    aws: made.aws,
    stream,
    leaseKey,
    call,
    lease: made.lease.bind(made),
    run: (args: readonly string[], input = "") =>
      made.run([...args, ...flags], {
        isBare: true,
        input,
        columns: 150,
        env: { KCLITE_EXECUTABLE_NAME: "cat" },
      }),
  };
}

const idOf = (item: Item) => {
  const value = item["id"];
  return value !== undefined && "S" in value ? value.S : "";
};

Deno.test("describe, lag, explain and tail show the stream of a table", async () => {
  const { run, leaseKey } = await bed();
  const described = await run(["describe"]);
  assertEquals([described.code, described.err], [0, ""]);
  assertStringIncludes(described.out, leaseKey);
  const lag = await run(["lag"]);
  assertStringIncludes(lag.out, "1 min");
  assertStringIncludes((await run(["explain", leaseKey])).out, "Trimmed in");
  const tail = await run(["tail", "--from-beginning", "--max-messages", "3", "--json"]);
  assertEquals([tail.code, tail.err], [0, ""]);
  assertEquals(tail.out.trim().split("\n").length, 3);
  assertStringIncludes(tail.out, "eventName");
});

Deno.test("lag of an idle table is none, however old its last change is", async () => {
  const { run, lease, clock, stream, leaseKey } = await bed();
  const [, second] = stream.shards();
  const { out } = await run(["tail", "--from-beginning", "--max-messages", "3", "--json"]);
  const last = JSON.parse(out.trim().split("\n").at(-1) ?? "");
  assertEquals(last.shardId, second?.shardId);
  await lease({
    leaseKey: last.shardId,
    shardId: last.shardId,
    streamIdentifier: undefined,
    checkpoint: { sequenceNumber: last.sequenceNumber, subSequenceNumber: 0 },
    parentShardIds: [leaseKey],
    hashKeyRange: NO_KEYS,
  });
  clock.pass(3_600_000);
  const lines = (await run(["lag"])).out.split("\n").filter((line) => line.startsWith("shardId-"));
  const behind = new Map(lines.map((line) => [line.split(" ")[0], line]));
  assertStringIncludes(behind.get(leaseKey) ?? "", "1 h");
  assertStringIncludes(behind.get(last.shardId) ?? "", " 0 ms ");
});

Deno.test("reset finds a time in the stream of a table", async () => {
  const { run } = await bed();
  const { code, out } = await run(["reset", "--to", "2026-01-30T12:00:30Z"]);
  assertEquals(code, 0);
  assertStringIncludes(out, "SHARD_END");
  assertStringIncludes(out, "TRIM_HORIZON");
});

Deno.test("table and doctor name the rights on the stream of a table", async () => {
  const { run, stream } = await bed();
  for (const command of ["table", "doctor"]) {
    const { out } = await run([command]);
    assertStringIncludes(out, "dynamodb:DescribeStream");
    assertStringIncludes(out, stream.arn);
    assertEquals(out.includes("kinesis:ListShards"), false, command);
  }
});

Deno.test("put refuses the stream of a table", async () => {
  const { run } = await bed();
  const { code, err } = await run(["put"], "x\n");
  assertEquals(code, 1);
  assertStringIncludes(err, "write to the table");
});

Deno.test({
  name:
    "clone carries the positions of an adapter's fleet over: nothing is lost, and what was done comes no more",
  // Web Crypto cannot be aborted: a signature that is being made when the worker stops is finished after it.
  sanitizeOps: false,
  async fn() {
    const { run, aws, clock, call, stream } = await bed();
    // The tables that the adapter's KCL 3.4.3 has beside its leases.
    for (const [name, key] of [["app-CoordinatorState", "key"], ["app-WorkerMetricStats", "wid"]] as const) {
      await call("CreateTable", {
        TableName: name,
        BillingMode: "PAY_PER_REQUEST",
        KeySchema: [{ AttributeName: key, KeyType: "HASH" }],
        AttributeDefinitions: [{ AttributeName: key, AttributeType: "S" }],
      });
    }
    const cloned = await run(["clone", "--as", "app-2", "--execute"]);
    assertEquals([cloned.code, cloned.err], [0, ""]);
    const changes: Change[] = [];
    const stop = new AbortController();
    const running = new KinesisWorker({
      log: false,
      applicationName: "app-2",
      streamArn: stream.arn,
      region: "eu-central-1",
      credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "of-no-use" },
      system: { ...aws.system, clock },
      processor: () => ({
        async processRecords({ records }, context) {
          for (const { change } of records) if (change !== undefined) changes.push(change);
          await context.checkpoint();
        },
        shardEnded: (context) => context.checkpoint(),
      }),
    }).run(stop.signal);
    running.catch(() => {});
    await until("what was not done", () => changes.length >= 2, 30_000);
    stop.abort();
    await running;
    assertEquals(changes.map(({ keys }) => idOf(keys)), ["b", "c"]);
  },
});
