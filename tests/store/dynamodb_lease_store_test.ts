/**
 * What dynalite cannot show: creation, waiting, the index that is missing, and failures, on a DynamoDB that answers by script.
 *
 * @module
 */

import { assert, assertEquals, assertInstanceOf, assertRejects, assertStringIncludes } from "@std/assert";
import type { DynamoDB, Item, TableDescription } from "../../src/aws/dynamodb.ts";
import { AwsServiceError, LeaseTableError } from "../../src/errors.ts";
import type { WorkerEvent } from "../../src/events.ts";
import { renew } from "../../src/lease/lease_write.ts";
import { DynamoDBLeaseStore, type DynamoDBLeaseStoreOptions } from "../../src/store/dynamodb_lease_store.ts";
import { newLeaseItem } from "../../src/store/lease_item.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { newLease, SHARD_ID } from "../lease/fixtures.ts";
import { dynaliteFixture, hastyClock, leaseIn } from "./fixtures.ts";

const ACTIVE: TableDescription = {
  tableName: "app",
  tableStatus: "ACTIVE",
  keySchema: [{ attributeName: "leaseKey", keyType: "HASH" }],
  indexes: { LeaseOwnerToLeaseKeyIndex: "ACTIVE" },
  billingMode: "PAY_PER_REQUEST",
  provisionedThroughput: undefined,
  tableSizeBytes: 0,
  itemCount: undefined,
};

const INDEX = {
  IndexName: "LeaseOwnerToLeaseKeyIndex",
  KeySchema: [
    { AttributeName: "leaseOwner", KeyType: "HASH" },
    { AttributeName: "leaseKey", KeyType: "RANGE" },
  ],
  Projection: { ProjectionType: "KEYS_ONLY" },
};

const ATTRIBUTES = [
  { AttributeName: "leaseKey", AttributeType: "S" },
  { AttributeName: "leaseOwner", AttributeType: "S" },
];

Deno.test("ensureTable() creates the table with its index, and waits until it can be used", async () => {
  const bed = testBed({
    describeTable: answers(undefined, undefined, { ...ACTIVE, tableStatus: "CREATING" }, ACTIVE),
    createTable: answers(true),
  });
  const ready = bed.store.ensureTable();
  await bed.clock.advance(349);
  assertEquals(bed.calls.map(([name]) => name), [
    "describeTable",
    "createTable",
    "describeTable",
    "describeTable",
  ]);
  await bed.clock.advance(1);
  assertEquals(await ready, { created: true });
  assertEquals(bed.inputOf("createTable"), {
    TableName: "app",
    KeySchema: [{ AttributeName: "leaseKey", KeyType: "HASH" }],
    AttributeDefinitions: ATTRIBUTES,
    BillingMode: "PAY_PER_REQUEST",
    GlobalSecondaryIndexes: [INDEX],
  });
  assertEquals(bed.events, [{ type: "tableCreated", tableName: "app" }]);
});

Deno.test("ensureTable() creates the table with the capacity, tags and protections asked for", async () => {
  const bed = testBed({
    describeTable: answers(undefined, ACTIVE),
    createTable: answers(true),
    tableOperation: answers(undefined),
  }, {
    billingMode: { readCapacity: 5, writeCapacity: 7 },
    leaseTableTags: { team: "orders" },
    leaseTableDeletionProtectionEnabled: true,
    leaseTablePitrEnabled: true,
  });
  await bed.runFor(1_000, bed.store.ensureTable());
  await bed.store.adoptTable();
  const ProvisionedThroughput = { ReadCapacityUnits: 5, WriteCapacityUnits: 7 };
  assertEquals(bed.inputOf("createTable"), {
    TableName: "app",
    KeySchema: [{ AttributeName: "leaseKey", KeyType: "HASH" }],
    AttributeDefinitions: ATTRIBUTES,
    BillingMode: "PROVISIONED",
    ProvisionedThroughput,
    GlobalSecondaryIndexes: [{ ...INDEX, ProvisionedThroughput }],
    DeletionProtectionEnabled: true,
    Tags: [{ Key: "team", Value: "orders" }],
  });
  assertEquals(bed.calls.at(-1), ["tableOperation", "UpdateContinuousBackups", {
    TableName: "app",
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  }]);
});

Deno.test("ensureTable() minds neither a lost race nor a table on its way out", async () => {
  const bed = testBed({
    describeTable: answers({ ...ACTIVE, tableStatus: "DELETING" }, undefined, undefined, ACTIVE),
    createTable: answers(false, true),
  });
  assertEquals(await bed.runFor(3_000, bed.store.ensureTable()), { created: true });
  const loser = testBed({ describeTable: answers(undefined, ACTIVE), createTable: answers(false) });
  assertEquals(await loser.runFor(1_000, loser.store.ensureTable()), { created: false });
  assertEquals(loser.events, []);
});

Deno.test("ensureTable() uses a table that is being updated", async () => {
  const bed = testBed({ describeTable: answers({ ...ACTIVE, tableStatus: "UPDATING" }) });
  assertEquals(await bed.store.ensureTable(), { created: false });
});

for (
  const [tableStatus, mend] of [
    ["ARCHIVING", "restore the backup"],
    ["ARCHIVED", "restore the backup"],
    ["INACCESSIBLE_ENCRYPTION_CREDENTIALS", "enable the key"],
  ] as const
) {
  Deno.test(`ensureTable() refuses a table that is ${tableStatus} at once, with what to do`, async () => {
    const bed = testBed({ describeTable: answers({ ...ACTIVE, tableStatus }) });
    const error = await assertRejects(
      () => bed.store.ensureTable(),
      LeaseTableError,
      `Cannot use lease table "app": expected status ACTIVE: got ${tableStatus}: DynamoDB `,
    );
    assertStringIncludes(error.message, mend);
    assertEquals(bed.events, []);
  });
}

Deno.test("ensureTable() says once what a table is that it waits for, unless it was just made", async () => {
  const inStatus = (tableStatus: string) => ({ ...ACTIVE, tableStatus });
  const states = ["CREATING", "DELETING", "DELETING", "UNHEARD_OF", "CREATING", "ACTIVE"].map(inStatus);
  const bed = testBed({ describeTable: answers(...states) });
  await bed.runFor(5_000, bed.store.ensureTable());
  const texts = bed.events.map((event) =>
    event.type === "notice" ? `${event.level} ${event.text}` : event.type
  );
  assertEquals(texts, [
    'warning Lease table "app" is DELETING: waiting until it is ACTIVE',
    'warning Lease table "app" is UNHEARD_OF: waiting until it is ACTIVE',
  ]);
});

Deno.test("ensureTable() asks at once whether its table is there, then ever more seldom", async () => {
  const bed = testBed({
    describeTable: () => Promise.resolve({ ...ACTIVE, tableStatus: "CREATING" }),
  });
  const stop = new AbortController();
  const ended = assertRejects(() => bed.store.ensureTable(stop.signal));
  const askedAtMs: number[] = [];
  for (let known = 0; bed.clock.monotonicMs() < 6_000; await bed.clock.advance(50)) {
    if (bed.calls.length > known) askedAtMs.push(bed.clock.monotonicMs());
    known = bed.calls.length;
  }
  stop.abort();
  await ended;
  assertEquals(askedAtMs, [50, 100, 200, 400, 800, 1600, 2600, 3600, 4600, 5600].map((ms) => ms - 50));
});

Deno.test("ensureTable() gives up after ten minutes", async () => {
  const bed = testBed({ describeTable: () => Promise.resolve({ ...ACTIVE, tableStatus: "UNHEARD_OF" }) });
  const failed = assertRejects(
    () => bed.store.ensureTable(),
    Error,
    'Cannot use lease table "app": expected it ACTIVE within 600 s: got UNHEARD_OF',
  );
  await bed.clock.advance(601_000);
  await failed;
});

Deno.test("ensureTable() stops waiting when aborted", async () => {
  const bed = testBed({ describeTable: answers({ ...ACTIVE, tableStatus: "CREATING" }) });
  const stop = new AbortController();
  const reason = new Error("enough");
  const failed = assertRejects<Error>(() => bed.store.ensureTable(stop.signal));
  await bed.clock.advance(0);
  stop.abort(reason);
  assertEquals(await failed, reason);
});

Deno.test("ensureTable() refuses a table that is not for leases", async () => {
  for (
    const [keySchema, found] of [
      [[{ attributeName: "id", keyType: "HASH" }], '"id"'],
      [
        [{ attributeName: "leaseKey", keyType: "HASH" }, { attributeName: "at", keyType: "RANGE" }],
        '"leaseKey" with "at"',
      ],
    ] as const
  ) {
    const { store } = testBed({ describeTable: answers({ ...ACTIVE, tableName: "orders", keySchema }) });
    const error = await assertRejects(() => store.ensureTable(), LeaseTableError);
    assertEquals(
      error.message,
      `Cannot use lease table "orders": its key is ${found}, expected "leaseKey": delete the table or set tableName`,
    );
  }
});

Deno.test("adoptTable() starts the making of a missing index and does not wait for it", async () => {
  const onDemand = testBed({
    describeTable: answers({ ...ACTIVE, indexes: {} }),
    tableOperation: answers(undefined),
  });
  assertEquals(await onDemand.store.ensureTable(), { created: false });
  assertEquals(
    onDemand.calls.map(([name]) => name),
    ["describeTable"],
    "not before it is clear that it may be used",
  );
  await onDemand.store.adoptTable();
  assertEquals(onDemand.calls.at(-1), ["tableOperation", "UpdateTable", {
    TableName: "app",
    AttributeDefinitions: ATTRIBUTES,
    GlobalSecondaryIndexUpdates: [{ Create: INDEX }],
  }]);

  const provisioned = testBed({
    describeTable: answers({ ...ACTIVE, indexes: {}, provisionedThroughput: { read: 3, write: 4 } }),
    tableOperation: answers(undefined),
  });
  await provisioned.store.ensureTable();
  await provisioned.store.adoptTable();
  const [, , input] = provisioned.calls.at(-1) ?? [];
  assertEquals((input as { GlobalSecondaryIndexUpdates: unknown }).GlobalSecondaryIndexUpdates, [{
    Create: { ...INDEX, ProvisionedThroughput: { ReadCapacityUnits: 3, WriteCapacityUnits: 4 } },
  }]);

  const creating = testBed({
    describeTable: answers({ ...ACTIVE, indexes: { LeaseOwnerToLeaseKeyIndex: "CREATING" } }),
  });
  await creating.store.ensureTable();
  await creating.store.adoptTable();
  assertEquals(creating.calls.map(([name]) => name), ["describeTable"]);
});

Deno.test("adoptTable() goes without an index that it may not make, and says so", async () => {
  const raced = testBed({
    describeTable: answers({ ...ACTIVE, indexes: {} }),
    tableOperation: () => Promise.reject(serviceError("ResourceInUseException")),
  });
  await raced.store.ensureTable();
  await raced.store.adoptTable();
  assertEquals(raced.events, []);

  const denied = testBed({
    describeTable: answers({ ...ACTIVE, indexes: {} }),
    tableOperation: () => Promise.reject(serviceError("AccessDeniedException")),
  });
  await denied.store.ensureTable();
  await denied.store.adoptTable();
  assertStringIncludes(noticeOf(denied.events), "AccessDeniedException");
});

Deno.test("ensureTable() passes on what DescribeTable fails with", async () => {
  const bed = testBed({ describeTable: () => Promise.reject(serviceError("AccessDeniedException")) });
  assertEquals(
    (await assertRejects(() => bed.store.ensureTable(), AwsServiceError)).code,
    "AccessDeniedException",
  );
});

Deno.test("leaseKeysOwnedBy() scans while the index cannot be used, and tells each change once", async () => {
  let failure: AwsServiceError | undefined = serviceError("ValidationException");
  const items: readonly Item[] = [
    { ...newLeaseItem(newLease(SHARD_ID, { leaseKey: "a" })), leaseOwner: { S: "w1" } },
    { ...newLeaseItem(newLease(SHARD_ID, { leaseKey: "b" })), leaseOwner: { S: "w2" } },
    newLeaseItem(newLease(SHARD_ID, { leaseKey: "c" })),
    { leaseKey: { S: "w1" }, entityType: { S: "WORKER_METRIC_STATS" } },
  ];
  const bed = testBed({
    describeTable: () => Promise.resolve(ACTIVE),
    queryIndex: () =>
      failure === undefined
        ? Promise.resolve([{ leaseKey: { S: "z" }, leaseOwner: { S: "w1" } }])
        : Promise.reject(failure),
    scan: () => Promise.resolve(items),
  });
  assertEquals(await bed.store.leaseKeysOwnedBy("w1"), ["a"]);
  assertEquals(await bed.store.leaseKeysOwnedBy("w2"), ["b"]);
  assertEquals(bed.events.length, 1);
  assertStringIncludes(noticeOf(bed.events), "the whole table is scanned");
  failure = undefined;
  assertEquals(await bed.store.leaseKeysOwnedBy("w1"), ["z"]);
  assertEquals(await bed.store.leaseKeysOwnedBy("w1"), ["z"]);
  assertEquals(bed.events.length, 2);
  assertStringIncludes(noticeOf(bed.events.slice(1)), "in use");
});

Deno.test("leaseKeysOwnedBy() does not scan when the index is only busy", async () => {
  const bed = testBed({
    queryIndex: () => Promise.reject(serviceError("ProvisionedThroughputExceededException", true)),
  });
  await assertRejects(() => bed.store.leaseKeysOwnedBy("w1"), AwsServiceError);
  assertEquals(bed.calls.map(([name]) => name), ["queryIndex"]);
});

Deno.test("list() scans in as many segments as the table's size asks for, and looks at it again after two hours", async () => {
  const GiB = 1024 ** 3;
  const bed = testBed({
    describeTable: answers(
      { ...ACTIVE, tableSizeBytes: GiB },
      { ...ACTIVE, tableSizeBytes: 100 * GiB },
      { ...ACTIVE, tableSizeBytes: undefined },
    ),
    scan: () => Promise.resolve([]),
  });
  const segments = () => bed.calls.filter(([name]) => name === "scan").map(([, , count]) => count);
  await bed.store.list();
  await bed.store.list();
  await bed.clock.advance(2 * 3_600_000 + 1);
  await bed.store.list();
  await bed.clock.advance(2 * 3_600_000 + 1);
  await bed.store.list();
  assertEquals(segments(), [5, 5, 32, 1]);

  const told = testBed({ scan: () => Promise.resolve([]) }, { leaseTableScanTotalSegments: 3 });
  await told.store.list();
  assertEquals(told.calls, [["scan", "app", 3]]);

  const blind = testBed({
    describeTable: () => Promise.reject(serviceError("AccessDeniedException")),
    scan: () => Promise.resolve([]),
  });
  await blind.store.list();
  assertEquals(blind.calls.at(-1), ["scan", "app", 1]);
});

Deno.test("listSmall() takes a table for small that ends within a page and costs one read unit at most", async () => {
  const item = newLeaseItem(newLease());
  const page = { items: [item], lastKey: undefined, readUnits: 1 };
  for (
    const [found, isSmall] of [
      [page, true],
      [{ ...page, readUnits: 0.5 }, true],
      [{ ...page, readUnits: undefined }, true],
      [{ ...page, readUnits: 1.5 }, false],
      [{ ...page, lastKey: { leaseKey: { S: "a" } } }, false],
    ] as const
  ) {
    const { store, calls } = testBed({ scanPage: answers(found) });
    assertEquals((await store.listSmall())?.leases, isSmall ? [leaseIn(item)] : undefined);
    assertEquals(calls, [["scanPage", "app", { segment: 0, segments: 1, limit: 25 }]]);
  }
});

Deno.test("apply() takes the old item from the refusal and reads only where there is none", async () => {
  const item = newLeaseItem(newLease());
  const lease = leaseIn(item);
  const telling = testBed({ updateItem: answers({ applied: false, item }) });
  assertEquals(await telling.store.apply(renew(lease)), { applied: false, found: lease });
  assertEquals(telling.calls.length, 1);
  const silent = testBed({
    updateItem: answers({ applied: false, item: undefined }),
    getItem: answers(item),
  });
  assertEquals(await silent.store.apply(renew(lease)), { applied: false, found: lease });
  assertEquals(silent.calls.map(([name]) => name), ["updateItem", "getItem"]);
});

Deno.test("apply() tells when its write left an item that cannot be read", async () => {
  const item = newLeaseItem(newLease());
  const { store } = testBed({
    updateItem: answers({ applied: true, item: { ...item, checkpoint: { S: "?" } } }),
  });
  const error = await assertRejects(() => store.apply(renew(leaseIn(item))));
  assertInstanceOf(error, LeaseTableError);
  assertEquals(
    error.message,
    'Cannot read lease "shardId-000000000000" after renew: checkpoint is "?", expected digits or a sentinel: ' +
      'mend or delete its item in table "app"',
  );
});

Deno.test("dynalite: a table with provisioned capacity gets its index with capacity of its own", async () => {
  await using fixture = await dynaliteFixture();
  const store = new DynamoDBLeaseStore({
    dynamodb: fixture.dynamodb,
    tableName: "app",
    system: { clock: hastyClock },
    billingMode: { readCapacity: 5, writeCapacity: 7 },
    leaseTableTags: { team: "orders" },
  });
  await store.ensureTable();
  const table = await fixture.dynamodb.describeTable("app");
  assertEquals(table?.provisionedThroughput, { read: 5, write: 7 });
  assertEquals(Object.keys(table?.indexes ?? {}), ["LeaseOwnerToLeaseKeyIndex"]);
});

Deno.test("dynalite: workers that create the table at the same time all go on, and one of them created it", async () => {
  await using fixture = await dynaliteFixture();
  const stores = Array.from(
    { length: 5 },
    () =>
      new DynamoDBLeaseStore({ dynamodb: fixture.dynamodb, tableName: "app", system: { clock: hastyClock } }),
  );
  const created = await Promise.all(stores.map((store) => store.ensureTable()));
  assertEquals(created.filter((outcome) => outcome.created).length, 1);
  assertEquals(
    await Promise.all(stores.map((store) => store.create(newLease()))).then((won) =>
      won.filter(Boolean).length
    ),
    1,
  );
});

Deno.test("dynalite: a table without the index, as KCL 2.x leaves it, works by scans", async () => {
  await using fixture = await dynaliteFixture();
  await fixture.raw("CreateTable", {
    TableName: "app",
    BillingMode: "PAY_PER_REQUEST",
    KeySchema: [{ AttributeName: "leaseKey", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "leaseKey", AttributeType: "S" }],
  });
  assertEquals(await fixture.leases.ensureTable(), { created: false });
  await fixture.put({ ...newLeaseItem(newLease()), leaseOwner: { S: "w1" } });
  assertEquals(await fixture.leases.leaseKeysOwnedBy("w1"), [newLease().leaseKey]);
});

type Call = readonly [name: string, ...args: readonly unknown[]];

/** A store on a DynamoDB that has these answers only; every other call rejects. */
function testBed(
  script: Partial<DynamoDB>,
  options: Partial<DynamoDBLeaseStoreOptions> = {},
) {
  const calls: Call[] = [];
  const events: WorkerEvent[] = [];
  const clock = new FakeClock();
  const dynamodb = new Proxy({} as DynamoDB, {
    get: (_, name: keyof DynamoDB) => (...args: readonly unknown[]) => {
      calls.push([name, ...args.filter((arg) => arg !== undefined)]);
      const answer = script[name] as ((...args: readonly unknown[]) => Promise<unknown>) | undefined;
      return answer === undefined ? Promise.reject(new Error(`unexpected ${name}`)) : answer(...args);
    },
  });
  const store = new DynamoDBLeaseStore({
    dynamodb,
    tableName: "app",
    system: { clock },
    onEvent: (event) => events.push(event),
    ...options,
  });
  return {
    store,
    clock,
    calls,
    events,
    inputOf: (name: keyof DynamoDB) => calls.find(([called]) => called === name)?.[1],
    runFor: async <T>(ms: number, promise: Promise<T>): Promise<T> => {
      await clock.advance(ms);
      return await promise;
    },
  };
}

/** Answers one after the other, then rejects. */
function answers<T>(...values: readonly T[]): () => Promise<T> {
  const left = values.values();
  return () => {
    const { done, value } = left.next();
    return done ? Promise.reject(new Error("asked once too often")) : Promise.resolve(value);
  };
}

function serviceError(code: string, retryable = false): AwsServiceError {
  return new AwsServiceError({
    service: "dynamodb",
    operation: "Query",
    code,
    status: 400,
    requestId: undefined,
    retryable,
    detail: "by script",
    body: undefined,
  });
}

function noticeOf(events: readonly WorkerEvent[]): string {
  const [event] = events;
  assert(event?.type === "notice");
  return event.text;
}
