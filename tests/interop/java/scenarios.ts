/**
 * What Java and kclite do on one table with one stream, told as stories: a fleet of Java that kclite joins and leaves, a fleet of
 * kclite that Java joins, a stream that is resharded under both, and more. Each story has a table of its own, and its scenarios
 * build on one another.
 *
 * @module
 */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { isShardEnd, SHARD_END } from "../../../src/stream/sequence_number.ts";
import {
  assertClean,
  assertNoneRepeated,
  counts,
  generations,
  givenToTheEnded,
  handoffsTo,
  seconds,
  untilLeader,
} from "./checks.ts";
import { afterThaw, beforeParents, duplicates, outOfOrder } from "./deliveries.ts";
import { type Fleet, type FleetWorker, partitionKeyOf } from "./fleet.ts";
import { versions } from "./bed.ts";
import { pause } from "./processes.ts";
import type { Scenario } from "./report.ts";

/**
 * How long a Java leader may take until no lease is with a worker that ended without a word, in ms: it goes on giving
 * leases to one for as long as its metrics item is fresh, which is a minute.
 */
export const javaTakeoverMs = 120_000;

/** Java first; kclite joins, is killed, comes again, and is stopped for good. Needs 4 shards. */
export function javaFirst(fleet: Fleet): Scenario[] {
  return [
    {
      name: "1 a Java fleet runs, a kclite worker joins, Java's leader hands leases to it",
      async run() {
        await fleet.start("java", "j1");
        await fleet.untilFlowing("j1", 60_000);
        await fleet.start("java", "j2");
        await fleet.untilOwned({ j1: 1, j2: 1 }, 60_000);
        await fleet.start("kclite", "k1");
        const ms = await fleet.untilOwned({ k1: 1, j1: 0, j2: 0 }, 60_000);
        await fleet.untilFlowing("k1", 20_000);
        await fleet.untilDelivered(20_000);
        const handoffs = handoffsTo(fleet, "k1");
        assert(handoffs.length > 0 && handoffs.every((write) => write.by === "java"), "Java handed over");
        assertNotEquals(await fleet.leader(), "k1");
        assertClean(fleet, { duplicates: 0 });
        return `first lease after ${seconds(ms)}, ${handoffs.length} handed over, ${counts(fleet)}`;
      },
    },
    {
      name: "3 kclite is killed, Java takes over",
      async run() {
        await fleet.end("k1", "SIGKILL");
        const ms = await fleet.untilOwned({ j1: 0, j2: 0 }, javaTakeoverMs);
        await fleet.untilDelivered(javaTakeoverMs);
        assertClean(fleet, { duplicates: "after a kill" });
        const given = givenToTheEnded(fleet, "java").length;
        return `Java owns all after ${seconds(ms)}, ${given} leases given to the dead, ${counts(fleet)}`;
      },
    },
    {
      name: "7 all kclite workers are stopped, Java goes on alone",
      async run() {
        await fleet.start("kclite", "k2");
        await fleet.untilOwned({ k2: 1, j1: 0, j2: 0 }, javaTakeoverMs);
        await fleet.untilFlowing("k2", 20_000);
        await fleet.untilDelivered(javaTakeoverMs);
        const before = duplicates(fleet.lines).length;
        await fleet.end("k2", "SIGTERM");
        const ms = await fleet.untilOwned({ j1: 0, j2: 0 }, 30_000);
        // Java may give some to the worker that was killed before.
        await fleet.untilDelivered(javaTakeoverMs);
        assertNoneRepeated(fleet, before);
        const left = (await fleet.items()).filter((item) => JSON.stringify(item).includes('"k2"'));
        assertEquals(left, [], "nothing of k2 is left in the table");
        assertClean(fleet, { duplicates: "after a kill" });
        return `Java owns all ${seconds(ms)} after the stop, ${counts(fleet)}`;
      },
    },
    {
      name:
        "0 an item that is broken on purpose is complained of by Java, so its silence before means something",
      async run() {
        const [item] = (await fleet.items()).filter(({ leaseKey, checkpoint }) =>
          leaseKey !== undefined && checkpoint
        );
        assert(item !== undefined, "there is a lease");
        const { ownerSwitchesSinceCheckpoint: _, ...broken } = item;
        await fleet.putItem({ ...broken, leaseKey: { S: "shardId-000000009999" } });
        await fleet.eventually("Java complains", () => fleet.troubles().length > 0, { limitMs: 20_000 });
        return fleet.troubles()[0]?.slice(0, 160) ?? "";
      },
    },
  ];
}

/** kclite first; Java joins; each in turn leads, is stopped, and is killed. Needs 4 shards. */
export function kcliteFirst(fleet: Fleet): Scenario[] {
  return [
    {
      name: "2 a kclite fleet runs, a Java worker joins, kclite's leader hands leases to it",
      async run() {
        await fleet.start("kclite", "k1");
        await fleet.untilFlowing("k1", 30_000);
        await fleet.start("java", "j1");
        const ms = await fleet.untilOwned({ k1: 2, j1: 2 }, 60_000);
        await fleet.untilFlowing("j1", 20_000);
        await fleet.untilDelivered(20_000);
        const handoffs = handoffsTo(fleet, "j1");
        assert(handoffs.length > 0 && handoffs.every((write) => write.by === "kclite"), "kclite handed over");
        assertEquals(await fleet.leader(), "k1");
        assertClean(fleet, { duplicates: 0 });
        return `Java has its half after ${seconds(ms)}, ${handoffs.length} handed over, ${counts(fleet)}`;
      },
    },
    {
      name: "3 Java is killed, kclite takes over",
      async run() {
        await fleet.end("j1", "SIGKILL");
        const ms = await fleet.untilOwned({ k1: 4 }, 60_000);
        // The dead worker's metrics item is fresh for a minute.
        await pause(15_000);
        await fleet.untilOwned({ k1: 4 }, 10_000);
        await fleet.untilDelivered(20_000);
        assertClean(fleet, { duplicates: "after a kill" });
        const given = givenToTheEnded(fleet, "kclite").length;
        assertEquals(given, 0, "no lease is given to the dead worker");
        return `kclite owns all after ${seconds(ms)}, ${counts(fleet)}`;
      },
    },
    {
      name: "4 the leader kclite is stopped, Java leads",
      async run() {
        await fleet.start("java", "j2");
        await fleet.untilOwned({ k1: 1, j2: 1 }, 90_000);
        const before = duplicates(fleet.lines).length;
        await fleet.end("k1", "SIGTERM");
        const ms = await untilLeader(fleet, "j2", 20_000);
        await fleet.untilOwned({ j2: 4 }, 90_000);
        await fleet.untilDelivered(20_000);
        assertNoneRepeated(fleet, before);
        return `Java leads after ${seconds(ms)}, ${counts(fleet)}`;
      },
    },
    {
      name: "4 the leader Java is killed, kclite leads",
      async run() {
        await fleet.start("kclite", "k2");
        await fleet.untilOwned({ j2: 1, k2: 1 }, 120_000);
        await fleet.end("j2", "SIGKILL");
        const ms = await untilLeader(fleet, "k2", 30_000);
        await fleet.untilOwned({ k2: 4 }, 60_000);
        await fleet.untilDelivered(20_000);
        assertClean(fleet, { duplicates: "after a kill" });
        return `kclite leads after ${seconds(ms)}, ${counts(fleet)}`;
      },
    },
    {
      name: "4 the leader kclite is killed, Java leads",
      async run() {
        await fleet.start("java", "j3");
        await fleet.untilOwned({ k2: 1, j3: 1 }, 90_000);
        await fleet.end("k2", "SIGKILL");
        const ms = await untilLeader(fleet, "j3", 30_000);
        const ownsMs = await fleet.untilOwned({ j3: 4 }, javaTakeoverMs);
        await fleet.untilDelivered(javaTakeoverMs);
        assertClean(fleet, { duplicates: "after a kill" });
        return `Java leads after ${seconds(ms)}, owns all after ${seconds(ms + ownsMs)}, ${counts(fleet)}`;
      },
    },
  ];
}

/** Both kinds on one stream while it is split and merged; then one worker of each kind is frozen for a while. Needs 4 shards. */
export function resharding(fleet: Fleet): Scenario[] {
  return [
    {
      name: "5 shards are split and merged, parents and children on both kinds of worker",
      async run() {
        await fleet.start("kclite", "k1");
        await fleet.start("java", "j1");
        await fleet.untilOwned({ k1: 2, j1: 2 }, 60_000);
        await fleet.untilFlowing("j1", 20_000);
        const parents = await mergeAndSplit(fleet);
        await fleet.eventually("all four parents are done", async () => {
          const leases = new Map((await fleet.leases()).map((lease) => [lease.shardId, lease]));
          return parents.every((id) => isShardEnd(leases.get(id)?.checkpoint ?? SHARD_END));
        }, { limitMs: 60_000 });
        await fleet.untilOwned({ k1: 1, j1: 1 }, 60_000);
        // So that children too are handed over, and records come through them for a while.
        await pause(3000);
        await fleet.untilDelivered(30_000);
        assertClean(fleet, { duplicates: 0 });
        assertEquals(outOfOrder(fleet.lines, partitionKeyOf), []);
        assertEquals(beforeParents(fleet.lines, await fleet.shards()), []);
        const ended = (kind: FleetWorker["kind"]) =>
          fleet.writes.filter((write) => write.name === "LEASE: end shard" && write.by === kind).length;
        // Whose they are is known when they are split; a lease may be handed over until its shard ends.
        assertEquals(ended("java") + ended("kclite"), 4, "each parent is ended once");
        assert(ended("java") > 0 && ended("kclite") > 0, "each kind ended a parent");
        return `children ${await generations(fleet)}, ${counts(fleet)}`;
      },
    },
    {
      name:
        "3 Java is frozen for longer than a lease lasts, kclite takes over, Java gives way when it goes on",
      async run() {
        const thawedAt = await fleet.freeze("j1", { k1: 5 });
        await fleet.untilOwned({ k1: 1, j1: 1 }, 90_000);
        await fleet.untilDelivered(20_000);
        const { records, ms } = afterThaw(fleet.lines, "j1", thawedAt);
        // Java looks at its leases at each renewal, a third of the failover time apart, and delivers until then.
        assert(ms < 3000, `Java went on for ${ms} ms`);
        const isRefused = fleet.lines.some((line) =>
          line.worker === "j1" && line.event === "checkpointFailed"
        );
        assert(records === 0 || isRefused, "Java's checkpoint of what it had in hand is refused");
        return `${records} records more in ${ms} ms, then leases anew after ${
          seconds(Date.now() - thawedAt)
        }`;
      },
    },
    {
      name:
        "3 kclite is frozen for longer than a lease lasts, the others take over, it gives way when it goes on",
      async run() {
        await fleet.start("kclite", "k2");
        await fleet.untilOwned({ k1: 1, j1: 1, k2: 1 }, 60_000);
        await fleet.untilFlowing("k2", 20_000);
        const thawedAt = await fleet.freeze("k2", { k1: 2, j1: 2 });
        await fleet.untilOwned({ k1: 1, j1: 1, k2: 1 }, 90_000);
        await fleet.untilDelivered(20_000);
        const { records } = afterThaw(fleet.lines, "k2", thawedAt);
        assertEquals(records, 0, "kclite delivers nothing after its lease has run out");
        return `no record more, then leases anew after ${seconds(Date.now() - thawedAt)}`;
      },
    },
  ];
}

/** Leases that kclite made at the tip of the stream, where it notes the time in an attribute of its own. Needs 4 shards. */
export function fromLatest(fleet: Fleet): Scenario[] {
  return [{
    name: "9 kclite makes the leases at LATEST, Java takes them over before the first record",
    async run() {
      await fleet.start("kclite", "k1");
      await fleet.untilOwned({ k1: 4 }, 20_000);
      await fleet.start("java", "j1");
      await fleet.untilOwned({ k1: 2, j1: 2 }, 60_000);
      const isRead = (id: string) =>
        fleet.lines.some((line) => line.worker === id && line.event === "initialize");
      await fleet.eventually("both have begun", () => isRead("k1") && isRead("j1"), { limitMs: 20_000 });
      // A shard's iterator is taken after its processor has begun.
      await pause(3000);
      fleet.startPutting();
      await pause(5000);
      await fleet.untilDelivered(20_000);
      assertClean(fleet, { duplicates: 0 });
      await fleet.end("k1", "SIGTERM");
      await fleet.untilOwned({ j1: 4 }, 30_000);
      await fleet.untilDelivered(20_000);
      assertClean(fleet, { duplicates: 0 });
      return counts(fleet);
    },
  }];
}

/** A fleet from before the single-table format, with its three tables, and its upgrade. Needs 4 shards. */
export function legacyTables(fleet: Fleet): Scenario[] {
  const assertOnlyLeases = async () => {
    const kinds = new Set((await fleet.items()).map((item) => JSON.stringify(item.entityType)));
    assertEquals([...kinds], [undefined], "the lease table holds leases only");
  };
  return [
    {
      name: `8 a fleet of KCL ${versions.legacyKcl} runs on its three tables, a kclite worker joins`,
      async run() {
        await fleet.start("java", "j1", { version: versions.legacyKcl });
        await fleet.untilFlowing("j1", 60_000);
        await fleet.start("kclite", "k1");
        const ms = await fleet.untilOwned({ k1: 1, j1: 1 }, 90_000);
        await fleet.untilFlowing("k1", 20_000);
        await fleet.untilDelivered(20_000);
        assertEquals(await fleet.leader("legacy"), "j1");
        assertClean(fleet, { duplicates: 0 });
        await assertOnlyLeases();
        return `first lease after ${seconds(ms)}, ${counts(fleet)}`;
      },
    },
    {
      name: `8 that fleet is upgraded to KCL ${versions.kcl} beside kclite, which is then stopped`,
      async run() {
        await fleet.start("java", "j2");
        await fleet.end("j1", "SIGTERM");
        await fleet.eventually("j2 leads", async () => await fleet.leader("legacy") === "j2", {
          limitMs: 30_000,
        });
        const ms = await fleet.untilOwned({ k1: 0, j2: 1 }, 120_000);
        await fleet.untilDelivered(javaTakeoverMs);
        await fleet.end("k1", "SIGTERM");
        await fleet.untilOwned({ j2: 4 }, javaTakeoverMs);
        await fleet.untilDelivered(javaTakeoverMs);
        assertClean(fleet, { duplicates: "after a kill" });
        await assertOnlyLeases();
        return `the new worker has its leases after ${seconds(ms)}, ${counts(fleet)}`;
      },
    },
  ];
}

/**
 * Merges two neighbours of different owners, and splits the other two shards, of which one is Java's and one kclite's too.
 *
 * @returns The four parents.
 */
export async function mergeAndSplit(fleet: Fleet): Promise<string[]> {
  const owners = new Map((await fleet.leases()).map((lease) => [lease.shardId, lease.leaseOwner]));
  const open = await fleet.stream.openShards();
  const at = open.findIndex((shard, i) => {
    const next = open[i + 1];
    return next !== undefined && owners.get(shard.shardId) !== owners.get(next.shardId);
  });
  const [first, second] = [open[at], open[at + 1]];
  assert(first !== undefined && second !== undefined, "two neighbours have different owners");
  await fleet.stream.merge(first, second);
  for (const shard of open) if (shard !== first && shard !== second) await fleet.stream.split(shard);
  return open.map((shard) => shard.shardId);
}
