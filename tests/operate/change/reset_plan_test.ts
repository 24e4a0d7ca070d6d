/** What a reset decides about each lease, where random histories meet it seldom. */

import { assertEquals } from "@std/assert";
import { FROM_OLDEST, type ShardPosition } from "../../../src/operate/change/positions.ts";
import { type LeaseChange, planReset } from "../../../src/operate/change/reset_plan.ts";
import { positionAt } from "../../../src/stream/sequence_number.ts";
import { leaseOf, shardsOf, type ShortLease, type ShortShard } from "../../lease/fixtures.ts";

const AFTER_7: ShardPosition = { type: "after", checkpoint: positionAt("7"), arrivalMs: 1 };
const FINISHED: ShardPosition = { type: "finished" };

/** Two shards that were merged, and a third one beside them. */
const MERGED: readonly ShortShard[] = [
  { id: "left", from: 0, to: 1, closed: true },
  { id: "right", from: 1, to: 2, closed: true },
  { id: "child", parents: ["left", "right"], from: 0, to: 2 },
];

function planOf(
  shards: readonly ShortShard[],
  leases: readonly ShortLease[],
  positions: Readonly<Record<string, ShardPosition>>,
): unknown[] {
  return planReset({
    shards: shardsOf(shards, 2),
    leases: leases.map(leaseOf),
    positions: new Map(Object.entries(positions)),
    streamIdentifier: undefined,
    streamOrigin: undefined,
  }).map(shortOf);
}

function shortOf(change: LeaseChange): unknown {
  const { type, lease: { leaseKey } } = change;
  if (type === "keep") return [type, leaseKey, change.reason];
  const { checkpoint } = type === "move" ? change.to : change.lease;
  return [type, leaseKey, checkpoint.sequenceNumber];
}

Deno.test("planReset() makes the lease of a merge's other parent, finished, where one of both is read again", () => {
  const positions = { left: AFTER_7, right: FINISHED, child: FROM_OLDEST };
  assertEquals(planOf(MERGED, [{ key: "child", checkpoint: "50", parents: ["left", "right"] }], positions), [
    ["create", "left", "7"],
    ["create", "right", "SHARD_END"],
    ["move", "child", "TRIM_HORIZON"],
  ]);
});

Deno.test("planReset() makes no lease of what lies before the position", () => {
  const positions = { left: FINISHED, right: FINISHED, child: AFTER_7 };
  assertEquals(planOf(MERGED, [{ key: "child", checkpoint: "50" }], positions), [["move", "child", "7"]]);
});

Deno.test("planReset() of one shard keeps its child from being read again where its lease is gone", () => {
  const grown: readonly ShortShard[] = [
    { id: "root", from: 0, to: 2, closed: true },
    { id: "middle", parents: ["root"], from: 0, to: 2, closed: true },
    { id: "last", parents: ["middle"], from: 0, to: 2 },
  ];
  assertEquals(planOf(grown, [{ key: "last", checkpoint: "50" }], { root: AFTER_7 }), [
    ["create", "root", "7"],
    ["create", "middle", "SHARD_END"],
    ["keep", "last", "notChosen"],
  ]);
});
