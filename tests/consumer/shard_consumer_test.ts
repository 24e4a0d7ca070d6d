import { assert, assertEquals } from "@std/assert";
import type { RecordsBatch, ShardContext } from "../../src/consumer/record_processor.ts";

import { ShardStreaks } from "../../src/consumer/streaks.ts";
import { ProcessorRestartError } from "../../src/errors.ts";
import type { Lease } from "../../src/lease/lease.ts";
import { checkpoint } from "../../src/lease/lease_write.ts";
import type { System } from "../../src/system.ts";
import { ByteBudget } from "../../src/retrieval/byte_budget.ts";
import type { RecordsPage } from "../../src/retrieval/retrieval.ts";
import { positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";
import { originText } from "../../src/stream/stream_identifier.ts";
import { leaseWith, newLease, rangeOf } from "../lease/fixtures.ts";
import {
  type ConsumerChanges,
  eventsOf,
  NotingProcessor,
  pageOf,
  recordWith,
  startConsumer,
} from "../support/consumer_bed.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { aggregate } from "../support/kpl.ts";

const children = [0, 1].map((part) => ({
  shardId: `shardId-00000000000${part + 1}`,
  parentShards: ["shardId-000000000000"],
  hashKeyRange: rangeOf(part, part + 1, 2),
}));

/** Its lease waits for the one of its other parent. */
const merged = [{
  shardId: "m",
  parentShards: ["shardId-000000000000", "q"],
  hashKeyRange: rangeOf(0, 1, 1),
}];

Deno.test("consumeShard() calls initialize, each batch, shardEnded, and stores SHARD_END", async () => {
  const bed = startConsumer();
  bed.retrieval.feed(pageOf([recordWith(1), recordWith(2)]), pageOf([recordWith(3)], children));
  assertEquals(await bed.end, "completed");
  assertEquals(bed.processor.calls, [
    "initialize",
    "processRecords 1+2",
    "processRecords 3",
    "shardEnded",
    "dispose",
  ]);
  assertEquals(bed.held.stored, [SHARD_END]);
  assertEquals(bed.processor.batches[1]?.isAtShardEnd, true);
  assertEquals(bed.processor.batches[1]?.childShards, children);
});

Deno.test("consumeShard() warns once of answers that name failed records, which nothing reads", async () => {
  const answers = [[], [{ itemIdentifier: "2" }], [{ itemIdentifier: "3" }]];
  const bed = startConsumer(undefined, {
    processor: () => ({
      processRecords: () => ({ batchItemFailures: answers.shift() ?? [] }),
      shardEnded: (context) => context.checkpoint(),
    }),
  });
  for (const number of [1, 2, 3]) bed.retrieval.feed(pageOf([recordWith(number)]));
  bed.retrieval.feed(pageOf([], []));
  await bed.end;
  const notices = eventsOf(bed.events, "notice").map(({ level, text }) => `${level} ${text}`);
  assertEquals(notices, [
    "warning The answer of the processor names failed records, and they count as processed: " +
    "set errors.partial = true (property functionResponseTypes = ReportBatchItemFailures)",
  ]);
});

Deno.test("consumeShard() ends an empty shard without any processRecords", async () => {
  const bed = startConsumer(undefined, { callProcessRecordsEvenForEmptyRecordList: true });
  bed.retrieval.feed(pageOf([], children));
  assertEquals(await bed.end, "completed");
  assertEquals(bed.processor.calls, ["initialize", "shardEnded", "dispose"]);
});

Deno.test("consumeShard() makes no processor for a shard that is done already", async () => {
  const bed = startConsumer(undefined, { lease: leaseWith({ checkpoint: SHARD_END }) });
  assertEquals(await bed.end, "completed");
  assertEquals(bed.processor.calls, []);
});

Deno.test("consumeShard() resumes after the checkpoint, within an aggregate too", async () => {
  const bed = startConsumer(undefined, { lease: leaseWith({ checkpoint: positionAt("5", 1) }) });
  bed.retrieval.feed(
    pageOf([recordWith(5, "a", 0), recordWith(5, "b", 1), recordWith(5, "c", 2), recordWith(6)]),
  );
  await bed.settle();
  assertEquals(bed.retrieval.requests[0]?.checkpoint, positionAt("5", 1));
  assertEquals(bed.processor.batches[0]?.records.map((r) => [r.sequenceNumber, r.subSequenceNumber]), [[
    "5",
    2,
  ], [
    "6",
    0,
  ]]);
  bed.held.lose();
  assertEquals(await bed.end, "lost");
});

Deno.test("consumeShard() waits for its parents, and calls nothing meanwhile", async () => {
  const bed = startConsumer(undefined, {
    lease: leaseWith({ parentShardIds: ["p1", "p2", "gone"] }),
    leases: [newLease("p1"), newLease("p2")],
  });
  const end = async (shardId: string) => {
    const parent = leaseWith({ leaseKey: shardId, shardId });
    await bed.leaseStore.apply(checkpoint({ ...parent, leaseOwner: undefined }, SHARD_END));
  };
  await bed.clock.advance(5000);
  assertEquals(bed.processor.calls, []);
  assertEquals(eventsOf(bed.events, "shardBlocked").map((event) => event.parents), [["p1", "p2"]]);
  await end("p1");
  await bed.clock.advance(1000);
  assertEquals(bed.processor.calls, []);
  await end("p2");
  bed.shardEnds.ring();
  await bed.clock.advance(1);
  assertEquals(bed.processor.calls, ["initialize"]);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() leaves a blocked shard at once when drained, without any callback", async () => {
  const bed = startConsumer(undefined, {
    lease: leaseWith({ parentShardIds: ["p1"] }),
    leases: [newLease("p1")],
  });
  await bed.settle();
  bed.held.draining.abort();
  assertEquals(await bed.end, "drained");
  assertEquals(bed.held.handedOver, 1);
  assertEquals(bed.processor.calls, []);
});

Deno.test("consumeShard() keeps looking for its parents when the table cannot be read", async () => {
  let reads = 0;
  const bed = startConsumer(undefined, {
    lease: leaseWith({ parentShardIds: ["p1"] }),
    leaseStore: {
      get: () => ++reads === 1 ? Promise.reject(new Error("table down")) : Promise.resolve(undefined),
      create: () => Promise.resolve(true),
    },
  });
  await bed.clock.advance(500);
  assertEquals(bed.processor.calls, ["initialize"]);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() drains in order: shutdownRequested, handed over, then leaseLost", async () => {
  const order: string[] = [];
  const processor = new NotingProcessor({
    shutdownRequested: async (context) => {
      await context.checkpoint();
      order.push(`requested, handed over ${bed.held.handedOver}`);
    },
    leaseLost: () => void order.push(`lost, handed over ${bed.held.handedOver}`),
  });
  const bed = startConsumer(processor);
  bed.retrieval.feed(pageOf([recordWith(7)]));
  await bed.settle();
  bed.held.draining.abort();
  assertEquals(await bed.end, "drained");
  assertEquals(order, ["requested, handed over 0", "lost, handed over 1"]);
  assertEquals(bed.held.stored, [positionAt("7")]);
});

Deno.test("consumeShard() lets a running processRecords finish before it says that the lease is lost", async () => {
  const gate = Promise.withResolvers<void>();
  const processor = new NotingProcessor({ processRecords: () => gate.promise });
  const bed = startConsumer(processor);
  bed.retrieval.feed(pageOf([recordWith(1)]), pageOf([recordWith(2)]));
  await bed.settle();
  bed.held.lose();
  await bed.settle();
  assertEquals(processor.calls, ["initialize", "processRecords 1"]);
  assert(processor.context?.signal.aborted);
  gate.resolve();
  assertEquals(await bed.end, "lost");
  assertEquals(processor.calls, ["initialize", "processRecords 1", "leaseLost", "dispose"]);
});

Deno.test("consumeShard() with skip passes over a failed batch, and says which records", async () => {
  const processor = new NotingProcessor({
    processRecords: (context) => {
      if (processor.batches.length === 1) throw new Error("poison");
      return context.checkpoint();
    },
  });
  const bed = startConsumer(processor);
  bed.retrieval.feed(pageOf([recordWith(1), recordWith(2)]), pageOf([recordWith(3)]));
  await bed.settle();
  const [failed] = eventsOf(bed.events, "batchFailed");
  assertEquals([failed?.outcome, failed?.first.sequenceNumber, failed?.last.sequenceNumber], [
    "skipped",
    "1",
    "2",
  ]);
  assertEquals(bed.held.stored, [positionAt("3")]);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() with retry gives the same batch again, with growing pauses, until it succeeds", async () => {
  const processor = new NotingProcessor({
    processRecords: () => {
      if (processor.batches.length < 4) throw new Error("not yet");
    },
  });
  const bed = startConsumer(processor, { onProcessError: "retry" });
  bed.retrieval.feed(pageOf([recordWith(1)]), pageOf([recordWith(2)]));
  await bed.settle();
  assertEquals(bed.clock.pendingMs, [500]);
  await bed.clock.advance(500);
  assertEquals(bed.clock.pendingMs, [1000]);
  await bed.clock.advance(3000);
  assertEquals(processor.calls.slice(1), [1, 1, 1, 1, 2].map((n) => `processRecords ${n}`));
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() with retry does not let a bare checkpoint pass the batch that keeps failing", async () => {
  const processor = new NotingProcessor({
    processRecords: async (context) => {
      if (processor.batches.length === 1) await context.checkpoint();
      else throw new Error("never");
    },
    shutdownRequested: (context) => context.checkpoint(),
  });
  const bed = startConsumer(processor, { onProcessError: "retry" });
  bed.retrieval.feed(pageOf([recordWith(1)]), pageOf([recordWith(2)]));
  await bed.settle();
  bed.held.draining.abort();
  assertEquals(await bed.end, "drained");
  assertEquals(bed.held.stored, [positionAt("1")]);
});

Deno.test("consumeShard() with stop gives the lease up, without having passed the batch", async () => {
  const processor = new NotingProcessor({
    processRecords: () => {
      throw new Error("poison");
    },
  });
  const bed = startConsumer(processor, { onProcessError: "stop" });
  bed.retrieval.feed(pageOf([recordWith(1)]), pageOf([recordWith(2)]));
  assertEquals(await bed.end, "lost");
  assertEquals(bed.held.givenUp, 1);
  assertEquals(processor.calls, ["initialize", "processRecords 1", "leaseLost", "dispose"]);
  assertEquals(bed.held.stored, []);
});

Deno.test("consumeShard() initializes again, on the same processor, until it succeeds", async () => {
  let tries = 0;
  const processor = new NotingProcessor({
    initialize: () => {
      if (++tries < 3) throw new Error("not ready");
    },
  });
  const bed = startConsumer(processor);
  bed.retrieval.feed(pageOf([recordWith(1)]));
  await bed.clock.advance(1500);
  assertEquals(processor.calls, ["initialize", "initialize", "initialize", "processRecords 1"]);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() asks for no shutdown of a processor that never initialized, but tells it the loss", async () => {
  const processor = new NotingProcessor({
    initialize: () => {
      throw new Error("never");
    },
  });
  const bed = startConsumer(processor);
  await bed.settle();
  bed.held.draining.abort();
  assertEquals(await bed.end, "drained");
  assertEquals(processor.calls, ["initialize", "leaseLost", "dispose"]);
});

Deno.test("consumeShard() calls shardEnded again until SHARD_END is stored", async () => {
  const processor = new NotingProcessor({
    shardEnded: async (context) => {
      if (processor.calls.filter((call) => call === "shardEnded").length === 3) await context.checkpoint();
    },
  });
  const bed = startConsumer(processor);
  bed.retrieval.feed(pageOf([recordWith(1)], children));
  await bed.clock.advance(1500);
  assertEquals(await bed.end, "completed");
  assertEquals(eventsOf(bed.events, "shardEndNotCheckpointed").map((event) => event.attempt), [1, 2]);
  assertEquals(bed.held.stored, [SHARD_END]);
});

Deno.test("consumeShard() ends the shard for a processor that had checkpointed its last record before", async () => {
  const processor = new NotingProcessor({
    processRecords: (context) => context.checkpoint(),
    shardEnded: (context) => context.checkpoint(recordWith(1)),
  });
  const bed = startConsumer(processor);
  bed.retrieval.feed(pageOf([recordWith(1)], children));
  assertEquals(await bed.end, "completed");
  assertEquals(bed.held.stored, [positionAt("1"), SHARD_END]);
});

Deno.test("consumeShard() creates the children's leases before shardEnded, and waits until it may", async () => {
  const processor = new NotingProcessor();
  const bed = startConsumer(processor);
  bed.retrieval.feed(pageOf([], merged));
  await bed.settle();
  assertEquals([await bed.leaseStore.get("m"), processor.calls.includes("shardEnded")], [undefined, false]);
  await bed.leaseStore.create(newLease("q"));
  await bed.clock.advance(1000);
  assertEquals(await bed.end, "completed");
  assertEquals((await bed.leaseStore.get("m"))?.parentShardIds.toSorted(), ["q", bed.held.shardId]);
  assertEquals(bed.held.lease.childShardIds, ["m"]);
});

Deno.test("consumeShard() looks for the other parent of a merge at one pace, however long that takes, and warns once", async () => {
  const bed = startConsumer();
  bed.retrieval.feed(pageOf([], merged));
  await bed.clock.advance(120_000);
  assertEquals(eventsOf(bed.events, "mergeParentMissing").length, 121);
  assertEquals(eventsOf(bed.events, "notice").map(({ level }) => level), ["warning"]);
  await bed.leaseStore.create(newLease("q"));
  await bed.clock.advance(1000);
  assertEquals(bed.held.stored, [SHARD_END]);
  assertEquals(await bed.end, "completed");
});

Deno.test("consumeShard() warns of the other parent of a merge also where its first look at the table failed", async () => {
  const bed = startConsumer();
  const { get } = bed.leaseStore;
  let isDown = true;
  bed.leaseStore.get = (leaseKey) => {
    if (!isDown) return get.call(bed.leaseStore, leaseKey);
    isDown = false;
    return Promise.reject(new Error("table down"));
  };
  bed.retrieval.feed(pageOf([], merged));
  await bed.clock.advance(120_000);
  assertEquals(eventsOf(bed.events, "notice").map(({ level }) => level), ["warning"]);
  bed.held.draining.abort(new Error("the worker stops"));
  assertEquals(await bed.end, "drained");
});

Deno.test("consumeShard() that must stop before the children have leases stores no SHARD_END", async () => {
  const processor = new NotingProcessor({ shutdownRequested: (context) => context.checkpoint() });
  const bed = startConsumer(processor);
  bed.retrieval.feed(pageOf([recordWith(7)], merged));
  await bed.settle();
  bed.held.draining.abort(new Error("the worker stops"));
  assertEquals(await bed.end, "drained");
  assertEquals(bed.held.stored, [positionAt("7")]);
});

Deno.test("consumeShard() begins nothing under a lease that has expired by the clock, though nothing has told it yet", async () => {
  const parent = Promise.withResolvers<undefined>();
  const lease = leaseWith({ parentShardIds: ["p"] });
  const leaseStore = { get: () => parent.promise, create: () => Promise.resolve(true) };
  const blocked = startConsumer(new NotingProcessor(), { lease, leaseStore });
  blocked.held.expire();
  parent.resolve(undefined);
  assertEquals([await blocked.end, blocked.processor.calls], ["lost", []]);

  const failing = startConsumer(
    new NotingProcessor({
      initialize: () => {
        failing.held.expire();
        throw new Error("not ready");
      },
    }),
  );
  await failing.clock.advance(1000);
  assertEquals([await failing.end, failing.processor.calls], ["lost", [
    "initialize",
    "leaseLost",
    "dispose",
  ]]);

  const ended = startConsumer();
  ended.held.setChildShardIds = () => Promise.resolve(ended.held.expire());
  ended.retrieval.feed(pageOf([], children));
  assertEquals([await ended.end, ended.processor.calls], ["lost", ["initialize", "leaseLost", "dispose"]]);
});

Deno.test("consumeShard() delivers nothing until a lease that has expired by the clock is confirmed", async () => {
  const bed = startConsumer();
  await bed.settle();
  const confirmed = Promise.withResolvers<void>();
  bed.held.confirmed = confirmed.promise;
  bed.retrieval.feed(pageOf([recordWith(1)]));
  await bed.settle();
  assertEquals(bed.processor.calls, ["initialize"]);
  confirmed.resolve();
  await bed.settle();
  assertEquals(bed.processor.calls, ["initialize", "processRecords 1"]);
  bed.held.lose();
  await bed.end;
});

function systemOf(clock: FakeClock): System {
  return { clock, random: () => 0.5, fetch: () => Promise.reject(new Error("no network here")) };
}

/** Processors that cannot go on at one record. */
function poisonedAt(sequenceNumber: string, onRecord?: (context: ShardContext) => Promise<void>) {
  return () => {
    const processor = new NotingProcessor({
      processRecords: async (context) => {
        const at = processor.batches.at(-1)?.records.at(-1)?.sequenceNumber;
        if (at === sequenceNumber) throw new ProcessorRestartError("the child died");
        await onRecord?.(context);
      },
    });
    return processor;
  };
}

Deno.test("consumeShard() waits longer for each restart at a poison record, though batches before it are processed", async () => {
  const bed = startConsumer(undefined, { processor: poisonedAt("3") });
  for (const ms of [500, 1000, 2000, 4000]) {
    bed.retrieval.feed(pageOf([recordWith(1)]), pageOf([recordWith(2)]), pageOf([recordWith(3)]));
    await bed.settle();
    await bed.clock.advance(ms);
  }
  const restarts = eventsOf(bed.events, "processorRestarting");
  assertEquals(restarts.map(({ attempt }) => attempt), [1, 2, 3, 4]);
  assertEquals(restarts.map(({ retryInMs }) => retryInMs), [500, 1000, 2000, 4000]);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() begins to count restarts anew once a processor got further, or stored more", async () => {
  const checkpoints = startConsumer(undefined, {
    processor: poisonedAt("3", (context) => context.checkpoint()),
  });
  checkpoints.retrieval.feed(pageOf([recordWith(3)]));
  await checkpoints.clock.advance(500);
  checkpoints.retrieval.feed(pageOf([recordWith(2)]), pageOf([recordWith(3)]));
  await checkpoints.clock.advance(500);
  checkpoints.retrieval.feed(pageOf([recordWith(3)]));
  await checkpoints.settle();
  assertEquals(eventsOf(checkpoints.events, "processorRestarting").map(({ attempt }) => attempt), [1, 1, 2]);
  checkpoints.held.lose();
  await checkpoints.end;
});

Deno.test("consumeShard() counts restarts on, and finishes its rest, when the lease was lost and gained again", async () => {
  const streaks = new ShardStreaks(positionAt("TRIM_HORIZON"));
  const clock = new FakeClock();
  const system = systemOf(clock);
  const attempts: number[] = [];
  for (const restMs of [0, 500, 1000]) {
    const bed = startConsumer(undefined, { streaks, system, processor: poisonedAt("2") });
    bed.retrieval.feed(pageOf([recordWith(1)]), pageOf([recordWith(2)]));
    if (restMs > 0) {
      await clock.advance(restMs - 1);
      assertEquals(eventsOf(bed.events, "callbackStarted"), [], `it rests for ${restMs} ms`);
      // Health finds no fault with a shard that waits for its parents.
      assertEquals(eventsOf(bed.events, "phaseChanged").map(({ phase }) => phase), ["initializing"]);
    }
    await clock.advance(1);
    attempts.push(...eventsOf(bed.events, "processorRestarting").map(({ attempt }) => attempt));
    streaks.restFor(clock, [500, 1000, 2000][attempts.length - 1] ?? 0); // lost at once, to the millisecond
    bed.held.lose();
    await bed.end;
  }
  assertEquals(attempts, [1, 2, 3]);
});

Deno.test("consumeShard() counts failures on when the lease was lost and gained again", async () => {
  const fail = () => {
    throw new Error("no");
  };
  const kinds: readonly (readonly [
    string,
    ConstructorParameters<typeof NotingProcessor>[0],
    ConsumerChanges,
  ])[] = [
    ["batch, retried", { processRecords: fail }, { onProcessError: "retry" }],
    ["batch, given up", { processRecords: fail }, { onProcessError: "stop" }],
    ["end of shard", { shardEnded: fail }, {}],
    ["initialize", { initialize: fail }, {}],
  ];
  for (const [name, on, options] of kinds) {
    const streaks = new ShardStreaks(positionAt("TRIM_HORIZON"));
    const clock = new FakeClock();
    const system = systemOf(clock);
    const rests: number[] = [];
    for (let hold = 1; hold <= 3; hold++) {
      const bed = startConsumer(new NotingProcessor(on), { ...options, streaks, system });
      bed.retrieval.feed(pageOf([recordWith(1)], children));
      await clock.advance(0);
      if (hold > 1) await clock.advance(clock.pendingMs[0] ?? 0); // the rest that the hold before has left
      bed.held.lose();
      await bed.end;
      const resting = streaks.rest(clock, AbortSignal.timeout(0));
      rests.push(...clock.pendingMs);
      await resting;
    }
    assertEquals(rests, [500, 1000, 2000], name);
  }
});

Deno.test("consumeShard() hands the streak of failed reads from reading to reading", async () => {
  const bed = startConsumer();
  await bed.settle();
  bed.processor.context?.restart(new Error("anew"));
  await bed.clock.advance(1000);
  const [first, second] = bed.retrieval.requests.map(({ streak }) => streak);
  assert(first !== undefined && first === second);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() starts a fresh processor from the checkpoint when one cannot go on", async () => {
  const made: NotingProcessor[] = [];
  const bed = startConsumer(undefined, {
    processor: () => {
      const isFirst = made.length === 0;
      const processor = new NotingProcessor({
        processRecords: async (context) => {
          if (!isFirst) return;
          if (processor.batches.length === 1) return await context.checkpoint();
          throw new ProcessorRestartError("the child died");
        },
      });
      made.push(processor);
      return processor;
    },
  });
  bed.retrieval.feed(pageOf([recordWith(1)]), pageOf([recordWith(2)]));
  await bed.settle();
  assertEquals(made[0]?.calls, ["initialize", "processRecords 1", "processRecords 2", "dispose"]);
  bed.retrieval.feed(pageOf([recordWith(2)]));
  await bed.clock.advance(500);
  assertEquals(made[1]?.calls, ["initialize", "processRecords 2"]);
  assertEquals(bed.retrieval.requests.map((request) => request.checkpoint.sequenceNumber), [
    "TRIM_HORIZON",
    "1",
  ]);
  assertEquals(eventsOf(bed.events, "processorRestarting").length, 1);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() starts a fresh processor when one asks for it between two calls", async () => {
  const bed = startConsumer();
  await bed.settle();
  bed.processor.context?.restart(new Error("the child died while idle"));
  await bed.clock.advance(500);
  assertEquals(bed.processor.calls, ["initialize", "dispose", "initialize"]);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() never runs two callbacks of a shard at once", async () => {
  let running = 0;
  let most = 0;
  const slow = async () => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 0));
    running--;
  };
  const processor = new NotingProcessor({
    initialize: slow,
    processRecords: slow,
    shutdownRequested: slow,
    leaseLost: slow,
  });
  const bed = startConsumer(processor);
  bed.retrieval.feed(pageOf([recordWith(1)]), pageOf([recordWith(2)]), pageOf([recordWith(3)]));
  for (let i = 0; i < 10; i++) await bed.settle();
  bed.held.draining.abort();
  await bed.end;
  assertEquals(most, 1);
  assertEquals(processor.calls.length, 7);
});

Deno.test("consumeShard() calls processRecords for empty pages only when asked to", async () => {
  for (const isAsked of [false, true]) {
    const bed = startConsumer(undefined, { callProcessRecordsEvenForEmptyRecordList: isAsked });
    bed.retrieval.feed(pageOf([]));
    await bed.settle();
    assertEquals(bed.processor.calls, isAsked ? ["initialize", "processRecords "] : ["initialize"]);
    bed.held.lose();
    await bed.end;
  }
});

Deno.test("consumeShard() tells the processor what a former owner prepared, and which acquisition this is", async () => {
  const state = new Uint8Array([4, 2]);
  const lease = leaseWith({
    leaseCounter: 17,
    pendingCheckpoint: positionAt("8"),
    pendingCheckpointState: state,
  });
  const { processor, retrieval, held, draining, settle } = startedWith(lease);
  await settle();
  const { context } = processor;
  assertEquals(context?.fencingToken, { leaseKey: held.leaseKey, token: 17 });
  assertEquals([context?.pendingCheckpoint, context?.pendingCheckpointState], [positionAt("8"), state]);
  retrieval.feed(pageOf([recordWith(9)]));
  await settle();
  const prepared = await context?.prepareCheckpoint();
  assertEquals([held.stored, held.lease.pendingCheckpoint], [[], positionAt("9")]);
  await prepared?.checkpoint();
  assertEquals(held.stored, [positionAt("9")]);
  await draining();
});

Deno.test("consumeShard() reads a lease created at LATEST from its time, as first reader only before anybody else was", async () => {
  for (const [leaseCounter, isFirstRead] of [[2, true], [3, false]] as const) {
    const lease = leaseWith({ leaseCounter, checkpoint: positionAt("LATEST"), latestEpochMs: 5000 });
    const { processor, retrieval, draining, settle } = startedWith(lease);
    await settle();
    assertEquals(retrieval.requests.map((request) => request.createdAtLatest), [{
      epochMs: 5000,
      isFirstRead,
    }]);
    processor.context?.restart(new Error("a fresh one"));
    await settle(1000);
    assertEquals(retrieval.requests[1]?.createdAtLatest, { epochMs: 5000, isFirstRead: false });
    await draining();
  }
});

function startedWith(lease: Lease) {
  const bed = startConsumer(new NotingProcessor(), { lease });
  const settle = (ms = 0) => bed.clock.advance(ms);
  const draining = async () => {
    bed.held.draining.abort(new Error("the test is over"));
    await settle();
    await bed.end;
  };
  return { ...bed, settle, draining };
}

Deno.test("consumeShard() reads from the checkpoint that it tells the processor, whatever turns up meanwhile", async () => {
  let failures = 0;
  const bed = startConsumer(
    new NotingProcessor({
      initialize: () => {
        if (++failures === 1) throw new Error("not ready");
      },
    }),
    { lease: leaseWith({ checkpoint: positionAt("5") }) },
  );
  await bed.settle();
  await bed.held.checkpoint(positionAt("7")); // an earlier processor's, whose answer was lost
  await bed.clock.advance(500);
  bed.retrieval.feed(pageOf([recordWith(5), recordWith(6), recordWith(7), recordWith(8)]));
  await bed.settle();
  assertEquals(bed.processor.context?.initialCheckpoint, positionAt("5"));
  assertEquals(bed.retrieval.requests.map(({ checkpoint }) => checkpoint), [positionAt("5")]);
  assertEquals(bed.processor.calls.at(-1), "processRecords 6+7+8");
  bed.held.draining.abort();
  await bed.end;
});

Deno.test("consumeShard() is done when the end turns up that a processor could not store, as it thought", async () => {
  const bed = startConsumer(
    new NotingProcessor({
      shardEnded: () => {
        throw new ProcessorRestartError("no answer came");
      },
    }),
  );
  bed.retrieval.feed(pageOf([recordWith(7)], children));
  await bed.settle();
  await bed.held.checkpoint(SHARD_END); // that one's, found by a renewal
  await bed.clock.advance(500);
  assertEquals(await bed.end, "completed");
  assertEquals(bed.retrieval.requests.length, 1);
  assertEquals(eventsOf(bed.events, "shardCompleted").length, 1);
});

Deno.test("consumeShard() with retry repeats only what the failed attempt did not checkpoint", async () => {
  const processor = new NotingProcessor({
    processRecords: async (context) => {
      if (processor.batches.length > 1) return;
      await context.checkpoint(positionAt("2"));
      throw new Error("the third record");
    },
  });
  const bed = startConsumer(processor, { onProcessError: "retry" });
  bed.retrieval.feed(pageOf([recordWith(1), recordWith(2), recordWith(3)]));
  await bed.clock.advance(500);
  assertEquals(processor.calls, ["initialize", "processRecords 1+2+3", "processRecords 3"]);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() drops user records of other shards only where the hash keys of the lease are the shard's", async () => {
  const origin = { streamName: "words", creationEpochS: 200 };
  for (const [creationEpochS, delivered] of [[undefined, 0], [200, 0], [100, 2]] as const) {
    const streamOrigin = creationEpochS === undefined
      ? undefined
      : originText({ streamName: "words", creationEpochS });
    const lease = leaseWith({ hashKeyRange: { startingHashKey: "0", endingHashKey: "9" }, streamOrigin });
    const bed = startConsumer(new NotingProcessor(), { lease, origin });
    const userRecords = ["1", "2"].map((text) => ({
      partitionKey: "p",
      explicitHashKey: "10",
      data: new TextEncoder().encode(text),
    }));
    bed.retrieval.feed(pageOf([{ ...recordWith(7), data: aggregate(userRecords) }]));
    await bed.settle();
    assertEquals(bed.processor.batches.flatMap(({ records }) => records).length, delivered);
    assertEquals(
      eventsOf(bed.events, "aggregateProblem").map((event) => [event.leaseKey, event.outcome, event.lost]),
      delivered === 0 ? [[lease.leaseKey, "dropped", 2]] : [],
    );
    bed.held.lose();
    await bed.end;
  }
});

Deno.test("consumeShard() with foreignAggregates deliver gives on user records of other shards", async () => {
  const lease = leaseWith({ hashKeyRange: { startingHashKey: "0", endingHashKey: "9" } });
  const bed = startConsumer(new NotingProcessor(), { lease, foreignAggregates: "deliver" });
  const foreign = { partitionKey: "p", explicitHashKey: "10", data: new TextEncoder().encode("x") };
  bed.retrieval.feed(pageOf([{ ...recordWith(7), data: aggregate([foreign, foreign]) }]));
  await bed.settle();
  assertEquals(bed.processor.calls, ["initialize", "processRecords 7+7"]);
  assertEquals(eventsOf(bed.events, "aggregateProblem"), []);
  bed.held.lose();
  await bed.end;
});

/** An aggregate of so many user records, which comes in slices of 66 where the budget has no room. */
function aggregateWith(sequenceNumber: number, count: number) {
  const userRecords = Array.from({ length: count }, () => ({ partitionKey: "k", data: new Uint8Array() }));
  return { ...recordWith(sequenceNumber), data: aggregate(userRecords) };
}

const tight = () => ({ budget: new ByteBudget(0) });
/** A page that counts for nothing, so that the budget decides. */
const weightless = (page: RecordsPage): RecordsPage => ({ ...page, bytes: 0 });
const placesOf = (batches: readonly RecordsBatch[]) =>
  batches.map(({ records }) => [records[0]?.subSequenceNumber, records.at(-1)?.subSequenceNumber]);

Deno.test("consumeShard() delivers an aggregate in slices, of which the last of the last page is at the end of the shard", async () => {
  const processor = new NotingProcessor({ processRecords: (context) => context.checkpoint() });
  const bed = startConsumer(processor, tight());
  bed.retrieval.feed(
    weightless(pageOf([aggregateWith(7, 150)])),
    weightless(pageOf([aggregateWith(8, 80)], children)),
  );
  assertEquals(await bed.end, "completed");
  assertEquals(placesOf(processor.batches), [[0, 65], [66, 131], [132, 149], [0, 65], [66, 79]]);
  assertEquals(processor.batches.map((batch) => batch.isAtShardEnd), [false, false, false, false, true]);
  assertEquals(processor.batches.map((batch) => batch.childShards.length), [0, 0, 0, 0, 2]);
  assertEquals(bed.held.stored, [
    positionAt("7", 65),
    positionAt("7", 131),
    positionAt("7", 149),
    positionAt("8", 65),
    positionAt("8", 79),
    SHARD_END,
  ]);
});

Deno.test("consumeShard() does not let a bare checkpoint pass the slices that are still to come", async () => {
  const processor = new NotingProcessor({ shutdownRequested: (context) => context.checkpoint() });
  const bed = startConsumer(processor, {
    ...tight(),
    processor: () => ({
      processRecords: (batch, context) => {
        bed.held.draining.abort();
        return processor.processRecords(batch, context);
      },
      shardEnded: () => {},
      shutdownRequested: (context) => processor.shutdownRequested(context),
    }),
  });
  bed.retrieval.feed(weightless(pageOf([aggregateWith(7, 150)], children)));
  assertEquals(await bed.end, "drained");
  assertEquals(placesOf(processor.batches), [[0, 65]]);
  assertEquals(bed.held.stored, [positionAt("7", 65)]);
});

Deno.test("consumeShard() with retry repeats the slice that failed, and no other", async () => {
  const processor = new NotingProcessor({
    processRecords: async (context) => {
      if (processor.batches.length === 2) throw new Error("not yet");
      await context.checkpoint();
    },
  });
  const bed = startConsumer(processor, { ...tight(), onProcessError: "retry" });
  bed.retrieval.feed(weightless(pageOf([aggregateWith(7, 150)], children)));
  while (processor.batches.length < 3) await bed.clock.advance(100);
  assertEquals(await bed.end, "completed");
  assertEquals(placesOf(processor.batches), [[0, 65], [66, 131], [66, 131], [132, 149]]);
  assertEquals(bed.held.stored, [positionAt("7", 65), positionAt("7", 131), positionAt("7", 149), SHARD_END]);
});

Deno.test("consumeShard() takes a program's checkpoints by sequence number alone for each slice of an aggregate", async () => {
  const processor = new NotingProcessor({
    processRecords: async (context) => {
      await context.checkpoint();
      await context.checkpoint(positionAt("7"));
    },
  });
  const bed = startConsumer(processor, { ...tight(), onProcessError: "stop" });
  bed.retrieval.feed(weightless(pageOf([aggregateWith(7, 150)], children)));
  assertEquals(await bed.end, "completed");
  assertEquals(bed.held.stored, [positionAt("7", 65), positionAt("7", 131), positionAt("7", 149), SHARD_END]);
});

Deno.test("consumeShard() starts anew between two slices when the processor asks for it", async () => {
  const processor = new NotingProcessor({
    processRecords: async (context) => {
      await context.checkpoint();
      if (processor.batches.length === 1) context.restart(new Error("the child died"));
    },
  });
  const bed = startConsumer(processor, tight());
  bed.retrieval.feed(
    weightless(pageOf([aggregateWith(7, 150)])),
    weightless(pageOf([aggregateWith(7, 150)], children)),
  );
  await bed.clock.advance(500);
  assertEquals(bed.retrieval.requests.map(({ checkpoint }) => checkpoint), [
    positionAt("TRIM_HORIZON"),
    positionAt("7", 65),
  ]);
  bed.held.lose();
  await bed.end;
});

Deno.test("consumeShard() gives back what it made for a slice, however the shard is left", async () => {
  const budget = new ByteBudget(0);
  const processor = new NotingProcessor({
    processRecords: () => {
      assert(budget.used > 0);
      throw new Error("poison");
    },
  });
  const bed = startConsumer(processor, { budget, onProcessError: "stop" });
  bed.retrieval.feed(weightless(pageOf([aggregateWith(7, 150)])));
  assertEquals(await bed.end, "lost");
  assertEquals([budget.used, processor.batches.length], [0, 1]);
});

Deno.test("consumeShard() gives a processor whole aggregates: the rest of one brings all of it, the end of one none", async () => {
  const kept = (subSequenceNumber: number) => {
    const lease = leaseWith({ checkpoint: { sequenceNumber: "7", subSequenceNumber } });
    const processor = new NotingProcessor({ processRecords: (context) => context.checkpoint() });
    const bed = startConsumer(Object.assign(processor, { aggregates: "whole" as const }), { lease });
    bed.retrieval.feed(pageOf([aggregateWith(7, 3), aggregateWith(8, 2)], []));
    return bed;
  };
  const within = kept(1);
  assertEquals(await within.end, "completed");
  assertEquals(within.processor.calls.slice(1, 2), ["processRecords 7+8"]);
  assertEquals(within.held.stored[0], { sequenceNumber: "8", subSequenceNumber: 1 });

  const after = kept(2);
  assertEquals(await after.end, "completed");
  assertEquals(after.processor.calls.slice(1, 2), ["processRecords 8"]);
  assertEquals(after.processor.batches[0]?.records[0]?.data, aggregateWith(8, 2).data);
});
