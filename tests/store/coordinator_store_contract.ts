/**
 * What every coordinator store must do, whatever it is built on, in the lease table and in the legacy tables.
 *
 * @module
 */

import { assertEquals, assertRejects } from "@std/assert";
import { AwsServiceError, LeaseTableError } from "../../src/errors.ts";
import type {
  LeaderLock,
  MigrationState,
  TablePlace,
  WorkerMetrics,
} from "../../src/lease/coordinator_store.ts";
import { type Fixture, fixtureTest, type TableName } from "./fixtures.ts";

/** Registers the contract's tests for one kind of store. */
export function coordinatorStoreContract(kind: string, open: () => Promise<Fixture>): void {
  const test = fixtureTest(kind, open);
  const testInBoth = (name: string, run: (fixture: Fixture, place: TablePlace) => Promise<void>) => {
    for (const place of ["leaseTable", "legacy"] as const) {
      test(`${name} (${place})`, async (fixture) => {
        if (place === "legacy") await fixture.createLegacyTables();
        await run(fixture, place);
      });
    }
  };

  test("legacyTableExists() tells whether an older fleet made the table", async (fixture) => {
    assertEquals(await fixture.coordinator.legacyTableExists(), false);
    await fixture.createLegacyTables();
    assertEquals(await fixture.coordinator.legacyTableExists(), true);
  });

  test("nothing ever creates a legacy table", async ({ coordinator }) => {
    for (
      const call of [
        () => coordinator.createMigration("legacy", MIGRATION),
        () => coordinator.readMigration("legacy", "TableMigration3.5"),
        () => coordinator.readLock("legacy"),
        () => coordinator.putLock("legacy", LOCK, { type: "absent" }),
        () => coordinator.writeWorkerMetrics("legacy", METRICS),
      ]
    ) assertEquals((await assertRejects(call, AwsServiceError)).code, "ResourceNotFoundException");
    assertEquals(await coordinator.listLegacyWorkerMetrics(), []);
    assertEquals(await coordinator.legacyTableExists(), false);
  });

  test("methods reject with the reason of an aborted signal", async ({ coordinator }) => {
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    for (
      const call of [
        () => coordinator.legacyTableExists(signal),
        () => coordinator.readMigration("leaseTable", "Migration3.0", signal),
        () => coordinator.createMigration("leaseTable", MIGRATION, signal),
        () => coordinator.readLock("leaseTable", signal),
        () => coordinator.putLock("leaseTable", LOCK, { type: "absent" }, signal),
        () => coordinator.heartbeatLock("leaseTable", "v1", LOCK, signal),
        () => coordinator.releaseLock("leaseTable", LOCK, signal),
        () => coordinator.writeWorkerMetrics("leaseTable", METRICS, signal),
        () => coordinator.listLegacyWorkerMetrics(signal),
        () => coordinator.deleteWorkerMetrics("leaseTable", METRICS, signal),
      ]
    ) assertEquals(await assertRejects<Error>(call), reason);
  });

  testInBoth("createMigration() writes once, and readMigration() tells it", async (fixture, place) => {
    const { coordinator } = fixture;
    for (const key of ["Migration3.0", "TableMigration3.5"] as const) {
      const state = { ...MIGRATION, key };
      assertEquals(await coordinator.readMigration(place, key), undefined);
      assertEquals(await coordinator.createMigration(place, state), true);
      assertEquals(await coordinator.createMigration(place, { ...state, modifiedBy: "other" }), false);
      assertEquals(await coordinator.readMigration(place, key), state);
    }
    assertEquals(await coordinator.readLock(place), undefined);
  });

  testInBoth("readMigration() refuses a broken Migration3.0 but not the other", async (fixture, place) => {
    const key = keyName(place);
    await fixture.put({ [key]: { S: "Migration3.0" }, cv: { S: "X" }, mb: { S: "w" } }, stateTable(place));
    await fixture.put({ [key]: { S: "TableMigration3.5" }, tm: { N: "1" } }, stateTable(place));
    await assertRejects(
      () => fixture.coordinator.readMigration(place, "Migration3.0"),
      LeaseTableError,
      `Cannot read item "Migration3.0" of table "${
        stateTable(place)
      }": cv, mb or mts is missing: delete the item`,
    );
    assertEquals(await fixture.coordinator.readMigration(place, "TableMigration3.5"), undefined);
  });

  testInBoth(
    "putLock() takes a lock that is not there, and nobody else's",
    async ({ coordinator }, place) => {
      assertEquals(await coordinator.readLock(place), undefined);
      assertEquals(await coordinator.putLock(place, LOCK, { type: "released" }), false);
      assertEquals(
        await coordinator.putLock(place, LOCK, { type: "version", recordVersionNumber: "v0" }),
        false,
      );
      assertEquals(await coordinator.putLock(place, LOCK, { type: "absent" }), true);
      assertEquals(await coordinator.readLock(place), LOCK);
      assertEquals(await coordinator.putLock(place, OTHERS_LOCK, { type: "absent" }), false);
      assertEquals(await coordinator.putLock(place, OTHERS_LOCK, { type: "released" }), false);
      assertEquals(await coordinator.readLock(place), LOCK);
    },
  );

  testInBoth(
    "putLock() and heartbeatLock() write a duration with a fraction as whole ms, which all workers can read",
    async ({ coordinator }, place) => {
      const uneven = { ...LOCK, leaseDurationMs: 3333.3333 };
      const rounded = { ...LOCK, leaseDurationMs: 3334 };
      assertEquals(await coordinator.putLock(place, uneven, { type: "absent" }), true);
      assertEquals(await coordinator.readLock(place), rounded);
      const { recordVersionNumber } = LOCK;
      assertEquals(await coordinator.heartbeatLock(place, recordVersionNumber, uneven), true);
      assertEquals(await coordinator.readLock(place), rounded);
    },
  );

  testInBoth(
    "putLock() takes an expired lock only at the version watched",
    async ({ coordinator }, place) => {
      await coordinator.putLock(place, LOCK, { type: "absent" });
      const stale = { type: "version", recordVersionNumber: "v0" } as const;
      assertEquals(await coordinator.putLock(place, OTHERS_LOCK, stale), false);
      const watched = { type: "version", recordVersionNumber: LOCK.recordVersionNumber } as const;
      assertEquals(await coordinator.putLock(place, OTHERS_LOCK, watched), true);
      assertEquals(await coordinator.putLock(place, LOCK, watched), false);
      assertEquals(await coordinator.readLock(place), OTHERS_LOCK);
    },
  );

  testInBoth("putLock() takes a released lock", async (fixture, place) => {
    await fixture.put({
      [keyName(place)]: { S: "Leader" },
      ownerName: { S: "gone" },
      leaseDuration: { S: "120000" },
      recordVersionNumber: { S: "v9" },
      isReleased: { S: "1" },
    }, stateTable(place));
    assertEquals((await fixture.coordinator.readLock(place))?.isReleased, true);
    assertEquals(await fixture.coordinator.putLock(place, LOCK, { type: "released" }), true);
    assertEquals(await fixture.coordinator.readLock(place), LOCK);
  });

  testInBoth("putLock() and heartbeatLock() know their own write again", async ({ coordinator }, place) => {
    await coordinator.putLock(place, LOCK, { type: "absent" });
    assertEquals(await coordinator.putLock(place, LOCK, { type: "absent" }), true);
    const next = { ...LOCK, recordVersionNumber: "v2" };
    await coordinator.heartbeatLock(place, "v1", next);
    assertEquals(await coordinator.heartbeatLock(place, "v1", next), true);
  });

  testInBoth("putLock() lets one of twenty candidates win", async ({ coordinator }, place) => {
    const candidates = Array.from({ length: 20 }, (_, i) => ({
      ...LOCK,
      ownerName: `w${i}`,
      recordVersionNumber: `v${i}`,
    }));
    const won = await Promise.all(
      candidates.map((lock) => coordinator.putLock(place, lock, { type: "absent" })),
    );
    assertEquals(won.filter(Boolean).length, 1);
    assertEquals(await coordinator.readLock(place), candidates[won.indexOf(true)]);
  });

  testInBoth("heartbeatLock() renews our own lock only", async ({ coordinator }, place) => {
    const next = { ...LOCK, recordVersionNumber: "v2", leaseDurationMs: 90_000 };
    assertEquals(await coordinator.heartbeatLock(place, "v1", next), false);
    await coordinator.putLock(place, LOCK, { type: "absent" });
    assertEquals(await coordinator.heartbeatLock(place, "v0", next), false);
    assertEquals(await coordinator.heartbeatLock(place, "v1", { ...next, ownerName: "w2" }), false);
    assertEquals(await coordinator.heartbeatLock(place, "v1", next), true);
    assertEquals(await coordinator.readLock(place), next);
  });

  testInBoth("watchLock() shows what readLock() does", async ({ coordinator }, place) => {
    assertEquals(await coordinator.watchLock?.(place), undefined);
    await coordinator.putLock(place, LOCK, { type: "absent" });
    assertEquals(await coordinator.watchLock?.(place), LOCK);
    assertEquals(await coordinator.watchLock?.(place), await coordinator.readLock(place));
  });

  testInBoth(
    "ringLock() rings for one leader, whose heartbeats hear it until the lock is put anew",
    async (fixture, place) => {
      const { coordinator } = fixture;
      const ring = { ring: "r1" }, next = { ...LOCK, recordVersionNumber: "v2" };
      assertEquals(await coordinator.ringLock?.(place, LOCK.ownerName, ring), false, "there is no lock");
      await coordinator.putLock(place, LOCK, { type: "absent" });
      assertEquals(await coordinator.ringLock?.(place, "another", ring), false);
      assertEquals(await coordinator.ringLock?.(place, LOCK.ownerName, ring), true);
      assertEquals(await coordinator.readLock(place), LOCK, "its version stays: it is no heartbeat");
      assertEquals(await coordinator.heartbeatLock(place, "v1", next), ring);
      assertEquals(await coordinator.heartbeatLock(place, "v1", next), ring, "our own write, sent again");
      await coordinator.releaseLock(place, next);
      await coordinator.putLock(place, LOCK, { type: "absent" });
      assertEquals(await coordinator.heartbeatLock(place, "v1", next), true);
    },
  );

  testInBoth("releaseLock() deletes our own lock only", async ({ coordinator }, place) => {
    await coordinator.putLock(place, LOCK, { type: "absent" });
    assertEquals(await coordinator.releaseLock(place, OTHERS_LOCK), false);
    assertEquals(await coordinator.releaseLock(place, { ...LOCK, ownerName: "w2" }), false);
    assertEquals(await coordinator.releaseLock(place, LOCK), true);
    assertEquals(await coordinator.readLock(place), undefined);
    assertEquals(await coordinator.releaseLock(place, LOCK), false);
  });

  testInBoth("readLock() refuses a broken lock", async (fixture, place) => {
    await fixture.put({ [keyName(place)]: { S: "Leader" }, ownerName: { S: "w" } }, stateTable(place));
    await assertRejects(
      () => fixture.coordinator.readLock(place),
      LeaseTableError,
      `Cannot read item "Leader"`,
    );
  });

  testInBoth(
    "readLock() takes a duration of the wrong type, so that it can be replaced",
    async (fixture, place) => {
      await fixture.put({
        [keyName(place)]: { S: "Leader" },
        ownerName: { S: "w" },
        recordVersionNumber: { S: "v" },
        leaseDuration: { N: "5000" },
      }, stateTable(place));
      assertEquals((await fixture.coordinator.readLock(place))?.leaseDurationMs, 5_000);
    },
  );

  testInBoth("writeWorkerMetrics() overwrites its own attributes only", async (fixture, place) => {
    const { coordinator } = fixture;
    const note = { note: { S: "somebody's" }, slu: { N: "5" } };
    await fixture.put({ [keyName(place, true)]: { S: "w1" }, ...note }, metricsTable(place));
    await coordinator.writeWorkerMetrics(place, METRICS);
    const later = { ...METRICS, lastUpdateEpochS: 1_770_000_030, stats: { C: [0.5, 7] } };
    await coordinator.writeWorkerMetrics(place, later);
    const [item] = await fixture.items(metricsTable(place));
    assertEquals({ note: item?.note, slu: item?.slu }, note);
    assertEquals(await metricsIn(fixture, place), [{ ...later, supportEpochS: 5 }]);
  });

  testInBoth("writeWorkerMetrics() leaves the item of a newer incarnation alone", async (fixture, place) => {
    const { coordinator } = fixture;
    const of = (generation: number, lastUpdateEpochS: number): WorkerMetrics => {
      return { ...METRICS, lastUpdateEpochS, incarnation: { workerId: "w1", generation, nonce: "aa" } };
    };
    await fixture.put({ [keyName(place, true)]: { S: "w1" }, slu: { N: "5" } }, metricsTable(place));
    const stands = async (metrics: WorkerMetrics) =>
      assertEquals(await metricsIn(fixture, place), [{ ...metrics, supportEpochS: 5 }]);
    assertEquals(await coordinator.writeWorkerMetrics(place, of(7, 10)), undefined);
    await stands(of(7, 10));
    assertEquals(await coordinator.writeWorkerMetrics(place, of(7, 20)), undefined);
    assertEquals(await coordinator.writeWorkerMetrics(place, of(8, 30)), undefined);
    await stands(of(8, 30));
    assertEquals(await coordinator.writeWorkerMetrics(place, of(7, 40)), of(8, 30).incarnation);
    await stands(of(8, 30));
    // Java, under this name, leaves the attribute alone.
    await coordinator.writeWorkerMetrics(place, { ...METRICS, lastUpdateEpochS: 50 });
    await stands(of(8, 50));
    assertEquals(await coordinator.deleteWorkerMetrics(place, of(7, 50)), false);
    assertEquals(await coordinator.deleteWorkerMetrics(place, of(8, 50)), true);
  });

  testInBoth(
    "markDraining() marks an item, and a report of the same process keeps the mark",
    async (fixture, place) => {
      const { coordinator } = fixture;
      const of = (generation: number, lastUpdateEpochS: number): WorkerMetrics => {
        return {
          ...METRICS,
          lastUpdateEpochS,
          incarnation: { workerId: METRICS.workerId, generation, nonce: "a" },
        };
      };
      const marks = async () => (await metricsIn(fixture, place)).map((item) => item.drainingSinceEpochS);
      const { workerId } = METRICS;
      assertEquals(await coordinator.markDraining(place, workerId, 5), false, "there is no such worker");
      assertEquals(await metricsIn(fixture, place), [], "and none is made");
      await coordinator.writeWorkerMetrics(place, of(7, 10));
      assertEquals(await coordinator.markDraining(place, workerId, 5), true);
      assertEquals(await marks(), [5]);
      await coordinator.writeWorkerMetrics(place, of(7, 20));
      assertEquals(await marks(), [5], "of the same process");
      await coordinator.writeWorkerMetrics(place, { ...of(8, 30), replaces: of(7, 20).incarnation });
      assertEquals(await marks(), [5], "of a slice that continues");
      await coordinator.writeWorkerMetrics(place, of(9, 40));
      assertEquals(await marks(), [undefined], "of a process that was started anew");
      await coordinator.markDraining(place, workerId, 45);
      await coordinator.writeWorkerMetrics(place, METRICS);
      assertEquals(await marks(), [45], "Java's reports leave it alone");
      assertEquals(await coordinator.markDraining(place, workerId, undefined), true);
      assertEquals(await marks(), [undefined]);
    },
  );

  testInBoth("writeWorkerMetrics() refuses metrics without values", async (fixture, place) => {
    for (const stats of [{ C: [] }, { C: [NaN] }]) {
      await assertRejects(
        () => fixture.coordinator.writeWorkerMetrics(place, { ...METRICS, stats }),
        RangeError,
        "Cannot write attribute",
      );
    }
    assertEquals(await fixture.items(metricsTable(place)), []);
  });

  testInBoth("deleteWorkerMetrics() deletes only what was seen", async (fixture, place) => {
    const { coordinator } = fixture;
    await coordinator.writeWorkerMetrics(place, METRICS);
    assertEquals(await coordinator.deleteWorkerMetrics(place, { ...METRICS, lastUpdateEpochS: 1 }), false);
    assertEquals(
      await coordinator.deleteWorkerMetrics(place, { ...METRICS, lastUpdateEpochS: undefined }),
      false,
    );
    assertEquals(await coordinator.deleteWorkerMetrics(place, METRICS), true);
    assertEquals(await coordinator.deleteWorkerMetrics(place, METRICS), false);
    assertEquals(await fixture.items(metricsTable(place)), []);
  });

  test("listLegacyWorkerMetrics() leaves out what cannot be read", async (fixture) => {
    await fixture.createLegacyTables();
    await fixture.coordinator.writeWorkerMetrics("legacy", METRICS);
    await fixture.put({ wid: { S: "w2" }, lut: { N: "7" } }, "app-WorkerMetricStats");
    await fixture.put({ wid: { S: "w3" }, opr: { L: [] } }, "app-WorkerMetricStats");
    const workers = await fixture.coordinator.listLegacyWorkerMetrics();
    assertEquals(workers.toSorted((a, b) => a.workerId < b.workerId ? -1 : 1), [METRICS, {
      workerId: "w2",
      lastUpdateEpochS: 7,
      stats: {},
      operatingRange: {},
      supportCode: undefined,
      supportEpochS: undefined,
    }]);
  });
}

const LOCK: LeaderLock = {
  ownerName: "w1",
  leaseDurationMs: 120_000,
  recordVersionNumber: "v1",
  isReleased: false,
};

const OTHERS_LOCK: LeaderLock = { ...LOCK, ownerName: "w2", recordVersionNumber: "w2-v1" };

const METRICS: WorkerMetrics = {
  workerId: "w1",
  lastUpdateEpochS: 1_770_000_000,
  stats: { C: [0.5, -1, 12.345678] },
  operatingRange: { C: [100] },
  supportCode: undefined,
  supportEpochS: undefined,
};

const MIGRATION: MigrationState = {
  key: "Migration3.0",
  value: "CLIENT_VERSION_3X",
  modifiedBy: "w1",
  modifiedEpochMs: 1_770_000_000_123,
  history: [{ value: "CLIENT_VERSION_INIT", modifiedBy: "w1", modifiedEpochMs: 1_770_000_000_123 }],
};

function stateTable(place: TablePlace): TableName {
  return place === "leaseTable" ? "app" : "app-CoordinatorState";
}

function metricsTable(place: TablePlace): TableName {
  return place === "leaseTable" ? "app" : "app-WorkerMetricStats";
}

function keyName(place: TablePlace, ofMetrics = false): string {
  return place === "leaseTable" ? "leaseKey" : ofMetrics ? "wid" : "key";
}

async function metricsIn(fixture: Fixture, place: TablePlace): Promise<readonly WorkerMetrics[]> {
  return place === "legacy"
    ? await fixture.coordinator.listLegacyWorkerMetrics()
    : (await fixture.leases.list()).workers;
}
