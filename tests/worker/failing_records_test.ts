/** Whole workers with the option `errors`: what becomes of retries and parked keys when a lease moves. */

import { assert, assertEquals } from "@std/assert";
import type { IteratorPosition, StreamReference, StreamSummary } from "../../src/aws/kinesis.ts";
import type { GetRecordsOutput } from "../../src/aws/kinesis_wire.ts";
import { deadLetter, park } from "../../src/failures/mod.ts";
import { assign, startHandoff } from "../../src/lease/lease_write.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import type { KinesisRecord } from "../../src/stream/record.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import { KinesisWorker } from "../../src/worker/worker.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { aggregate } from "../support/kpl.ts";
import { MemoryBed } from "../support/memory_bed.ts";
import { keyed, MemorySink } from "../support/policy_bed.ts";
import { output, ScriptedKinesis, shardWith } from "../support/scripted_kinesis.ts";

/** Streams of one shard with records that stay, so that any worker can read from any of them. */
class KeptKinesis extends ScriptedKinesis {
  /** By stream. */
  readonly records = new Map<string, readonly KinesisRecord[]>();
  override shards = [shardWith("s-0")];

  override describeStreamSummary(
    { streamName = "words" }: Partial<StreamReference> = {},
  ): Promise<StreamSummary> {
    const streamArn = `arn:aws:kinesis:us-east-1:123456789012:stream/${streamName}`;
    const summary = { streamName, streamArn, streamCreationEpochS: 1, openShardCount: 1 };
    return Promise.resolve({ ...summary, streamStatus: "ACTIVE" });
  }

  override getShardIterator(
    stream: StreamReference,
    _shardId: string,
    position: IteratorPosition,
  ): Promise<string | undefined> {
    if (!("sequenceNumber" in position)) return Promise.resolve("0");
    const from = this.#of(stream).findIndex(({ sequenceNumber }) =>
      sequenceNumber === position.sequenceNumber
    );
    return Promise.resolve(String(from + (position.type === "AFTER_SEQUENCE_NUMBER" ? 1 : 0)));
  }

  /** Three records a page. */
  override getRecords(stream: StreamReference, iterator: string): Promise<GetRecordsOutput> {
    const records = this.#of(stream).slice(Number(iterator), Number(iterator) + 3);
    const next = String(Number(iterator) + records.length);
    const bytes = records.reduce((sum, { data }) => sum + data.length, 0);
    return Promise.resolve({ ...output([], next), records, bytes });
  }

  #of({ streamName = "words" }: StreamReference): readonly KinesisRecord[] {
    return this.records.get(streamName) ?? [];
  }
}

/** Workers of one application; each notes what it calls and what it finishes. */
class FailingBed extends MemoryBed {
  readonly kinesis = new KeptKinesis();
  readonly sink = new MemorySink();
  /** "worker: records" of each call. */
  readonly calls: string[] = [];
  readonly done: string[] = [];
  readonly poison = new Set<string>();

  feed(keys: string, streamName = "words"): void {
    const records = [...keys].map((key, i) =>
      keyed(i + 1, key, { approximateArrivalTimestamp: this.clock.epochMs() })
    );
    this.kinesis.records.set(streamName, records);
  }

  worker(workerIdentifier: string, more: Partial<WorkerOptions> = {}): KinesisWorker {
    return new KinesisWorker({
      applicationName: "app",
      streamName: "words",
      workerIdentifier,
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

  run(
    name: string,
    more: Partial<WorkerOptions>,
  ): { readonly running: Promise<void>; stop(): Promise<void> } {
    const stop = new AbortController();
    const processor = (_: string) => ({
      checkpoints: "auto" as const,
      processRecords: ({ records }: { readonly records: readonly KinesisRecord[] }) => {
        const names = records.map(nameOf);
        this.calls.push(`${name}: ${names.join(" ")}`);
        const bad = names.find((each) => this.poison.has(each));
        if (bad !== undefined) throw new Error(`${bad} is bad`);
        this.done.push(...names);
      },
      shardEnded: () => {},
    });
    const running = this.worker(name, { processor, ...more }).run(stop.signal);
    running.catch(() => {}); // until the test looks
    return {
      running,
      stop: async () => {
        stop.abort();
        await this.settled(running);
      },
    };
  }

  callsOf(name: string): string[] {
    return this.calls.filter((call) => call.startsWith(`${name}: `)).map((call) =>
      call.slice(name.length + 2)
    );
  }

  async settled<T>(promise: Promise<T>): Promise<T> {
    let isOver = false;
    promise.then(() => isOver = true, () => isOver = true);
    for (let i = 0; i < 1200 && !isOver; i++) await this.clock.advance(50);
    assert(isOver, "nothing happens any more");
    return await promise;
  }

  async until(isSo: () => boolean | Promise<boolean>): Promise<void> {
    for (let i = 0; i < 2400 && !await isSo(); i++) await this.clock.advance(50);
    assert(await isSo(), "it never comes");
  }
}

function nameOf({ sequenceNumber, subSequenceNumber, aggregated }: KinesisRecord): string {
  return aggregated ? `${sequenceNumber}.${subSequenceNumber}` : sequenceNumber;
}

const unique = (names: readonly string[]) => [...new Set(names)].toSorted();

Deno.test("KinesisWorker hands a lease over in the middle of a retry: the next one begins there, with a count of its own", async () => {
  const bed = new FailingBed();
  bed.feed("aaaaaa");
  bed.poison.add("4");
  const errors = {
    retry: { attempts: 2, delay: () => 20_000 },
    split: "bisect",
    onExhausted: deadLetter(bed.sink),
  } as const;
  const first = bed.run("one", { errors });
  await bed.until(() => bed.callsOf("one").some((call) => call === "4 5 6"));
  const second = bed.run("two", { errors });
  await bed.clock.advance(1000);
  const lease = await bed.read("s-0");
  assert((await bed.store.apply(startHandoff({ ...lease, leaseOwner: "one" }, "two"))).applied);
  await bed.until(() => bed.sink.letters.length > 0);
  await bed.until(async () => (await bed.read("s-0")).checkpoint.sequenceNumber === "6");
  assertEquals(bed.sink.numbers, ["4"]);
  assertEquals(bed.sink.letters[0]?.fencingToken.leaseKey, "s-0");
  // It reads at its checkpoint: the first page has record 3 too, which is done.
  assertEquals(bed.callsOf("two")[0], "4 5", "nothing that was finished comes again");
  assertEquals(bed.callsOf("two").filter((call) => call === "4").length, 3, "attempts of its own");
  assertEquals(bed.done.toSorted(), ["1", "2", "3", "5", "6"]);
  await first.stop();
  await second.stop();
});

Deno.test("KinesisWorker loses a lease in the middle of a retry: no more calls here, nothing is lost there", async () => {
  const bed = new FailingBed();
  bed.feed("aaaa");
  bed.poison.add("3");
  const errors = { retry: { attempts: 3, delay: () => 30_000 }, onExhausted: deadLetter(bed.sink) };
  const first = bed.run("one", { errors, batch: { size: 1 } });
  await bed.until(() => bed.callsOf("one").includes("3"));
  await bed.clock.advance(1000);
  // As another worker takes it that has seen it stand still.
  const lease = await bed.read("s-0");
  assert((await bed.store.apply(assign(lease, "two"))).applied);
  const second = bed.run("two", { errors, batch: { size: 1 } });
  await bed.until(() => bed.sink.letters.length > 0);
  await bed.until(async () => (await bed.read("s-0")).checkpoint.sequenceNumber === "4");
  assertEquals(bed.callsOf("one"), ["1", "2", "3"]);
  assertEquals(bed.callsOf("two"), ["3", "3", "3", "3", "4"]);
  assertEquals(bed.sink.letters.map(({ attempts }) => attempts), [4]);
  assertEquals(bed.done, ["1", "2", "4"]);
  await first.stop();
  await second.stop();
});

Deno.test("KinesisWorker stops soon with parked keys, and the next one repeats no other record", async () => {
  const bed = new FailingBed();
  bed.feed("abacbd");
  for (const name of ["1", "3"]) bed.poison.add(name);
  const options: Partial<WorkerOptions> = {
    errors: {
      retry: { delay: () => 30_000, maxAgeMs: 3_600_000 },
      onExhausted: park({ then: deadLetter(bed.sink) }),
    },
    concurrency: { perShard: 2, order: "key" },
    batch: { size: 1 },
  };
  const first = bed.run("one", options);
  await bed.until(() => bed.done.length === 4);
  await bed.clock.advance(5000);
  const stoppedMs = bed.clock.monotonicMs();
  await first.stop();
  assert(bed.clock.monotonicMs() - stoppedMs < 2000, "no pause is waited for");
  const { checkpoint, leaseOwner, finishedAhead } = await bed.read("s-0");
  assertEquals([checkpoint.sequenceNumber, leaseOwner], ["TRIM_HORIZON", undefined]);
  assert(finishedAhead !== undefined);
  assertEquals(bed.sink.letters, []);
  bed.poison.clear();
  const second = bed.run("two", options);
  await bed.until(async () => (await bed.read("s-0")).checkpoint.sequenceNumber === "6");
  assertEquals(bed.callsOf("two"), ["1", "3"]);
  assertEquals((await bed.read("s-0")).finishedAhead, undefined);
  await second.stop();
});

for (
  const [title, more] of [["", {}], [", several calls at a time", { concurrency: { perShard: 4 } }]] as const
) {
  Deno.test(`KinesisWorker gives up one user record of an aggregate, and processes the others${title}`, async () => {
    const bed = new FailingBed();
    const data = aggregate(
      ["a", "b", "a", "c", "a"].map((partitionKey, i) => ({ partitionKey, data: Uint8Array.of(i) })),
    );
    bed.kinesis.records.set("words", [keyed(1, "a"), keyed(2, "a", { data }), keyed(3, "a")]);
    bed.poison.add("2.2");
    const worker = bed.run("one", {
      ...more,
      errors: { retry: { attempts: 1 }, split: "bisect", onExhausted: deadLetter(bed.sink) },
    });
    await bed.until(async () =>
      (await bed.read("s-0").catch(() => undefined))?.checkpoint.sequenceNumber === "3"
    );
    assertEquals(bed.sink.letters.map(({ records }) => records.map(nameOf)), [["2.2"]]);
    assertEquals(bed.sink.letters[0]?.records.map(({ data }) => [...data]), [[2]]);
    assertEquals(bed.done.toSorted(), ["1", "2.0", "2.1", "2.3", "2.4", "3"]);
    await worker.stop();
  });
}

Deno.test("KinesisWorker with many streams has a policy for each shard: letters name the stream, and no other stream waits", async () => {
  const bed = new FailingBed();
  const streams = ["a", "b", "c"].map((name) => `123456789012:${name}:1`);
  for (const name of ["a", "b", "c"]) bed.feed("kkkk", name);
  const failing = new Set(["a", "c"]);
  const done = new Map<string, string[]>();
  const worker = bed.run("one", {
    streamName: undefined,
    region: "us-east-1",
    streams,
    errors: { retry: { attempts: 1, delay: () => 20_000 }, onExhausted: deadLetter(bed.sink) },
    batch: { size: 1 },
    processor: () => ({
      checkpoints: "auto" as const,
      processRecords: ({ records }, { streamName }) => {
        const names = records.map(nameOf);
        if (failing.has(streamName) && names.includes("2")) throw new Error("bad");
        done.set(streamName, [...done.get(streamName) ?? [], ...names]);
      },
      shardEnded: () => {},
    }),
  });
  await bed.until(() => done.get("b")?.length === 4);
  assertEquals(bed.sink.letters, [], "the others are in their pauses");
  await bed.until(() => done.get("a")?.length === 3 && done.get("c")?.length === 3);
  assertEquals(
    bed.sink.letters.map(({ streamName, records }) => [streamName, ...records.map(nameOf)].join(" "))
      .toSorted(),
    ["a 2", "c 2"],
  );
  await worker.stop();
  const { leases } = await bed.store.list();
  assertEquals(leases.map(({ checkpoint }) => checkpoint), Array(3).fill(positionAt("4")));
});

Deno.test("KinesisWorker.batches() with errors makes one dead letter of a batch that is never done, and stores what lies behind it", async () => {
  const bed = new FailingBed();
  bed.feed("kkkkk");
  const worker = bed.worker("one", {
    errors: { retry: { attempts: 1 }, onExhausted: deadLetter(bed.sink) },
    batch: { size: 2 },
  });
  const seen: string[] = [];
  await bed.settled((async () => {
    for await (const batch of worker.batches()) {
      const names = batch.records.map(nameOf);
      seen.push(names.join(" "));
      if (names.includes("3")) continue;
      assert(await batch.done());
      if (names.includes("5")) break;
    }
  })());
  assertEquals(seen.filter((names) => names.startsWith("3")).length, 2);
  assertEquals(bed.sink.letters.map(({ attempts }) => attempts), [2]);
  assertEquals(unique([...seen.join(" ").split(" ")]), ["1", "2", "3", "4", "5"]);
  const { checkpoint, leaseOwner } = await bed.read("s-0");
  assertEquals([checkpoint, leaseOwner], [positionAt("5"), undefined]);
  assertEquals(eventsOf(bed.events, "workerStopped").map(({ error }) => error), [undefined]);
});
