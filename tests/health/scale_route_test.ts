/** `/scale` of the health app over a lease table in DynamoDB: what it says, what it reads, and when it says nothing. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { fleetOf, healthApp, Totals } from "../../src/health/mod.ts";
import { assign, marked, renew } from "../../src/lease/lease_write.ts";
import { withProgress } from "../../src/lease/progress_write.ts";
import { openFleetAccess } from "../../src/operate/open_access.ts";
import { simulatedAws } from "../../src/testing/mod.ts";
import { metricsOf, newLease } from "../lease/fixtures.ts";
import { realClock } from "../../src/system.ts";

const MINUTE = 60_000;
const SHARDS = ["a", "b", "c", "d", "e", "f"];

/** The real clock, which can be put forward. */
function jumpingClock() {
  let aheadMs = 0;
  return {
    epochMs: () => realClock.epochMs() + aheadMs,
    monotonicMs: () => realClock.monotonicMs() + aheadMs,
    sleep: realClock.sleep,
    jump: (ms: number) => void (aheadMs += ms),
  };
}

/** A fleet of two workers with three shards each, all at one CPU and one lag. */
async function bed(cpuPercent: number, lag: number) {
  const clock = jumpingClock();
  const aws = simulatedAws({ streams: { words: 1 }, changeMs: 0, system: { clock, random: () => 0 } });
  let scans = 0;
  const system = {
    ...aws.system,
    fetch: (...[input, init]: Parameters<typeof fetch>) => {
      const request = new Request(input, init);
      if (request.headers.get("x-amz-target")?.endsWith(".Scan")) scans++;
      return aws.system.fetch(request);
    },
  };
  const options = {
    applicationName: "app",
    streamName: "words",
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    system,
  };
  const { leaseStore, coordinatorStore } = openFleetAccess({ ...options, system: aws.system });
  await leaseStore.ensureTable();
  const nowS = Math.floor(clock.epochMs() / 1000);
  for (const [i, workerId] of ["one", "two"].entries()) {
    await coordinatorStore.writeWorkerMetrics("leaseTable", metricsOf(workerId, nowS, { C: [cpuPercent] }));
    for (const shard of SHARDS.slice(3 * i, 3 * i + 3)) {
      await leaseStore.create(newLease(shard));
      const free = await leaseStore.get(shard);
      if (free !== undefined) await leaseStore.apply(assign(free, workerId));
      const lease = await leaseStore.get(shard);
      if (lease === undefined) throw new Error(`no lease ${shard}`);
      const write = withProgress(renew(lease), lease, { lagMs: lag, recordsPerSecond: 1 });
      await leaseStore.apply(marked(write, { workerId, generation: 1, nonce: "ab" }));
    }
  }
  const fleet = fleetOf(options);
  return {
    clock,
    aws,
    scans: () => scans,
    app: healthApp(new Totals(clock), { fleet }),
    /** The same fleet, with another target. */
    appFor: (catchUpTargetMs: number) => healthApp(new Totals(clock), { fleet, catchUpTargetMs }),
    async [Symbol.asyncDispose]() {
      await fleet.close();
      aws.close();
    },
  };
}

Deno.test("healthApp() /scale adds up what the workers of the lease table report", async () => {
  await using calm = await bed(60, 0);
  assertEquals(await (await calm.app.request("/scale")).json(), {
    workersWanted: 2,
    lagSeconds: 0,
    workers: 2,
    unfinishedShards: 6,
    workersByCpu: 2,
    workersByLag: 2,
    fleetAgeSeconds: 0,
  });
  await using hot = await bed(100, 0);
  assertEquals((await (await hot.app.request("/scale")).json()).workersWanted, 3);
  await using idle = await bed(5, 0);
  assertEquals((await (await idle.app.request("/scale")).json()).workersWanted, 1);
});

Deno.test("healthApp() /scale counts workers for the lag that owners report, and for the target that is set", async () => {
  await using behind = await bed(5, 6 * MINUTE);
  const { workersWanted, lagSeconds, workersByLag } = await (await behind.app.request("/scale")).json();
  assertEquals([workersWanted, lagSeconds, workersByLag], [3, 360, 3]);
  const patient = await (await behind.appFor(60 * MINUTE).request("/scale")).json();
  assertEquals([patient.workersByLag, patient.workersWanted], [2, 1]);
});

Deno.test("healthApp() /scale scans the table once in ten seconds, however often it is asked", async () => {
  await using fleet = await bed(60, 0);
  const ask = async () => (await (await fleet.app.request("/scale")).json()).fleetAgeSeconds;
  for (let turn = 0; turn < 5; turn++) assertEquals(await ask(), 0);
  assertEquals(fleet.scans(), 1);
  fleet.clock.jump(9000);
  assertEquals([await ask(), fleet.scans()], [9, 1]);
  fleet.clock.jump(1000);
  assertEquals([await ask(), fleet.scans()], [0, 2]);
  await fleet.app.request("/scale", { method: "HEAD" });
  assertEquals(fleet.scans(), 2);
});

Deno.test("healthApp() /scale keeps its answer while looks fail, for five minutes, then says 503", async () => {
  await using fleet = await bed(60, 0);
  await fleet.app.request("/scale");
  fleet.aws.faults.next("Scan", { type: "refused", code: "AccessDeniedException", times: Infinity });
  fleet.clock.jump(5 * MINUTE - 1000);
  const kept = await fleet.app.request("/scale");
  assertEquals([kept.status, (await kept.json()).fleetAgeSeconds], [200, 299]);
  fleet.clock.jump(2000);
  const refused = await fleet.app.request("/scale");
  assertEquals(refused.status, 503);
  assertStringIncludes((await refused.json()).error, "Cannot say how many workers");
});
