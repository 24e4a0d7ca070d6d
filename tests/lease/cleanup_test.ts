import { assertEquals } from "@std/assert";
import { type CleanupStep, cleanupStep } from "../../src/lease/cleanup.ts";
import type { Lease } from "../../src/lease/lease.ts";
import cases from "../cases/cleanup.json" with { type: "json" };
import { leaseOf } from "./fixtures.ts";

/** A case as its table writes it: other leases by shard with their checkpoints. */
interface Case {
  readonly comment: string;
  readonly lease: {
    readonly checkpoint: string;
    readonly parents?: readonly string[];
    readonly children?: readonly string[];
  };
  readonly others: Readonly<Record<string, string>>;
  readonly told?: readonly string[] | string;
  readonly step: unknown;
}

for (const streamIdentifier of [undefined, "1:s:2"]) {
  const keyOf = (shardId: string) =>
    streamIdentifier === undefined ? shardId : `${streamIdentifier}:${shardId}`;
  const many = (lease: Lease): Lease => ({ ...lease, leaseKey: keyOf(lease.shardId), streamIdentifier });
  for (const { comment, lease: short, others, told, step } of cases as readonly Case[]) {
    Deno.test(`cleanupStep()${streamIdentifier ? " with many streams" : ""}: ${comment}`, () => {
      const lease = many(leaseOf({ key: "a", ...short }));
      const all = Object.entries(others).map(([key, checkpoint]) => many(leaseOf({ key, checkpoint })));
      const view = {
        leases: new Map([lease, ...all].map((lease) => [lease.leaseKey, lease])),
        told: told === "shardGone" ? told : Array.isArray(told) ? told : undefined,
      } as const;
      assertEquals(cleanupStep(lease, view), step as CleanupStep);
    });
  }
}
