/** A fleet's lag, of an emulator. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { lagGlimpseOf, lagReport, leasesOver } from "../../src/operate/lag_report.ts";
import { type LagLookOptions, lookAtLag } from "../../src/operate/lag_look.ts";
import { checkpoint } from "../../src/lease/lease_write.ts";
import { positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";
import { newLease } from "../lease/fixtures.ts";
import { OperateBed } from "../support/operate_bed.ts";

const FIRST = "shardId-000000000000", SECOND = "shardId-000000000001";
const MINUTE_MS = 60_000;
const never = new AbortController().signal;

function put(bed: OperateBed, count: number, hashKey = "0"): string[] {
  return Array.from({ length: count }, (_, n) => {
    bed.clock.pass(MINUTE_MS);
    return bed.aws.stream("words").put(`${n}`, "key", hashKey).sequenceNumber;
  });
}

/** A table with one lease of the first shard. */
async function bedAt(at: string, more: Parameters<typeof newLease>[1] = {}): Promise<OperateBed> {
  const bed = new OperateBed({ streams: { words: 1 } });
  await bed.table();
  await bed.lease(newLease(FIRST, { checkpoint: positionAt(at), ...more }), "a");
  return bed;
}

async function moveTo(bed: OperateBed, leaseKey: string, at: string): Promise<void> {
  const position = at === "SHARD_END" ? SHARD_END : positionAt(at);
  await bed.fleet.leaseStore.apply(checkpoint(await bed.read(leaseKey), position));
}

const look = (bed: OperateBed, options: LagLookOptions = {}) => lookAtLag(bed.fleet, options, never);

async function rows(bed: OperateBed, options: LagLookOptions = {}) {
  return lagReport(undefined, await look(bed, options)).leases;
}

Deno.test("lagReport() has ages of checkpoint and oldest unread record, and when that is trimmed", async () => {
  const bed = await bedAt("TRIM_HORIZON");
  const numbers = put(bed, 4);
  await moveTo(bed, FIRST, numbers[1] ?? "");
  const [row] = await rows(bed);
  assertEquals(
    [row?.state, row?.behindMs, row?.checkpointAgeMs, row?.oldestUnreadAgeMs, row?.trimmedInMs],
    ["behind", MINUTE_MS, 2 * MINUTE_MS, MINUTE_MS, 24 * 60 * MINUTE_MS - MINUTE_MS],
  );
  await moveTo(bed, FIRST, numbers[3] ?? "");
  const [tip] = await rows(bed);
  assertEquals([tip?.state, tip?.behindMs, tip?.trimmedInMs], ["atTip", 0, undefined]);
});

Deno.test("lagReport() compares two looks: progress, pace and the end of catching up", async () => {
  const bed = await bedAt("TRIM_HORIZON");
  const numbers = put(bed, 20);
  await moveTo(bed, FIRST, numbers[0] ?? "");
  const before = lagGlimpseOf(await look(bed));
  await moveTo(bed, FIRST, numbers[9] ?? "");
  bed.clock.pass(MINUTE_MS);
  const report = lagReport(before, await look(bed));
  const [row] = report.leases;
  assertEquals([report.betweenMs, row?.checkpointMoved, row?.slope], [MINUTE_MS, true, -8]);
  assertEquals([row?.behindMs, row?.catchUpMs], [10 * MINUTE_MS, 10 * MINUTE_MS / 8]);
  bed.clock.pass(MINUTE_MS);
  const [still] = lagReport(lagGlimpseOf(await look(bed)), await look(bed)).leases;
  assertEquals(still?.checkpointMoved, false);
});

Deno.test("lagReport() tells a trimmed checkpoint, a lost record and a shard that is gone", async () => {
  const bed = await bedAt("TRIM_HORIZON");
  const numbers = put(bed, 4);
  await moveTo(bed, FIRST, numbers[0] ?? "");
  bed.aws.stream("words").trim(FIRST, numbers[2]);
  const report = lagReport(undefined, await look(bed));
  assertEquals(report.leases[0]?.state, "trimmed");
  assertEquals(leasesOver(report, Infinity).length, 1);

  bed.aws.faults.next("GetShardIterator", {
    type: "refused",
    code: "InvalidArgumentException",
    message: "StartingSequenceNumber 1 used in GetShardIterator on shard s did not come from this stream.",
  });
  assertEquals((await rows(bed))[0]?.state, "trimmed");
  await bed.lease(newLease("shardId-000000000077"));
  assertEquals((await rows(bed)).map(({ state }) => state), ["trimmed", "gone"]);
});

Deno.test("lagReport() counts a record as lost when the stream keeps it no longer", async () => {
  const bed = await bedAt("TRIM_HORIZON");
  put(bed, 1);
  const seen = await look(bed);
  const retentionMs = 0;
  const late = lagReport(undefined, {
    ...seen,
    streams: seen.streams.map((stream) => ({ ...stream, retentionMs })),
    probes: new Map([[FIRST, {
      type: "seen",
      atMs: 0,
      behindMs: 5,
      checkpointAgeMs: undefined,
      oldestUnreadAgeMs: 5,
    }]]),
  });
  assertEquals([late.leases[0]?.state, late.leases[0]?.isLossCertain], ["lost", true]);
});

Deno.test("lagReport() reads leases that have no number yet from where their readers begin", async () => {
  const horizon = await bedAt("TRIM_HORIZON");
  put(horizon, 3);
  const [atHorizon] = await rows(horizon);
  assertEquals([atHorizon?.behindMs, atHorizon?.checkpointAgeMs], [2 * MINUTE_MS, undefined]);

  const bed = await bedAt("LATEST");
  put(bed, 3);
  assertEquals((await rows(bed))[0]?.state, "notBegun");
  const timed = await bedAt("AT_TIMESTAMP");
  put(timed, 3);
  assertEquals((await rows(timed))[0]?.state, "notBegun");
  const initialTimestampMs = timed.clock.epochMs() - MINUTE_MS - 1;
  assertEquals((await rows(timed, { initialTimestampMs }))[0]?.behindMs, MINUTE_MS);
  const marked = await bedAt("LATEST", { latestEpochMs: timed.clock.epochMs() - MINUTE_MS });
  put(marked, 3);
  assertEquals((await rows(marked))[0]?.behindMs, MINUTE_MS);
});

Deno.test("lagReport() leaves finished leases out, and shows children that wait for their parents", async () => {
  const bed = await bedAt("TRIM_HORIZON");
  put(bed, 2);
  bed.aws.stream("words").split(FIRST);
  const children = bed.aws.stream("words").shards().slice(1).map(({ shardId }) => shardId);
  for (const child of children) await bed.lease(newLease(child, { parentShardIds: [FIRST] }));
  const waiting = await rows(bed);
  assertEquals(waiting.map(({ shardId, state }) => [shardId, state]), [
    [FIRST, "behind"],
    ...children.map((child) => [child, "waiting"]),
  ]);
  assertEquals(waiting[1]?.waitsFor, [FIRST]);
  await moveTo(bed, FIRST, "SHARD_END");
  const report = lagReport(undefined, await look(bed));
  assertEquals([report.finishedLeases, report.leases.map(({ state }) => state)], [1, ["atTip", "atTip"]]);
});

Deno.test("lagReport() names open shards without a lease, of streams without any lease too", async () => {
  const bed = new OperateBed();
  await bed.table();
  await bed.lease(newLease(FIRST), "a");
  const one = lagReport(undefined, await look(bed));
  assertEquals(one.openShardsWithoutLease, [{ streamName: "words", shardId: SECOND }]);
  // A lease that is finished too early is another fault than one that is missing.
  await bed.lease(newLease(SECOND), "a");
  await moveTo(bed, SECOND, "SHARD_END");
  assertEquals(lagReport(undefined, await look(bed)).openShardsWithoutLease, []);
  const empty = new OperateBed();
  await empty.table();
  assertEquals(lagReport(undefined, await look(empty)).openShardsWithoutLease.length, 2);
});

Deno.test("lagReport() keeps many streams apart, and says which lease names none", async () => {
  const bed = new OperateBed({ streams: { words: 1, more: 1 } });
  await bed.table();
  const identifiers = ["words", "more"].map((name) => `000000000000:${name}:1700000000`);
  for (const streamIdentifier of identifiers) {
    await bed.lease(newLease(FIRST, { leaseKey: `${streamIdentifier}:${FIRST}`, streamIdentifier }));
  }
  put(bed, 2);
  const report = lagReport(undefined, await look(bed));
  assertEquals(report.leases.map(({ streamIdentifier, behindMs }) => [streamIdentifier, behindMs]), [
    [identifiers[0], MINUTE_MS],
    [identifiers[1], 0],
  ]);
  const [words = ""] = identifiers;
  const child = "shardId-000000000005";
  await bed.lease(
    newLease(child, { leaseKey: `${words}:${child}`, streamIdentifier: words, parentShardIds: [FIRST] }),
  );
  const waiting = lagReport(undefined, await look(bed)).leases.find(({ shardId }) => shardId === child);
  assertEquals(waiting?.waitsFor, [FIRST]);
  await bed.lease(newLease(FIRST, { leaseKey: "x:y", streamIdentifier: "x" }));
  const foreign = lagReport(undefined, await look(bed));
  assertStringIncludes(foreign.notRead.join(), '"x" in a lease names no stream');
  assert(foreign.leases.some(({ leaseKey, state }) => leaseKey === "x:y" && state === "unknown"));
});

Deno.test("lookAtLag() opens an expired iterator again, and shows the table without Kinesis", async () => {
  const bed = await bedAt("TRIM_HORIZON");
  put(bed, 2);
  bed.aws.faults.next("GetRecords", { type: "refused", code: "ExpiredIteratorException" });
  assertEquals((await rows(bed))[0]?.behindMs, MINUTE_MS);
  const refused = { type: "refused", code: "AccessDeniedException", times: Infinity } as const;
  for (const operation of ["GetShardIterator", "ListShards", "DescribeStreamSummary"] as const) {
    bed.aws.faults.next(operation, refused);
  }
  const { leases, notRead } = lagReport(undefined, await look(bed));
  assertEquals([leases[0]?.state, leases[0]?.owner, notRead.length], ["unknown", "a", 3]);
  for (const action of ["kinesis:GetShardIterator", "kinesis:ListShards", "kinesis:DescribeStreamSummary"]) {
    assert(notRead.some((text) => text.endsWith(`allow ${action}`)), action);
  }
});

Deno.test("lagReport() calls no shard unread when the leases could not be read", async () => {
  const bed = await bedAt("TRIM_HORIZON");
  bed.aws.faults.next("Scan", { type: "refused", code: "AccessDeniedException", times: Infinity });
  const { openShardsWithoutLease, notRead } = lagReport(undefined, await look(bed));
  assertEquals(openShardsWithoutLease, []);
  assertEquals(notRead, ["The leases could not be read: allow dynamodb:Scan"]);
});
