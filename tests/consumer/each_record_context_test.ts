/** What a function of a record stores by itself: a checkpoint, or results with `context.transact`. */

import { assertEquals } from "@std/assert";
import { KinesisWorker, type ShardContext, type WorkerOptions } from "../../mod.ts";
import { eachRecord } from "../../src/consumer/each_record.ts";
import { eachDecoded, json } from "../../src/decode/mod.ts";
import { StoreMovedError, StoreUnavailableError } from "../../src/errors.ts";
import type { ExtendedSequenceNumber } from "../../src/stream/sequence_number.ts";
import { simulatedAws } from "../../src/testing/mod.ts";
import { eventsOf, NotingProcessor, pageOf, recordWith, startConsumer } from "../support/consumer_bed.ts";
import { counted } from "../support/transact_bed.ts";

const records = [1, 2, 3].map((n) => recordWith(n));

Deno.test("eachRecord() ends a checkpoint without a position at the record at hand", async () => {
  const asked: unknown[] = [];
  const named = (at?: ExtendedSequenceNumber) => Number(at?.sequenceNumber);
  const processor = eachRecord(async (_record, context) => {
    await context.checkpoint();
    const { at } = await context.prepareCheckpoint();
    asked.push(named(at), bed.held.stored.map(named).at(-1));
  });
  const bed = startConsumer(new NotingProcessor(), { processor });
  bed.retrieval.feed(pageOf(records));
  await bed.settle();
  assertEquals(asked, [1, 1, 2, 2, 3, 3]);
  bed.held.lose();
  await bed.end;
});

Deno.test("eachRecord() waits for a store that is down, and restarts where it has moved: no record is skipped", async () => {
  for (const error of [new StoreUnavailableError("down"), new StoreMovedError("moved")]) {
    const done: string[] = [];
    let failures = 0;
    const processor = eachRecord(({ sequenceNumber }) => {
      if (sequenceNumber === "2" && failures++ < 3) throw error;
      done.push(sequenceNumber);
    });
    const bed = startConsumer(new NotingProcessor(), { processor, onProcessError: "skip" });
    bed.retrieval.feed(pageOf(records, []), pageOf(records, []), pageOf(records, []), pageOf(records, []));
    await bed.settle();
    for (let i = 0; i < 20; i++) await bed.clock.advance(1000);
    assertEquals(await bed.end, "completed");
    assertEquals([...new Set(done)], ["1", "2", "3"], error.name);
    const outcomes = eventsOf(bed.events, "batchFailed").map(({ outcome }) => outcome);
    assertEquals(outcomes.includes("skipped"), false);
  }
});

/** Counts each record of a stream by `context.transact`; the third fails once. */
async function counts(
  processorOf: (count: (text: string, context: ShardContext) => Promise<void>) => WorkerOptions["processor"],
  more: Partial<WorkerOptions>,
): Promise<string> {
  const aws = simulatedAws({ streams: { s: 1 }, tables: { results: { key: "id" } }, changeMs: 1 });
  for (const text of "1234") aws.stream("s").put(text);
  const stop = new AbortController();
  let hasFailed = false;
  const processor = processorOf(async (text, context) => {
    if (text === "3" && !hasFailed) {
      hasFailed = true;
      throw new Error("it stumbled");
    }
    await context.transact([counted(text)]);
    if (text === "4") stop.abort();
  });
  await new KinesisWorker({
    applicationName: "app",
    streamName: "s",
    region: "us-east-1",
    credentials: { accessKeyId: "any", secretAccessKey: "any" },
    system: aws.system,
    initialPositionInStream: "TRIM_HORIZON",
    taskBackoffTimeMs: 1,
    log: false,
    processor,
    ...more,
  }).run(stop.signal);
  return aws.table("results").items().map(({ id, times }) =>
    `${Object.values(id ?? {})}x${Object.values(times ?? {})}`
  ).join();
}

Deno.test("eachRecord() and eachDecoded() store each record's results with its own checkpoint", async () => {
  const errors = { retry: { attempts: 5 } };
  for (const more of [{ onProcessError: "retry" }, { errors }, { errors, batch: { size: 2 } }] as const) {
    const plain = await counts(
      (count) => eachRecord((record, context) => count(record.text(), context)),
      more,
    );
    assertEquals(plain, "1x1,2x1,3x1,4x1", JSON.stringify(more));
    const typed = await counts(
      (count) => eachDecoded({ decoder: json() }, (value, _record, context) => count(String(value), context)),
      more,
    );
    assertEquals(typed, "1x1,2x1,3x1,4x1", JSON.stringify(more));
  }
});
