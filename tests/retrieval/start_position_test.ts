import { assertEquals, assertThrows } from "@std/assert";
import type { WorkerEvent } from "../../src/events.ts";
import type { RetrievalRequest } from "../../src/retrieval/retrieval.ts";
import { LATEST_MARGIN_MS, StartPosition, TIP_WITHIN_MS } from "../../src/retrieval/start_position.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import { eventsOf, recordWith } from "../support/consumer_bed.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { serviceError } from "../support/scripted_kinesis.ts";

const createdMs = Date.UTC(2026, 0, 30);

function bed(
  request: Partial<RetrievalRequest>,
  onTrimmedCheckpoint: "trim-horizon" | "latest" | "stop" = "trim-horizon",
) {
  const events: WorkerEvent[] = [];
  const start = new StartPosition({
    leaseKey: "s",
    shardId: "s",
    checkpoint: positionAt("LATEST"),
    initialPosition: "LATEST",
    ...request,
  }, { onTrimmedCheckpoint, emit: (event) => events.push(event) });
  return {
    start,
    notices: () => eventsOf(events, "notice").map(({ level, text }) => `${level}: ${text}`),
    events,
  };
}

Deno.test("StartPosition begins a second ahead of the time at which the lease was created", () => {
  const { start } = bed({ createdAtLatest: { epochMs: createdMs, isFirstRead: true } });
  assertEquals(start.next(undefined), { type: "AT_TIMESTAMP", timestampMs: createdMs - LATEST_MARGIN_MS });
  assertEquals(LATEST_MARGIN_MS, 1000);
});

Deno.test("StartPosition reports the time at which the lease was created only where it may not be the first to read", () => {
  for (const [isFirstRead, count] of [[true, 0], [false, 1]] as const) {
    const { notices } = bed({ createdAtLatest: { epochMs: createdMs, isFirstRead } });
    assertEquals(notices().length, count);
  }
  const checkpoint = positionAt("7");
  assertEquals(
    bed({ checkpoint, createdAtLatest: { epochMs: createdMs, isFirstRead: false } }).notices(),
    [],
  );
});

Deno.test("StartPosition asks for the tip once in place of a time that has not come, then for the time again", () => {
  const { start } = bed({ createdAtLatest: { epochMs: createdMs, isFirstRead: true } });
  const own = start.next(undefined);
  assertEquals(start.survives(serviceError("InvalidArgumentException")), true);
  assertEquals(start.next(undefined), { type: "LATEST" });
  assertEquals(start.next(undefined), own);
  assertEquals(start.survives(serviceError("LimitExceededException")), false);
});

Deno.test("StartPosition looks at the first record alone, and once", () => {
  const { start, events } = bed({ checkpoint: positionAt("7") });
  assertEquals([start.accepts([]), start.accepts([recordWith(9)]), start.accepts([recordWith(12)])], [
    true,
    true,
    true,
  ]);
  assertEquals(eventsOf(events, "checkpointTrimmed").map(({ found }) => found), ["9"]);
  const there = bed({ checkpoint: positionAt("7") });
  assertEquals([there.start.accepts([recordWith(7)]), there.start.accepts([recordWith(8)])], [true, true]);
  assertEquals(there.events, []);
});

Deno.test("StartPosition takes a refusal for a trimmed checkpoint only where Kinesis says so, and only once", () => {
  const trimmed = serviceError("InvalidArgumentException");
  trimmed.message = "The sequence number is older than the trim horizon";
  const { start } = bed({ checkpoint: positionAt("7") });
  assertEquals(start.survives(serviceError("InvalidArgumentException")), false, "it says nothing of age");
  assertEquals(start.survives(trimmed), true);
  assertEquals(start.next(undefined), { type: "TRIM_HORIZON" });
  assertEquals(start.survives(trimmed), false);
  assertThrows(
    () => bed({ checkpoint: positionAt("7") }, "stop").start.survives(trimmed),
    RangeError,
    "checkpoint 7",
  );
});

Deno.test("StartPosition does not take the tip for the time when its process has slept since it asked", async () => {
  const clock = new FakeClock();
  const options = { onTrimmedCheckpoint: "trim-horizon", emit: () => {}, system: { clock } } as const;
  const start = new StartPosition({
    leaseKey: "s",
    shardId: "s",
    checkpoint: positionAt("LATEST"),
    initialPosition: "LATEST",
    createdAtLatest: { epochMs: createdMs, isFirstRead: true },
  }, options);
  const types = [];
  const tooLongMs = TIP_WITHIN_MS + 1;
  // Before the refusal is heard, and after it.
  for (const [beforeMs, afterMs] of [[0, TIP_WITHIN_MS], [0, tooLongMs], [tooLongMs, 0]] as const) {
    start.next(undefined);
    await clock.advance(beforeMs);
    assertEquals(start.survives(serviceError("InvalidArgumentException")), true);
    await clock.advance(afterMs);
    types.push(start.next(undefined).type);
  }
  assertEquals(types, ["LATEST", "AT_TIMESTAMP", "AT_TIMESTAMP"]);
});
