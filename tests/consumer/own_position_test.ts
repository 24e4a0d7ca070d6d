import { assertEquals } from "@std/assert";
import type { RecordProcessor } from "../../src/consumer/record_processor.ts";
import { AwsServiceError, StoreUnavailableError } from "../../src/errors.ts";
import { type ExtendedSequenceNumber, positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";
import { leaseWith } from "../lease/fixtures.ts";
import { type ConsumerBed, eventsOf, pageOf, recordWith, startConsumer } from "../support/consumer_bed.ts";

const LEASE = leaseWith({ checkpoint: positionAt("20") });

/** A consumer whose processor has a position of its own, and what it was given. */
function startOwn(
  own: () => ExtendedSequenceNumber | undefined | Promise<ExtendedSequenceNumber | undefined>,
  changes: Parameters<typeof startConsumer>[1] = {},
): ConsumerBed & { readonly given: string[] } {
  const given: string[] = [];
  const processor: RecordProcessor = {
    checkpoints: "auto",
    initialize: () => void given.push("initialize"),
    async startAt() {
      given.push("startAt");
      return await own();
    },
    processRecords: ({ records }) => void given.push(records.map((each) => each.sequenceNumber).join("+")),
    shardEnded: (context) => context.checkpoint(),
  };
  return { ...startConsumer(undefined, { lease: LEASE, processor: () => processor, ...changes }), given };
}

const PAGE = pageOf([10, 20, 30, 40].map((number) => recordWith(number)), []);

Deno.test("consumeShard() reads from the processor's own later position, and the lease follows at once", async () => {
  const bed = startOwn(() => positionAt("30"));
  bed.retrieval.feed(PAGE);
  assertEquals(await bed.end, "completed");
  assertEquals(bed.retrieval.requests.map(({ checkpoint }) => checkpoint), [positionAt("30")]);
  assertEquals(bed.given, ["initialize", "startAt", "40"]);
  assertEquals(bed.held.stored, [positionAt("30"), positionAt("40"), SHARD_END]);
  assertEquals(eventsOf(bed.events, "notice").map(({ level, text }) => ({ level, text })), [{
    level: "info",
    text: "The shard goes on at a later record: its processor's own position 30 counts, the lease has 20",
  }]);
});

Deno.test("consumeShard() reads from the processor's own earlier position, and says so", async () => {
  const bed = startOwn(() => positionAt("10"));
  bed.retrieval.feed(PAGE);
  assertEquals(await bed.end, "completed");
  assertEquals(bed.retrieval.requests.map(({ checkpoint }) => checkpoint), [positionAt("10")]);
  assertEquals(bed.given, ["initialize", "startAt", "20+30+40"]);
  assertEquals(eventsOf(bed.events, "notice").map(({ level, text }) => ({ level, text })), [{
    level: "warning",
    text:
      "The shard is read again from an earlier record: its processor's own position 10 counts, the lease has 20",
  }]);
});

Deno.test("consumeShard() reads from the lease when the processor has no position of its own", async () => {
  const bed = startOwn(() => undefined);
  bed.retrieval.feed(PAGE);
  await bed.end;
  assertEquals(bed.given, ["initialize", "startAt", "30+40"]);
  assertEquals(eventsOf(bed.events, "notice"), []);
});

Deno.test("consumeShard() asks for the own position again, with back-off, when it cannot be read", async () => {
  let calls = 0;
  const bed = startOwn(() => {
    if (++calls === 1) throw new StoreUnavailableError("down");
    return positionAt("30");
  });
  bed.retrieval.feed(PAGE);
  await bed.clock.advance(500);
  assertEquals(await bed.end, "completed");
  assertEquals(bed.given, ["initialize", "startAt", "initialize", "startAt", "40"]);
});

Deno.test("consumeShard() refuses an own position that is none", async () => {
  let calls = 0;
  const bed = startOwn(() => ++calls === 1 ? SHARD_END : undefined);
  bed.retrieval.feed(PAGE);
  await bed.clock.advance(500);
  await bed.end;
  assertEquals(
    eventsOf(bed.events, "callbackEnded").map(({ error }) => error instanceof TypeError ? error.message : ""),
    [
      "Cannot start in shard shardId-000000000000: expected startAt() to give the position of a record, or " +
      'TRIM_HORIZON, LATEST or AT_TIMESTAMP: got "SHARD_END"/0',
      "",
      "",
      "",
    ],
  );
});

Deno.test("consumeShard() goes on when the lease cannot follow an own later position", async () => {
  const bed = startOwn(() => positionAt("30"));
  bed.held.failures.push(
    new AwsServiceError({
      service: "dynamodb",
      operation: "UpdateItem",
      code: "InternalServerError",
      status: 500,
      requestId: undefined,
      retryable: true,
      detail: "",
      body: undefined,
    }),
  );
  bed.retrieval.feed(PAGE);
  assertEquals(await bed.end, "completed");
  assertEquals(bed.held.stored, [positionAt("40"), SHARD_END]);
  assertEquals(eventsOf(bed.events, "checkpointFailed").length, 1);
});

for (const onProcessError of ["skip", "stop"] as const) {
  Deno.test(`consumeShard() with ${onProcessError} delivers a batch again whose store was down`, async () => {
    const given: string[] = [];
    const processor: RecordProcessor = {
      checkpoints: "auto",
      processRecords({ records }) {
        given.push(records.map((each) => each.sequenceNumber).join("+"));
        if (given.length < 3) throw new StoreUnavailableError("down");
      },
      shardEnded: (context) => context.checkpoint(),
    };
    const bed = startConsumer(undefined, { lease: LEASE, processor: () => processor, onProcessError });
    bed.retrieval.feed(PAGE);
    await bed.clock.advance(500);
    await bed.clock.advance(1000);
    assertEquals(await bed.end, "completed");
    assertEquals(given, ["30+40", "30+40", "30+40"]);
    assertEquals(eventsOf(bed.events, "batchFailed").map(({ outcome, attempt }) => ({ outcome, attempt })), [
      { outcome: "retrying", attempt: 1 },
      { outcome: "retrying", attempt: 2 },
    ]);
  });
}
