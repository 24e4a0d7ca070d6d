import { assertEquals } from "@std/assert";
import { liveWorkers } from "../../src/lease/live_workers.ts";
import { reportAge } from "../../src/lease/reports.ts";
import { successors } from "../../src/lease/succession.ts";
import cases from "../cases/succession.json" with { type: "json" };
import { leaseOf, metricsOf } from "./fixtures.ts";

interface Case {
  readonly comment: string;
  /** Owner by lease key. */
  readonly leases: Readonly<Record<string, string>>;
  /** Keys of leases whose shard is done. */
  readonly done?: readonly string[];
  /** How long ago each worker reported, in s. */
  readonly reported: Readonly<Record<string, number>>;
  /** Workers that an operator drains. */
  readonly drains?: readonly string[];
  readonly chosen: Readonly<Record<string, string>>;
}

for (const { comment, leases, done = [], reported, drains, chosen } of cases as readonly Case[]) {
  Deno.test(`successors(): ${comment}`, () => {
    const nowEpochS = 1000;
    const found = successors({
      workerId: "me",
      leases: Object.entries(leases).map(([key, owner]) =>
        leaseOf({ key, owner, checkpoint: done.includes(key) ? "SHARD_END" : "1" })
      ),
      workers: liveWorkers(
        Object.entries(reported).map(([id, ageS]) => metricsOf(id, nowEpochS - ageS)),
        reportAge(new Map(), { epochS: nowEpochS, ms: 0 }),
      ),
      marked: new Set(drains),
    });
    assertEquals(Object.fromEntries(found), chosen);
  });
}
