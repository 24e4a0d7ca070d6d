/** Watches fleets on a clock that a test moves: how often the table is looked at, and what stays when that fails. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { FleetWatch } from "../../src/health/fleet_watch.ts";
import type { SeenFleet } from "../../src/health/page/seen_fleet.ts";
import type { Lease } from "../../src/lease/lease.ts";
import type { LookFailure } from "../../src/operate/look_failure.ts";
import type { LookOptions, TableLook } from "../../src/operate/table_look.ts";
import { leaseWith } from "../lease/fixtures.ts";
import { FakeClock } from "../support/fake_clock.ts";

const KEY = "shardId-000000000000";

/** A table of one lease, whose owner renews it at each look. */
class Bed {
  readonly clock: FakeClock = new FakeClock();
  /** When each look began, and whether it knew the table. */
  readonly looks: { readonly atMs: number; readonly isKnown: boolean }[] = [];
  counter = 1;
  isRenewing = true;
  error: unknown;
  failures: readonly LookFailure[] = [];
  /** How long a look takes, in ms. */
  takesMs = 0;
  leases: readonly Lease[] | undefined;
  aborted = 0;
  readonly watch: FleetWatch;

  constructor(failoverTimeMs = 10_000) {
    this.watch = new FleetWatch({
      clock: this.clock,
      failoverTimeMs,
      look: (known, signal) => this.#look(known, signal),
    });
  }

  async #look(known: LookOptions["known"], signal: AbortSignal): Promise<TableLook> {
    const startedMs = this.clock.monotonicMs();
    this.looks.push({ atMs: startedMs, isKnown: known !== undefined });
    try {
      if (this.takesMs > 0) await this.clock.sleep(this.takesMs, signal);
    } catch (error) {
      this.aborted++;
      throw error;
    }
    if (this.error !== undefined) throw this.error;
    if (this.isRenewing) this.counter++;
    const lease = leaseWith({ leaseKey: KEY, leaseOwner: "w1", leaseCounter: this.counter });
    return {
      tableName: "app",
      description: undefined,
      place: "leaseTable",
      migrations: [],
      leases: this.leases ?? [lease],
      workers: [],
      unreadable: [],
      lock: undefined,
      startedMs,
      startedEpochMs: this.clock.epochMs(),
      failures: this.failures,
    };
  }

  get atMs(): readonly number[] {
    return this.looks.map(({ atMs }) => atMs);
  }

  seen(): SeenFleet {
    const { sight } = this.watch;
    assert(sight.type === "read", sight.type);
    return sight.fleet;
  }

  /** Lets what is ready run. */
  async settled(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await this.clock.advance(0);
  }
}

Deno.test("FleetWatch looks once in ten seconds for fifty watchers, and not at all without any", async () => {
  const bed = new Bed();
  await bed.clock.advance(60_000);
  assertEquals([bed.atMs, bed.watch.sight.type], [[], "waiting"]);
  const ends = Array.from({ length: 50 }, () => bed.watch.watch());
  await bed.settled();
  await bed.clock.advance(25_000);
  assertEquals(bed.atMs, [60_000, 70_000, 80_000]);
  for (const end of [...ends, ...ends]) end();
  await bed.settled();
  assertEquals(bed.clock.pendingMs, []);
  await bed.clock.advance(60_000);
  assertEquals(bed.looks.length, 3);
  await bed.watch.close();
});

Deno.test("FleetWatch looks at most once in ten seconds however often somebody comes back, or asks once", async () => {
  const bed = new Bed();
  for (let second = 0; second < 30; second++) {
    const end = bed.watch.watch();
    await bed.watch.glance();
    await bed.settled();
    end();
    await bed.clock.advance(1000);
  }
  assertEquals(bed.atMs, [0, 10_000, 20_000]);
  assertEquals(bed.clock.pendingMs, []);
  await bed.watch.close();
});

Deno.test("FleetWatch.glance() waits two seconds for a slow look, which goes on and is shown later", async () => {
  const bed = new Bed();
  bed.takesMs = 5000;
  let isBack = false;
  const glance = bed.watch.glance().then(() => isBack = true);
  await bed.clock.advance(1999);
  assertEquals(isBack, false);
  await bed.clock.advance(1);
  await glance;
  assertEquals(bed.watch.sight.type, "waiting");
  await bed.clock.advance(3000);
  await bed.settled();
  assertEquals(bed.seen().seenMs, 0);
  await bed.watch.close();
});

Deno.test("FleetWatch keeps the last look when one fails, says why, and waits longer each time", async () => {
  const bed = new Bed();
  const end = bed.watch.watch();
  await bed.settled();
  bed.error = new Error("no way there");
  for (let turn = 0; turn < 70; turn++) await bed.clock.advance(10_000);
  assertEquals(bed.atMs.slice(0, 8), [0, 10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 620_000]);
  const { sight } = bed.watch;
  assert(sight.type === "read");
  assertEquals([sight.fleet.seenMs, sight.problems], [0, [
    "The lease table could not be read: no way there",
  ]]);
  bed.error = undefined;
  await bed.clock.advance(300_000);
  await bed.settled();
  assertEquals(bed.watch.sight.type === "read" && bed.watch.sight.problems, []);
  const back = bed.looks.length;
  await bed.clock.advance(10_000);
  assertEquals(bed.looks.length, back + 1, "the pause is the usual one again");
  end();
  await bed.watch.close();
});

Deno.test("FleetWatch says which permission is missing, when nothing has been read yet", async () => {
  const bed = new Bed();
  bed.failures = [{ part: "leases", error: new Error("refused"), missingAction: "dynamodb:Scan" }];
  await bed.watch.glance();
  assertEquals(bed.watch.sight, { type: "failed", problems: ["The leases could not be read: refused"] });
  await bed.watch.close();
});

Deno.test("FleetWatch shows what else could not be read beside the leases", async () => {
  const bed = new Bed();
  bed.failures = [{ part: "lock", error: new Error("refused"), missingAction: undefined }];
  await bed.watch.glance();
  assertStringIncludes(bed.seen().problems.join(), "The leader's lock could not be read: refused");
  await bed.watch.close();
});

Deno.test("FleetWatch asks for kind and settings of the table once, and again after ten minutes", async () => {
  const bed = new Bed();
  const end = bed.watch.watch();
  for (let turn = 0; turn < 62; turn++) await bed.clock.advance(10_000);
  end();
  const unknown = bed.looks.filter(({ isKnown }) => !isKnown).map(({ atMs }) => atMs);
  assertEquals(unknown, [0, 600_000]);
  await bed.watch.close();
});

Deno.test("FleetWatch calls a lease not renewed only when its owner has had time to renew", async () => {
  const state = (bed: Bed) => bed.seen().leases.get(KEY)?.state;
  for (
    const [failoverTimeMs, states] of [
      [10_000, ["assigned", "held", "notRenewed", "notRenewed"]],
      // An owner renews each 20 s: what is younger than 24 s says nothing.
      [60_000, ["assigned", "assigned", "assigned", "held", "notRenewed", "notRenewed"]],
    ] as const
  ) {
    const bed = new Bed(failoverTimeMs);
    const end = bed.watch.watch();
    const found: (string | undefined)[] = [];
    await bed.settled();
    for (let turn = 0; turn < states.length; turn++) {
      found.push(state(bed));
      // The last renewal is seen by the second look.
      if (turn === 0) bed.counter++;
      bed.isRenewing = false;
      await bed.clock.advance(10_000);
      await bed.settled();
    }
    end();
    await bed.watch.close();
    assertEquals(found, [...states], `failover time ${failoverTimeMs} ms`);
  }
});

Deno.test("FleetWatch compares with no look of long ago: an owner may have died since", async () => {
  const bed = new Bed();
  await bed.watch.glance();
  await bed.clock.advance(3_600_000);
  await bed.watch.glance();
  assertEquals(bed.seen().leases.get(KEY)?.state, "assigned");
  await bed.watch.close();
});

Deno.test("FleetWatch.close() aborts a look under way and leaves nothing running, whoever watches", async () => {
  const bed = new Bed();
  bed.takesMs = 5000;
  const end = bed.watch.watch();
  await bed.settled();
  assertEquals(bed.looks.length, 1);
  await bed.watch.close();
  assertEquals([bed.aborted, bed.clock.pendingMs], [1, []]);
  await bed.watch.glance();
  end();
  bed.watch.watch()();
  await bed.settled();
  assertEquals([bed.looks.length, bed.watch.sight.type], [1, "waiting"]);
});
