import { assertEquals } from "@std/assert";
import { type Beginning, observeBeginnings, unbegunLeases } from "../../src/lease/beginnings.ts";
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
