/** `src/operate/check/cost.ts`: against counts that were measured. */

import { assert, assertEquals } from "@std/assert";
import { type CostedFleet, costEstimate, HOURS_A_MONTH } from "../../../src/operate/check/cost.ts";

function estimateOf(more: Partial<CostedFleet>): ReturnType<typeof costEstimate> {
  return costEstimate({
    workers: 1,
    shards: 8,
    failoverTimeMs: 10_000,
    leaseDiscoveryIntervalMs: 1000,
    leaseAssignmentIntervalMs: 2500,
    billingMode: "PAY_PER_REQUEST",
    fanOutShards: 0,
    ...more,
  });
}

function assertNear(actual: number, measured: number, share: number, what: string): void {
  assert(Math.abs(actual - measured) <= measured * share, `${what}: ${actual} is not near ${measured}`);
}

Deno.test("costEstimate() is near what one worker with 8 shards asks for", () => {
  assertNear(estimateOf({}).requestsPerShardHour, 1369, 0.01, "idle");
});

/** A row of a document's table: its figures. */
async function figures(document: string, row: RegExp): Promise<number[]> {
  const text = await Deno.readTextFile(new URL(`../../../docs/${document}`, import.meta.url));
  const line = text.split("\n").find((line) => row.test(line));
  assert(line !== undefined, `a row ${row} of ${document}`);
  return line.split("|").slice(2).map((cell) => Number(/[\d,.]+/.exec(cell)?.[0]?.replaceAll(",", "")))
    .filter((figure) => !Number.isNaN(figure));
}

Deno.test("costEstimate() is near what docs/failover.md has measured, by purpose", async () => {
  const { requestsPerHour, requestsPerShardHour } = estimateOf({ workers: 2 });
  const rows = [
    [requestsPerHour.renewals, /^\| renewals/],
    [requestsPerHour.heartbeats, /^\| leader's heartbeat/],
    [requestsPerHour.discovery, /^\| new leases/],
    [requestsPerHour.scans, /^\| looks at the table/],
    [requestsPerHour.lockLooks, /^\| the others' look/],
    [requestsPerShardHour, /^\| \*\*per shard/],
  ] as const;
  for (const [estimate, row] of rows) {
    const [measured] = await figures("failover.md", row);
    assert(measured !== undefined, `figures in ${row}`);
    assertNear(estimate, measured, 0.03, `${row}`);
  }
});

Deno.test("costEstimate() is near what docs/scale.md has measured for large fleets", async () => {
  const sizes = [[5, 100], [50, 1000], [100, 2000], [250, 5000], [500, 10_000]] as const;
  const measured = await figures("scale.md", /^\| \*\*requests per lease and hour/);
  assertEquals(measured.length, sizes.length);
  for (const [at, [workers, shards]] of sizes.entries()) {
    const { requestsPerShardHour } = estimateOf({ workers, shards });
    assertNear(requestsPerShardHour, measured[at] ?? 0, 0.05, `${workers} workers`);
  }
  // "10,000 leases cost some 7 dollars an hour"
  const { dynamoDBDollars } = estimateOf({ workers: 500, shards: 10_000 });
  assertNear(dynamoDBDollars / HOURS_A_MONTH, 7, 0.05, "dollars an hour");
});

Deno.test("costEstimate() counts capacity twice, for the index, and a consumer by the shard and hour", () => {
  const { dynamoDBDollars } = estimateOf({ billingMode: { readCapacity: 10, writeCapacity: 20 } });
  assertEquals(dynamoDBDollars.toFixed(6), (2 * (10 * 0.00013 + 20 * 0.00065) * 730).toFixed(6));
  assertEquals(estimateOf({ fanOutShards: 4 }).fanOutDollars.toFixed(6), "43.800000");
  assertEquals(estimateOf({}).fanOutDollars, 0);
});

Deno.test("costEstimate() knows a small table: all is one scan for each worker, at most a unit", () => {
  const { requestsPerHour, readUnitsPerHour } = estimateOf({ workers: 2 });
  assertEquals([requestsPerHour.discovery, requestsPerHour.lockLooks], [0, 0]);
  assert(readUnitsPerHour <= requestsPerHour.scans, `${readUnitsPerHour}`);
  const larger = estimateOf({ workers: 2, shards: 30 });
  assertEquals([larger.requestsPerHour.discovery, larger.requestsPerHour.scans], [7200, 1440]);
  assert(larger.requestsPerHour.lockLooks > 0);
  assert(estimateOf({ workers: 8, shards: 4 }).requestsPerHour.discovery > 0, "reports have bytes too");
});

Deno.test("costEstimate() of a stream without shards is finite", () => {
  const { requestsPerShardHour, dynamoDBDollars } = estimateOf({ shards: 0 });
  assertEquals([requestsPerShardHour, Number.isFinite(dynamoDBDollars)], [0, true]);
});

Deno.test("costEstimate() falls with slower settings", () => {
  const slow = estimateOf({ failoverTimeMs: 30_000, leaseAssignmentIntervalMs: 7500 });
  assertEquals(slow.requestsPerHour.renewals * 3, estimateOf({}).requestsPerHour.renewals);
  assert(slow.requestsPerHour.scans < estimateOf({}).requestsPerHour.scans);
});
