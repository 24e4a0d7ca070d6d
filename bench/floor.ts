/**
 * The least that reading Kinesis can cost, in each wire format: fetch, `JSON.parse` and base64 decoded by the engine into one
 * slab a page; or fetch, and a walk over the bytes of CBOR. No signature, no checks, no lease, no pacing.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { encodeCborValue } from "../src/testing/emulator/cbor_writer.ts";
import { iteratorText, shapeOf, type WireFormat } from "./canned_page.ts";
import { Meter, type Turn, type TurnSize } from "./meter.ts";

/** What a floor reads. */
export interface FloorOptions {
  readonly url: string;
  readonly streamName: string;
  readonly wireFormat: WireFormat;
  readonly size: TurnSize;
}

/** The fields of a page that the floor looks at. The first message of a subscription has none. */
interface WirePage {
  readonly Records?: readonly { readonly Data: string }[];
}

/** What is taken from a body at once, at most. */
const PIECE_BYTES = 256 * 1024;

/** Reads one shard, one page after the other. */
export async function floorTurn({ url, streamName, wireFormat, size }: FloorOptions): Promise<Turn> {
  const meter = new Meter(size);
  for (let page = 0;; page++) {
    const body = await post(url, "GetRecords", wireFormat, iteratorText({ streamName, shard: 0, page }));
    const turn = meter.page(
      wireFormat === "json" ? readJsonPage(UTF8.decode(body)) : readCborPage(new Uint8Array(body)),
    );
    if (turn !== undefined) return turn;
  }
}

/**
 * Takes the bytes of one page after the other, and looks at none of them: what the kernel and HTTP cost. All go into one piece of
 * memory, since new memory for each page costs the kernel more than the bytes do.
 */
export async function floorOfBytes({ url, streamName, wireFormat, size }: FloorOptions): Promise<Turn> {
  const meter = new Meter(size);
  const { pageRecords } = shapeOf(streamName);
  let piece = new Uint8Array(PIECE_BYTES);
  for (let page = 0;; page++) {
    const { body } = await ask(url, "GetRecords", wireFormat, iteratorText({ streamName, shard: 0, page }));
    const reader = body?.getReader({ mode: "byob" });
    for (let read = await reader?.read(piece); read?.value !== undefined; read = await reader?.read(piece)) {
      piece = new Uint8Array(read.value.buffer);
      if (read.done) break;
    }
    const turn = meter.add(pageRecords);
    if (turn !== undefined) return turn;
  }
}

/** Makes calls that find no record, and reads each answer. */
export async function floorOfCalls({ url, streamName, size }: FloorOptions): Promise<Turn> {
  const meter = new Meter(size);
  for (let page = 0;; page++) {
    const body = await post(url, "GetRecords", "json", iteratorText({ streamName, shard: 0, page }));
    readJsonPage(UTF8.decode(body));
    const turn = meter.add(1);
    if (turn !== undefined) return turn;
  }
}

/** Takes the events of one subscription: cuts them by their length, and reads each as a page. No checksums. */
export async function floorOfFanOut({ url, streamName, size }: FloorOptions): Promise<Turn> {
  const meter = new Meter(size);
  const response = await fetch(url, {
    method: "POST",
    headers: headersOf("SubscribeToShard", "json"),
    body: JSON.stringify({
      ConsumerARN: `arn:aws:kinesis:us-east-1:000000000000:stream/${streamName}/consumer/bench:1`,
      ShardId: "shardId-000000000000",
      StartingPosition: { Type: "TRIM_HORIZON" },
    }),
  });
  let pieces: Uint8Array[] = [], held = 0;
  const reader = response.body?.getReader();
  for (let read = await reader?.read(); read?.value !== undefined; read = await reader?.read()) {
    const piece = read.value;
    pieces.push(piece);
    held += piece.length;
    // The first piece of a frame holds its length, but for the rare one that is cut within.
    while (held >= PRELUDE_BYTES) {
      const first = pieces[0] !== undefined && pieces[0].length >= PRELUDE_BYTES ? pieces[0] : concat(pieces);
      const length = uint32(first, 0);
      if (held < length) break;
      const bytes = concat(pieces);
      const payload = bytes.subarray(PRELUDE_BYTES + uint32(bytes, 4), length - CHECKSUM_BYTES);
      pieces = [bytes.subarray(length)];
      held -= length;
      const turn = meter.page(readJsonPage(UTF8.decode(payload)));
      if (turn !== undefined) return turn;
    }
  }
  throw new Error("Cannot measure fan-out: expected a subscription without end: got its end");
}

/** Node.js before 25 has no `setFromBase64`; its quickest way is `Buffer`. */
const writeBase64: (text: string, into: Uint8Array) => number = "setFromBase64" in Uint8Array.prototype
  ? (text, into) => into.setFromBase64(text).written
  : (text, into) => Buffer.from(into.buffer, into.byteOffset, into.byteLength).write(text, "base64");

function readJsonPage(text: string): Uint8Array[] {
  const { Records: records = [] } = JSON.parse(text) as WirePage;
  const slab = new Uint8Array(records.reduce((sum, { Data }) => sum + Math.ceil(Data.length / 4) * 3, 0));
  let offset = 0;
  return records.map(({ Data }) => {
    const written = writeBase64(Data, slab.subarray(offset));
    const payload = slab.subarray(offset, offset + written);
    offset += written;
    return payload;
  });
}

function concat(pieces: readonly Uint8Array[]): Uint8Array {
  return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
}

const UTF8: TextDecoder = new TextDecoder();

/** Goes from head to head (RFC 8949), and keeps what is a byte string. */
function readCborPage(bytes: Uint8Array): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length;) {
    const head = view.getUint8(at++);
    const major = head >> 5;
    let length = head & 31;
    if (length === 24) length = view.getUint8(at++);
    else if (length === 25) length = view.getUint16((at += 2) - 2);
    else if (length === 26) length = view.getUint32((at += 4) - 4);
    else if (length === 27) at += 8;
    if (major === BYTES) payloads.push(bytes.subarray(at, at + length));
    if (major === BYTES || major === TEXT) at += length;
  }
  return payloads;
}

const BYTES = 2, TEXT = 3;

/** An event's length stands in its first 4 bytes, and that of its headers in the next 4. */
const PRELUDE_BYTES = 12, CHECKSUM_BYTES = 4;

function uint32(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at);
}

async function post(...request: Parameters<typeof ask>): Promise<ArrayBuffer> {
  return await (await ask(...request)).arrayBuffer();
}

async function ask(
  url: string,
  operation: string,
  format: WireFormat,
  iterator: string,
): Promise<Response> {
  return await fetch(url, {
    method: "POST",
    headers: headersOf(operation, format),
    body: format === "json"
      ? JSON.stringify({ ShardIterator: iterator })
      : encodeCborValue({ ShardIterator: iterator }),
  });
}

function headersOf(operation: string, format: WireFormat): Record<string, string> {
  return {
    "content-type": format === "json" ? "application/x-amz-json-1.1" : "application/x-amz-cbor-1.1",
    "x-amz-target": `Kinesis_20131202.${operation}`,
  };
}
