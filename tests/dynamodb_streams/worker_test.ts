/** Whole workers on the stream of a table: on the emulator, with a clock that runs fast. */

import { assertEquals, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { KinesisWorker, type WorkerEvent, type WorkerOptions } from "../../mod.ts";
import type { Item } from "../../src/aws/dynamodb.ts";
import type { Change } from "../../src/stream/change.ts";
import { realSystem } from "../../src/system.ts";
import type { SimulatedAwsOptions } from "../../src/testing/mod.ts";
import { fastClock } from "../support/fast_clock.ts";
import { until } from "../support/fleet.ts";
import { seeded } from "../support/seed.ts";
import { simulated } from "../support/simulated.ts";
import { Chance } from "../../src/testing/model/chance.ts";
import { ordersTable } from "../support/table_stream.ts";
import { testCredentials } from "../support/test_stream.ts";

// Web Crypto cannot be aborted: a signature that is being made when a worker stops is finished after it.
function workerTest(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, sanitizeOps: false, fn });
}

/** A table "orders" with a stream, and workers on it; time passes `factor` times as fast. */
async function bed(options: SimulatedAwsOptions = {}, factor = 40) {
  const clock = fastClock(factor);
  const made = simulated({ system: { clock, random: () => 0 }, ...options });
  await made.call("CreateTable", ordersTable());
  await clock.sleep(1000);
  const stopping: AbortController[] = [], running: Promise<void>[] = [];
  const changes: { readonly shardId: string; readonly change: Change }[] = [];
  const events: WorkerEvent[] = [];
  const start = (more: Partial<WorkerOptions> = {}) => {
    const stop = new AbortController();
    const run = new KinesisWorker({
      log: false,
      applicationName: "app",
      streamArn: made.aws.table("orders").stream.arn,
      region: "us-east-1",
      credentials: testCredentials,
      kinesisEndpoint: "http://simulated",
      dynamoDBEndpoint: "http://simulated",
      initialPositionInStream: "TRIM_HORIZON",
      system: { ...realSystem, clock, fetch: made.aws.system.fetch },
      // Long enough for a busy machine.
      failoverTimeMs: 60_000,
      idleTimeBetweenReadsMs: 500,
      parentShardPollIntervalMs: 500,
      processor: () => ({
        async processRecords({ records }, context) {
          for (const { change } of records) {
            if (change !== undefined) changes.push({ shardId: context.shardId, change });
          }
          await context.checkpoint();
        },
        shardEnded: (context) => context.checkpoint(),
      }),
      onEvent: (event) => void events.push(event),
      ...more,
    }).run(stop.signal);
    run.catch(() => {});
    stopping.push(stop);
    running.push(run);
    return {
      run,
      async stop() {
        stop.abort();
        await run;
      },
    };
  };
  return {
    ...made,
    clock,
    start,
    changes,
    events,
    put: async (id: string, n = 1) => {
      await made.call("PutItem", { TableName: "orders", Item: { id: { S: id }, n: { N: `${n}` } } });
    },
    /** The first delivery of each change, as `id n`; a busy machine may lose a lease, and read on again. */
    firsts: () =>
      [...new Map(changes.map(({ change }) => [change.sequenceNumber, change])).values()]
        .map(({ keys, newImage }) => `${textIn(keys, "id")} ${numberIn(newImage ?? {}, "n")}`),
    isAllRead: () =>
      made.aws.table("orders").stream.shards().every(({ isOpen, shardId }) =>
        isOpen ||
        made.aws.table("app").items().every((item) =>
          !textIn(item, "leaseKey").endsWith(shardId) || textIn(item, "checkpoint") === "SHARD_END"
        )
      ),
    eventsOf: <T extends WorkerEvent["type"]>(type: T) =>
      events.filter((event): event is Extract<WorkerEvent, { readonly type: T }> => event.type === type),
    notices: () => events.flatMap((event) => event.type === "notice" ? [event.text] : []),
    leases: () => made.aws.table("app").items().filter((item) => "checkpoint" in item),
    stream: () => made.aws.table("orders").stream,
    async [Symbol.asyncDispose]() {
      for (const stop of stopping) stop.abort();
      await Promise.allSettled(running);
      made.aws.close();
    },
  };
}

function textIn(item: Item, name: string): string {
  const value = item[name];
  return value !== undefined && "S" in value ? value.S : "";
}

function numberIn(item: Item, name: string): string {
  const value = item[name];
  return value !== undefined && "N" in value ? value.N : "";
}

workerTest(
  "a worker reads the stream of a table through rollovers, every change and in the order of its item",
  async () => {
    await using one = await bed({ tableStreamShards: 2 });
    const { stop } = one.start();
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 10; i++) await one.put(`${i}`, round);
      one.stream().rollOver();
    }
    await until("all changes", () => one.firsts().length >= 30, 30_000);
    await until("all closed shards are done", one.isAllRead, 30_000);
    await stop();
    assertEquals(one.firsts().length, 30);
    for (let i = 0; i < 10; i++) {
      const own = one.firsts().filter((first) => first.startsWith(`${i} `));
      assertEquals(own, [`${i} 0`, `${i} 1`, `${i} 2`]);
    }
    assertEquals([...new Set(one.changes.map(({ change }) => change.type))].sort(), ["INSERT", "MODIFY"]);
  },
);

/** What AWS's adapter 2.3.0 writes; our own attributes begin with `kclite`. */
function javaAttributes(item: Item): readonly (readonly [string, unknown])[] {
  const stable = ["leaseKey", "checkpointSubSequenceNumber", "parentShardId", "childShardIds", "entityType"];
  const more = ["startingHashKey", "endingHashKey", "streamName", "shardId"];
  return Object.entries(item).filter(([name]) => [...stable, ...more].includes(name))
    .toSorted(([a], [b]) => a < b ? -1 : 1);
}

workerTest("leases of a table's stream have the keys and attributes of AWS's adapter", async () => {
  await using one = await bed();
  await one.put("a");
  const { stop } = one.start();
  await until("a change", () => one.firsts().length > 0, 30_000);
  await stop();
  const [shard] = one.stream().shards();
  const shardId = shard?.shardId ?? "";
  assertMatch(shardId, /^shardId-\d{20}-[\da-f]+$/);
  assertEquals(one.leases().map(javaAttributes), [[
    ["checkpointSubSequenceNumber", { N: "0" }],
    ["endingHashKey", { S: "1" }],
    ["entityType", { S: "LEASE" }],
    ["leaseKey", { S: shardId }],
    ["startingHashKey", { S: "0" }],
  ]]);
});

workerTest(
  "a worker reads streams of tables and of Kinesis side by side, under the names of AWS's adapter",
  async () => {
    await using one = await bed({ streams: { words: 1 } });
    const texts: string[] = [];
    const arn = one.stream().arn;
    const { stop } = one.start({
      streamArn: undefined,
      streams: ["words", arn],
      processor: () => ({
        async processRecords({ records }, context) {
          for (const record of records) {
            texts.push(
              record.change === undefined ? record.text() : `changed ${textIn(record.change.keys, "id")}`,
            );
          }
          await context.checkpoint();
        },
        shardEnded: (context) => context.checkpoint(),
      }),
    });
    one.aws.stream("words").put("hello");
    await one.put("a");
    await until("both", () => texts.includes("hello") && texts.includes("changed a"), 30_000);
    await stop();
    const label = arn.slice(arn.lastIndexOf("/") + 1).replaceAll(":", "_");
    const identifier = `000000000000:us-east-1$000000000000$orders$${label}:1`;
    const lease = one.leases().find((item) => textIn(item, "leaseKey").includes("$orders$")) ?? {};
    const [shard] = one.stream().shards();
    assertEquals(javaAttributes(lease), [
      ["checkpointSubSequenceNumber", { N: "0" }],
      ["endingHashKey", { S: "1" }],
      ["entityType", { S: "LEASE" }],
      ["leaseKey", { S: `${identifier}:${shard?.shardId}` }],
      ["shardId", { S: shard?.shardId }],
      ["startingHashKey", { S: "0" }],
      ["streamName", { S: identifier }],
    ]);
  },
);

workerTest("a stream that is switched off is read to its end, and is no fault of the fleet", async () => {
  await using one = await bed({ tableStreamShards: 2 }, 200);
  for (let i = 0; i < 5; i++) await one.put(`${i}`);
  const { stop } = one.start({ failoverTimeMs: 300_000, leaseAuditIntervalMs: 10_000 });
  await until("the changes", () => one.firsts().length >= 5, 30_000);
  one.stream().disable();
  await until(
    "the end of all shards",
    () => one.leases().length > 0 && one.leases().every((item) => textIn(item, "checkpoint") === "SHARD_END"),
    30_000,
  );
  const audits = one.eventsOf("coverageAudited").length;
  await until("more audits", () => one.eventsOf("coverageAudited").length >= audits + 4, 30_000);
  await stop();
  assertEquals(one.eventsOf("coverageAudited").filter(({ isCovered }) => !isCovered).length <= 1, true);
  assertEquals(one.notices().filter((text) => text.includes("is switched off")).length, 1);
});

workerTest("a checkpoint whose change was trimmed is told, and onTrimmedCheckpoint decides", async () => {
  for (const onTrimmedCheckpoint of ["trim-horizon", "stop"] as const) {
    await using one = await bed();
    await one.put("a");
    const first = one.start();
    await until("a change", () => one.firsts().length > 0, 30_000);
    await first.stop();
    const [shard] = one.stream().shards();
    await one.put("b");
    one.stream().trim(shard?.shardId ?? "");
    await one.put("c");
    const second = one.start({ onTrimmedCheckpoint });
    await until("the loss is told", () => one.eventsOf("checkpointTrimmed").length > 0, 30_000);
    assertEquals(one.eventsOf("checkpointTrimmed").map(({ outcome }) => outcome)[0], onTrimmedCheckpoint);
    if (onTrimmedCheckpoint === "trim-horizon") {
      await until("what is left", () => one.firsts().includes("c 1"), 30_000);
    }
    await second.stop();
    assertEquals(one.firsts(), onTrimmedCheckpoint === "stop" ? ["a 1"] : ["a 1", "c 1"]);
  }
});

workerTest("after a day of standstill the loss is told, and what the stream still has is read", async () => {
  await using one = await bed({}, 200);
  const calm = { failoverTimeMs: 300_000, leaseAuditIntervalMs: 5000 };
  await one.put("a");
  const first = one.start(calm);
  await until("a change", () => one.firsts().length > 0, 30_000);
  await first.stop();
  // Its shard and the next are forgotten; the third is closed, the fourth open.
  await one.put("lost");
  one.stream().rollOver();
  await one.put("lost too");
  one.stream().rollOver();
  await one.put("b");
  one.stream().rollOver();
  await one.put("c");
  for (const { shardId } of one.stream().shards().slice(0, 2)) one.stream().trim(shardId);
  const second = one.start(calm);
  await until("what is left", () => one.firsts().includes("c 1"), 30_000);
  await second.stop();
  assertEquals(one.firsts(), ["a 1", "b 1", "c 1"]);
  assertEquals(one.eventsOf("checkpointTrimmed").length, 1);
});

workerTest("a lease that was made at LATEST delivers what came since, and nothing older", async () => {
  await using one = await bed();
  await one.put("old");
  await one.clock.sleep(10_000);
  // The first worker makes the leases and cannot read: what comes meanwhile must not be lost.
  one.aws.faults.next("GetShardIterator", { type: "internal", times: 1e6 });
  const first = one.start({ initialPositionInStream: "LATEST" });
  await until("a lease", () => one.eventsOf("fetchFailed").length > 0, 30_000);
  await one.put("new");
  await first.stop();
  one.aws.faults.clear();
  const second = one.start({ initialPositionInStream: "LATEST" });
  await until("the change", () => one.firsts().length > 0, 30_000);
  await second.stop();
  assertEquals(one.firsts(), ["new 1"]);
});

workerTest("a worker at the tip of an idle table is not behind", async () => {
  await using one = await bed();
  await one.put("a");
  const { stop } = one.start();
  await until(
    "the tip",
    () => one.eventsOf("pageFetched").some((page) => page.millisBehindLatest === 0),
    30_000,
  );
  await stop();
  const [first] = one.eventsOf("pageFetched").filter(({ records }) => records > 0);
  assertEquals((first?.millisBehindLatest ?? 0) > 0, true);
});

workerTest("a worker refuses at its start what cannot be read, and says how to mend it", async () => {
  await using one = await bed();
  const arn = one.stream().arn;
  const made = (more: Partial<WorkerOptions>) => () => one.start(more);
  assertThrows(made({ initialPositionInStream: new Date(0) }), TypeError, "cannot be read from a time on");
  assertThrows(
    made({ region: "eu-west-1", kinesisEndpoint: undefined }),
    TypeError,
    "expected it in the worker's region",
  );
  const table = arn.slice(0, arn.indexOf("/stream/"));
  assertThrows(made({ streamArn: table }), TypeError, "a table's LatestStreamArn");
  const none = `${table}/stream/2020-01-01T00:00:00.000`;
  await assertRejects(() => one.start({ streamArn: none }).run, RangeError, `the table has ${arn} now`);
  const other = none.replace("table/orders/", "table/others/");
  await assertRejects(
    () => one.start({ streamArn: other }).run,
    RangeError,
    'switch on the stream of table "others"',
  );
});

workerTest(
  "a fleet loses no change and breaks no order, whoever is killed and whatever rolls over",
  async () => {
    await using one = await bed({ tableStreamShards: 2 });
    const { seed } = seeded();
    const chance = new Chance(`${seed}`);
    const written = new Map<string, number>();
    const killed: AbortController[] = [];
    const startKillable = (name: string) => {
      const dead = new AbortController();
      killed.push(dead);
      // Whoever is killed reaches nothing any more; its leases expire.
      const fetch: typeof globalThis.fetch = (input, init) =>
        dead.signal.aborted
          ? Promise.reject(new TypeError("the process is gone"))
          : one.aws.system.fetch(input as Request, init);
      const worker = one.start({
        workerIdentifier: name,
        failoverTimeMs: 10_000,
        system: { ...realSystem, clock: one.clock, fetch },
      });
      return { dead, worker };
    };
    const fleet = [startKillable("w0"), startKillable("w1")];
    for (let round = 0; round < 12; round++) {
      for (let i = 0; i < 6; i++) {
        const id = `${chance.below(5)}`;
        const n = (written.get(id) ?? 0) + 1;
        written.set(id, n);
        await one.put(id, n);
      }
      await one.clock.sleep(chance.between(500, 4000));
      if (chance.happens(0.5)) one.stream().rollOver(undefined, chance.happens(0.3) ? 2 : 1);
      if (round % 4 === 2) {
        fleet[chance.below(fleet.length)]?.dead.abort();
        fleet.push(startKillable(`w${fleet.length}`));
      }
    }
    const total = [...written.values()].reduce((sum, count) => sum + count, 0);
    await until(`all ${total} changes, seed ${seed}`, () => one.firsts().length >= total, 40_000);
    for (const [id, count] of written) {
      const own = one.firsts().filter((first) => first.startsWith(`${id} `));
      assertEquals(own, Array.from({ length: count }, (_, n) => `${id} ${n + 1}`), `seed ${seed}`);
    }
  },
);
