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
 * Collects texts, and joins and encodes those of some hundred records by one call each. Every call has its
 * price, and so has a text that grows. Pieces share one piece of memory.
 */
function* encodeRecords(
  batch: readonly RecordFields[],
  millisBehindLatest: number | undefined,
): Generator<Uint8Array<ArrayBuffer>> {
  const pieces = new Pieces();
  const behind = millisBehindLatest === undefined ? null : wholeMs(millisBehindLatest);
  let fields = '{"action":"processRecords","records":[';
  for (const [index, record] of batch.entries()) {
    fields += index === 0 ? '{"data":"' : ',{"data":"';
    if (pieces.isFullWith(fields)) yield* pieces.encoded(fields);
    const { data } = record, known = keptBase64(data);
    for (let from = 0; from < data.length; from += PART_BYTES) {
      const part = partOf(data, known, from);
      if (pieces.isFullWith(part)) yield* pieces.encoded(part);
    }
    fields = fieldsOf(record);
  }
  fields += `],"millisBehindLatest":${behind}}\n`;
  if (pieces.isFullWith(fields)) yield* pieces.encoded(fields);
  yield pieces.rest();
}

/** A part of a payload in base64, beginning at a byte. */
function partOf(data: Uint8Array, known: string | undefined, from: number): string {
  if (data.length <= PART_BYTES) return known ?? base64Text(data);
  return known?.slice(from / 3 * 4, (from + PART_BYTES) / 3 * 4) ??
    base64Text(data.subarray(from, from + PART_BYTES));
}

/** What follows a payload. */
function fieldsOf(record: RecordFields): string {
  return `","partitionKey":${jsonText(record.partitionKey)},"sequenceNumber":"${record.sequenceNumber}",` +
    `"approximateArrivalTimestamp":${wholeMs(record.approximateArrivalTimestamp)},` +
    `"subSequenceNumber":${record.subSequenceNumber},"action":"record"}`;
}

/**
 * Texts of ASCII, joined and encoded into memory that is written again for each piece. A short line takes no
 * more memory than it needs.
 */
class Pieces {
  #texts: string[] = [];
  #length = 0;
  #memory: Uint8Array<ArrayBuffer> | undefined;
  #filled = 0;

  /** Adds a text, if it fits into the piece. @returns Whether it does not. */
  isFullWith(text: string): boolean {
    if (this.#filled + this.#length + text.length > PIECE_BYTES) return true;
    this.#texts.push(text);
    this.#length += text.length;
    if (this.#length >= JOINED_LENGTH) this.#encode();
    return false;
  }

  /** The piece so far, then pieces of the text, whose rest is kept: a partition key may be long. */
  *encoded(text: string): Generator<Uint8Array<ArrayBuffer>> {
    for (let from = 0; from < text.length; from += PIECE_BYTES) {
      yield this.rest();
      this.isFullWith(text.slice(from, from + PIECE_BYTES));
    }
  }

  /** What was added. */
  rest(): Uint8Array<ArrayBuffer> {
    if (this.#memory === undefined && this.#length < JOINED_LENGTH) return ENCODER.encode(this.#joined());
    const memory = this.#encode();
    const piece = memory.subarray(0, this.#filled);
    this.#filled = 0;
    return piece;
  }

  #encode(): Uint8Array<ArrayBuffer> {
    this.#memory ??= new Uint8Array(PIECE_BYTES);
    this.#filled += ENCODER.encodeInto(this.#joined(), this.#memory.subarray(this.#filled)).written;
    return this.#memory;
  }

  #joined(): string {
    const text = this.#texts.join("");
    this.#texts = [];
    this.#length = 0;
    return text;
  }
}

/**
 * How many characters are joined at a time. Ours: V8 gives a text of 128 KiB fresh memory, which the kernel
 * has to fill.
 */
const JOINED_LENGTH = 32 * 1024;

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
