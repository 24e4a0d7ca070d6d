// Pure.
/**
 * What the daemon says to a child: one JSON object per line, keys in the order in which Java writes them,
 * nulls written out.
 *
 * Every key is needed: kclpy ends with a KeyError if one is missing, and with an unknown action. Everything
 * is ASCII, which is the same JSON to every parser and survives a child under `LC_ALL=C`. A line is made in
 * pieces, so that a batch of 10 MiB is never in memory as one text.
 *
 * Source: KCL 3.5.1, `software.amazon.kinesis.multilang.messages`.
 *
 * @module
 */

import type { RecordFields } from "../stream/record.ts";
import { keptBase64 } from "../stream/text_slab.ts";
import { base64Text } from "./base64_writer.ts";

/** The actions that a child answers with a status. */
export type Action = "initialize" | "processRecords" | "leaseLost" | "shardEnded" | "shutdownRequested";

/** A message to a child. */
export type DaemonMessage =
  | {
    readonly action: "initialize";
    readonly shardId: string;
    /** The lease's checkpoint: digits, or a sentinel. */
    readonly sequenceNumber: string;
    readonly subSequenceNumber: number;
  }
  | {
    readonly action: "processRecords";
    readonly records: readonly RecordFields[];
    readonly millisBehindLatest: number | undefined;
  }
  | { readonly action: "leaseLost" | "shardEnded" | "shutdownRequested" }
  | CheckpointReply;

/** The answer to a child's checkpoint: its own numbers again, and what went wrong. */
export interface CheckpointReply {
  readonly action: "checkpoint";
  readonly sequenceNumber: string | null;
  /** A bigint, since Java's is a `long`. */
  readonly subSequenceNumber: bigint | null;
  /** The position once more, for a child that names it so, as in KCL 1.x: it looks for its answer there. */
  readonly checkpoint?: string | null;
  /** The simple name of a Java exception. Success is null and nothing else: kclpy raises on "" too. */
  readonly error: string | null;
}

/**
 * Encodes a message as one line, line feed included, in pieces of at most {@linkcode PIECE_BYTES}. A piece is
 * good until the next one is asked for: its memory is written again.
 */
export function encodeLine(message: DaemonMessage): Iterable<Uint8Array<ArrayBuffer>> {
  if (message.action === "processRecords") {
    return encodeRecords(message.records, message.millisBehindLatest);
  }
  return [ENCODER.encode(`${jsonOf(message)}\n`)];
}

function jsonOf(message: Exclude<DaemonMessage, { readonly action: "processRecords" }>): string {
  switch (message.action) {
    case "initialize": {
      const { action, shardId, sequenceNumber, subSequenceNumber } = message;
      return ascii(JSON.stringify({ action, shardId, sequenceNumber, subSequenceNumber }));
    }
    case "checkpoint": {
      const { sequenceNumber, subSequenceNumber, checkpoint, error } = message;
      const again = checkpoint === undefined ? "" : `"checkpoint":${ascii(JSON.stringify(checkpoint))},`;
      return `{"action":"checkpoint",${again}"sequenceNumber":${ascii(JSON.stringify(sequenceNumber))},` +
        `"subSequenceNumber":${subSequenceNumber},"error":${JSON.stringify(error)}}`;
    }
    case "leaseLost":
    case "shardEnded":
    case "shutdownRequested":
      return JSON.stringify({ action: message.action });
  }
}

/**
 * The most bytes of a piece. Ours: a pipe of Linux holds 64 KiB, and each write has its price. Four times as
 * much takes a quarter of the writes; more gains nothing.
 */
export const PIECE_BYTES: number = 256 * 1024;

/** The most bytes of a payload that are put into base64 at a time; a multiple of 3. */
const PART_BYTES = 48 * 1024;

/**
 * Joins texts, and encodes some hundred records by one call, since each call has its price. Pieces share one
 * piece of memory.
 */
function* encodeRecords(
  batch: readonly RecordFields[],
  millisBehindLatest: number | undefined,
): Generator<Uint8Array<ArrayBuffer>> {
  const pieces = new Pieces();
  const behind = millisBehindLatest === undefined ? null : wholeMs(millisBehindLatest);
  let text = '{"action":"processRecords","records":[';
  for (const [index, record] of batch.entries()) {
    const { data } = record;
    text += index === 0 ? '{"data":"' : ',{"data":"';
    const known = keptBase64(data);
    for (let from = 0; from < data.length; from += PART_BYTES) {
      text += known?.slice(from / 3 * 4, (from + PART_BYTES) / 3 * 4) ??
        base64Text(data.subarray(from, from + PART_BYTES));
      if (text.length >= PIECE_BYTES) text = yield* pieces.full(text);
    }
    text += `","partitionKey":${jsonText(record.partitionKey)},"sequenceNumber":"${record.sequenceNumber}",` +
      `"approximateArrivalTimestamp":${wholeMs(record.approximateArrivalTimestamp)},` +
      `"subSequenceNumber":${record.subSequenceNumber},"action":"record"}`;
    if (text.length >= PIECE_BYTES) text = yield* pieces.full(text);
  }
  text = yield* pieces.full(`${text}],"millisBehindLatest":${behind}}\n`);
  if (text !== "") yield pieces.last(text);
}

/** Encodes ASCII into memory that is written again for each piece. */
class Pieces {
  #memory: Uint8Array<ArrayBuffer> | undefined;

  /** @returns The rest of the text, which fills no piece. */
  *full(text: string): Generator<Uint8Array<ArrayBuffer>, string> {
    let from = 0;
    for (; text.length - from >= PIECE_BYTES; from += PIECE_BYTES) {
      this.#memory ??= new Uint8Array(PIECE_BYTES);
      yield this.last(text.slice(from, from + PIECE_BYTES));
    }
    return text.slice(from);
  }

  /** A short line takes no more memory than it needs. */
  last(text: string): Uint8Array<ArrayBuffer> {
    if (this.#memory === undefined) return ENCODER.encode(text);
    return this.#memory.subarray(0, ENCODER.encodeInto(text, this.#memory).written);
  }
}

const ENCODER: TextEncoder = new TextEncoder();

/** An integer, whatever an emulator answered: a null or a fraction in its place ends kclpy. */
function wholeMs(ms: number): number {
  return Number.isFinite(ms) ? Math.round(ms) : 0;
}

/** A JSON string. Most keys are plain, and then this is three times as fast as escaping. */
function jsonText(text: string): string {
  return /^[ !#-[\]-~]*$/.test(text) ? `"${text}"` : ascii(JSON.stringify(text));
}

function ascii(json: string): string {
  return json.replace(
    /[\u0080-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}`,
  );
}
