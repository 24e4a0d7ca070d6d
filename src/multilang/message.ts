// Pure.
/**
 * What the daemon says to a child: one JSON object per line, keys in the order in which Java writes them,
 * nulls written out.
 *
 * Every key is needed: kclpy ends with a KeyError if one is missing, and with an unknown action. Everything
 * is ASCII, which is the same JSON to every parser and survives a child under `LC_ALL=C`. A line is made in
 * pieces, so that a batch of 10 MiB is never in memory as text.
 *
 * Source: KCL 3.5.1, `software.amazon.kinesis.multilang.messages`.
 *
 * @module
 */

import type { RecordFields } from "../stream/record.ts";
import { base64Length, encodeBase64 } from "./base64_writer.ts";

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

/** Encodes a message as one line, line feed included, in pieces of at most 64 KiB. */
export function encodeLine(message: DaemonMessage): Iterable<Uint8Array<ArrayBuffer>> {
  if (message.action === "processRecords") {
    return encodeRecords(message.records, message.millisBehindLatest);
  }
  return [new TextEncoder().encode(`${jsonOf(message)}\n`)];
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

/** The size of a piece: what a Linux pipe holds. */
const PIECE_BYTES = 64 * 1024;

function* encodeRecords(
  batch: readonly RecordFields[],
  millisBehindLatest: number | undefined,
): Generator<Uint8Array<ArrayBuffer>> {
  const line = new PieceWriter();
  const behind = millisBehindLatest === undefined ? null : wholeMs(millisBehindLatest);
  const end = `],"millisBehindLatest":${behind}}\n`;
  const records = '{"action":"processRecords","records":[';
  line.text(batch.length === 0 ? records + end : `${records}{"data":"`);
  for (const [index, record] of batch.entries()) {
    line.base64(record.data);
    // One text from one payload to the next: each call has its price.
    line.text(
      `","partitionKey":${jsonText(record.partitionKey)},"sequenceNumber":"${record.sequenceNumber}",` +
        `"approximateArrivalTimestamp":${wholeMs(record.approximateArrivalTimestamp)},` +
        `"subSequenceNumber":${record.subSequenceNumber},"action":"record"}` +
        (index === batch.length - 1 ? end : ',{"data":"'),
    );
    yield* line.takeFull();
  }
  yield* line.takeAll();
}

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

/** Writes ASCII into pieces of at most {@linkcode PIECE_BYTES}. */
class PieceWriter {
  readonly #encoder = new TextEncoder();
  #full: Uint8Array<ArrayBuffer>[] = [];
  #piece = new Uint8Array(PIECE_BYTES);
  #at = 0;

  text(text: string): void {
    for (let from = 0; from < text.length;) {
      const part = from === 0 && text.length <= PIECE_BYTES - this.#at
        ? text
        : text.slice(from, from + PIECE_BYTES - this.#at);
      this.#encoder.encodeInto(part, this.#piece.subarray(this.#at));
      from += part.length;
      this.#wrote(part.length);
    }
  }

  base64(data: Uint8Array): void {
    for (let from = 0; from < data.length;) {
      const room = PIECE_BYTES - this.#at;
      // Too little for four characters: this piece stays a little shorter.
      if (room < 4) this.#close();
      else {
        const part = data.subarray(from, from + Math.floor(room / 4) * 3);
        encodeBase64(part, this.#piece, this.#at);
        from += part.length;
        this.#wrote(base64Length(part.length));
      }
    }
  }

  /** The pieces that are full by now. */
  takeFull(): readonly Uint8Array<ArrayBuffer>[] {
    if (this.#full.length === 0) return this.#full;
    const full = this.#full;
    this.#full = [];
    return full;
  }

  takeAll(): readonly Uint8Array<ArrayBuffer>[] {
    if (this.#at > 0) this.#close();
    return this.takeFull();
  }

  #wrote(bytes: number): void {
    this.#at += bytes;
    if (this.#at === PIECE_BYTES) this.#close();
  }

  #close(): void {
    this.#full.push(this.#piece.subarray(0, this.#at));
    this.#piece = new Uint8Array(PIECE_BYTES);
    this.#at = 0;
  }
}
