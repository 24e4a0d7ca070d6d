/** `kclite clone` on an emulator: what it prints, writes and refuses. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { APPLICATION, commandsWorld } from "../../../docs/commands_world.ts";
import type { Lease } from "../../../src/lease/lease.ts";
import { DynamoDBLeaseStore } from "../../../src/store/dynamodb_lease_store.ts";
import type { System } from "../../../src/system.ts";
import { newLease } from "../../lease/fixtures.ts";
import { type CommandOptions, OperateBed } from "../../support/operate_bed.ts";

const COPY = "copy-app";

interface Call {
  readonly operation: string;
  readonly ms: number;
  // deno-lint-ignore no-explicit-any -- inputs are looked at member by member
  readonly input: any;
}

/** Runs a clone, and notes each call. @param onCall Before it is made. */
async function cloned(
  bed: OperateBed,
  args: readonly string[],
  options: CommandOptions & { readonly onCall?: (call: Call) => void } = {},
) {
  const calls: Call[] = [];
  const { fetch = globalThis.fetch } = bed.aws.system;
  const noting: System["fetch"] = async (input, init) => {
    const request = new Request(input, init);
    const operation = request.headers.get("x-amz-target")?.split(".").at(-1) ?? "";
    const isJson = request.headers.get("content-type")?.includes("json") === true;
    const call = {
      operation,
      ms: bed.clock.monotonicMs(),
      input: isJson ? await request.clone().json() : undefined,
    };
    calls.push(call);
    options.onCall?.(call);
    return await fetch(request);
  };
  const system: System = { ...bed.aws.system, fetch: noting };
  const outcome = await bed.run(["clone", ...(args.includes("--as") ? [] : ["--as", COPY]), ...args], {
    ...options,
    more: { options: { system } },
  });
  return { ...outcome, calls };
}

async function leasesOf(bed: OperateBed, tableName: string): Promise<readonly Lease[]> {
  const { dynamodb, system } = bed.fleet;
  return (await new DynamoDBLeaseStore({ dynamodb, system, tableName }).list()).leases
    .toSorted((a, b) => a.leaseKey < b.leaseKey ? -1 : 1);
}

/** What a copy has of a lease. */
function positionOf(lease: Lease) {
  const { leaseKey, shardId, checkpoint, parentShardIds, childShardIds, hashKeyRange, streamOrigin } = lease;
  const { pendingCheckpoint, pendingCheckpointState, finishedAhead, latestEpochMs } = lease;
  return {
    ...{ leaseKey, shardId, checkpoint, parentShardIds, childShardIds, hashKeyRange, streamOrigin },
    ...{ pendingCheckpoint, pendingCheckpointState, finishedAhead, latestEpochMs },
  };
}

const isWrite = ({ operation }: Call) =>
  /^(Create|Update|Delete|Put|BatchWrite|Transact|Merge|Split)/.test(operation);

Deno.test("clone shows the plan of a running application, and makes no table", async () => {
  const bed = await commandsWorld({ isStopped: false });
  const { code, out, err, calls } = await cloned(bed, []);
  assertEquals([code, err], [0, ""]);
  assertMatch(out, /^LEASE +COPY\n/);
  assertStringIncludes(out, "shardId-000000000001  SHARD_END\n");
  assertStringIncludes(out, `Table ${COPY} is not there yet: it is made, billed on demand.\n`);
  assertMatch(out, /Nothing is written yet: --execute writes\.\n$/);
  assertEquals(calls.filter(isWrite), []);
  assertEquals(await bed.fleet.dynamodb.describeTable(COPY), undefined);
});

Deno.test("clone --execute copies each lease without its owner, and leaves the application alone", async () => {
  const bed = await commandsWorld({ isStopped: false });
  const before = await leasesOf(bed, APPLICATION);
  const { code, out, err, calls } = await cloned(bed, ["--execute"]);
  assertEquals([code, err], [0, ""]);
  assertMatch(out, /\nWrote 6 leases\. Start its workers with --application copy-app\n$/);
  const copies = await leasesOf(bed, COPY);
  assertEquals(copies.map(positionOf), before.map(positionOf));
  assert(
    before.some(({ leaseOwner, childShardIds }) => leaseOwner !== undefined && childShardIds.length > 0),
  );
  for (const { leaseOwner, checkpointOwner, leaseCounter, childShardIds } of copies) {
    assertEquals([leaseOwner, checkpointOwner], [undefined, undefined]);
    assertEquals(leaseCounter, childShardIds.length > 0 ? 1 : 0);
  }
  const tables = calls.filter(isWrite).map(({ input }) => input.TableName);
  assertEquals(new Set(tables), new Set([COPY]));
});

Deno.test("clone copies what is bound to a position, and the identifiers of many streams", async () => {
  const bed = new OperateBed();
  await bed.table();
  const streamIdentifier = "123456789012:words:1700000000", shardId = "shardId-000000000000";
  await bed.lease(newLease(`${streamIdentifier}:${shardId}`, { shardId, streamIdentifier }));
  await bed.fleet.dynamodb.putItem("app", {
    leaseKey: { S: "shardId-7" },
    leaseCounter: { N: "12" },
    checkpoint: { S: "49000" },
    checkpointSubSequenceNumber: { N: "3" },
    pendingCheckpoint: { S: "49001" },
    pendingCheckpointSubSequenceNumber: { N: "0" },
    pendingCheckpointState: { B: "AQID" },
    ownerSwitchesSinceCheckpoint: { N: "0" },
    kcliteDone: { S: "49003" },
    kcliteStream: { S: "words:1700000000" },
    leaseOwner: { S: "worker-a" },
  }, {});
  const { code } = await cloned(bed, ["--execute"]);
  assertEquals(code, 0);
  const copies = await leasesOf(bed, COPY);
  const before = await leasesOf(bed, "app");
  assertEquals(copies.map(({ streamIdentifier }) => streamIdentifier), [streamIdentifier, undefined]);
  assertEquals(
    copies.map((lease) => ({ ...positionOf(lease), hashKeyRange: undefined })),
    before.map((lease) => ({ ...positionOf(lease), hashKeyRange: undefined })),
  );
  assertEquals(copies[1]?.finishedAhead, "49003");
  const many = await cloned(bed, ["--to-stream", "other", "--at", "earliest"]);
  assertEquals(many.code, 1);
  assertStringIncludes(many.err, "a table of many streams");
});

Deno.test("clone makes a table that is billed like the one that is copied", async () => {
  const bed = new OperateBed();
  const { dynamodb, system } = bed.fleet;
  const billingMode = { readCapacity: 7, writeCapacity: 5 };
  await new DynamoDBLeaseStore({ dynamodb, system, tableName: "app", billingMode }).ensureTable();
  await bed.lease(newLease());
  const dry = await cloned(bed, []);
  assertStringIncludes(dry.out, "it is made, with 7 read and 5 write units, as the table here.");
  assertEquals((await cloned(bed, ["--execute"])).code, 0);
  const made = await dynamodb.describeTable(COPY);
  assertEquals([made?.billingMode, made?.provisionedThroughput], ["PROVISIONED", { read: 7, write: 5 }]);
});

Deno.test("clone --json prints one document", async () => {
  const bed = await commandsWorld({ isStopped: false });
  const { code, out } = await cloned(bed, ["--json", "--at", "2026-01-30T13:30:00Z", "--execute"]);
  assertEquals(code, 0);
  const { leases, written, ...rest } = JSON.parse(out);
  assertEquals(rest, {
    applicationName: APPLICATION,
    newApplicationName: COPY,
    isExecuted: true,
    position: "2026-01-30T13:30:00.000Z",
    toStream: null,
    tableExists: false,
    billingMode: "PAY_PER_REQUEST",
    notCopied: [],
    refused: [],
    failed: [],
    notWritten: [],
  });
  assertEquals(written.length, 5);
  assertEquals(Object.keys(leases[0]), ["leaseKey", "shardId", "isThere", "here", "checkpoint", "arrival"]);
  for (const { arrival } of leases) assert(arrival < "2026-01-30T13:30:00.000Z", arrival);
});

for (
  const [what, args, code, said] of [
    ["no name", ["--as", ""], 2, 'Expected --as to be a name of 3 to 255 letters, digits, "_", "." and "-"'],
    ["itself", ["--as", APPLICATION], 1, "expected another name: got the application that is copied"],
    ["its own stream", ["--to-stream", "orders"], 1, "expected another stream: got that of the application"],
    [
      "a stream that is not there",
      ["--to-stream", "none"],
      1,
      "expected a stream that is there: got none in",
    ],
    [
      "a stream elsewhere",
      ["--to-stream", "arn:aws:kinesis:us-east-1:123456789012:stream/orders-us"],
      1,
      "expected a stream in eu-central-1, where the lease table is: got one in us-east-1",
    ],
    ["a time to come", ["--at", "2027-01-01T00:00:00Z"], 1, "expected a time that is over"],
    ["a sequence number", ["--at", "4900000000000000000000000000000"], 2, "earliest, latest, or a time"],
  ] as const
) {
  Deno.test(`clone refuses ${what}`, async () => {
    const bed = await commandsWorld({ isStopped: false });
    const outcome = await cloned(bed, [...args, "--execute"]);
    assertEquals(outcome.code, code, outcome.err);
    assertStringIncludes(outcome.err, said);
    assertEquals(outcome.calls.filter(isWrite), []);
  });
}

Deno.test("clone refuses a table with other leases, with workers, and of another kind", async () => {
  const bed = await commandsWorld({ isStopped: false });
  const { dynamodb, system } = bed.fleet;
  const store = new DynamoDBLeaseStore({ dynamodb, system, tableName: COPY });
  await store.ensureTable();
  await store.create(newLease("shardId-000000000000"));
  const other = await cloned(bed, ["--execute"]);
  assertEquals([other.code, other.calls.filter(isWrite)], [1, []]);
  assertStringIncludes(other.err, 'got lease "shardId-000000000000" at another position');
  await store.delete("shardId-000000000000");
  await store.create(newLease("shardId-000000000099"));
  assertStringIncludes(
    (await cloned(bed, ["--execute"])).err,
    '"shardId-000000000099", which is not of this plan',
  );
  await store.delete("shardId-000000000099");
  assertStringIncludes((await cloned(bed, [])).out, "Table copy-app is there, with no leases.");
  const report = bed.aws.table(APPLICATION).items().find(({ leaseKey }) =>
    JSON.stringify(leaseKey).includes("worker-a")
  );
  assert(report !== undefined);
  await dynamodb.putItem(COPY, report, {});
  assertStringIncludes((await cloned(bed, ["--execute"])).err, 'got worker "worker-a" at work on it');
  await dynamodb.createTable({
    TableName: "things",
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    BillingMode: "PAY_PER_REQUEST",
  });
  const foreign = await cloned(bed, ["--as", "things", "--execute"]);
  assertEquals(foreign.code, 1);
  assertStringIncludes(foreign.err, 'its key is "id", expected "leaseKey"');
});

for (const action of ["CreateTable", "DescribeTable", "PutItem", "Scan"]) {
  Deno.test(`clone without permission for ${action} says so`, async () => {
    const bed = await commandsWorld({ isStopped: true });
    bed.aws.faults.next(action, {
      type: "refused",
      code: "AccessDeniedException",
      times: Infinity,
    });
    const { code, out, err } = await cloned(bed, ["--execute"]);
    assertEquals(code, 1);
    assertMatch(`${out}${err}`, new RegExp(`[Aa]llow dynamodb:${action}`));
  });
}

Deno.test("clone that is stopped half-way says what it wrote, and the same command writes the rest", async () => {
  const bed = new OperateBed({ streams: { words: 60 } });
  await bed.table();
  for (const { shardId } of bed.aws.stream("words").shards()) await bed.lease(newLease(shardId));
  const stop = new AbortController();
  const half = await cloned(bed, ["--execute"], {
    signal: stop.signal,
    onCall: ({ operation, input }) =>
      operation === "PutItem" && input?.Item?.leaseKey?.S === "shardId-000000000000" &&
      stop.abort(new Error("Stopped by SIGINT")),
  });
  assertEquals(half.code, 1);
  const count = (await leasesOf(bed, COPY)).length;
  assert(count > 0 && count < 60, `${count}`);
  assertStringIncludes(half.out, `Stopped half-way: wrote ${count} lease`);
  assertStringIncludes(half.out, `then delete table ${COPY}, and clone again.`);
  const rest = await cloned(bed, ["--execute"]);
  assertEquals([rest.code, rest.err.includes("ERROR")], [0, false], rest.err);
  assertStringIncludes(rest.out, `Table ${COPY} is there, with ${count} of these leases.`);
  assertStringIncludes(rest.out, `Wrote ${60 - count} leases.`);
  assertEquals((await leasesOf(bed, COPY)).map(positionOf), (await leasesOf(bed, "app")).map(positionOf));
  const again = await cloned(bed, ["--execute"]);
  assertEquals([again.code, again.calls.filter(isWrite)], [0, []]);
  assertStringIncludes(again.out, "The copy is complete: nothing is to be written.");
});

Deno.test("clone completes a lease of which only the first of two writes was done", async () => {
  const bed = await commandsWorld({ isStopped: true });
  bed.aws.faults.next("UpdateItem", { type: "refused", code: "AccessDeniedException" });
  const half = await cloned(bed, ["--execute"]);
  assertEquals(half.code, 1);
  assertStringIncludes(half.out, "Failed: shardId-000000000001");
  const rest = await cloned(bed, ["--execute"]);
  assertEquals([rest.code, rest.err.includes("ERROR")], [0, false], rest.err);
  const copies = await leasesOf(bed, COPY);
  assertEquals(copies.map(positionOf), (await leasesOf(bed, APPLICATION)).map(positionOf));
});

Deno.test("clone writes each lease once when answers are lost and writes are throttled", async () => {
  const bed = await commandsWorld({ isStopped: true });
  bed.aws.faults.next("PutItem", { type: "answerLost", times: 3 });
  bed.aws.faults.next("UpdateItem", { type: "answerLost" });
  bed.aws.faults.next("PutItem", { type: "throttled", times: 2 });
  const { code } = await cloned(bed, ["--execute"]);
  assertEquals(code, 0);
  assertEquals(
    (await leasesOf(bed, COPY)).map(positionOf),
    (await leasesOf(bed, APPLICATION)).map(positionOf),
  );
});

Deno.test("clone refuses an application without leases, or with one that cannot be read", async () => {
  const bed = new OperateBed();
  assertStringIncludes((await cloned(bed, [])).err, "there is no such table");
  await bed.table();
  assertStringIncludes((await cloned(bed, [])).err, 'expected leases in table "app": got none');
  await bed.lease(newLease());
  await bed.fleet.dynamodb.putItem("app", { leaseKey: { S: "shardId-broken" }, checkpoint: { S: "x" } }, {});
  const { code, err } = await cloned(bed, ["--execute"]);
  assertEquals(code, 1);
  assertStringIncludes(err, "shardId-broken");
  assertEquals((await cloned(bed, ["--at", "earliest"])).code, 0);
});
