/**
 * Endless shards with nothing behind them: GetRecords and SubscribeToShard answer with pages made beforehand, so that what is
 * measured is the client. Runs as a process of its own and prints `{"url": …, "tlsUrl": …}` once it listens. It answers in
 * JSON and in CBOR, as it is asked. Neither signatures nor anything else of a request is looked at.
 *
 * A stream's name says what it gives: `bench-8-1024-3434` has 8 shards, records of 1,024 bytes and 3,434 of them a page.
 * DynamoDB and CloudWatch are those of our emulator, at the same address. `GET /stats` gives `Stats`: what was sent and asked so far.
 *
 * ```sh
 * deno run -A bench/canned_server.ts [--cert cert.pem --key key.pem] [--held]
 * ```
 *
 * `--held`: shards look empty until `GET /release`, so that a program whose start takes a minute can be ready before its turn.
 *
 * @module
 */

import { parseArgs } from "node:util";
// Ten times as fast as a checksum in JavaScript: the server must not be what is measured.
import { crc32 } from "node:zlib";
import { decodeCbor } from "../src/aws/cbor.ts";
import { encodeCborValue } from "../src/testing/emulator/cbor_writer.ts";
import { eventFrame } from "../src/testing/emulator/event_frames.ts";
import { simulatedAws } from "../src/testing/mod.ts";
import {
  CannedPage,
  FIRST_SEQUENCE_NUMBER,
  iteratorOf,
  iteratorText,
  pageAfter,
  shapeOf,
  type WireFormat,
} from "./canned_page.ts";

/** Kinesis gives no more records in one answer. */
const MAX_LIMIT = 10_000;
/** Answers of one shard that may be on their way at once, each in memory of its own. */
const PAGES_OF_A_SHARD = 2;
/** An event of a subscription has this part of a page. */
const EVENTS_OF_A_PAGE = 8;
const CHECKSUM_BYTES = 4;
/** How long an answer without records takes while shards are held, in ms. */
const HELD_MS = 1000;
const ARN_PREFIX = "arn:aws:kinesis:us-east-1:000000000000:stream/";
const HASH_KEYS = 1n << 128n;
const CREATED = { epochMs: 1_700_000_000_000 } as const;

/** The fields of requests that matter here. */
interface Input {
  readonly StreamName?: string;
  readonly StreamARN?: string;
  readonly ConsumerARN?: string;
  readonly ShardIterator?: string;
  readonly Limit?: number;
  readonly ShardId?: string;
  readonly StartingSequenceNumber?: string;
}

/** What `GET /stats` gives. */
export interface Stats {
  /** How many were sent, by the calls of all clients. */
  readonly records: number;
  /** Shards that were read, with records or without. */
  readonly shardsRead: number;
  /** Requests to DynamoDB. */
  readonly dynamoDBRequests: number;
}

const { values } = parseArgs({
  options: { cert: { type: "string" }, key: { type: "string" }, held: { type: "boolean", default: false } },
});
const pages = new Map<string, CannedPage>();
const shardsRead = new Set<number>();
let records = 0, dynamoDBRequests = 0;
let release: () => void = () => {};
const released = new Promise<void>((resolve) => values.held ? release = resolve : resolve());
let isHeld = values.held;
released.then(() => isHeld = false);
const emulator = simulatedAws();

async function getRecords({ ShardIterator = "", Limit: asked = MAX_LIMIT }: Input, format: WireFormat) {
  const iterator = iteratorOf(ShardIterator);
  shardsRead.add(iterator.shard);
  // Whoever is held is to cost little beside whoever is measured meanwhile.
  if (isHeld) await Promise.race([released, new Promise((resolve) => setTimeout(resolve, HELD_MS))]);
  const Limit = isHeld ? 0 : asked;
  const key = `${format}/${iterator.streamName}/${iterator.shard}/${iterator.page % PAGES_OF_A_SHARD}`;
  let page = pages.get(key);
  if (page === undefined) pages.set(key, page = new CannedPage(iterator, format));
  records += Math.min(Limit, shapeOf(iterator.streamName).pageRecords);
  return page.answer(iterator.page, Limit);
}

/** Events as fast as they are taken, each with the numbers of a page of its own. */
function subscribe(input: Input): ReadableStream<Uint8Array> {
  const { ShardId = "" } = input;
  const streamName = streamNameIn(input);
  const count = Math.ceil(shapeOf(streamName).pageRecords / EVENTS_OF_A_PAGE);
  const shard = Number(ShardId.slice("shardId-".length));
  const page = new CannedPage({ streamName, shard }, "event");
  shardsRead.add(shard);
  let number = 0;
  return new ReadableStream({
    start: (controller) => controller.enqueue(eventFrame("initial-response", "{}")),
    async pull(controller) {
      await released;
      // Copied, since what was enqueued before may not be sent yet.
      controller.enqueue(withChecksum(page.answer(number++, count).slice()));
      records += count;
    },
  }, { highWaterMark: 1 });
}

/** Of a frame with room for its checksum: all but the prelude's, which its length decides. */
function withChecksum(frame: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const view = new DataView(frame.buffer);
  view.setUint32(0, frame.length);
  view.setUint32(8, crc32(frame.subarray(0, 8)));
  view.setUint32(frame.length - CHECKSUM_BYTES, crc32(frame.subarray(0, -CHECKSUM_BYTES)));
  return frame;
}

function shardOf(index: number, shards: number) {
  const start = (shard: number) => HASH_KEYS * BigInt(shard) / BigInt(shards);
  return {
    ShardId: `shardId-${String(index).padStart(12, "0")}`,
    HashKeyRange: { StartingHashKey: `${start(index)}`, EndingHashKey: `${start(index + 1) - 1n}` },
    SequenceNumberRange: { StartingSequenceNumber: FIRST_SEQUENCE_NUMBER },
  };
}

function streamNameIn({ StreamName, StreamARN, ConsumerARN }: Input): string {
  return StreamName ?? (StreamARN ?? ConsumerARN ?? "").slice(ARN_PREFIX.length).split("/")[0] ?? "";
}

/** What all calls but those that give records answer. */
function answerOf(operation: string, input: Input): unknown {
  const streamName = streamNameIn(input);
  const StreamARN = `${ARN_PREFIX}${streamName}`;
  const about = {
    StreamName: streamName,
    StreamARN,
    StreamStatus: "ACTIVE",
    StreamCreationTimestamp: CREATED,
  };
  const shards = () => {
    const { shards } = shapeOf(streamName);
    return Array.from({ length: shards }, (_, index) => shardOf(index, shards));
  };
  const consumer = {
    ConsumerName: "bench",
    ConsumerARN: `${StreamARN}/consumer/bench:1`,
    ConsumerStatus: "ACTIVE",
    ConsumerCreationTimestamp: CREATED,
  };
  switch (operation) {
    case "GetShardIterator": {
      const { ShardId = "", StartingSequenceNumber } = input;
      const page = StartingSequenceNumber === undefined ? 0 : pageAfter(StartingSequenceNumber);
      return {
        ShardIterator: iteratorText({ streamName, shard: Number(ShardId.slice("shardId-".length)), page }),
      };
    }
    case "ListShards":
      return { Shards: shards() };
    case "DescribeStreamSummary":
      return {
        StreamDescriptionSummary: {
          ...about,
          RetentionPeriodHours: 24,
          EnhancedMonitoring: [],
          OpenShardCount: shards().length,
        },
      };
    case "DescribeStream":
      return {
        StreamDescription: { ...about, Shards: shards(), HasMoreShards: false, RetentionPeriodHours: 24 },
      };
    case "ListStreamConsumers":
      return { Consumers: [consumer] };
    case "DescribeStreamConsumer":
      return { ConsumerDescription: { ...consumer, StreamARN } };
    case "RegisterStreamConsumer":
      return { Consumer: consumer };
    default:
      throw new RangeError(`Cannot answer ${operation}: the canned server knows only what reading needs`);
  }
}

/** JSON has times in seconds. */
function inJson(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, member) => member?.epochMs === undefined ? member : member.epochMs / 1000,
  );
}

async function answer(request: Request): Promise<Response> {
  if (request.method === "GET") {
    if (new URL(request.url).pathname === "/release") release();
    return Response.json({ records, shardsRead: shardsRead.size, dynamoDBRequests } satisfies Stats);
  }
  const [service = "", operation = ""] = request.headers.get("x-amz-target")?.split(".") ?? [];
  if (!service.startsWith("Kinesis")) {
    if (service.startsWith("DynamoDB")) dynamoDBRequests++;
    return await emulator.fetch(request);
  }
  const contentType = request.headers.get("content-type") ?? "";
  const format = contentType.includes("cbor") ? "cbor" : "json";
  const body = await request.bytes();
  const input = (format === "cbor" ? decodeCbor(body) : JSON.parse(new TextDecoder().decode(body))) as Input;
  const respond = (body: BodyInit, type: string) => new Response(body, { headers: { "content-type": type } });
  if (operation === "SubscribeToShard") {
    return respond(subscribe(input), "application/vnd.amazon.eventstream");
  }
  if (operation === "GetRecords") return respond(await getRecords(input, format), contentType);
  const output = answerOf(operation, input);
  return respond(format === "cbor" ? encodeCborValue(output) : inJson(output), contentType);
}

const address = {
  hostname: "127.0.0.1",
  port: 0,
  onListen() {},
  onError(error: unknown) {
    // A turn that is over ends in the middle of its requests.
    if (!(error instanceof Deno.errors.BadResource)) console.error(error);
    return new Response(null, { status: 500 });
  },
} as const;
const plain = Deno.serve(address, answer);
const { cert, key } = values;
const tls = cert === undefined || key === undefined ? undefined : Deno.serve({
  ...address,
  cert: await Deno.readTextFile(cert),
  key: await Deno.readTextFile(key),
}, answer);
console.log(JSON.stringify({
  url: `http://127.0.0.1:${plain.addr.port}`,
  tlsUrl: tls === undefined ? undefined : `https://127.0.0.1:${tls.addr.port}`,
}));
await plain.finished;
