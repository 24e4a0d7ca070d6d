/** What a shard's consumer hands to a processor, and what becomes of what it throws. */

import { assertEquals } from "@std/assert";
import { AwsServiceError, LeaseLostError, ProcessorRestartError } from "../../src/errors.ts";
import { positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";
import { leaseWith } from "../lease/fixtures.ts";
import { eventsOf, NotingProcessor, pageOf, recordWith, startConsumer } from "../support/consumer_bed.ts";

Deno.test("consumeShard() delivers nothing of a page that lies at or before the checkpoint", async () => {
  const bed = startConsumer(undefined, { lease: leaseWith({ checkpoint: positionAt("5") }) });
  bed.retrieval.feed(pageOf([recordWith(4), recordWith(5)]), pageOf([recordWith(6)]));
  await bed.settle();
  assertEquals(bed.processor.calls, ["initialize", "processRecords 6"]);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() counts the payload that it delivers, for the load of the lease, and reports it", async () => {
  const bed = startConsumer(undefined, { lease: leaseWith({ checkpoint: positionAt("5") }) });
  bed.retrieval.feed(pageOf([recordWith(5, "skipped"), recordWith(6, "abc"), recordWith(7, "de")]));
  await bed.settle();
  assertEquals(bed.held.bytes, 5);
  assertEquals(eventsOf(bed.events, "batchProcessed").map(({ records, bytes }) => [records, bytes]), [[
    2,
    5,
  ]]);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() notes for the lease what was processed, and pages that leave nothing to process", async () => {
  let isFailing = true;
  const processor = new NotingProcessor({
    processRecords: async () => {
      await bed.clock.sleep(2000);
      if (isFailing) throw new Error("not yet");
    },
  });
  const bed = startConsumer(processor, {
    lease: leaseWith({ checkpoint: positionAt("5") }),
    onProcessError: "retry",
  });
  const behind = (millisBehindLatest: number, ...numbers: number[]) => ({
    ...pageOf(numbers.map((number) => recordWith(number))),
    millisBehindLatest,
  });
  bed.retrieval.feed(behind(9000, 5), behind(8000, 6, 7), behind(0));
  await bed.clock.advance(2000);
  assertEquals(bed.held.noted, [{ records: 0, millisBehindLatest: 9000, ms: 0 }], "what fails is not done");
  isFailing = false;
  await bed.clock.advance(10_000);
  assertEquals(
    bed.held.noted.map(({ records, millisBehindLatest, ms }) => [records, millisBehindLatest, ms]),
    [
      [0, 9000, 0],
      [2, 8000, 2000],
      [0, 0, 0],
    ],
  );
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() says that a batch is the last one, with children or without", async () => {
  const bed = startConsumer();
  bed.retrieval.feed(pageOf([recordWith(1)]), pageOf([recordWith(2)], []));
  await bed.end;
  assertEquals(bed.processor.batches.map(({ isAtShardEnd }) => isAtShardEnd), [false, true]);
});

Deno.test("consumeShard() takes whatever a processor throws for a failure, undefined too", async () => {
  for (const thrown of [undefined, null, 0, "text"]) {
    const processor = new NotingProcessor({
      processRecords: () => {
        throw thrown;
      },
    });
    const bed = startConsumer(processor);
    bed.retrieval.feed(pageOf([recordWith(1)]));
    await bed.settle();
    assertEquals(eventsOf(bed.events, "batchFailed").map(({ error }) => error), [
      thrown ?? (thrown === null ? null : new Error("undefined was thrown")),
    ]);
    assertEquals(eventsOf(bed.events, "batchProcessed"), []);
    bed.held.lose();
    await bed.end;
  }
});

Deno.test("consumeShard() with retry waits twice as long after each failure, 30 s at the most", async () => {
  const processor = new NotingProcessor({
    processRecords: () => {
      throw new Error("never");
    },
  });
  const bed = startConsumer(processor, { onProcessError: "retry" });
  bed.retrieval.feed(pageOf([recordWith(1)]));
  await bed.settle();
  const pausesMs: number[] = [];
  for (let i = 0; i < 9; i++) {
    const [pauseMs = NaN] = bed.clock.pendingMs;
    pausesMs.push(pauseMs);
    await bed.clock.advance(pauseMs);
  }
  assertEquals(pausesMs, [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() with retry calls nothing again for a batch that was checkpointed whole before it failed", async () => {
  const processor = new NotingProcessor({
    processRecords: async (context) => {
      await context.checkpoint();
      throw new Error("too late");
    },
  });
  const bed = startConsumer(processor, {
    onProcessError: "retry",
    callProcessRecordsEvenForEmptyRecordList: true,
  });
  bed.retrieval.feed(pageOf([recordWith(1)]));
  await bed.clock.advance(10_000);
  assertEquals(processor.calls, ["initialize", "processRecords 1"]);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() with stop covers the batch by no checkpoint, though one is asked for while the lease goes", async () => {
  const processor = new NotingProcessor({
    processRecords: () => {
      throw new Error("poison");
    },
  });
  const bed = startConsumer(processor, { onProcessError: "stop" });
  const { giveUp } = bed.held;
  bed.held.giveUp = async () => {
    await processor.context?.checkpoint(); // by a timer of the program's own
    await giveUp.call(bed.held);
  };
  bed.retrieval.feed(pageOf([recordWith(1)]));
  assertEquals(await bed.end, "lost");
  assertEquals(bed.held.stored, []);
});

Deno.test("consumeShard() with stop calls leaseLost when the lease is given up, not before", async () => {
  const order: string[] = [];
  const processor = new NotingProcessor({
    processRecords: () => {
      throw new Error("poison");
    },
    leaseLost: () => void order.push("leaseLost"),
  });
  const bed = startConsumer(processor, { onProcessError: "stop" });
  const { giveUp } = bed.held;
  bed.held.giveUp = async () => {
    order.push("given up");
    await giveUp.call(bed.held);
  };
  bed.retrieval.feed(pageOf([recordWith(1)]));
  await bed.end;
  assertEquals(order, ["given up", "leaseLost"]);
});

Deno.test("consumeShard() pauses longer with each restart in a row", async () => {
  const bed = startConsumer(undefined, {
    processor: () => {
      throw new Error("no module");
    },
  });
  await bed.clock.advance(500 + 1000 + 2000);
  assertEquals(
    eventsOf(bed.events, "processorRestarting").map(({ attempt, retryInMs }) => [attempt, retryInMs]),
    [
      [1, 500],
      [2, 1000],
      [3, 2000],
      [4, 4000],
    ],
  );
  bed.held.lose();
  assertEquals(await bed.end, "lost");
});

Deno.test("consumeShard() starts a fresh processor when one says at its beginning that it cannot go on", async () => {
  const made: NotingProcessor[] = [];
  const bed = startConsumer(undefined, {
    processor: () => {
      const isFirst = made.length === 0;
      const processor = new NotingProcessor({
        initialize: () => {
          if (isFirst) throw new ProcessorRestartError("the child died");
        },
      });
      made.push(processor);
      return processor;
    },
  });
  await bed.clock.advance(500);
  assertEquals(made.map(({ calls }) => calls), [["initialize", "dispose"], ["initialize"]]);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() waits longer after each failed initialize", async () => {
  const processor = new NotingProcessor({
    initialize: () => {
      throw new Error("not ready");
    },
  });
  const bed = startConsumer(processor);
  await bed.clock.advance(500 + 1000 + 2000 - 1);
  assertEquals(processor.calls.length, 3);
  await bed.clock.advance(1);
  assertEquals(processor.calls.length, 4);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() names the reason of a processor that asks for a fresh one", async () => {
  const bed = startConsumer();
  await bed.settle();
  bed.processor.context?.restart(new Error("the child died while idle"));
  await bed.settle();
  assertEquals(eventsOf(bed.events, "processorRestarting").map(({ error }) => String(error)), [
    "Error: the child died while idle",
  ]);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() disposes of each processor and waits for it, whatever happened", async () => {
  const gate = Promise.withResolvers<void>();
  const disposed: string[] = [];
  const processor = {
    processRecords() {},
    shardEnded() {},
    async dispose() {
      await gate.promise;
      disposed.push("disposed");
    },
  };
  let isOver = false;
  const bed = startConsumer(undefined, { processor: () => processor });
  bed.end.then(() => isOver = true);
  await bed.settle();
  bed.held.lose();
  await bed.settle();
  assertEquals(isOver, false);
  gate.resolve();
  assertEquals([await bed.end, disposed], ["lost", ["disposed"]]);
});

Deno.test("consumeShard() disposes of its processor when it fails itself", async () => {
  const processor = new NotingProcessor();
  const bed = startConsumer(processor, {
    emit: ({ type }) => {
      if (type === "aggregateProblem") throw new Error("a defect");
    },
  });
  const broken = { ...recordWith(1), data: Uint8Array.of(0xf3, 0x89, 0x9a, 0xc2) };
  bed.retrieval.feed(pageOf([broken]));
  await bed.clock.advance(500);
  assertEquals(processor.calls.slice(0, 2), ["initialize", "dispose"]);
  bed.held.lose();
  await bed.end;

  const failing = startConsumer(undefined, { processor: () => processor });
  failing.held.handOver = () => Promise.reject(new Error("a defect"));
  await failing.settle();
  processor.calls.length = 0;
  failing.held.draining.abort();
  assertEquals(await failing.end.catch(String), "Error: a defect");
  assertEquals(processor.calls.at(-1), "dispose");
});

Deno.test("consumeShard() keeps the context's signal while it drains: the lease is not lost", async () => {
  const aborted: boolean[] = [];
  const processor = new NotingProcessor({
    shutdownRequested: ({ signal }) => void aborted.push(signal.aborted),
  });
  const bed = startConsumer(processor);
  await bed.settle();
  bed.held.draining.abort();
  await bed.end;
  assertEquals(aborted, [false]);
});

Deno.test("consumeShard() delivers no further page once it is asked for a fresh processor", async () => {
  const made: NotingProcessor[] = [];
  const bed = startConsumer(undefined, {
    processor: () => {
      const processor = new NotingProcessor({
        processRecords: (context) => {
          if (made.length === 1) context.restart(new Error("the child died"));
        },
      });
      made.push(processor);
      return processor;
    },
    // A source that does not look at the signal.
    retrieval: {
      async *read() {
        yield pageOf([recordWith(1)]);
        yield pageOf([recordWith(2)]);
        await new Promise(() => {});
      },
    },
  });
  await bed.settle();
  assertEquals(made[0]?.calls, ["initialize", "processRecords 1", "dispose"]);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() tries again to give the children their leases when the table fails", async () => {
  let asked = 0;
  const bed = startConsumer();
  const create = bed.leaseStore.create.bind(bed.leaseStore);
  bed.leaseStore.create = (...given) =>
    ++asked === 1 ? Promise.reject(new Error("throttled")) : create(...given);
  const children = ["a", "b"].map((shardId) => ({
    shardId,
    parentShards: [bed.held.shardId],
    hashKeyRange: { startingHashKey: "0", endingHashKey: "9" },
  }));
  bed.retrieval.feed(pageOf([recordWith(1)], children));
  await bed.clock.advance(500);
  assertEquals([await bed.end, asked], ["completed", 3]);
  assertEquals(eventsOf(bed.events, "childLeasesFailed").map(({ attempt }) => attempt), [1]);
  assertEquals(bed.held.stored, [SHARD_END]);
});

Deno.test("consumeShard() reports a checkpoint that failed, and not one that came after the loss", async () => {
  const outcomes: unknown[] = [];
  const processor = new NotingProcessor({
    processRecords: async (context) => void outcomes.push(await context.checkpoint().catch((error) => error)),
  });
  const bed = startConsumer(processor);
  bed.held.failures.push(new Error("table down"), new LeaseLostError("s", "taken"));
  bed.retrieval.feed(pageOf([recordWith(1)]), pageOf([recordWith(2)]));
  await bed.settle();
  assertEquals(outcomes.map((error) => (error as Error).name), ["Error", "LeaseLostError"]);
  assertEquals(eventsOf(bed.events, "checkpointFailed").map(({ at }) => at), [positionAt("1")]);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() pauses after each failed look for its parents, and believes in none of them", async () => {
  let looks = 0;
  const lease = leaseWith({ parentShardIds: ["p"] });
  const bed = startConsumer(undefined, {
    lease,
    leaseStore: {
      get: () => ++looks < 3 ? Promise.reject(new Error("throttled")) : Promise.resolve(undefined),
      create: () => Promise.resolve(true),
    },
  });
  await bed.clock.advance(499);
  assertEquals([looks, bed.processor.calls], [1, []]);
  await bed.clock.advance(501);
  assertEquals([looks, bed.processor.calls], [3, ["initialize"]]);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() reports no failure when it leaves in the middle of a look for its parents", async () => {
  const bed = startConsumer(undefined, {
    lease: leaseWith({ parentShardIds: ["p"] }),
    leaseStore: {
      get: (_, signal) =>
        new Promise((_, reject) =>
          signal?.addEventListener("abort", () => reject(signal.reason), { once: true })
        ),
      create: () => Promise.resolve(true),
    },
  });
  await bed.settle();
  bed.held.lose();
  assertEquals(await bed.end, "lost");
  assertEquals(eventsOf(bed.events, "fetchFailed"), []);
});

Deno.test("consumeShard() counts restarts in a row: progress in between starts the count anew", async () => {
  let failing = "2";
  const bed = startConsumer(undefined, {
    processor: () =>
      new NotingProcessor({
        processRecords: (context) => {
          const at = fed.shift();
          if (at === failing) {
            failing = "3";
            throw new ProcessorRestartError("the child died");
          }
          return context.checkpoint();
        },
      }),
  });
  const fed = ["1", "2", "2", "3", "3"];
  bed.retrieval.feed(...[1, 2].map((n) => pageOf([recordWith(n)])));
  await bed.settle();
  bed.retrieval.feed(...[2, 3].map((n) => pageOf([recordWith(n)])));
  await bed.clock.advance(500);
  assertEquals(eventsOf(bed.events, "processorRestarting").map(({ attempt }) => attempt), [1, 1]);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() names the reason of a processor that asks for a fresh one, whatever its source makes of that", async () => {
  const bed = startConsumer(undefined, {
    retrieval: {
      async *read(_, signal) {
        yield pageOf([recordWith(1)]);
        await new Promise<void>((resolve) =>
          signal.addEventListener("abort", () => resolve(), { once: true })
        );
        throw new Error("the connection is closed");
      },
    },
  });
  await bed.settle();
  bed.processor.context?.restart(new Error("the child died"));
  await bed.settle();
  assertEquals(eventsOf(bed.events, "processorRestarting").map(({ error }) => String(error)), [
    "Error: the child died",
  ]);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() checkpoints for a processor that does not, after each batch, and goes on when that fails", async () => {
  const processor: NotingProcessor & { checkpoints?: "auto" } = new NotingProcessor();
  const bed = startConsumer(processor);
  bed.retrieval.feed(pageOf([recordWith(1)]));
  await bed.settle();
  assertEquals(bed.held.stored, []);
  processor.checkpoints = "auto";
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
  bed.retrieval.feed(pageOf([recordWith(2)]), pageOf([recordWith(3)]));
  await bed.settle();
  assertEquals(bed.held.stored, [positionAt("3")]);
  assertEquals(eventsOf(bed.events, "checkpointFailed").length, 1);
  bed.held.lose();
  await bed.end;
});
