/**
 * A held lease in a table of the emulator, a table for results, and `transact()` over both.
 *
 * @module
 */

import { Checkpointer } from "../../src/consumer/checkpointer.ts";
import type { TransactOptions } from "../../src/consumer/record_processor.ts";
import type { WorkerEvent } from "../../src/events.ts";
import { Identity } from "../../src/fleet/identity.ts";
import { MarkedLeaseStore } from "../../src/fleet/marked_lease_store.ts";
import type { Lease } from "../../src/lease/lease.ts";
import { assign, renew, startHandoff } from "../../src/lease/lease_write.ts";
import type { LeaseStore } from "../../src/lease/lease_store.ts";
import { DynamoDBLeaseStore } from "../../src/store/dynamodb_lease_store.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import { transact } from "../../src/transact/transact.ts";
import type { TransactWrite } from "../../src/transact/mod.ts";
import { LeaseHold } from "../../src/worker/lease_hold.ts";
import { newLease } from "../lease/fixtures.ts";
import type { System } from "../../src/system.ts";
import { type Simulated, simulated } from "./simulated.ts";

/** Puts the result of a record, however often. */
export function result(id: string, more: object = {}): TransactWrite {
  return { Put: { TableName: "results", Item: { id: { S: id } }, ...more } };
}

/** Adds one to the count of a record: twice would be seen. */
export function counted(id: string): TransactWrite {
  return {
    Update: {
      TableName: "results",
      Key: { id: { S: id } },
      UpdateExpression: "ADD times :one",
      ExpressionAttributeValues: { ":one": { N: "1" } },
    },
  };
}

/** What a test has. */
export interface TransactBed extends Simulated {
  readonly events: readonly WorkerEvent[];
  readonly hold: LeaseHold;
  readonly store: LeaseStore;
  /** The lease as the table has it. */
  read(): Promise<Lease>;
  /** What the leader and owners of other processes do. */
  readonly outside: Readonly<Record<"assign" | "handoff", (to: string) => Promise<void>>>;
  /** Of the present processor, to which everything up to 200 was delivered. */
  checkpointer(): Checkpointer;
  /** A fresh processor begins. */
  restart(): void;
  /** The results by id, with how often each was counted. */
  results(): Record<string, number>;
  transact(writes: readonly TransactWrite[], options?: TransactOptions): Promise<void>;
}

/** @param storeFor What the hold writes through. */
export async function transactBed(
  storeFor: (store: LeaseStore) => LeaseStore = (store) => store,
): Promise<TransactBed> {
  const made = simulated({ changeMs: 0 });
  const { aws, dynamodb, call } = made;
  // Real chance, since tokens are drawn from it; and no pauses.
  const sleep = (_: number, signal?: AbortSignal) =>
    new Promise<void>((done) => done(signal?.throwIfAborted()));
  const system: System = {
    ...made.system,
    random: () => Math.random(),
    clock: { ...made.system.clock, sleep },
  };
  const events: WorkerEvent[] = [];
  const emit = (event: WorkerEvent) => void events.push(event);
  const table = new DynamoDBLeaseStore({ tableName: "leases", dynamodb, system });
  await table.ensureTable();
  await call("CreateTable", {
    TableName: "results",
    BillingMode: "PAY_PER_REQUEST",
    KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
    AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
  });
  await table.create(newLease("s", { checkpoint: positionAt("100") }));
  const identity = new Identity({ workerId: "me", system, emit });
  const store = new MarkedLeaseStore(storeFor(table), identity);
  const read = async (): Promise<Lease> => {
    const lease = await table.get("s");
    if (lease === undefined) throw new Error("no lease");
    return lease;
  };
  const outside = {
    async assign(to: string) {
      await table.apply(assign(await read(), to));
    },
    async handoff(to: string) {
      const leaseOwner = (await read()).leaseOwner ?? "";
      await table.apply(startHandoff({ ...await read(), leaseOwner }, to));
    },
  };
  await outside.assign("me");
  const acquired = await new MarkedLeaseStore(table, identity).apply(renew(await read()));
  if (!acquired.applied) throw new Error("not acquired");
  const hold = new LeaseHold(acquired.lease, system.clock.monotonicMs(), {
    store,
    identity,
    workerId: "me",
    leasing: { failoverTimeMs: 10_000, gracefulLeaseHandoffTimeoutMs: 30_000 },
    clock: system.clock,
    emit,
    successorOf: () => undefined,
  });
  /** A fresh processor's, from what the hold knows. */
  const fresh = () => {
    const checkpointer = new Checkpointer(hold, system.clock, emit);
    checkpointer.delivering(positionAt("200"));
    return checkpointer;
  };
  let checkpointer = fresh();
  return {
    ...made,
    aws,
    events,
    hold,
    read,
    outside,
    store,
    checkpointer: () => checkpointer,
    restart: () => void (checkpointer = fresh()),
    results: (): Record<string, number> =>
      Object.fromEntries(
        aws.table("results").items().map(({ id, times }) => [
          id !== undefined && "S" in id ? id.S : "?",
          times !== undefined && "N" in times ? Number(times.N) : 0,
        ]),
      ),
    transact: (writes: readonly TransactWrite[], options?: TransactOptions) =>
      transact({ held: hold, checkpointer, system, leaseTableArn: store.tableArn }, writes, options),
  };
}
