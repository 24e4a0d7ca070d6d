import { assertEquals } from "@std/assert";
import type { WorkerEvent } from "../../src/events.ts";
import { loop } from "../../src/async/loop.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** Runs a loop whose passes fail, or have nothing to do, as told, letting each pause go by. @returns the pauses and the events. */
async function run(intervalMs: number, fails: readonly (boolean | "skipped")[]) {
  const clock = new FakeClock();
  const stop = new AbortController();
  const events: WorkerEvent[] = [];
  let passes = 0;
  const running = loop(
    { pass: "discovery", intervalMs, clock, emit: (event) => void events.push(event) },
    async () => {
      const fate = fails[passes++];
      if (fate === true) throw new Error("no luck");
      return fate === "skipped" ? "skipped" : undefined;
    },
    stop.signal,
  );
  const pausesMs: number[] = [];
  for (const _ of fails) {
    await clock.advance(0);
    const [pauseMs = NaN] = clock.pendingMs;
    pausesMs.push(pauseMs);
    await clock.advance(pauseMs);
  }
  stop.abort();
  await running;
  return {
    pausesMs,
    events: events.map(({ type }) => type).filter((type) => type !== "passEnded"),
    all: events,
  };
}

Deno.test("loop() tells once that a pass works again", async () => {
  const { events } = await run(1000, [false, true, true, false, false, true, false]);
  const failed = "passFailed", recovered = "passRecovered";
  assertEquals(events, [failed, failed, recovered, failed, recovered]);
});

Deno.test("loop() takes a pass that had nothing to do for no success: the streak of failures goes on", async () => {
  const { events, pausesMs } = await run(1000, [true, "skipped", true, "skipped", "skipped", false]);
  assertEquals(events, ["passFailed", "passFailed", "passRecovered"]);
  assertEquals(pausesMs, [1000, 1000, 2000, 1000, 1000, 1000]);
});

Deno.test("loop() waits longer with each failure, up to 3 s, and not after a success", async () => {
  const { pausesMs } = await run(1000, [true, true, true, true, true, false]);
  assertEquals(pausesMs, [1000, 2000, 3000, 3000, 3000, 1000]);
});

Deno.test("loop() tries a rare pass again after 3 s, and waits longer with each failure, up to its interval", async () => {
  const { pausesMs } = await run(30_000, [true, true, true, true, true, true, false]);
  assertEquals(pausesMs, [3000, 6000, 12_000, 24_000, 30_000, 30_000, 30_000]);
});

Deno.test("loop() does not take the end of a pass that was told to stop for a recovery", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const events: WorkerEvent[] = [];
  let passes = 0;
  const running = loop(
    { pass: "discovery", intervalMs: 1000, clock, emit: (event) => void events.push(event) },
    async () => {
      if (passes++ === 0) throw new Error("no luck");
      stop.abort();
    },
    stop.signal,
  );
  await clock.advance(1000);
  await running;
  assertEquals(events.map(({ type }) => type), ["passFailed", "passEnded"]);
});

Deno.test("loop() goes on at once after a pass that asks for it, and ends without a failure when it is stopped", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const events: WorkerEvent[] = [];
  const startedMs: number[] = [];
  const running = loop(
    { pass: "discovery", intervalMs: 1000, clock, emit: (event) => void events.push(event) },
    async (signal) => {
      startedMs.push(clock.monotonicMs());
      if (startedMs.length < 3) return 0;
      await clock.sleep(500, signal);
    },
    stop.signal,
  );
  for (let turn = 0; turn < 10; turn++) await clock.advance(0);
  assertEquals(startedMs, [0, 0, 0]);
  stop.abort(new Error("stop"));
  await running;
  assertEquals(events.map(({ type }) => type), ["passEnded", "passEnded"]);
});

Deno.test("loop() reports each pass that did not fail: its time, and whether it had nothing to do", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const events: WorkerEvent[] = [];
  let passes = 0;
  const running = loop(
    { pass: "assignment", intervalMs: 1000, clock, emit: (event) => void events.push(event) },
    async (signal) => {
      await clock.sleep(40, signal);
      if (++passes === 2) throw new Error("no luck");
      return passes === 3 ? "skipped" : undefined;
    },
    stop.signal,
  );
  for (let turn = 0; turn < 75; turn++) await clock.advance(40);
  stop.abort();
  await running;
  assertEquals(events.filter(({ type }) => type === "passEnded"), [
    { type: "passEnded", pass: "assignment", ms: 40, isSkipped: false },
    { type: "passEnded", pass: "assignment", ms: 40, isSkipped: true },
  ]);
});
