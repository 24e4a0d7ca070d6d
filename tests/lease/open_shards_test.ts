import { assertEquals } from "@std/assert";
import { AUDIT_CONFIDENCE, type AuditCounts, countAudit, isConfirmed } from "../../src/lease/audits.ts";
import { compareWithLeases } from "../../src/lease/open_shards.ts";
import { originOf } from "../../src/lease/stream_origin.ts";
import { parseOrigin } from "../../src/stream/stream_identifier.ts";
import cases from "../cases/open_shards.json" with { type: "json" };
import { leaseOf, rangeOf, shardsOf, type ShortShard } from "./fixtures.ts";

/** A case as its table writes it. Ranges of leases are `[from, to]` in eighths, by default that of the shard. */
interface Case {
  readonly comment: string;
  readonly shards: readonly ShortShard[];
  readonly leases: readonly {
    readonly id: string;
    readonly checkpoint?: string;
    readonly range?: readonly number[];
    readonly parents?: readonly string[];
    readonly mark?: string;
  }[];
  readonly origin?: string;
  readonly unread?: readonly string[];
  readonly withoutShard?: readonly string[];
  readonly rangeDiffers?: readonly string[];
  readonly ofOtherStream?: readonly string[];
  readonly toMark?: readonly string[];
}

for (const one of cases as readonly Case[]) {
  Deno.test(`compareWithLeases(): ${one.comment}`, () => {
    const shards = shardsOf(one.shards, 8);
    const leases = one.leases.map(({ id, checkpoint, range: [from, to] = [], parents, mark }) => ({
      ...leaseOf({ key: id, checkpoint, parents }),
      streamOrigin: mark,
      hashKeyRange: from === undefined || to === undefined
        ? shards.find(({ shardId }) => shardId === id)?.hashKeyRange
        : rangeOf(from, to, 8),
    }));
    const found = compareWithLeases({ shards, leases, origin: parseOrigin(one.origin) });
    const keys = (some: readonly { readonly shardId: string }[]) => some.map(({ shardId }) => shardId);
    assertEquals({
      unread: keys(found.unread),
      withoutShard: keys(found.withoutShard),
      rangeDiffers: keys(found.rangeDiffers),
      ofOtherStream: keys(found.ofOtherStream),
      toMark: keys(found.toMark),
    }, {
      unread: [...one.unread ?? []],
      withoutShard: [...one.withoutShard ?? []],
      rangeDiffers: [...one.rangeDiffers ?? []],
      ofOtherStream: [...one.ofOtherStream ?? []],
      toMark: [...one.toMark ?? []],
    });
  });
}

Deno.test("countAudit() confirms what three audits in a row have found, and forgets what one has not", () => {
  let counts: AuditCounts = new Map();
  const confirmed = [["a"], ["a", "b"], ["a", "b", "b"], ["b"], ["a", "b"]].map((found) => {
    counts = countAudit(counts, found);
    return ["a", "b"].filter((name) => isConfirmed(counts, name));
  });
  assertEquals(AUDIT_CONFIDENCE, 3);
  assertEquals(confirmed, [[], [], ["a"], ["b"], ["b"]]);
});

Deno.test("originOf() knows a stream's namesake of before, and nothing where a mark or a time is missing", () => {
  const origin = { streamName: "words", creationEpochS: 5 };
  const marks = ["words:5", "words:4", "orders:5", "words", undefined];
  assertEquals(marks.map((streamOrigin) => originOf({ streamOrigin }, origin)), [
    "same",
    "earlier",
    "otherName",
    "unknown",
    "unknown",
  ]);
  assertEquals(originOf({ streamOrigin: "orders:5" }, undefined), "unknown");
});
