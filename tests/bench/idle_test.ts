/** What an idle fleet asks of DynamoDB, in virtual time. */

import { assert } from "@std/assert";
import { idleRequestsPerShardHour } from "../../bench/idle.ts";

Deno.test("a worker that is alone with 8 idle shards asks for at most 1,400 requests per shard and hour", async () => {
  const requests = await idleRequestsPerShardHour({ workers: 1, shards: 8 });
  // Its renewals and its leader's heartbeat alone are more than 1,200: fewer would mean that they were not counted.
  assert(requests > 1200 && requests <= 1400, `got ${requests}`);
});
