/** What a reset decides about each lease: tests/cases/reset_plan.json. */

import { assertEquals } from "@std/assert";
import type { Lease } from "../../../src/lease/lease.ts";
import { FROM_OLDEST, type ShardPosition, targetOf } from "../../../src/operate/change/positions.ts";
import { type LeaseChange, planReset, shardsToSearch } from "../../../src/operate/change/reset_plan.ts";
import { positionAt } from "../../../src/stream/sequence_number.ts";
import type { Shard } from "../../../src/stream/shard.ts";
import { leaseOf } from "../../lease/fixtures.ts";
import { shardWith } from "../../support/scripted_kinesis.ts";
import CASES from "../../cases/reset_plan.json" with { type: "json" };

function idOf(number: string): string {
  return `shardId-00000000000${number}`;
}

/** `2 < 0 1`: shard 2 was made of 0 and 1. */
function shardOf(text: string): Shard {
  const [number = "", parents = ""] = text.split(" < ");
  const [parent, other] = parents.split(" ").filter((name) => name !== "").map(idOf);
  return shardWith(idOf(number), { parentShardId: parent, adjacentParentShardId: other });
}

function leaseIn(number: string, text: string): Lease {
  const [checkpoint = "", ...more] = text.split(" ");
  const children = more.filter((word) => word.startsWith("+")).map((word) => idOf(word.slice(1)));
  const lease = leaseOf({ key: idOf(number), checkpoint, children, owner: "a" });
  return {
    ...lease,
    finishedAhead: more.includes("ahead") ? "1:5-9" : undefined,
    pendingCheckpoint: more.includes("prepared") ? positionAt("95") : undefined,
    checkpointOwner: more.includes("handoff") ? "b" : undefined,
  };
}

function positionIn(text: string): ShardPosition {
  if (text === "finished") return { type: "finished" };
  return { type: "after", checkpoint: positionAt(text), arrivalMs: undefined };
}

function textOf(change: LeaseChange): string {
  const number = change.lease.shardId.slice(-1);
  if (change.type === "keep") return `keep ${number} ${change.reason}`;
  const { checkpoint, childShardIds = [] }: {
    checkpoint: Lease["checkpoint"];
    childShardIds?: readonly string[];
  } = change.type === "move"
    ? { checkpoint: change.to.checkpoint, childShardIds: change.to.childShardIds ?? [] }
    : { checkpoint: change.lease.checkpoint };
  return [change.type, number, checkpoint.sequenceNumber, ...childShardIds.map((id) => `+${id.slice(-1)}`)]
    .join(" ");
}

for (const { comment, shards, leases, positions, plan } of CASES) {
  Deno.test(`planReset(): ${comment}`, () => {
    const entries = (texts: object) => Object.entries(texts).filter(([, text]) => text !== undefined);
    const changes = planReset({
      shards: shards.map(shardOf).toReversed(),
      leases: entries(leases).map(([number, text]) => leaseIn(number, text)),
      positions: new Map(entries(positions).map(([number, text]) => [idOf(number), positionIn(text)])),
      streamIdentifier: undefined,
      streamOrigin: "words:1",
    });
    assertEquals(changes.map(textOf), plan);
    for (const change of changes) {
      if (change.type === "move") {
        assertEquals([change.to.finishedAhead, change.to.pendingCheckpoint], [undefined, undefined]);
      }
      if (change.type === "create") assertEquals(change.lease.streamOrigin, "words:1");
    }
  });
}

Deno.test("shardsToSearch() reads no child of a shard that holds records after the position", () => {
  const shards = ["0", "1", "2 < 0", "3 < 1", "4 < 2 3"].map(shardOf);
  const idsOf = (found: ReturnType<typeof shardsToSearch>) => ({
    decided: found.decided.map(({ shardId }) => shardId.slice(-1)),
    search: found.search.map(({ shardId }) => shardId.slice(-1)),
  });
  const known = new Map<string, ShardPosition>();
  assertEquals(idsOf(shardsToSearch(shards, known)), { decided: [], search: ["0", "1"] });
  known.set(idOf("0"), FROM_OLDEST).set(idOf("1"), { type: "finished" });
  assertEquals(idsOf(shardsToSearch(shards, known)), { decided: ["2"], search: ["3"] });
  known.set(idOf("2"), FROM_OLDEST).set(idOf("3"), { type: "finished" });
  assertEquals(idsOf(shardsToSearch(shards, known)), { decided: ["4"], search: [] });
});

Deno.test("shardsToSearch() ends with a listing in which shards descend from each other", () => {
  const circle = ["0 < 1", "1 < 0"].map(shardOf);
  assertEquals(shardsToSearch(circle, new Map()).search.length, 2);
});

Deno.test("targetOf() reads words, sequence numbers and times", () => {
  const readTime = (text: string) => text === "2026-01-30T12:00:00Z" ? 5 : undefined;
  assertEquals(targetOf("earliest", readTime), { type: "earliest" });
  assertEquals(targetOf("2026-01-30T12:00:00Z", readTime), { type: "time", epochMs: 5 });
  assertEquals(
    targetOf("49590338271490256608559692538361571095921575989136588898", readTime)?.type,
    "sequenceNumber",
  );
  for (const text of ["2026", "LATEST", "", "-1"]) assertEquals(targetOf(text, readTime), undefined);
});
