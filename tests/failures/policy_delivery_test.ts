/** What a delivery by policy does over time: pauses, sinks that are down, lost leases, lanes, windows. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { LeaseLostError, ProcessorRestartError } from "../../src/errors.ts";
import { recordMemory } from "../../src/retrieval/page_memory.ts";
import { positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";
import { leaseWith } from "../lease/fixtures.ts";
import { eventsOf, pageOf } from "../support/consumer_bed.ts";
import { deliveriesOf, keyed, MemorySink, type PolicyBed, startPolicy } from "../support/policy_bed.ts";

const LETTERS = "letters" as unknown as "skip";

/** Records of one key, or of the keys given, from number 1 on. */
function records(count: number, keys: readonly string[] = ["key"]) {
  return Array.from({ length: count }, (_, i) => keyed(i + 1, keys[i % keys.length] ?? "key"));
}

/** Calls that a test lets go one by one. */
class Gate {
  readonly open = new Map<string, () => void>();
  running = 0;
  most = 0;

  async hold(name: string): Promise<void> {
    this.running++;
    this.most = Math.max(this.most, this.running);
    await new Promise<void>((resolve) => this.open.set(name, resolve));
    this.running--;
  }

  let(name: string): void {
    this.open.get(name)?.();
    this.open.delete(name);
  }
}

async function lose(bed: PolicyBed): Promise<void> {
  bed.held.lose();
  await bed.end;
  assertEquals(bed.budget.used, 0);
}

const memoryOfTwo = records(2).reduce((sum, record) => sum + recordMemory(record), 0);

Deno.test("policyDeliveries() with stop keeps the lease for five minutes, gives it up, and begins no call meanwhile", async () => {
  const bed = startPolicy({ errors: { retry: { attempts: 1 } } }, () => {
    throw new Error("never");
  });
  bed.retrieval.feed(pageOf(records(2)), pageOf([keyed(3, "key")]));
  await bed.clock.advance(10_000);
  assertEquals(bed.calls, ["1+2", "1+2"]);
  assertEquals(eventsOf(bed.events, "shardStopped").map(({ retryInMs }) => retryInMs), [300_000]);
  assertEquals(eventsOf(bed.events, "batchFailed").map(({ outcome }) => outcome), [
    "retrying",
    "leaseGivenUp",
  ]);
  await bed.clock.advance(280_000);
  assertEquals([bed.held.givenUp, bed.calls.length], [0, 2]);
  await bed.clock.advance(20_000);
  assertEquals(await bed.end, "lost");
  assertEquals(bed.held.givenUp, 1);
  assertEquals(bed.held.stored, []);
});

Deno.test("policyDeliveries() with stop tries again as often when the lease is gained again", async () => {
  const options = { errors: { retry: { attempts: 1 } } };
  const deliveries = deliveriesOf(options);
  for (let turn = 0; turn < 2; turn++) {
    const bed = startPolicy(options, () => {
      throw new Error("never");
    }, { deliveries });
    bed.retrieval.feed(pageOf(records(1)));
    await bed.clock.advance(400_000);
    assertEquals(bed.calls, ["1", "1"]);
    assertEquals(await bed.end, "lost");
  }
});

Deno.test("policyDeliveries() with stop hands the lease over at once when the worker stops", async () => {
  const bed = startPolicy({ errors: { retry: { attempts: 0 } } }, () => {
    throw new Error("never");
  });
  bed.retrieval.feed(pageOf(records(1)));
  await bed.clock.advance(1000);
  bed.held.draining.abort();
  await bed.settle();
  assertEquals(await bed.end, "drained");
  assertEquals([bed.held.handedOver, bed.held.givenUp], [1, 0]);
});

Deno.test("policyDeliveries() counts attempts on across a lost and gained lease, and a fresh processor", async () => {
  const options = { errors: { retry: { attempts: 3, delay: () => 1000 }, onExhausted: LETTERS } };
  const sink = new MemorySink();
  const deliveries = deliveriesOf(options, sink);
  const first = startPolicy(options, () => {
    throw new Error("never");
  }, { deliveries, sink });
  first.retrieval.feed(pageOf(records(2)));
  await first.clock.advance(1500);
  assertEquals(first.calls.length, 2);
  await lose(first);
  const second = startPolicy(options, () => {
    throw new Error("never");
  }, { deliveries, sink });
  // Another page brings more records: the old batch stays as it was.
  second.retrieval.feed(pageOf(records(3)));
  await second.clock.advance(10_000);
  assertEquals(second.calls.slice(0, 2), ["1+2", "1+2"]);
  assertEquals(sink.letters[0]?.attempts, 4);
  assertEquals(sink.numbers[0], "1+2");
  await lose(second);
});

Deno.test("policyDeliveries() counts a processor that must be replaced as a failed attempt", async () => {
  const bed = startPolicy(
    { errors: { retry: { attempts: 2 }, onExhausted: LETTERS } },
    ({ records }) => {
      if (records.some(({ sequenceNumber }) => sequenceNumber === "1")) {
        throw new ProcessorRestartError("its child died");
      }
    },
  );
  for (let restart = 0; restart < 3; restart++) {
    bed.retrieval.feed(pageOf(records(2)));
    await bed.clock.advance(60_000);
  }
  bed.retrieval.feed(pageOf([keyed(3, "key")]));
  await bed.settle();
  assertEquals(bed.calls, ["1+2", "1+2", "1+2", "3"]);
  assertEquals(bed.sink.numbers, ["1+2"]);
  assertEquals(bed.sink.letters[0]?.attempts, 3);
  assertEquals(eventsOf(bed.events, "processorRestarting").length, 3);
  assertEquals(bed.held.stored, [positionAt("2"), positionAt("3")]);
  await lose(bed);
});

Deno.test("policyDeliveries() stores a dead letter before a checkpoint passes it, and waits while the sink is down", async () => {
  const bed = startPolicy({ errors: { retry: { attempts: 0 }, onExhausted: LETTERS } }, ({ records }) => {
    if (records[0]?.sequenceNumber === "1") throw new Error("never");
  });
  bed.sink.failure = () => new Error("down");
  bed.retrieval.feed(pageOf(records(1)), pageOf([keyed(2, "key")]));
  await bed.clock.advance(600_000);
  assertEquals(bed.calls, ["1"]);
  assertEquals(bed.held.stored, []);
  const failed = eventsOf(bed.events, "deadLetterFailed");
  assert(failed.length > 20 && failed.length < 80, `${failed.length} tries in ten minutes`);
  assertEquals(failed.slice(0, 4).map(({ attempt, retryInMs }) => [attempt, retryInMs]), [
    [1, 50],
    [2, 100],
    [3, 200],
    [4, 400],
  ]);
  bed.sink.failure = undefined;
  await bed.clock.advance(30_000);
  assertEquals(bed.sink.numbers, ["1"]);
  assertEquals(bed.calls, ["1", "2"]);
  assertEquals(bed.held.stored, [positionAt("1"), positionAt("2")]);
  const [letter] = bed.sink.letters;
  assertEquals([letter?.applicationName, letter?.workerId, letter?.shardId, letter?.streamName], [
    "app",
    "worker-1",
    bed.held.shardId,
    "words",
  ]);
  await lose(bed);
});

Deno.test("policyDeliveries() tries a sink again that does not answer within a minute", async () => {
  const bed = startPolicy({ errors: { retry: { attempts: 0 }, onExhausted: LETTERS } }, () => {
    throw undefined;
  });
  bed.sink.failure = () => new Promise(() => {});
  bed.retrieval.feed(pageOf(records(1)));
  await bed.clock.advance(59_000);
  assertEquals(eventsOf(bed.events, "deadLetterFailed"), []);
  await bed.clock.advance(2_000);
  const [failed] = eventsOf(bed.events, "deadLetterFailed");
  assertStringIncludes(`${failed?.error}`, "a list did not store the dead letter within 60000 ms");
  await lose(bed);
});

Deno.test("policyDeliveries() leaves soon in the middle of a pause, and loses nothing", async () => {
  const bed = startPolicy({ errors: { retry: { delay: () => 3_600_000 } } }, ({ records }) => {
    if (records[0]?.sequenceNumber === "2") throw new Error("later");
  }, { checkpoints: "own" });
  bed.retrieval.feed(pageOf(records(1)), pageOf([keyed(2, "key")]));
  await bed.clock.advance(1000);
  bed.held.draining.abort();
  await bed.settle();
  assertEquals(await bed.end, "drained");
  assertEquals(bed.held.stored, [positionAt("1")]);
  assertEquals(bed.processor.calls, ["initialize", "shutdownRequested", "leaseLost", "dispose"]);
  assertEquals(bed.clock.pendingMs, []);
  assertEquals(bed.budget.used, 0);
});

Deno.test("policyDeliveries() stores what is finished when it leaves, though its pace is not over", async () => {
  const bed = startPolicy({ concurrency: { perShard: 2 }, batch: { size: 1 } }, () => {}, {
    checkpoints: "auto",
  });
  bed.retrieval.feed(pageOf([keyed(1, "a"), keyed(2, "b")]));
  await bed.settle();
  assertEquals(bed.calls, ["1", "2"]);
  assertEquals(bed.held.stored, [], "many calls share one checkpoint a second");
  bed.held.draining.abort();
  await bed.settle();
  assertEquals(await bed.end, "drained");
  assertEquals(bed.held.stored, [positionAt("2")]);
});

Deno.test("policyDeliveries() lets a running call finish before it leaves", async () => {
  const gate = new Gate();
  const bed = startPolicy({ errors: {} }, () => gate.hold("1"));
  bed.retrieval.feed(pageOf(records(1)));
  await bed.settle();
  bed.held.draining.abort();
  await bed.settle();
  assertEquals(bed.processor.calls, ["initialize"]);
  gate.let("1");
  await bed.settle();
  assertEquals(await bed.end, "drained");
  assertEquals(bed.held.stored, [positionAt("1")]);
});

Deno.test("policyDeliveries() repeats only what a failed call had not checkpointed", async () => {
  let isFirst = true;
  const bed = startPolicy({ errors: { split: "bisect" } }, async (_, context) => {
    if (!isFirst) return;
    isFirst = false;
    await context.checkpoint(positionAt("2"));
    throw new Error("at the third");
  });
  bed.retrieval.feed(pageOf(records(4)));
  await bed.clock.advance(10_000);
  assertEquals(bed.calls, ["1+2+3+4", "3", "4"]);
  assertEquals(bed.held.stored, [positionAt("2"), positionAt("3"), positionAt("4")]);
  await lose(bed);
});

Deno.test("policyDeliveries() tries again what an answer calls failed, even where it was checkpointed, and says so", async () => {
  let isFirst = true;
  const bed = startPolicy({ errors: { partial: true } }, async ({ records }, context) => {
    await context.checkpoint();
    const failed = isFirst ? records.slice(1) : [];
    isFirst = false;
    return { batchItemFailures: failed.map(({ sequenceNumber }) => ({ itemIdentifier: sequenceNumber })) };
  });
  bed.retrieval.feed(pageOf(records(3)));
  await bed.clock.advance(10_000);
  assertEquals(bed.calls, ["1+2+3", "2+3"]);
  assertStringIncludes(`${eventsOf(bed.events, "notice")[0]?.text}`, "what its answer calls failed");
  await lose(bed);
});

Deno.test("policyDeliveries() takes the default pause where the user's own fails, with one warning", async () => {
  for (
    const delay of [() => NaN, () => -1, () => "5" as unknown as number, () => {
      throw new Error("no");
    }]
  ) {
    const bed = startPolicy({ errors: { retry: { delay } } }, () => {
      throw new Error("never");
    });
    bed.retrieval.feed(pageOf(records(1)));
    await bed.clock.advance(1000);
    assertEquals(bed.calls.length, 5); // after 50, 100, 200 and 400 ms
    assertEquals(eventsOf(bed.events, "notice").length, 1);
    await lose(bed);
  }
});

Deno.test("policyDeliveries() aborts a call that takes too long, waits for it, and counts it as failed", async () => {
  let isAborted = false;
  const bed = startPolicy(
    { errors: { callTimeoutMs: 3000, retry: { attempts: 0 }, onExhausted: LETTERS } },
    (_, { signal }) =>
      new Promise((resolve) =>
        signal.addEventListener("abort", () => {
          isAborted = true;
          resolve();
        })
      ),
    { checkpoints: "none" },
  );
  bed.retrieval.feed(pageOf(records(1)));
  await bed.clock.advance(2999);
  assertEquals(isAborted, false);
  await bed.clock.advance(2);
  assertEquals(isAborted, true);
  assertEquals(bed.sink.numbers, ["1"]);
  assertStringIncludes(`${bed.sink.letters[0]?.error}`, "callTimeoutMs = 3000");
  assertEquals(bed.clock.pendingMs.filter((ms) => ms < 10_000), []);
  await lose(bed);
});

Deno.test("policyDeliveries() leaves a call behind that never returns: a fresh processor continues, the policy counts", async () => {
  const bed = startPolicy(
    { errors: { callTimeoutMs: 1000, retry: { attempts: 1 }, onExhausted: LETTERS } },
    ({ records }) => records[0]?.sequenceNumber === "1" ? new Promise(() => {}) : undefined,
  );
  bed.retrieval.feed(pageOf(records(1)));
  await bed.clock.advance(32_000);
  assertEquals(eventsOf(bed.events, "processorRestarting").length, 1);
  bed.retrieval.feed(pageOf(records(1)));
  await bed.clock.advance(40_000);
  assertEquals(bed.calls, ["1", "1"]);
  assertEquals(bed.sink.numbers, ["1"]);
  bed.retrieval.feed(pageOf([keyed(2, "key")]));
  await bed.clock.advance(10_000);
  assertEquals(bed.calls, ["1", "1", "2"]);
  assertEquals(bed.held.stored, [positionAt("1"), positionAt("2")]);
  await lose(bed);
});

Deno.test("policyDeliveries() gives each call a number in the events, also beside one that was left behind", async () => {
  const hangs = [1];
  const bed = startPolicy(
    {
      concurrency: { perShard: 2 },
      batch: { size: 1 },
      errors: { callTimeoutMs: 1000, onExhausted: "skip" },
    },
    ({ records }) => {
      if (records[0]?.sequenceNumber !== "1" || hangs.pop() === undefined) return;
      return new Promise(() => {});
    },
  );
  bed.retrieval.feed(pageOf(records(3, ["a", "b", "c"])));
  await bed.clock.advance(32_000);
  bed.retrieval.feed(pageOf(records(3, ["a", "b", "c"])));
  await bed.clock.advance(500);
  const started = eventsOf(bed.events, "callbackStarted").flatMap(({ call }) => call ?? []);
  const ended = eventsOf(bed.events, "callbackEnded").flatMap(({ call }) => call ?? []);
  assertEquals(started, [1, 2, 3, 4]);
  assertEquals(ended, [2, 3, 4]);
  await lose(bed);
});

Deno.test("policyDeliveries() warns once when a processor names failed records and partial is not set", async () => {
  for (const partial of [false, true]) {
    const bed = startPolicy(
      { batch: { size: 1 }, errors: { partial, retry: { attempts: 0 }, onExhausted: LETTERS } },
      ({ records }) => ({
        batchItemFailures: records.slice(0, 1).map(({ sequenceNumber: itemIdentifier }) => ({
          itemIdentifier,
        })),
      }),
    );
    bed.retrieval.feed(pageOf(records(3)));
    await bed.clock.advance(10_000);
    assertEquals(bed.sink.numbers, partial ? ["1", "2", "3"] : []);
    const texts = eventsOf(bed.events, "notice").map(({ level, text }) => `${level} ${text}`);
    assertEquals(
      texts,
      partial ? [] : [
        "warning The answer of the processor names failed records, and they count as processed: " +
        "set errors.partial = true (property functionResponseTypes = ReportBatchItemFailures)",
      ],
    );
    await lose(bed);
  }
});

Deno.test("policyDeliveries() does not warn of answers that name no failed record", async () => {
  for (const answer of [undefined, null, {}, { batchItemFailures: [] }]) {
    const bed = startPolicy({ errors: {} }, () => answer as { batchItemFailures: [] });
    bed.retrieval.feed(pageOf(records(1)));
    await bed.clock.advance(100);
    assertEquals(eventsOf(bed.events, "notice"), []);
    await lose(bed);
  }
});

Deno.test("policyDeliveries() begins no call when the lease has expired by the clock", async () => {
  const bed = startPolicy({ errors: {} });
  bed.held.expire();
  bed.retrieval.feed(pageOf(records(1)));
  await bed.settle();
  assertEquals(await bed.end, "lost");
  assertEquals(bed.calls, []);
  assertEquals(bed.budget.used, 0);
});

Deno.test("policyDeliveries() gathers batches across pages by size, bytes and window", async () => {
  const bed = startPolicy({ batch: { size: 3, windowMs: 5000, bytes: 10 } });
  bed.retrieval.feed(pageOf(records(2)));
  await bed.clock.advance(4999);
  assertEquals(bed.calls, []);
  assertEquals(bed.budget.used, memoryOfTwo);
  await bed.clock.advance(1);
  assertEquals(bed.calls, ["1+2"]);
  bed.retrieval.feed(pageOf([keyed(3, "a"), keyed(4, "b")]), pageOf([keyed(5, "c")]));
  await bed.settle();
  assertEquals(bed.calls, ["1+2", "3+4+5"]);
  const large = { data: new Uint8Array(6) };
  bed.retrieval.feed(
    pageOf([keyed(6, "a", large), keyed(7, "b", large), keyed(8, "c", { data: new Uint8Array(99) })]),
  );
  await bed.settle();
  assertEquals(bed.calls.slice(2), ["6", "7", "8"]);
  await lose(bed);
});

Deno.test("policyDeliveries() waits for no window at the end of the shard, and says which batch is the last", async () => {
  const ends: boolean[] = [];
  const bed = startPolicy(
    { batch: { size: 2, windowMs: 300_000 } },
    ({ isAtShardEnd }) => void ends.push(isAtShardEnd),
  );
  bed.retrieval.feed(pageOf(records(3), []));
  await bed.settle();
  assertEquals(await bed.end, "completed");
  assertEquals(bed.calls, ["1+2", "3"]);
  assertEquals(ends, [false, true]);
  assertEquals(bed.held.stored.at(-1), SHARD_END);
});

Deno.test("policyDeliveries() lets the checkpoint pass filtered records, paced, and delivers what a filter cannot judge", async () => {
  const bed = startPolicy({
    filter: ({ partitionKey, sequenceNumber }) => {
      if (sequenceNumber === "9") throw undefined;
      return partitionKey === "wanted";
    },
  });
  bed.retrieval.feed(pageOf(records(4, ["other"])));
  await bed.clock.advance(4999);
  assertEquals(bed.held.stored, []);
  await bed.clock.advance(1);
  assertEquals([bed.calls, bed.held.stored], [[], [positionAt("4")]]);
  bed.retrieval.feed(pageOf([keyed(5, "other"), keyed(6, "wanted"), keyed(7, "other"), keyed(9, "other")]));
  await bed.settle();
  assertEquals(bed.calls, ["6+9"]);
  assertEquals(eventsOf(bed.events, "notice").length, 1);
  await lose(bed);
});

Deno.test("policyDeliveries() passes no record that its processor keeps in memory, filtered ones behind it neither", async () => {
  const bed = startPolicy({ filter: ({ partitionKey }) => partitionKey === "a" }, () => {}, {
    checkpoints: "none",
  });
  bed.retrieval.feed(pageOf([keyed(1, "b"), keyed(2, "a"), keyed(3, "b")]));
  await bed.clock.advance(5000);
  bed.retrieval.feed(pageOf([]));
  await bed.settle();
  assertEquals(bed.held.stored, [positionAt("1")]);
  bed.held.draining.abort();
  await bed.settle();
  assertEquals(bed.held.stored, [positionAt("1")]);
  await bed.end;
});

Deno.test("policyDeliveries() keeps the order of a key, runs others beside it, and stores the contiguous prefix", async () => {
  const gate = new Gate();
  const bed = startPolicy(
    { concurrency: { perShard: 2 }, batch: { size: 1 } },
    ({ records }) => gate.hold(`${records[0]?.sequenceNumber}`),
  );
  bed.retrieval.feed(pageOf([keyed(1, "a"), keyed(2, "a"), keyed(3, "b"), keyed(4, "c")]));
  await bed.settle();
  assertEquals(bed.calls, ["1", "3"]);
  gate.let("3");
  await bed.settle();
  assertEquals(bed.calls, ["1", "3", "4"]);
  assertEquals(bed.held.stored, []);
  gate.let("1");
  await bed.settle();
  assertEquals(bed.held.stored, [positionAt("1")]);
  assertEquals(bed.calls, ["1", "3", "4", "2"]);
  gate.let("2");
  await bed.settle();
  assertEquals(bed.held.stored, [positionAt("1"), positionAt("3")]);
  gate.let("4");
  await bed.settle();
  assertEquals(bed.held.stored.at(-1), positionAt("4"));
  assertEquals(gate.most, 2);
  await lose(bed);
});

Deno.test("policyDeliveries() with order none runs records of one key at the same time", async () => {
  const gate = new Gate();
  const bed = startPolicy(
    { concurrency: { perShard: 3, order: "none" }, batch: { size: 1 } },
    ({ records }) => gate.hold(`${records[0]?.sequenceNumber}`),
  );
  bed.retrieval.feed(pageOf(records(4)));
  await bed.settle();
  assertEquals(bed.calls, ["1", "2", "3"]);
  for (const name of ["3", "2", "1"]) gate.let(name);
  await bed.settle();
  gate.let("4");
  await bed.settle();
  assertEquals(bed.held.stored.at(-1), positionAt("4"));
  await lose(bed);
});

Deno.test("policyDeliveries() lets other keys go on while one fails and pauses", async () => {
  const bed = startPolicy(
    { concurrency: { perShard: 2 }, batch: { size: 1 }, errors: { retry: { delay: () => 60_000 } } },
    ({ records }) => {
      if (records[0]?.partitionKey === "bad") throw new Error("never");
    },
  );
  bed.retrieval.feed(pageOf(records(6, ["bad", "a", "b"])));
  await bed.clock.advance(1000);
  assertEquals(bed.calls.toSorted(), ["1", "2", "3", "5", "6"]);
  assertEquals(bed.held.stored, [positionAt("TRIM_HORIZON")], "what is finished ahead, and no more");
  await lose(bed);
});

Deno.test("policyDeliveries() keeps the order of keys inside aggregates, and checkpoints within one", async () => {
  const gate = new Gate();
  const bed = startPolicy(
    { concurrency: { perShard: 3 }, batch: { size: 1 } },
    ({ records }) => gate.hold(`${records[0]?.subSequenceNumber}`),
  );
  const parts = ["a", "a", "b"].map((key, subSequenceNumber) =>
    keyed(7, key, { subSequenceNumber, aggregated: true })
  );
  bed.retrieval.feed(pageOf(parts));
  await bed.settle();
  assertEquals([...gate.open.keys()], ["0", "2"]);
  gate.let("0");
  await bed.settle();
  assertEquals(bed.held.stored, [positionAt("7", 0)]);
  gate.let("2");
  gate.let("1");
  await bed.settle();
  assertEquals(bed.held.stored.at(-1), positionAt("7", 1));
  // The last one was not finished yet when the other asked; what was asked for is stored soon.
  await bed.clock.advance(1000);
  assertEquals(bed.held.stored.at(-1), positionAt("7", 2));
  await lose(bed);
});

Deno.test("policyDeliveries() refuses a checkpoint beyond a call's own records, or before the last one", async () => {
  const refusals: unknown[] = [];
  const bed = startPolicy({ batch: { size: 2 } }, async (_, context) => {
    for (const at of ["4", "x", "AT_TIMESTAMP"]) {
      await context.checkpoint(positionAt(at)).catch((error) => refusals.push(error));
    }
  });
  bed.retrieval.feed(pageOf(records(4)));
  await bed.settle();
  assertEquals(refusals.map((error) => (error as Error).name), [
    "RangeError",
    "TypeError",
    "RangeError",
    "TypeError",
    "RangeError",
  ]);
  assertEquals(bed.held.stored, [positionAt("2"), positionAt("4")]);
  await lose(bed);
});

Deno.test("policyDeliveries() prepares checkpoints as far as the call's own records reach", async () => {
  const bed = startPolicy({ batch: {} }, async (_, context) => {
    const prepared = await context.prepareCheckpoint(undefined, new Uint8Array([1]));
    assertEquals(prepared.at, positionAt("2"));
    assertEquals(bed.held.lease.pendingCheckpoint, positionAt("2"));
    await prepared.checkpoint();
  }, { checkpoints: "none" });
  bed.retrieval.feed(pageOf(records(2)));
  await bed.settle();
  assertEquals(bed.held.stored, [positionAt("2")]);
  await lose(bed);
});

Deno.test("policyDeliveries() takes a checkpoint by the context of initialize too, where one call runs alone", async () => {
  const bed = startPolicy({ errors: {} }, () => bed.processor.context?.checkpoint(), { checkpoints: "none" });
  bed.retrieval.feed(pageOf(records(3)));
  await bed.settle();
  assertEquals(bed.held.stored, [positionAt("3")]);
  await lose(bed);
});

Deno.test("policyDeliveries() delivers nothing twice that lies at or before the checkpoint", async () => {
  const bed = startPolicy({ errors: {} }, undefined, { lease: leaseWith({ checkpoint: positionAt("2") }) });
  bed.retrieval.feed(pageOf(records(4)));
  await bed.settle();
  assertEquals(bed.calls, ["3+4"]);
  await lose(bed);
});

Deno.test("policyDeliveries() keeps a page's bytes in the budget until its records are finished", async () => {
  const gate = new Gate();
  const bed = startPolicy(
    { batch: { size: 1 } },
    ({ records }) => gate.hold(`${records[0]?.sequenceNumber}`),
  );
  bed.retrieval.feed(pageOf(records(2)));
  await bed.settle();
  assertEquals(bed.budget.used, memoryOfTwo);
  gate.let("1");
  await bed.settle();
  assertEquals(bed.budget.used, memoryOfTwo);
  gate.let("2");
  await bed.settle();
  assertEquals(bed.budget.used, 0);
  await lose(bed);
});

Deno.test("policyDeliveries() takes no more pages than fit while a record holds the shard", async () => {
  const gate = new Gate();
  const bed = startPolicy(
    { concurrency: { perShard: 50 }, batch: { size: 1000 } },
    ({ records }) => records[0]?.partitionKey === "slow" ? gate.hold("slow") : undefined,
  );
  bed.retrieval.feed(pageOf([keyed(1, "slow")]));
  await bed.settle();
  for (let page = 0; page < 30; page++) {
    bed.retrieval.feed(pageOf(Array.from({ length: 1000 }, (_, i) => keyed(2 + page * 1000 + i, `k${i}`))));
  }
  await bed.clock.advance(1000);
  assertEquals(new Set(bed.calls.flatMap((call) => call.split("+"))).size, 20_001);
  gate.let("slow");
  await bed.clock.advance(1000);
  assertEquals(bed.held.stored.at(-1), positionAt("30001"));
  await lose(bed);
});

Deno.test("policyDeliveries() calls for empty reads where that is asked for", async () => {
  const bed = startPolicy({ errors: {} }, () => {}, {
    checkpoints: "none",
    callProcessRecordsEvenForEmptyRecordList: true,
  });
  bed.retrieval.feed(pageOf([]));
  await bed.settle();
  assertEquals(bed.calls, [""]);
  await lose(bed);
});

Deno.test("policyDeliveries() gives no record up twice whose checkpoint could not be stored yet", async () => {
  let restarts = 0;
  const bed = startPolicy(
    { errors: { retry: { attempts: 0 }, onExhausted: LETTERS }, batch: { size: 1 } },
    ({ records }) => {
      if (records[0]?.sequenceNumber === "2") throw new Error("never");
      if (records[0]?.sequenceNumber === "3" && restarts++ === 0) throw new ProcessorRestartError("died");
    },
    { checkpoints: "none" },
  );
  bed.retrieval.feed(pageOf(records(2)));
  await bed.settle();
  assertEquals([bed.sink.numbers, bed.held.stored], [["2"], []]);
  bed.processor.context?.restart(new Error("between two calls"));
  await bed.clock.advance(1000);
  bed.retrieval.feed(pageOf(records(2)));
  await bed.clock.advance(1000);
  assertEquals(bed.calls, ["1", "2", "1"]);
  assertEquals(bed.sink.numbers, ["2"]);
  await lose(bed);
});

Deno.test("policyDeliveries() returns quietly from a checkpoint of a lost lease", async () => {
  let thrown: unknown;
  const bed = startPolicy({ errors: {} }, async (_, context) => {
    bed.held.lose();
    await context.checkpoint().catch((error) => thrown = error);
  }, { checkpoints: "none" });
  bed.retrieval.feed(pageOf(records(1)));
  await bed.settle();
  assert(thrown instanceof LeaseLostError);
  assertEquals(await bed.end, "lost");
});

Deno.test("policyDeliveries() gives one poison record of 100,000 up in one dead letter, and repeats no success", async () => {
  const successes = new Map<string, number>();
  const bed = startPolicy(
    { errors: { retry: { attempts: 2 }, split: "bisect", onExhausted: LETTERS } },
    ({ records }) => {
      if (records.some(({ sequenceNumber }) => sequenceNumber === "54321")) throw new Error("poison");
      for (const { sequenceNumber } of records) {
        successes.set(sequenceNumber, (successes.get(sequenceNumber) ?? 0) + 1);
      }
    },
  );
  for (let page = 0; page < 10; page++) {
    bed.retrieval.feed(
      pageOf(Array.from({ length: 10_000 }, (_, i) => keyed(page * 10_000 + i + 1, `k${i % 7}`))),
    );
  }
  for (let turns = 0; turns < 20; turns++) await bed.clock.advance(1000);
  assertEquals(bed.sink.numbers, ["54321"]);
  assertEquals(successes.size, 99_999);
  assertEquals([...successes.values()].filter((times) => times > 1).length, 0);
  assertEquals(bed.held.stored.at(-1), positionAt("100000"));
  await lose(bed);
});
