import { assert, assertEquals, assertRejects } from "@std/assert";
import { AwsServiceError, LeaseTableError } from "../../mod.ts";
import { assign } from "../../src/lease/lease_write.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { FaultySystem } from "../support/faulty_fetch.ts";
import { TestBed, until } from "../support/fleet.ts";

const dynamoDBOperations = new Set([
  "UpdateItem",
  "GetItem",
  "PutItem",
  "Scan",
  "Query",
  "DeleteItem",
  "DescribeTable",
]);

Deno.test("KinesisWorker stops delivering before its leases expire while DynamoDB is down, and resumes after", async () => {
  await using bed = await TestBed.start(2);
  const system = new FaultySystem();
  let isDown = false, hasExpired = false, deliveredLate = 0;
  const worker = bed.startWorker("w", {
    failoverTimeMs: 2000,
    system,
    processor: () => ({
      async processRecords({ records }, context) {
        if (isDown && hasExpired) deliveredLate++;
        for (const record of records) {
          bed.notes.push({
            workerId: "w",
            shardId: context.shardId,
            text: new TextDecoder().decode(record.data),
          });
        }
        await context.checkpoint();
      },
      shardEnded: (context) => context.checkpoint(),
    }),
  });
  await bed.stream.put(["a", "b", "c"]);
  await until("the first records are in", () => new Set(bed.texts).size === 3);

  isDown = true;
  system.faultOf = (operation) => dynamoDBOperations.has(operation) ? "refused" : undefined;
  await until("both leases have expired here", () => eventsOf(worker.events, "leaseLost").length === 2);
  hasExpired = true;
  assertEquals(eventsOf(worker.events, "leaseLost").map((event) => event.reason), ["expired", "expired"]);
  await bed.stream.put(["d", "e", "f"]);
  const met = system.faults;
  await until("it has tried to get leases again", () => system.faults > met + 3);
  assertEquals(deliveredLate, 0, "nothing is delivered without a lease");

  isDown = false;
  system.faultOf = () => undefined;
  await until("the other records are in", () => new Set(bed.texts).size === 6);
  assert(system.faults > 0);
});

Deno.test("KinesisWorker keeps its lease when the answer to an applied write is lost", async () => {
  await using bed = await TestBed.start(1);
  const system = new FaultySystem();
  const worker = bed.startWorker("w", { system });
  await until("it reads", () => bed.notes.length > 0);
  let lost = 0;
  system.faultOf = (operation) => operation === "UpdateItem" && lost++ % 2 === 0 ? "answerLost" : undefined;
  for (let i = 0; i < 5; i++) {
    await bed.stream.put([`t${i}`]);
    await until(`t${i} is in`, () => bed.texts.includes(`t${i}`));
  }
  await until("renewals have lost their answers too", () => system.faults > 5);
  system.faultOf = () => undefined;
  assertEquals(bed.texts, ["t0", "t1", "t2", "t3", "t4"]);
  assertEquals(eventsOf(worker.events, "leaseLost"), []);
  assert(system.faults >= 5, `${system.faults} answers were lost`);
});

Deno.test("KinesisWorker goes on after Kinesis did not answer for a while", async () => {
  await using bed = await TestBed.start(1);
  const system = new FaultySystem();
  const worker = bed.startWorker("w", { system });
  await until("it reads", () => bed.notes.length > 0);
  system.faultOf = (operation) => operation === "GetRecords" ? "refused" : undefined;
  await bed.stream.put(["late"]);
  await until("reads have failed", () => eventsOf(worker.events, "fetchFailed").length >= 2);
  system.faultOf = () => undefined;
  await until("the record is in", () => bed.texts.includes("late"));
  assertEquals(eventsOf(worker.events, "leaseLost"), []);
});

Deno.test("KinesisWorker stops processing at once when another worker takes its lease, and its checkpoints fail", async () => {
  await using bed = await TestBed.start(1);
  let outcome = "";
  const gate = Promise.withResolvers<void>();
  const worker = bed.startWorker("w", {
    maxReadsPerSecond: 5,
    processor: () => ({
      async processRecords(_batch, context) {
        outcome = "processing";
        await gate.promise;
        await context.checkpoint().catch((error) => outcome = error.name);
      },
      shardEnded: (context) => context.checkpoint(),
      leaseLost: () => void (outcome += "+leaseLost"),
    }),
  });
  await bed.stream.put(["x"]);
  await until("it processes", () => outcome === "processing");
  const [lease] = await bed.leases();
  assert(lease !== undefined);
  await bed.leaseStore().apply(assign(lease, "thief"));
  await until("it has noticed", () => eventsOf(worker.events, "leaseLost").length === 1);
  gate.resolve();
  await until("the processor knows", () => outcome === "LeaseLostError+leaseLost");
});

Deno.test("KinesisWorker.run() fails with the stream's name when there is no such stream", async () => {
  await using bed = await TestBed.start(1);
  const worker = bed.startWorker("w", {
    streamName: "nowhere",
    maxInitializationAttempts: 2,
    schedulerInitializationBackoffTimeMs: 10,
  });
  const error = await assertRejects(() => worker.ended, AwsServiceError, "nowhere");
  assertEquals(error.code, "ResourceNotFoundException");
  assertEquals(eventsOf(worker.events, "initializationFailed").map((event) => event.attempt), [1, 2]);
});

Deno.test("KinesisWorker.run() refuses a table with another key", async () => {
  await using bed = await TestBed.start(1);
  await bed.dynamodb().createTable({
    TableName: "app",
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    BillingMode: "PAY_PER_REQUEST",
  });
  const worker = bed.startWorker("w");
  await assertRejects(() => worker.ended, LeaseTableError, '"id", expected "leaseKey"');
});

Deno.test("KinesisWorker.run() refuses the leases of a KCL 2.x fleet, and leaves them alone", async () => {
  await using bed = await TestBed.start(1);
  const store = bed.leaseStore();
  await store.ensureTable();
  const old = {
    leaseKey: { S: "shardId-000000000000" },
    leaseCounter: { N: "7" },
    checkpoint: { S: "TRIM_HORIZON" },
    ownerSwitchesSinceCheckpoint: { N: "0" },
    checkpointSubSequenceNumber: { N: "0" },
    leaseOwner: { S: "java" },
  };
  await bed.dynamodb().putItem("app", old, {});
  const worker = bed.startWorker("w");
  await assertRejects(() => worker.ended, LeaseTableError, "KCL 2.x");
  assertEquals(await bed.dynamodb().scan("app"), [old]);
});

Deno.test("KinesisWorker skips an item that is no readable lease, says so once, and consumes the rest", async () => {
  await using bed = await TestBed.start(1);
  const worker = bed.startWorker("w");
  await until("it reads", () => bed.notes.length > 0);
  await bed.dynamodb().putItem("app", { leaseKey: { S: "broken" }, entityType: { S: "LEASE" } }, {});
  await bed.stream.put(["x"]);
  await until("it says so", () => eventsOf(worker.events, "leaseUnreadable").length > 0);
  await until("it consumes", () => bed.texts.includes("x"));
  const scans = () =>
    eventsOf(worker.events, "requestSent").filter(({ operation }) => operation === "Scan").length;
  const scanned = scans();
  await until("the table was listed some times more", () => scans() > scanned + 2);
  assertEquals(eventsOf(worker.events, "leaseUnreadable").map((event) => event.leaseKey), ["broken"]);
});

Deno.test("KinesisWorker.run() ends a shard whose stream is deleted", async () => {
  await using bed = await TestBed.start(1);
  bed.startWorker("w");
  await until("it reads", () => bed.notes.length > 0);
  await bed.stream.delete();
  await until("the shard has ended", () => bed.notes.some((note) => note.text === "<shardEnded>"));
});

Deno.test("KinesisWorker reads a stream of the same name that is made again after it was deleted", async () => {
  await using bed = await TestBed.start(1);
  bed.startWorker("w", { leaseCleanupIntervalMs: 300, leaseAuditIntervalMs: 300 });
  await bed.stream.put(["old"]);
  await until("the old stream is read", () => bed.texts.includes("old"));
  await bed.stream.delete();
  await until("its shard has ended", () => bed.notes.some((note) => note.text === "<shardEnded>"));
  await bed.stream.createAgain(2);
  await bed.stream.put(["new 1", "new 2", "new 3"]);
  await until("the new stream is read", () => new Set(bed.texts).size === 4);
});
