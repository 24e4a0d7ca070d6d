import { assertEquals } from "@std/assert";
import {
  areFirstLeasesUnfinished,
  auditLeases,
  type HoleSighting,
  leasesToGiveOut,
  missingRanges,
} from "../../src/lease/gaps.ts";
import type { Lease } from "../../src/lease/lease.ts";
import cases from "../cases/gaps.json" with { type: "json" };
import { leaseOf, rangeOf, shardsOf } from "./fixtures.ts";

/** A case as its table writes it: leases are `[from, to, checkpoint]` in eighths of all hash keys, null without a range. */
interface Case {
  readonly comment: string;
  readonly audits: readonly {
    readonly leases: readonly (readonly (number | string)[] | null)[];
    readonly hole?: readonly number[];
    readonly times?: number;
    readonly syncNow: boolean;
  }[];
}

function rangedLease(short: readonly (number | string)[] | null, place: number): Lease {
  const [from, to, checkpoint] = short ?? [];
  const lease = leaseOf({ key: `${place}`, checkpoint: typeof checkpoint === "string" ? checkpoint : "5" });
  return short === null ? lease : { ...lease, hashKeyRange: rangeOf(Number(from), Number(to), 8) };
}

for (const { comment, audits } of cases as readonly Case[]) {
  Deno.test(`auditLeases(): ${comment}`, () => {
    let before: HoleSighting | undefined;
    for (const { leases, hole: [from, to] = [], times, syncNow } of audits) {
      const audit = auditLeases(before, leases.map(rangedLease));
      const sighting = from === undefined || to === undefined || times === undefined
        ? undefined
        : { hole: rangeOf(from, to, 8), times };
      assertEquals(audit, { sighting, syncNow });
      before = audit.sighting;
    }
  });
}

Deno.test("areFirstLeasesUnfinished() while nobody was ever given a lease", () => {
  const fresh = leaseOf({ key: "a", checkpoint: "LATEST" });
  assertEquals(areFirstLeasesUnfinished([]), true);
  assertEquals(areFirstLeasesUnfinished([fresh, leaseOf({ key: "b" })]), true);
  assertEquals(areFirstLeasesUnfinished([fresh, leaseOf({ key: "b", owner: "w", counter: 1 })]), false);
  assertEquals(areFirstLeasesUnfinished([fresh, leaseOf({ key: "b", counter: 2 })]), false, "it was freed");
});

Deno.test("missingRanges() fills in what old versions left out, where the shard is still listed", () => {
  const shards = shardsOf([{ id: "a", from: 0, to: 1 }, { id: "b", from: 1, to: 2 }, {
    id: "c",
    from: 0,
    to: 1,
  }], 2);
  const known = { ...leaseOf({ key: "b" }), hashKeyRange: rangeOf(0, 1, 1) };
  const leases = [
    leaseOf({ key: "a" }),
    known,
    leaseOf({ key: "c", checkpoint: "SHARD_END" }),
    leaseOf({ key: "gone" }),
  ];
  assertEquals(missingRanges(leases, shards), [{ lease: leaseOf({ key: "a" }), range: rangeOf(0, 1, 2) }]);
});

Deno.test("leasesToGiveOut() holds back the first leases of a stream while they are not complete", () => {
  const lease = (key: string, from: number, to: number, more: Partial<Lease> = {}): Lease => ({
    ...leaseOf({ key }),
    hashKeyRange: rangeOf(from, to, 2),
    ...more,
  });
  const stream = { streamIdentifier: "1:a:1" };
  const half = lease("a", 0, 1, stream), other = lease("b", 0, 2);
  assertEquals(leasesToGiveOut([half, other]), [other]);
  const rest = lease("c", 1, 2, stream);
  assertEquals(leasesToGiveOut([half, other, rest]), [half, other, rest]);
  // A hole in what was given out already is the audit's affair.
  const given = lease("d", 0, 1, { ...stream, leaseOwner: "w", leaseCounter: 1 });
  assertEquals(leasesToGiveOut([given]), [given]);
  assertEquals(leasesToGiveOut([]), []);
});
