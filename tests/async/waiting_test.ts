import { assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import {
  aborted,
  isTimeLimit,
  linkedController,
  pause,
  settlesWithin,
  unlessAborted,
  withinTime,
} from "../../src/async/waiting.ts";
import { FakeClock } from "../support/fake_clock.ts";

const hanging = () => new Promise<never>(() => {});

Deno.test("withinTime() gives what the work gives, and leaves no sleep behind", async () => {
  const clock = new FakeClock();
  assertEquals(await withinTime({ clock, ms: 1000, signal: undefined }, () => Promise.resolve(7)), 7);
  assertEquals(clock.pendingMs, []);
  const failing = withinTime({ clock, ms: 1000, signal: undefined }, () => Promise.reject(new Error("no")));
  await assertRejects(() => failing, Error, "no");
  assertEquals(clock.pendingMs, []);
});

Deno.test("withinTime() ends with a TimeoutError when the time is over, though the work ignores its signal", async () => {
  const clock = new FakeClock();
  const work = withinTime({ clock, ms: 1000, signal: undefined }, hanging).catch((error) => error);
  await clock.advance(1000);
  const error = await work;
  assertEquals([isTimeLimit(error), error.message], [true, "no answer within 1000 ms"]);
});

Deno.test("withinTime() throws the reason of an abort, and not what the work makes of it", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const reason = new Error("stop");
  const work = withinTime(
    { clock, ms: 1000, signal: stop.signal },
    (signal) =>
      new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(new TypeError("fetch failed")))
      ),
  )
    .catch((error) => error);
  stop.abort(reason);
  assertStrictEquals(await work, reason);
  const timed = withinTime(
    { clock, ms: 1000, signal: undefined },
    (signal) =>
      new Promise((_, reject) =>
        signal.addEventListener("abort", () => reject(new TypeError("fetch failed")))
      ),
  )
    .catch((error) => error);
  await clock.advance(1000);
  assertEquals(isTimeLimit(await timed), true);
});

Deno.test("withinTime() does not begin under a signal that has aborted", async () => {
  const reason = new Error("stop");
  let begun = 0;
  const work = () => {
    begun++;
    return Promise.resolve();
  };
  const limit = { clock: new FakeClock(), ms: 1000, signal: AbortSignal.abort(reason) };
  await assertRejects(() => withinTime(limit, work), Error, "stop");
  assertEquals(begun, 0);
});

Deno.test("unlessAborted() throws the reason of a signal that aborts, or has aborted, before the promise is settled", async () => {
  const reason = new Error("stop");
  assertStrictEquals(
    await unlessAborted(hanging(), AbortSignal.abort(reason)).catch((error) => error),
    reason,
  );
  const stop = new AbortController();
  const waiting = unlessAborted(hanging(), stop.signal).catch((error) => error);
  stop.abort(reason);
  assertStrictEquals(await waiting, reason);
  assertEquals(await unlessAborted(Promise.resolve(7), undefined), 7);
});

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

Deno.test("pause() says whether the time passed, and throws what is no abort of its signal", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const whole = pause(clock, 1000, stop.signal);
  await clock.advance(1000);
  assertEquals(await whole, true);
  const short = pause(clock, 1000, stop.signal);
  stop.abort();
  assertEquals(await short, false);
  const broken = Object.assign(new FakeClock(), { sleep: () => Promise.reject(new Error("no clock")) });
  await assertRejects(() => pause(broken, 1000, new AbortController().signal), Error, "no clock");
});

Deno.test("aborted() waits for the first of its signals, or for none that has aborted", async () => {
  const first = new AbortController(), second = new AbortController();
  const seen: string[] = [];
  const waiting = aborted(first.signal, second.signal).then(() => seen.push("aborted"));
  await Promise.resolve();
  assertEquals(seen, []);
  second.abort();
  await waiting;
  await aborted(first.signal, second.signal);
});

Deno.test("linkedController() aborts for its signal's reason, before or after, until it is unlinked", () => {
  const reason = new Error("stop");
  assertStrictEquals(linkedController(AbortSignal.abort(reason)).controller.signal.reason, reason);
  const stop = new AbortController();
  const linked = linkedController(stop.signal), unlinked = linkedController(stop.signal);
  unlinked.unlink();
  stop.abort(reason);
  assertStrictEquals(linked.controller.signal.reason, reason);
  assertEquals(unlinked.controller.signal.aborted, false);
  assertEquals(linkedController(undefined).controller.signal.aborted, false);
});
