import { assertEquals, assertThrows } from "@std/assert";
import { eachRecord, type EachRecordOptions, type RecordHandler } from "../../src/consumer/each_record.ts";
import { StoppedAtRecord } from "../../src/consumer/stopped_at_record.ts";
import { AwsServiceError, ProcessorRestartError } from "../../src/errors.ts";
import { positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";
import { testContext } from "../../src/testing/unit/test_context.ts";
import {
  type ConsumerChanges,
  eventsOf,
  NotingProcessor,
  pageOf,
  recordWith,
  startConsumer,
} from "../support/consumer_bed.ts";

/** A consumer whose processor is made of a function; notes what the function gets. */
function start(
  handle: (n: number, ...rest: Parameters<RecordHandler>) => unknown,
  { options, ...changes }: ConsumerChanges & { readonly options?: EachRecordOptions } = {},
) {
  const seen: number[] = [];
  const processor = eachRecord((record, context) => {
    const n = Number(record.sequenceNumber);
    seen.push(n);
    return handle(n, record, context);
  }, options);
  return { seen, ...startConsumer(new NotingProcessor(), { processor, ...changes }) };
}

const records = (...numbers: readonly number[]) => numbers.map((n) => recordWith(n));

/** The failures that were reported, short. */
const failuresOf = (bed: ReturnType<typeof start>) =>
  eventsOf(bed.events, "batchFailed").map(({ records, first, last, outcome, attempt, error }) => ({
    which: `${first.sequenceNumber}-${last.sequenceNumber}`,
    records,
    outcome,
    attempt,
    error: error instanceof Error ? error.message : error,
  }));

Deno.test("eachRecord() gives one record after the other, and a checkpoint comes after each batch", async () => {
  let running = 0, most = 0;
  const bed = start(async (n) => {
    most = Math.max(most, ++running);
    await Promise.resolve();
    assertEquals(bed.held.stored, n < 4 ? [] : [positionAt("3")]);
    running--;
  });
  bed.retrieval.feed(pageOf(records(1, 2, 3)), pageOf(records(4)));
  await bed.settle();
  assertEquals({ seen: bed.seen, most }, { seen: [1, 2, 3, 4], most: 1 });
  assertEquals(bed.held.stored, [positionAt("3"), positionAt("4")]);
  bed.held.lose();
  await bed.end;
});

Deno.test("eachRecord() at the end of the shard stores SHARD_END, after its own shardEnded", async () => {
  const notes: string[] = [];
  const bed = start(() => {}, {
    options: {
      initialize: () => void notes.push("initialize"),
      shardEnded: () => void notes.push(`shardEnded after ${bed.held.stored.length} checkpoint`),
      leaseLost: () => void notes.push("leaseLost"),
      dispose: () => void notes.push("dispose"),
    },
  });
  bed.retrieval.feed(pageOf(records(1), []));
  assertEquals(await bed.end, "completed");
  assertEquals(bed.held.stored, [positionAt("1"), SHARD_END]);
  assertEquals(notes, ["initialize", "shardEnded after 1 checkpoint", "dispose"]);
});

Deno.test("eachRecord() with skip skips the record that failed, and goes on behind it", async () => {
  const bed = start((n) => {
    if (n === 2 || n === 4) throw new Error(`no ${n}`);
  });
  bed.retrieval.feed(pageOf(records(1, 2, 3, 4)), pageOf(records(5)));
  await bed.settle();
  assertEquals(bed.seen, [1, 2, 3, 4, 5]);
  assertEquals(failuresOf(bed), [
    { which: "2-2", records: 1, outcome: "skipped", attempt: 1, error: "no 2" },
    { which: "4-4", records: 1, outcome: "skipped", attempt: 1, error: "no 4" },
  ]);
  const done = eventsOf(bed.events, "batchProcessed").map(({ records, bytes, last }) =>
    `${records} of ${bytes} to ${last.sequenceNumber}`
  );
  assertEquals(done, ["1 of 1 to 1", "1 of 1 to 3", "1 of 1 to 5"]);
  assertEquals(bed.held.stored.map(({ sequenceNumber }) => sequenceNumber), ["1", "3", "4", "5"]);
  bed.held.lose();
  await bed.end;
});

Deno.test("eachRecord() with retry comes back to the record that failed, and repeats none before it", async () => {
  let failures = 3;
  const bed = start((n) => {
    if (n === 3 && failures-- > 0) throw new Error("not yet");
  }, { onProcessError: "retry" });
  bed.retrieval.feed(pageOf(records(1, 2, 3, 4)));
  await bed.settle();
  assertEquals(bed.held.stored, [positionAt("2")]);
  for (const ms of [500, 1000, 2000]) await bed.clock.advance(ms);
  assertEquals(bed.seen, [1, 2, 3, 3, 3, 3, 4]);
  assertEquals(failuresOf(bed).map(({ which, outcome, attempt }) => `${which} ${outcome} ${attempt}`), [
    "3-3 retrying 1",
    "3-3 retrying 2",
    "3-3 retrying 3",
  ]);
  assertEquals(bed.held.stored, [positionAt("2"), positionAt("4")]);
  bed.held.lose();
  await bed.end;
});

Deno.test("eachRecord() with stop gives the lease up behind the last record that is done", async () => {
  const bed = start((n) => {
    if (n === 3) throw undefined;
  }, { onProcessError: "stop" });
  bed.retrieval.feed(pageOf(records(1, 2, 3, 4)));
  assertEquals(await bed.end, "lost");
  assertEquals(bed.seen, [1, 2, 3]);
  assertEquals(bed.held.stored, [positionAt("2")]);
  assertEquals(bed.held.givenUp, 1);
  assertEquals(failuresOf(bed), [
    { which: "3-3", records: 1, outcome: "leaseGivenUp", attempt: 1, error: "undefined was thrown" },
  ]);
});

Deno.test("eachRecord() stops between two records when the shard is to be left, and hands over what is done", async () => {
  const bed = start((n) => {
    if (n === 2) bed.held.draining.abort();
  });
  bed.retrieval.feed(pageOf(records(1, 2, 3, 4), []));
  assertEquals(await bed.end, "drained");
  assertEquals(bed.seen, [1, 2]);
  assertEquals(bed.held.stored, [positionAt("2")]);
  assertEquals(failuresOf(bed), []);
});

Deno.test("eachRecord() takes an error after the loss of the lease for the loss, and reports no failure", async () => {
  const bed = start((n, _record, { signal }) => {
    if (n !== 2) return;
    bed.held.lose();
    signal.throwIfAborted();
  });
  bed.retrieval.feed(pageOf(records(1, 2, 3)));
  assertEquals(await bed.end, "lost");
  assertEquals(bed.seen, [1, 2]);
  assertEquals(failuresOf(bed), []);
});

Deno.test("eachRecord() makes up in shutdownRequested for a checkpoint that failed", async () => {
  const bed = start(() => {});
  bed.held.failures.push(
    new AwsServiceError({
      service: "dynamodb",
      operation: "UpdateItem",
      code: "InternalServerError",
      status: 500,
      requestId: undefined,
      retryable: true,
      detail: "down",
      body: undefined,
    }),
  );
  bed.retrieval.feed(pageOf(records(1)));
  await bed.settle();
  assertEquals(bed.held.stored, []);
  bed.held.draining.abort();
  assertEquals(await bed.end, "drained");
  assertEquals(bed.held.stored, [positionAt("1")]);
});

Deno.test("eachRecord() lets a fresh processor be asked for", async () => {
  const bed = start((n) => {
    if (n === 2 && bed.seen.length === 2) throw new ProcessorRestartError("again");
  });
  bed.retrieval.feed(pageOf(records(1, 2)));
  await bed.settle();
  assertEquals(eventsOf(bed.events, "processorRestarting").length, 1);
  bed.held.lose();
  await bed.end;
});

Deno.test("eachRecord() works on a test's context, and names the record that failed", async () => {
  const context = testContext();
  const processor = eachRecord((record) => {
    if (record.text() === "bad") throw new Error("boom");
  })(context.shardId, context);
  let thrown: unknown;
  try {
    await processor.processRecords(context.batch(["good", "bad", "later"]), context);
  } catch (error) {
    thrown = error;
  }
  if (!(thrown instanceof StoppedAtRecord)) throw new Error(`expected a StoppedAtRecord: got ${thrown}`);
  assertEquals(thrown.batchItemFailures, [{ itemIdentifier: "2" }]);
  assertEquals((thrown.cause as Error).message, "boom");
});

Deno.test("eachRecord() waits for whatever has a then()", async () => {
  const order: string[] = [];
  const thenable = { then: (done: () => void) => queueMicrotask(() => (order.push("done"), done())) };
  const context = testContext();
  const processor = eachRecord(() => (order.push("called"), thenable))(context.shardId, context);
  await processor.processRecords(context.batch(["a", "b"]), context);
  assertEquals(order, ["called", "done", "called", "done"]);
});

Deno.test("eachRecord() refuses what is no function, and unknown options", () => {
  assertThrows(
    () => eachRecord("x" as unknown as RecordHandler),
    TypeError,
    "expected a function of a record",
  );
  assertThrows(() => eachRecord(() => {}, { dispse: () => {} } as EachRecordOptions), TypeError, "dispose");
  assertThrows(
    () => eachRecord(() => {}, { dispose: 5 } as unknown as EachRecordOptions),
    TypeError,
    "expected dispose to be a function: got number",
  );
});
