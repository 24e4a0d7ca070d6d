/** Several live processes under one worker name: whole workers, in memory. */

import { assertEquals, assertRejects } from "@std/assert";
import { AwsServiceError } from "../../src/errors.ts";
import type { CoordinatorStore } from "../../src/lease/coordinator_store.ts";
import type { Lease } from "../../src/lease/lease.ts";
import type { LeaseStore } from "../../src/lease/lease_store.ts";
import { renew } from "../../src/lease/lease_write.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { NamesakesBed, type Process } from "../support/namesakes.ts";

/** How long a switch from one process to the next may take, in ms: the failover time of the workers here. */
const SWITCH_MS = 10_000;

/** The same store, with something around each of its calls. */
function around<T extends object>(
  store: T,
  doCall: (method: string, call: () => Promise<unknown>) => Promise<unknown>,
): T {
  return new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => doCall(String(name), async () => await member.apply(target, args));
    },
  });
}

function dynamodbError(code: string, retryable: boolean): AwsServiceError {
  const about = { service: "dynamodb", operation: "UpdateItem", status: 400, requestId: "r-1" };
  return new AwsServiceError({ ...about, code, retryable, detail: "told by a test", body: undefined });
}

/** A worker of KCL for Java under the same name: it leaves no marks, and takes one step of the counter for its own. */
class JavaNamesake {
  readonly #bed: NamesakesBed;
  readonly #held = new Map<string, Lease>();

  constructor(bed: NamesakesBed) {
    this.#bed = bed;
  }

  async runFor(ms: number): Promise<void> {
    const { clock, store } = this.#bed;
    for (let passedMs = 0; passedMs < ms; passedMs += 3000) {
      for (const lease of (await store.list()).leases) {
        const isAssigned = lease.leaseOwner === "same" && lease.checkpointOwner === undefined;
        if (isAssigned && passedMs % 9000 === 0 && !this.#held.has(lease.leaseKey)) {
          this.#held.set(lease.leaseKey, lease);
        }
      }
      for (const [leaseKey, held] of this.#held) {
        const outcome = await store.apply(renew(held));
        const found = outcome.applied ? outcome.lease : outcome.found;
        const isKept = outcome.applied ||
          (found?.leaseOwner === "same" && found.leaseCounter === held.leaseCounter + 1);
        if (found !== undefined && isKept) this.#held.set(leaseKey, found);
        else this.#held.delete(leaseKey);
      }
      await clock.advance(3000);
    }
  }

  get holds(): number {
    return this.#held.size;
  }
}

function assertOneSwitch(bed: NamesakesBed, ...startedMs: readonly number[]): void {
  const outside = bed.repeatedAtMs.filter((atMs) =>
    !startedMs.some((fromMs) => atMs >= fromMs && atMs <= fromMs + SWITCH_MS)
  );
  assertEquals(outside, [], "records come twice while the processes change, and at no other time");
  assertEquals(bed.missing, []);
}

function assertSuperseded({ events, health }: Process): void {
  assertEquals(eventsOf(events, "superseded").length, 1);
  assertEquals(eventsOf(events, "workerStopped"), [], "it stays up");
  assertEquals(health().faults.map(({ code }) => code), ["superseded"]);
  assertEquals(health().ready, true);
}

Deno.test("KinesisWorker is superseded by a later process of its name: each record once but for the switch", async () => {
  await using bed = new NamesakesBed();
  const older = bed.start("older");
  await bed.clock.advance(6000);
  const newer = bed.start("newer");
  await bed.clock.advance(30_000);
  assertOneSwitch(bed, 6000);
  assertEquals(bed.deliveringSince(6000 + SWITCH_MS), ["newer"]);
  assertSuperseded(older);
  assertEquals(newer.health().faults, []);
  assertEquals(eventsOf(older.events, "leaseLost").map(({ reason }) => reason), ["superseded", "superseded"]);
  assertEquals(eventsOf(older.events, "leadershipLost").length, 1);
  assertEquals(eventsOf(older.events, "leadershipGained").length, 1);
  assertEquals(eventsOf(newer.events, "leadershipGained").length, 1);
  assertEquals(eventsOf(newer.events, "leaseLost"), []);
});

Deno.test("KinesisWorker that is superseded asks and writes nothing more, and its orderly stop takes nothing from the newer one", async () => {
  await using bed = new NamesakesBed();
  let calls = 0;
  const counted = <T extends object>(store: T): T =>
    around(store, (_, call) => {
      calls++;
      return call();
    });
  const older = bed.start("older", {
    leaseStore: counted<LeaseStore>(bed.store),
    coordinatorStore: counted<CoordinatorStore>(bed.coordinator),
  });
  await bed.clock.advance(6000);
  const newer = bed.start("newer");
  await bed.clock.advance(10_000);
  calls = 0;
  await bed.clock.advance(35_000);
  assertEquals(calls, 0);
  older.stop();
  await bed.clock.advance(10_000);
  await older.ended;
  assertEquals(calls, 0);
  await bed.clock.advance(10_000);
  assertEquals(eventsOf(newer.events, "leaseLost"), []);
  assertEquals((await bed.store.list()).workers.map(({ workerId }) => workerId), ["same"]);
  assertEquals(eventsOf(older.events, "leaseReleased"), []);
  assertOneSwitch(bed, 6000);
});

Deno.test("KinesisWorker of a name with three processes: the last one goes on", async () => {
  await using bed = new NamesakesBed();
  const first = bed.start("first");
  await bed.clock.advance(6000);
  const second = bed.start("second");
  await bed.clock.advance(500);
  const third = bed.start("third");
  await bed.clock.advance(35_000);
  assertOneSwitch(bed, 6000, 6500);
  assertEquals(bed.deliveringSince(6500 + SWITCH_MS), ["third"]);
  assertSuperseded(first);
  assertSuperseded(second);
  assertEquals(third.health().faults, []);
});

Deno.test("KinesisWorker that starts in the same millisecond as another one of its name: one of them goes on", async () => {
  await using bed = new NamesakesBed();
  const both = [bed.start("a"), bed.start("b")];
  await bed.clock.advance(35_000);
  assertEquals(bed.deliveringSince(SWITCH_MS).length, 1);
  assertEquals(both.filter(({ events }) => eventsOf(events, "superseded").length === 1).length, 1);
  assertOneSwitch(bed, 0);
});

Deno.test("KinesisWorker started later supersedes one whose wall clock is ahead", async () => {
  await using bed = new NamesakesBed();
  const older = bed.start("older", { aheadMs: 3_600_000 });
  await bed.clock.advance(6000);
  bed.start("newer");
  await bed.clock.advance(20_000);
  assertEquals(bed.deliveringSince(6000 + SWITCH_MS), ["newer"]);
  assertSuperseded(older);
  assertOneSwitch(bed, 6000);
});

Deno.test("KinesisWorker that was paused while a later process of its name started delivers nothing after it", async () => {
  for (const pausedMs of [2000, 9000, 40_000]) {
    await using bed = new NamesakesBed();
    const older = bed.start("older");
    await bed.clock.advance(5900);
    older.pause();
    await bed.clock.advance(100);
    bed.start("newer");
    await bed.clock.advance(pausedMs);
    older.resume();
    await bed.clock.advance(15_000);
    assertOneSwitch(bed, 6000);
    assertEquals(bed.deliveringSince(6000 + Math.max(pausedMs + 1, SWITCH_MS)), ["newer"]);
    assertSuperseded(older);
  }
});

Deno.test("KinesisWorker without a lease learns from its metrics item that it is superseded", async () => {
  await using bed = new NamesakesBed();
  for (const name of ["other-1", "other-2"]) bed.start(name, { workerIdentifier: name });
  await bed.clock.advance(10_000);
  const older = bed.start("older");
  await bed.clock.advance(6000);
  bed.start("newer");
  await bed.clock.advance(31_000);
  assertEquals(bed.deliveringSince(0), ["other-1", "other-2"]);
  assertSuperseded(older);
});

Deno.test("KinesisWorker gives way to a Java worker of its name, and reads again when that one has fallen silent", async () => {
  await using bed = new NamesakesBed();
  const ours = bed.start("ours");
  await bed.clock.advance(6000);
  const java = new JavaNamesake(bed);
  await java.runFor(30_000);
  assertEquals(java.holds, 2);
  assertEquals(eventsOf(ours.events, "leaseLost").map(({ reason }) => reason), ["namesake", "namesake"]);
  const nowMs = bed.clock.monotonicMs();
  assertEquals(bed.deliveringSince(nowMs - 15_000), []);
  await bed.clock.advance(6000);
  assertEquals(bed.deliveringSince(nowMs), [], "its counters have not stood still for long enough");
  await bed.clock.advance(8000);
  assertEquals(bed.deliveringSince(nowMs), ["ours"]);
  assertEquals(bed.missing, []);
  assertEquals(eventsOf(ours.events, "superseded"), []);
});

Deno.test("KinesisWorker keeps its leases when answers are lost, and is superseded all the same", async () => {
  await using bed = new NamesakesBed();
  const lossy = () => {
    let writes = 0;
    return around<LeaseStore>(bed.store, async (method, call) => {
      const outcome = await call();
      if (method === "apply" && ++writes % 3 === 0) throw dynamodbError("TimeoutError", true);
      return outcome;
    });
  };
  const older = bed.start("older", { leaseStore: lossy() });
  await bed.clock.advance(40_000);
  assertEquals(bed.repeatedAtMs, []);
  assertEquals(eventsOf(older.events, "leaseLost"), []);
  const newer = bed.start("newer", { leaseStore: lossy() });
  await bed.clock.advance(40_000);
  assertOneSwitch(bed, 40_000);
  assertSuperseded(older);
  assertEquals(eventsOf(newer.events, "leaseLost"), []);
});

Deno.test("KinesisWorker is superseded where metrics items may not be written any more, by the leases alone", async () => {
  await using bed = new NamesakesBed();
  const firstOnly = () => {
    let writes = 0;
    return around<CoordinatorStore>(bed.coordinator, (method, call) => {
      if (method === "writeWorkerMetrics" && ++writes > 1) {
        throw dynamodbError("AccessDeniedException", false);
      }
      return call();
    });
  };
  const older = bed.start("older", { coordinatorStore: firstOnly() });
  await bed.clock.advance(31_000);
  bed.start("newer", { coordinatorStore: firstOnly() });
  await bed.clock.advance(29_000);
  assertOneSwitch(bed, 31_000);
  assertEquals(bed.deliveringSince(31_000 + SWITCH_MS), ["newer"]);
  assertSuperseded(older);
});

Deno.test("KinesisWorker that may not write its metrics item does not start, and takes nothing from another process of its name", async () => {
  await using bed = new NamesakesBed();
  const older = bed.start("older");
  await bed.clock.advance(6000);
  const refused = bed.start("refused", {
    coordinatorStore: around<CoordinatorStore>(bed.coordinator, (method, call) => {
      if (method === "writeWorkerMetrics") throw dynamodbError("AccessDeniedException", false);
      return call();
    }),
  });
  await bed.clock.advance(30_000);
  await assertRejects(() => refused.ended, AwsServiceError, "AccessDenied");
  assertEquals(bed.repeatedAtMs, []);
  assertEquals(bed.deliveringSince(0), ["older"]);
  assertEquals(older.health().faults, []);
});

Deno.test("KinesisWorker that stops before it knows of a later process of its name leaves that one its leases", async () => {
  await using bed = new NamesakesBed();
  const older = bed.start("older");
  bed.start("other", { workerIdentifier: "other" });
  await bed.clock.advance(10_000);
  older.pause();
  const newer = bed.start("newer");
  await bed.clock.advance(2000);
  const held = async () => (await bed.store.list()).leases.map(({ leaseOwner }) => leaseOwner).toSorted();
  assertEquals(await held(), ["other", "same"]);
  assertEquals(eventsOf(older.events, "superseded"), []);
  older.stop();
  older.resume();
  await bed.clock.advance(10_000);
  await older.ended;
  assertEquals(await held(), ["other", "same"]);
  assertEquals(eventsOf(older.events, "leaseReleased"), []);
  assertEquals(eventsOf(newer.events, "leaseLost"), []);
  const { workers } = await bed.store.list();
  assertEquals(workers.map(({ workerId }) => workerId).toSorted(), ["other", "same"]);
});

Deno.test("KinesisWorker that is started again under its name gets its leases back at once", async () => {
  await using bed = new NamesakesBed();
  const dead = bed.start("dead");
  await bed.clock.advance(6000);
  dead.pause();
  const again = bed.start("again");
  await bed.clock.advance(3000);
  assertEquals(eventsOf(again.events, "leaseGained").length, 2);
  assertEquals(bed.deliveringSince(6001), ["again"]);
});
