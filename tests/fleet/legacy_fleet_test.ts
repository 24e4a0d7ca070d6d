/** A worker that joins a fleet of Java workers on the tables of KCL 3.0 to 3.4, in memory. */

import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import type { Item } from "../../src/aws/dynamodb.ts";
import type { StreamSummary } from "../../src/aws/kinesis.ts";
import { LeaseTableError } from "../../src/errors.ts";
import { MemoryCoordinatorStore } from "../../src/store/memory_coordinator_store.ts";
import { MemoryTable } from "../../src/store/memory_table.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import { KinesisWorker } from "../../src/worker/worker.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { MemoryBed } from "../support/memory_bed.ts";
import { output, ScriptedKinesis, shardWith } from "../support/scripted_kinesis.ts";

const MINUTE = 60_000;

class ActiveKinesis extends ScriptedKinesis {
  override describeStreamSummary(): Promise<StreamSummary> {
    const streamArn = "arn:aws:kinesis:eu-central-1:123456789012:stream/words";
    return Promise.resolve({
      streamName: "words",
      streamArn,
      streamStatus: "ACTIVE",
      streamCreationEpochS: 0,
      openShardCount: 2,
    });
  }
}

/** The tables as Java leaves them, and a worker of ours. */
class LegacyBed extends MemoryBed {
  readonly state: MemoryTable = new MemoryTable("app-CoordinatorState", "key");
  readonly metrics: MemoryTable = new MemoryTable("app-WorkerMetricStats", "wid");
  readonly kinesis: ActiveKinesis = new ActiveKinesis();
  readonly delivered: string[] = [];
  readonly #stop = new AbortController();

  constructor() {
    super();
    this.kinesis.shards = [shardWith("shard-0"), shardWith("shard-1")];
  }

  /** Makes the extra tables, as KCL 3.0 does: states, the leader's lock, its metrics. */
  async createLegacyTables(): Promise<void> {
    this.state.create();
    this.metrics.create();
    await this.putState("Migration3.0", { cv: { S: "CLIENT_VERSION_3X" } });
    await this.state.put({
      key: { S: "Leader" },
      ownerName: { S: "java" },
      leaseDuration: { S: "120000" },
      recordVersionNumber: { S: "64d9cdc7-07dc-4b6a-a346-7f30b4bd8b4d" },
    }, {});
    await this.reportOfJava();
  }

  async reportOfJava(): Promise<void> {
    await this.metrics.put({
      wid: { S: "java" },
      lut: { N: `${this.clock.epochMs() / 1000}` },
      sts: { M: { C: { L: [{ N: "10.5" }] } } },
      opr: { M: { C: { L: [{ N: "100" }] } } },
    }, {});
  }

  async putState(key: "Migration3.0" | "TableMigration3.5", value: Item, table = this.state): Promise<void> {
    const item = { mb: { S: "java" }, mts: { N: "1700000000000" }, h: { L: [] } };
    await table.put({ [table.keyName]: { S: key }, ...item, ...value }, {});
  }

  run(more: Partial<WorkerOptions> = {}): Promise<void> {
    const { delivered } = this;
    const worker = new KinesisWorker({
      log: false,
      applicationName: "app",
      streamName: "words",
      workerIdentifier: "ours",
      kinesis: this.kinesis,
      leaseStore: this.store,
      coordinatorStore: new MemoryCoordinatorStore(this.table, {
        legacyCoordinatorState: this.state,
        legacyWorkerMetrics: this.metrics,
      }),
      system: this.system,
      maxInitializationAttempts: 1,
      onEvent: this.emit,
      processor: () => ({
        async processRecords({ records }, context) {
          delivered.push(...records.map((record) => record.sequenceNumber));
          await context.checkpoint();
        },
        shardEnded: (context) => context.checkpoint(),
      }),
      ...more,
    });
    const running = worker.run(this.#stop.signal);
    running.catch(() => {}); // until the test looks
    return running;
  }

  stop(): void {
    this.#stop.abort();
  }

  /** The items of the lease table that are no leases, by key. */
  get strangers(): string[] {
    return this.table.items().filter((item) => item.checkpoint === undefined)
      .map((item) => "S" in (item.leaseKey ?? {}) ? JSON.stringify(item.leaseKey) : "").toSorted();
  }

  lock(): Promise<Item | undefined> {
    return this.state.get("Leader");
  }
}

/** Lets time pass until the promise settles. */
async function settled<T>(bed: MemoryBed, promise: Promise<T>): Promise<T> {
  let isOver = false;
  promise.then(() => isOver = true, () => isOver = true);
  for (let i = 0; i < 200 && !isOver; i++) await bed.clock.advance(250);
  return await promise;
}

Deno.test("KinesisWorker in a fleet with legacy tables consumes, reports there, and leaves the lock alone", async () => {
  const bed = new LegacyBed();
  await bed.createLegacyTables();
  await bed.lease("shard-0", "ours");
  await bed.lease("shard-1", "java");
  bed.kinesis.script.push(output([1, 2]));
  const lock = await bed.lock();
  const running = bed.run();
  await bed.clock.advance(5 * MINUTE);

  assertEquals(bed.delivered, ["1", "2"]);
  assertEquals((await bed.read("shard-0")).checkpoint.sequenceNumber, "2");
  const { kcliteIncarnation, ...ours } = await bed.metrics.get("ours") ?? {};
  assertMatch(JSON.stringify(kcliteIncarnation), /"ours\/\d+\/[0-9a-f]{8}"/);
  assertEquals(ours, {
    wid: { S: "ours" },
    entityType: { S: "WORKER_METRIC_STATS" },
    lut: { N: `${bed.clock.epochMs() / 1000}` },
    sts: { M: {} },
    opr: { M: {} },
  });
  // Java's lease has long expired and its lock stood still: neither is ours to take.
  assertEquals(await bed.lock(), lock);
  assertEquals((await bed.read("shard-1")).leaseOwner, "java");
  assertEquals(eventsOf(bed.events, "leadershipGained"), []);
  assertEquals(bed.strangers, []);
  assertEquals(bed.state.items().length, 2);

  await bed.reportOfJava();
  bed.stop();
  await settled(bed, running);
  assertEquals(await bed.metrics.get("ours"), undefined);
  assertEquals(bed.metrics.items().length, 1);
  assertEquals((await bed.read("shard-0")).leaseOwner, "java");
});

Deno.test("KinesisWorker follows when the fleet's migration to one table completes, and may lead then", async () => {
  const bed = new LegacyBed();
  await bed.createLegacyTables();
  await bed.putState("TableMigration3.5", { tm: { S: "TABLE_MIGRATION_STATUS_DEPLOYED" } });
  await bed.lease("shard-0", "ours");
  await bed.lease("shard-1", "java");
  const running = bed.run();
  await bed.clock.advance(2 * MINUTE);
  assertEquals(bed.strangers, []);

  // As Java's leader does it: states to the lease table, then COMPLETE in both, then its lock is gone.
  await bed.state.delete("Migration3.0", {});
  await bed.putState("Migration3.0", { cv: { S: "CLIENT_VERSION_3X" } }, bed.table);
  for (const table of [bed.table, bed.state]) {
    await bed.putState("TableMigration3.5", { tm: { S: "TABLE_MIGRATION_STATUS_COMPLETE" } }, table);
  }
  await bed.state.delete("Leader", {});
  await bed.clock.advance(MINUTE + 1000);
  assertEquals(
    bed.strangers,
    ["Leader", "Migration3.0", "TableMigration3.5", "ours"].map((S) => JSON.stringify({ S })),
  );
  assertEquals((await bed.table.get("ours"))?.sup, { N: "1" });
  assertEquals(await bed.metrics.get("ours"), undefined);
  assertEquals(await bed.lock(), undefined);
  // The lease that it held all the time was not let go of; Java's, which is dead here, is taken over.
  await bed.clock.advance(MINUTE);
  assertEquals((await bed.read("shard-1")).leaseOwner, "ours");
  assertEquals(eventsOf(bed.events, "leaseGained").map((event) => event.shardId), ["shard-0", "shard-1"]);
  assertEquals(eventsOf(bed.events, "leaseLost"), []);

  bed.stop();
  await settled(bed, running);
  assertEquals(bed.strangers, ["Migration3.0", "TableMigration3.5"].map((S) => JSON.stringify({ S })));
});

Deno.test("KinesisWorker stops in order when its fleet turns back to KCL 2.x, and says why", async () => {
  const bed = new LegacyBed();
  await bed.putState("Migration3.0", { cv: { S: "CLIENT_VERSION_3X_WITH_ROLLBACK" } }, bed.table);
  await bed.lease("shard-0", "ours");
  const running = bed.run();
  await bed.clock.advance(MINUTE / 2);
  await bed.putState("Migration3.0", { cv: { S: "CLIENT_VERSION_2X" } }, bed.table);
  await bed.clock.advance(MINUTE);
  const error = await assertRejects(() => settled(bed, running), LeaseTableError);
  assertStringIncludes(error.message, "CLIENT_VERSION_2X");
  const lease = await bed.read("shard-0");
  assertEquals([lease.leaseOwner, lease.checkpointOwner], [undefined, undefined]);
  assertEquals(bed.strangers, [`{"S":"Migration3.0"}`]);
  const [stopped] = eventsOf(bed.events, "workerStopped");
  assertEquals(stopped?.error, error);
});

Deno.test("KinesisWorker goes on while it cannot find out whether the fleet has changed", async () => {
  const bed = new LegacyBed();
  await bed.createLegacyTables();
  await bed.lease("shard-0", "ours");
  const running = bed.run();
  await bed.clock.advance(1000);
  bed.state.get = () => Promise.reject(new Error("no answer"));
  await bed.clock.advance(2 * MINUTE);
  const failed = eventsOf(bed.events, "passFailed");
  assertEquals(failed.map(({ pass }) => pass), ["tableFormat", "tableFormat"]);
  assert((await bed.read("shard-0")).leaseOwner === "ours");
  bed.stop();
  await settled(bed, running);
});

Deno.test("KinesisWorker on the single table stays there when a stray worker makes legacy tables", async () => {
  const bed = new LegacyBed();
  await bed.putState("Migration3.0", { cv: { S: "CLIENT_VERSION_3X_WITH_ROLLBACK" } }, bed.table);
  await bed.lease("shard-0", "ours");
  const running = bed.run();
  await bed.clock.advance(1000);
  await bed.createLegacyTables();
  await bed.clock.advance(2 * MINUTE);
  assertEquals(await bed.metrics.get("ours"), undefined);
  assertEquals(eventsOf(bed.events, "leadershipLost"), []);
  assert((await bed.table.get("Leader")) !== undefined);
  bed.stop();
  await settled(bed, running);
});

Deno.test("KinesisWorker writes to the lease table when told that the fleet finishes its migration, and leads not yet", async () => {
  const bed = new LegacyBed();
  await bed.createLegacyTables();
  await bed.putState("TableMigration3.5", { tm: { S: "TABLE_MIGRATION_STATUS_DEPLOYED" } });
  await bed.lease("shard-0", "ours");
  const running = bed.run({ migrateAllEntitiesToLeaseTable: true });
  await bed.clock.advance(3 * MINUTE);
  assertEquals(bed.strangers, [`{"S":"ours"}`]);
  assertEquals(await bed.metrics.get("ours"), undefined);
  bed.stop();
  await settled(bed, running);
});

Deno.test("KinesisWorker refuses to finish a migration that its fleet is not ready for", async () => {
  const bed = new LegacyBed();
  await bed.createLegacyTables();
  await assertRejects(
    () => bed.run({ migrateAllEntitiesToLeaseTable: true }),
    LeaseTableError,
    "migrateAllEntitiesToLeaseTable",
  );
});
