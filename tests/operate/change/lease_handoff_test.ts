/** `kclite handoff` on an emulator, with workers that act while it waits. */

import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { AwsServiceError } from "../../../src/errors.ts";
import type { LeaseStore } from "../../../src/lease/lease_store.ts";
import { checkpoint, startHandoff } from "../../../src/lease/lease_write.ts";
import { request } from "../../../src/operate/change/lease_handoff.ts";
import { SHARD_END } from "../../../src/stream/sequence_number.ts";
import { newLease } from "../../lease/fixtures.ts";
import { ActingFleet, type ActingFleetOptions } from "../../support/acting_fleet.ts";
import { OperateBed } from "../../support/operate_bed.ts";

const KEY = "shardId-000000000000", OTHER = "shardId-000000000001";

interface Bed {
  readonly bed: OperateBed;
  readonly fleet: ActingFleet;
  readonly handoff: (...args: readonly string[]) => Promise<{ code: number; out: string; err: string }>;
}

async function bedOf(options: Partial<ActingFleetOptions> = {}): Promise<Bed> {
  const bed = new OperateBed();
  await bed.table();
  await bed.lease(newLease(KEY), "a");
  await bed.lease(newLease(OTHER), "b");
  for (const workerId of ["a", "b"]) await bed.worker(workerId, 5000);
  await bed.lock({ ownerName: "a" });
  const fleet = new ActingFleet(bed, { alive: ["a", "b"], ...options });
  return { bed, fleet, handoff: (...args) => bed.run(["handoff", ...args]) };
}

Deno.test("handoff moves a lease, and says each step until the new owner renews it", async () => {
  const { bed, handoff } = await bedOf();
  const { code, out, err } = await handoff("00000", "--to", "b");
  assertEquals([code, err], [0, ""]);
  const steps = [
    "Waiting until a and b renew their leases",
    "0 s  a is asked to hand it over to b",
    "1 s  a knows, and finishes its batch",
    "3 s  a has handed it over; b has to find it",
    "4 s  b renews it",
    `${KEY} is b's after 4 s. a leads, and may move it again when it balances.`,
  ];
  assertEquals(out.split("\n").map((line) => line.trim()).filter((line) => line !== ""), steps);
  const { leaseOwner, checkpointOwner } = await bed.read(KEY);
  assertEquals([leaseOwner, checkpointOwner], ["b", undefined]);
});

Deno.test("handoff --json prints one document", async () => {
  const { handoff } = await bedOf();
  const { code, out } = await handoff(KEY, "--to", "b", "--json");
  assertEquals(code, 0);
  assertEquals(JSON.parse(out), {
    outcome: "done",
    leaseKey: KEY,
    from: "a",
    to: "b",
    leaseOwner: "b",
    checkpointOwner: null,
    leader: "a",
    passedMs: 4000,
    phases: [
      { phase: "asked", afterMs: 0 },
      { phase: "draining", afterMs: 1000 },
      { phase: "handedOver", afterMs: 3000 },
      { phase: "renewed", afterMs: 4000 },
    ],
  });
});

Deno.test("handoff --no-wait asks only", async () => {
  const { bed, handoff } = await bedOf();
  const { code, out } = await handoff(KEY, "--to", "b", "--no-wait");
  assertEquals(code, 0);
  assertStringIncludes(out, `${KEY} will be b's.`);
  const { leaseOwner, checkpointOwner } = await bed.read(KEY);
  assertEquals([leaseOwner, checkpointOwner], ["b", "a"]);
});

Deno.test("handoff without a target is wrong usage", async () => {
  const { handoff } = await bedOf();
  const { code, err } = await handoff(KEY);
  assertEquals(code, 2);
  assertStringIncludes(err, "expected --to WORKER: got none");
});

/** What is refused, after what was changed, and why. */
const REFUSALS: readonly {
  readonly what: string;
  readonly given?: Partial<ActingFleetOptions>;
  readonly change?: (bed: Bed) => Promise<unknown>;
  readonly args?: readonly string[];
  readonly why: RegExp;
}[] = [
  { what: "a lease that is the target's already", args: [OTHER, "--to", "b"], why: /b has it already/ },
  {
    what: "a key that there is not",
    args: ["00007", "--to", "b"],
    why: /no match in shardId-0+, shardId-0+1/,
  },
  {
    what: "an end of two keys",
    change: ({ bed }) => bed.lease(newLease("shardId-000100000000"), "a"),
    args: ["00000", "--to", "b"],
    why: /expected the end of one key: got 2: shardId-000000000000, shardId-000100000000/,
  },
  {
    what: "a target that does not report",
    args: [KEY, "--to", "c"],
    why: /no worker "c" reports: expected one of b/,
  },
  {
    what: "a target whose last report is old",
    change: ({ bed }) => bed.worker("c", 900_000),
    args: [KEY, "--to", "c"],
    why: /the last report of c is 9\d\d s old/,
  },
  {
    what: "a target that is silent for as long as a wrong clock might explain",
    change: ({ bed }) => bed.worker("c", 100_000),
    args: [KEY, "--to", "c"],
    why: /the last report of c is 1\d\d s old/,
  },
  {
    what: "a target that renews none of its leases",
    given: { alive: ["a"] },
    why: /b has renewed none of its own leases for 11 s/,
  },
  {
    what: "a target that cannot measure itself",
    change: ({ bed }) => bed.worker("b", 0, { stats: { C: [-1] } }),
    why: /b reports that it cannot measure itself/,
  },
  {
    what: "a target that is drained",
    change: ({ bed }) => bed.run(["drain", "b", "--timeout", "1s"]),
    why: /b is being drained, and would lose it again/,
  },
  { what: "an owner that does not renew", given: { alive: ["b"] }, why: /a has not renewed it for 11 s/ },
  {
    what: "an owner that sends no reports",
    change: async ({ bed }) => {
      await bed.lease(newLease("shardId-000000000002"), "old");
    },
    args: ["00002", "--to", "b"],
    why: /its owner old sends no reports/,
  },
  {
    what: "a lease without an owner",
    change: ({ bed }) => bed.lease(newLease("shardId-000000000002")),
    args: ["00002", "--to", "b"],
    why: /it has no owner who could hand it over.*kclite explain shardId-000000000002/,
  },
  {
    what: "a handoff that is pending",
    change: async ({ bed }) => {
      const lease = await bed.read(KEY);
      await bed.fleet.leaseStore.apply(startHandoff({ ...lease, leaseOwner: "a" }, "b"));
    },
    why: /a handoff from a to b is pending/,
  },
  {
    what: "a lease that is finished",
    change: async ({ bed }) => bed.fleet.leaseStore.apply(checkpoint(await bed.read(KEY), SHARD_END)),
    why: /its shard has been read to its end/,
  },
  {
    what: "a fleet of KCL 2.x",
    change: ({ bed }) =>
      bed.fleet.coordinatorStore.createMigration("leaseTable", {
        key: "Migration3.0",
        value: "CLIENT_VERSION_UPGRADE_FROM_2X",
        modifiedBy: "a",
        modifiedEpochMs: 1,
        history: [],
      }),
    why: /assigns leases as KCL 2.x does/,
  },
];

for (const { what, given, change, args = [KEY, "--to", "b"], why } of REFUSALS) {
  Deno.test(`handoff refuses ${what}, and writes nothing`, async () => {
    const bed = await bedOf(given);
    await change?.(bed);
    const owners = async () =>
      (await bed.bed.fleet.leaseStore.list()).leases.map(({ leaseOwner, checkpointOwner }) =>
        `${leaseOwner} ${checkpointOwner}`
      );
    bed.fleet.alive.delete("nobody");
    const before = await owners();
    if (before.some((pair) => pair === "b a")) bed.fleet.deaf.add("a");
    const { code, err } = await bed.handoff(...args);
    assertEquals(code, 1);
    assertMatch(err, why);
    assertEquals(await owners(), before);
  });
}

Deno.test("handoff waits for the report of a target whose clock is behind", async () => {
  const { bed, fleet, handoff } = await bedOf();
  let seconds = 0;
  fleet.afterSecond = async () => {
    if (++seconds === 20) await bed.worker("b", 100_000 - 30_000);
  };
  await bed.worker("b", 100_000);
  const { code, out } = await handoff(KEY, "--to", "b");
  assertEquals(code, 0, out);
  assertStringIncludes(out, "Waiting for a report of b");
});

Deno.test("handoff tells of an owner that dies meanwhile, what the fleet will do, and ends with 1", async () => {
  const { fleet, handoff } = await bedOf();
  let seconds = 0;
  fleet.afterSecond = () => {
    if (++seconds === 2) fleet.alive.delete("a");
  };
  const { code, out, err } = await handoff(KEY, "--to", "b", "--timeout", "30s");
  assertEquals(code, 1);
  assertMatch(
    out,
    /a has not renewed it for 11 s, and may have died: once the lease has expired, b takes it/,
  );
  assertMatch(err, /expected b to renew it within 30 s: got none: the handoff from a stays pending/);
});

Deno.test("handoff tells of a new owner that dies meanwhile", async () => {
  const { fleet, handoff } = await bedOf();
  let seconds = 0;
  fleet.afterSecond = () => {
    if (++seconds === 2) fleet.alive.delete("b");
  };
  const { code, out, err } = await handoff(KEY, "--to", "b");
  assertEquals(code, 1);
  assertMatch(out, /b has not renewed it for 21 s, and may have died: the leader gives the lease to another/);
  assertMatch(err, /expected b to renew it within 50 s/);
});

Deno.test("handoff says that a leader has called it off", async () => {
  const { bed, fleet, handoff } = await bedOf({ deaf: ["a"] });
  let seconds = 0;
  fleet.afterSecond = async () => {
    if (++seconds !== 4) return;
    const lease = await bed.read(KEY);
    await bed.fleet.leaseStore.apply({
      ...startHandoff({ ...lease, leaseOwner: "a" }, "a"),
      set: { leaseOwner: "a" },
      remove: ["checkpointOwner"],
      when: { exists: true },
    });
  };
  const { code, err } = await handoff(KEY, "--to", "b");
  assertEquals(code, 1);
  assertStringIncludes(err, "it is a's again: the leader has called the handoff off");
});

Deno.test("request() knows its own write when the answer was lost, and another's", async () => {
  const { bed } = await bedOf();
  const { leaseStore } = bed.fleet;
  const lost = new AwsServiceError({
    service: "dynamodb",
    operation: "UpdateItem",
    code: "NetworkError",
    status: undefined,
    requestId: undefined,
    retryable: true,
    detail: "lost",
    body: undefined,
  });
  const store = (apply: LeaseStore["apply"]): LeaseStore =>
    new Proxy(leaseStore, {
      get: (target, name) => {
        if (name === "apply") return apply;
        const value = Reflect.get(target, name);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  const lease = { ...await bed.read(KEY), leaseOwner: "a" };
  const { signal } = new AbortController();
  let calls = 0;
  const never = store(() => {
    calls++;
    return Promise.reject(lost);
  });
  await assertRejects(() => request(never, lease, "b", signal), Error, "expected an answer to the request");
  assertEquals(calls, 3);
  const answerless = store(async (write) => {
    await leaseStore.apply(write);
    throw lost;
  });
  const asked = await request(answerless, lease, "b", signal);
  assertEquals([asked?.leaseOwner, asked?.checkpointOwner], ["b", "a"]);
  const again = await request(leaseStore, lease, "b", signal);
  assertEquals(again?.checkpointOwner, "a", "the same handoff, refused: it is there already");
  assertEquals(await request(leaseStore, lease, "c", signal), undefined, "another's");
});

Deno.test("handoff prints no control characters of the table", async () => {
  const { bed, handoff } = await bedOf();
  await bed.lease(newLease("shardId-000000000002"), "evil\u001b[31m");
  const { code, err, out } = await handoff("00002", "--to", "b");
  assertEquals(code, 1);
  assertEquals(`${out}${err}`.includes("\u001b"), false);
});

Deno.test("handoff of a table that there is not says what to check", async () => {
  const { code, err } = await new OperateBed().run(["handoff", KEY, "--to", "b"]);
  assertEquals(code, 1);
  assertMatch(err, /Cannot .*table "app"/);
});

Deno.test("handoff that cannot be watched any more says that it has begun", async () => {
  const { bed, fleet } = await bedOf();
  let seconds = 0;
  fleet.afterSecond = () => void seconds++;
  const { system } = bed.aws;
  const denied = () =>
    Promise.resolve(new Response('{"__type":"AccessDeniedException","message":"no"}', { status: 400 }));
  const fetch: typeof system.fetch = (...input) => seconds < 3 ? system.fetch(...input) : denied();
  const { code, err } = await bed.run(["handoff", KEY, "--to", "b"], {
    more: { options: { system: { ...system, fetch } } },
  });
  assertEquals(code, 1);
  assertMatch(
    err,
    /Cannot watch the handoff of lease "shardId-0+" from a to b, which has begun: .*see kclite describe/,
  );
});
