import { assertEquals, assertRejects } from "@std/assert";
import type { RecordProcessorFactory } from "../../src/consumer/record_processor.ts";
import { LeaseTableError } from "../../src/errors.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import { KinesisWorker } from "../../src/worker/worker.ts";
import { metricsOf } from "../lease/fixtures.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { MemoryBed } from "../support/memory_bed.ts";
import { ScriptedKinesis, shardWith } from "../support/scripted_kinesis.ts";

const plain: RecordProcessorFactory = () => ({ processRecords() {}, shardEnded() {} });
const storing: RecordProcessorFactory = Object.assign(
  () => plain("", STREAM),
  { stores: "transaction" } as const,
);
const STREAM = { streamName: "words", streamArn: undefined, streamIdentifier: undefined };

/** A worker that runs beside a table. */
function start(bed: MemoryBed, processor: RecordProcessorFactory, more: Partial<WorkerOptions> = {}) {
  const kinesis = new ScriptedKinesis(() => bed.clock.monotonicMs());
  kinesis.shards = [shardWith("s-0")];
  kinesis.describeStreamSummary = () =>
    Promise.resolve({
      ...STREAM,
      streamStatus: "ACTIVE",
      streamCreationEpochS: undefined,
      openShardCount: 1,
    });
  const stop = new AbortController();
  const worker = new KinesisWorker({
    applicationName: "app",
    streamName: "words",
    kinesis,
    leaseStore: bed.store,
    coordinatorStore: bed.coordinator,
    system: bed.system,
    onEvent: bed.emit,
    log: false,
    processor,
    ...more,
  });
  const ended = worker.run(stop.signal);
  ended.catch(() => {}); // looked at later
  return { stop, ended };
}

/** A report as KCL for Java writes it. */
async function javaReports(bed: MemoryBed): Promise<void> {
  const java = metricsOf("java-7", Math.floor(bed.clock.epochMs() / 1000));
  await bed.coordinator.writeWorkerMetrics("leaseTable", java);
}

Deno.test("KinesisWorker refuses a fleet with a Java worker when its processor stores transactions", async () => {
  const bed = new MemoryBed();
  await javaReports(bed);
  const { ended } = start(bed, storing);
  await bed.clock.advance(20_000);
  await assertRejects(
    () => ended,
    LeaseTableError,
    'Cannot work on lease table "app": expected kclite alone, since the processor stores its position with its ' +
      "results: got java-7, of KCL for Java or an older kclite, which would process shards past them: stop those " +
      "workers, and start this one a minute later",
  );
  assertEquals(eventsOf(bed.events, "leaseGained").length, 0);
});

Deno.test("KinesisWorker stops when a Java worker joins and its processor stores transactions", async () => {
  const bed = new MemoryBed();
  const { ended } = start(bed, storing);
  await bed.clock.advance(20_000);
  assertEquals(eventsOf(bed.events, "leaseGained").length, 1);
  await javaReports(bed);
  await bed.clock.advance(90_000);
  await assertRejects(() => ended, LeaseTableError, "got java-7");
});

Deno.test("KinesisWorker works beside a Java worker when its processor checkpoints as ever", async () => {
  const bed = new MemoryBed();
  await javaReports(bed);
  const { stop, ended } = start(bed, plain);
  await bed.clock.advance(90_000);
  stop.abort();
  await bed.clock.advance(10_000);
  await ended;
});

Deno.test("KinesisWorker works beside kclite when its processor stores transactions", async () => {
  const bed = new MemoryBed();
  const one = start(bed, storing), other = start(bed, storing);
  await bed.clock.advance(150_000);
  one.stop.abort();
  other.stop.abort();
  await bed.clock.advance(20_000);
  await Promise.all([one.ended, other.ended]);
});

Deno.test("KinesisWorker refuses concurrency beside a processor that stores transactions", async () => {
  const { ended } = start(new MemoryBed(), storing, { concurrency: { perShard: 4, order: "key" } });
  await assertRejects(
    () => ended,
    TypeError,
    "Cannot start worker: expected no concurrency beside a processor that stores its position with its results: " +
      'got perShard 4, order "key": remove the option concurrency, and park()',
  );
});
