/**
 * A worker of kclite in slices beside Java workers: refused where it would keep leases that Java counts as expired, called often
 * enough to keep them, and in long slices that give all up at their end.
 *
 * @module
 */

import { assert, assertEquals, assertGreater } from "@std/assert";
import type { SliceSummary } from "../../../src/edge/mod.ts";
import { isShardEnd, SHARD_END } from "../../../src/stream/sequence_number.ts";
import { assertClean, counts, generations, handoffsTo, seconds, untilLeader } from "./checks.ts";
import { beforeParents, duplicates, outOfOrder } from "./deliveries.ts";
import { type Fleet, partitionKeyOf } from "./fleet.ts";
import { compareSteps } from "./item_steps.ts";
import { pause } from "./processes.ts";
import type { Scenario } from "./report.ts";
import { mergeAndSplit } from "./scenarios.ts";
import type { TappedWrite } from "./tap.ts";

/** Slices that keep their leases; the next comes when the one before says, as an alarm does. */
const alarms = { leases: "relay", slice: { budgetMs: 3000, reserveMs: 500, atEnd: "hold" } } as const;
/** Slices that give up their leases; in between Java has all. */
const longSlices = { leases: "relay", slice: { budgetMs: 20_000, reserveMs: 1000 }, pauseMs: 9000 } as const;

/** Java first, then slices of each kind; Java stops and comes again. Needs 4 shards. */
export function relayBesideJava(fleet: Fleet): Scenario[] {
  return [
    {
      name: '12 a Java worker runs, slices with leases: "hold" are refused',
      async run() {
        await fleet.start("java", "j1");
        await fleet.untilFlowing("j1", 60_000);
        await fleet.start("kclite", "e1", {
          slices: {
            leases: "hold",
            failoverTimeMs: 60_000,
            slice: { budgetMs: 10_000, reserveMs: 1000 },
            count: 2,
          },
        });
        await fleet.eventually("both slices are over", () => slicesOf(fleet, "e1").length === 2, {
          limitMs: 30_000,
        });
        const text =
          'Cannot run slices with leases: "hold": expected workers of kclite alone: got "j1", a worker of Java ' +
          'or of another program: set leases to "relay"';
        for (const { outcome, failures } of slicesOf(fleet, "e1")) {
          assertEquals([outcome, failures], ["stopped", [{ step: "fleet", text }]]);
        }
        assertEquals(fleet.writes.filter(({ by }) => by === "kclite"), [], "nothing is written");
        await fleet.untilOwned({ j1: 4 }, 1000);
        return "two slices refused, nothing written";
      },
    },
    {
      name: "12 a relay worker in short slices that keep their leases, Java's leader hands leases to it",
      async run() {
        await fleet.start("kclite", "e2", { slices: alarms });
        const ms = await fleet.untilOwned({ e2: 1, j1: 1 }, 60_000);
        await fleet.untilFlowing("e2", 20_000);
        // More than three times as long as a lease lives without a renewal.
        await pause(17_000);
        await fleet.untilOwned({ e2: 1, j1: 1 }, 20_000);
        await fleet.untilDelivered(20_000);
        const handoffs = handoffsTo(fleet, "e2");
        assert(handoffs.length > 0 && handoffs.every((write) => write.by === "java"), "Java handed over");
        assertEquals(expired(fleet, "e2"), [], "Java found none of its leases expired");
        assertOrderly(fleet, ["e2"]);
        assertEquals(await fleet.leader(), "j1");
        assertClean(fleet, { duplicates: 0 });
        return `first lease after ${seconds(ms)}, ${handoffs.length} handed over, ${told(fleet, "e2")}`;
      },
    },
    {
      name: "12 shards are split and merged, parents and children on Java and in slices",
      async run() {
        const parents = await mergeAndSplit(fleet);
        await fleet.eventually("all four parents are done", async () => {
          const leases = new Map((await fleet.leases()).map((lease) => [lease.shardId, lease]));
          return parents.every((id) => isShardEnd(leases.get(id)?.checkpoint ?? SHARD_END));
        }, { limitMs: 60_000 });
        await fleet.untilOwned({ e2: 1, j1: 1 }, 60_000);
        await fleet.untilFlowing("e2", 20_000);
        await pause(3000);
        await fleet.untilDelivered(30_000);
        assertEquals(outOfOrder(fleet.lines, partitionKeyOf), []);
        assertEquals(beforeParents(fleet.lines, await fleet.shards()), []);
        const ended = fleet.writes.filter(({ name }) => name === "LEASE: end shard").map(({ by }) => by);
        assertEquals(ended.length, 4, "each parent is ended once");
        assertEquals(new Set(ended), new Set(["java", "kclite"]), "each kind ended a parent");
        assertEquals(expired(fleet, "e2"), [], "Java found none of its leases expired");
        assertOrderly(fleet, ["e2"]);
        assertClean(fleet, { duplicates: 0 });
        return `children ${await generations(fleet)}, ${told(fleet, "e2")}`;
      },
    },
    {
      name: "12 a relay worker in long slices that give up their leases, Java has all in between",
      async run() {
        const before = duplicates(fleet.lines).length;
        await fleet.end("e2", "SIGTERM");
        await fleet.untilOwned({ j1: 5 }, 30_000);
        await fleet.start("kclite", "e3", { slices: longSlices });
        for (const count of [1, 2]) {
          const from = fleet.records.length;
          await fleet.untilOwned({ e3: 1, j1: 1 }, 20_000);
          await fleet.eventually("the slice is over", () => slicesOf(fleet, "e3").length === count, {
            limitMs: 30_000,
          });
          const read = fleet.records.slice(from).filter(({ worker }) => worker === "e3").length;
          assertGreater(read, 0, "the slice read records");
          await fleet.untilOwned({ j1: 5 }, 8500);
        }
        await fleet.untilDelivered(20_000);
        const outcomes = slicesOf(fleet, "e3").map(({ outcome }) => outcome);
        assertEquals(new Set(outcomes), new Set(["budget"]), "a slice under Java's lead lasts for its time");
        assertEquals(expired(fleet, "e3"), [], "Java found none of its leases expired");
        assertOrderly(fleet, ["e2", "e3"]);
        assertEquals(duplicates(fleet.lines).length, before, "no record comes twice");
        assertClean(fleet, { duplicates: 0 });
        return `${handoffsTo(fleet, "e3").length} handed over, ${told(fleet, "e3")}`;
      },
    },
    {
      name: "12 Java is stopped, slices take all leases by themselves, Java comes again and leads",
      async run() {
        await fleet.end("j1", "SIGTERM");
        const stoppedAt = Date.now();
        await fleet.eventually("slices lead", () => takenBy(fleet, "e3", stoppedAt).length >= 5, {
          limitMs: 60_000,
        });
        await fleet.untilFlowing("e3", 30_000);
        await fleet.start("java", "j2");
        const ms = await untilLeader(fleet, "j2", 60_000);
        const ledAt = Date.now();
        await fleet.untilOwned({ j2: 1, e3: 1 }, 90_000);
        await fleet.untilFlowing("j2", 20_000);
        await fleet.untilDelivered(30_000);
        assertEquals(
          takenBy(fleet, "e3", ledAt + 1000),
          [],
          "under Java's lead slices take nothing by themselves",
        );
        assertOrderly(fleet, ["e2", "e3"]);
        assertClean(fleet, { duplicates: 0 });
        assertEquals(differences(fleet), [], "writes of slices do to an item what Java's do");
        return `Java leads after ${seconds(ms)}, ${told(fleet, "e3")}`;
      },
    },
  ];
}

/** What the slices of a worker said. */
function slicesOf(fleet: Fleet, id: string): SliceSummary[] {
  return fleet.lines.filter(({ worker, event }) => worker === id && event === "slice")
    .map(({ text }) => JSON.parse(text ?? "") as SliceSummary);
}

/** No slice has failed in anything, and none has taken a lease from under a Java worker that runs. */
function assertOrderly(fleet: Fleet, ids: readonly string[]): void {
  for (const id of ids) {
    assertEquals(
      slicesOf(fleet, id).flatMap(({ failures }) => failures).slice(0, 3),
      [],
      `failures of ${id}`,
    );
  }
  const isLive = (id: string | undefined, at: number) =>
    fleet.workers.some((worker) => worker.id === id && (worker.endedAt ?? Infinity) > at);
  const thefts = fleet.writes.filter(({ by, name, at, before }) =>
    by === "kclite" && moves.has(name) && !ids.includes(`${ownerOf(before)}`) && isLive(ownerOf(before), at)
  );
  assertEquals(thefts.map(shown), [], "no lease is taken from under Java");
}

/** Writes that move a lease without its owner's consent. A handoff is finished by the owner. */
const moves: ReadonlySet<string> = new Set([
  ...["LEASE: assign, from another owner", "LEASE: release", "LEASE: assign, breaking off a handoff"],
]);

/**
 * The leases that Java's leader took without a handoff from a worker that had begun with them. One that is handed over while a
 * slice ends is begun by nobody, and has to expire. Java moves leases of shards that have ended without a handoff, expired or not.
 */
function expired(fleet: Fleet, id: string): string[] {
  return fleet.writes.filter((write, i) => {
    const { by, name, key, before } = write;
    if (by !== "java" || name !== "LEASE: assign, from another owner" || ownerOf(before) !== id) return false;
    if (JSON.stringify(before?.checkpoint) === JSON.stringify({ S: SHARD_END.sequenceNumber })) return false;
    const earlier = fleet.writes.slice(0, i).filter((other) => other.key === key);
    const given = earlier.findLastIndex((other) =>
      ownerOf(other.before) !== id && ownerOf(other.after) === id
    );
    return earlier.slice(given + 1).some((other) => other.by === "kclite");
  }).map(shown);
}

/** The leases that a worker has assigned to itself as leader since then, which were free. */
function takenBy(fleet: Fleet, id: string, sinceMs: number): string[] {
  return fleet.writes.filter(({ by, at, name, after }) =>
    by === "kclite" && at > sinceMs && name === "LEASE: assign, free before" && ownerOf(after) === id
  ).map(shown);
}

/** The steps that the slices of this fleet took otherwise than its Java workers. */
function differences(fleet: Fleet): string[] {
  return compareSteps(fleet.writes).filter(({ verdict }) => verdict === "different")
    .map(({ name, java, kclite }) => `${name}: ${[...kclite.keys()].filter((effect) => !java.has(effect))}`);
}

function ownerOf(item: TappedWrite["before"]): string | undefined {
  const owner = item?.checkpointOwner ?? item?.leaseOwner;
  return owner !== undefined && "S" in owner ? owner.S : undefined;
}

function shown({ key, name, before, after }: TappedWrite): string {
  return `${key} ${name}: ${ownerOf(before)} → ${ownerOf(after)}`;
}

function told(fleet: Fleet, id: string): string {
  return `${slicesOf(fleet, id).length} slices, ${counts(fleet)}`;
}
