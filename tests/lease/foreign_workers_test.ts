import { assertEquals } from "@std/assert";
import { foreignWorkers } from "../../src/lease/foreign_workers.ts";
import { leaseOf, metricsOf } from "./fixtures.ts";

const ours = { ...metricsOf("ours", 100), incarnation: { workerId: "ours", generation: 1, nonce: "a" } };
const java = metricsOf("java", 100);
/** A fresh report, and one that has long been old. */
const young = () => 10, old = () => 61;

const CASES: readonly {
  readonly what: string;
  readonly look: Partial<Parameters<typeof foreignWorkers>[0]>;
  readonly expected: readonly string[];
}[] = [
  { what: "finds no worker in an empty fleet", look: {}, expected: [] },
  { what: "passes over processes of kclite", look: { reports: [ours] }, expected: [] },
  {
    what: "finds a worker whose report names no process",
    look: { reports: [ours, java] },
    expected: ["java"],
  },
  { what: "passes over a worker that has stopped", look: { reports: [java], ageOf: old }, expected: [] },
  {
    what: "finds an owner without a report by a counter that moves without a mark",
    look: { leases: [leaseOf({ key: "s", owner: "mute", counter: 8 })], countersBefore: new Map([["s", 7]]) },
    expected: ["mute"],
  },
  {
    what: "passes over a counter that stands still",
    look: { leases: [leaseOf({ key: "s", owner: "mute", counter: 7 })], countersBefore: new Map([["s", 7]]) },
    expected: [],
  },
  {
    what: "passes over a lease that it sees for the first time",
    look: { leases: [leaseOf({ key: "s", owner: "mute", counter: 8 })] },
    expected: [],
  },
  {
    what: "passes over a counter that moves with a mark",
    look: {
      leases: [leaseOf({ key: "s", owner: "mute", counter: 8, mark: "mute/1/a/8" })],
      countersBefore: new Map([["s", 7]]),
    },
    expected: [],
  },
  {
    what: "passes over a command that moved a lease of ours",
    look: {
      reports: [ours],
      leases: [leaseOf({ key: "s", owner: "ours", counter: 8 })],
      countersBefore: new Map([["s", 7]]),
    },
    expected: [],
  },
];

for (const { what, look, expected } of CASES) {
  Deno.test(`foreignWorkers() ${what}`, () => {
    const whole = { leases: [], reports: [], ageOf: young, countersBefore: new Map(), ...look };
    assertEquals(foreignWorkers(whole), expected);
  });
}
