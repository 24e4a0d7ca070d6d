/**
 * What scenarios ask of a fleet, and how they tell what they saw.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { duplicates, misplaced, overlaps } from "./deliveries.ts";
import type { Fleet } from "./fleet.ts";
import type { TappedWrite } from "./tap.ts";

/** No record while another worker had begun with its shard; no more duplicates than may be; no trouble told by any worker. */
export function assertClean(fleet: Fleet, allowed: { readonly duplicates: 0 | "after a kill" }): void {
  if (fleet.isSteady) assertEquals(overlaps(fleet.lines), [], "one owner at a time");
  if (fleet.isSteady && allowed.duplicates === 0) {
    assertEquals(duplicates(fleet.lines), [], "no record comes twice");
  }
  if (fleet.isMany) {
    assertEquals(
      misplaced(fleet.lines, (text) => fleet.streamOf(text)).slice(0, 5),
      [],
      "each under its stream",
    );
  }
  assertEquals(fleet.troubles().slice(0, 5), [], "no worker complains");
}

/** No record has come twice since there were so many that had: an orderly stop repeats none. */
export function assertNoneRepeated(fleet: Fleet, before: number): void {
  if (fleet.isSteady) {
    assertEquals(duplicates(fleet.lines).length, before, "an orderly stop repeats no record");
  }
}

/** The handoffs to a worker that were completed. */
export function handoffsTo(fleet: Fleet, id: string): readonly TappedWrite[] {
  return fleet.writes.filter(({ name, after }) =>
    name === "LEASE: finish handoff" && JSON.stringify(after?.leaseOwner) === JSON.stringify({ S: id })
  );
}

/** The leases that a leader gave to a worker that had ended. */
export function givenToTheEnded(fleet: Fleet, by: TappedWrite["by"]): readonly TappedWrite[] {
  return fleet.writes.filter(({ name, after, at, ...write }) =>
    write.by === by && (name.startsWith("LEASE: assign") || name.endsWith("handoff")) &&
    fleet.workers.some(({ id, endedAt }) =>
      after?.leaseOwner !== undefined && "S" in after.leaseOwner && after.leaseOwner.S === id &&
      endedAt !== undefined && at > endedAt
    )
  );
}

/** Waits until a worker holds the leader's lock. */
export async function untilLeader(fleet: Fleet, id: string, limitMs: number): Promise<number> {
  return await fleet.eventually(`${id} leads`, async () => await fleet.leader() === id, {
    limitMs,
    state: async () => `${await fleet.leader()} does`,
  });
}

/** How often kclite has looked at the fleet's table since then, by operation. */
export function looksSince(fleet: Fleet, sinceMs: number): Partial<Record<string, number>> {
  const looks = fleet.reads.filter(({ by, at }) => by === "kclite" && at >= sinceMs);
  const byOperation = Object.groupBy(looks, ({ operation }) => operation);
  return Object.fromEntries(Object.entries(byOperation).map(([name, list]) => [name, list?.length ?? 0]));
}

/** How many deliveries there were, and how many of them needlessly. */
export function counts(fleet: Fleet): string {
  return `${fleet.records.length} deliveries, ${duplicates(fleet.lines).length} of them repeated`;
}

export function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

/** Which kind had the parent and which the child: `java→kclite 1`. */
export async function generations(fleet: Fleet): Promise<string> {
  const kindOf = (shardId: string, event: string) =>
    fleet.lines.find((line) => line.shardId === shardId && line.event === event)?.worker.replace(/\d+/, "");
  const ways = new Map<string, number>();
  for (const shard of await fleet.shards()) {
    for (const parent of [shard.parentShardId, shard.adjacentParentShardId]) {
      if (parent === undefined) continue;
      const way = `${kindOf(parent, "shardEnded")}→${kindOf(shard.shardId, "initialize")}`;
      ways.set(way, (ways.get(way) ?? 0) + 1);
    }
  }
  return [...ways].map(([way, count]) => `${way} ${count}`).join(", ");
}
