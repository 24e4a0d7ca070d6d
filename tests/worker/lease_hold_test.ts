import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import fc from "../support/fast_check.ts";
import { LeaseLostError } from "../../src/errors.ts";
import type { LeaseStore } from "../../src/lease/lease_store.ts";
import {
  assign,
  checkpoint,
  evict,
  type LeaseWrite,
  renew,
  startHandoff,
} from "../../src/lease/lease_write.ts";
import { progressOf } from "../../src/lease/lease.ts";
import { positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";
import { Identity } from "../../src/fleet/identity.ts";
import { LeaseHold, type LeaseHoldOptions } from "../../src/worker/lease_hold.ts";
import { MarkedLeaseStore } from "../../src/fleet/marked_lease_store.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { MemoryBed } from "../support/memory_bed.ts";
import { seeded } from "../support/seed.ts";

async function bed(changes: Partial<LeaseHoldOptions> = {}, memory = new MemoryBed()) {
  const lease = await memory.lease("s", "me");
  const hold = new LeaseHold(lease, memory.clock.monotonicMs(), { ...holdOptions(memory), ...changes });
  return { ...memory, memory, lease, hold, clock: memory.clock, store: memory.store, events: memory.events };
}

/** A store whose next writes are applied but never answered, or fail before they arrive. */
function unreliable(store: LeaseStore, faults: ("answerLost" | "refused")[]): LeaseStore {
  return Object.assign(Object.create(store), {
    apply: async (...args: Parameters<LeaseStore["apply"]>) => {
      const fault = faults.shift();
      if (fault === "refused") throw new Error("table down");
      const outcome = await store.apply(...args);
      if (fault === "answerLost") throw new Error("answer lost");
      return outcome;
    },
  });
}

/** A store that answers after so many ms. */
function slowStore(memory: MemoryBed, ms: number): LeaseStore {
  return Object.assign(Object.create(memory.store), {
    apply: async (...args: Parameters<LeaseStore["apply"]>) => {
      const outcome = await memory.marked("me").apply(...args);
      await memory.clock.sleep(ms);
      return outcome;
    },
  });
}

Deno.test("LeaseHold.renew() moves the counter and starts the clock of expiry anew", async () => {
  const memory = new MemoryBed();
  const faults: ("answerLost" | "refused")[] = [];
  const { hold } = await bed({ store: unreliable(memory.marked("me"), faults) }, memory);
  await memory.clock.advance(9000);
  await hold.renew();
  assertEquals((await memory.read("s")).leaseCounter, 2);
  await memory.clock.advance(9999);
  faults.push("refused");
  await hold.ensureHeld();
  await memory.clock.advance(2);
  await assertRejects(() => hold.ensureHeld(), LeaseLostError, "could not be renewed in time");
  assertEquals(eventsOf(memory.events, "leaseLost").map((event) => event.reason), ["expired"]);
  assertEquals(eventsOf(memory.events, "leaseRenewalFailed").length, 1);
});

Deno.test("LeaseHold that has expired by the clock is renewed and goes on where nobody took it", async () => {
  const doings: readonly (readonly [string, (hold: LeaseHold) => Promise<void>])[] = [
    ["checkpoint", (hold) => hold.checkpoint(positionAt("42"))],
    ["prepareCheckpoint", (hold) => hold.prepareCheckpoint(positionAt("42"), undefined)],
    ["setChildShardIds", (hold) => hold.setChildShardIds(["a"])],
    ["renew", (hold) => hold.renew()],
    ["ensureHeld", (hold) => hold.ensureHeld()],
  ];
  for (const [name, act] of doings) {
    const { hold, clock, memory } = await bed();
    clock.jump(3_600_000);
    await act(hold);
    assertEquals([hold.lost.aborted, hold.incrementedMs], [false, 3_600_000], name);
    assertEquals([hold.fencingToken, (await memory.read("s")).leaseCounter > 1], [1, true], name);
    assertEquals(eventsOf(memory.events, "leaseLost"), [], name);
    assertEquals(eventsOf(memory.events, "leaseRenewed").length, 1, name);
    clock.jump(10_001);
    await act(hold);
    const [notice, ...more] = eventsOf(memory.events, "notice");
    assertEquals([notice?.level, more], ["warning", []], `${name}: said once`);
    assertMatch(notice?.text ?? "", /not renewed for 3600000 ms.* must let the event loop run/);
  }
});

Deno.test("LeaseHold that has expired by the clock is lost where another worker took the lease, or it is gone", async () => {
  for (
    const [reason, change] of [
      ["taken", async (memory) => void await memory.store.apply(assign(await memory.read("s"), "other"))],
      ["deleted", (memory) => memory.store.delete("s")],
    ] as readonly (readonly [string, (memory: MemoryBed) => Promise<void>])[]
  ) {
    const { hold, clock, memory } = await bed();
    clock.jump(10_001);
    await change(memory);
    const before = await memory.store.get("s");
    await assertRejects(() => hold.checkpoint(positionAt("42")), LeaseLostError);
    await assertRejects(() => hold.ensureHeld(), LeaseLostError);
    assertEquals(eventsOf(memory.events, "leaseLost").map((event) => event.reason), [reason]);
    assertEquals(await memory.store.get("s"), before);
  }
});

Deno.test("LeaseHold that has expired by the clock is lost where its worker has begun the lease anew elsewhere", async () => {
  for (const isRenewed of [false, true]) {
    const { hold, clock, memory } = await bed();
    clock.jump(10_001);
    const namesake = new Identity({ workerId: "me", system: memory.system, emit: memory.emit });
    namesake.claim();
    const other = new MarkedLeaseStore(memory.store, namesake);
    const outcome = await other.apply(renew(await memory.read("s")));
    assert(outcome.applied);
    const anew = new LeaseHold(outcome.lease, clock.monotonicMs(), { ...holdOptions(memory), store: other });
    if (isRenewed) await anew.renew();
    await assertRejects(() => hold.checkpoint(positionAt("42")), LeaseLostError);
    await anew.checkpoint(positionAt("43"));
    assertEquals((await memory.read("s")).checkpoint, positionAt("43"));
  }
});

Deno.test("LeaseHold.ensureHeld() waits until the table has confirmed a lease that has expired by the clock", async () => {
  const memory = new MemoryBed();
  const { hold } = await bed({ store: slowStore(memory, 50) }, memory);
  memory.clock.jump(10_001);
  let isHeld = false;
  const held = hold.ensureHeld().then(() => isHeld = true);
  await memory.clock.advance(49);
  assertEquals(isHeld, false);
  await memory.clock.advance(1);
  await held;
  assertEquals(hold.incrementedMs, 10_001, "from before the renewal was sent");
});

Deno.test("LeaseHold that has expired by the clock asks once, whoever wants to know", async () => {
  const { hold, clock, memory } = await bed();
  clock.jump(10_001);
  await Promise.all([hold.ensureHeld(), hold.renew(), hold.ensureHeld(), hold.checkpoint(positionAt("42"))]);
  const { leaseCounter, checkpoint } = await memory.read("s");
  assertEquals([leaseCounter, checkpoint], [1 + 2, positionAt("42")]);
});

Deno.test("LeaseHold is renewed once more when the process stands still again before it hears the answer", async () => {
  const memory = new MemoryBed();
  const { hold } = await bed({ store: slowStore(memory, 50) }, memory);
  memory.clock.jump(10_001);
  const held = hold.ensureHeld();
  await memory.clock.advance(0);
  memory.clock.jump(20_000); // the answer, and one slice of the time limit, come after it
  await memory.clock.advance(1000);
  await held;
  assertEquals([hold.lost.aborted, (await memory.read("s")).leaseCounter], [false, 3]);
});

Deno.test("LeaseHold whose last renewal hangs is lost after a second, or a third of a short failover time", async () => {
  for (const [failoverTimeMs, afterMs] of [[10_000, 1000], [1000, 308]] as const) {
    const memory = new MemoryBed();
    const hanging: LeaseStore = Object.assign(Object.create(memory.store), {
      apply: (_: LeaseWrite, signal: AbortSignal) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () => reject(signal.reason), { once: true })
        ),
    });
    const { hold } = await bed({
      store: hanging,
      leasing: { failoverTimeMs, gracefulLeaseHandoffTimeoutMs: 30_000 },
    }, memory);
    await memory.clock.advance(failoverTimeMs + 1);
    const lost = assertRejects(() => hold.ensureHeld(), LeaseLostError, "could not be renewed in time");
    await memory.clock.advance(afterMs - 1);
    assertEquals(hold.lost.aborted, false);
    await memory.clock.advance(2);
    await lost;
  }
});

Deno.test("LeaseHold that was reported as lost reaches the table no more, though nobody took the lease", async () => {
  const memory = new MemoryBed();
  const { hold } = await bed({ store: unreliable(memory.marked("me"), ["refused"]) }, memory);
  memory.clock.jump(10_001);
  await assertRejects(() => hold.ensureHeld(), LeaseLostError);
  const before = await memory.read("s");
  await assertRejects(() => hold.checkpoint(positionAt("42")), LeaseLostError);
  await assertRejects(() => hold.renew(), LeaseLostError);
  assertEquals(await memory.read("s"), before);
});

Deno.test("LeaseHold that has expired by the clock does not checkpoint once its handoff may be overdue for others", async () => {
  const { hold, clock, memory } = await bed();
  await memory.store.apply(startHandoff({ ...await memory.read("s"), leaseOwner: "me" }, "next"));
  clock.jump(40_001); // the handoff may have begun right after the last renewal
  await assertRejects(() => hold.checkpoint(positionAt("42")), LeaseLostError, "handed over in time");
  assertEquals((await memory.read("s")).checkpoint, positionAt("TRIM_HORIZON"));
  assertEquals(eventsOf(memory.events, "leaseLost").map((event) => event.reason), ["handoffOverdue"]);
});

Deno.test("LeaseHold that has expired by the clock learns of a handoff, checkpoints and hands over", async () => {
  const { hold, clock, memory } = await bed();
  await memory.store.apply(startHandoff({ ...await memory.read("s"), leaseOwner: "me" }, "next"));
  clock.jump(20_000);
  await hold.checkpoint(positionAt("42"));
  assert(hold.drain.aborted);
  await hold.handOver();
  const { leaseOwner, checkpointOwner, checkpoint } = await memory.read("s");
  assertEquals([leaseOwner, checkpointOwner, checkpoint], ["next", undefined, positionAt("42")]);
});

Deno.test("LeaseHold counts as renewed from before the write was sent, not from its answer", async () => {
  const memory = new MemoryBed();
  const lease = await memory.lease("s", "me");
  const hold = new LeaseHold(lease, 0, { ...holdOptions(memory), store: slowStore(memory, 4000) });
  const renewing = hold.renew();
  await memory.clock.advance(4000);
  await renewing;
  assertEquals(hold.incrementedMs, 0);
});

Deno.test("LeaseHold.checkpoint() stores the position and renews by the way", async () => {
  const { hold, clock, memory } = await bed();
  await clock.advance(5000);
  await hold.checkpoint(positionAt("42"));
  assertEquals((await memory.read("s")).checkpoint, positionAt("42"));
  assertEquals(hold.incrementedMs, 5000);
  assertEquals(hold.lease.checkpoint, positionAt("42"));
});

Deno.test("LeaseHold.checkpoint() that fails leaves memory as the table last confirmed it", async () => {
  const memory = new MemoryBed();
  const { hold } = await bed({ store: unreliable(memory.marked("me"), ["refused"]) });
  await assertRejects(() => hold.checkpoint(positionAt("42")), Error, "table down");
  assertEquals(hold.lease.checkpoint, positionAt("TRIM_HORIZON"));
});

Deno.test("LeaseHold learns that it is dethroned by the refused write, and reaches the table no more", async () => {
  const { hold, store, memory } = await bed();
  await store.apply(assign(await memory.read("s"), "other"));
  await assertRejects(() => hold.checkpoint(positionAt("42")), LeaseLostError, "another worker owns it");
  assert(hold.lost.aborted);
  const before = await memory.read("s");
  await assertRejects(() => hold.renew(), LeaseLostError);
  await hold.handOver();
  assertEquals(await memory.read("s"), before);
  assertEquals(eventsOf(memory.events, "leaseLost").map((event) => event.reason), ["taken"]);
});

Deno.test("LeaseHold takes a deleted item for a lost lease", async () => {
  const { hold, store, memory } = await bed();
  await store.delete("s");
  await assertRejects(() => hold.renew(), LeaseLostError, "gone from the lease table");
  assertEquals(eventsOf(memory.events, "leaseLost").map((event) => event.reason), ["deleted"]);
  assertEquals(memory.table.items(), []);
});

Deno.test("LeaseHold recognises its own write when only the answer was lost", async () => {
  const memory = new MemoryBed();
  const lease = await memory.lease("s", "me");
  const faults: ("answerLost" | "refused")[] = [];
  const hold = new LeaseHold(lease, 0, {
    store: unreliable(memory.marked("me"), faults),
    identity: memory.identity("me"),
    workerId: "me",
    leasing: { failoverTimeMs: 10_000, gracefulLeaseHandoffTimeoutMs: 30_000 },
    clock: memory.clock,
    emit: memory.emit,
    successorOf: () => undefined,
  });
  await memory.clock.advance(1000);
  faults.push("answerLost");
  await assertRejects(() => hold.renew(), Error, "answer lost");
  await memory.clock.advance(1000);
  await hold.renew();
  assertEquals(hold.lost.aborted, false);
  // The counter moved at 1000 at the earliest; whoever watches it may count from there.
  assertEquals(hold.incrementedMs, 1000);
  await hold.checkpoint(positionAt("7"));
  assertEquals((await memory.read("s")).checkpoint, positionAt("7"));
  assertEquals(hold.incrementedMs, 2000);
});

Deno.test("LeaseHold counts from the first of several writes in a row whose fate is unknown", async () => {
  const memory = new MemoryBed();
  const lease = await memory.lease("s", "me");
  const store = unreliable(memory.marked("me"), ["answerLost", "refused"]);
  const hold = new LeaseHold(lease, 0, { ...holdOptions(memory), store });
  await memory.clock.advance(1000);
  await assertRejects(() => hold.renew(), Error, "answer lost"); // it is applied, which nobody knows here
  await memory.clock.advance(1000);
  await assertRejects(() => hold.renew(), Error, "table down");
  await memory.clock.advance(1000);
  await hold.renew();
  // Others saw the counter move at 1000 and at no time after it.
  assertEquals(hold.incrementedMs, 1000);
  await memory.clock.advance(1000);
  await hold.renew();
  assertEquals(hold.incrementedMs, 4000, "what was unknown once is known since");
});

Deno.test("LeaseHold stores a checkpoint after a renewal whose answer was lost", async () => {
  const memory = new MemoryBed();
  const lease = await memory.lease("s", "me");
  const hold = new LeaseHold(lease, 0, {
    store: unreliable(memory.marked("me"), ["answerLost"]),
    identity: memory.identity("me"),
    workerId: "me",
    leasing: { failoverTimeMs: 10_000, gracefulLeaseHandoffTimeoutMs: 30_000 },
    clock: memory.clock,
    emit: memory.emit,
    successorOf: () => undefined,
  });
  await assertRejects(() => hold.renew(), Error, "answer lost");
  await hold.checkpoint(positionAt("7"));
  assertEquals((await memory.read("s")).checkpoint, positionAt("7"));
});

Deno.test("LeaseHold drains when the leader asks for the lease, goes on renewing, and hands over as asked", async () => {
  const { hold, store, memory } = await bed({ successorOf: () => "somebody else" });
  const lease = await memory.read("s");
  await store.apply(startHandoff({ ...lease, leaseOwner: "me" }, "next"));
  await hold.renew();
  assert(hold.drain.aborted);
  assertEquals(hold.lost.aborted, false);
  await hold.checkpoint(positionAt("42"));
  const during = await memory.read("s");
  assertEquals([during.leaseOwner, during.checkpointOwner], ["next", "me"]);
  await hold.handOver();
  const after = await memory.read("s");
  assertEquals([after.leaseOwner, after.checkpointOwner, after.checkpoint], [
    "next",
    undefined,
    positionAt("42"),
  ]);
  assertEquals(after.ownerSwitchesSinceCheckpoint, 0, "a handoff as planned is no switch");
  assertEquals(eventsOf(memory.events, "leaseLost"), []);
  assertEquals(eventsOf(memory.events, "leaseReleased").map((event) => event.to), ["next"]);
});

Deno.test("LeaseHold.setChildShardIds() finds out that another worker owns the lease, and writes nothing to it", async () => {
  const { hold, store, memory, lease } = await bed();
  await store.apply(assign(lease, "other"));
  await assertRejects(() => hold.setChildShardIds(["a", "b"]), LeaseLostError, "another worker owns it");
  await assertRejects(() => hold.checkpoint(SHARD_END), LeaseLostError);
  const { childShardIds, checkpoint } = await memory.read("s");
  assertEquals([childShardIds, checkpoint], [[], positionAt("TRIM_HORIZON")]);
});

Deno.test("LeaseHold.setChildShardIds() goes through after a renewal whose answer was lost, and in a handoff", async () => {
  const memory = new MemoryBed();
  const lease = await memory.lease("s", "me");
  const store = unreliable(memory.marked("me"), ["answerLost"]);
  const hold = new LeaseHold(lease, 0, { ...holdOptions(memory), store });
  await assertRejects(() => hold.renew(), Error, "answer lost");
  await memory.store.apply(startHandoff({ ...lease, leaseOwner: "me" }, "other"));
  await hold.setChildShardIds(["a", "b"]);
  assertEquals((await memory.read("s")).childShardIds, ["a", "b"]);
  assertEquals(hold.drain.aborted, true);
});

Deno.test("LeaseHold.handOver() assigns to the successor, or frees the lease", async () => {
  for (const successor of ["next", undefined]) {
    const { hold, memory } = await bed({ successorOf: () => successor });
    await hold.handOver();
    assertEquals((await memory.read("s")).leaseOwner, successor);
    assert(hold.lost.aborted);
    assertEquals(eventsOf(memory.events, "leaseLost"), []);
  }
});

Deno.test("LeaseHold.handOver() that cannot reach the table lets the lease expire, and does not throw", async () => {
  const memory = new MemoryBed();
  const { hold } = await bed({ store: unreliable(memory.marked("me"), ["refused"]) });
  await hold.handOver();
  assert(hold.lost.aborted);
});

Deno.test("LeaseHold writes one at a time", async () => {
  const memory = new MemoryBed();
  const lease = await memory.lease("s", "me");
  let running = 0;
  let most = 0;
  const watched: LeaseStore = Object.assign(Object.create(memory.store), {
    apply: async (...args: Parameters<LeaseStore["apply"]>) => {
      most = Math.max(most, ++running);
      await memory.clock.sleep(0);
      running--;
      return await memory.marked("me").apply(...args);
    },
  });
  const hold = new LeaseHold(lease, 0, { ...holdOptions(memory), store: watched });
  await Promise.all([
    hold.renew(),
    hold.checkpoint(positionAt("1")),
    hold.renew(),
    hold.checkpoint(positionAt("2")),
  ]);
  assertEquals(most, 1);
  assertEquals((await memory.read("s")).leaseCounter, 5);
});

Deno.test("LeaseHold.handOver() that arrives late leaves the lease to a later hold of the same worker", async () => {
  for (const successorOf of [() => undefined, () => "other"]) {
    const memory = new MemoryBed();
    const underWay: LeaseWrite[] = [];
    const slow: LeaseStore = Object.assign(Object.create(memory.store), {
      apply: (write: LeaseWrite) => {
        underWay.push(write);
        return Promise.reject(new Error("no answer in time"));
      },
    });
    const options = { ...holdOptions(memory), successorOf };
    const first = new LeaseHold(await memory.lease("s", "me"), 0, { ...options, store: slow });
    await first.handOver();
    const again = await memory.store.apply(renew(await memory.read("s")));
    assert(again.applied);
    for (const late of underWay) assertEquals((await memory.store.apply(late)).applied, false);
    await new LeaseHold(again.lease, 0, options).renew();
    assertEquals((await memory.read("s")).leaseOwner, "me");
    assertEquals(underWay.length, 1);
  }
});

Deno.test("LeaseHold is lost when others may take its handoff for overdue, however it is renewed meanwhile", async () => {
  for (const noticed of ["by a renewal", "by a checkpoint"] as const) {
    const { hold, clock, memory, events } = await bed({
      leasing: { failoverTimeMs: 10_000, gracefulLeaseHandoffTimeoutMs: 5000 },
    });
    await clock.advance(2000);
    await hold.renew();
    const { leaseOwner = "", ...lease } = await memory.read("s");
    await memory.store.apply(startHandoff({ ...lease, leaseOwner }, "next"));
    await clock.advance(3000);
    if (noticed === "by a renewal") await hold.renew();
    else await hold.checkpoint(positionAt("5"));
    for (let ms = 0; ms < 12_000; ms += 1000) {
      await clock.advance(1000);
      await hold.renew();
    }
    await hold.ensureHeld();
    assertEquals(hold.drain.aborted, true);
    await clock.advance(1);
    await assertRejects(() => hold.ensureHeld(), LeaseLostError, "could not be handed over in time");
    assertEquals(eventsOf(events, "leaseLost").map(({ reason }) => reason), ["handoffOverdue"]);
  }
});

Deno.test("LeaseHold is lost to a process of its name, whether that made one step or two, marks or none", async () => {
  for (const steps of [1, 2]) {
    for (const store of ["of Java's", "of ours"] as const) {
      const { hold, memory, events } = await bed();
      const namesake = new Identity({ workerId: "me", system: memory.system, emit: memory.emit });
      const theirs = store === "of Java's" ? memory.store : new MarkedLeaseStore(memory.store, namesake);
      await hold.renew();
      for (let i = 0; i < steps; i++) await theirs.apply(renew(await memory.read("s")));
      const before = await memory.read("s");
      await assertRejects(() => hold.renew(), LeaseLostError, "under this worker's name");
      await hold.handOver();
      assertEquals(await memory.read("s"), before);
      assertEquals(eventsOf(events, "leaseLost").map(({ reason }) => reason), ["namesake"]);
      assertEquals(hold.lossReason, "namesake");
    }
  }
});

Deno.test("LeaseHold whose renewal was not answered is lost when Java held the lease since, though the mark is its own", async () => {
  const memory = new MemoryBed();
  const lease = await memory.lease("s", "me");
  const hold = new LeaseHold(lease, 0, {
    ...holdOptions(memory),
    store: unreliable(memory.marked("me"), ["answerLost"]),
  });
  await assertRejects(() => hold.renew(), Error, "answer lost");
  for (const owner of ["java", "me"]) await memory.store.apply(assign(await memory.read("s"), owner));
  assertEquals((await memory.read("s")).mark?.leaseCounter, 2);
  await assertRejects(() => hold.checkpoint(positionAt("7")), LeaseLostError, "under this worker's name");
  assertEquals((await memory.read("s")).checkpoint, positionAt("TRIM_HORIZON"));
});

Deno.test("LeaseHold that meets a newer process of its name supersedes the worker", async () => {
  const { hold, memory, events } = await bed();
  await memory.clock.advance(1000);
  const newer = new Identity({ workerId: "me", system: memory.system, emit: memory.emit });
  await new MarkedLeaseStore(memory.store, newer).apply(renew(await memory.read("s")));
  await assertRejects(() => hold.renew(), LeaseLostError);
  const { generation } = memory.identity("me").incarnation;
  assertEquals(eventsOf(events, "superseded"), [
    { type: "superseded", workerId: "me", generation, byGeneration: generation + 1000 },
  ]);
  assertEquals(memory.identity("me").superseded.aborted, true);
});

Deno.test("LeaseHold.prepareCheckpoint() leaves position and state to the next owner, until a checkpoint clears them", async () => {
  const { hold, memory } = await bed();
  const state = new Uint8Array([1, 2, 3]);
  await hold.prepareCheckpoint(positionAt("7", 2), state);
  const left = await memory.read("s");
  assertEquals([left.checkpoint, left.pendingCheckpoint], [positionAt("TRIM_HORIZON"), positionAt("7", 2)]);
  assertEquals(left.pendingCheckpointState, state);
  await memory.store.apply(assign(left, "other"));
  await assertRejects(() => hold.prepareCheckpoint(positionAt("8"), undefined), LeaseLostError);
  const next = new LeaseHold(await memory.read("s"), memory.clock.monotonicMs(), {
    ...holdOptions(memory),
    workerId: "other",
  });
  assertEquals([next.lease.pendingCheckpoint, next.lease.pendingCheckpointState], [
    positionAt("7", 2),
    state,
  ]);
  await next.checkpoint(positionAt("7", 2));
  const done = await memory.read("s");
  assertEquals([done.pendingCheckpoint, done.pendingCheckpointState], [undefined, undefined]);
});

Deno.test("LeaseHold.fencingToken only grows, whoever assigns, evicts or hands over in between", async () => {
  const step = fc.constantFrom("renew", "checkpoint", "evict", "assign", "startHandoff", "acquire");
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const memory = new MemoryBed();
      let lease = await memory.lease("s", "w0");
      let worker = 0;
      const tokens: number[] = [];
      // As `LeaseKeeper` does: a conditional renewal first, and what it confirmed is held.
      const acquire = async () => {
        const outcome = await memory.store.apply(renew(lease));
        assert(outcome.applied);
        lease = outcome.lease;
        tokens.push(new LeaseHold(lease, 0, holdOptions(memory)).fencingToken);
      };
      const writes = {
        renew: () => renew(lease),
        checkpoint: () => checkpoint(lease, positionAt(`${tokens.length + 1}`)),
        evict: () => evict(lease),
        assign: () => assign(lease, `w${++worker}`),
        startHandoff: () => {
          const { leaseOwner, checkpointOwner } = lease;
          return leaseOwner === undefined || checkpointOwner !== undefined
            ? renew(lease)
            : startHandoff({ ...lease, leaseOwner }, `w${++worker}`);
        },
      };
      for (const step of [...steps, "acquire"] as const) {
        if (step === "acquire") await acquire();
        else {
          const outcome = await memory.store.apply(writes[step]());
          assert(outcome.applied);
          lease = outcome.lease;
        }
      }
      assertEquals(tokens, [...new Set(tokens)].toSorted((a, b) => a - b));
    }),
    seeded(),
  );
});

function holdOptions(memory: MemoryBed): LeaseHoldOptions {
  return {
    store: memory.marked("me"),
    identity: memory.identity("me"),
    workerId: "me",
    leasing: { failoverTimeMs: 10_000, gracefulLeaseHandoffTimeoutMs: 30_000 },
    clock: memory.clock,
    emit: memory.emit,
    successorOf: () => undefined,
  };
}

Deno.test("LeaseHold.checkpoint() never takes back an earlier one whose answer was lost", async () => {
  const memory = new MemoryBed();
  const lease = await memory.lease("s", "me");
  const store = unreliable(memory.marked("me"), ["answerLost"]);
  const hold = new LeaseHold(lease, 0, { ...holdOptions(memory), store });
  await assertRejects(() => hold.checkpoint(positionAt("42")), Error, "answer lost");
  await hold.checkpoint(positionAt("41"));
  assertEquals((await memory.read("s")).checkpoint, positionAt("42"));
});

Deno.test("LeaseHold.checkpoint() that takes nothing back keeps what is finished ahead of the stored one", async () => {
  const memory = new MemoryBed();
  const lease = await memory.lease("s", "me");
  const store = unreliable(memory.marked("me"), ["answerLost"]);
  const hold = new LeaseHold(lease, 0, { ...holdOptions(memory), store });
  await assertRejects(() => hold.checkpoint(positionAt("42"), "ahead of 42"), Error, "answer lost");
  await hold.checkpoint(positionAt("41"), "ahead of 41");
  const { checkpoint, finishedAhead } = await memory.read("s");
  assertEquals({ checkpoint, finishedAhead }, {
    checkpoint: positionAt("42"),
    finishedAhead: "ahead of 42",
  });
});

Deno.test("LeaseHold.checkpoint() at the same place stores what is finished ahead by now, after a lost answer too", async () => {
  const memory = new MemoryBed();
  const lease = await memory.lease("s", "me");
  const store = unreliable(memory.marked("me"), ["answerLost"]);
  const hold = new LeaseHold(lease, 0, { ...holdOptions(memory), store });
  await assertRejects(() => hold.checkpoint(positionAt("42"), "one record"), Error, "answer lost");
  await hold.checkpoint(positionAt("42"), "two records");
  assertEquals((await memory.read("s")).finishedAhead, "two records");
  await hold.checkpoint(positionAt("43"));
  assertEquals((await memory.read("s")).finishedAhead, undefined);
});

Deno.test("LeaseHold.renew() stores the load that the lease brings, for the leader", async () => {
  const { hold, clock, memory } = await bed();
  hold.countBytes(4 * 1024);
  await clock.advance(2000);
  await hold.renew();
  assertEquals((await memory.read("s")).throughputKBps, 2);
});

Deno.test("LeaseHold stores how far behind its processor is, and how fast, with its renewals and checkpoints", async () => {
  const memory = new MemoryBed();
  const { hold, clock } = await bed({ store: memory.marked("me") }, memory);
  const stored = async () => progressOf(await memory.read("s"));
  await hold.renew();
  assertEquals(await stored(), undefined, "nothing is known yet");
  hold.progress.note({ records: 30, millisBehindLatest: 500, ms: 0 });
  await hold.checkpoint(positionAt("7"));
  assertEquals(await stored(), { lagMs: 500, recordsPerSecond: undefined });
  await clock.advance(3000);
  await hold.renew();
  assertEquals(await stored(), { lagMs: 500, recordsPerSecond: 10 });
  await clock.advance(7001);
  await hold.prepareCheckpoint(positionAt("8"), undefined);
  assertEquals((await stored())?.lagMs, 10_501, "a processor that hangs falls behind");
  await hold.checkpoint(SHARD_END);
  assertEquals((await memory.read("s")).progress, undefined);
});

Deno.test("LeaseHold writes again under a lease that expired while an answer was under way, where nobody took it", async () => {
  const memory = new MemoryBed();
  const lease = await memory.lease("s", "me");
  await memory.marked("me").apply(renew(lease)); // another write of ours, whose answer nobody got
  let writes = 0;
  const slow: LeaseStore = Object.assign(Object.create(memory.store), {
    apply: async (...args: Parameters<LeaseStore["apply"]>) => {
      writes++;
      const outcome = await memory.marked("me").apply(...args);
      await memory.clock.sleep(10_001);
      return outcome;
    },
  });
  const hold = new LeaseHold(lease, 0, { ...holdOptions(memory), store: slow });
  const stored = hold.checkpoint(positionAt("42")).catch((error) => error);
  await memory.clock.advance(30_000);
  assertEquals([(await stored)?.name, writes], [undefined, 2]);
  assertEquals((await memory.read("s")).checkpoint, positionAt("42"));
});

Deno.test("LeaseHold.handOver() goes through a lost answer and a handoff that begins right after it", async () => {
  const memory = new MemoryBed();
  const lease = await memory.lease("s", "me");
  const ours = memory.marked("me");
  await ours.apply(renew(lease)); // another write of ours, whose answer nobody got
  let writes = 0;
  const store: LeaseStore = Object.assign(Object.create(memory.store), {
    apply: async (...args: Parameters<LeaseStore["apply"]>) => {
      if (++writes === 2) await memory.handoff("s", "next");
      return await ours.apply(...args);
    },
  });
  const hold = new LeaseHold(lease, 0, { ...holdOptions(memory), store });
  await hold.handOver();
  const { leaseOwner, checkpointOwner } = await memory.read("s");
  assertEquals([writes, leaseOwner, checkpointOwner], [3, "next", undefined]);
});
