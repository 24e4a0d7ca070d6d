// Pure.
/**
 * What records keep in memory. It is more than their payloads. A record is an object with a view and two
 * texts. A view keeps the whole piece of memory alive that it is a part of: in CBOR the answer itself, with
 * all that stands between its payloads. With enhanced fan-out the base64 texts of payloads may be kept too.
 *
 * The figures were measured in V8. `tests/retrieval/page_memory.ts` compares them with the heap, for records
 * of 10 to 50,000 bytes.
 *
 * @module
 */

import type { KinesisRecord } from "../stream/record.ts";
import { TextSlab } from "../stream/text_slab.ts";
import type { RecordsPage } from "./retrieval.ts";

/** A record and the view of its payload, without its texts. */
const RECORD_BYTES = 220;
/** A text, beside its characters. They take a byte each: sequence numbers are digits, and most keys ASCII. */
const TEXT_BYTES = 16;

/** What a page keeps in memory, in bytes: at least its payloads. */
export function pageMemory({ records, bytes }: Pick<RecordsPage, "records" | "bytes">): number {
  let memory = 0;
  let buffer: ArrayBufferLike | undefined;
  for (const record of records) {
    memory += withoutPayload(record);
    // Neighbours share their memory, or share it with none.
    if (record.data.buffer === buffer) continue;
    buffer = record.data.buffer;
    memory += buffer.byteLength + (buffer instanceof TextSlab ? textMemory(buffer) : 0);
  }
  return Math.max(memory, bytes);
}

/** What one record keeps in memory where others may keep the rest of its page, in bytes. */
export function recordMemory(record: KinesisRecord): number {
  return withoutPayload(record) + record.data.byteLength;
}

function withoutPayload({ sequenceNumber, partitionKey, explicitHashKey = "" }: KinesisRecord): number {
  return RECORD_BYTES + 2 * TEXT_BYTES + sequenceNumber.length + partitionKey.length + explicitHashKey.length;
}

function textMemory({ texts, characters }: TextSlab): number {
  return texts * TEXT_SLOT_BYTES + characters;
}

/** A text, its place in the list of texts, and where its payload starts. */
const TEXT_SLOT_BYTES = TEXT_BYTES + 12;
