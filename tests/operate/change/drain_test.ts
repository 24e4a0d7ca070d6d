/** `kclite drain` on an emulator, with workers and a leader that act while it waits. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { checkpoint, startHandoff } from "../../../src/lease/lease_write.ts";
import { SHARD_END } from "../../../src/stream/sequence_number.ts";
import { newLease } from "../../lease/fixtures.ts";
import { ActingFleet, type ActingFleetOptions } from "../../support/acting_fleet.ts";
import { OperateBed } from "../../support/operate_bed.ts";

interface Bed {
  readonly bed: OperateBed;
  readonly fleet: ActingFleet;
  readonly drain: (...args: readonly string[]) => Promise<{ code: number; out: string; err: string }>;
  /** Owners by key, the present one first where a handoff is pending. */
  readonly owners: () => Promise<string[]>;
  readonly mark: (workerId: string) => Promise<number | undefined>;
}

/** Workers a, b and c; a has six leases, one of them finished, b one. b leads. */
async function bedOf(options: Partial<ActingFleetOptions> = {}): Promise<Bed> {
  const bed = new OperateBed();
  await bed.table();
  const { leaseStore } = bed.fleet;
  for (let n = 0; n < 6; n++) await bed.lease(newLease(`shardId-00000000000${n}`), "a");
  await leaseStore.apply(checkpoint(await bed.read("shardId-000000000005"), SHARD_END));
  await bed.lease(newLease("shardId-000000000006"), "b");
  const { isObeyed = true } = options;
  const incarnation = (workerId: string) => ({ workerId, generation: 1, nonce: "00000000" });
  for (const workerId of ["a", "b", "c"]) {
    await bed.worker(workerId, 5000, isObeyed ? { incarnation: incarnation(workerId) } : {});
  }
  await bed.lock({ ownerName: "b" });
  const fleet = new ActingFleet(bed, { alive: ["a", "b", "c"], isObeyed, ...options });
  return {
    bed,
    fleet,
    drain: (...args) => bed.run(["drain", ...args]),
    owners: async () =>
      (await leaseStore.list()).leases.toSorted((a, b) => a.leaseKey < b.leaseKey ? -1 : 1)
        .map(({ leaseOwner, checkpointOwner }) => [checkpointOwner, leaseOwner].filter(Boolean).join(">")),
    mark: async (workerId) =>
      (await leaseStore.list()).workers.find((worker) => worker.workerId === workerId)?.drainingSinceEpochS,
  };
}

Deno.test("drain marks the worker, and waits until a leader of kclite has moved all that it reads", async () => {
  const { bed, drain, owners, mark } = await bedOf();
  const { code, out, err } = await drain("a");
  assertEquals([code, err.includes("error")], [0, false], err);
  assertEquals(out.trimEnd().split("\n"), [
    "a is marked. b leads, and hands over its 5 leases.",
    "a has nothing to read after 4 s: 5 leases moved. 1 lease of finished shards waits to be cleaned up.",
  ]);
  assertEquals(await owners(), ["c", "b", "c", "b", "c", "a", "b"]);
  assertEquals(await mark("a"), Math.floor(bed.clock.epochMs() / 1000) - 4);
});

Deno.test("drain --json prints one document", async () => {
  const { drain } = await bedOf();
  const { code, out } = await drain("a", "--json");
  assertEquals(code, 0);
  assertEquals(JSON.parse(out), {
    outcome: "done",
    workerId: "a",
    leader: "b",
    leaderKnowsDrains: true,
    moved: 5,
    left: [],
    givenBack: [],
    finished: 1,
    passedMs: 4000,
  });
});

Deno.test("drain empties the leader itself, which leads on", async () => {
  const { drain, owners } = await bedOf();
  const { code, out } = await drain("b");
  assertEquals(code, 0);
  assertStringIncludes(out, "b has nothing to read");
  assertEquals((await owners()).includes("b"), false);
});

Deno.test("drain leaves leases where they are while nobody has room, and says so", async () => {
  const { drain, owners } = await bedOf({ maxLeasesForWorker: 2 });
  const { code, out, err } = await drain("a", "--timeout", "60s");
  assertEquals(code, 1);
  assertMatch(out, /No lease has moved for 3\d s. The other workers may have no room/);
  assertMatch(
    err,
    /it has 2 leases after 60 s \(shardId-0+3, shardId-0+4\): they stay with it until another/,
  );
  assertEquals((await owners()).filter((owner) => owner === "a").length, 3, "with the finished one");
});

Deno.test("drain under a Java leader hands each lease over once, and ends with 3", async () => {
  const { drain, owners, mark } = await bedOf({ isObeyed: false });
  const { code, out } = await drain("a");
  assertEquals(code, 3);
  assertEquals(out.trimEnd().split("\n"), [
    "a is marked, but b leads, which is no worker of kclite and does not know drains. " +
    "Each of its 5 leases is handed over once.",
    "a has nothing to read after 4 s: 5 leases moved. 1 lease of finished shards waits to be cleaned up.",
    "b does not know drains, and may give leases back to it. Stop a soon.",
  ]);
  assertEquals(await owners(), ["c", "b", "c", "b", "c", "a", "b"]);
  assertEquals((await mark("a")) !== undefined, true, "for a leader of kclite that may follow");
});

Deno.test("drain under a Java leader hands over no lease twice, and names those that came back", async () => {
  const { bed, fleet, drain, owners } = await bedOf({ isObeyed: false });
  const { leaseStore } = bed.fleet;
  let givesBack = true;
  fleet.afterSecond = async () => {
    const lease = await bed.read("shardId-000000000000");
    const { leaseOwner, checkpointOwner } = lease;
    if (leaseOwner === undefined || leaseOwner === "a" || checkpointOwner !== undefined || !givesBack) return;
    givesBack = false;
    await leaseStore.apply(startHandoff({ ...lease, leaseOwner }, "a"));
  };
  const { code, out } = await drain("a", "--json");
  const { outcome, left, givenBack, moved } = JSON.parse(out);
  assertEquals([code, outcome, left, givenBack], [
    3,
    "done",
    ["shardId-000000000000"],
    ["shardId-000000000000"],
  ]);
  assertEquals(moved, 4);
  assertEquals((await owners())[0], "a");
});

Deno.test("drain says that the mark is gone when the worker was started again meanwhile", async () => {
  const { bed, fleet, drain } = await bedOf({ deaf: ["a"] });
  let seconds = 0;
  fleet.afterSecond = async () => {
    if (++seconds !== 3) return;
    await bed.worker("a", 0, { incarnation: { workerId: "a", generation: 2, nonce: "00000000" } });
  };
  const { code, err } = await drain("a", "--timeout", "10s");
  assertEquals(code, 1);
  assertMatch(err, /it has 5 leases after 10 s .*: its mark is gone, as when its process was started again/);
});

Deno.test("drain --cancel removes the mark, and says when there was none", async () => {
  const { drain, mark } = await bedOf();
  await drain("a");
  const cancelled = await drain("a", "--cancel");
  assertEquals([cancelled.code, cancelled.out], [0, "a may be given leases again.\n"]);
  assertEquals(await mark("a"), undefined);
  const again = await drain("a", "--cancel");
  assertEquals([again.code, again.out], [0, "a was not drained. Nothing has changed.\n"]);
  const unknown = await drain("x", "--cancel", "--json");
  assertEquals([unknown.code, JSON.parse(unknown.out)], [1, { outcome: "refused", workerId: "x" }]);
});

Deno.test("drain works where the coordinator's tables are those of KCL 3.0 to 3.4", async () => {
  const { bed, drain, owners } = await bedOf({ isObeyed: false });
  const { dynamodb, coordinatorStore, leaseStore } = bed.fleet;
  for (const [name, key] of [["app-CoordinatorState", "key"], ["app-WorkerMetricStats", "wid"]] as const) {
    await dynamodb.createTable({
      TableName: name,
      KeySchema: [{ AttributeName: key, KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: key, AttributeType: "S" }],
      BillingMode: "PAY_PER_REQUEST",
    });
  }
  for (const item of (await leaseStore.list()).workers) {
    await coordinatorStore.deleteWorkerMetrics("leaseTable", item);
    await coordinatorStore.writeWorkerMetrics("legacy", item);
  }
  const { code, out } = await drain("a");
  assertEquals(code, 3, out);
  assertEquals((await owners()).filter((owner) => owner === "a").length, 1);
  const marked = (await coordinatorStore.listLegacyWorkerMetrics()).filter((item) =>
    item.drainingSinceEpochS !== undefined
  );
  assertEquals(marked.map(({ workerId }) => workerId), ["a"]);
});

/** What is refused, after what was changed, and why. */
const REFUSALS: readonly {
  readonly what: string;
  readonly change?: (bed: Bed) => Promise<unknown>;
  readonly worker?: string;
  readonly why: RegExp;
}[] = [
  {
    what: "a worker that there is not",
    worker: "x",
    why: /no worker of this name reports: expected one of a, b, c/,
  },
  {
    what: "a worker that has died",
    change: ({ bed }) => bed.worker("a", 300_000),
    why: /its last report is 300 s old, so it has died or stopped/,
  },
  {
    what: "the only worker that lives",
    change: async ({ bed }) => {
      for (const id of ["b", "c"]) await bed.worker(id, 300_000);
    },
    why: /no other worker could take its 5 leases: start another worker first/,
  },
  {
    what: "the last worker that is not drained",
    change: async ({ drain }) => {
      await drain("b");
      await drain("c");
    },
    why: /no other worker could take its 6 leases: start another worker first/,
  },
  {
    what: "a program that does not report",
    change: ({ bed }) => bed.lease(newLease("shardId-000000000009"), "old"),
    worker: "old",
    why: /it sends no reports, as workers of KCL 2.x/,
  },
];

for (const { what, change, worker = "a", why } of REFUSALS) {
  Deno.test(`drain refuses ${what}, and writes nothing`, async () => {
    const bed = await bedOf();
    await change?.(bed);
    const before = await bed.owners();
    const { code, err } = await bed.drain(worker);
    assertEquals(code, 1);
    assertMatch(err, why);
    assertEquals([await bed.mark(worker), await bed.owners()], [undefined, before]);
    const json = await bed.drain(worker, "--json");
    assertEquals([json.code, JSON.parse(json.out).outcome], [1, "refused"]);
  });
}

Deno.test("drain of a worker with sixty leases has twenty on their way at most", async () => {
  const { bed, fleet, drain } = await bedOf();
  for (let n = 10; n < 65; n++) await bed.lease(newLease(`shardId-0000000000${n}`), "a");
  let most = 0;
  fleet.afterSecond = async () => {
    const { leases } = await bed.fleet.leaseStore.list();
    most = Math.max(most, leases.filter(({ checkpointOwner }) => checkpointOwner !== undefined).length);
  };
  const { code, out } = await drain("a");
  assertEquals([code, most], [0, 20]);
  assertStringIncludes(out, "60 leases moved");
});

Deno.test("drain that cannot be watched any more says that the mark stays", async () => {
  const { bed, fleet } = await bedOf({ deaf: ["a"] });
  let seconds = 0;
  fleet.afterSecond = () => void seconds++;
  const { system } = bed.aws;
  const denied = () =>
    Promise.resolve(new Response('{"__type":"AccessDeniedException","message":"no"}', { status: 400 }));
  const fetch: typeof system.fetch = (...input) => seconds < 2 ? system.fetch(...input) : denied();
  const { code, err } = await bed.run(["drain", "a"], {
    more: { options: { system: { ...system, fetch } } },
  });
  assertEquals(code, 1);
  assertMatch(err, /Cannot watch the drain of worker "a", whose mark stays: .*with --cancel/);
});
