/** Changes that are trimmed behind the back of a reader that has already begun. */

import { assertEquals, assertThrows } from "@std/assert";
import { AwsServiceError } from "../../src/errors.ts";
import type { WorkerEvent } from "../../src/events.ts";
import { type OnTrimmedCheckpoint, StartPosition } from "../../src/retrieval/start_position.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";

const refusal = new AwsServiceError({
  service: "dynamodb",
  operation: "GetShardIterator",
  code: "InvalidArgumentException",
  status: 400,
  requestId: undefined,
  retryable: false,
  detail: "the change was trimmed",
  body: undefined,
});

function startOf(onTrimmedCheckpoint: OnTrimmedCheckpoint) {
  const events: WorkerEvent[] = [];
  const start = new StartPosition({
    leaseKey: "a",
    shardId: "a",
    checkpoint: positionAt("TRIM_HORIZON"),
    initialPosition: "TRIM_HORIZON",
  }, { onTrimmedCheckpoint, emit: (event) => void events.push(event) });
  start.next("7"); // read so far
  return { start, events };
}

for (const [outcome, next] of [["trim-horizon", "TRIM_HORIZON"], ["latest", "LATEST"]] as const) {
  Deno.test(`StartPosition goes on at ${next} when what follows the last record was trimmed, and says so`, () => {
    const { start, events } = startOf(outcome);
    assertEquals(start.survives(refusal), true);
    assertEquals(start.next("7"), { type: next });
    assertEquals(events.map(({ type }) => type), ["checkpointTrimmed"]);
    assertEquals(start.next("9"), { type: "AFTER_SEQUENCE_NUMBER", sequenceNumber: "9" });
  });
}

Deno.test("StartPosition stops there, if it is to stop", () => {
  const { start } = startOf("stop");
  assertThrows(() => start.survives(refusal), RangeError, "no longer in the stream");
});
