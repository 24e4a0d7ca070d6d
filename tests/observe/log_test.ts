import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { AwsServiceError, thrownError } from "../../src/errors.ts";
import type { WorkerEvent } from "../../src/events.ts";
import { withErrorJson } from "../../src/observe/error_json.ts";
import { lineWriter } from "../../src/observe/line_writer.ts";
import { type LogOptions, logTo } from "../../src/observe/log.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { HOSTILE_ERRORS } from "../support/hostile_errors.ts";
import { sample, SAMPLE_EVENTS } from "./sample_events.ts";

/** What a log writes of events. */
function linesOf(events: readonly WorkerEvent[], options: LogOptions = {}): string[] {
  const lines: string[] = [];
  const listen = logTo((line) => void lines.push(line), { clock: new FakeClock(), ...options });
  events.forEach(listen);
  return lines;
}

Deno.test("logTo() writes text with time and level, from info up unless told otherwise", () => {
  const events = [SAMPLE_EVENTS.checkpointed, SAMPLE_EVENTS.workerReady, SAMPLE_EVENTS.leaseLost];
  const lost =
    "2026-01-30T12:00:00.000Z WARNING shardId-000000000000: lease lost: another worker owns it now";
  assertEquals(linesOf(events), ["2026-01-30T12:00:00.000Z INFO    Worker w1 is ready", lost]);
  assertEquals(linesOf(events, { level: "warning" }), [lost]);
  assertEquals(linesOf(events, { level: "debug" }).length, 3);
  assertEquals(linesOf(events, { level: "error" }), []);
});

Deno.test("logTo() writes JSON with level, time, type, lease, stream, class and code", () => {
  const error = new AwsServiceError({
    service: "dynamodb",
    operation: "UpdateItem",
    code: "ThrottlingException",
    status: 400,
    requestId: undefined,
    retryable: true,
    detail: "slow down",
    body: undefined,
  });
  const [, , failed] = linesOf([
    SAMPLE_EVENTS.workerStarting,
    SAMPLE_EVENTS.errorRule,
    sample("checkpointFailed", { error }),
  ], { format: "json" });
  assertEquals(JSON.parse(`${failed}`), {
    time: "2026-01-30T12:00:00.000Z",
    level: "warning",
    type: "checkpointFailed",
    leaseKey: "shardId-000000000000",
    stream: "orders-stream",
    message:
      "shardId-000000000000: checkpoint at 4967 failed: AwsServiceError: dynamodb UpdateItem failed: ThrottlingException " +
      "(HTTP 400): slow down",
    errorClass: "AwsServiceError",
    errorCode: "ThrottlingException",
  });
});

Deno.test("logTo() takes the stream of a line from its lease where there are many", () => {
  const many = linesOf([
    sample("leaseLost", { leaseKey: "123456789012:orders:1700000000:shardId-000000000000" }),
    SAMPLE_EVENTS.streamAdded,
    SAMPLE_EVENTS.leaseLost,
    SAMPLE_EVENTS.faultBegan,
    sample("requestRetried", { code: "TimeoutError" }),
  ], { format: "json" }).map((line) => JSON.parse(line));
  assertEquals(many.map(({ stream }) => stream), ["orders", "orders", undefined, undefined, undefined]);
  assertEquals(many.map(({ fault, errorCode }) => fault ?? errorCode), [
    undefined,
    undefined,
    undefined,
    "noProgress",
    "TimeoutError",
  ]);
});

Deno.test("lineWriter() takes control characters and credentials out of any line, whoever made it", () => {
  const lines: string[] = [];
  const text = "Running a\u001b]0;x\u0007\u009b\u202eb\r\nwith secretAccessKey=abcdef";
  for (const format of ["text", "json"] as const) {
    const write = lineWriter((line) => void lines.push(line), {
      clock: new FakeClock(),
      least: () => "info",
      format: () => format,
    });
    write({ level: "info", text });
  }
  const shown = "Running a ]0;x b with secretAccessKey=…";
  assertEquals(lines[0], `2026-01-30T12:00:00.000Z INFO    ${shown}`);
  assertEquals(JSON.parse(lines[1] ?? "").message, shown);
});

Deno.test("logTo() writes one line of JSON for every event, whatever was thrown", () => {
  const events = Object.values(HOSTILE_ERRORS).map((error) =>
    withErrorJson(sample("batchFailed", { error: thrownError(error) }))
  );
  for (const format of ["text", "json"] as const) {
    const lines = linesOf(events, { format });
    assertEquals(lines.length, events.length);
    for (const line of lines) {
      assert(!line.includes("\n"));
      if (format === "json") assertMatch(JSON.parse(line).message, /they are SKIPPED: ./);
    }
  }
});

Deno.test("logTo() never throws, and says later how many lines it could not write", () => {
  let isFull = false;
  const lines: string[] = [];
  const listen = logTo((line) => {
    if (isFull) throw new Error("No space left on device");
    lines.push(line.slice(25));
  }, { clock: new FakeClock() });
  listen(SAMPLE_EVENTS.workerReady);
  isFull = true;
  listen(SAMPLE_EVENTS.leaseLost);
  listen(SAMPLE_EVENTS.leaseGained);
  isFull = false;
  listen(SAMPLE_EVENTS.leaseReleased);
  listen(SAMPLE_EVENTS.workerStopped);
  assertEquals(lines, [
    "INFO    Worker w1 is ready",
    "ERROR   2 lines of this log could not be written",
    "INFO    shardId-000000000000: lease released",
    "INFO    Stopped",
  ]);
});

Deno.test("logTo() bears with a function that rejects", async () => {
  const lines: string[] = [];
  // deno-lint-ignore require-await -- what users write
  const listen = logTo(async (line) => {
    lines.push(line.slice(25));
    if (lines.length === 1) throw new Error("socket closed");
  }, { clock: new FakeClock() });
  listen(SAMPLE_EVENTS.workerReady);
  await Promise.resolve().then(() => {});
  listen(SAMPLE_EVENTS.workerStopped);
  assertEquals(lines.slice(1), ["ERROR   1 line of this log could not be written", "INFO    Stopped"]);
});

Deno.test("logTo() refuses a level or a format that does not exist", () => {
  assertThrows(
    () => logTo(() => {}, { level: "warn" as "warning" }),
    RangeError,
    'Cannot make a log: expected level to be one of debug, info, warning, error: got "warn"',
  );
  assertThrows(
    () => logTo(() => {}, { format: "xml" as "json" }),
    RangeError,
    "expected format to be one of",
  );
});
