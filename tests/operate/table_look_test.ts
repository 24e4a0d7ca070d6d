/** Looks at a lease table on an emulator. */

import { assertEquals } from "@std/assert";
import { lookAtTable } from "../../src/operate/table_look.ts";
import { newLease } from "../lease/fixtures.ts";
import { OperateBed } from "../support/operate_bed.ts";

Deno.test("lookAtTable() sees leases, workers, the lock and the table", async () => {
  const bed = new OperateBed();
  await bed.table();
  await bed.lease(newLease("shardId-000000000000"), "worker-1");
  await bed.worker("worker-1");
  await bed.lock({ ownerName: "worker-1" });
  const look = await lookAtTable(bed.fleet, {}, new AbortController().signal);
  assertEquals(look.leases.map(({ leaseKey, leaseOwner }) => [leaseKey, leaseOwner]), [
    ["shardId-000000000000", "worker-1"],
  ]);
  assertEquals(look.workers.map(({ workerId }) => workerId), ["worker-1"]);
  assertEquals([look.lock?.ownerName, look.place, look.failures], ["worker-1", "leaseTable", []]);
});
