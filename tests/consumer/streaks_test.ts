import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import { MOST_LEASES, ShardStreaks, StreaksByLease } from "../../src/consumer/streaks.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("ShardStreaks.count() goes on until something is reached or stored that was not before", () => {
  const streaks = new ShardStreaks(positionAt("10"));
  const failTwice = () => [streaks.count("restart"), streaks.count("restart")];
  assertEquals(failTwice(), [1, 2]);
  streaks.reached(positionAt("20"));
  assertEquals(failTwice(), [1, 2], "reached");
  streaks.reached(positionAt("20"));
  streaks.reached(positionAt("15"));
  streaks.stored(positionAt("10"));
  assertEquals(failTwice(), [3, 4], "nothing new");
  streaks.stored(positionAt("11"));
  assertEquals(failTwice(), [1, 2], "stored, though it was further once");
  streaks.reached(positionAt("20", 1));
  assertEquals(failTwice(), [1, 2], "inside of an aggregate");
});

Deno.test("ShardStreaks counts each kind by itself", () => {
  const streaks = new ShardStreaks(positionAt("10"));
  assertEquals([streaks.count("restart"), streaks.count("initialize"), streaks.count("restart")], [1, 1, 2]);
  streaks.end("initialize");
  assertEquals([streaks.count("initialize"), streaks.count("restart")], [1, 3]);
});

Deno.test("ShardStreaks.rest() waits for what is left of the rest, and no longer than the shard is wanted", async () => {
  const clock = new FakeClock();
  const streaks = new ShardStreaks(positionAt("10"));
  streaks.restFor(clock, 1000);
  await clock.advance(400);
  const leave = new AbortController();
  const resting = streaks.rest(clock, leave.signal);
  assertEquals(clock.pendingMs, [600]);
  leave.abort();
  await resting;
  await clock.advance(600);
  await streaks.rest(clock, new AbortController().signal);
});

Deno.test("StreaksByLease.of() knows a lease that is gained again, unless it was set back or is done", () => {
  const streaks = new StreaksByLease();
  const lease = { leaseKey: "s", checkpoint: positionAt("10") };
  const first = streaks.of(lease);
  assertStrictEquals(streaks.of(lease), first);
  first.count("restart");
  assertStrictEquals(streaks.of({ ...lease, checkpoint: positionAt("11") }), first);
  assertEquals(first.count("restart"), 1, "another worker has stored more");
  const setBack = streaks.of({ ...lease, checkpoint: positionAt("TRIM_HORIZON") });
  assert(setBack !== first);
  streaks.forget("s");
  assert(streaks.of({ ...lease, checkpoint: positionAt("TRIM_HORIZON") }) !== setBack);
});

Deno.test("StreaksByLease forgets the leases of a stream that has left, and those gained longest ago", () => {
  const streaks = new StreaksByLease();
  const of = (leaseKey: string) => streaks.of({ leaseKey, checkpoint: positionAt("1") });
  const [a, b] = [of("1:a:1:s"), of("1:b:1:s")];
  streaks.keep((leaseKey) => leaseKey.startsWith("1:a:"));
  assertStrictEquals(of("1:a:1:s"), a);
  assert(of("1:b:1:s") !== b);
  for (let i = 0; i < MOST_LEASES - 1; i++) of(`${i}`);
  const isKept = of("0").count("batch");
  of("one more");
  assertEquals(isKept, 1);
  assert(of("1:a:1:s") !== a);
});
