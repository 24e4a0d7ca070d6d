/** @module */

import { assertEquals, assertThrows } from "@std/assert";
import { oneStream, shardsNamed } from "../../../src/operate/records/target.ts";
import type { Shard } from "../../../src/stream/shard.ts";

const SHARDS: readonly Shard[] = [0, 4, 14].map((number) => ({
  shardId: `shardId-${`${number}`.padStart(12, "0")}`,
  parentShardId: undefined,
  adjacentParentShardId: undefined,
  hashKeyRange: { startingHashKey: "0", endingHashKey: "9" },
  startingSequenceNumber: "1",
  endingSequenceNumber: undefined,
}));

Deno.test("shardsNamed() takes an id, its end, or its number, each shard once", () => {
  const named = (...names: string[]) => shardsNamed(SHARDS, names).map(({ shardId }) => shardId);
  assertEquals(named("4"), ["shardId-000000000004"]);
  assertEquals(named("shardId-000000000014", "0014", "14"), ["shardId-000000000014"]);
  assertEquals(named("0", "04"), ["shardId-000000000000", "shardId-000000000004"]);
});

Deno.test("shardsNamed() says what there is, or which of several may be meant", () => {
  assertThrows(
    () => shardsNamed(SHARDS, ["7"]),
    RangeError,
    'Cannot find shard "7": expected one of shardId-000000000000, shardId-000000000004, shardId-000000000014',
  );
  assertThrows(
    () => shardsNamed(SHARDS, ["00000000000004", "x"]),
    RangeError,
    'Cannot find shard "00000000000004"',
  );
  assertThrows(
    () =>
      shardsNamed([...SHARDS, ...SHARDS.map((shard) => ({ ...shard, shardId: `x${shard.shardId}` }))], [
        "-000000000004",
      ]),
    RangeError,
    "expected only one of shardId-000000000004, xshardId-000000000004",
  );
  assertThrows(() => shardsNamed([], ["1"]), RangeError, "expected one of no shards");
});

Deno.test("oneStream() takes neither none nor many", () => {
  const words = { streamName: "words", streamArn: undefined };
  assertEquals(oneStream([words]), words);
  assertThrows(() => oneStream([]), RangeError, "expected one: got 0: name it with --stream NAME");
  assertThrows(() => oneStream([words, words]), RangeError, "got 2");
});
