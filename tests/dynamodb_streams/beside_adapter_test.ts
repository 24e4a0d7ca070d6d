/**
 * A worker beside AWS's adapter 2.3.0, which has the tables of KCL 3.4: the adapter leads and gives leases, the
 * worker reads them. The adapter is its items, as Java writes them, and a leader that assigns.
 */

import { assertEquals } from "@std/assert";
import { KinesisWorker, type WorkerEvent } from "../../mod.ts";
import type { Item } from "../../src/aws/dynamodb.ts";
import { realSystem } from "../../src/system.ts";
import { fastClock } from "../support/fast_clock.ts";
import { until } from "../support/fleet.ts";
import { simulated } from "../support/simulated.ts";
import { ordersTable } from "../support/table_stream.ts";
import { testCredentials } from "../support/test_stream.ts";

const INDEX = "LeaseOwnerToLeaseKeyIndex";

/** The tables, a stream of two shards, and a lease of the adapter for each. */
async function bed(mode: "one stream" | "many streams") {
  const clock = fastClock(40);
  const made = simulated({ system: { clock, random: () => 0 }, tableStreamShards: 2 });
  const { aws, call } = made;
  await call("CreateTable", ordersTable());
  for (
    const [name, key] of [["app", "leaseKey"], ["app-CoordinatorState", "key"], [
      "app-WorkerMetricStats",
      "wid",
    ]]
  ) {
    await call("CreateTable", {
      TableName: name,
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: key, KeyType: "HASH" }],
      AttributeDefinitions: [key, ...(name === "app" ? ["leaseOwner"] : [])].map((AttributeName) => ({
        AttributeName,
        AttributeType: "S",
      })),
      ...(name !== "app" ? {} : {
        GlobalSecondaryIndexes: [{
          IndexName: INDEX,
          KeySchema: [
            { AttributeName: "leaseOwner", KeyType: "HASH" },
            { AttributeName: "leaseKey", KeyType: "RANGE" },
          ],
          Projection: { ProjectionType: "KEYS_ONLY" },
        }],
      }),
    });
  }
  await clock.sleep(1000);
  const { stream } = aws.table("orders");
  const label = stream.arn.slice(stream.arn.lastIndexOf("/") + 1).replaceAll(":", "_");
  const identifier = `000000000000:us-east-1$000000000000$orders$${label}:1`;
  const putIn = (TableName: string, Item: Item) => call("PutItem", { TableName, Item });
  const keyOf = (shardId: string) => mode === "one stream" ? shardId : `${identifier}:${shardId}`;
  const leaseOf = (shardId: string, leaseOwner: string, leaseCounter: number): Item => ({
    leaseKey: { S: keyOf(shardId) },
    leaseOwner: { S: leaseOwner },
    leaseCounter: { N: `${leaseCounter}` },
    ownerSwitchesSinceCheckpoint: { N: "0" },
    checkpoint: { S: "TRIM_HORIZON" },
    checkpointSubSequenceNumber: { N: "0" },
    startingHashKey: { S: "0" },
    endingHashKey: { S: "1" },
    ...(mode === "one stream" ? {} : { streamName: { S: identifier }, shardId: { S: shardId } }),
  });
  const state = { mb: { S: "adapter" }, mts: { N: "1700000000000" }, h: { L: [] } };
  await putIn("app-CoordinatorState", {
    key: { S: "Migration3.0" },
    cv: { S: "CLIENT_VERSION_3X" },
    ...state,
  });
  const lock: Item = {
    key: { S: "Leader" },
    ownerName: { S: "adapter" },
    leaseDuration: { S: "120000" },
    recordVersionNumber: { S: "64d9cdc7-07dc-4b6a-a346-7f30b4bd8b4d" },
  };
  await putIn("app-CoordinatorState", lock);
  const [first, second] = stream.shards().map(({ shardId }) => shardId);
  if (first === undefined || second === undefined) throw new Error("expected two shards");
  for (const shardId of [first, second]) await putIn("app", leaseOf(shardId, "adapter", 5));
  const item = (table: string, name: string, value: string) =>
    aws.table(table).items().find((one) => JSON.stringify(one[name]) === JSON.stringify({ S: value }));
  return {
    ...made,
    ...{ clock, stream, lock, first, second, item },
    leaseItem: (shardId: string) => item("app", "leaseKey", keyOf(shardId)),
    put: (id: string) => putIn("orders", { id: { S: id } }),
    report: () =>
      putIn("app-WorkerMetricStats", {
        wid: { S: "adapter" },
        lut: { N: `${Math.floor(clock.epochMs() / 1000)}` },
        sts: { M: { C: { L: [{ N: "10.5" }] } } },
        opr: { M: { C: { L: [{ N: "100" }] } } },
      }),
    /** As the adapter's leader does: the owner and the counter alone. */
    assign: (shardId: string) =>
      call("UpdateItem", {
        TableName: "app",
        Key: { leaseKey: { S: keyOf(shardId) } },
        UpdateExpression: "SET leaseOwner = :o ADD leaseCounter :one",
        ExpressionAttributeValues: { ":o": { S: "ours" }, ":one": { N: "1" } },
      }),
  };
}

for (const mode of ["one stream", "many streams"] as const) {
  Deno.test({
    name: `a worker beside AWS's adapter with ${mode} reads the leases that it is given, and does not lead`,
    // Web Crypto cannot be aborted: a signature that is being made when a worker stops is finished after it.
    sanitizeOps: false,
    async fn() {
      const one = await bed(mode);
      const { aws, clock, stream, first, second } = one;
      const stop = new AbortController();
      const events: WorkerEvent[] = [], delivered: string[] = [];
      await one.report();
      for (let i = 0; i < 20; i++) await one.put(`${i}`);
      const running = new KinesisWorker({
        log: false,
        applicationName: "app",
        workerIdentifier: "ours",
        ...(mode === "one stream" ? { streamArn: stream.arn } : { streams: [stream.arn] }),
        region: "us-east-1",
        credentials: testCredentials,
        kinesisEndpoint: "http://simulated",
        dynamoDBEndpoint: "http://simulated",
        system: { ...realSystem, clock, fetch: aws.system.fetch },
        failoverTimeMs: 60_000,
        idleTimeBetweenReadsMs: 500,
        parentShardPollIntervalMs: 500,
        processor: () => ({
          async processRecords({ records }, context) {
            for (const { change } of records) delivered.push(`${context.shardId} ${change?.type}`);
            await context.checkpoint();
          },
          shardEnded: (context) => context.checkpoint(),
        }),
        onEvent: (event) => void events.push(event),
      }).run(stop.signal);
      running.catch(() => {});
      try {
        const adapters = one.leaseItem(second);
        // The worker reports where the adapter's leader looks; that leader gives it a lease.
        await until(
          "the report",
          () => one.item("app-WorkerMetricStats", "wid", "ours") !== undefined,
          30_000,
        );
        assertEquals(delivered, []);
        await one.assign(first);
        await until("the given shard", () => delivered.length > 0, 30_000);
        await until("a checkpoint", () => checkpointOf(one.leaseItem(first)) !== "TRIM_HORIZON", 30_000);
        // At the end of a shard its owner makes the lease of the child, which the leader gives out.
        stream.rollOver(first);
        await until("the end", () => checkpointOf(one.leaseItem(first)) === "SHARD_END", 30_000);
        const child = stream.shards().find(({ parentShardId }) => parentShardId === first)?.shardId ?? "";
        await until("the child's lease", () => one.leaseItem(child) !== undefined, 30_000);
        assertEquals(checkpointOf(one.leaseItem(child)), "TRIM_HORIZON");
        assertEquals(one.leaseItem(child)?.["leaseOwner"], undefined);
        await one.assign(child);
        for (let i = 20; i < 40; i++) await one.put(`${i}`);
        await until("the child", () => delivered.some((line) => line.startsWith(child)), 30_000);
        assertEquals(delivered.filter((line) => line.startsWith(second)), []);
        assertEquals(one.leaseItem(second), adapters);
        assertEquals(one.item("app-CoordinatorState", "key", "Leader"), one.lock);
        assertEquals(events.filter(({ type }) => type === "leadershipGained"), []);
        // Nothing but leases is in the lease table, as KCL 3.4 has it.
        assertEquals(aws.table("app").items().filter((item) => item["checkpoint"] === undefined), []);
      } finally {
        stop.abort();
        await running.catch(() => {});
        aws.close();
      }
      await running;
    },
  });
}

function checkpointOf(item: Item | undefined): string {
  const value = item?.["checkpoint"];
  return value !== undefined && "S" in value ? value.S : "";
}
