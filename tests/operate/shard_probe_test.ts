/** A shard at the checkpoint of its lease, from answers that an emulator does not give. */

import { assertEquals } from "@std/assert";
import type { Kinesis } from "../../src/aws/kinesis.ts";
import { probeShard } from "../../src/operate/shard_probe.ts";
import type { KinesisRecord } from "../../src/stream/record.ts";
import { leaseOf } from "../lease/fixtures.ts";

const NOW_MS = 1_000_000;

async function probed(numbers: readonly string[], millisBehindLatest: number | undefined, checkpoint = "5") {
  const limits: number[] = [];
  const kinesis: Pick<Kinesis, "getShardIterator" | "getRecords"> = {
    getShardIterator: () => Promise.resolve("iterator"),
    getRecords: (_stream, _iterator, limit) => {
      limits.push(limit);
      const records = numbers.map((sequenceNumber): KinesisRecord => ({
        sequenceNumber,
        subSequenceNumber: 0,
        partitionKey: "key",
        data: new Uint8Array(),
        // The record 5 arrived 5 s after the first.
        approximateArrivalTimestamp: NOW_MS - 60_000 + Number(sequenceNumber) * 1000,
      } as KinesisRecord));
      return Promise.resolve({
        records,
        bytes: 0,
        nextShardIterator: "next",
        millisBehindLatest,
        childShards: [],
      });
    },
  };
  const clock = { epochMs: () => NOW_MS, monotonicMs: () => 7, sleep: () => Promise.resolve() };
  const probe = await probeShard(
    {
      kinesis: kinesis as Kinesis,
      stream: { streamName: "words", streamArn: undefined },
      clock,
      initialTimestampMs: undefined,
    },
    leaseOf({ key: "s-1", checkpoint }),
    new AbortController().signal,
  );
  assertEquals(limits, [2]);
  return probe;
}

Deno.test("probeShard() counts a record after the checkpoint as unread, although the page ends at the tip", async () => {
  assertEquals(await probed(["5", "9"], 0), {
    type: "seen",
    atMs: 7,
    behindMs: 51_000,
    checkpointAgeMs: 55_000,
    oldestUnreadAgeMs: 51_000,
  });
});

Deno.test("probeShard() believes millisBehindLatest where a page has no record, or only the checkpoint's", async () => {
  const seen = { type: "seen", atMs: 7, behindMs: 90_000, oldestUnreadAgeMs: 90_000 } as const;
  assertEquals(await probed([], 90_000), { ...seen, checkpointAgeMs: undefined });
  assertEquals(await probed(["5"], 90_000), { ...seen, checkpointAgeMs: 55_000 });
  const tip = { type: "seen", atMs: 7, behindMs: 0, oldestUnreadAgeMs: undefined } as const;
  assertEquals(await probed(["5"], undefined), { ...tip, checkpointAgeMs: 55_000 });
  // An old stream may have trimmed the last record of a reader that has nothing to read.
  assertEquals(await probed([], 0), { ...tip, checkpointAgeMs: undefined });
});

Deno.test("probeShard() takes any other record than the checkpoint's for a sign that this one is trimmed", async () => {
  assertEquals(await probed(["6", "9"], 0), { type: "trimmed", isForeign: false, oldestUnreadAgeMs: 54_000 });
  assertEquals((await probed(["6"], 0, "TRIM_HORIZON")).type, "seen");
});
