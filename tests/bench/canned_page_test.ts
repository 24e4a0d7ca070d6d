/** The answers that the bench's server gives. */

import { assertEquals, assertThrows } from "@std/assert";
import {
  CannedPage,
  iteratorOf,
  iteratorText,
  pageAfter,
  shapeOf,
  streamNameOf,
} from "../../bench/canned_page.ts";
import { decodeCbor } from "../../src/aws/cbor.ts";

const shape = { shards: 2, recordBytes: 20, pageRecords: 3 };
const streamName = streamNameOf(shape);

interface Page {
  readonly Records: readonly { readonly SequenceNumber: string; readonly Data: string | Uint8Array }[];
  readonly NextShardIterator: string;
  readonly MillisBehindLatest: number;
}

for (const format of ["json", "cbor"] as const) {
  const read = (bytes: Uint8Array<ArrayBuffer>): Page =>
    format === "cbor" ? decodeCbor(bytes) as unknown as Page : JSON.parse(new TextDecoder().decode(bytes));

  Deno.test(`CannedPage.answer() in ${format} can be read, and its numbers rise from page to page`, () => {
    const pages = new CannedPage({ streamName, shard: 1 }, format);
    const numbers = [5, 7].flatMap((page) => {
      const { Records, NextShardIterator, MillisBehindLatest } = read(pages.answer(page, 10_000));
      assertEquals(iteratorOf(NextShardIterator), { streamName, shard: 1, page: page + 1 });
      assertEquals([Records.length, MillisBehindLatest], [3, 3_600_000]);
      assertEquals(Records.map(({ SequenceNumber }) => pageAfter(SequenceNumber)), [
        page + 1,
        page + 1,
        page + 1,
      ]);
      return Records.map(({ SequenceNumber }) => BigInt(SequenceNumber));
    });
    assertEquals(numbers, numbers.toSorted((a, b) => a < b ? -1 : 1));
    assertEquals(new Set(numbers).size, 6);
  });

  Deno.test(`CannedPage.answer() in ${format} cut to fewer records leaves the next answer whole`, () => {
    const pages = new CannedPage({ streamName, shard: 0 }, format);
    const whole = read(pages.answer(1, 10_000).slice());
    const cut = read(pages.answer(1, 1).slice());
    assertEquals(cut.Records, whole.Records.slice(0, 1));
    const none = read(pages.answer(1, 0).slice());
    assertEquals([none.Records.length, none.MillisBehindLatest], [0, 0]);
    assertEquals(read(pages.answer(1, 10_000)), whole);
  });
}

Deno.test("shapeOf() reads what streamNameOf() wrote, and refuses other names", () => {
  assertEquals(shapeOf(streamName), shape);
  assertThrows(
    () => shapeOf("words"),
    RangeError,
    'Cannot serve stream "words": expected bench-SHARDS-BYTES-RECORDS',
  );
});

Deno.test("iteratorOf() reads what iteratorText() wrote", () => {
  const iterator = { streamName, shard: 1, page: 12 };
  assertEquals(iteratorOf(iteratorText(iterator)), iterator);
});
