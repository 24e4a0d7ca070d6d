/** @module */

import { assertEquals } from "@std/assert";
import { fleetFormat } from "../../../src/fleet/fleet_format.ts";
import { DynamoDBCoordinatorStore } from "../../../src/store/dynamodb_coordinator_store.ts";
import { DynamoDBLeaseStore } from "../../../src/store/dynamodb_lease_store.ts";
import { newLease } from "../../lease/fixtures.ts";
import { OperateBed } from "../../support/operate_bed.ts";

Deno.test("kclite clone makes a table that workers take for one of KCL 3, not of KCL 2", async () => {
  const bed = new OperateBed();
  const { fleet: { dynamodb }, aws: { system } } = bed;
  await bed.table();
  await bed.lease(newLease("shardId-000000000000"), "w1");
  const { code, out, err } = await bed.run(["clone", "--as", "copy", "--execute"]);
  assertEquals([code, err], [0, ""], out);
  const table = { dynamodb, tableName: "copy" };
  const leaseStore = new DynamoDBLeaseStore({ ...table, system });
  assertEquals((await leaseStore.list()).leases.map(({ leaseKey, leaseOwner }) => [leaseKey, leaseOwner]), [
    ["shardId-000000000000", undefined],
  ]);
  const format = await fleetFormat(
    {
      coordinatorStore: new DynamoDBCoordinatorStore({ ...table, applicationName: "copy" }),
      leaseStore,
      table: { tableName: "copy", migrateAllEntitiesToLeaseTable: false },
      mode: "one",
      workerId: "w2",
      system,
    },
    undefined,
    new AbortController().signal,
  );
  assertEquals([format.place, format.mayLead], ["leaseTable", true]);
});
