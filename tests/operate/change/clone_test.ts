/** The plan of `kclite clone`: which leases a copy has, and from when on another stream is read. */

import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import type { Lease } from "../../../src/lease/lease.ts";
import { type ClonePlan, clonePlanOf, type CloneRequest } from "../../../src/operate/change/clone.ts";
import { remaining } from "../../../src/operate/change/clone_target.ts";
import { unreadShards } from "../../../src/operate/change/clone_unread.ts";
import { copied } from "../../../src/operate/change/lease_export.ts";
import { isShardEnd, positionAt, SHARD_END } from "../../../src/stream/sequence_number.ts";
import { leaseOf, newLease } from "../../lease/fixtures.ts";
import { OperateBed } from "../../support/operate_bed.ts";

const { signal } = new AbortController();
const COPIES = { streamName: "copies", streamArn: undefined };
const MINUTE_MS = 60_000;

/** Two streams with the same records, a minute apart, over a split in the middle. */
async function bedOfTwo(): Promise<OperateBed> {
  const bed = new OperateBed({ streams: { words: 2, copies: 3 } });
  await bed.table();
  const words = bed.aws.stream("words"), copies = bed.aws.stream("copies");
  for (let n = 0; n < 40; n++) {
    if (n === 20) words.split("shardId-000000000000");
    words.put(`word ${n}`);
    bed.clock.pass(1000);
    copies.put(`word ${n}`);
    bed.clock.pass(MINUTE_MS - 1000);
  }
  return bed;
}

async function planOf(
  bed: OperateBed,
  leases: readonly Lease[],
  request: Partial<CloneRequest>,
): Promise<ClonePlan> {
  return await clonePlanOf(
    bed.fleet,
    { leases, unreadable: [] },
    { at: undefined, toStream: undefined, ...request },
    signal,
  );
}

/** The records that a reader of a stream has not read. @param read How many of each shard it has. */
function checkpointsOf(bed: OperateBed, read: Readonly<Record<string, number | "end">>): readonly Lease[] {
  const stream = bed.aws.stream("words");
  return Object.entries(read).map(([key, count]) => {
    const shardId = `shardId-00000000000${key}`;
    const { sequenceNumber = "TRIM_HORIZON" } = count === "end" || count === 0
      ? {}
      : stream.records(shardId)[count - 1] ?? {};
    return leaseOf({ key: shardId, checkpoint: count === "end" ? "SHARD_END" : sequenceNumber });
  });
}

function arrivalOf(bed: OperateBed, key: number, index: number): number {
  const record = bed.aws.stream("words").records(`shardId-00000000000${key}`)[index];
  assert(record !== undefined);
  return record.approximateArrivalTimestamp;
}

for (
  const [what, read, oldest] of [
    ["the oldest unread record of all shards", { 0: "end", 1: 5, 2: 3, 3: 2 }, [1, 5]],
    ["the first record of a shard that is not begun", { 0: 0, 1: 18, 2: 3, 3: 2 }, [0, 0]],
    ["the first record of a child without a lease", { 0: "end", 1: 100 }, [2, 0]],
  ] as const
) {
  Deno.test(`clonePlanOf() begins another stream at the arrival of ${what}`, async () => {
    const bed = await bedOfTwo();
    const count = bed.aws.stream("words").records("shardId-000000000001").length;
    const all = { ...read, 1: Math.min(read[1], count) };
    const first = Math.min(
      arrivalOf(bed, oldest[0], oldest[1]),
      what.includes("child") ? arrivalOf(bed, 3, 0) : Infinity,
    );
    const { target, changes } = await planOf(bed, checkpointsOf(bed, all), { toStream: COPIES });
    assertEquals(target, { type: "time", epochMs: first });
    assertEquals(changes.length, 3);
    const copies = bed.aws.stream("copies");
    for (const { lease: { shardId, checkpoint } } of changes) {
      const before = copies.records(shardId)
        .filter(({ approximateArrivalTimestamp: ms }) => ms < first).at(-1);
      assertEquals(checkpoint, positionAt(before?.sequenceNumber ?? "TRIM_HORIZON"));
    }
  });
}

Deno.test("clonePlanOf() begins another stream where all is read a quarter of an hour ago", async () => {
  const bed = await bedOfTwo();
  bed.clock.pass(60 * MINUTE_MS);
  const words = bed.aws.stream("words");
  const read = Object.fromEntries(
    [1, 2, 3].map((key) => [key, words.records(`shardId-00000000000${key}`).length] as const),
  );
  const nowMs = bed.clock.epochMs();
  const { target } = await planOf(bed, checkpointsOf(bed, { 0: "end", ...read }), { toStream: COPIES });
  assertEquals(target, { type: "time", epochMs: nowMs - 15 * MINUTE_MS });
});

Deno.test("clonePlanOf() takes the time of a lease at LATEST that has one, and refuses others", async () => {
  const bed = await bedOfTwo();
  const [, one, two, three] = checkpointsOf(bed, { 0: "end", 1: 18, 2: 9, 3: 9 });
  assert(one !== undefined && two !== undefined && three !== undefined);
  const end = leaseOf({ key: "shardId-000000000000", checkpoint: "SHARD_END" });
  const latestEpochMs = bed.clock.epochMs() - 35 * MINUTE_MS;
  const latest = { ...one, checkpoint: positionAt("LATEST") };
  const { target } = await planOf(bed, [end, { ...latest, latestEpochMs }, two, three], { toStream: COPIES });
  assertEquals(target, { type: "time", epochMs: latestEpochMs });
  for (const lease of [latest, { ...one, checkpoint: positionAt("AT_TIMESTAMP") }]) {
    const error = await assertRejects(() => planOf(bed, [end, lease, two, three], { toStream: COPIES }));
    assertStringIncludes(`${error}`, "use --at");
  }
  const done = await assertRejects(() =>
    planOf(bed, [end, ...[one, two, three].map((lease) => ({ ...lease, checkpoint: SHARD_END }))], {
      toStream: COPIES,
    })
  );
  assertStringIncludes(`${done}`, "expected an unfinished one: got none: use --at");
});

Deno.test("clonePlanOf() at a time makes what a first shard sync would, with the mark of the stream", async () => {
  const bed = await bedOfTwo();
  const leases = checkpointsOf(bed, { 1: 18, 2: 9, 3: 9 });
  const epochMs = arrivalOf(bed, 0, 1);
  const { changes } = await planOf(bed, leases, { at: { type: "time", epochMs } });
  // The children of shard 0 are made when it ends.
  const positions = changes.map(({ lease: { shardId, checkpoint } }) => [shardId.at(-1), checkpoint]);
  assertEquals(positions[0], [
    "0",
    positionAt(bed.aws.stream("words").records("shardId-000000000000")[0]?.sequenceNumber ?? ""),
  ]);
  for (const { type, lease } of changes) {
    assertEquals(type, "create");
    assertStringIncludes(lease.streamOrigin ?? "", "words");
  }
  const earliest = await planOf(bed, leases, { at: { type: "earliest" } });
  assertEquals(earliest.changes.map(({ lease: { checkpoint } }) => checkpoint.sequenceNumber), [
    ...Array(4).fill("TRIM_HORIZON"),
  ]);
});

Deno.test("clonePlanOf() reads the children of a finished shard that a scan has missed", async () => {
  const bed = await bedOfTwo();
  const child = "shardId-000000000002";
  await bed.lease(newLease(child));
  const parent = leaseOf({ key: "shardId-000000000000", checkpoint: "SHARD_END", children: [child, "gone"] });
  const { changes } = await planOf(bed, [parent], {});
  assertEquals(changes.map(({ lease: { leaseKey } }) => leaseKey), [parent.leaseKey, child]);
});

Deno.test("clonePlanOf() shows progress up to its end", async () => {
  const bed = await bedOfTwo();
  const steps: (readonly [number, number])[] = [];
  await planOf(bed, checkpointsOf(bed, { 0: "end", 1: 5, 2: 3, 3: 2 }), {
    toStream: COPIES,
    onProgress: (done, total) => void steps.push([done, total]),
  });
  assertEquals(steps.at(-1), [6, 6]);
});

Deno.test("clonePlanOf() bounds empty pages", async () => {
  const bed = await bedOfTwo();
  const { kinesis } = bed.fleet;
  let pages = 0;
  const { clock } = bed;
  const sleep = (ms: number) => Promise.resolve(clock.pass(ms));
  const hasty = { epochMs: () => clock.epochMs(), monotonicMs: () => clock.monotonicMs(), sleep };
  const fleet = {
    ...bed.fleet,
    system: { ...bed.fleet.system, clock: hasty },
    kinesis: {
      ...kinesis,
      getRecords: (_stream: unknown, iterator: string) => {
        pages++;
        return Promise.resolve({
          records: [],
          nextShardIterator: iterator,
          millisBehindLatest: 1,
          bytes: 0,
          childShards: [],
        });
      },
    },
  };
  const [lease] = checkpointsOf(bed, { 1: 3 });
  assert(lease !== undefined);
  const request = { at: undefined, toStream: COPIES };
  const error = await assertRejects(() =>
    clonePlanOf(fleet, { leases: [lease], unreadable: [] }, request, signal)
  );
  assertStringIncludes(`${error}`, "empty pages: try again");
  assertEquals(pages, 5001);
});

Deno.test("unreadShards() leaves out what was read and whose lease was deleted", () => {
  const bed = new OperateBed({ streams: { words: 1 } });
  const words = bed.aws.stream("words");
  words.split("shardId-000000000000");
  words.split("shardId-000000000001");
  // 0 has 1 and 2; 1 has 3 and 4. The leases of 0 and 1 are gone.
  const unreadOf = (...leases: Lease[]) =>
    unreadShards(words.shards(), leases).map(({ shard }) => shard.shardId.at(-1));
  const at = (key: number, checkpoint: string) => leaseOf({ key: `shardId-00000000000${key}`, checkpoint });
  assertEquals(unreadOf(at(2, "49000"), at(3, "49000"), at(4, "SHARD_END")), ["2", "3"]);
  assertEquals(unreadOf(at(0, "SHARD_END"), at(2, "SHARD_END"), at(3, "49000")), ["3", "4"]);
  assertEquals(unreadOf(at(0, "SHARD_END"), at(2, "49000")), ["1", "2", "3", "4"]);
  assertEquals(unreadOf(at(0, "49000")), ["0", "1", "2", "3", "4"]);
});

Deno.test("remaining() keeps whole leases, completes begun ones, and refuses others", () => {
  const end = leaseOf({ key: "b", checkpoint: "SHARD_END", children: ["c"] });
  const plan = [leaseOf({ key: "a", checkpoint: "49000" }), end].map(copied);
  const types = (...there: Lease[]) => remaining("copy", plan, there).map(({ type }) => type);
  const a = leaseOf({ key: "a", checkpoint: "49000" });
  assertEquals(types(), ["create", "create"]);
  assertEquals(types(a), ["keep", "create"]);
  assertEquals(types(a, { ...end, leaseCounter: 1 }), ["keep", "keep"]);
  assertEquals(types({ ...end, childShardIds: [] }), ["create", "create"]);
  assert(isShardEnd(end.checkpoint));
  for (
    const wrong of [
      { ...a, checkpoint: positionAt("49001") },
      { ...a, leaseOwner: "worker" },
      { ...end, childShardIds: [], leaseCounter: 3 },
      { ...a, leaseKey: "z" },
    ]
  ) assertThrows(() => types(wrong), Error, 'Cannot clone to "copy"');
});
