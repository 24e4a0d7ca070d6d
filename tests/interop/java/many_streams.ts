/**
 * What Java and kclite do on one table with two streams, told as two stories: a fleet of Java that kclite joins and outlives, and
 * a fleet of kclite that Java joins, and that takes a stream off its list.
 *
 * Both streams have the same shard ids. Java's workers name their streams by ARN or account, and by the second of their
 * creation, kclite's by name alone unless a scenario says otherwise.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { actualOwner, type Lease } from "../../../src/lease/lease.ts";
import { isShardEnd, SHARD_END } from "../../../src/stream/sequence_number.ts";
import { isOpen } from "../../../src/stream/shard.ts";
import {
  assertClean,
  assertNoneRepeated,
  counts,
  generations,
  handoffsTo,
  seconds,
  untilLeader,
} from "./checks.ts";
import { beforeParents, duplicates, type Line, outOfOrder } from "./deliveries.ts";
import { type Fleet, partitionKeyOf } from "./fleet.ts";
import { pause } from "./processes.ts";
import type { Scenario } from "./report.ts";

/** Java first, kclite joins, a reshard in one stream, and Java is stopped. Needs two streams of 4 shards. */
export function manyJavaFirst(fleet: Fleet): Scenario[] {
  return [
    {
      name: "10 a Java fleet reads two streams, a kclite worker joins and is given leases",
      async run() {
        await fleet.start("java", "j1");
        await fleet.untilFlowing("j1", 90_000);
        await fleet.start("kclite", "k1");
        const ms = await fleet.untilOwned({ k1: 1, j1: 1 }, 60_000);
        await fleet.untilFlowing("k1", 20_000);
        await fleet.untilDelivered(20_000);
        const handoffs = handoffsTo(fleet, "k1");
        assert(handoffs.length > 0 && handoffs.every((write) => write.by === "java"), "Java handed over");
        assertEquals(await fleet.leader(), "j1");
        await assertIdentifiers(fleet);
        assertClean(fleet, { duplicates: 0 });
        return `first lease after ${seconds(ms)}, ${await owners(fleet)}, ${counts(fleet)}`;
      },
    },
    {
      name: "10 two shards of many streams are split, one of each kind of worker",
      async run() {
        const parents = await splitUntilEachEndedOne(fleet, ["j1", "k1"]);
        await fleet.untilOwned({ k1: 1, j1: 1 }, 60_000);
        // So that children too are handed over, and records come through them for a while.
        await pause(3000);
        await fleet.untilDelivered(30_000);
        assertClean(fleet, { duplicates: 0 });
        assertEquals(outOfOrder(fleet.lines, partitionKeyOf), []);
        assertEquals(beforeParents(fleet.lines, await fleet.shards()), []);
        await assertIdentifiers(fleet);
        return `${parents.join(" and ")}, children ${await generations(fleet)}, ${counts(fleet)}`;
      },
    },
    {
      name:
        "10 the Java that leads compares its list of streams with the table, to which kclite has added leases",
      async run() {
        const from = Date.now();
        // At the earliest a minute after its start.
        const ms = await fleet.eventually(
          "j1 has listed its streams",
          () =>
            fleet.lines.some(({ worker, event, at }) =>
              worker === "j1" && event === "streamsListed" && at > from
            ),
          { limitMs: 90_000 },
        );
        await pause(2000);
        await fleet.untilOwned({ k1: 1, j1: 1 }, 20_000);
        await fleet.untilDelivered(20_000);
        assertEquals(await fleet.leader(), "j1");
        const changes = fleet.writes.filter(({ by, at, name }) =>
          by === "java" && at > from && /^(create|delete) LEASE/.test(name)
        );
        assertEquals(
          changes.map(({ name, key }) => `${name} ${key}`),
          [],
          "Java makes no lease and deletes none",
        );
        await assertIdentifiers(fleet);
        assertClean(fleet, { duplicates: 0 });
        return `after ${seconds(ms)}, ${await owners(fleet)}, ${counts(fleet)}`;
      },
    },
    {
      name:
        "10 Java is stopped, kclite leads; a kclite worker joins that lists one of the streams, by its identifier",
      async run() {
        const made = new Set((await fleet.leases()).map(({ leaseKey }) => leaseKey));
        const before = duplicates(fleet.lines).length;
        const stoppedMs = performance.now();
        await fleet.end("j1", "SIGTERM");
        await untilLeader(fleet, "k1", 20_000);
        const ms = performance.now() - stoppedMs;
        const open = (await fleet.shards()).filter(isOpen).length;
        await fleet.untilOwned({ k1: open }, 60_000);
        const listed = (await fleet.leases()).map(({ streamIdentifier = "" }) => streamIdentifier)
          .find((identifier) => identifier.includes(`:${fleet.stream.streamName}:`)) ?? "";
        await fleet.start("kclite", "k2", { streams: [listed] });
        const half = Math.floor(open / 2);
        await fleet.untilOwned({ k1: half, k2: half }, 60_000);
        await fleet.untilFlowing("k2", 20_000);
        await fleet.untilDelivered(20_000);
        await assertIdentifiers(fleet);
        assertReadBoth(fleet, "k1");
        // A lease is read whose stream is on another worker's list alone: its name and account stand in the lease.
        assertReadBoth(fleet, "k2");
        const added = (await fleet.leases()).filter(({ leaseKey }) => !made.has(leaseKey));
        assertEquals(added, [], "a kclite leader finds Java's leases complete");
        assertNoneRepeated(fleet, before);
        assertClean(fleet, { duplicates: 0 });
        return `kclite leads ${seconds(ms)} after the signal, ${await owners(fleet)}, ${counts(fleet)}`;
      },
    },
  ];
}

/** kclite first, Java joins; then kclite's list loses a stream. Needs two streams of 4 shards. */
export function manyKcliteFirst(fleet: Fleet): Scenario[] {
  return [
    {
      name: "10 a kclite fleet reads two streams, a Java worker joins, kclite's leader hands leases to it",
      async run() {
        await fleet.start("kclite", "k1");
        await fleet.untilFlowing("k1", 30_000);
        await fleet.start("java", "j1");
        const ms = await fleet.untilOwned({ k1: 4, j1: 4 }, 60_000);
        await fleet.untilFlowing("j1", 20_000);
        await fleet.untilDelivered(20_000);
        const handoffs = handoffsTo(fleet, "j1");
        assert(handoffs.length > 0 && handoffs.every((write) => write.by === "kclite"), "kclite handed over");
        assertEquals(await fleet.leader(), "k1");
        assertReadBoth(fleet, "k1");
        assertReadBoth(fleet, "j1");
        await assertIdentifiers(fleet);
        assertClean(fleet, { duplicates: 0 });
        return `Java has its half after ${seconds(ms)}, ${await owners(fleet)}, ${counts(fleet)}`;
      },
    },
    {
      name: "11 the kclite that leads does not list one of the streams any more, its leases are deleted",
      async run() {
        const [stays, former] = fleet.streams;
        assert(stays !== undefined && former !== undefined);
        await fleet.stopPuttingTo(former);
        await fleet.untilDelivered(20_000);
        const before = await fleet.leases();
        const isFormer = (lease: Lease) => fleet.shardOf(lease).startsWith(`${former.streamName}/`);
        const held = (kind: string) =>
          before.filter((lease) => isFormer(lease) && actualOwner(lease)?.startsWith(kind)).map((lease) =>
            fleet.shardOf(lease)
          );
        const at = Date.now();
        fleet.unlistLast("k1");
        const ms = await fleet.eventually(
          "no lease of the former stream is left",
          async () => !(await fleet.leases()).some(isFormer),
          { limitMs: 30_000 },
        );
        // So that Java's leases end, and that leases would be made again by whoever made them.
        await pause(10_000);
        await fleet.untilOwned({ k1: 1, j1: 1 }, 30_000);
        await fleet.untilFlowing("j1", 20_000);
        await fleet.untilDelivered(20_000);
        assertEquals((await fleet.leases()).filter(isFormer), [], "nobody makes them again");
        const told = new Set(
          fleet.lines.filter((line) => line.at > at && line.event === "leaseLost").map(({ shardId }) =>
            shardId
          ),
        );
        assertEquals(
          [...held("j"), ...held("k")].filter((shard) => !told.has(shard)),
          [],
          "each processor is told",
        );
        assertEquals((await fleet.leases()).length, 4, "the other stream's leases stay");
        assertClean(fleet, { duplicates: 0 });
        return `${held("j").length} of Java's leases and ${held("k").length} of kclite's are gone after ${
          seconds(ms)
        }, ` +
          `${duplicates(fleet.lines).length} records repeated`;
      },
    },
  ];
}

/** Two streams, each known by one identifier of its name, and each lease by it. */
async function assertIdentifiers(fleet: Fleet): Promise<void> {
  const leases = await fleet.leases();
  const identifiers = new Set(leases.map(({ streamIdentifier = "" }) => streamIdentifier));
  assertEquals(
    [...identifiers].map((identifier) => identifier.split(":")[1]).toSorted(),
    fleet.streams.map(({ streamName }) => streamName),
    "all workers know each stream by the same identifier",
  );
  for (const { leaseKey, streamIdentifier, shardId } of leases) {
    assertEquals(leaseKey, `${streamIdentifier}:${shardId}`);
  }
}

/** A worker was given records of both streams. */
function assertReadBoth(fleet: Fleet, id: string): void {
  const isOf = (stream: string) => (line: Line) =>
    line.worker === id && line.shardId?.startsWith(`${stream}/`);
  const read = fleet.streams.map(({ streamName }) => streamName).filter((name) =>
    fleet.records.some(isOf(name))
  );
  assertEquals(read, fleet.streams.map(({ streamName }) => streamName), `what ${id} was given records of`);
}

/**
 * Splits a shard of each of these workers, until each kind of worker has ended one that was split. A lease may be handed over
 * between the split and the end of the shard, on a busy machine above all: then another shard is split.
 *
 * @returns All parents.
 */
async function splitUntilEachEndedOne(fleet: Fleet, ids: readonly string[]): Promise<string[]> {
  const parents: string[] = [];
  const endedBy = (kind: string) =>
    fleet.writes.some((write) => write.name === "LEASE: end shard" && write.by === kind);
  for (let round = 0; round < SPLIT_ROUNDS; round++) {
    const lacking = ids.filter((id) => !endedBy(fleet.kindOf(id)));
    if (lacking.length === 0) return parents;
    parents.push(...await splitOneOfEach(fleet, lacking));
    await fleet.eventually("the parents are done", async () => {
      const leases = new Map((await fleet.leases()).map((lease) => [fleet.shardOf(lease), lease]));
      return parents.every((shard) => isShardEnd(leases.get(shard)?.checkpoint ?? SHARD_END));
    }, { limitMs: 60_000 });
  }
  assertEquals(ids.filter((id) => !endedBy(fleet.kindOf(id))), [], "each kind ended a parent");
  return parents;
}

/** A lease that moves each time is a fault. */
const SPLIT_ROUNDS = 4;

/** Splits a shard of each of these workers, of the second stream where they have one. @returns The parents. */
async function splitOneOfEach(fleet: Fleet, ids: readonly string[]): Promise<string[]> {
  const leases = (await fleet.leases()).toReversed();
  const parents: string[] = [];
  for (const id of ids) {
    for (const stream of fleet.streams.toReversed()) {
      const open = await stream.openShards();
      // A lease that is being handed over ends at another worker.
      const own = leases.filter((lease) => lease.leaseOwner === id && lease.checkpointOwner === undefined)
        .map((lease) => fleet.shardOf(lease));
      const shard = open.find(({ shardId }) => own.includes(`${stream.streamName}/${shardId}`));
      if (shard === undefined) continue;
      await stream.split(shard);
      parents.push(`${stream.streamName}/${shard.shardId}`);
      break;
    }
  }
  assertEquals(parents.length, ids.length, "each has a shard to split");
  return parents;
}

/** How many open leases each worker has of each stream: `j1 2+3, k1 2+1`. */
async function owners(fleet: Fleet): Promise<string> {
  const open = (await fleet.leases()).filter(({ checkpoint }) => !isShardEnd(checkpoint));
  const ids = [...new Set(open.map((lease) => actualOwner(lease) ?? "nobody"))].toSorted();
  return ids.map((id) => {
    const own = open.filter((lease) => (actualOwner(lease) ?? "nobody") === id).map((lease) =>
      fleet.shardOf(lease)
    );
    const each = fleet.streams.map(({ streamName }) =>
      own.filter((shard) => shard.startsWith(`${streamName}/`)).length
    );
    return `${id} ${each.join("+")}`;
  }).join(", ");
}
