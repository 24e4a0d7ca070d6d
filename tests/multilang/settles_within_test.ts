import { assert, assertEquals } from "@std/assert";
import { settlesWithin } from "../../src/multilang/settles_within.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("settlesWithin() tells whether a promise settles in time, and leaves no timer behind", async () => {
  const clock = new FakeClock();
  const slow = Promise.withResolvers<void>();
  const first = settlesWithin(slow.promise, 1000, clock);
  await clock.advance(1000);
  assertEquals(await first, false);
  const second = settlesWithin(slow.promise, 1000, clock);
  await clock.advance(999);
  slow.reject(new Error("settled all the same"));
  assertEquals(await second, true);
  assertEquals(clock.pendingMs, []);
});

Deno.test("settlesWithin() sets no timer that would overflow and fire at once", async () => {
  const clock = new FakeClock();
  const waiting = Promise.withResolvers<void>();
  const answer = settlesWithin(waiting.promise, 99_999_999_000, clock);
  assert((clock.pendingMs[0] ?? 0) <= 2 ** 31 - 1);
  waiting.resolve();
  assertEquals(await answer, true);
});
