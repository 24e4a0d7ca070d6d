/** A plan that is written to a table on an emulator, where somebody else writes too. */

import { assert, assertEquals } from "@std/assert";
import { applyChanges, type LeaseWriting } from "../../../src/operate/change/apply_changes.ts";
import { positionAt } from "../../../src/stream/sequence_number.ts";
import { newLease } from "../../lease/fixtures.ts";
import { OperateBed } from "../../support/operate_bed.ts";

const NEVER = new AbortController().signal;

const TO = { checkpoint: positionAt("40", 2) };

/** More leases than are written at once, each to be moved. */
async function planned(count: number): Promise<{ readonly bed: OperateBed; readonly plan: LeaseWriting[] }> {
  const bed = new OperateBed();
  await bed.table();
  const plan: LeaseWriting[] = [];
  for (let n = 0; n < count; n++) {
    const lease = await bed.lease(newLease(`shardId-${`${n}`.padStart(12, "0")}`), "worker-1");
    plan.push({ type: "move", lease, to: TO });
  }
  return { bed, plan };
}

Deno.test("applyChanges() writes each change, and says how many are done", async () => {
  const { bed, plan } = await planned(3);
  const made = newLease("shardId-000000000009", { checkpoint: positionAt("7") });
  const done: number[] = [];
  const report = await applyChanges(
    bed.fleet.leaseStore,
    [...plan, { type: "create", lease: made }],
    (count, total) => void done.push(count, total),
    NEVER,
  );
  assertEquals([report.written.length, report.refused, report.failed, report.notTried], [4, [], [], []]);
  assertEquals(done.slice(-2), [4, 4]);
  const { leases } = await bed.fleet.leaseStore.list();
  const inOrder = leases.toSorted((a, b) => a.leaseKey < b.leaseKey ? -1 : 1);
  assertEquals(inOrder.map(({ checkpoint, leaseOwner }) => [checkpoint.sequenceNumber, leaseOwner]), [
    ["40", undefined],
    ["40", undefined],
    ["40", undefined],
    ["7", undefined],
  ]);
});

Deno.test("applyChanges() stops at a lease that a worker has renewed meanwhile, and leaves it as it is", async () => {
  const { bed, plan } = await planned(100);
  const first = "shardId-000000000000";
  await bed.renew(first);
  const report = await applyChanges(bed.fleet.leaseStore, plan, () => {}, NEVER);
  assertEquals(report.refused.map(({ leaseKey, found }) => [leaseKey, found?.leaseOwner]), [[
    first,
    "worker-1",
  ]]);
  assert(report.notTried.length > 0, "writes that were not begun are not tried");
  assertEquals(report.written.length + report.notTried.length, 99);
  const kept = await bed.read(first);
  assertEquals([kept.leaseOwner, kept.checkpoint.sequenceNumber], ["worker-1", "TRIM_HORIZON"]);
  for (const leaseKey of report.notTried) assertEquals((await bed.read(leaseKey)).leaseOwner, "worker-1");
});

Deno.test("applyChanges() takes its own write for done when the answer was lost", async () => {
  const { bed, plan } = await planned(1);
  bed.aws.faults.next("UpdateItem", { type: "answerLost" });
  const report = await applyChanges(bed.fleet.leaseStore, plan, () => {}, NEVER);
  assertEquals([report.written.length, report.refused, report.failed], [1, [], []]);
  assertEquals(bed.aws.faults.met(), 1);
});

Deno.test("applyChanges() begins nothing once it is stopped, and names what failed", async () => {
  const { bed, plan } = await planned(2);
  const stopped = await applyChanges(bed.fleet.leaseStore, plan, () => {}, AbortSignal.abort());
  assertEquals([stopped.written, stopped.notTried.length], [[], 2]);
  bed.aws.faults.next("UpdateItem", { type: "refused", code: "AccessDeniedException", times: Infinity });
  const failed = await applyChanges(bed.fleet.leaseStore, plan, () => {}, NEVER);
  assertEquals([failed.written, failed.refused], [[], []]);
  assert(failed.failed.length > 0);
});
