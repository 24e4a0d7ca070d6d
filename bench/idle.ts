/**
 * What an idle fleet asks of DynamoDB: real workers at default settings, in virtual time on the simulation's table, so that
 * minutes pass in a second and nothing else on the machine changes the count. `cost.ts` counts the same in real time on dynalite.
 *
 * @module
 */

import { ScaleWorld } from "./scale/scale_world.ts";

/** A fleet at rest. */
export interface IdleFleet {
  readonly workers: number;
  readonly shards: number;
}

/** Until leases are spread, and a worker that is alone rests. */
const SETTLE_MS = 120_000;
/** Many renewals, which come every 3.3 s, and some of what comes once a minute. */
const COUNTED_MS = 300_000;
const START_LIMIT_MS = 600_000;

/** Counts requests to DynamoDB. @returns How many for each shard and hour. */
export async function idleRequestsPerShardHour({ workers, shards }: IdleFleet): Promise<number> {
  const world = new ScaleWorld({ shards, seed: "idle" });
  try {
    world.start(workers, 1000);
    const isReady = () => world.members.size === workers && world.isAllRead && world.isBalanced;
    if (await world.until(isReady, START_LIMIT_MS) === undefined) {
      throw new Error(`Cannot count the requests of ${workers} idle workers: their leases were never spread`);
    }
    await world.pass(SETTLE_MS);
    world.bill.clear();
    await world.pass(COUNTED_MS);
    const requests = [...world.bill.costs().values()].reduce((sum, cost) => sum + cost.requests, 0);
    return Math.round(requests * 3_600_000 / COUNTED_MS / shards);
  } finally {
    world.close();
  }
}
