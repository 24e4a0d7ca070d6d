import { assertEquals } from "@std/assert";
import { Bell } from "../../src/async/bell.ts";
import { TaskGroup } from "../../src/async/task_group.ts";
import type { WorkerEvent } from "../../src/events.ts";
import type { Streams } from "../../src/fleet/streams.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import { settingsOf } from "../../src/options/settings.ts";
import { startLoops } from "../../src/worker/loops.ts";
import type { Team } from "../../src/worker/team.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** Loops of a team that notes what it is asked for. */
function bed(options: Partial<WorkerOptions>, fleet: (signal: AbortSignal) => Promise<void>) {
  const clock = new FakeClock();
  const events: WorkerEvent[] = [];
  const failures: unknown[] = [];
  const asked: string[] = [];
  const stop = new AbortController();
  const superseded = new AbortController();
  const note = (text: string) => Promise.resolve(void asked.push(`${text} ${clock.monotonicMs()}`));
  const duties = new TaskGroup((error) => failures.push(error));
  const discovery = new Bell();
  const team = {
    identity: { superseded: superseded.signal },
    member: {
      run: fleet,
      assignSoon: () => note("assign"),
      release: () => note("release"),
      attention: { takeShownKeys: () => undefined, isResting: false, lookPatienceMs: undefined },
    },
    keeper: { held: [], discover: () => note("discover") },
    cleaner: { cleanUp: () => note("clean") },
    streaks: { keep: () => note("keep") },
    discovery,
  } as unknown as Team;
  const streams = { refresh: () => note("refresh").then(() => true) } as unknown as Streams;
  const settings = settingsOf({
    applicationName: "app",
    region: "us-east-1",
    processor: () => ({ processRecords() {}, shardEnded() {} }),
    ...options,
  });
  const emit = (event: WorkerEvent) => void events.push(event);
  startLoops(team, { settings, streams, clock, emit, duties }, stop.signal);
  const end = async () => {
    stop.abort();
    await clock.advance(0);
    await duties.done();
  };
  return { clock, asked, failures, superseded, discovery, end };
}

const untilStopped = (signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));

Deno.test("startLoops() runs each pass at the interval of its settings, and discovery at the bell too", async () => {
  const one = bed(
    { streamName: "words", leaseDiscoveryIntervalMs: 400, leaseCleanupIntervalMs: 700 },
    untilStopped,
  );
  await one.clock.advance(100);
  one.discovery.ring();
  await one.clock.advance(700);
  await one.end();
  const times = (bed: { readonly asked: readonly string[] }, what: string) =>
    bed.asked.filter((text) => text.startsWith(what)).map((text) => Number(text.split(" ")[1]));
  const [begunMs = 0] = times(one, "discover");
  assertEquals(times(one, "discover").map((ms) => ms - begunMs), [0, 100, 500]);
  assertEquals(times(one, "clean").map((ms) => ms - begunMs), [0, 700]);
  assertEquals(times(one, "refresh"), []);
  assertEquals(one.failures, []);

  const many = bed({ streams: ["words"], newStreamCheckIntervalMs: 1000 }, untilStopped);
  await many.clock.advance(1500);
  await many.end();
  assertEquals(times(many, "refresh").map((ms) => ms - begunMs), [0, 1000]);
  assertEquals([times(many, "assign").length, times(many, "keep").length], [2, 2]);
});

Deno.test("startLoops() fails the duties when a loop ends by itself, and gives the lock back when superseded", async () => {
  const ended = bed({ streamName: "words" }, () => Promise.resolve());
  await ended.clock.advance(0);
  assertEquals(ended.failures.map(String), [
    'Error: The loop "fleet" of the worker has ended by itself',
  ]);
  await ended.end();

  const superseded = bed({ streamName: "words" }, untilStopped);
  superseded.superseded.abort();
  await superseded.end();
  assertEquals(superseded.asked.filter((text) => text.startsWith("release")).length, 1);
  assertEquals(superseded.failures, []);
});
