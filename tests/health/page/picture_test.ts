/** Pictures of fleets: this worker by its events, the rest by a look at the table. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { FleetPicture, ShardLine } from "../../../src/health/page/fleet_picture.ts";
import { pictureOf } from "../../../src/health/page/picture.ts";
import type { PictureHistory } from "../../../src/health/page/picture_facts.ts";
import { type FleetSight, seenFleet } from "../../../src/health/page/seen_fleet.ts";
import type { Lease } from "../../../src/lease/lease.ts";
import { Totals } from "../../../src/observe/totals.ts";
import { healthOf } from "../../../src/observe/verdict.ts";
import { describeFleet, type Glimpse, glimpseOf } from "../../../src/operate/describe.ts";
import type { TableLook } from "../../../src/operate/table_look.ts";
import { SHARD_END } from "../../../src/stream/sequence_number.ts";
import { leaseWith } from "../../lease/fixtures.ts";
import { sample, SAMPLE_EVENTS } from "../../observe/sample_events.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const NOTHING: PictureHistory = { lagOf: () => [], largestLag: () => [], recordsPerSecond: () => [] };

/** A worker named w1, and a table. */
class Bed {
  readonly clock: FakeClock = new FakeClock();
  readonly totals: Totals = new Totals(this.clock);
  sight: FleetSight = { type: "own" };
  others: PictureHistory = NOTHING;
  #glimpse: Glimpse | undefined;

  constructor() {
    this.totals.listener(
      sample("workerStarting", { applicationName: "orders", streamName: "words", workerId: "w1" }),
    );
    this.totals.listener(sample("workerReady", { workerId: "w1" }));
  }

  /** This worker gains leases, and reads them. */
  hold(...leaseKeys: readonly string[]): void {
    for (const leaseKey of leaseKeys) {
      this.totals.listener(sample("leaseGained", { leaseKey, shardId: leaseKey, workerId: "w1" }));
      this.totals.listener(sample("phaseChanged", { leaseKey, phase: "processing" }));
    }
  }

  /** Somebody looks. */
  look(leases: readonly Lease[], more: Partial<TableLook> = {}): void {
    const look: TableLook = {
      tableName: "orders",
      description: undefined,
      place: "leaseTable",
      migrations: [],
      leases: leases.toSorted((a, b) => a.leaseKey < b.leaseKey ? -1 : 1),
      workers: [],
      unreadable: [],
      lock: undefined,
      startedMs: this.clock.monotonicMs(),
      startedEpochMs: this.clock.epochMs(),
      failures: [],
      ...more,
    };
    const before = this.sight.type === "read" ? this.sight.fleet : undefined;
    const fleet = seenFleet({ look, description: describeFleet(this.#glimpse, look), before });
    this.#glimpse = glimpseOf(look);
    this.sight = { type: "read", fleet, problems: [] };
  }

  picture(): FleetPicture {
    const snapshot = this.totals.snapshot();
    const { sight, others } = this;
    const health = healthOf(snapshot);
    return pictureOf({ snapshot, health, limits: {}, region: "eu-central-1", sight, others });
  }

  line(leaseKey: string): ShardLine {
    const found = this.picture().shards.find((line) => line.leaseKey === leaseKey);
    assert(found !== undefined, `there is no ${leaseKey}`);
    return found;
  }
}

function lease(leaseKey: string, leaseOwner: string | undefined, more: Partial<Lease> = {}): Lease {
  return leaseWith({ leaseKey, shardId: leaseKey, leaseOwner, leaseCounter: 1, ...more });
}

Deno.test("pictureOf() shows what this worker knows of its own shards, and says that it knows no others", () => {
  const bed = new Bed();
  bed.hold("a");
  bed.totals.listener(
    sample("batchProcessed", { leaseKey: "a", records: 600, bytes: 614_400, millisBehindLatest: 500, ms: 0 }),
  );
  bed.totals.listener(sample("checkpointed", { leaseKey: "a" }));
  bed.clock.jump(5000);
  const { application, streams, region, workerId, table, sums, workers, ranges } = bed.picture();
  assertEquals([application, streams, region, workerId], ["orders", ["words"], "eu-central-1", "w1"]);
  assertEquals([table, ranges], [{ type: "own" }, []]);
  const line = bed.line("a");
  assertEquals([line.owner, line.isOwn, line.state, line.phase], ["w1", true, "held", "processing"]);
  assertEquals([line.lagMs, line.recordsPerSecond, line.kBps, line.checkpointAgeMs], [500, 60, 60, 5000]);
  assertEquals([line.level, line.notes], ["good", []]);
  assertEquals(sums.largestLag, { lagMs: 500, leaseKey: "a" });
  assertEquals([sums.recordsPerSecond, sums.unfinished, sums.read, sums.waiting], [60, 1, 1, 0]);
  assertEquals(workers.map(({ workerId, isOwn, leases, kBps }) => [workerId, isOwn, leases, kBps]), [[
    "w1",
    true,
    1,
    60,
  ]]);
});

Deno.test("pictureOf() shows the fleet by the table, and its own shards by what it knows", () => {
  const bed = new Bed();
  bed.hold("a");
  bed.look([
    // The look is older than the gain.
    lease("a", "w2"),
    lease("b", "w2", { throughputKBps: 12 }),
    lease("done", "w2", { checkpoint: SHARD_END }),
  ], {
    workers: [{
      workerId: "w2",
      lastUpdateEpochS: bed.clock.epochMs() / 1000 - 4,
      stats: { C: [40] },
      operatingRange: { C: [100] },
      supportCode: 1,
      supportEpochS: 1,
      drainingSinceEpochS: 1,
    }],
    lock: { ownerName: "w2", leaseDurationMs: 1, recordVersionNumber: "v", isReleased: false },
  });
  bed.clock.jump(3000);
  const { shards, table, workers, sums } = bed.picture();
  assertEquals(shards.map(({ leaseKey, owner, isOwn, state }) => [leaseKey, owner, isOwn, state]), [
    ["a", "w1", true, "held"],
    ["b", "w2", false, "assigned"],
  ]);
  assertEquals(table, { type: "read", ageMs: 3000, problems: [] });
  assertEquals([bed.line("b").kBps, bed.line("b").checkpointAgeMs, bed.line("b").lagMs], [
    12,
    3000,
    undefined,
  ]);
  assertEquals(workers, [{
    workerId: "w2",
    isLeader: true,
    isOwn: false,
    state: "reports",
    isDraining: true,
    leases: 2,
    cpuPercent: 40,
    kBps: 12,
    reportAgeMs: 7000,
  }]);
  assertEquals([sums.unfinished, sums.read], [2, 2]);
});

Deno.test("pictureOf() shows handoffs under way: of its own shards, and of those of others", () => {
  const bed = new Bed();
  bed.hold("a");
  bed.look([
    lease("a", "w2", { checkpointOwner: "w1" }),
    lease("b", "w3", { checkpointOwner: "w2" }),
  ]);
  const states = bed.picture().shards.map((
    line,
  ) => [line.leaseKey, line.owner, line.nextOwner, line.state, line.level]);
  assertEquals(states, [["a", "w1", "w2", "handoff", "good"], ["b", "w2", "w3", "handoff", "good"]]);
  // The look is older than the release.
  bed.clock.jump(1);
  bed.totals.listener(sample("leaseReleased", { leaseKey: "a" }));
  const { isOwn, state, notes } = bed.line("a");
  assertEquals([isOwn, state, notes], [false, "assigned", ["no longer held: released"]]);
});

Deno.test("pictureOf() shows leases that nobody renews or has as errors, and a new free one as a warning", () => {
  const bed = new Bed();
  const leases = [lease("b", "w2"), lease("c", "w2"), lease("d", undefined)];
  bed.look(leases);
  bed.clock.jump(10_000);
  bed.look([
    lease("b", "w2", { leaseCounter: 2 }),
    lease("c", "w2"),
    lease("d", undefined),
    lease("e", undefined),
  ]);
  const lines = bed.picture().shards.map((
    { leaseKey, state, level, notes },
  ) => [leaseKey, state, level, notes.join()]);
  assertEquals(lines, [
    ["c", "notRenewed", "error", "w2 does not renew it"],
    ["d", "free", "error", "no worker has it"],
    ["e", "free", "warning", "no worker has it"],
    ["b", "held", "good", ""],
  ]);
  const { unfinished, read } = bed.picture().sums;
  assertEquals([unfinished, read], [4, 1]);
});

Deno.test("pictureOf() counts a child that waits for its parents apart, whoever has it", () => {
  const bed = new Bed();
  bed.totals.listener(sample("leaseGained", { leaseKey: "c1", shardId: "c1", workerId: "w1" }));
  bed.totals.listener(sample("shardBlocked", { leaseKey: "c1", parents: ["p"] }));
  bed.look([
    lease("p", "w2"),
    lease("c1", "w1", { parentShardIds: ["p"] }),
    lease("c2", "w2", { parentShardIds: ["p"] }),
    lease("c3", undefined, { parentShardIds: ["p"] }),
    lease("d", "w2", { parentShardIds: ["gone"] }),
  ]);
  const { sums, shards } = bed.picture();
  assertEquals([sums.unfinished, sums.read, sums.waiting], [2, 2, 3]);
  const notes = shards.filter(({ phase }) => phase === "waitingOnParents").map((
    { leaseKey, level, notes },
  ) => [leaseKey, level, ...notes]);
  assertEquals(notes.toSorted(), [
    ["c1", "good", "waits for p"],
    ["c2", "good", "waits for p"],
    ["c3", "good", "waits for p"],
  ]);
});

Deno.test("pictureOf() says what is wrong, what to do, and for how long it has been so", () => {
  const bed = new Bed();
  bed.hold("a", "b");
  bed.clock.jump(4000);
  assertEquals(bed.picture().verdict, { isHealthy: true, sinceMs: 4000, faults: [] });
  bed.totals.listener({
    type: "faultBegan",
    code: "callbackSlow",
    level: "warning",
    leaseKey: "b",
    text: "It is slow.",
  });
  bed.clock.jump(7000);
  bed.totals.listener({
    type: "faultBegan",
    code: "renewalOverdue",
    level: "error",
    leaseKey: "a",
    text: "x",
  });
  bed.totals.listener(sample("leaseRenewed", { leaseKey: "b" }));
  bed.clock.jump(1000);
  const { verdict, shards } = bed.picture();
  assertEquals([verdict.isHealthy, verdict.sinceMs], [false, 1000]);
  assertEquals(verdict.faults, [
    {
      level: "error",
      code: "renewalOverdue",
      leaseKey: "a",
      text: "The lease has not been renewed for 12.0 s.",
      advice: "Look for `renewal failed` lines and at DynamoDB.",
    },
    { level: "warning", code: "callbackSlow", leaseKey: "b", text: "It is slow.", advice: undefined },
  ]);
  assertEquals(shards.map(({ leaseKey, level }) => [leaseKey, level]), [["a", "error"], ["b", "warning"]]);
});

Deno.test("pictureOf() does not repeat the advice that a fault of the fleet has in its text", () => {
  const bed = new Bed();
  bed.totals.listener(SAMPLE_EVENTS.fleetAudited);
  const [fault] = bed.picture().verdict.faults;
  assert(fault !== undefined);
  assertEquals(fault.advice, undefined);
});

Deno.test("pictureOf() notes of an own shard what is special about it, and only while it is", () => {
  const bed = new Bed();
  bed.hold("a");
  bed.totals.listener(sample("callbackStarted", { leaseKey: "a", callback: "processRecords", records: 3 }));
  bed.totals.listener(sample("leaseRenewalFailed", { leaseKey: "a", error: new Error("no luck") }));
  assertEquals(bed.line("a").notes, ["0 ms ago: no luck"]);
  bed.clock.jump(6000);
  assertEquals(bed.line("a").notes, ["in processRecords for 6.0 s", "6.0 s ago: no luck"]);
  bed.totals.listener(
    sample("callbackEnded", { leaseKey: "a", callback: "processRecords", error: undefined }),
  );
  bed.totals.listener(
    sample("batchFailed", { leaseKey: "a", records: 3, outcome: "skipped", error: new Error("bad") }),
  );
  bed.clock.jump(700_000);
  assertEquals(bed.line("a").notes, ["3 records skipped"]);
});

Deno.test("pictureOf() shows what has become of a shard that is no longer held: without a look, or when it is at fault", () => {
  const bed = new Bed();
  bed.hold("a", "b");
  bed.totals.listener(sample("leaseLost", { leaseKey: "a", reason: "taken" }));
  const { owner, isOwn, state, notes } = bed.line("a");
  assertEquals([owner, isOwn, state, notes], [undefined, false, "free", ["no longer held: taken"]]);
  // It counts for nothing: another has it.
  assertEquals(bed.picture().sums.unfinished, 1);
  bed.clock.jump(1000);
  bed.look([lease("a", "w2"), lease("b", "w1")]);
  const taken = bed.line("a");
  assertEquals([taken.owner, taken.notes], ["w2", []]);
});

Deno.test("pictureOf() shows why the last look failed beside the one before, and its age", () => {
  const bed = new Bed();
  bed.look([lease("a", "w2")], { unreadable: [{ key: "x", problem: "no checkpoint" }] });
  if (bed.sight.type === "read") bed.sight = { ...bed.sight, problems: ["no way there"] };
  bed.clock.jump(60_000);
  assertEquals(bed.picture().table, {
    type: "read",
    ageMs: 60_000,
    problems: ["no way there", "1 row cannot be read, the first is x: no checkpoint"],
  });
});

Deno.test("pictureOf() draws who reads what as it is now, and names the one stream", () => {
  const bed = new Bed();
  bed.look([lease("a", "w2")]);
  bed.hold("a");
  assertEquals(
    bed.picture().ranges.map(({ streamName, parts }) => [streamName, parts.map(({ owner }) => owner)]),
    [
      ["words", ["w1"]],
    ],
  );
});

Deno.test("pictureOf() joins the history of its own shards with that of the others", () => {
  const bed = new Bed();
  bed.hold("a");
  bed.totals.listener(sample("pageFetched", { leaseKey: "a", records: 0, millisBehindLatest: 300 }));
  bed.look([lease("a", "w1"), lease("b", "w2")]);
  bed.others = {
    lagOf: (key) => key === "b" ? [1, 2] : [],
    largestLag: () => [900, 100],
    recordsPerSecond: () => [5],
  };
  assertEquals([bed.picture().sums.lagHistory, bed.line("b").lagHistory], [[900, 300], [1, 2]]);
  bed.sight = { type: "own" };
  assertEquals(bed.picture().sums.lagHistory, [300]);
});

Deno.test("pictureOf() of 10,000 shards is quick, the worst first, and of hostile names what it is given", () => {
  const bed = new Bed();
  const hostile = '"><script>\u202e\0';
  bed.look([
    ...Array.from({ length: 10_000 }, (_, n) => lease(`shardId-${`${n}`.padStart(12, "0")}`, `w${n % 200}`)),
    lease(hostile, undefined),
  ]);
  const before = performance.now();
  const { shards, workers } = bed.picture();
  const ms = performance.now() - before;
  assertEquals([shards.length, shards[0]?.leaseKey, workers.length], [10_001, hostile, 200]);
  assert(ms < 2000, `${ms} ms`);
});

Deno.test("pictureOf() takes no harm from a wall clock that jumps", () => {
  const bed = new Bed();
  const report = { workerId: "w2", stats: {}, operatingRange: {}, supportCode: 1, supportEpochS: 1 };
  const lastUpdateEpochS = bed.clock.epochMs() / 1000;
  bed.clock.setEpochMs(0);
  bed.hold("a");
  bed.look([lease("a", "w1"), lease("b", "w2")], { workers: [{ ...report, lastUpdateEpochS }] });
  bed.clock.jump(1000);
  const { workers, shards, verdict, table } = bed.picture();
  assertEquals(workers.map(({ reportAgeMs }) => reportAgeMs), [undefined, 1000]);
  assert(
    [verdict.sinceMs, ...shards.map(({ checkpointAgeMs }) => checkpointAgeMs)].every((ms) => (ms ?? 0) >= 0),
  );
  assertEquals(table.type === "read" && table.ageMs, 1000);
  assertStringIncludes(new Date(bed.picture().epochMs).toISOString(), "1970-01-01");
});

Deno.test("pictureOf() shows when unread records are trimmed, and whether the reader comes in time", () => {
  const bed = new Bed();
  const behind = (millisBehindLatest: number) => {
    bed.totals.listener(sample("leaseRenewed", { leaseKey: "a" }));
    bed.totals.listener(sample("pageFetched", { leaseKey: "a", records: 0, millisBehindLatest }));
  };
  bed.totals.listener({ type: "streamDescribed", streamIdentifier: undefined, retentionMs: 86_400_000 });
  bed.hold("a");
  for (let minute = 0; minute < 30; minute++) {
    behind(7_200_000 - minute * 120_000);
    bed.clock.jump(60_000);
  }
  behind(3_600_000);
  const { sums } = bed.picture();
  assertEquals([sums.trimmedInMs, sums.retentionMs, sums.warnBelowMs], [82_800_000, 86_400_000, 21_600_000]);
  assertEquals([sums.isLossCertain, sums.catchUpMs !== undefined], [false, true]);
  const line = bed.line("a");
  assertEquals([line.trimmedInMs, line.level], [82_800_000, "warning"]);
  assertStringIncludes(line.notes.join(), "catches up in about");
  for (let minute = 0; minute < 30; minute++) {
    behind(3_600_000 + minute * 60_000);
    bed.clock.jump(60_000);
  }
  assertEquals([bed.picture().sums.isLossCertain, bed.line("a").notes.join()], [
    true,
    "falls further behind",
  ]);
});

Deno.test("pictureOf() shows lag and rate of another worker's shard as its owner wrote them, and when it is trimmed", () => {
  const bed = new Bed();
  bed.totals.listener({ type: "streamDescribed", streamIdentifier: undefined, retentionMs: 86_400_000 });
  const written = (leaseKey: string, lagMs: number) =>
    lease(leaseKey, "w2", {
      mark: { workerId: "w2", generation: 1, nonce: "0", leaseCounter: 1 },
      progress: { lagMs, recordsPerSecond: 40 },
    });
  bed.look([written("b", 90_000), written("c", 0), lease("java", "w3")]);
  const shown = bed.picture().shards.map((
    { leaseKey, level, lagMs, recordsPerSecond, trimmedInMs },
  ) => [leaseKey, level, lagMs, recordsPerSecond, trimmedInMs]);
  assertEquals(shown, [
    ["b", "warning", 90_000, 40, 86_310_000],
    ["c", "good", 0, 40, 86_400_000],
    ["java", "good", undefined, undefined, undefined],
  ]);
  const { largestLag, recordsPerSecond, trimmedInMs } = bed.picture().sums;
  assertEquals([largestLag, recordsPerSecond, trimmedInMs], [
    { lagMs: 90_000, leaseKey: "b" },
    80,
    86_310_000,
  ]);
});
