/**
 * Compares what pages are said to keep in memory with what the heap says, in a process of its own: other tests would move the
 * heap. Needs `--v8-flags=--expose-gc`. Prints a JSON line for each kind of page: bytes a record, as said and as found.
 *
 * @module
 */

import { getRecordsOutputInCbor } from "../../src/aws/cbor_kinesis.ts";
import { getRecordsOutput, JSON_ENCODING, JSON_ENCODING_WITH_TEXTS } from "../../src/aws/kinesis_wire.ts";
import { encodeBase64 } from "../../src/aws/payload_slab.ts";
import { aggregateOf } from "../../src/stream/aggregate_writer.ts";
import { pageMemory } from "../../src/retrieval/page_memory.ts";
import { encodeCborValue } from "../../src/testing/emulator/cbor_writer.ts";

/** Pages that are alike. */
interface Kind {
  readonly name: string;
  readonly records: number;
  readonly bytes: number;
  readonly keyLength: number;
  readonly isAggregated?: boolean;
}

const KINDS: readonly Kind[] = [
  { name: "small", records: 5000, bytes: 10, keyLength: 12 },
  { name: "usual", records: 1000, bytes: 1024, keyLength: 12 },
  { name: "long keys", records: 1000, bytes: 100, keyLength: 250 },
  { name: "large", records: 50, bytes: 50_000, keyLength: 12 },
  { name: "aggregated", records: 20, bytes: 50_000, keyLength: 12, isAggregated: true },
];
const PAGES = 6;
const NUMBER_DIGITS = 56;

const FORMATS = {
  json: { write: inJson, read: (body: Body) => getRecordsOutput(JSON.parse(`${body}`), JSON_ENCODING) },
  "json with texts": {
    write: inJson,
    read: (body: Body) => getRecordsOutput(JSON.parse(`${body}`), JSON_ENCODING_WITH_TEXTS),
  },
  // A copy: an answer belongs to the records that are read from it.
  cbor: { write: inCbor, read: (body: Body) => getRecordsOutputInCbor(Uint8Array.from(body as Uint8Array)) },
};

type Body = string | Uint8Array;

type Page = ReturnType<typeof pageOf>;

function pageOf({ records, bytes, keyLength, isAggregated = false }: Kind, page: number) {
  return Array.from({ length: records }, (_, index) => {
    const text = `${page * records + index}`;
    const payload = crypto.getRandomValues(new Uint8Array(bytes));
    return {
      SequenceNumber: `49${text.padStart(NUMBER_DIGITS - 2, "0")}`,
      PartitionKey: text.padStart(keyLength, "k"),
      Data: isAggregated ? aggregateOf(text, "1", [payload]) : payload,
      EncryptionType: "KMS",
    };
  });
}

function inJson(page: Page): string {
  const records = page.map((record) => ({
    ...record,
    Data: encodeBase64(record.Data),
    ApproximateArrivalTimestamp: 1.5,
  }));
  return JSON.stringify({ Records: records, MillisBehindLatest: 0 });
}

function inCbor(page: Page): Uint8Array<ArrayBuffer> {
  const records = page.map((record) => ({ ...record, ApproximateArrivalTimestamp: { epochMs: 1500 } }));
  return encodeCborValue({ Records: records, MillisBehindLatest: 0 });
}

function heapBytes(): number {
  for (let i = 0; i < 3; i++) (globalThis as { gc?: () => void }).gc?.();
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

/** In a function of its own: what a loop's last turn kept would still be in reach of the next. */
function measured(kind: Kind, { write, read }: (typeof FORMATS)[keyof typeof FORMATS]) {
  const bodies = Array.from({ length: PAGES }, (_, page) => write(pageOf(kind, page)));
  const before = heapBytes();
  const kept = bodies.map(read);
  const found = heapBytes() - before;
  const said = kept.reduce((sum, page) => sum + pageMemory(page), 0);
  return { records: kind.records, found: Math.round(found / PAGES), said: Math.round(said / PAGES) };
}

for (const kind of KINDS) {
  for (const [format, how] of Object.entries(FORMATS)) {
    measured(kind, how); // once beforehand, for code and shapes
    await new Promise((resolve) => setTimeout(resolve, 0));
    console.log(JSON.stringify({ kind: kind.name, format, ...measured(kind, how) }));
  }
}
