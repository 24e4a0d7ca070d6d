import { assertEquals } from "@std/assert";
import { Bell } from "../../src/async/bell.ts";
import { StreaksByLease } from "../../src/consumer/streaks.ts";
import type { Streams, TrackedStream } from "../../src/fleet/streams.ts";
import { leaseWith } from "../lease/fixtures.ts";
import { ByteBudget } from "../../src/retrieval/byte_budget.ts";
import { consumeHeldShard } from "../../src/worker/held_shard.ts";
import {
  FakeHeldLease,
  FakeRetrieval,
  NotingProcessor,
  pageOf,
  recordWith,
} from "../support/consumer_bed.ts";
import { MemoryBed } from "../support/memory_bed.ts";

const WORDS: TrackedStream = {
  streamIdentifier: "123456789012:words:1",
  reference: { streamName: "words", streamArn: "arn:words" },
  initialPosition: "TRIM_HORIZON",
  consumerArn: undefined,
};

function bed(stream: TrackedStream | undefined) {
  const memory = new MemoryBed();
  const held = new FakeHeldLease(leaseWith());
  const retrieval = new FakeRetrieval();
  const processor = new NotingProcessor();
  const shardEnds = new Bell();
  const streaks = new StreaksByLease();
  const asked: (TrackedStream | undefined)[] = [];
  const isEnded = consumeHeldShard(held, {
    delivery: {
      onProcessError: "skip",
      taskBackoffTimeMs: 500,
      callProcessRecordsEvenForEmptyRecordList: false,
      parentShardPollIntervalMs: 2000,
      foreignAggregates: "drop",
    },
    processor: () => processor,
    streams: { of: () => Promise.resolve(stream) } as unknown as Streams,
    streaks,
    reading: { of: (of) => (asked.push(of), retrieval), close: () => Promise.resolve() },
    budget: new ByteBudget(1000),
    startDelivery: undefined,
    loadTransact: undefined,
    leaseStore: memory.store,
    shardEnds,
    system: memory.system,
    emit: memory.emit,
  });
  return { held, retrieval, processor, shardEnds, streaks, asked, isEnded, clock: memory.clock };
}

Deno.test("consumeHeldShard() reads the stream of the lease, and rings when the shard has ended", async () => {
  const { retrieval, processor, shardEnds, streaks, held, asked, isEnded, clock } = bed(WORDS);
  const streak = streaks.of(held.lease);
  retrieval.feed(pageOf([recordWith(1)], []));
  assertEquals(await isEnded, true);
  assertEquals(asked, [WORDS]);
  const { streamName, streamArn, streamIdentifier } = processor.context ?? {};
  assertEquals([streamName, streamArn, streamIdentifier], ["words", "arn:words", WORDS.streamIdentifier]);
  assertEquals(streaks.of(held.lease) === streak, false, "its failures are forgotten");
  const waited = shardEnds.wait(clock, 1000, new AbortController().signal);
  await clock.advance(1);
  assertEquals(await waited, true);
});

Deno.test("consumeHeldShard() that loses its lease rings for nobody, and keeps the count of failures", async () => {
  const { shardEnds, streaks, held, isEnded, clock } = bed(WORDS);
  const streak = streaks.of(held.lease);
  await clock.advance(0);
  held.lose();
  assertEquals(await isEnded, false);
  assertEquals(streaks.of(held.lease) === streak, true);
  let isRung = false;
  const waited = shardEnds.wait(clock, 1000, new AbortController().signal).then(() => isRung = true);
  await clock.advance(999);
  assertEquals(isRung, false);
  await clock.advance(1);
  await waited;
});

Deno.test("consumeHeldShard() reads nothing of a lease whose stream is not to be read", async () => {
  const { asked, processor, isEnded } = bed(undefined);
  assertEquals(await isEnded, false);
  assertEquals([asked, processor.calls], [[], []]);
});
