/** A loop over the batches of two shards, beside real consumers. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type WorkerBatch, workerBatches } from "../../src/consumer/batch_loop.ts";
import { positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";
import { leaseWith } from "../lease/fixtures.ts";
import {
  type ConsumerBed,
  type ConsumerChanges,
  eventsOf,
  NotingProcessor,
  pageOf,
  recordWith,
  startConsumer,
} from "../support/consumer_bed.ts";

/** What stands for a worker: it consumes shards until its signal aborts, and then drains them. */
class LoopBed {
  readonly stop = new AbortController();
  readonly shards: ConsumerBed[] = [];
  readonly ends: string[] = [];
  runs = 0;
  isStopped = false;
  /** What the run fails with at its start. */
  failure: Error | undefined;
  readonly loop;

  constructor(shardIds: readonly string[], changes: ConsumerChanges = {}) {
    this.loop = workerBatches(async (processor, signal) => {
      this.runs++;
      if (this.failure !== undefined) throw this.failure;
      for (const shardId of shardIds) {
        const lease = leaseWith({ leaseKey: shardId, shardId });
        const options = { onProcessError: "retry", ...changes, processor, lease } as const;
        this.shards.push(startConsumer(new NotingProcessor(), options));
      }
      this.#started.resolve();
      if (!signal.aborted) {
        await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
      }
      for (const { held } of this.shards) held.draining.abort();
      this.ends.push(...await Promise.all(this.shards.map(({ end }) => end)));
      this.isStopped = true;
    }, this.stop.signal);
  }
  readonly #started = Promise.withResolvers<void>();

  /** The first batch; feeds come before it. */
  async first(...feeds: (readonly number[])[]): Promise<WorkerBatch> {
    const first = this.loop.next();
    await this.#started.promise;
    feeds.forEach((numbers, i) => this.feed(i, ...numbers));
    await this.settle();
    return batchOf(await first);
  }

  feed(shard: number, ...numbers: readonly number[]): void {
    this.#shard(shard).retrieval.feed(...numbers.map((n) => pageOf([recordWith(n)])));
  }

  async next(): Promise<WorkerBatch> {
    const next = this.loop.next();
    await this.settle();
    return batchOf(await next);
  }

  async settle(ms = 0): Promise<void> {
    for (const { clock } of this.shards) await clock.advance(ms);
  }

  stored(shard = 0): readonly string[] {
    return this.#shard(shard).held.stored.map(({ sequenceNumber }) => sequenceNumber);
  }

  failures(shard = 0): readonly string[] {
    return eventsOf(this.#shard(shard).events, "batchFailed").map(({ outcome, error }) =>
      `${outcome}: ${(error as Error).message}`
    );
  }

  #shard(index: number): ConsumerBed {
    const shard = this.shards[index];
    if (shard === undefined) throw new Error(`no shard ${index}`);
    return shard;
  }
}

function batchOf({ value }: IteratorResult<WorkerBatch, void>): WorkerBatch {
  if (!value) throw new Error("the loop has ended");
  return value;
}

const nameOf = ({ context, records }: WorkerBatch) =>
  `${context.shardId}: ${records.map(({ sequenceNumber }) => sequenceNumber).join("+")}`;

Deno.test("workerBatches() starts the worker with the first next(), not before", async () => {
  const bed = new LoopBed(["a"]);
  assertEquals(bed.runs, 0);
  await bed.loop.return();
  assertEquals(bed.runs, 0);
  assertEquals(await bed.loop.next(), { done: true, value: undefined });
});

Deno.test("workerBatches() lets shards take turns: one batch of each at a time", async () => {
  const bed = new LoopBed(["a", "b"]);
  const seen: string[] = [];
  let batch = await bed.first([1, 2, 3], [7, 8, 9]);
  for (; seen.length < 5; batch = await bed.next()) {
    seen.push(nameOf(batch));
    assert(await batch.done());
  }
  assertEquals(seen, ["a: 1", "b: 7", "a: 2", "b: 8", "a: 3"]);
  await bed.loop.return();
});

Deno.test("workerBatches() stores the checkpoint in done(), once, before it resolves", async () => {
  const bed = new LoopBed(["a"]);
  const batch = await bed.first([1, 2]);
  assertEquals(bed.stored(), []);
  assertEquals(await Promise.all([batch.done(), batch.done()]), [true, true]);
  assertEquals(bed.stored(), ["1"]);
  await bed.loop.return();
  assertEquals({ stored: bed.stored(), ends: bed.ends }, { stored: ["1"], ends: ["drained"] });
  assertEquals(bed.failures(), []);
});

Deno.test("workerBatches() takes a batch that is not done before the next turn for a failure: it comes again", async () => {
  const bed = new LoopBed(["a"]);
  const lost = await bed.first([1, 2]);
  const next = bed.loop.next();
  await bed.settle(500);
  const again = batchOf(await next);
  assertEquals(nameOf(again), "a: 1");
  assertEquals(bed.failures(), [
    "retrying: Cannot go on in shard a: expected done() of its batch before the loop asked for the next one",
  ]);
  assertEquals(await lost.done(), false);
  assertEquals(bed.stored(), []);
  await again.done();
  assertEquals(nameOf(await bed.next()), "a: 2");
  await bed.loop.return();
});

Deno.test("workerBatches() waits for a done() that nobody awaited", async () => {
  const bed = new LoopBed(["a"]);
  void (await bed.first([1, 2])).done();
  assertEquals(nameOf(await bed.next()), "a: 2");
  assertEquals({ stored: bed.stored(), failures: bed.failures() }, { stored: ["1"], failures: [] });
  await bed.loop.return();
});

Deno.test("workerBatches() gives back at the end of `await using` what is not done", async () => {
  const bed = new LoopBed(["a"]);
  {
    await using batch = await bed.first([1, 2]);
    assertEquals(nameOf(batch), "a: 1");
  }
  assertEquals(bed.failures().length, 0);
  await bed.settle();
  assertEquals(bed.failures(), [
    "retrying: Cannot go on in shard a: expected done() of its batch before the end of its scope",
  ]);
  const next = bed.loop.next();
  await bed.settle(500);
  {
    await using batch = batchOf(await next);
    assertEquals(nameOf(batch), "a: 1");
    await batch.done();
  }
  assertEquals(bed.stored(), ["1"]);
  await bed.loop.return();
});

Deno.test("workerBatches() with break stops the worker in order, and leaves quietly what is not done", async () => {
  const bed = new LoopBed(["a", "b"]);
  (await bed.first([1, 2], [7])).done();
  for await (const batch of bed.loop) {
    assertEquals(nameOf(batch), "b: 7");
    await bed.settle(); // a: 2 waits for its turn
    break;
  }
  assert(bed.isStopped);
  assertEquals(bed.ends, ["drained", "drained"]);
  assertEquals([bed.stored(0), bed.stored(1)], [["1"], []]);
  assertEquals([...bed.failures(0), ...bed.failures(1)], []);
});

Deno.test("workerBatches() stops the worker after an error in the loop's body, and throws that error", async () => {
  const bed = new LoopBed(["a"]);
  await (await bed.first([1, 2])).done();
  await assertRejects(
    async () => {
      for await (const batch of bed.loop) throw new Error(`cannot do ${nameOf(batch)}`);
    },
    Error,
    "cannot do a: 2",
  );
  assert(bed.isStopped);
  assertEquals({ stored: bed.stored(), failures: bed.failures() }, { stored: ["1"], failures: [] });
});

Deno.test("workerBatches() lets the batch in hand be done after the signal aborts, hands no other out, and ends", async () => {
  const bed = new LoopBed(["a", "b"]);
  const batch = await bed.first([1, 2], [7]);
  bed.stop.abort();
  await bed.settle();
  assert(!bed.isStopped);
  assertEquals(await batch.done(), true);
  assertEquals(await bed.loop.next(), { done: true, value: undefined });
  assert(bed.isStopped);
  assertEquals([bed.stored(0), bed.stored(1)], [["1"], []]);
  assertEquals([...bed.failures(0), ...bed.failures(1)], []);
});

Deno.test("workerBatches() with a signal that has aborted before ends at once", async () => {
  const bed = new LoopBed(["a"]);
  bed.stop.abort();
  assertEquals(await bed.loop.next(), { done: true, value: undefined });
  assert(bed.isStopped);
});

Deno.test("workerBatches() answers false in done() when the lease is lost, and goes on with other shards", async () => {
  const bed = new LoopBed(["a", "b"]);
  const batch = await bed.first([1], [7]);
  bed.shards[0]?.held.lose();
  assert(batch.context.signal.aborted);
  assertEquals(await batch.done(), false);
  assertEquals(nameOf(await bed.next()), "b: 7");
  assertEquals(await bed.shards[0]?.end, "lost");
  assertEquals(bed.failures(0), []);
  await bed.loop.return();
});

Deno.test("workerBatches() takes the batch of a lost lease out of the queue", async () => {
  const bed = new LoopBed(["a", "b"]);
  const batch = await bed.first([1, 2], [7]);
  bed.shards[1]?.held.lose();
  await bed.settle();
  assertEquals(await bed.shards[1]?.end, "lost");
  await batch.done();
  assertEquals(nameOf(await bed.next()), "a: 2");
  await bed.loop.return();
});

Deno.test("workerBatches() stores SHARD_END when the last batch is done, not before", async () => {
  const bed = new LoopBed(["a"]);
  const first = bed.loop.next();
  await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
  bed.shards[0]?.retrieval.feed(pageOf([recordWith(1)], []));
  await bed.settle();
  const batch = batchOf(await first);
  assertEquals({ isAtShardEnd: batch.isAtShardEnd, stored: bed.shards[0]?.held.stored }, {
    isAtShardEnd: true,
    stored: [],
  });
  await batch.done();
  await bed.settle();
  assertEquals(bed.shards[0]?.held.stored, [positionAt("1"), SHARD_END]);
  assertEquals(await bed.shards[0]?.end, "completed");
  await bed.loop.return();
});

Deno.test("workerBatches() leaves a last batch that is not done without SHARD_END", async () => {
  const bed = new LoopBed(["a"]);
  const first = bed.loop.next();
  await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
  bed.shards[0]?.retrieval.feed(pageOf([recordWith(1)], []));
  await bed.settle();
  batchOf(await first);
  await bed.loop.return();
  assertEquals({ stored: bed.stored(), ends: bed.ends }, { stored: [], ends: ["drained"] });
});

Deno.test("workerBatches() lets a part of a batch be checkpointed: only the rest comes again", async () => {
  const bed = new LoopBed(["a"]);
  const first = bed.loop.next();
  await new Promise((resolve) => queueMicrotask(() => resolve(undefined)));
  bed.shards[0]?.retrieval.feed(pageOf([1, 2, 3].map((n) => recordWith(n))));
  await bed.settle();
  const batch = batchOf(await first);
  await batch.context.checkpoint(batch.records[1]);
  const next = bed.loop.next();
  await bed.settle(500);
  assertEquals(nameOf(batchOf(await next)), "a: 3");
  await bed.loop.return();
});

Deno.test("workerBatches() throws from next() what the worker ends with", async () => {
  const bed = new LoopBed(["a"]);
  bed.failure = new Error("no table");
  await assertRejects(() => bed.loop.next(), Error, "no table");
  assertEquals(await bed.loop.next(), { done: true, value: undefined });
});

Deno.test("workerBatches() stops the worker at the end of `await using`, a next() that waits too", async () => {
  const bed = new LoopBed(["a"]);
  let waiting: Promise<unknown>;
  {
    await using loop = bed.loop;
    await (await bed.first([1])).done();
    waiting = loop.next();
    await bed.settle();
  }
  assertEquals(await waiting, { done: true, value: undefined });
  assert(bed.isStopped);
});
