import { assertEquals } from "@std/assert";
import { Bell } from "../../src/async/bell.ts";
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

Deno.test("Bell.ring() that somebody has heard is not heard again", async () => {
  const clock = new FakeClock();
  const bell = new Bell();
  const first = bell.wait(clock, 1000, never);
  bell.ring();
  await first;
  bell.wait(clock, 1000, never);
  await clock.advance(999);
  assertEquals(clock.pendingMs, [1]);
  await clock.advance(1);
});

Deno.test("Bell.ring() after a wait is over is for the next one", async () => {
  const clock = new FakeClock();
  const bell = new Bell();
  const over = bell.wait(clock, 1000, never);
  await clock.advance(1000);
  await over;
  bell.ring();
  assertEquals(await bell.wait(clock, 1000, never), true);
  assertEquals(clock.monotonicMs(), 1000);
});

Deno.test("Bell.wait() leaves no listener on a signal that lives as long as the worker", async () => {
  const clock = new FakeClock();
  const { signal } = new AbortController();
  let listeners = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...call: Parameters<AbortSignal["addEventListener"]>) => {
    listeners++;
    addEventListener.apply(signal, call);
  };
  signal.removeEventListener = (...call: Parameters<AbortSignal["removeEventListener"]>) => {
    listeners--;
    removeEventListener.apply(signal, call);
  };
  const bell = new Bell();
  const both = Promise.all([bell.wait(clock, 1000, signal), bell.wait(clock, 1000, signal)]);
  await clock.advance(1000);
  assertEquals([await both, listeners], [[true, true], 0]);
});
