/** A worker whose batches are a loop. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { StreamSummary } from "../../src/aws/kinesis.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import { KinesisWorker } from "../../src/worker/worker.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { MemoryBed } from "../support/memory_bed.ts";
import { output, ScriptedKinesis, shardWith } from "../support/scripted_kinesis.ts";

class ActiveKinesis extends ScriptedKinesis {
  override describeStreamSummary(): Promise<StreamSummary> {
    const streamArn = "arn:aws:kinesis:us-east-1:123456789012:stream/words";
    const summary = { streamName: "words", streamArn, streamCreationEpochS: 1, openShardCount: 1 };
    return Promise.resolve({ ...summary, streamStatus: "ACTIVE" });
  }
}

class LoopWorkerBed extends MemoryBed {
  readonly kinesis: ActiveKinesis = new ActiveKinesis();

  constructor() {
    super();
    this.kinesis.shards = [shardWith("s-0")];
  }

  worker(more: Partial<WorkerOptions> = {}): KinesisWorker {
    return new KinesisWorker({
      applicationName: "app",
      streamName: "words",
      workerIdentifier: "me",
      initialPositionInStream: "TRIM_HORIZON",
      kinesis: this.kinesis,
      leaseStore: this.store,
      coordinatorStore: this.coordinator,
      system: this.system,
      maxInitializationAttempts: 1,
      onEvent: this.emit,
      log: false,
      ...more,
    });
  }

  /** Lets time pass until the promise settles. */
  async settled<T>(promise: Promise<T>): Promise<T> {
    let isOver = false;
    promise.then(() => isOver = true, () => isOver = true);
    for (let i = 0; i < 1200 && !isOver; i++) await this.clock.advance(50);
    assert(isOver, "nothing happens any more");
    return await promise;
  }
}

Deno.test("KinesisWorker.batches() delivers, checkpoints, and leaves a free lease behind a break", async () => {
  const bed = new LoopWorkerBed();
  bed.kinesis.script.push(output([1, 2]), output([3]));
  const worker = bed.worker();
  const seen: string[] = [];
  await bed.settled((async () => {
    for await (const batch of worker.batches()) {
      seen.push(...batch.records.map(({ sequenceNumber }) => sequenceNumber));
      if (seen.length === 3) break; // the last batch is not done
      assert(await batch.done());
    }
  })());
  assertEquals(seen, ["1", "2", "3"]);
  const { checkpoint, leaseOwner } = await bed.read("s-0");
  assertEquals([checkpoint, leaseOwner], [positionAt("2"), undefined]);
  assertEquals((await bed.store.list()).workers, []);
  assertEquals(eventsOf(bed.events, "workerStopped").map(({ error }) => error), [undefined]);
  assertEquals(eventsOf(bed.events, "batchFailed"), []);
});

Deno.test("KinesisWorker.batches() delivers a batch again that was not done, unless another rule is chosen", async () => {
  for (const onProcessError of [undefined, "skip"] as const) {
    const bed = new LoopWorkerBed();
    bed.kinesis.script.push(output([1]), output([2]));
    const seen: string[] = [];
    await bed.settled((async () => {
      for await (const { records } of bed.worker({ onProcessError }).batches()) {
        if (seen.push(records[0]?.sequenceNumber ?? "") === 2) break;
      }
    })());
    assertEquals(seen, onProcessError === "skip" ? ["1", "2"] : ["1", "1"]);
    assertEquals(eventsOf(bed.events, "errorRule"), [
      { type: "errorRule", rule: onProcessError ?? "retry", isChosen: true },
    ]);
  }
});

Deno.test("KinesisWorker.batches() ends when its signal aborts", async () => {
  const bed = new LoopWorkerBed();
  const stop = new AbortController();
  const loop = (async () => {
    for await (const batch of bed.worker().batches(stop.signal)) await batch.done();
  })();
  for (let i = 0; i < 100; i++) await bed.clock.advance(50);
  stop.abort();
  await bed.settled(loop);
  assertEquals((await bed.read("s-0")).leaseOwner, undefined);
});

Deno.test("KinesisWorker.run() without a processor says what to give, and KinesisWorker.batches() with one refuses it", async () => {
  const bed = new LoopWorkerBed();
  await assertRejects(
    () => bed.worker().run(),
    TypeError,
    "expected the option processor to be a function that makes a RecordProcessor: got undefined: give one, " +
      "e.g. eachRecord(), or loop over worker.batches()",
  );
  const worker = bed.worker({ processor: () => ({ processRecords: () => {}, shardEnded: () => {} }) });
  assertThrows(() => worker.batches(), TypeError, "expected no option processor");
});

Deno.test("KinesisWorker.batches() runs a worker once", async () => {
  const bed = new LoopWorkerBed();
  const worker = bed.worker();
  const stop = new AbortController();
  stop.abort();
  await bed.settled(worker.batches(stop.signal).next());
  await assertRejects(() => worker.batches().next(), TypeError, "it has run before");
});
