/**
 * What an operator does by commands to fleets of Java, and to mixed ones: leases are handed over, workers are
 * drained, positions are reset and cloned.
 *
 * @module
 */

import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { actualOwner } from "../../../src/lease/lease.ts";
import { assertClean, counts, handoffsTo, seconds, untilLeader } from "./checks.ts";
import type { Fleet } from "./fleet.ts";
import { kclite } from "./operator.ts";
import { positions } from "./operating_positions.ts";
import { pause } from "./processes.ts";
import type { Scenario } from "./report.ts";

/** A Java fleet, of which no worker of kclite is a member. Needs 4 shards. */
export function operatingJava(fleet: Fleet): Scenario[] {
  return [
    {
      name: "14 kclite handoff moves a lease between two Java workers",
      async run() {
        await fleet.start("java", "j1");
        await fleet.untilFlowing("j1", 60_000);
        await fleet.start("java", "j2");
        await fleet.untilOwned({ j1: 1, j2: 1 }, 90_000);
        await fleet.untilFlowing("j2", 30_000);
        const before = handoffsTo(fleet, "j2").length;
        const { leaseKey, result: { code, stdout, stderr } } = await handedOver(fleet, "j1", "j2");
        assertEquals(code, 0, stdout + stderr);
        assertMatch(stdout, /j2 renews it/);
        const handoffs = handoffsTo(fleet, "j2").slice(before);
        assert(handoffs.some(({ by, key }) => by === "java" && key === leaseKey), "Java completed it");
        await fleet.untilDelivered(30_000);
        assertClean(fleet, { duplicates: 0 });
        return `${stdout.trim().split("\n").at(-1)} ${counts(fleet)}`;
      },
    },
    {
      name: "14 kclite drain under a Java leader hands each lease over once, and exits with 3",
      async run() {
        const leader = await fleet.leader();
        const worker = leader === "j1" ? "j2" : "j1";
        const { code, stdout, stderr } = await kclite(fleet, "drain", worker, "--json");
        assertEquals(code, 3, stdout + stderr);
        const { outcome, leaderKnowsDrains, left, givenBack } = JSON.parse(stdout);
        assertEquals([outcome, leaderKnowsDrains, left], ["done", false, givenBack]);
        await fleet.untilDelivered(30_000);
        assertClean(fleet, { duplicates: 0 });
        return `${givenBack.length} came back meanwhile, ${counts(fleet)}`;
      },
    },
    ...positions(fleet, "java", ["j1", "j2"]),
  ];
}

/** A leader of kclite with a Java worker. Needs 4 shards. */
export function operatingKclite(fleet: Fleet): Scenario[] {
  return [
    {
      name: "14 kclite drain of a Java worker is obeyed by a leader of kclite, until it is cancelled",
      async run() {
        await fleet.start("kclite", "k1");
        await fleet.untilFlowing("k1", 30_000);
        await fleet.start("java", "j1");
        await fleet.untilOwned({ k1: 2, j1: 2 }, 60_000);
        await fleet.untilFlowing("j1", 20_000);
        const { code, stdout, stderr } = await kclite(fleet, "drain", "j1");
        assertEquals(code, 0, stdout + stderr);
        await fleet.untilOwned({ k1: 4 }, 1000);
        // Java's report is written anew meanwhile, and keeps the mark.
        await pause(35_000);
        await fleet.untilOwned({ k1: 4 }, 1000);
        const cancelled = await kclite(fleet, "drain", "j1", "--cancel");
        assertEquals(cancelled.code, 0, cancelled.stderr);
        const ms = await fleet.untilOwned({ k1: 2, j1: 2 }, 60_000);
        await fleet.untilDelivered(30_000);
        assertClean(fleet, { duplicates: 0 });
        return `${stdout.trim().split("\n").at(-1)} It has its half ${seconds(ms)} after the end, ${
          counts(fleet)
        }`;
      },
    },
    {
      name: "14 kclite drain empties the leader of kclite too, which leads on",
      async run() {
        await untilLeader(fleet, "k1", 1000);
        const { code, stdout, stderr } = await kclite(fleet, "drain", "k1");
        assertEquals(code, 0, stdout + stderr);
        await fleet.untilOwned({ j1: 4 }, 1000);
        assertEquals(await fleet.leader(), "k1");
        const owners = (await fleet.leases()).map(actualOwner);
        assertNotEquals(owners.length, 0);
        await fleet.untilDelivered(30_000);
        assertClean(fleet, { duplicates: 0 });
        return `${stdout.trim().split("\n").at(-1)} ${counts(fleet)}`;
      },
    },
    ...positions(fleet, "kclite", ["k1", "k2"]),
  ];
}

/** Hands a lease over. Java's leader may begin a handoff of its own, for balance: then once more when that is over. */
async function handedOver(
  fleet: Fleet,
  from: string,
  to: string,
): Promise<{ readonly leaseKey: string; readonly result: Awaited<ReturnType<typeof kclite>> }> {
  for (let attempt = 1;; attempt++) {
    await fleet.untilOwned({ [from]: 1, [to]: 1 }, 30_000);
    const lease = (await fleet.leases()).find(({ leaseOwner }) => leaseOwner === from);
    const leaseKey = lease?.leaseKey ?? "";
    const result = await kclite(fleet, "handoff", leaseKey, "--to", to);
    if (attempt === 5 || !/a handoff from .* is pending/.test(result.stderr)) return { leaseKey, result };
  }
}
