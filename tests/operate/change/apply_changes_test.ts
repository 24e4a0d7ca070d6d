/** What becomes of a plan when the table moves, throttles, loses answers, or Ctrl-C comes. */

import { assert, assertEquals } from "@std/assert";
import { applyChanges, type LeaseWriting, writingsOf } from "../../../src/operate/change/apply_changes.ts";
import { checkpoint } from "../../../src/lease/lease_write.ts";
import { positionAt } from "../../../src/stream/sequence_number.ts";
import { newLease } from "../../lease/fixtures.ts";
import { OperateBed } from "../../support/operate_bed.ts";

const never = new AbortController().signal;

function keyOf(n: number): string {
  return `shardId-${`${n}`.padStart(12, "0")}`;
}

/** A table of leases, and the moves of all to 100. */
async function bedOf(count: number) {
  const bed = new OperateBed({ streams: { words: 1 } });
  await bed.table();
  const changes: LeaseWriting[] = [];
  for (let n = 0; n < count; n++) {
    const lease = await bed.lease(newLease(keyOf(n)), "worker");
    changes.push({ type: "move", lease, to: { checkpoint: positionAt("100") } });
  }
  const stored = async () =>
    (await bed.fleet.leaseStore.list()).leases.filter((lease) => lease.checkpoint.sequenceNumber === "100")
      .map(({ leaseKey }) => leaseKey).toSorted();
  return { bed, changes, stored, store: bed.fleet.leaseStore };
}

Deno.test("applyChanges() moves and makes leases, and frees them", async () => {
  const { bed, changes, store } = await bedOf(2);
  const made = { ...newLease(keyOf(7)), checkpoint: positionAt("SHARD_END") };
  const progress: string[] = [];
  const all: LeaseWriting[] = [...changes, {
    type: "create",
    lease: made,
    then: { checkpoint: positionAt("SHARD_END"), childShardIds: [keyOf(8)] },
  }];
  const report = await applyChanges(store, all, (done, total) => progress.push(`${done}/${total}`), never);
  assertEquals([report.written.length, report.refused, report.failed, report.notTried], [3, [], [], []]);
  assertEquals(progress.at(-1), "3/3");
  const moved = await bed.read(keyOf(0));
  assertEquals([moved.checkpoint, moved.leaseOwner, moved.leaseCounter], [positionAt("100"), undefined, 2]);
  assertEquals((await bed.read(keyOf(7))).childShardIds, [keyOf(8)]);
  const [, second] = changes;
  assertEquals(
    writingsOf([...all, { type: "keep", lease: moved, reason: "same" }]).includes(
      second ?? all[0] as LeaseWriting,
    ),
    true,
  );
});

Deno.test("applyChanges() refuses a lease that was written meanwhile, one that is gone, and one that was made", async () => {
  const { bed, changes, store, stored } = await bedOf(3);
  const [first, second] = changes;
  await store.apply(checkpoint(await bed.read(keyOf(0)), positionAt("55")));
  const changed = await applyChanges(store, first === undefined ? [] : [first], () => {}, never);
  assertEquals(changed.written, []);
  assertEquals(changed.refused.map(({ leaseKey, found }) => [leaseKey, found?.checkpoint.sequenceNumber]), [
    [keyOf(0), "55"],
  ]);
  await store.delete(keyOf(1));
  const gone = await applyChanges(store, second === undefined ? [] : [second], () => {}, never);
  assertEquals(gone.refused, [{ leaseKey: keyOf(1), found: undefined }]);
  const made = await applyChanges(store, [{ type: "create", lease: newLease(keyOf(2)) }], () => {}, never);
  assertEquals(made.refused.map(({ found }) => found?.leaseOwner), ["worker"]);
  assertEquals(await stored(), []);
});

Deno.test("applyChanges() knows a write whose answer was lost as its own", async () => {
  for (const type of ["answerLost", "dropped"] as const) {
    const { bed, changes, store, stored } = await bedOf(4);
    bed.aws.faults.next("UpdateItem", { type, times: 3 });
    const report = await applyChanges(store, changes, () => {}, never);
    assertEquals([report.written.length, report.refused, report.failed], [4, [], []], type);
    assertEquals((await stored()).length, 4);
  }
  const { bed, store } = await bedOf(1);
  bed.aws.faults.next("PutItem", { type: "answerLost" });
  const report = await applyChanges(store, [{ type: "create", lease: newLease(keyOf(9)) }], () => {}, never);
  assertEquals([report.written, report.refused], [[keyOf(9)], []]);
});

Deno.test("applyChanges() that is throttled half-way says what was written, and writes the rest the next time", async () => {
  const { bed, changes, store, stored } = await bedOf(120);
  let calls = 0;
  bed.aws.faults.next("UpdateItem", { type: "throttled", times: Infinity, when: () => ++calls > 40 });
  const report = await applyChanges(store, changes, () => {}, never);
  const { written, refused, failed, notTried } = report;
  assertEquals(written.toSorted(), await stored());
  assertEquals(written.length, 40);
  assertEquals([refused, failed.length > 0], [[], true]);
  assertEquals(written.length + failed.length + notTried.length, 120);
  bed.aws.faults.clear();
  const rest = changes.filter(({ lease }) => !written.includes(lease.leaseKey));
  assertEquals((await applyChanges(store, rest, () => {}, never)).written.length, 80);
  assertEquals((await stored()).length, 120);
});

Deno.test("applyChanges() ends at Ctrl-C between writes, so that each is known to be done or not", async () => {
  const { changes, store, stored } = await bedOf(120);
  const stop = new AbortController();
  const report = await applyChanges(store, changes, (done) => {
    if (done === 50) stop.abort(new Error("Stopped by SIGINT"));
  }, stop.signal);
  assertEquals(report.written.toSorted(), await stored());
  assertEquals([report.refused, report.failed], [[], []]);
  assertEquals(report.written.length + report.notTried.length, 120);
  assertEquals(report.written.length >= 50 && report.written.length < 110, true, `${report.written.length}`);
});

Deno.test("applyChanges() stops at a lease that a worker has renewed meanwhile, and leaves the rest as it is", async () => {
  const { bed, changes, store } = await bedOf(100);
  await bed.renew(keyOf(0));
  const report = await applyChanges(store, changes, () => {}, never);
  assertEquals(report.refused.map(({ leaseKey, found }) => [leaseKey, found?.leaseOwner]), [[
    keyOf(0),
    "worker",
  ]]);
  assert(report.notTried.length > 0, "writes that were not begun are not tried");
  assertEquals(report.written.length + report.notTried.length, 99);
  const kept = await bed.read(keyOf(0));
  assertEquals([kept.leaseOwner, kept.checkpoint.sequenceNumber], ["worker", "TRIM_HORIZON"]);
  for (const leaseKey of report.notTried) assertEquals((await bed.read(leaseKey)).leaseOwner, "worker");
});
