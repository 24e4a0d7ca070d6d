import { assertEquals } from "@std/assert";
import type { Item } from "../../../src/aws/dynamodb.ts";
import { compareSteps, firstLeasesOfMany, ownAttributes, stepOf, type TakenStep } from "./item_steps.ts";

const lease: Item = {
  leaseKey: { S: "a" },
  entityType: { S: "LEASE" },
  leaseCounter: { N: "4" },
  leaseOwner: { S: "A" },
  checkpoint: { S: "17" },
  ownerSwitchesSinceCheckpoint: { N: "1" },
};
const changed = (change: Item): Item => ({ ...lease, ...change });
const without = (item: Item, name: string): Item => {
  const { [name]: _, ...rest } = item;
  return rest;
};
const pending = changed({ leaseOwner: { S: "B" }, checkpointOwner: { S: "A" } });

const steps:
  readonly (readonly [before: Item | undefined, after: Item | undefined, name: string, effect: string])[] = [
    [
      undefined,
      { leaseKey: { S: "a" }, leaseCounter: { N: "0" } },
      "create LEASE",
      "leaseCounter:N leaseKey:S",
    ],
    [
      undefined,
      { leaseKey: { S: "a" }, parentShardId: { SS: ["p"] } },
      "create LEASE of a child",
      "leaseKey:S parentShardId:SS",
    ],
    [
      undefined,
      { leaseKey: { S: "1:s:2:a" }, streamName: { S: "1:s:2" }, shardId: { S: "a" } },
      "create LEASE, many streams",
      "leaseKey:S shardId:S streamName:S",
    ],
    [
      undefined,
      { leaseKey: { S: "1:s:2:a" }, parentShardId: { SS: ["p"] } },
      "create LEASE of a child, many streams",
      "leaseKey:S parentShardId:SS",
    ],
    [lease, undefined, "delete LEASE", "item removed"],
    [
      lease,
      changed({ leaseCounter: { N: "5" }, throughputKBps: { N: "0.5" } }),
      "LEASE: renew",
      "leaseCounter +1",
    ],
    [
      lease,
      changed({
        leaseCounter: { N: "5" },
        checkpoint: { S: "18" },
        ownerSwitchesSinceCheckpoint: { N: "0" },
      }),
      "LEASE: checkpoint",
      "checkpoint set (S); leaseCounter +1",
    ],
    [
      lease,
      changed({ leaseCounter: { N: "5" }, checkpoint: { S: "SHARD_END" } }),
      "LEASE: end shard",
      "checkpoint set (S); leaseCounter +1",
    ],
    [lease, pending, "LEASE: start handoff", "checkpointOwner set (S); leaseOwner set (S)"],
    [
      pending,
      { ...pending, leaseCounter: { N: "5" } },
      "LEASE: renew during handoff",
      "leaseCounter +1",
    ],
    [
      pending,
      { ...without(pending, "checkpointOwner"), leaseCounter: { N: "5" } },
      "LEASE: finish handoff",
      "checkpointOwner removed; leaseCounter +1",
    ],
    [
      lease,
      changed({ leaseOwner: { S: "C" }, leaseCounter: { N: "5" }, ownerSwitchesSinceCheckpoint: { N: "2" } }),
      "LEASE: assign, from another owner",
      "leaseCounter +1; leaseOwner set (S); ownerSwitchesSinceCheckpoint +1",
    ],
    [
      lease,
      { ...without(lease, "leaseOwner"), leaseCounter: { N: "5" } },
      "LEASE: release",
      "leaseCounter +1; leaseOwner removed",
    ],
    [
      lease,
      changed({ leaseCounter: { S: "5" } }),
      "LEASE: renew",
      "leaseCounter turned from N to S",
    ],
    [
      { leaseKey: { S: "Leader" }, entityType: { S: "LEADER" }, ownerName: { S: "A" } },
      { leaseKey: { S: "Leader" }, entityType: { S: "LEADER" }, ownerName: { S: "B" } },
      "take LEADER",
      "ownerName set (S)",
    ],
    [
      undefined,
      {
        entityType: { S: "CLIENT_VERSION_MIGRATION" },
        h: { L: [{ M: { cv: { S: "x" }, mts: { N: "1" } } }] },
      },
      "create CLIENT_VERSION_MIGRATION",
      "entityType:S h:L[M{cv:S,mts:N}]",
    ],
  ];

for (const [before, after, name, effect] of steps) {
  Deno.test(`stepOf() calls it "${name}": ${effect}`, () => {
    assertEquals(stepOf(before, after), { name, effect });
  });
}

Deno.test("stepOf() sees no step where nothing changed, or only what kclite notes for itself", () => {
  assertEquals(stepOf(lease, { ...lease }), undefined);
  assertEquals(stepOf(lease, changed({ kcliteNote: { N: "1" } })), undefined);
  assertEquals(ownAttributes([{ after: changed({ kcliteNote: { N: "1" } }) }]), ["kcliteNote:N"]);
});

Deno.test("compareSteps() objects to an effect that Java's writes never have, and to no other", () => {
  const step = (by: TakenStep["by"], name: string, effect: string) => ({ by, name, effect });
  const verdicts = compareSteps([
    ...[step("java", "a", "x"), step("java", "a", "y"), step("kclite", "a", "x")],
    ...[step("java", "b", "x"), step("kclite", "b", "x"), step("kclite", "b", "z")],
    ...[step("java", "c", "x"), step("kclite", "d", "x")],
  ]).map(({ name, verdict }) => [name, verdict]);
  assertEquals(verdicts, [["a", "same"], ["b", "different"], ["c", "java only"], ["d", "kclite only"]]);
});

Deno.test("firstLeasesOfMany() tells values, but for what must differ", () => {
  const made = (by: TakenStep["by"], stream: string, checkpoint: string) => {
    const after = {
      checkpoint: { S: checkpoint },
      streamName: { S: stream },
      leaseKey: { S: `${stream}:a` },
    };
    return { by, name: "create LEASE, many streams", effect: "", after };
  };
  const writes = [
    ...[made("java", "1:s:2", "LATEST"), made("java", "1:t:3", "LATEST")],
    ...[made("kclite", "1:u:4", "LATEST"), { ...made("kclite", "1:u:4", "x"), name: "LEASE: renew" }],
  ];
  const text = 'checkpoint={"S":"LATEST"} leaseKey={"S":"1:name:epoch:a"} streamName={"S":"1:name:epoch"}';
  assertEquals(firstLeasesOfMany(writes, "java"), [text]);
  assertEquals(firstLeasesOfMany(writes, "kclite"), [text]);
  assertEquals(firstLeasesOfMany([made("kclite", "5:u:4", "LATEST")], "kclite"), [
    text.replaceAll("1:name", "5:name"),
  ]);
});

Deno.test("stepOf() tells writes to the item of a worker in slices apart, while a slice has locked it", () => {
  const item = { leaseKey: { S: "w" }, entityType: { S: "WORKER_METRIC_STATS" }, lut: { N: "1" } };
  const locked = { ...item, kcliteSlice: { S: "1/a" } };
  const later = { lut: { N: "2" } };
  const names = [
    stepOf(undefined, locked),
    stepOf(item, { ...locked, ...later }),
    stepOf(locked, { ...locked, ...later }),
    stepOf(locked, { ...item, ...later }),
    stepOf(item, { ...item, ...later }),
  ].map((step) => step?.name);
  const update = "update WORKER_METRIC_STATS";
  assertEquals(names, [
    "create WORKER_METRIC_STATS, in a slice",
    ...Array.from({ length: 3 }, () => `${update}, in a slice`),
    update,
  ]);
});
