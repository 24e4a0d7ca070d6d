/** Listings put right, iterators of ours, and leases of shards that have no hash keys of their own. */

import { assertEquals } from "@std/assert";
import { listedShards, openedMs } from "../../src/dynamodb_streams/shard_listing.ts";
import { EMPTY_PAGES_AT_TIP, millisBehind, parsePlace, placeText } from "../../src/dynamodb_streams/place.ts";
import { childLeases } from "../../src/lease/child_leases.ts";
import { cleanupStep } from "../../src/lease/cleanup.ts";
import { auditLeases, leasesToGiveOut } from "../../src/lease/gaps.ts";
import { leasesToCreate } from "../../src/lease/shard_sync.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import { isOpen } from "../../src/stream/shard.ts";
import { parseTableStreamArn, tableStreamArn } from "../../src/stream/table_stream_name.ts";
import { parseStreamArn, streamArnOf } from "../../src/aws/endpoint.ts";
import { leaseWith } from "../lease/fixtures.ts";

const NO_KEYS = { startingHashKey: "0", endingHashKey: "1" };
const id = (ms: number) => `shardId-${String(ms).padStart(20, "0")}-0a1b2c3d`;
const shard = (ms: number, parentMs?: number, end?: string) => ({
  shardId: id(ms),
  parentShardId: parentMs === undefined ? undefined : id(parentMs),
  startingSequenceNumber: `${ms}000`,
  endingSequenceNumber: end,
});
const listed = (
  shards: readonly ReturnType<typeof shard>[],
  filter?: Parameters<typeof listedShards>[0]["filter"],
  isDisabled = false,
) => listedShards({ shards, isDisabled, filter });

Deno.test("listedShards() closes an open parent that has children, and gives all the adapter's hash keys", () => {
  const shards = listed([shard(1), shard(2, 1)]);
  assertEquals(shards.map(({ endingSequenceNumber }) => endingSequenceNumber), [
    "9223372036854775807",
    undefined,
  ]);
  assertEquals(shards.map(({ hashKeyRange }) => hashKeyRange), [NO_KEYS, NO_KEYS]);
});

Deno.test("listedShards() at the tip are the open shards, or the last ones of a stream that is switched off", () => {
  const latest = { type: "AT_LATEST" } as const;
  assertEquals(listed([shard(1, undefined, "9"), shard(2, 1)], latest).map(({ shardId }) => shardId), [
    id(2),
  ]);
  const off = listed([shard(1, undefined, "9"), shard(2, 1, "19")], latest, true);
  assertEquals(off.map((one) => [one.shardId, isOpen(one)]), [[id(2), true]]);
});

Deno.test("listedShards() at a time are those that were open then", () => {
  const shards = [shard(100, undefined, "9"), shard(200, 100, "19"), shard(300, 200)];
  const at = (timestampMs: number) =>
    listed(shards, { type: "AT_TIMESTAMP", timestampMs }).map(({ shardId }) => openedMs(shardId));
  assertEquals([at(150), at(200), at(999), at(5)], [[100], [200], [300], [100, 200, 300]]);
});

Deno.test("an iterator of ours keeps shard, time and empty pages beside the service's own", () => {
  const place = { shardId: id(1), iterator: "arn:x|1|AAA==", sinceMs: 5, emptyPages: 2 };
  assertEquals(parsePlace(placeText(place)), place);
  const plain = { ...place, sinceMs: undefined };
  assertEquals(parsePlace(placeText(plain)), plain);
  assertEquals(parsePlace("AAAA"), undefined);
});

Deno.test("millisBehind() is the age of the last change, unknown after an empty page, and 0 after some of them", () => {
  const nowMs = 10_000;
  assertEquals(millisBehind(7000, { emptyPages: 0, nowMs }), 3000);
  assertEquals(millisBehind(11_000, { emptyPages: 0, nowMs }), 0);
  assertEquals(millisBehind(undefined, { emptyPages: 1, nowMs }), undefined);
  assertEquals(millisBehind(undefined, { emptyPages: EMPTY_PAGES_AT_TIP, nowMs }), 0);
});

Deno.test("the only child of a table's shard has one parent, and gets its lease", () => {
  const child = { shardId: id(2), parentShards: [id(1)], hashKeyRange: NO_KEYS };
  const plan = childLeases({
    childShards: [child],
    leased: new Set([id(1)]),
    streamIdentifier: undefined,
    chance: 0,
  });
  assertEquals(plan.type === "create" && plan.leases.map(({ leaseKey }) => leaseKey), [id(2)]);
});

Deno.test("no audit finds a hole among leases of a table's stream, done or not", () => {
  const lease = leaseWith({ hashKeyRange: NO_KEYS, checkpoint: positionAt("5") });
  const done = leaseWith({ hashKeyRange: NO_KEYS, checkpoint: positionAt("SHARD_END") });
  for (const leases of [[lease], [done], [lease, done]]) {
    assertEquals(auditLeases(undefined, leases), { sighting: undefined, syncNow: false });
    assertEquals(leasesToGiveOut(leases), leases);
  }
});

Deno.test("the lease of a table's shard without children stays: else the shard would be read again", () => {
  const done = leaseWith({ hashKeyRange: NO_KEYS, checkpoint: positionAt("SHARD_END") });
  assertEquals(cleanupStep(done, { leases: new Map(), told: [] }), {
    type: "keep",
    because: "it has no children",
  });
  assertEquals(cleanupStep(done, { leases: new Map(), told: "shardGone" }).type, "delete");
});

Deno.test("leasesToCreate() begins a table's stream with its oldest shards, or with the open ones", () => {
  const shards = listed([shard(1, undefined, "9"), shard(2, 1, "19"), shard(3, 2)]);
  const first = (initialPosition: "TRIM_HORIZON" | "LATEST") => {
    const plan = leasesToCreate({
      shards,
      leases: [],
      isFirstSync: true,
      initialPosition,
      streamIdentifier: undefined,
      ignoreUnexpectedChildShards: false,
    });
    return plan.type === "create"
      ? plan.leases.map(({ shardId, checkpoint }) => [shardId, checkpoint.sequenceNumber])
      : plan;
  };
  assertEquals(first("TRIM_HORIZON"), [[id(1), "TRIM_HORIZON"]]);
  assertEquals(first("LATEST"), [[id(3), "LATEST"]]);
});

Deno.test("parseTableStreamArn() names a stream as AWS's adapter does, and tableStreamArn() goes back", () => {
  const arn = "arn:aws-cn:dynamodb:cn-north-1:123456789012:table/my-Table_1.x/stream/2026-01-30T12:34:56.789";
  const parsed = parseTableStreamArn(arn);
  assertEquals(parsed?.streamName, "cn-north-1$123456789012$my-Table_1.x$2026-01-30T12_34_56.789");
  assertEquals(tableStreamArn("aws-cn", parsed?.streamName ?? ""), arn);
  assertEquals(parseStreamArn(arn), parsed);
  assertEquals(
    streamArnOf({ region: "cn-north-1", accountId: "123456789012", streamName: parsed?.streamName ?? "" }),
    arn,
  );
  for (
    const wrong of [
      "arn:aws:dynamodb:us-east-1:123456789012:table/orders",
      "arn:aws:dynamodb:us-east-1:1234:table/orders/stream/2026-01-30T12:34:56.789",
      "arn:aws:dynamodb:us-east-1:123456789012:table/orders/stream/a_b",
    ]
  ) assertEquals(parseTableStreamArn(wrong), undefined, wrong);
});
