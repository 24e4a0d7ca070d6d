/**
 * One application's tables, in memory, on dynalite or simulated, with the stores on them and a side door to the raw items.
 *
 * @module
 */

import { type DynamoDB, type Item, signedDynamoDB } from "../../src/aws/dynamodb.ts";
import type { CoordinatorStore, DrainStore } from "../../src/lease/coordinator_store.ts";
import type { Lease } from "../../src/lease/lease.ts";
import type { LeaseStore } from "../../src/lease/lease_store.ts";
import { DynamoDBCoordinatorStore } from "../../src/store/dynamodb_coordinator_store.ts";
import { DynamoDBLeaseStore } from "../../src/store/dynamodb_lease_store.ts";
import { leaseOf } from "../../src/store/lease_item.ts";
import { MemoryCoordinatorStore } from "../../src/store/memory_coordinator_store.ts";
import { MemoryLeaseStore } from "../../src/store/memory_lease_store.ts";
import { MemoryTable } from "../../src/store/memory_table.ts";
import { type Clock, realClock, realSystem, type System } from "../../src/system.ts";
import { simulatedAws } from "../../src/testing/mod.ts";
import { startDynalite } from "../support/emulators.ts";

/** The tables of an application called `app`. */
export type TableName = "app" | "app-CoordinatorState" | "app-WorkerMetricStats";

/** An application's tables. Nothing exists at first. */
export interface Fixture extends AsyncDisposable {
  readonly leases: LeaseStore;
  readonly coordinator: CoordinatorStore & DrainStore;
  /** What a table holds, in a fixed order of items and of the members of sets. */
  items(table?: TableName): Promise<Item[]>;
  /** Puts an item as somebody else might have written it. */
  put(item: Item, table?: TableName): Promise<void>;
  /** Creates the tables that KCL 3.0 to 3.4 would have. */
  createLegacyTables(): Promise<void>;
}

/** A fixture that also lets a test talk to DynamoDB itself. */
export interface DynamoDBFixture extends Fixture {
  readonly dynamodb: DynamoDB;
  /** Sends any request, e.g. one with the legacy parameters that Java uses. @returns The answer, also of a failure. */
  raw(operation: string, input: Readonly<Record<string, unknown>>): Promise<RawAnswer>;
}

/** What DynamoDB answered. */
export interface RawAnswer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** The kinds of fixture that are a DynamoDB, by name. */
export const DYNAMODB_FIXTURES: readonly (readonly [string, () => Promise<DynamoDBFixture>])[] = [
  ["dynalite", dynaliteFixture],
  ["simulatedAws", simulatedAwsFixture],
];

/** The kinds of fixture, by name. */
export const FIXTURES: readonly (readonly [string, () => Promise<Fixture>])[] = [
  ["memory", memoryFixture],
  ...DYNAMODB_FIXTURES,
];

/** An application's tables in memory. */
export function memoryFixture(): Promise<Fixture> {
  const tables = {
    "app": new MemoryTable("app"),
    "app-CoordinatorState": new MemoryTable("app-CoordinatorState", "key"),
    "app-WorkerMetricStats": new MemoryTable("app-WorkerMetricStats", "wid"),
  };
  return Promise.resolve({
    leases: new MemoryLeaseStore(tables.app),
    coordinator: new MemoryCoordinatorStore(tables.app, {
      legacyCoordinatorState: tables["app-CoordinatorState"],
      legacyWorkerMetrics: tables["app-WorkerMetricStats"],
    }),
    items: (table = "app") => Promise.resolve(inOrder(tables[table].items())),
    put: async (item, table = "app") => {
      await tables[table].put(item, {});
    },
    createLegacyTables: () => {
      tables["app-CoordinatorState"].create();
      tables["app-WorkerMetricStats"].create();
      return Promise.resolve();
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

/** An application's tables on a dynalite of its own. */
export async function dynaliteFixture(): Promise<DynamoDBFixture> {
  const dynalite = await startDynalite({ createTableMs: 1 });
  return dynamoDBFixture(dynalite.url, realSystem, () => dynalite[Symbol.asyncDispose]());
}

/** An application's tables on a simulated DynamoDB of its own. */
export function simulatedAwsFixture(): Promise<DynamoDBFixture> {
  const { fetch } = simulatedAws({ changeMs: 1 });
  return Promise.resolve(
    dynamoDBFixture("http://simulated", { ...realSystem, fetch }, () => Promise.resolve()),
  );
}

function dynamoDBFixture(
  endpoint: string,
  system: System,
  dispose: () => PromiseLike<void>,
): DynamoDBFixture {
  const dynamodb = signedDynamoDB({
    region: "us-east-1",
    endpoint,
    credentials: {
      accessKeyId: "key",
      secretAccessKey: "secret",
      sessionToken: undefined,
      expiresEpochMs: undefined,
    },
    system,
  });
  const raw = rawCaller(endpoint, system);
  return {
    leases: new DynamoDBLeaseStore({ dynamodb, tableName: "app", system: { clock: hastyClock } }),
    coordinator: new DynamoDBCoordinatorStore({ dynamodb, applicationName: "app", tableName: "app" }),
    dynamodb,
    raw,
    items: async (table = "app") => inOrder(await dynamodb.scan(table)),
    put: async (item, table = "app") => {
      await dynamodb.putItem(table, item, {});
    },
    createLegacyTables: async () => {
      for (const [TableName, key] of [["app-CoordinatorState", "key"], ["app-WorkerMetricStats", "wid"]]) {
        await raw("CreateTable", {
          TableName,
          BillingMode: "PAY_PER_REQUEST",
          KeySchema: [{ AttributeName: key, KeyType: "HASH" }],
          AttributeDefinitions: [{ AttributeName: key, AttributeType: "S" }],
        });
        while ((await dynamodb.describeTable(`${TableName}`))?.tableStatus !== "ACTIVE") {
          await realClock.sleep(1);
        }
      }
    },
    [Symbol.asyncDispose]: dispose,
  };
}

/** The real clock, but nobody waits long for an emulator. */
export const hastyClock: Clock = {
  ...realClock,
  sleep: (ms, signal) => realClock.sleep(Math.min(ms, 2), signal),
};

/** Reads an item that must be a lease. */
export function leaseIn(item: Item): Lease {
  const readout = leaseOf(item);
  if (readout.type === "read") return readout.value;
  throw new Error(`Cannot read lease ${JSON.stringify(item)}: ${readout.problem}`);
}

/** Items in a fixed order of items and of the members of sets, so that two tables can be compared. */
export function inOrder(items: readonly Item[]): Item[] {
  return items.map((item) =>
    Object.fromEntries(
      Object.entries(item).toSorted(([a], [b]) => a < b ? -1 : 1).map(([name, value]) => [
        name,
        "SS" in value ? { SS: value.SS.toSorted() } : value,
      ]),
    )
  ).toSorted((a, b) => JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);
}

function rawCaller(url: string, system: System): DynamoDBFixture["raw"] {
  return async (operation, input) => {
    const response = await system.fetch(url, {
      method: "POST",
      headers: {
        "content-type": "application/x-amz-json-1.0",
        "x-amz-target": `DynamoDB_20120810.${operation}`,
        "x-amz-date": "20260130T120000Z",
        // An emulator wants a signature but does not check it.
        "authorization": "AWS4-HMAC-SHA256 Credential=key/20260130/us-east-1/dynamodb/aws4_request, " +
          "SignedHeaders=host;x-amz-date;x-amz-target, Signature=0",
      },
      body: JSON.stringify(input),
    });
    return { status: response.status, body: await response.json() };
  };
}

/** What registers a test on a fixture of its own. */
export type FixtureTest = (name: string, run: (fixture: Fixture) => Promise<void>) => void;

/** For one kind of store: registers tests that begin with an empty table. */
export function fixtureTest(kind: string, open: () => Promise<Fixture>): FixtureTest {
  return (name, run) =>
    Deno.test(`${kind}: ${name}`, async () => {
      await using fixture = await open();
      await fixture.leases.ensureTable();
      await run(fixture);
    });
}
