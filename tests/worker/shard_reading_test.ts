import { assertEquals } from "@std/assert";
import { ByteBudget } from "../../src/retrieval/byte_budget.ts";
import type { RecordsPage, RetrievalRequest } from "../../src/retrieval/retrieval.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import { settingsOf } from "../../src/options/settings.ts";
import { shardReading } from "../../src/worker/shard_reading.ts";
import type { TrackedStream } from "../../src/fleet/streams.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { MemoryBed } from "../support/memory_bed.ts";
import { eventWith, ScriptedConsumers } from "../support/scripted_consumers.ts";
import { output, ScriptedKinesis } from "../support/scripted_kinesis.ts";

function streamOf(streamName: string, more: Partial<TrackedStream> = {}): TrackedStream {
  const streamArn = `arn:aws:kinesis:us-east-1:123456789012:stream/${streamName}`;
  const reference = { streamName, streamArn };
  return {
    streamIdentifier: undefined,
    reference,
    initialPosition: "LATEST",
    consumerArn: undefined,
    ...more,
  };
}

const request: RetrievalRequest = {
  leaseKey: "s",
  shardId: "s",
  checkpoint: positionAt("7"),
  initialPosition: "LATEST",
};

function bed(options: Partial<WorkerOptions> = {}) {
  const memory = new MemoryBed();
  const kinesis = new ScriptedKinesis();
  const consumers = new ScriptedConsumers(memory.clock);
  const { reading: settings } = settingsOf({
    applicationName: "app",
    streamName: "words",
    processor: () => ({ processRecords() {}, shardEnded() {} }),
    ...options,
  });
  const kinesisConsumers = settings.retrievalMode === "FANOUT" ? consumers : undefined;
  const reading = shardReading({
    parts: { kinesis, kinesisConsumers },
    reading: settings,
    budget: new ByteBudget(settings.maxBufferedBytes),
    system: memory.system,
    emit: memory.emit,
  });
  const stop = new AbortController();
  /** The first page of a shard; reading goes on until the test stops it. */
  const firstPage = async (stream: TrackedStream) => {
    const pages = reading.of(stream).read(request, stop.signal)[Symbol.asyncIterator]();
    const next = pages.next();
    await memory.clock.advance(10);
    const page: RecordsPage | undefined = (await next).value || undefined;
    return { page, leave: () => pages.return?.() };
  };
  return { memory, kinesis, consumers, reading, firstPage, stop };
}

Deno.test("shardReading().of() makes one retrieval for a stream, and another when it is found anew", () => {
  for (const retrievalMode of ["POLLING", "FANOUT"] as const) {
    const { reading } = bed({ retrievalMode });
    const words = streamOf("words");
    assertEquals(reading.of(words) === reading.of(words), true, retrievalMode);
    assertEquals(reading.of(words) === reading.of(streamOf("words")), false, retrievalMode);
  }
});

Deno.test("shardReading() shares one bound of bytes among the shards of all streams", async () => {
  const { kinesis, firstPage, memory } = bed({ maxBufferedBytes: 2_500_000 });
  for (let i = 0; i < 20; i++) kinesis.script.push(output([i + 8], "next", { bytes: 1_000_000 }));
  const one = await firstPage(streamOf("one"));
  await memory.clock.advance(10_000);
  assertEquals(kinesis.reads.length, 2, "one page in work, one ahead of it");
  const two = await firstPage(streamOf("two"));
  await memory.clock.advance(10_000);
  // The page in work passes in any case; one ahead of it is beyond the bound that both share.
  assertEquals(kinesis.reads.length, 3);
  await Promise.all([one.leave(), two.leave()]);
});

Deno.test("shardReading() subscribes as the consumer that a stream names, else as the one of the settings", async () => {
  const { consumers, firstPage } = bed({ retrievalMode: "FANOUT", consumerName: "readers" });
  consumers.script.push([eventWith([8])], [eventWith([8])]);
  const own = await firstPage(streamOf("one", { consumerArn: "arn:given" }));
  const found = await firstPage(streamOf("two"));
  assertEquals(consumers.subscriptions.map(({ consumerArn }) => consumerArn), ["arn:given", "arn:readers"]);
  assertEquals(consumers.calls, ["describe readers"]);
  await Promise.all([own.leave(), found.leave()]);
});

Deno.test("shardReading() hands onTrimmedCheckpoint to fan-out", async () => {
  const { consumers, firstPage, memory } = bed({ retrievalMode: "FANOUT", onTrimmedCheckpoint: "latest" });
  consumers.script.push([eventWith([9])], [eventWith([20])]);
  const reading = firstPage(streamOf("words"));
  await memory.clock.advance(10_000);
  const { page, leave } = await reading;
  assertEquals(page?.records.map(({ sequenceNumber }) => sequenceNumber), ["20"]);
  assertEquals(eventsOf(memory.events, "checkpointTrimmed").map(({ outcome }) => outcome), ["latest"]);
  await leave();
});

Deno.test("shardReading().close() deregisters consumers where options say so, and no given one", async () => {
  for (const deregisterConsumerOnStop of [true, false]) {
    const { consumers, firstPage, reading, stop } = bed({
      retrievalMode: "FANOUT",
      deregisterConsumerOnStop,
    });
    consumers.script.push([eventWith([8])], [eventWith([8])]);
    const pages = [
      await firstPage(streamOf("one", { consumerArn: "arn:given" })),
      await firstPage(streamOf("two")),
    ];
    await Promise.all(pages.map(({ leave }) => leave()));
    await reading.close(stop.signal);
    const given = consumers.calls.filter((call) => call.startsWith("deregister"));
    assertEquals(given, deregisterConsumerOnStop ? ["deregister arn:app"] : []);
  }
});
