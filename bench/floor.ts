/**
 * The least that reading Kinesis over JSON can cost: fetch, `JSON.parse`, and base64 decoded by the engine into one slab a
 * page. No signature, no checks, no lease, no pacing.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** A page as the floor sees it. */
export interface FloorPage {
  readonly payloads: readonly Uint8Array[];
  readonly nextShardIterator: string;
}

interface WirePage {
  readonly Records: readonly { readonly Data: string }[];
  readonly NextShardIterator: string;
}

/** Node.js before 25 has no `setFromBase64`; its quickest way is `Buffer`. */
const writeBase64: (text: string, into: Uint8Array) => number = "setFromBase64" in Uint8Array.prototype
  ? (text, into) => into.setFromBase64(text).written
  : (text, into) => Buffer.from(into.buffer, into.byteOffset, into.byteLength).write(text, "base64");

/** Reads one page. */
export async function readFloorPage(url: string, shardIterator: string): Promise<FloorPage> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": "Kinesis_20131202.GetRecords" },
    body: JSON.stringify({ ShardIterator: shardIterator }),
  });
  const { Records: records, NextShardIterator } = JSON.parse(await response.text()) as WirePage;
  const slab = new Uint8Array(records.reduce((sum, { Data }) => sum + Data.length / 4 * 3, 0));
  let offset = 0;
  const payloads = records.map(({ Data }) => {
    const written = writeBase64(Data, slab.subarray(offset));
    const payload = slab.subarray(offset, offset + written);
    offset += written;
    return payload;
  });
  return { payloads, nextShardIterator: NextShardIterator };
}
