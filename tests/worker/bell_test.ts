import { assertEquals } from "@std/assert";
import { Bell } from "../../src/worker/bell.ts";
import { FakeClock } from "../support/fake_clock.ts";

const never = new AbortController().signal;

Deno.test("Bell.wait() ends with its time, with the bell for all who wait, or with the signal", async () => {
  const clock = new FakeClock();
  const bell = new Bell();
  const timed = bell.wait(clock, 1000, never);
  await clock.advance(1000);
  assertEquals(await timed, true);

  const both = Promise.all([bell.wait(clock, 1000, never), bell.wait(clock, 1000, never)]);
  bell.ring();
  assertEquals(await both, [true, true]);

  const stop = new AbortController();
  const stopped = bell.wait(clock, 1000, stop.signal);
  stop.abort();
  assertEquals(await stopped, false);
  assertEquals(clock.pendingMs, []);
});

Deno.test("Bell.ring() while nobody waits is heard once", async () => {
  const clock = new FakeClock();
  const bell = new Bell();
  bell.ring();
  assertEquals(await bell.wait(clock, 1000, never), true);
  const second = bell.wait(clock, 1000, never);
  await clock.advance(999);
  assertEquals(clock.pendingMs, [1]);
  await clock.advance(1);
  assertEquals(await second, true);
});
