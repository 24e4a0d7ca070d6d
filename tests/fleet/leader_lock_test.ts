import { assert, assertEquals } from "@std/assert";
import { LeaderLockKeeper } from "../../src/fleet/leader_lock.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { MemoryBed } from "../support/memory_bed.ts";

const signal = new AbortController().signal;

function keeperOf(
  bed: MemoryBed,
  workerId: string,
  patienceMs = 0,
  onRing?: () => void,
  ownHeartbeatMs?: () => number,
): LeaderLockKeeper {
  return new LeaderLockKeeper({
    store: bed.coordinator,
    place: "leaseTable",
    workerId,
    identity: bed.identity(workerId),
    durationMs: 10_000,
    heartbeatMs: 2000,
    ownHeartbeatMs,
    patienceMs: () => patienceMs,
    onRing,
    system: bed.system,
    emit: bed.emit,
  });
}

Deno.test("LeaderLockKeeper of a superseded worker leads no more, and gives the lock back", async () => {
  const bed = new MemoryBed();
  const keeper = keeperOf(bed, "a");
  await keeper.step(signal);
  assert(keeper.isLeading);
  bed.identity("a").see({ ...bed.identity("a").incarnation, generation: 1e15 });
  assertEquals(keeper.isLeading, false);
  await keeper.release("a newer process has this worker's name");
  assertEquals(bed.table.items(), []);
});

Deno.test("LeaderLockKeeper.step() acquires a free lock, every attribute a string", async () => {
  const bed = new MemoryBed();
  const keeper = keeperOf(bed, "a");
  assertEquals(await keeper.step(signal), 2000);
  assert(keeper.isLeading);
  const [item] = bed.table.items();
  assertEquals(Object.keys(item ?? {}).toSorted(), [
    "entityType",
    "leaseDuration",
    "leaseKey",
    "ownerName",
    "recordVersionNumber",
  ]);
  assertEquals([item?.leaseDuration, item?.leaseKey, item?.entityType], [
    { S: "10000" },
    { S: "Leader" },
    { S: "LEADER" },
  ]);
});

Deno.test("LeaderLockKeeper.step() leaves a lock alone that is kept alive, and takes one that stands still", async () => {
  const bed = new MemoryBed();
  const [a, b] = [keeperOf(bed, "a"), keeperOf(bed, "b")];
  await a.step(signal);
  for (let i = 0; i < 10; i++) {
    await bed.clock.advance(2000);
    a.passEnded(true);
    await a.step(signal);
    await b.step(signal);
  }
  assertEquals([a.isLeading, b.isLeading], [true, false]);
  // Now a dies: b counts from its own first sight of the last version.
  const lastSightMs = bed.clock.monotonicMs();
  while (!b.isLeading) {
    await bed.clock.advance(await b.step(signal));
    assert(bed.clock.monotonicMs() - lastSightMs < 60_000);
  }
  assertEquals(a.isLeading, false);
  assertEquals(eventsOf(bed.events, "leadershipGained").map((event) => event.workerId), ["a", "b"]);
});

Deno.test("LeaderLockKeeper.step() leaves a lock that stands still to others for as long as it is told", async () => {
  const bed = new MemoryBed();
  const [a, b] = [keeperOf(bed, "a"), keeperOf(bed, "b", 2000)];
  await a.step(signal);
  await b.step(signal);
  await bed.clock.advance(10_001);
  const dueInMs = await b.step(signal);
  assertEquals([b.isLeading, dueInMs], [false, 2000]);
  await bed.clock.advance(dueInMs);
  await b.step(signal);
  assert(b.isLeading);
});

Deno.test("LeaderLockKeeper stops leading by itself when it cannot prove it any more", async () => {
  const bed = new MemoryBed();
  const keeper = keeperOf(bed, "a");
  await keeper.step(signal);
  await bed.clock.advance(10_000);
  assert(keeper.isLeading);
  await bed.clock.advance(1);
  assertEquals(keeper.isLeading, false);
  await keeper.step(signal);
  assertEquals(eventsOf(bed.events, "leadershipLost").length, 1);
});

Deno.test("LeaderLockKeeper releases the lock after three failed passes", async () => {
  const bed = new MemoryBed();
  const keeper = keeperOf(bed, "a");
  await keeper.step(signal);
  for (let i = 0; i < 3; i++) keeper.passEnded(false);
  await keeper.step(signal);
  assertEquals([keeper.isLeading, bed.table.items().length], [false, 0]);
});

Deno.test("LeaderLockKeeper releases the lock when no pass succeeds for as long as it is good", async () => {
  const bed = new MemoryBed();
  const keeper = keeperOf(bed, "a");
  for (let i = 0; i < 7; i++) {
    await keeper.step(signal);
    await bed.clock.advance(2000);
  }
  assertEquals([keeper.isLeading, bed.table.items().length], [false, 0]);
});

Deno.test("LeaderLockKeeper leaves the lock to others after failed passes, longer with each failed term", async () => {
  const bed = new MemoryBed();
  const keeper = keeperOf(bed, "a");
  const backMs: number[] = [];
  await keeper.step(signal);
  for (let term = 1; term <= 5; term++) {
    if (term === 5) keeper.passEnded(true);
    for (let i = 0; i < 3; i++) keeper.passEnded(false);
    await keeper.step(signal);
    const releasedMs = bed.clock.monotonicMs();
    while (!keeper.isLeading) await bed.clock.advance(await keeper.step(signal));
    backMs.push(bed.clock.monotonicMs() - releasedMs);
  }
  // Steps are some ms late at the most.
  assertEquals(backMs.map((ms) => Math.floor(ms / 10_000)), [1, 2, 3, 3, 1], "a success makes up for it");
});

Deno.test("LeaderLockKeeper tells of another leader once it has kept its lock for twice as long as that is good", async () => {
  const bed = new MemoryBed();
  const [a, b] = [keeperOf(bed, "a"), keeperOf(bed, "b")];
  await a.step(signal);
  await b.step(signal);
  const seen = () => eventsOf(bed.events, "leaderSeen").map(({ leader }) => leader);
  for (let i = 0; i < 9; i++) {
    await bed.clock.advance(2000);
    a.passEnded(true);
    await a.step(signal);
    await b.step(signal);
  }
  assertEquals(seen(), [], "18 s: a leader whose passes fail might still lead");
  for (let i = 0; i < 3; i++) {
    await bed.clock.advance(2000);
    a.passEnded(true);
    await a.step(signal);
    await b.step(signal);
  }
  assertEquals(seen(), ["a", "a", "a"]);
});

Deno.test("LeaderLockKeeper never tells of a leader that gives the lock back again and again", async () => {
  const bed = new MemoryBed();
  const [a, b] = [keeperOf(bed, "a"), keeperOf(bed, "b", 1e9)];
  for (let i = 0; i < 100; i++) {
    await a.step(signal);
    a.passEnded(false);
    await b.step(signal);
    await bed.clock.advance(2000);
  }
  assertEquals(eventsOf(bed.events, "leaderSeen"), []);
  assert(eventsOf(bed.events, "leadershipLost").length > 3);
});

Deno.test("LeaderLockKeeper keeps the lock while a long pass gets on", async () => {
  const bed = new MemoryBed();
  const keeper = keeperOf(bed, "a");
  for (let i = 0; i < 20; i++) {
    await keeper.step(signal);
    keeper.passGetsOn();
    await bed.clock.advance(2000);
  }
  assert(keeper.isLeading);
  assertEquals(eventsOf(bed.events, "leadershipLost"), []);
});

Deno.test("LeaderLockKeeper.release() deletes its own lock and no other's", async () => {
  const bed = new MemoryBed();
  const [a, b] = [keeperOf(bed, "a"), keeperOf(bed, "b")];
  await a.step(signal);
  await b.step(signal);
  await b.release("stopping");
  assertEquals(bed.table.items().length, 1);
  await a.release("stopping");
  assertEquals(bed.table.items().length, 0);
  await b.step(signal);
  assert(b.isLeading);
});

Deno.test("LeaderLockKeeper recognises its own heartbeat when the answer was lost", async () => {
  const bed = new MemoryBed();
  const heartbeat = bed.coordinator.heartbeatLock.bind(bed.coordinator);
  let calls = 0;
  bed.coordinator.heartbeatLock = async (...args) => {
    calls++;
    // As the client does: the first answer is lost, its own second try meets the first one's work.
    await heartbeat(...args);
    return await heartbeat(...args);
  };
  const keeper = keeperOf(bed, "a");
  await keeper.step(signal);
  await bed.clock.advance(2000);
  await keeper.step(signal);
  assertEquals(calls, 1);
  assert(keeper.isLeading);
  assertEquals(eventsOf(bed.events, "leadershipLost"), []);
});

Deno.test("LeaderLockKeeper.silentMs() tells for how long another's lock has stood still", async () => {
  const bed = new MemoryBed();
  const [a, b] = [keeperOf(bed, "a"), keeperOf(bed, "b")];
  await a.step(signal);
  await b.step(signal);
  await bed.clock.advance(3000);
  assertEquals([a.silentMs(bed.clock.monotonicMs()), b.silentMs(bed.clock.monotonicMs())], [0, 3000]);
});

Deno.test("LeaderLockKeeper leads from before its heartbeat was sent, not from the answer", async () => {
  const bed = new MemoryBed();
  const { heartbeatLock } = bed.coordinator;
  bed.coordinator.heartbeatLock = async (...call) => {
    const isBeaten = await heartbeatLock.apply(bed.coordinator, call);
    await bed.clock.sleep(4000);
    return isBeaten;
  };
  const keeper = keeperOf(bed, "a");
  await keeper.step(signal);
  await bed.clock.advance(2000);
  const beaten = keeper.step(signal);
  await bed.clock.advance(4000);
  await beaten;
  await bed.clock.advance(6000);
  assert(keeper.isLeading);
  await bed.clock.advance(1);
  assertEquals(keeper.isLeading, false, "a heartbeat that was sent at 2000 proves leadership until 12000");
});

Deno.test("LeaderLockKeeper leads from before it asked for the lock, not from the answer", async () => {
  const bed = new MemoryBed();
  const { putLock } = bed.coordinator;
  bed.coordinator.putLock = async (...call) => {
    const isPut = await putLock.apply(bed.coordinator, call);
    await bed.clock.sleep(4000);
    return isPut;
  };
  const keeper = keeperOf(bed, "a");
  const gained = keeper.step(signal);
  await bed.clock.advance(4000);
  await gained;
  await bed.clock.advance(6000);
  assert(keeper.isLeading);
  await bed.clock.advance(1);
  assertEquals(keeper.isLeading, false);
});

Deno.test("LeaderLockKeeper counts another's lock as silent from after the look that first showed it", async () => {
  const bed = new MemoryBed();
  const [a, b] = [keeperOf(bed, "a"), keeperOf(bed, "b")];
  await a.step(signal);
  const { readLock } = bed.coordinator;
  bed.coordinator.readLock = async (...call) => {
    const lock = await readLock.apply(bed.coordinator, call);
    await bed.clock.sleep(3000);
    return lock;
  };
  const looked = b.step(signal);
  await bed.clock.advance(3000);
  await looked;
  assertEquals(b.silentMs(bed.clock.monotonicMs()), 0);
});

Deno.test("LeaderLockKeeper stops when its heartbeat is refused, and leaves the lock to its new owner", async () => {
  const bed = new MemoryBed();
  const [a, b] = [keeperOf(bed, "a"), keeperOf(bed, "b")];
  await a.step(signal);
  const lock = await bed.coordinator.readLock("leaseTable");
  if (lock !== undefined) await bed.coordinator.releaseLock("leaseTable", lock);
  await b.step(signal);
  await bed.clock.advance(2000);
  await a.step(signal);
  assertEquals([a.isLeading, b.isLeading], [false, true]);
  assertEquals(eventsOf(bed.events, "leadershipLost").map(({ workerId, reason }) => [workerId, reason]), [
    ["a", "another worker holds the lock"],
  ]);
  assertEquals((await bed.coordinator.readLock("leaseTable"))?.ownerName, "b");
});

Deno.test("LeaderLockKeeper that gains the lock again starts with a clean slate", async () => {
  const bed = new MemoryBed();
  const keeper = keeperOf(bed, "a");
  await keeper.step(signal);
  for (let i = 0; i < 3; i++) keeper.passEnded(false);
  await keeper.step(signal);
  assertEquals(keeper.isLeading, false);
  await bed.clock.advance(60_000);
  await keeper.step(signal);
  await bed.clock.advance(2000);
  await keeper.step(signal);
  assert(keeper.isLeading, "neither the failures nor the silence of last time count");
  assertEquals(eventsOf(bed.events, "leadershipLost").length, 1);
});

Deno.test("LeaderLockKeeper counts failed passes in a row", async () => {
  const bed = new MemoryBed();
  const keeper = keeperOf(bed, "a");
  await keeper.step(signal);
  for (const ok of [false, false, true, false, false]) keeper.passEnded(ok);
  await keeper.step(signal);
  assert(keeper.isLeading);
});

Deno.test("LeaderLockKeeper.silentMs() is 0 for a lock that it took itself, and lost", async () => {
  const bed = new MemoryBed();
  const [a, b] = [keeperOf(bed, "a"), keeperOf(bed, "b")];
  await a.step(signal);
  await b.step(signal);
  await bed.clock.advance(10_001);
  await b.step(signal);
  assert(b.isLeading);
  await bed.clock.advance(10_001);
  await b.step(signal);
  assertEquals([b.isLeading, b.silentMs(bed.clock.monotonicMs())], [false, 0]);
});

Deno.test("LeaderLockKeeper rings once at the lock of each leader that it finds, which hears it once", async () => {
  const bed = new MemoryBed();
  let rings = 0, heard = 0;
  const { ringLock } = bed.coordinator;
  bed.coordinator.ringLock = (...call) => {
    rings++;
    return ringLock.apply(bed.coordinator, call);
  };
  const [a, b] = [keeperOf(bed, "a", 0, () => heard++), keeperOf(bed, "b")];
  await a.step(signal);
  for (let i = 0; i < 3; i++) {
    await b.step(signal);
    await bed.clock.advance(2000);
    a.passEnded(true);
    await a.step(signal);
  }
  assertEquals([rings, heard], [1, 1]);
  await a.release("it stops");
  const c = keeperOf(bed, "c");
  await c.step(signal);
  await b.step(signal);
  await b.step(signal);
  assertEquals([c.isLeading, rings], [true, 2]);
});

Deno.test("LeaderLockKeeper rings again when its ring has failed, and not at a lock of its own name", async () => {
  const bed = new MemoryBed();
  let rings = 0;
  bed.coordinator.ringLock = () => {
    if (++rings === 1) return Promise.reject(new Error("throttled"));
    return Promise.resolve(true);
  };
  await keeperOf(bed, "a").step(signal);
  const b = keeperOf(bed, "b");
  await b.step(signal).catch(() => {});
  await b.step(signal);
  assertEquals(rings, 2);
  await keeperOf(bed, "a").step(signal);
  assertEquals(rings, 2);
});

Deno.test("LeaderLockKeeper keeps the lock through a rest that it was told of, and no longer", async () => {
  const bed = new MemoryBed();
  const keeper = keeperOf(bed, "a");
  await keeper.step(signal);
  keeper.passEnded(true, 7500);
  for (let ms = 0; ms < 16_000; ms += 2000) {
    await bed.clock.advance(2000);
    await keeper.step(signal);
  }
  assert(keeper.isLeading);
  await bed.clock.advance(2000);
  await keeper.step(signal);
  assertEquals(keeper.isLeading, false);
});

/** Counts how the lock is read. */
function readsOf({ coordinator }: MemoryBed) {
  const reads = { strong: 0, eventual: 0, puts: 0 };
  const { readLock, watchLock, putLock } = coordinator;
  coordinator.readLock = (...call) => {
    reads.strong++;
    return readLock.apply(coordinator, call);
  };
  coordinator.watchLock = (...call) => {
    reads.eventual++;
    return watchLock.apply(coordinator, call);
  };
  coordinator.putLock = (...call) => {
    reads.puts++;
    return putLock.apply(coordinator, call);
  };
  return reads;
}

Deno.test("LeaderLockKeeper watches a lock by eventually consistent reads, and takes it by a strong one", async () => {
  const bed = new MemoryBed();
  const [a, b] = [keeperOf(bed, "a"), keeperOf(bed, "b")];
  await a.step(signal);
  const reads = readsOf(bed);
  await b.step(signal);
  assertEquals(reads, { strong: 1, eventual: 0, puts: 0 }, "there was none to watch");
  for (let i = 0; i < 3; i++) {
    await bed.clock.advance(1000);
    await b.step(signal);
  }
  assertEquals(reads, { strong: 1, eventual: 3, puts: 0 });
  await bed.clock.advance(7001);
  await b.step(signal);
  assertEquals([b.isLeading, reads], [true, { strong: 2, eventual: 4, puts: 1 }]);
});

Deno.test("LeaderLockKeeper takes no lock by a stale look, whatever that shows", async () => {
  for (const stale of ["absent", "released", "unchanged"] as const) {
    const bed = new MemoryBed();
    const [a, b] = [keeperOf(bed, "a"), keeperOf(bed, "b")];
    await a.step(signal);
    await b.step(signal);
    const old = await bed.coordinator.readLock("leaseTable");
    const reads = readsOf(bed);
    const shown = stale === "absent" || old === undefined
      ? undefined
      : { ...old, isReleased: stale === "released" };
    bed.coordinator.watchLock = () => Promise.resolve(shown);
    for (let i = 0; i < 10; i++) {
      await bed.clock.advance(2000);
      a.passEnded(true);
      await a.step(signal);
      await b.step(signal);
    }
    assertEquals([a.isLeading, b.isLeading, reads.puts], [true, false, 0], stale);
    assertEquals(reads.strong > 0, true, `${stale}: it has looked properly`);
  }
});

Deno.test("LeaderLockKeeper.step() goes by a glance, and asks for nothing where that shows a lock to watch", async () => {
  const bed = new MemoryBed();
  const [a, b] = [keeperOf(bed, "a"), keeperOf(bed, "b")];
  await a.step(signal);
  await b.step(signal);
  const lock = await bed.coordinator.readLock("leaseTable");
  const reads = readsOf(bed);
  await bed.clock.advance(4000);
  const nowMs = bed.clock.monotonicMs();
  b.glance({ lock, startedMs: nowMs, endedMs: nowMs });
  assertEquals([await b.step(signal), b.silentMs(nowMs)], [6001, 4000]);
  assertEquals(reads, { strong: 0, eventual: 0, puts: 0 });
  b.glance({ lock: undefined, startedMs: nowMs, endedMs: nowMs });
  await b.step(signal);
  assertEquals([b.isLeading, reads.strong, reads.puts], [false, 1, 0], "a glance at no lock is no proof");
});

Deno.test("LeaderLockKeeper that leads takes no notice of a glance", async () => {
  const bed = new MemoryBed();
  const a = keeperOf(bed, "a");
  await a.step(signal);
  a.glance({ lock: undefined, startedMs: 0, endedMs: 0 });
  await a.step(signal);
  assertEquals([a.isLeading, a.sighting], [true, undefined]);
});

Deno.test("LeaderLockKeeper renews its lock as often as it is told, for as long as it is told", async () => {
  const bed = new MemoryBed();
  let beatMs = 2500;
  const a = keeperOf(bed, "a", 0, undefined, () => beatMs);
  await a.step(signal);
  const version = async () => (await bed.coordinator.readLock("leaseTable"))?.recordVersionNumber;
  const first = await version();
  await bed.clock.advance(2000);
  assertEquals([await a.step(signal), await version()], [500, first]);
  await bed.clock.advance(500);
  await a.step(signal);
  const second = await version();
  assertEquals(second === first, false);
  beatMs = 2000;
  await bed.clock.advance(2000);
  await a.step(signal);
  assertEquals(await version() === second, false);
});
