/** Looks at lease tables on an emulator: their parts, what may not be read, and how gently they are read. */

import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { LeaseTableError } from "../../src/errors.ts";
import { failureText } from "../../src/operate/look_failure.ts";
import { openFleetAccess } from "../../src/operate/open_access.ts";
import { lookAtStores, lookAtTable } from "../../src/operate/table_look.ts";
import { newLease } from "../lease/fixtures.ts";
import { OperateBed } from "../support/operate_bed.ts";

const NEVER = new AbortController().signal;

async function bedWithFleet(leases = 1): Promise<OperateBed> {
  const bed = new OperateBed();
  await bed.table();
  for (let n = 0; n < leases; n++) {
    await bed.lease(newLease(`shardId-${`${n}`.padStart(12, "0")}`), "worker-1");
  }
  await bed.worker("worker-1");
  await bed.lock({ ownerName: "worker-1" });
  return bed;
}

Deno.test("lookAtTable() sees leases, workers, the lock and the table", async () => {
  const bed = await bedWithFleet();
  const look = await lookAtTable(bed.fleet, {}, NEVER);
  assertEquals(look.leases.map(({ leaseKey, leaseOwner }) => [leaseKey, leaseOwner]), [
    ["shardId-000000000000", "worker-1"],
  ]);
  assertEquals(look.workers.map(({ workerId }) => workerId), ["worker-1"]);
  assertEquals([look.lock?.ownerName, look.place, look.failures], ["worker-1", "leaseTable", []]);
  assertEquals([look.description?.tableStatus, look.startedMs, look.unreadable], ["ACTIVE", 50, []]);
});

Deno.test("lookAtTable() reads every lease of a table of many pages, in order, once", async () => {
  const bed = await bedWithFleet(300);
  const seen: number[] = [];
  // 1 read unit a second: 25 items a page.
  const look = await lookAtTable(bed.fleet, { maxRcu: 1, onProgress: (read) => void seen.push(read) }, NEVER);
  assertEquals(look.leases.length, 300);
  assertEquals(
    look.leases.map(({ leaseKey }) => leaseKey),
    look.leases.map(({ leaseKey }) => leaseKey).toSorted(),
  );
  assert(seen.length >= 12, `${seen.length} pages`);
  assertEquals(seen.at(-1), 302);
});

Deno.test("lookAtTable() names the permission that is missing, and shows the rest", async () => {
  for (
    const [operation, part, action] of [
      ["DescribeTable", "table", "dynamodb:DescribeTable"],
      ["Scan", "leases", "dynamodb:Scan"],
      ["GetItem", "lock", "dynamodb:GetItem"],
    ] as const
  ) {
    const bed = await bedWithFleet();
    bed.aws.faults.next(operation, { type: "refused", code: "AccessDeniedException", times: Infinity });
    const look = await lookAtTable(bed.fleet, {}, NEVER);
    const failure = look.failures.find((failure) => failure.part === part);
    assertEquals(failure?.missingAction, action);
    assert(failure !== undefined);
    assertStringIncludes(failureText(failure), `allow ${action}`);
    assertEquals(look.leases.length, operation === "Scan" ? 0 : 1);
    assertEquals(look.lock?.ownerName, operation === "GetItem" ? undefined : "worker-1");
  }
});

Deno.test("lookAtTable() takes wrong keys and a network that is away for no missing permission, and throws once", async () => {
  const bed = await bedWithFleet();
  for (const operation of ["DescribeTable", "Scan", "GetItem"]) {
    bed.aws.faults.next(operation, { type: "refused", code: "UnrecognizedClientException", times: Infinity });
  }
  await assertRejects(() => lookAtTable(bed.fleet, {}, NEVER), Error, "UnrecognizedClientException");
  const other = await bedWithFleet();
  other.aws.faults.next("GetItem", { type: "refused", code: "UnrecognizedClientException", times: Infinity });
  const { failures } = await lookAtTable(other.fleet, {}, NEVER);
  assert(failures.length > 0);
  for (const failure of failures) {
    assertEquals(failure.missingAction, undefined);
    assertStringIncludes(failureText(failure), "UnrecognizedClientException");
  }
});

Deno.test("lookAtTable() takes the newer of two reads of a lease, in whatever order they come", async () => {
  const bed = await bedWithFleet();
  const { dynamodb } = bed.fleet;
  for (const isNewerFirst of [true, false]) {
    const twice: typeof dynamodb = {
      ...dynamodb,
      scanPage: async (...args) => {
        const page = await dynamodb.scanPage(...args);
        const items = page.items.flatMap((item) => {
          const old = { ...item, leaseCounter: { N: "0" }, leaseOwner: { S: "former" } };
          return "checkpoint" in item ? (isNewerFirst ? [item, old] : [old, item]) : [item];
        });
        return { ...page, items };
      },
    };
    const { leases } = await lookAtTable({ ...bed.fleet, dynamodb: twice }, {}, NEVER);
    assertEquals(leases.map(({ leaseOwner, leaseCounter }) => [leaseOwner, leaseCounter]), [["worker-1", 1]]);
  }
});

Deno.test("lookAtTable() says that there is no table, or that it is of another kind", async () => {
  const empty = new OperateBed();
  await assertRejects(() => lookAtTable(empty.fleet, {}, NEVER), LeaseTableError, "there is no such table");
  await empty.fleet.dynamodb.createTable({
    TableName: "app",
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
    BillingMode: "PAY_PER_REQUEST",
  });
  await assertRejects(() => lookAtTable(empty.fleet, {}, NEVER), LeaseTableError, 'its key is "id"');
});

Deno.test("lookAtTable() says that there is no table also where it may not be described", async () => {
  const bed = new OperateBed();
  bed.aws.faults.next("DescribeTable", { type: "refused", code: "AccessDeniedException", times: Infinity });
  await assertRejects(() => lookAtTable(bed.fleet, {}, NEVER), LeaseTableError, "there is no such table");
});

Deno.test("lookAtTable() backs off when DynamoDB throttles, and goes on with one page at a time", async () => {
  const bed = await bedWithFleet(50);
  bed.aws.faults.next("Scan", { type: "throttled", times: 3 });
  const look = await lookAtTable(bed.fleet, {}, NEVER);
  assertEquals([look.leases.length, look.failures], [50, []]);
  assert(bed.clock.monotonicMs() >= 1000, `${bed.clock.monotonicMs()} ms`);
  bed.aws.faults.next("Scan", { type: "throttled", times: Infinity });
  const late = await lookAtTable(bed.fleet, {}, NEVER);
  assertEquals(late.failures.map(({ part, missingAction }) => [part, missingAction]), [[
    "leases",
    undefined,
  ]]);
});

Deno.test("lookAtTable() uses a quarter of a PROVISIONED table's capacity, or what maxRcu allows", async () => {
  const took = async (maxRcu?: number) => {
    const bed = new OperateBed();
    await bed.fleet.dynamodb.createTable({
      TableName: "app",
      KeySchema: [{ AttributeName: "leaseKey", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "leaseKey", AttributeType: "S" }],
      ProvisionedThroughput: { ReadCapacityUnits: 8, WriteCapacityUnits: 8 },
    });
    for (let n = 0; n < 200; n++) {
      await bed.lease(newLease(`shardId-${`${n}`.padStart(12, "0")}`), "worker-1");
    }
    const startMs = bed.clock.monotonicMs();
    const look = await lookAtTable(bed.fleet, { maxRcu }, NEVER);
    assertEquals(look.leases.length, 200);
    return bed.clock.monotonicMs() - startMs;
  };
  const [quarter, fast] = [await took(), await took(1000)];
  assert(quarter >= 1000, `${quarter} ms for the table at 2 units a second`);
  assertEquals(fast < 100, true, `${fast} ms`);
});

Deno.test("lookAtTable() reads lock and reports of the tables of KCL 3.0 to 3.4", async () => {
  const bed = await bedWithFleet();
  const table = (TableName: string, key: string) =>
    bed.fleet.dynamodb.createTable({
      TableName,
      KeySchema: [{ AttributeName: key, KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: key, AttributeType: "S" }],
      BillingMode: "PAY_PER_REQUEST",
    });
  await table("app-CoordinatorState", "key");
  await lookAtTable(bed.fleet, {}, NEVER); // the other table may be missing
  await table("app-WorkerMetricStats", "wid");
  const { coordinatorStore } = bed.fleet;
  await coordinatorStore.putLock("legacy", {
    ownerName: "java-1",
    leaseDurationMs: 120_000,
    recordVersionNumber: "v",
    isReleased: false,
  }, { type: "absent" });
  const report = { stats: {}, operatingRange: {}, supportCode: undefined, supportEpochS: undefined };
  await coordinatorStore.writeWorkerMetrics("legacy", { workerId: "java-1", lastUpdateEpochS: 1, ...report });
  const look = await lookAtTable(bed.fleet, {}, NEVER);
  assertEquals([look.place, look.lock?.ownerName], ["legacy", "java-1"]);
  assertEquals(look.workers.map(({ workerId }) => workerId), ["java-1", "worker-1"]);
});

Deno.test("lookAtTable() ends at once when it is aborted, also in a pause", async () => {
  const bed = await bedWithFleet();
  const stop = new AbortController();
  bed.aws.faults.next("Scan", { type: "throttled", times: Infinity });
  bed.clock.whileAsleep = () => stop.abort(new Error("enough"));
  await assertRejects(() => lookAtTable(bed.fleet, {}, stop.signal), Error, "enough");
});

Deno.test("lookAtTable() that knows the table asks for leases and lock alone, as many parts at a time as it is told", async () => {
  const bed = await bedWithFleet(30);
  const asked: string[] = [];
  const { system } = bed.aws;
  const fleet = openFleetAccess({
    applicationName: "app",
    region: "eu-central-1",
    credentials: { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "of-no-use" },
    system: {
      ...system,
      fetch: (input, init) => {
        asked.push(new Request(input, init).headers.get("x-amz-target")?.split(".")[1] ?? "");
        return system.fetch(input, init);
      },
    },
  });
  const first = await lookAtTable(fleet, {}, NEVER);
  asked.length = 0;
  const again = await lookAtTable(fleet, { known: first, segments: 1 }, NEVER);
  assertEquals(asked.toSorted(), ["GetItem", "Scan"]);
  assertEquals(again, { ...first, startedMs: again.startedMs, startedEpochMs: again.startedEpochMs });
});

Deno.test("lookAtTable() without patience names the leases that are throttled as not read", async () => {
  const bed = await bedWithFleet();
  bed.aws.faults.next("Scan", { type: "refused", code: "ThrottlingException", times: 2 });
  const { failures } = await lookAtTable(bed.fleet, { segments: 1, patience: 2 }, NEVER);
  assertEquals(failures.map(({ part }) => part), ["leases"]);
  const { failures: later, leases } = await lookAtTable(bed.fleet, {}, NEVER);
  assertEquals([later, leases.length], [[], 1]);
});

Deno.test("lookAtStores() sees leases, workers and the lock of any stores, and names what fails", async () => {
  const bed = await bedWithFleet(2);
  const look = await lookAtStores(bed.fleet, NEVER);
  assertEquals(look.leases.map(({ leaseKey }) => leaseKey), ["shardId-000000000000", "shardId-000000000001"]);
  assertEquals([look.workers.length, look.lock?.ownerName, look.place], [1, "worker-1", "leaseTable"]);
  assertEquals([look.description, look.failures], [undefined, []]);
  const { leaseStore } = bed.fleet;
  const refusing = Object.create(leaseStore, { list: { value: () => Promise.reject(new Error("away")) } });
  const { failures } = await lookAtStores({ ...bed.fleet, leaseStore: refusing }, NEVER);
  assertEquals(failures.map(failureText), ["The leases could not be read: away"]);
});
