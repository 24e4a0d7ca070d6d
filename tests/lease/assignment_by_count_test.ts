import { assertEquals } from "@std/assert";
import { evenOutCounts } from "../../src/lease/assignment_by_count.ts";
import { give, takeFrom, type WorkerLoad } from "../../src/lease/fleet.ts";
import type { Lease } from "../../src/lease/lease.ts";
import { leaseOf } from "./fixtures.ts";

function loadOf(workerId: string, leases: readonly Lease[]): WorkerLoad {
  return { workerId, held: leases.length, unfinished: leases.length, completed: 0, movable: leases };
}

/** How many leases of each stream go to a newcomer, from a worker that has so many of each. */
function movedToNewcomer(counts: Readonly<Record<string, number>>): Record<string, number> {
  const leases = Object.entries(counts).flatMap(([streamIdentifier, count]) =>
    Array.from({ length: count }, (_, i) => ({
      ...leaseOf({ key: `${streamIdentifier}:shardId-${i}`, owner: "A" }),
      streamIdentifier,
    }))
  );
  const workers = [loadOf("A", leases), loadOf("B", [])];
  const moves = evenOutCounts({ workers, mayTake: () => true, takeFrom, give });
  return Object.fromEntries(
    Object.keys(counts).map((stream) => [
      stream,
      moves.filter(({ lease }) => lease.streamIdentifier === stream).length,
    ]),
  );
}

Deno.test("evenOutCounts() gives a newcomer its part of each stream, not all leases of one", () => {
  assertEquals(movedToNewcomer({ "1:busy:1": 4, "1:idle:1": 4 }), { "1:busy:1": 2, "1:idle:1": 2 });
  assertEquals(movedToNewcomer({ "1:busy:1": 6, "1:idle:1": 2 }), { "1:busy:1": 3, "1:idle:1": 1 });
  assertEquals(movedToNewcomer({ "1:a:1": 1, "1:b:1": 1, "1:busy:1": 8 }), {
    "1:a:1": 0,
    "1:b:1": 1,
    "1:busy:1": 4,
  });
});
