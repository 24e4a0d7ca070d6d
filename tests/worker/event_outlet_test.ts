/**
 * Where a worker's events go, and that nothing is silent for who gives no listener.
 */

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { KinesisWorker, type WorkerEvent, type WorkerOptions } from "../../mod.ts";
import { Totals } from "../../src/observe/totals.ts";
import { eventOutlet } from "../../src/worker/event_outlet.ts";
import { settingsOf } from "../../src/options/settings.ts";
import { sample, SAMPLE_EVENTS } from "../observe/sample_events.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { MemoryBed } from "../support/memory_bed.ts";
import { ScriptedKinesis } from "../support/scripted_kinesis.ts";

const REQUIRED = {
  applicationName: "app",
  streamName: "words",
  processor: () => ({ processRecords() {}, shardEnded() {} }),
} as const;

/** Runs `body` with a console whose errors are kept. @returns them, without their times. */
async function printedBy(body: () => void | Promise<void>): Promise<string[]> {
  const { error } = console;
  const lines: string[] = [];
  console.error = (...data: unknown[]) => void lines.push(data.join(" ").replace(/^\S+Z /, ""));
  try {
    await body();
  } finally {
    console.error = error;
  }
  return lines;
}

function outletOf(options: Partial<WorkerOptions>, clock = new FakeClock()) {
  return eventOutlet(options, settingsOf({ ...REQUIRED, ...options }).watching, clock);
}

const skipped =
  "ERROR   shardId-000000000000: processRecords failed on 10 records from 4968 to 4977/3, they are " +
  "SKIPPED: no luck at words.ts:12:9";

Deno.test("eventOutlet() prints warnings and errors by default, whether or not somebody listens", async () => {
  const events = [SAMPLE_EVENTS.workerReady, SAMPLE_EVENTS.checkpointed, SAMPLE_EVENTS.batchFailed];
  for (const options of [{}, { onEvent: new Totals(new FakeClock()).listener }, { log: undefined }]) {
    assertEquals(await printedBy(() => events.forEach(outletOf(options).emit)), [skipped]);
  }
});

Deno.test("eventOutlet() prints nothing where log is false, and leaves it to a function that is given", async () => {
  const heard: string[] = [];
  const log = ({ type }: WorkerEvent) => void heard.push(`log ${type}`);
  const onEvent = ({ type }: WorkerEvent) => void heard.push(`onEvent ${type}`);
  assertEquals(await printedBy(() => outletOf({ log: false, onEvent }).emit(SAMPLE_EVENTS.batchFailed)), []);
  assertEquals(await printedBy(() => outletOf({ log: false }).emit(SAMPLE_EVENTS.batchFailed)), []);
  assertEquals(await printedBy(() => outletOf({ log, onEvent }).emit(SAMPLE_EVENTS.workerReady)), []);
  assertEquals(heard, ["onEvent batchFailed", "log workerReady", "onEvent workerReady"]);
});

Deno.test("eventOutlet() gives listeners errors that survive JSON.stringify", () => {
  let text = "";
  outletOf({ log: false, onEvent: (event) => text = JSON.stringify(event) }).emit(
    sample("batchFailed", { error: new TypeError("boom") }),
  );
  assertMatch(text, /"error":\{"name":"TypeError","message":"TypeError: boom"\}/);
});

Deno.test("eventOutlet() goes on when a listener fails, and says so once", async () => {
  const heard: string[] = [];
  const lines = await printedBy(() => {
    const { emit } = outletOf({
      onEvent: ({ type }) => {
        heard.push(type);
        throw new Error("no database");
      },
    });
    for (let i = 0; i < 3; i++) emit(SAMPLE_EVENTS.workerReady);
  });
  assertEquals(heard, ["workerReady", "notice", "workerReady", "workerReady"]);
  assertEquals(lines, [
    "WARNING A listener of events has failed; the worker goes on, and does not report it again: no database",
  ]);
});

Deno.test("eventOutlet() is not stopped by a log and a console that fail", async () => {
  const { error } = console;
  const heard: string[] = [];
  const onEvent = ({ type }: WorkerEvent) => void heard.push(type);
  console.error = () => {
    throw new Error("No space left on device");
  };
  try {
    outletOf({ onEvent }).emit(SAMPLE_EVENTS.batchFailed);
    const log = () => Promise.reject(new Error("socket closed"));
    outletOf({ log, onEvent }).emit(SAMPLE_EVENTS.batchFailed);
    await Promise.resolve().then(() => {});
  } finally {
    console.error = error;
  }
  assertEquals(heard, ["batchFailed", "batchFailed", "notice"]);
});

Deno.test("eventOutlet() has faults in the log when they begin and when they end", async () => {
  const clock = new FakeClock();
  const stop = new AbortController();
  const lines = await printedBy(async () => {
    const { emit, watchFaults } = outletOf({}, clock);
    const watching = watchFaults(stop.signal);
    [SAMPLE_EVENTS.workerStarting, SAMPLE_EVENTS.workerReady, SAMPLE_EVENTS.leaseGained].forEach(emit);
    await clock.advance(14_000);
    emit(SAMPLE_EVENTS.leaseRenewed);
    await clock.advance(1000);
    stop.abort();
    await watching;
  });
  assertEquals(lines, [
    "ERROR   shardId-000000000000: fault renewalOverdue: The lease has not been renewed for 11.0 s.",
    "WARNING shardId-000000000000: renewalOverdue is over after 4.0 s",
  ]);
});

Deno.test("settingsOf() refuses a log that is none", () => {
  for (const log of [true, "json", console] as unknown[]) {
    assertThrows(
      () => settingsOf({ ...REQUIRED, log: log as false }),
      TypeError,
      "expected log to be false or a function that hears events",
    );
  }
});

/** What a worker in memory prints by default from its start to its stop. */
async function startLines(options: Partial<WorkerOptions>): Promise<string[]> {
  const memory = new MemoryBed();
  const kinesis = new ScriptedKinesis();
  const summary = { streamName: "words", streamArn: undefined, streamStatus: "ACTIVE" } as const;
  kinesis.describeStreamSummary = () =>
    Promise.resolve({ ...summary, streamCreationEpochS: undefined, openShardCount: 1 });
  return await printedBy(async () => {
    const stop = new AbortController();
    const running = new KinesisWorker({
      ...REQUIRED,
      system: memory.system,
      kinesis,
      leaseStore: memory.store,
      coordinatorStore: memory.coordinator,
      ...options,
    }).run(stop.signal);
    await memory.clock.advance(100);
    stop.abort();
    await memory.clock.advance(10_000);
    await running;
  });
}

Deno.test("KinesisWorker warns at start of the rule that skips, unless somebody chose it", async () => {
  assertEquals(await startLines({}), [
    "WARNING When processRecords throws, its records are SKIPPED, and the next checkpoint passes them (onProcessError " +
    'is "skip", the default and KCL\'s rule; with "retry" the batch comes again)',
  ]);
  assertEquals(await startLines({ onProcessError: "skip" }), []);
  assertEquals(await startLines({ onProcessError: "retry" }), []);
});

Deno.test("KinesisWorker says which rule is in force in every log of its start", async () => {
  for (const onProcessError of ["skip", "retry", "stop"] as const) {
    const rules: string[] = [];
    const log = (event: WorkerEvent) => {
      if (event.type === "errorRule") rules.push(`${event.rule} ${event.isChosen}`);
    };
    await startLines({ onProcessError, log });
    assertEquals(rules, [`${onProcessError} true`]);
  }
  assert((await startLines({})).length > 0);
});
