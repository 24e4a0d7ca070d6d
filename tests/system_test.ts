import { assertEquals, assertRejects } from "@std/assert";
import { realClock } from "../src/system.ts";

const LONGEST_MS = 2 ** 31 - 1;

/** Runs `body` with timers that end as soon as they are set. @returns the delays that were asked for. */
async function timersOf(body: () => Promise<void>): Promise<number[]> {
  const { setTimeout } = globalThis;
  const delays: number[] = [];
  globalThis.setTimeout = ((callback: () => void, ms = 0) => {
    delays.push(ms);
    return setTimeout(callback, 0);
  }) as typeof setTimeout;
  try {
    await body();
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  return delays;
}

Deno.test("realClock.sleep() sleeps in slices that a timer can take", async () => {
  for (const ms of [0, 1, LONGEST_MS, LONGEST_MS + 1, 2 ** 33, 0.5]) {
    const delays = await timersOf(() => realClock.sleep(ms));
    assertEquals(delays.filter((delay) => delay > LONGEST_MS), []);
    assertEquals(delays.reduce((sum, delay) => sum + delay, 0), ms);
  }
});

Deno.test("realClock.sleep() of less than nothing, or of no number, yields once", async () => {
  for (const ms of [-1, -Infinity, NaN]) assertEquals(await timersOf(() => realClock.sleep(ms)), [0]);
});

Deno.test("realClock.sleep() that is longer than a timer, or has no end, ends with its signal", async () => {
  const reason = new Error("enough");
  for (const ms of [2 ** 31, Infinity]) {
    const stop = new AbortController();
    const sleeping = realClock.sleep(ms, stop.signal);
    stop.abort(reason);
    await assertRejects(() => sleeping, Error, "enough");
    await assertRejects(() => realClock.sleep(ms, stop.signal), Error, "enough");
  }
});
