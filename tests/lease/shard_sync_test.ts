import { assertEquals } from "@std/assert";
import { leasesToCreate, shardFilterOf } from "../../src/lease/shard_sync.ts";
import type { InitialPosition } from "../../src/stream/sequence_number.ts";
import cases from "../cases/shard_sync.json" with { type: "json" };
import { leaseOf, rangeOf, shardsOf, type ShortShard } from "./fixtures.ts";

/** A case as its table writes it: leases are `shard checkpoint`, what is created is `shard checkpoint` in order. */
interface Case {
  readonly comment: string;
  readonly example?: boolean;
  readonly shards?: readonly ShortShard[];
  readonly parts?: number;
  readonly leases: readonly string[];
  readonly isFirstSync?: boolean;
  readonly position: string;
  readonly ignore?: boolean;
  readonly begunAtLatestMs?: number;
  readonly create?: readonly string[];
  readonly relist?: string;
}

/** Six shards; 0 and 1, 2 and 3 were merged to 6 and 7, those to 8; 5 was split into 9 and 10. */
const EXAMPLE: readonly ShortShard[] = [
  { id: "0", from: 0, to: 2, closed: true },
  { id: "1", from: 2, to: 4, closed: true },
  { id: "2", from: 4, to: 6, closed: true },
  { id: "3", from: 6, to: 8, closed: true },
  { id: "4", from: 8, to: 10 },
  { id: "5", from: 10, to: 12, closed: true },
  { id: "6", from: 0, to: 4, parents: ["0", "1"], closed: true },
  { id: "7", from: 4, to: 8, parents: ["2", "3"], closed: true },
  { id: "8", from: 0, to: 8, parents: ["6", "7"] },
  { id: "9", from: 10, to: 11, parents: ["5"] },
  { id: "10", from: 11, to: 12, parents: ["5"] },
];

function positionOf(text: string): InitialPosition {
  return text === "AT_TIMESTAMP" ? new Date(1000) : text === "LATEST" ? "LATEST" : "TRIM_HORIZON";
}

for (const one of cases as readonly Case[]) {
  Deno.test(`leasesToCreate(): ${one.comment}`, () => {
    const plan = leasesToCreate({
      shards: one.example ? shardsOf(EXAMPLE, 12) : shardsOf(one.shards ?? [], one.parts ?? 1),
      leases: one.leases.map((text) => {
        const [key = "", checkpoint] = text.split(" ");
        return leaseOf({ key, checkpoint });
      }),
      isFirstSync: one.isFirstSync ?? one.leases.length === 0,
      initialPosition: positionOf(one.position),
      streamIdentifier: undefined,
      ignoreUnexpectedChildShards: one.ignore ?? false,
      begunAtLatestMs: one.begunAtLatestMs,
    });
    if (plan.type === "relist") assertEquals(plan.reason, one.relist);
    else {
      const created = plan.leases.map((lease) => `${lease.shardId} ${lease.checkpoint.sequenceNumber}`);
      assertEquals(created, one.create);
    }
  });
}

Deno.test("leasesToCreate() writes parents as listed, ranges, and the stream into the key of a many-streams table", () => {
  const shards = shardsOf([{ id: "c", from: 0, to: 1, parents: ["gone", "too"] }], 1);
  const plan = leasesToCreate({
    shards,
    leases: [],
    isFirstSync: true,
    initialPosition: "TRIM_HORIZON",
    streamIdentifier: "1234:orders:99",
    ignoreUnexpectedChildShards: false,
  });
  assertEquals(plan, {
    type: "create",
    leases: [{
      leaseKey: "1234:orders:99:c",
      shardId: "c",
      streamIdentifier: "1234:orders:99",
      checkpoint: { sequenceNumber: "TRIM_HORIZON", subSequenceNumber: 0 },
      parentShardIds: ["gone", "too"],
      hashKeyRange: rangeOf(0, 1, 1),
    }],
  });
});

Deno.test("leasesToCreate() says what is wrong with a listing", () => {
  const input = {
    leases: [],
    isFirstSync: true,
    initialPosition: "LATEST",
    streamIdentifier: undefined,
    ignoreUnexpectedChildShards: false,
  } as const;
  const hole = leasesToCreate({ ...input, shards: shardsOf([{ id: "a", from: 1, to: 2 }], 2) });
  assertEquals(hole, {
    type: "relist",
    reason: "incomplete",
    problem: "no shard serves hash keys 0 to 170141183460469231731687303715884105727",
  });
  const shards = shardsOf([{ id: "a", from: 0, to: 1 }, { id: "b", from: 0, to: 1, parents: ["a"] }], 1);
  assertEquals(leasesToCreate({ ...input, shards }), {
    type: "relist",
    reason: "inconsistent",
    problem: "a parent is still open for b",
  });
});

Deno.test("shardFilterOf() asks for what was open at the initial position", () => {
  assertEquals(shardFilterOf("LATEST"), { type: "AT_LATEST" });
  assertEquals(shardFilterOf("TRIM_HORIZON"), { type: "AT_TRIM_HORIZON" });
  assertEquals(shardFilterOf(new Date(1000)), { type: "AT_TIMESTAMP", timestampMs: 1000 });
});
