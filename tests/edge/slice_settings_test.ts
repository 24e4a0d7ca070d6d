import { assertEquals, assertThrows } from "@std/assert";
import type { SliceOptions } from "../../src/edge/slice_options.ts";
import { limitsLeft, shardsThatFit, type SliceRule, sliceSettings } from "../../src/edge/slice_settings.ts";

const rule: SliceRule = { leases: "relay", failoverTimeMs: 10_000, retrievalMode: "POLLING" };

Deno.test("sliceSettings() refuses what cannot be a slice, and says the least", () => {
  const cases: readonly (readonly [unknown, Partial<SliceRule>, string])[] = [
    [undefined, {}, "expected options: got undefined: give at least budgetMs"],
    [{}, {}, "expected budgetMs to be a number: got undefined"],
    [{ budgetMs: "50" }, {}, "expected budgetMs to be a number: got string"],
    [{ budgetMs: NaN }, {}, "expected budgetMs to be a number"],
    [
      { budgetMs: 4999 },
      {},
      "budgetMs must be 5000 to 3600000, reserveMs and 2000 ms for one shard: got 4999",
    ],
    [{ budgetMs: 3_600_001 }, {}, "5000 to 3600000"],
    [
      { budgetMs: 6667, atEnd: "hold" },
      {},
      'budgetMs must be <= 6666, two thirds of failoverTimeMs, with leases: "relay"',
    ],
    [{ budgetMs: Infinity }, {}, "5000 to 3600000"],
    [{ budgetMs: 50_000, reserveMs: -1 }, {}, "reserveMs must be >= 0"],
    [{ budgetMs: 50_000, maxSubrequests: 17 }, {}, "an integer >= 18, what one shard needs: got 17"],
    [
      { budgetMs: 50_000, maxSubrequests: 15 },
      { leases: "solo" },
      "an integer >= 16, what one shard needs: got 15",
    ],
    [{ budgetMs: 50_000, maxConcurrentFetches: 0 }, {}, "maxConcurrentFetches must be an integer 1 to 100"],
    [{ budgetMs: 50_000, maxShards: 0 }, {}, "maxShards"],
    [{ budgetMs: 50_000, maxShards: 1.5 }, {}, "maxShards must be an integer"],
    [{ budgetMs: 50_000, maxRecords: 0 }, {}, "maxRecords"],
    [{ budgetMs: 50_000, maxBytes: 0 }, {}, "maxBytes"],
    [{ budgetMs: 50_000, atEnd: "keep" }, {}, 'atEnd to be "hold" or "release": got "keep"'],
    [{ budgetMs: 50_000, signal: true }, {}, "expected signal to be an AbortSignal: got boolean"],
    [{ budgetMs: 50_000, maxShard: 1 }, {}, "there is no option maxShard: did you mean maxShards?"],
    [
      { budgetMs: 59_999 },
      { retrievalMode: "FANOUT" },
      "budgetMs must be >= 60000 with enhanced fan-out: got 59999",
    ],
    [
      { budgetMs: 20_000 },
      { leases: "hold", failoverTimeMs: 39_999 },
      "failoverTimeMs must be >= 2 * budgetMs",
    ],
  ];
  for (const [options, more, message] of cases) {
    assertThrows(() => sliceSettings(options as SliceOptions, { ...rule, ...more }), Error, message);
  }
});

Deno.test("sliceSettings() divides the time: fetching, stopping, and a reserve after the end", () => {
  const times = (budgetMs: number, reserveMs?: number) => {
    const { closeAfterMs, abandonAfterMs, endAfterMs } = sliceSettings({ budgetMs, reserveMs }, rule);
    return [closeAfterMs, abandonAfterMs, endAfterMs];
  };
  assertEquals(times(50_000), [44_000, 45_500, 47_000]);
  assertEquals(times(2000, 0), [1500, 1750, 2000]);
  assertEquals(times(9000, 6000), [2000, 2500, 3000]);
});

Deno.test("sliceSettings() reads no more shards than requests allow: 9 of a free Worker that holds its leases", () => {
  assertEquals([shardsThatFit(50, "hold"), shardsThatFit(50, "release")], [9, 6]);
  const { maxShards } = sliceSettings({ budgetMs: 20_000, maxSubrequests: 50, maxShards: 20 }, rule);
  assertEquals(maxShards, 6);
});

Deno.test("sliceSettings() releases with relay, and holds otherwise, unless it is said", () => {
  const atEnd = (leases: SliceRule["leases"], more: Partial<SliceOptions> = {}) =>
    sliceSettings({ budgetMs: 5000, ...more }, { ...rule, leases }).atEnd;
  assertEquals([atEnd("relay"), atEnd("solo"), atEnd("hold")], ["release", "hold", "hold"]);
  assertEquals(atEnd("relay", { atEnd: "hold", budgetMs: 6666 }), "hold");
});

Deno.test("limitsLeft() gives what is left, or names the limit that is reached", () => {
  const limits = sliceSettings({ budgetMs: 20_000, maxSubrequests: 100, maxRecords: 10 }, rule);
  const used = { ms: 1000, requests: 20, records: 4 };
  const left = limitsLeft(limits, used);
  if (typeof left === "string") throw new Error(left);
  assertEquals([left.budgetMs, left.endAfterMs, left.maxSubrequests, left.maxRecords], [
    19_000,
    16_000,
    80,
    6,
  ]);
  assertEquals(limitsLeft(limits, { ...used, ms: 15_001 }), "budget");
  assertEquals(limitsLeft(limits, { ...used, requests: 83 }), "requests");
  assertEquals(limitsLeft(limits, { ...used, records: 10 }), "records");
});
