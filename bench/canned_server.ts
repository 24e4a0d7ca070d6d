/**
 * One endless shard with nothing behind it: GetRecords answers with pages made beforehand, so that what is measured is the
 * client. Runs as a process of its own and prints `{"url": …}` once it listens.
 *
 * Pages are serialised at the start; an answer patches only the digits that must differ from page to page (sequence
 * numbers and the next iterator), in place. Neither signatures nor anything else of a request is looked at.
 *
 * @module
 */

/** Payload of a record: what Kinesis meters its producers by. */
const RECORD_BYTES = 1024;
/** About 5 MiB of JSON, half of what one GetRecords may return. */
const RECORDS_PER_PAGE = 3434;
/** Answers that may be on their way at once, each from a buffer of its own. */
const BUFFERS = 4;
/** Digits of the page number within a sequence number of 56 digits. */
const PAGE_DIGITS = 14;

const SEQUENCE_PREFIX = "4959033827149025660855969253"; // as AWS's own numbers begin
const PAGE_PLACE = "#".repeat(PAGE_DIGITS);

/** An answer with the offsets at which the page number, and the number of the next page, are to be written. */
interface Page {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly pageOffsets: readonly number[];
  readonly nextOffset: number;
}

function makePage(): Page {
  const records = Array.from({ length: RECORDS_PER_PAGE }, (_, index) => ({
    SequenceNumber: `${SEQUENCE_PREFIX}${PAGE_PLACE}${String(index).padStart(56 - 28 - PAGE_DIGITS, "0")}`,
    ApproximateArrivalTimestamp: 1_700_000_000.123,
    Data: crypto.getRandomValues(new Uint8Array(RECORD_BYTES)).toBase64(),
    PartitionKey: `key-${index}`,
    EncryptionType: "NONE",
  }));
  const text = JSON.stringify({
    Records: records,
    NextShardIterator: `page-${PAGE_PLACE}`,
    MillisBehindLatest: 3_600_000,
    ChildShards: null,
  });
  const offsets: number[] = [];
  for (let at = text.indexOf(PAGE_PLACE); at !== -1; at = text.indexOf(PAGE_PLACE, at + PAGE_DIGITS)) {
    offsets.push(at);
  }
  const nextOffset = offsets.pop() ?? 0;
  return { body: new TextEncoder().encode(text), pageOffsets: offsets, nextOffset };
}

function digits(page: number): Uint8Array {
  return new TextEncoder().encode(String(page).padStart(PAGE_DIGITS, "0"));
}

const pages = Array.from({ length: BUFFERS }, makePage);

function getRecords(iterator: string): Uint8Array<ArrayBuffer> {
  const number = Number(iterator.slice("page-".length));
  const page = pages[number % BUFFERS] ?? makePage();
  const now = digits(number);
  for (const offset of page.pageOffsets) page.body.set(now, offset);
  page.body.set(digits(number + 1), page.nextOffset);
  return page.body;
}

const SHARD = {
  ShardId: "shardId-000000000000",
  HashKeyRange: { StartingHashKey: "0", EndingHashKey: `${(1n << 128n) - 1n}` },
  SequenceNumberRange: { StartingSequenceNumber: `${SEQUENCE_PREFIX}${"0".repeat(28)}` },
};

function answer(operation: string, iterator: string | undefined): BodyInit {
  switch (operation) {
    case "GetRecords":
      return getRecords(iterator ?? "page-0");
    case "GetShardIterator":
      return JSON.stringify({ ShardIterator: "page-0" });
    case "ListShards":
      return JSON.stringify({ Shards: [SHARD] });
    case "DescribeStreamSummary":
      return JSON.stringify({
        StreamDescriptionSummary: {
          StreamName: "bench",
          StreamARN: "arn:aws:kinesis:us-east-1:000000000000:stream/bench",
          StreamStatus: "ACTIVE",
          StreamCreationTimestamp: 1_700_000_000,
          OpenShardCount: 1,
        },
      });
    default:
      throw new RangeError(`Cannot answer ${operation}: the canned server knows only what reading needs`);
  }
}

const server = Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(JSON.stringify({ url: `http://127.0.0.1:${port}` })),
}, async (request) => {
  const operation = request.headers.get("x-amz-target")?.split(".")[1] ?? "";
  const { ShardIterator } = await request.json();
  return new Response(answer(operation, ShardIterator), {
    headers: { "content-type": "application/x-amz-json-1.1" },
  });
});
await server.finished;
