/** Searches in one shard of a Kinesis that a test scripts: pages, empty pages, and a writer that never stops. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { IteratorPosition } from "../../../src/aws/kinesis.ts";
import type { GetRecordsOutput } from "../../../src/aws/kinesis_wire.ts";
import {
  positionAtTime,
  positionBefore,
  type SearchOptions,
} from "../../../src/operate/change/position_search.ts";
import type { ShardPosition } from "../../../src/operate/change/positions.ts";
import { type KinesisRecord, kinesisRecord } from "../../../src/stream/record.ts";
import { aggregateOf } from "../../../src/stream/aggregate_writer.ts";
import { PassingClock } from "../../support/operate_bed.ts";
import { ScriptedKinesis, serviceError, shardWith } from "../../support/scripted_kinesis.ts";
import { recordWith } from "../../support/consumer_bed.ts";

const HOUR_MS = 3_600_000;
const signal = new AbortController().signal;

/** Its sleeps take no turn of the event loop: thousands of them are over at once. */
class InstantClock extends PassingClock {
  override sleep(ms: number): Promise<void> {
    this.pass(ms);
    return Promise.resolve();
  }
}

/** A shard that has records of these numbers and times. */
class OneShard extends ScriptedKinesis {
  readonly records: KinesisRecord[] = [];
  /** Records of a page. */
  pageRecords = 1000;
  /** Empty pages before each page with records. */
  emptyPages = 0;
  isClosed = false;
  /** Called before each read. */
  beforeRead: () => void = () => {};
  readonly clock: PassingClock;

  constructor(clock: PassingClock) {
    super(() => clock.monotonicMs());
    this.clock = clock;
  }

  add(sequenceNumber: number, arrivalMs: number, data?: Uint8Array): void {
    const record = recordWith(sequenceNumber);
    this.records.push(
      kinesisRecord({ ...record, data: data ?? record.data, approximateArrivalTimestamp: arrivalMs }),
    );
  }

  override async getShardIterator(_: unknown, shardId: string, position: IteratorPosition): Promise<string> {
    await super.getShardIterator(_, shardId, position);
    return `${this.#indexOf(position)}/${this.emptyPages}`;
  }

  override async getRecords(_: unknown, iterator: string, limit: number): Promise<GetRecordsOutput> {
    await super.getRecords(_, iterator, limit);
    this.beforeRead();
    const [index = 0, empty = 0] = iterator.split("/").map(Number);
    const isMore = index < this.records.length;
    const next = isMore && empty > 0 ? index : Math.min(index + this.pageRecords, this.records.length);
    const records = this.records.slice(index, next);
    const following = this.records[next];
    const isOver = this.isClosed && next >= this.records.length;
    return {
      records,
      bytes: records.length,
      millisBehindLatest: following === undefined
        ? 0
        : Math.max(1, this.clock.epochMs() - following.approximateArrivalTimestamp),
      childShards: [],
      nextShardIterator: isOver
        ? undefined
        : `${next}/${isMore && empty > 0 && next === index ? empty - 1 : this.emptyPages}`,
    };
  }

  #indexOf(position: IteratorPosition): number {
    const indexOf = (fits: (record: KinesisRecord) => boolean) => {
      const index = this.records.findIndex(fits);
      return index === -1 ? this.records.length : index;
    };
    switch (position.type) {
      case "TRIM_HORIZON":
        return 0;
      case "AT_TIMESTAMP":
        return indexOf((record) => record.approximateArrivalTimestamp >= position.timestampMs);
      case "AT_SEQUENCE_NUMBER":
        return indexOf((record) => BigInt(record.sequenceNumber) >= BigInt(position.sequenceNumber));
      case "AFTER_SEQUENCE_NUMBER":
        return indexOf((record) => BigInt(record.sequenceNumber) > BigInt(position.sequenceNumber));
      default:
        throw new Error(`a search must not begin at ${position.type}`);
    }
  }
}

function bedOf() {
  const clock = new InstantClock();
  const kinesis = new OneShard(clock);
  const stream = { streamName: "words", streamArn: undefined };
  const options: SearchOptions = { kinesis, stream, clock, retentionMs: 24 * HOUR_MS };
  const shard = () => shardWith("shardId-0", kinesis.isClosed ? { endingSequenceNumber: "999999" } : {});
  return {
    kinesis,
    clock,
    nowMs: clock.epochMs(),
    atTime: (epochMs: number) => positionAtTime(options, shard(), epochMs, signal),
    before: (number: string) => positionBefore(options, shard(), number, signal),
  };
}

/** `5.2` is the third user record of record 5. */
function textOf(position: ShardPosition): string {
  if (position.type === "finished") return "finished";
  const { sequenceNumber, subSequenceNumber } = position.checkpoint;
  return subSequenceNumber === 0 ? sequenceNumber : `${sequenceNumber}.${subSequenceNumber}`;
}

Deno.test("positionAtTime() finds the last record before a time, however far back it lies", async () => {
  for (const backMs of [1, 999, 1000, 1001, 9_999, 100_000, 3_000_000, 20 * HOUR_MS]) {
    const { kinesis, nowMs, atTime } = bedOf();
    kinesis.add(10, nowMs - backMs - HOUR_MS);
    kinesis.add(20, nowMs - backMs);
    kinesis.add(30, nowMs);
    assertEquals(textOf(await atTime(nowMs)), "20", `${backMs} ms back`);
    const stretches = kinesis.iterators.filter(({ type }) => type === "AT_TIMESTAMP").length;
    assert(stretches <= Math.ceil(Math.log10(Math.max(backMs, 1000) / 1000)) + 1, `${stretches} stretches`);
  }
});

Deno.test("positionAtTime() takes a record of the time itself as one after it", async () => {
  const { kinesis, nowMs, atTime } = bedOf();
  for (const [n, at] of [[1, -3000], [2, -2000], [3, -2000], [4, -1000]] as const) kinesis.add(n, nowMs + at);
  assertEquals(textOf(await atTime(nowMs - 2000)), "1");
  assertEquals(textOf(await atTime(nowMs - 1999)), "3");
  assertEquals(textOf(await atTime(nowMs - 3000)), "TRIM_HORIZON");
});

Deno.test("positionAtTime() names the last user record of an aggregate", async () => {
  const { kinesis, nowMs, atTime } = bedOf();
  const texts = ["a", "b", "c"].map((text) => new TextEncoder().encode(text));
  kinesis.add(5, nowMs - 5000, aggregateOf("key", "0", texts));
  kinesis.add(6, nowMs);
  assertEquals(textOf(await atTime(nowMs)), "5.2");
});

Deno.test("positionAtTime() in an empty shard, one that was trimmed, and one that is over", async () => {
  const empty = bedOf();
  assertEquals(textOf(await empty.atTime(empty.nowMs)), "TRIM_HORIZON");
  const trimmed = bedOf();
  trimmed.kinesis.add(9, trimmed.nowMs - 100);
  assertEquals(textOf(await trimmed.atTime(trimmed.nowMs - 5 * HOUR_MS)), "TRIM_HORIZON");
  const closed = bedOf();
  closed.kinesis.isClosed = true;
  closed.kinesis.add(9, closed.nowMs - HOUR_MS);
  assertEquals(textOf(await closed.atTime(closed.nowMs)), "finished");
  assertEquals(textOf(await closed.atTime(closed.nowMs - 2 * HOUR_MS)), "TRIM_HORIZON");
  const gone = bedOf();
  gone.kinesis.isClosed = true;
  gone.kinesis.getShardIterator = () => Promise.reject(serviceError("ResourceNotFoundException"));
  assertEquals(textOf(await gone.atTime(gone.nowMs)), "finished");
});

Deno.test("positionAtTime() reads over empty pages, and gives up where there is no end of them", async () => {
  const { kinesis, nowMs, atTime } = bedOf();
  kinesis.add(1, nowMs - 20_000);
  kinesis.add(2, nowMs - 500);
  kinesis.emptyPages = 40;
  assertEquals(textOf(await atTime(nowMs)), "2");
  kinesis.emptyPages = Infinity;
  const error = await assertRejects(() => atTime(nowMs));
  assert(`${error}`.includes("empty pages: try again"), `${error}`);
  assert(kinesis.reads.length < 6000, `${kinesis.reads.length} reads`);
});

Deno.test("positionAtTime() halves a stretch that holds much, and reads four times a second at most", async () => {
  const { kinesis, clock, nowMs, atTime } = bedOf();
  kinesis.pageRecords = 10;
  for (let n = 0; n < 20_000; n++) kinesis.add(n + 1, nowMs - 900 * 1000 + n * 45);
  const targetMs = nowMs - 900 * 1000 + 15_000 * 45;
  kinesis.add(30_000, nowMs);
  // The stretch of a hundred seconds would hold 222 pages.
  kinesis.records.splice(14_000, 1000);
  assertEquals(textOf(await atTime(targetMs)), "14000");
  assert(kinesis.reads.length < 60, `${kinesis.reads.length} reads`);
  for (const [index, { atMs }] of kinesis.reads.entries()) {
    const earlier = kinesis.reads[index - 1];
    assert(earlier === undefined || atMs - earlier.atMs >= 250, `read ${index} comes too soon`);
  }
  assert(kinesis.iterators.length > 5 && clock.monotonicMs() >= (kinesis.iterators.length - 1) * 250);
});

Deno.test("positionAtTime() ends in a shard that is written to all the time, though our clock is ahead", async () => {
  const { kinesis, clock, atTime } = bedOf();
  const aheadMs = 600_000;
  let n = 0;
  for (; n < 50; n++) kinesis.add(n + 1, clock.epochMs() - aheadMs - 5000 + n * 100);
  kinesis.beforeRead = () => kinesis.add(++n, clock.epochMs() - aheadMs);
  const tip = n;
  const position = await atTime(clock.epochMs());
  assert(Number(textOf(position)) >= tip, textOf(position));
  assert(kinesis.reads.length < 100, `${kinesis.reads.length} reads`);
});

Deno.test("positionBefore() finds the record before a number, which may be one that never was", async () => {
  const { kinesis, nowMs, before } = bedOf();
  for (const n of [10, 20, 30]) kinesis.add(n, nowMs - 5000 + n);
  assertEquals(textOf(await before("20")), "10");
  assertEquals(textOf(await before("25")), "20");
  assertEquals(textOf(await before("10")), "TRIM_HORIZON");
  assertEquals(textOf(await before("5000")), "30");
  await assertRejects(() => before("0"), RangeError, "expected a number of this shard, from 1 to the newest");
});

Deno.test("positionBefore() ends in a busy shard for a number that is still to come", async () => {
  const { kinesis, clock, before } = bedOf();
  let n = 100;
  kinesis.add(n, clock.epochMs());
  kinesis.beforeRead = () => kinesis.add(++n, clock.epochMs());
  const position = await before("5000000");
  assert(Number(textOf(position)) >= 100, textOf(position));
  assert(kinesis.reads.length < 20, `${kinesis.reads.length} reads`);
});
