import { assertEquals } from "@std/assert";
import { type Beginning, givenLeases, observeBeginnings, unbegunLeases } from "../../src/lease/beginnings.ts";
import { leaseOf, type ShortLease } from "./fixtures.ts";

/** Which of the leases are unbegun after these listings. */
function unbegunAfter(...listings: readonly (readonly ShortLease[])[]): string[] {
  let beginnings: ReadonlyMap<string, Beginning> = new Map();
  for (const leases of listings) beginnings = observeBeginnings(beginnings, leases.map(leaseOf));
  return [...unbegunLeases(beginnings)];
}

Deno.test("observeBeginnings() takes a lease for begun once its counter has moved under one owner", () => {
  const lease = { key: "a", owner: "A" };
  assertEquals(unbegunAfter([{ ...lease, counter: 5 }]), ["a"]);
  assertEquals(unbegunAfter([{ ...lease, counter: 5 }], [{ ...lease, counter: 5 }]), ["a"]);
  const moved = [[{ ...lease, counter: 5 }], [{ ...lease, counter: 6 }]];
  assertEquals(unbegunAfter(...moved), []);
  assertEquals(unbegunAfter(...moved, [{ ...lease, counter: 6 }]), [], "it stays so while it rests");
});

Deno.test("observeBeginnings() starts anew with another owner, and knows only what was listed last", () => {
  const moved = [[{ key: "a", owner: "A", counter: 5 }], [{ key: "a", owner: "A", counter: 6 }]];
  assertEquals(unbegunAfter(...moved, [{ key: "a", owner: "B", counter: 8 }]), ["a"]);
  assertEquals(unbegunAfter(...moved, [{ key: "a", owner: "B", checkpointOwner: "A", counter: 6 }]), []);
  assertEquals(unbegunAfter(...moved, [], [{ key: "a", owner: "A", counter: 7 }]), ["a"]);
  assertEquals(unbegunAfter([{ key: "a" }], [{ key: "a", owner: "A", counter: 1 }]), ["a"]);
});

Deno.test("givenLeases() are those that an owner got under the leader's eyes, and has not begun", () => {
  const given = (...listings: readonly (readonly ShortLease[])[]) => {
    let beginnings: ReadonlyMap<string, Beginning> = new Map();
    for (const leases of listings) beginnings = observeBeginnings(beginnings, leases.map(leaseOf));
    return [...givenLeases(beginnings)];
  };
  const toB = [[{ key: "a", owner: "A", counter: 5 }], [{ key: "a", owner: "B", counter: 6 }]];
  assertEquals(given([{ key: "a", owner: "A", counter: 5 }]), [], "nobody knows when it was given");
  assertEquals(given(...toB), ["a"]);
  assertEquals(given(...toB, [{ key: "a", owner: "B", counter: 6 }]), ["a"], "it stays so");
  assertEquals(given(...toB, [{ key: "a", owner: "B", counter: 7 }]), [], "it is begun");
  assertEquals(given([{ key: "a", counter: 0 }], [{ key: "a", owner: "A", counter: 1 }]), ["a"]);
});
