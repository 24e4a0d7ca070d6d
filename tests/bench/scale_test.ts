/**
 * A small fleet of the kind that `deno task bench:scale` runs: large enough that what is done one after the other, or by
 * everybody, shows. The bounds leave a third to spare.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { type ScaleFigures, scaleRun } from "../../bench/scale/scale_run.ts";

let run: Promise<ScaleFigures> | undefined;

/** Runs once for all tests. */
function figures(): Promise<ScaleFigures> {
  const options = { workers: 25, shards: 500, seed: "scale test", startWithinMs: 1000, steadyMs: 20_000 };
  return run ??= scaleRun(options, { withPass: false });
}

function atMost(what: string, value: number | undefined, limit: number): void {
  assert(value !== undefined && value <= limit, `${what}: expected at most ${limit}: got ${value}`);
}

Deno.test("a fleet of 25 workers on 500 shards reads them all within seconds of a cold start, under one leader", async () => {
  const { cold } = await figures();
  atMost("seconds until all are read", cold.readS, 5);
  atMost("seconds until balanced", cold.balancedS, 14);
  assertEquals([cold.leaders, cold.troubles], [1, 0]);
});

Deno.test("a fleet at rest asks no more of DynamoDB than the documents say", async () => {
  const { steady } = await figures();
  atMost("requests per lease and hour", steady.requestsPerLeaseHour, 1500);
  atMost("the leader's requests per second", steady.leaderRequests, 10);
  atMost("read units per second", steady.readUnits, 45);
});

Deno.test("a fleet of twice the workers is balanced within some passes, and hardly a lease moves twice", async () => {
  const { doubled } = await figures();
  atMost("seconds until balanced", doubled.balancedS, 14);
  atMost("leases gained", doubled.gained, 350);
  atMost("seconds that a shard was not read", doubled.longestGapS, 2);
  assertEquals([doubled.leaders, doubled.troubles], [0, 0]);
});

Deno.test("a fleet that loses a tenth with its leader reads all shards again, and few scan meanwhile", async () => {
  const { killed } = await figures();
  atMost("seconds until all are read", killed.readS, 18);
  atMost("read units in the busiest second", killed.peakReadUnits, 300);
  assertEquals([killed.leaders, killed.troubles], [1, 0]);
});

Deno.test("a fleet of which a tenth stops at once leaves no shard unread for longer than one that stops alone does", async () => {
  const { stopped } = await figures();
  atMost("seconds that a shard was not read", stopped.longestGapS, 2);
  atMost("leases gained", stopped.gained, 90);
  assertEquals(stopped.troubles, 0);
});
