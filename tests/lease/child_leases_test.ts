import { assertEquals } from "@std/assert";
import { childLeases } from "../../src/lease/child_leases.ts";
import cases from "../cases/child_leases.json" with { type: "json" };
import { rangeOf } from "./fixtures.ts";

/** A case as its table writes it: the parents of each child. */
interface Case {
  readonly comment: string;
  readonly children: Readonly<Record<string, readonly string[]>>;
  readonly leased: readonly string[];
  readonly chance?: number;
  readonly create?: readonly string[];
  readonly wait?: string;
  readonly giveUp?: string;
  /** What the child of a merge lacks. */
  readonly missing?: string;
}

for (const { comment, children, leased, chance, create, wait, giveUp, missing } of cases as readonly Case[]) {
  Deno.test(`childLeases(): ${comment}`, () => {
    const hashKeyRange = rangeOf(0, 1, 2);
    const plan = childLeases({
      childShards: Object.entries(children).map(([shardId, parentShards]) => ({
        shardId,
        parentShards,
        hashKeyRange,
      })),
      leased: new Set(leased),
      streamIdentifier: "1:s:2",
      chance: chance ?? 0.5,
    });
    if (plan.type !== "create") {
      assertEquals(plan.problem, plan.type === "wait" ? wait : giveUp);
      return assertEquals(plan.missing, missing);
    }
    assertEquals(
      plan.leases,
      (create ?? ["none expected"]).map((shardId) => ({
        leaseKey: `1:s:2:${shardId}`,
        shardId,
        streamIdentifier: "1:s:2",
        checkpoint: { sequenceNumber: "TRIM_HORIZON", subSequenceNumber: 0 },
        parentShardIds: children[shardId] ?? [],
        hashKeyRange,
      })),
    );
  });
}
