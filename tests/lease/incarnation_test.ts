import { assert, assertEquals } from "@std/assert";
import fc from "../support/fast_check.ts";
import {
  above,
  type Incarnation,
  incarnationIn,
  incarnationText,
  isNewerIncarnation,
  isOwnWrite,
  isSameIncarnation,
  lastWriter,
  markIn,
  markText,
} from "../../src/lease/incarnation.ts";
import {
  assign,
  checkpoint,
  evict,
  type LeaseWrite,
  marked,
  prepareCheckpoint,
  renew,
  setChildShardIds,
  setHashKeyRange,
  startHandoff,
  wasApplied,
} from "../../src/lease/lease_write.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import { seeded } from "../support/seed.ts";
import { leaseOf } from "./fixtures.ts";

const OWN: Incarnation = { workerId: "A", generation: 7, nonce: "aa" };
const LEASE = { ...leaseOf({ key: "s", owner: "A", counter: 5 }), leaseOwner: "A" };

const incarnations: fc.Arbitrary<Incarnation> = fc.record({
  workerId: fc.oneof(fc.constantFrom("A", "B", "A/7/aa", "a/b"), fc.string({ minLength: 1 })),
  generation: fc.oneof(fc.nat(3), fc.nat()),
  nonce: fc.constantFrom("0", "aa", "ab", "0123abcd"),
}, { noNullPrototype: true });

Deno.test("markIn() and incarnationIn() read what was written, whatever the worker's name", () => {
  fc.assert(
    fc.property(incarnations, fc.nat(), (incarnation, leaseCounter) => {
      assertEquals(markIn(markText(incarnation, leaseCounter)), { ...incarnation, leaseCounter });
      assertEquals(incarnationIn(incarnationText(incarnation)), incarnation);
    }),
    seeded(),
  );
});

Deno.test("markIn() and incarnationIn() make nothing of what others wrote", () => {
  for (
    const text of ["", "A", "A/7", "/7/aa/5", "A/7/xyz/5", "A/-1/aa/5", "A/7/aa/", "A/99999999999999999/aa/5"]
  ) {
    assertEquals(markIn(text), undefined, text);
  }
  for (const text of ["", "A/7", "/7/aa", "A/7/", "A/1e3/aa", "A/9999999999999999/aa"]) {
    assertEquals(incarnationIn(text), undefined, text);
  }
});

Deno.test("marked() marks each write that moves the counter with the counter that it writes, and no other", () => {
  const range = { startingHashKey: "0", endingHashKey: "9" };
  const marks = (write: LeaseWrite) => marked(write, OWN).set.kcliteIncarnation;
  for (
    const write of [
      renew(LEASE, 3),
      assign(LEASE, "B"),
      evict(LEASE),
      checkpoint(LEASE, positionAt("9")),
      prepareCheckpoint(LEASE, positionAt("9")),
    ]
  ) assertEquals(marks(write), "A/7/aa/6", write.operation);
  for (
    const write of [startHandoff(LEASE, "B"), setChildShardIds(LEASE, ["c"]), setHashKeyRange(LEASE, range)]
  ) {
    assertEquals(marked(write, OWN), write, write.operation);
  }
});

Deno.test("lastWriter() believes a mark only while its counter is the lease's", () => {
  const lease = leaseOf({ key: "s", counter: 5, mark: "A/7/aa/5" });
  assertEquals(lastWriter(lease), { ...OWN, leaseCounter: 5 });
  assertEquals(lastWriter({ ...lease, leaseCounter: 6 }), undefined);
  assertEquals(lastWriter(leaseOf({ key: "s", counter: 5 })), undefined);
});

Deno.test("isOwnWrite() wants worker, generation, nonce and counter to be ours", () => {
  const is = (mark: string) => isOwnWrite(leaseOf({ key: "s", counter: 5, mark }), OWN);
  assertEquals(is("A/7/aa/5"), true);
  for (const mark of ["B/7/aa/5", "A/8/aa/5", "A/7/ab/5", "A/7/aa/4"]) assertEquals(is(mark), false, mark);
});

Deno.test("isNewerIncarnation() orders the processes of one name, and no others", () => {
  fc.assert(
    fc.property(incarnations, incarnations, (one, other) => {
      const newer = [isNewerIncarnation(one, other), isNewerIncarnation(other, one)].filter(Boolean).length;
      const areRivals = one.workerId === other.workerId && !isSameIncarnation(one, other);
      assertEquals(newer, areRivals ? 1 : 0);
    }),
    seeded(),
  );
  assert(isNewerIncarnation({ ...OWN, generation: 8, nonce: "00" }, OWN));
  assert(isNewerIncarnation({ ...OWN, nonce: "ab" }, OWN));
});

Deno.test("above() is newer than what was found of the name, and stays as it is beside others", () => {
  fc.assert(
    fc.property(incarnations, incarnations, (found, own) => {
      const next = above(found, own);
      if (found.workerId !== own.workerId || isSameIncarnation(found, own)) assertEquals(next, own);
      else {
        assert(isNewerIncarnation(next, found));
        assert(next.generation >= own.generation);
        assertEquals([next.workerId, next.nonce], [own.workerId, own.nonce]);
      }
    }),
    seeded(),
  );
});

Deno.test("wasApplied() takes a write of this very process for its own, and none of a namesake", () => {
  const at = positionAt("9");
  const done = (write: LeaseWrite, found: Partial<typeof LEASE>, mark = "A/7/aa/6") =>
    wasApplied(write, LEASE, { ...LEASE, leaseCounter: 6, mark: markIn(mark), ...found }, OWN);
  for (
    const [write, found] of [
      [renew(LEASE), {}],
      [checkpoint(LEASE, at), { checkpoint: at }],
      [checkpoint(LEASE, at, "ahead"), { checkpoint: at, finishedAhead: "ahead" }],
      [prepareCheckpoint(LEASE, at), { pendingCheckpoint: at }],
      [assign(LEASE, "B"), { leaseOwner: "B" }],
    ] as const
  ) {
    assertEquals(done(write, found), true, write.operation);
    for (const mark of ["A/8/aa/6", "A/7/ab/6", "A/7/aa/5", "B/7/aa/6", ""]) {
      assertEquals(done(write, found, mark), false, `${write.operation} ${mark}`);
    }
    assertEquals(done(write, { ...found, leaseCounter: 7, mark: markIn("A/7/aa/7") }, "A/7/aa/7"), false);
  }
  assertEquals(done(checkpoint(LEASE, at), {}), false, "it was a renewal that arrived");
  const earlier = { checkpoint: at, finishedAhead: "earlier" };
  assertEquals(
    done(checkpoint(LEASE, at, "later"), earlier),
    false,
    "it was an earlier one at the same place",
  );
  assertEquals(wasApplied(renew(LEASE), LEASE, undefined, OWN), false);
});
