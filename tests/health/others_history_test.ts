import { assertEquals } from "@std/assert";
import { OthersHistory } from "../../src/health/others_history.ts";
import type { SeenFleet, SeenLease } from "../../src/health/page/seen_fleet.ts";

/** A look. @param lags By lease key; undefined where the owner writes none. */
function look(seenMs: number, lags: Readonly<Record<string, number | undefined>>): SeenFleet {
  const leases = Object.entries(lags).map(([leaseKey, lagMs]): [string, SeenLease] => [leaseKey, {
    leaseKey,
    state: "held",
    owner: "w2",
    nextOwner: undefined,
    checkpoint: "TRIM_HORIZON",
    throughputKBps: undefined,
    isStill: false,
    checkpointSinceMs: seenMs,
    waitsFor: [],
    hasFinishedAhead: false,
    lagMs,
    recordsPerSecond: lagMs === undefined ? undefined : 10,
  }]);
  return { seenMs, leases: new Map(leases), workers: [], ranges: [], problems: [] };
}

Deno.test("OthersHistory keeps an hour of what looks show of others' shards, each look once", () => {
  const history = new OthersHistory();
  const held = new Set(["own"]);
  for (let ms = 0; ms < 120_000; ms += 10_000) {
    const fleet = look(ms, { a: ms, own: 99_000, java: undefined });
    history.note(fleet, held);
    history.note(fleet, held);
  }
  const { lagOf, recordsPerSecond } = history.at(119_999);
  assertEquals([lagOf("a"), lagOf("own"), lagOf("java")], [[50_000, 110_000], [], []]);
  // The first look says nothing of the time before it.
  assertEquals(recordsPerSecond().map((rate) => Math.round(rate ?? -1)), [8, 10]);
});

Deno.test("OthersHistory forgets a shard that is gone, or that this worker has gained", () => {
  const history = new OthersHistory();
  history.note(look(0, { a: 1000, b: 2000 }), new Set());
  history.note(look(10_000, { b: 3000 }), new Set(["b"]));
  assertEquals([history.at(10_000).lagOf("a"), history.at(10_000).lagOf("b")], [[], []]);
});
