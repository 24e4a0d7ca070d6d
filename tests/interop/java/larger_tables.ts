/**
 * Java and kclite on a table that is too large to be looked at as a whole. All other stories have small ones. There kclite asks the
 * index for its leases, and watches the lock by reads of its own, eventually consistent ones.
 *
 * @module
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { assertClean, counts, looksSince, seconds, untilLeader } from "./checks.ts";
import type { Fleet } from "./fleet.ts";
import { pause } from "./processes.ts";
import type { Scenario } from "./report.ts";
import { javaTakeoverMs } from "./scenarios.ts";

/** A table of as many items, leases apart, is not small. */
const ITEMS = 25;

/** Java first; then each kind leads in turn, and is killed. Needs 4 shards. */
export function largerTables(fleet: Fleet): Scenario[] {
  return [
    {
      name: "16 a Java fleet has a larger table, kclite joins, and does not scan it while Java leads",
      async run() {
        await fleet.start("java", "j1");
        await fleet.untilFlowing("j1", 60_000);
        await grow(fleet);
        await fleet.start("kclite", "k1");
        const ms = await fleet.untilOwned({ k1: 2, j1: 2 }, 60_000);
        await fleet.untilFlowing("k1", 20_000);
        const fromMs = Date.now();
        await pause(10_000);
        const looks = looksSince(fleet, fromMs);
        assertEquals(looks.Scan, undefined, "no look at the whole table");
        assertGreater(looks.Query ?? 0, 4, "looks at the index");
        assertGreater(looks.GetItem ?? 0, 4, "looks at the lock");
        await fleet.untilDelivered(20_000);
        assertEquals(await fleet.leader(), "j1");
        assertClean(fleet, { duplicates: 0 });
        return `first leases after ${seconds(ms)}, in 10 s ${JSON.stringify(looks)}, ${counts(fleet)}`;
      },
    },
    {
      name: "16 the leader Java is killed, kclite leads, and scans the table",
      async run() {
        await fleet.end("j1", "SIGKILL");
        const ms = await untilLeader(fleet, "k1", 30_000);
        const ownsMs = await fleet.untilOwned({ k1: 4 }, 60_000);
        await fleet.untilDelivered(20_000);
        const fromMs = Date.now();
        await pause(5000);
        assertGreater(looksSince(fleet, fromMs).Scan ?? 0, 0, "a leader looks at the whole table");
        assertClean(fleet, { duplicates: "after a kill" });
        return `kclite leads after ${seconds(ms)}, owns all after ${seconds(ms + ownsMs)}, ${counts(fleet)}`;
      },
    },
    {
      name: "16 Java joins, the leader kclite is killed, Java leads",
      async run() {
        const startedAt = Date.now();
        await fleet.start("java", "j2");
        await fleet.untilOwned({ k1: 2, j2: 2 }, 90_000);
        await fleet.untilFlowing("j2", 20_000);
        const read = fleet.records.find(({ worker }) => worker === "j2");
        assert(read !== undefined, "Java has got a record");
        await fleet.end("k1", "SIGKILL");
        const ms = await untilLeader(fleet, "j2", 30_000);
        const ownsMs = await fleet.untilOwned({ j2: 4 }, javaTakeoverMs);
        await fleet.untilDelivered(javaTakeoverMs);
        assertClean(fleet, { duplicates: "after a kill" });
        return `Java's first record comes ${
          seconds(read.at - startedAt)
        } after its start; Java leads after ` +
          `${seconds(ms)}, owns all after ${seconds(ms + ownsMs)}, ${counts(fleet)}`;
      },
    },
  ];
}

/** Adds items of a kind that Java knows, and that is no lease: what KCL notes of streams where it is set to. */
async function grow(fleet: Fleet): Promise<void> {
  for (let i = 0; i < ITEMS; i++) {
    const leaseKey = `stream-${i}`;
    await fleet.putItem({ leaseKey: { S: leaseKey }, entityType: { S: "STREAM" }, streamId: { S: `${i}` } });
  }
}
