import { assertEquals, assertRejects } from "@std/assert";
import type { ShardContext } from "../../src/consumer/record_processor.ts";
import {
  adapt,
  fromV1,
  isV1Processor,
  type V1Checkpointer,
  type V1Record,
} from "../../src/consumer/v1_processor.ts";
import { LeaseLostError } from "../../src/errors.ts";
import type { ExtendedSequenceNumber } from "../../src/stream/sequence_number.ts";
import { pageOf, recordWith } from "../support/consumer_bed.ts";

/** A v1 processor that notes its calls, and the context that it is called with. */
function bed() {
  const calls: string[] = [];
  const records: V1Record[] = [];
  let checkpointer: V1Checkpointer | undefined;
  const stored: (ExtendedSequenceNumber | undefined)[] = [];
  const context = {
    shardId: "s-1",
    leaseKey: "words:s-1",
    checkpoint: (at?: ExtendedSequenceNumber) => Promise.resolve(void stored.push(at)),
  } as Partial<ShardContext> as ShardContext;
  const v1 = {
    initialize: (shardId: string) => void calls.push(`initialize ${shardId}`),
    processRecords(batch: readonly V1Record[], given: V1Checkpointer) {
      calls.push(`processRecords ${batch.length}`);
      records.push(...batch);
      checkpointer = given;
    },
    shutdown(given: V1Checkpointer, reason: string) {
      calls.push(`shutdown ${reason}`);
      checkpointer = given;
    },
    shutdownRequested(given: V1Checkpointer) {
      calls.push("shutdownRequested");
      checkpointer = given;
    },
  };
  const deliver = async (data = "x") => {
    const page = pageOf([recordWith(7, data, 2)]);
    await adapt(v1).processRecords({
      records: page.records,
      millisBehindLatest: 0,
      isAtShardEnd: false,
      childShards: [],
    }, context);
  };
  return {
    v1,
    calls,
    records,
    stored,
    context,
    deliver,
    checkpoint: (...at: Parameters<V1Checkpointer["checkpoint"]>) => checkpointer?.checkpoint(...at),
  };
}

Deno.test("adapt() calls a v1 processor as KCL 1 did", async () => {
  const { v1, calls, context, deliver } = bed();
  const processor = adapt(v1);
  await processor.initialize?.(context);
  await deliver();
  await processor.shutdownRequested?.(context);
  await processor.shardEnded(context);
  await processor.leaseLost?.(context);
  assertEquals(calls, [
    "initialize s-1",
    "processRecords 1",
    "shutdownRequested",
    "shutdown TERMINATE",
    "shutdown ZOMBIE",
  ]);
});

Deno.test("adapt() lets a processor checkpoint at TERMINATE and when a shutdown is requested, and not as ZOMBIE", async () => {
  const { v1, stored, context, checkpoint } = bed();
  const processor = adapt(v1);
  await processor.shutdownRequested?.(context);
  await checkpoint();
  await processor.shardEnded(context);
  await checkpoint();
  assertEquals(stored, [undefined, undefined]);
  await processor.leaseLost?.(context);
  await assertRejects(async () => await checkpoint(), LeaseLostError, "shutdown with reason ZOMBIE");
  assertEquals(stored.length, 2);
});

Deno.test("adapt() takes a checkpoint at a record, a number, a number within an aggregate, or none", async () => {
  const { stored, records, deliver, checkpoint } = bed();
  await deliver();
  await checkpoint();
  await checkpoint("7");
  await checkpoint("7", 1);
  await checkpoint(records[0]);
  await checkpoint(records[0], 0);
  await checkpoint(null as unknown as undefined);
  assertEquals(stored, [
    undefined,
    { sequenceNumber: "7", subSequenceNumber: 0 },
    { sequenceNumber: "7", subSequenceNumber: 1 },
    { sequenceNumber: "7", subSequenceNumber: 2 },
    { sequenceNumber: "7", subSequenceNumber: 0 },
    undefined,
  ]);
});

Deno.test("adapt() gives payloads as base64 text, of any length and on any runtime, and makes the text once", async () => {
  const { deliver, records } = bed();
  const data = "0123456789".repeat(3000);
  await deliver(data);
  const [record] = records;
  assertEquals(atob(record?.data ?? ""), data);

  const { toBase64 } = Uint8Array.prototype as { toBase64?: () => string };
  let made = 0;
  const noting = {
    value(this: Uint8Array) {
      made++;
      return toBase64?.call(this);
    },
  };
  try {
    Object.defineProperty(Uint8Array.prototype, "toBase64", { ...noting, configurable: true });
    const once = bed();
    await once.deliver("abc");
    assertEquals([once.records[0]?.data, once.records[0]?.data, made], ["YWJj", "YWJj", 1]);
    // Older engines lack it.
    Object.defineProperty(Uint8Array.prototype, "toBase64", { value: undefined, configurable: true });
    const older = bed();
    await older.deliver(data);
    assertEquals(atob(older.records[0]?.data ?? ""), data);
  } finally {
    Object.defineProperty(Uint8Array.prototype, "toBase64", {
      value: toBase64,
      configurable: true,
      writable: true,
    });
  }
});

Deno.test("fromV1() makes one processor for each shard", () => {
  const made: string[] = [];
  const factory = fromV1((shardId) => {
    made.push(shardId);
    return bed().v1;
  });
  const stream = { streamName: "words", streamArn: undefined, streamIdentifier: undefined };
  const processor = factory("s-1", stream);
  factory("s-2", stream);
  assertEquals(made, ["s-1", "s-2"]);
  assertEquals([isV1Processor(bed().v1), isV1Processor(processor)], [true, false]);
});
