/** `kclite plan` on an emulator. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { commandsWorld } from "../../docs/commands_world.ts";
import { checkpoint } from "../../src/lease/lease_write.ts";
import { newClientVersion } from "../../src/lease/table_format.ts";
import { KinesisWorker } from "../../src/worker/worker.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import { newLease } from "../lease/fixtures.ts";
import { type CommandOptions, type CommandOutcome, OperateBed } from "../support/operate_bed.ts";
import { simulated } from "../support/simulated.ts";
import { PROPERTIES, refused, stateOf, watched, withFile } from "./checked_file.ts";

const POLLING = [...PROPERTIES, "retrievalMode = POLLING"];

function planned(
  bed: OperateBed,
  options: CommandOptions & { readonly lines?: readonly string[]; readonly args?: readonly string[] } = {},
): Promise<CommandOutcome> {
  const { lines = POLLING, args = [], ...more } = options;
  return withFile(lines, (file) => bed.run(["plan", file, ...args], { isBare: true, ...more }));
}

async function planOf(bed: OperateBed, lines: readonly string[] = POLLING, args: readonly string[] = []) {
  const { code, out, err } = await planned(bed, { lines, args: ["--json", ...args] });
  assertEquals(err, "");
  return { code, ...JSON.parse(out) };
}

Deno.test("plan of a first start: the table, a lease for each shard, and from where", async () => {
  const bed = new OperateBed();
  const words = bed.aws.stream("words");
  const [first = ""] = words.shards().map(({ shardId }) => shardId);
  for (let n = 0; n < 20; n++) words.put(`${n}`, `key-${n}`);
  const putTime = new Date(bed.clock.epochMs()).toISOString();
  bed.clock.pass(3_600_000);
  const before = await stateOf(bed);
  const seen = watched(bed);
  const { code, table, streams, shards } = await planOf(bed, [
    ...POLLING,
    "initialPositionInStream = TRIM_HORIZON",
  ]);
  assertEquals([code, table, streams[0].leasesToCreate], [0, { tableName: "app", action: "create" }, 2]);
  assertEquals(shards[0], {
    leaseKey: first,
    shardId: first,
    streamName: "words",
    isNew: true,
    owner: null,
    from: "TRIM_HORIZON",
    recordTime: putTime,
  });
  const latest = await planned(bed);
  assertStringIncludes(latest.out, "Table app: would be created, on demand.");
  assertStringIncludes(latest.out, "what comes from now on");
  assertStringIncludes(latest.out, "dynamodb:CreateTable");
  const reads = ["DescribeTable", "DescribeStreamSummary", "ListShards", "GetShardIterator", "GetRecords"];
  assertEquals(new Set(seen.map(({ operation }) => operation)), new Set(reads));
  bed.onRequest = () => undefined;
  assertEquals(await stateOf(bed), before);
});

Deno.test("plan of a fleet at work: checkpoints, and the time of the record at each", async () => {
  const bed = await commandsWorld({ isStopped: false });
  const before = await stateOf(bed, "orders-app");
  const seen = watched(bed);
  const { code, table, streams, shards, estimate, notRead } = await planOf(bed, [
    "applicationName = orders-app",
    "streamName = orders",
    "regionName = eu-central-1",
    "executableName = processor.ts",
  ]);
  assertEquals([code, table.action, notRead], [0, "use", []]);
  assertEquals([streams[0].leasesToCreate, streams[0].finishedLeases, shards.length], [0, 1, 5]);
  const records = bed.aws.stream("orders").records("shardId-000000000002");
  const { from, recordTime, owner } = shards[1];
  const at = records.find(({ sequenceNumber }) => sequenceNumber === from);
  assertEquals([owner, recordTime], [
    "worker-b",
    new Date(at?.approximateArrivalTimestamp ?? 0).toISOString(),
  ]);
  assertEquals([estimate.workers, estimate.shards], [2, 5]);
  const writes = seen.filter(({ operation }) => /^(?:Put|Update|Delete|Create|Register)/.test(operation));
  assertEquals(writes, []);
  bed.onRequest = () => undefined;
  assertEquals(await stateOf(bed, "orders-app"), before);
});

Deno.test("plan creates the leases that a worker creates", async () => {
  for (const position of ["TRIM_HORIZON", "LATEST"] as const) {
    const bed = simulated({ streams: { words: 3 } });
    const words = bed.aws.stream("words");
    words.put("before", "key");
    const [split] = words.shards();
    words.split(split?.shardId ?? "");
    const operate = new OperateBed();
    operate.onRequest = (request) => bed.system.fetch(request);
    const lines = [...POLLING, `initialPositionInStream = ${position}`];
    const wanted = await planOf(operate, lines);
    const stop = new AbortController();
    const worker = new KinesisWorker({
      applicationName: "app",
      streamName: "words",
      region: "eu-central-1",
      credentials: { accessKeyId: "any", secretAccessKey: "any" },
      system: bed.system,
      initialPositionInStream: position,
      log: false,
      retrievalMode: "POLLING",
      onEvent: (event) => {
        if (event.type === "shardsSynced") stop.abort();
      },
      processor: () => ({ processRecords() {}, shardEnded: () => {} }),
    });
    await worker.run(AbortSignal.any([stop.signal, AbortSignal.timeout(30_000)]));
    const created = await planOf(operate, lines);
    bed.aws.close();
    const keys = ({ shards }: { readonly shards: readonly { readonly leaseKey: string }[] }) =>
      shards.map(({ leaseKey }) => leaseKey).toSorted();
    assertEquals(keys(created), keys(wanted), position);
    assertEquals([wanted.streams[0].leasesToCreate > 2, created.streams[0].leasesToCreate], [true, 0]);
  }
});

Deno.test("plan says why a worker would be refused, and ends with 1", async () => {
  const bed = new OperateBed();
  await bed.table();
  await bed.lease(newLease("shardId-000000000000"), "a");
  const { code, table } = await planOf(bed);
  assertEquals([code, table.action], [1, "refused"]);
  assertStringIncludes(table.problem, "upgrade that fleet to KCL 3 first");
  const { coordinatorStore } = bed.fleet;
  await coordinatorStore.createMigration("leaseTable", newClientVersion("a", bed.clock.epochMs()));
  assertEquals((await planOf(bed)).code, 0);
});

Deno.test("plan names the permission that it lacks, and shows the rest", async () => {
  const bed = await commandsWorld({ isStopped: false });
  const lines = [...POLLING.slice(2), "applicationName = orders-app", "streamName = orders"];
  watched(bed, ({ operation }) => operation === "GetRecords" ? refused(operation) : undefined);
  const times = await planOf(bed, lines);
  assertEquals([times.code, times.shards.length, times.shards[0].recordTime], [0, 5, null]);
  assertStringIncludes(times.notRead.join(), "allow kinesis:GetRecords");
  watched(bed, ({ operation }) => operation === "Scan" ? refused(operation) : undefined);
  const leases = await planOf(bed, lines);
  // No lease would seem to be there: nothing is said about new ones.
  assertEquals([leases.code, leases.shards, leases.streams[0].leasesToCreate], [1, [], 0]);
  assertStringIncludes(JSON.stringify(leases), "allow dynamodb:Scan");
  // One lease may be read, and not all of them.
  watched(
    bed,
    ({ operation, body }) =>
      "ReturnConsumedCapacity" in body && operation === "Scan" ? refused(operation) : undefined,
  );
  const part = await planOf(bed, lines);
  assertEquals([part.code, part.table.action, part.shards], [1, "use", []]);
  assertStringIncludes(part.streams[0].problem, "its leases are not known");
  watched(bed, ({ operation }) => operation === "DescribeStreamSummary" ? refused(operation) : undefined);
  const streams = await planOf(bed, lines);
  assertEquals(streams.code, 1);
  assertStringIncludes(streams.streams[0].problem, "allow kinesis:DescribeStreamSummary");
});

Deno.test("plan prices fan-out by shards, and metrics by their level", async () => {
  const bed = new OperateBed();
  const fanOut = await planned(bed, { lines: PROPERTIES });
  assertStringIncludes(fanOut.out, "Reading by enhanced fan-out, KCL's default");
  const { estimate: expensive } = await planOf(bed, PROPERTIES);
  const { estimate: cheap } = await planOf(bed, [...POLLING, "metricsLevel = NONE"]);
  assertEquals(expensive.dollarsPerMonth.fanOut, 21.9);
  assertEquals([cheap.dollarsPerMonth.fanOut, cheap.dollarsPerMonth.cloudWatch], [0, 0]);
  assert(expensive.dollarsPerMonth.cloudWatch > 10);
  assertEquals(expensive.dollarsPerMonth.dynamoDB, cheap.dollarsPerMonth.dynamoDB);
  const { estimate: large } = await planOf(bed, POLLING, ["--workers", "50"]);
  assertEquals(large.workers, 50);
  assert(large.dollarsPerMonth.dynamoDB > 2 * cheap.dollarsPerMonth.dynamoDB);
});

Deno.test("plan waits five seconds for a table or a stream that does not answer", async () => {
  const bed = new OperateBed();
  watched(bed, ({ operation }) => operation === "DescribeTable" ? new Promise(() => {}) : undefined);
  const startMs = bed.clock.monotonicMs();
  const { code, table, shards, estimate } = await planOf(bed);
  assertEquals([code, table.action, shards, estimate.shards], [1, "unknown", [], 2]);
  assertEquals(bed.clock.monotonicMs() - startMs, 5000);
  watched(bed, ({ operation }) => operation === "DescribeStreamSummary" ? new Promise(() => {}) : undefined);
  const { code: without, streams } = await planOf(bed);
  assertEquals(without, 1);
  assertStringIncludes(streams[0].problem, "check region");
  assertEquals(bed.clock.monotonicMs() - startMs, 10_000);
});

Deno.test("plan looks up no more than 100 records", async () => {
  const bed = new OperateBed({ streams: { words: 120 } });
  const seen = watched(bed);
  const { shards, notRead } = await planOf(bed, [...POLLING, "initialPositionInStream = TRIM_HORIZON"]);
  assertEquals(shards.length, 120);
  assertEquals(seen.filter(({ operation }) => operation === "GetRecords").length, 100);
  assertStringIncludes(notRead.join(), "the first 100 shards only");
});

Deno.test("plan fits into 40 columns, and shows no control characters of others", async () => {
  const bed = new OperateBed();
  await bed.table();
  const { coordinatorStore, leaseStore } = bed.fleet;
  await coordinatorStore.createMigration("leaseTable", newClientVersion("a", bed.clock.epochMs()));
  const lease = await bed.lease(newLease("shardId-\u001b[31m\u0007"), "a");
  await leaseStore.apply(
    checkpoint(lease, positionAt("49590338271490256608559692538361571095921575989136588898")),
  );
  const { out } = await planned(bed, { columns: 40 });
  // deno-lint-ignore no-control-regex -- those of paint()
  const plain = out.replace(/\x1b\[[\d;]*m/g, "");
  assertEquals(plain.split("\n").filter((line) => line.length > 40), []);
  // deno-lint-ignore no-control-regex -- that is the point
  assertEquals(/[\x00-\x09\x0b-\x1f]/.test(plain), false);
});
