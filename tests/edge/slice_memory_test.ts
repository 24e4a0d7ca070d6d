import { assertEquals } from "@std/assert";
import {
  CLOCK_MARGIN_MS,
  isDue,
  lockOf,
  memoryIn,
  memoryText,
  type Moment,
  MOST_LEASES,
  rememberedLeases,
  rememberedLock,
  rememberedSuspicions,
  type SliceMemory,
  suspicionsOf,
  watchOf,
} from "../../src/edge/slice_memory.ts";
import { newWatch } from "../../src/lease/table_watch.ts";

const memory: SliceMemory = {
  start: {
    atMs: 1_000_000,
    format: { place: "leaseTable", mayLead: true, supportCode: 1, isFinal: true },
    stream: { streamArn: "arn", creationEpochS: 7 },
  },
  ledMs: 1,
  comparedMs: 2,
  cleanedMs: 3,
  lastRead: "shard-1",
  suspicions: {
    hole: { hole: { startingHashKey: "0", endingHashKey: "9" }, times: 2 },
    counts: [["shardUnread x", 2]],
    auditedMs: 999_000,
  },
  held: ["shard-0"],
  lock: ["v1", 990_000],
  leases: { "shard-0": [4, 900_000] },
};
const now: Moment = { epochMs: 1_000_000, monotonicMs: 50_000 };

Deno.test("memoryIn() reads what memoryText() wrote, and takes anything else for nothing", () => {
  const text = memoryText(memory);
  assertEquals(memoryIn(text), memory);
  assertEquals(memoryIn(undefined), undefined);
  const spoiled = (change: object) => JSON.stringify({ ...JSON.parse(text), ...change });
  for (
    const other of [
      "",
      "{",
      "null",
      "7",
      "[]",
      spoiled({ version: 2 }),
      spoiled({ start: null }),
      spoiled({ start: { ...memory.start, format: { place: "moon" } } }),
      spoiled({ start: { ...memory.start, stream: { streamArn: 7 } } }),
      spoiled({ ledMs: "1" }),
      spoiled({ lastRead: 7 }),
      spoiled({ held: [7] }),
      spoiled({ lock: ["v1"] }),
      spoiled({ lock: [1, 2] }),
      spoiled({ leases: { a: ["4", 1] } }),
      spoiled({ suspicions: { counts: 7 } }),
    ]
  ) assertEquals(memoryIn(other), undefined, other);
});

Deno.test("watchOf() and lockOf() count what was seen as seen later, since clocks differ, and never after now", () => {
  assertEquals(watchOf(memory, now).sightings.get("shard-0"), {
    leaseCounter: 4,
    sinceMs: 50_000 - 100_000 + CLOCK_MARGIN_MS,
  });
  assertEquals(lockOf(memory, now), { recordVersionNumber: "v1", firstSeenMs: 50_000 });
  const ahead = { ...memory, leases: { a: [1, 2_000_000] as const } };
  assertEquals(watchOf(ahead, now).sightings.get("a")?.sinceMs, 50_000);
});

Deno.test("rememberedLeases() and rememberedLock() keep the time of what is unchanged", () => {
  const sightings = new Map([
    ["shard-0", { leaseCounter: 4, sinceMs: 45_000 }],
    ["shard-1", { leaseCounter: 1, sinceMs: 40_000 }],
    ["free", { leaseCounter: 1, sinceMs: undefined }],
  ]);
  const remembered = (before: SliceMemory | undefined) =>
    rememberedLeases({ ...newWatch(0), sightings }, () => false, before, now);
  assertEquals(remembered(memory), { "shard-0": [4, 900_000], "shard-1": [1, 990_000] });
  assertEquals(remembered(undefined), { "shard-0": [4, 995_000], "shard-1": [1, 990_000] });
  const sighting = { recordVersionNumber: "v1", firstSeenMs: 49_000 };
  assertEquals(rememberedLock(sighting, memory, now), ["v1", 990_000]);
  assertEquals(rememberedLock({ ...sighting, recordVersionNumber: "v2" }, memory, now), ["v2", 999_000]);
  assertEquals(rememberedLock(undefined, memory, now), undefined);
});

Deno.test("rememberedLeases() has room for so many: what is unchanged first, then owners that seem gone", () => {
  const many = Array.from({ length: 3 * MOST_LEASES }, (_, index) => `s${index}`);
  const sightings = new Map(many.map((key) => [key, { leaseCounter: 4, sinceMs: 1 }]));
  const before = { ...memory, leases: { s250: [4, 5] as const, s251: [3, 5] as const } };
  const kept = rememberedLeases({ ...newWatch(0), sightings }, (key) => key === "s299", before, now);
  assertEquals(Object.keys(kept).length, MOST_LEASES);
  assertEquals([kept["s250"], kept["s299"]?.[0]], [[4, 5], 4]);
});

Deno.test("suspicionsOf() gives back what rememberedSuspicions() kept", () => {
  const found = { hole: undefined, counts: [["shardUnread x", 1]] as const, auditedMs: 49_000 };
  const kept = { ...memory, suspicions: rememberedSuspicions(found, now) };
  assertEquals(suspicionsOf(kept, { epochMs: 1_005_000, monotonicMs: 7000 }), { ...found, auditedMs: 1000 });
});

Deno.test("isDue() is true after the interval, and for a time that no clock of today can have given", () => {
  const cases = [[undefined, true], [0, true], [990_000, false], [940_000, true], [1_020_000, false], [
    1_040_000,
    true,
  ]];
  for (const [atMs, expected] of cases) {
    assertEquals(isDue(atMs as number | undefined, 60_000, 1_000_000), expected, `${atMs}`);
  }
});
