import { assert, assertEquals } from "@std/assert";
import fc from "../support/fast_check.ts";
import type { Item } from "../../src/aws/dynamodb.ts";
import {
  incarnationOf,
  lockItem,
  lockOf,
  migrationItem,
  migrationOf,
  sameIncarnation,
  workerMetricsAttributes,
  workerMetricsOf,
} from "../../src/store/coordinator_items.ts";
import { holds } from "../../src/store/item_write.ts";
import { leaseOf, newLeaseItem } from "../../src/store/lease_item.ts";
import { keysOwnedBy, listingOf } from "../../src/store/table_listing.ts";
import { seeded } from "../support/seed.ts";
import { newLease } from "../lease/fixtures.ts";

/** Whole items of each kind, to be spoilt. */
const WHOLE: readonly Item[] = [
  {
    ...newLeaseItem(newLease()),
    leaseOwner: { S: "w" },
    checkpointOwner: { S: "w" },
    childShardIds: { SS: ["a"] },
    pendingCheckpoint: { S: "1" },
    pendingCheckpointState: { B: "AA==" },
    throughputKBps: { N: "1" },
    kcliteIncarnation: { S: "x" },
    kcliteProgress: { S: "1/2" },
    kcliteLatestEpochMs: { N: "1" },
  },
  {
    leaseKey: { S: "w" },
    ...workerMetricsAttributes({
      workerId: "w",
      lastUpdateEpochS: 1,
      stats: { C: [1, 2] },
      operatingRange: { C: [80] },
      supportCode: 1,
      supportEpochS: 1,
    }),
  },
  lockItem("leaseKey", {
    ownerName: "w",
    leaseDurationMs: 1,
    recordVersionNumber: "v",
    isReleased: true,
  }),
  migrationItem("leaseKey", {
    key: "Migration3.0",
    value: "CLIENT_VERSION_3X",
    modifiedBy: "w",
    modifiedEpochMs: 1,
    history: [{ value: "a", modifiedBy: "b", modifiedEpochMs: 1 }],
  }),
];

const TYPES = ["S", "N", "B", "BOOL", "NULL", "SS", "NS", "BS", "L", "M", "Q"];

/** What DynamoDB never sends. */
const JUNK = fc.oneof(
  fc.anything({ withNullPrototype: true }),
  fc.tuple(fc.constantFrom(...TYPES), fc.anything()).map(([type, held]) => ({ [type]: held })),
  fc.tuple(fc.constantFrom("L", "SS"), fc.array(fc.anything())).map(([type, held]) => ({ [type]: held })),
  fc.dictionary(fc.string(), fc.oneof(fc.anything(), fc.array(fc.anything()).map((L) => ({ L }))))
    .map((M) => ({ M })),
);

/** A whole item of which some attributes are junk, or junk in its place. */
const SPOILT = fc.oneof(
  fc.anything().map((item) => item as Item),
  fc.tuple(fc.constantFrom(...WHOLE), fc.array(fc.tuple(fc.nat(), JUNK), { minLength: 1, maxLength: 4 }))
    .map(([item, spoils]) => {
      const names = Object.keys(item);
      const changes = spoils.map(([at, junk]) => [names[at % names.length], junk]);
      return { ...item, ...Object.fromEntries(changes) } as Item;
    }),
);

Deno.test("no reader of items throws, whatever stands in the place of an attribute or of the item", () => {
  const read = { read: 0, unreadable: 0 };
  fc.assert(
    fc.property(SPOILT, (item) => {
      read[leaseOf(item).type]++;
      lockOf(item);
      workerMetricsOf("leaseKey", item);
      migrationOf("Migration3.0", item);
      migrationOf("TableMigration3.5", item);
      incarnationOf(item);
      holds(sameIncarnation(item), item);
      keysOwnedBy("w", [item]);
      const { leases, workers, unreadable } = listingOf([item]);
      assert(leases.length + workers.length + unreadable.length <= 1);
    }),
    { ...seeded(), numRuns: 2000 },
  );
  assert(read.read > 0 && read.unreadable > 0, JSON.stringify(read));
});

Deno.test("leaseOf() says which attribute is none of DynamoDB's", () => {
  const problemOf = (attributes: Readonly<Record<string, unknown>>) => {
    const readout = leaseOf({ ...newLeaseItem(newLease()), ...attributes } as Item);
    return readout.type === "unreadable" ? readout.problem : "read";
  };
  assertEquals(problemOf({}), "read");
  assertEquals(problemOf({ leaseCounter: { N: 5 } }), "leaseCounter has type N of another kind, expected N");
  assertEquals(problemOf({ leaseOwner: null }), "leaseOwner has type null, expected S");
  assertEquals(problemOf({ leaseOwner: "w" }), "leaseOwner has type string, expected S");
  assertEquals(
    problemOf({ childShardIds: { SS: "a" } }),
    "childShardIds has type SS of another kind, expected SS",
  );
  assertEquals(problemOf({ leaseKey: undefined }), "leaseKey is missing");
  assertEquals(leaseOf(null as unknown as Item), { type: "unreadable", problem: "leaseKey is missing" });
});

Deno.test("workerMetricsOf() takes any name of a metric for a name", () => {
  const sts = JSON.parse('{"M":{"__proto__":{"L":[{"N":"1"}]}}}');
  const readout = workerMetricsOf("leaseKey", { leaseKey: { S: "w" }, sts });
  assert(readout.type === "read");
  assertEquals(Object.entries(readout.value.stats), [["__proto__", [1]]]);
});
