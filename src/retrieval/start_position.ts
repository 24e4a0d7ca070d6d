/**
 * Where the reading of a shard starts, and what to do if that position no longer exists.
 *
 * A checkpoint LATEST names no position. A worker that opens it later, after a failover, would skip the
 * records in between. So a lease that was created at LATEST keeps its creation time, in an attribute of ours
 * that Java leaves unchanged. It is read from that time on until its first checkpoint.
 *
 * A stored sequence number is read AT, so the first record must be that very record. If that record was
 * trimmed, Kinesis continues with the oldest that it has, without an error. Records that were never processed
 * may be lost with it.
 *
 * If the service says that a number is not of this stream, it is of a deleted stream of the same name. There
 * is nothing to resume after, neither at a stored checkpoint nor at a record fetched before: the same option
 * decides.
 *
 * Source: the GetShardIterator and SubscribeToShard pages of the Kinesis API reference.
 *
 * @module
 */

import type { IteratorPosition } from "../aws/kinesis.ts";
import { isAwsError } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import type { KinesisRecord } from "../stream/record.ts";
import { compare, type ExtendedSequenceNumber, positionAt } from "../stream/sequence_number.ts";
import type { System } from "../system.ts";
import type { RetrievalRequest } from "./retrieval.ts";

/**
 * What to do with a shard whose checkpoint was trimmed: read on from the oldest record, from the newest, or
 * not at all.
 */
export type OnTrimmedCheckpoint = "trim-horizon" | "latest" | "stop";

/** What a start is made from. */
export interface StartPositionOptions {
  readonly onTrimmedCheckpoint: OnTrimmedCheckpoint;
  readonly emit: WorkerEventListener;
  /** Undefined: no time passes between a refusal and what follows it. */
  readonly system?: Pick<System, "clock">;
}

/**
 * How much earlier than its creation time a lease created at LATEST is read, in ms. The clock of the worker
 * that created the lease may be ahead of Kinesis's. Ours.
 */
export const LATEST_MARGIN_MS = 1000;

/**
 * How long after a refused timestamp LATEST may replace it, in ms. Ours: the pause between two subscriptions,
 * and a late timer.
 */
export const TIP_WITHIN_MS = 1500;

/** The checkpoint of a shard was trimmed, and nothing is to be read then. */
export class TrimmedCheckpointError extends RangeError {
  override readonly name = "TrimmedCheckpointError";
}

/** The start of one reading of one shard. */
export class StartPosition {
  readonly #request: RetrievalRequest;
  readonly #options: StartPositionOptions;
  #position: IteratorPosition;
  /** What to open next, once, in place of `#position`, and until when, in monotonic ms. */
  #instead: { readonly position: IteratorPosition; readonly untilMs: number } | undefined;
  /** What was opened last, and when, in monotonic ms. */
  #asked: IteratorPosition;
  #askedMs = 0;
  /** Whether the record at the checkpoint has still to be seen. */
  #isUnchecked: boolean;
  /** A number that nothing is read after here: it is of another stream, or what followed it was trimmed. */
  #foreign: string | undefined;

  /** @throws {RangeError} when the checkpoint is a time that is not known. */
  constructor(request: RetrievalRequest, options: StartPositionOptions) {
    this.#request = request;
    this.#options = options;
    this.#position = this.#asked = startOf(request);
    this.#isUnchecked = this.#position.type === "AT_SEQUENCE_NUMBER" && request.iterator === undefined;
    const { createdAtLatest } = request;
    if (
      this.#position.type !== "AT_TIMESTAMP" || createdAtLatest === undefined || createdAtLatest.isFirstRead
    ) return;
    const since = new Date(this.#position.timestampMs).toISOString();
    this.#notice(
      "info",
      `Nothing is checkpointed since its lease was created at LATEST: read from ${since} on`,
    );
  }

  /**
   * Where the next iterator or subscription is opened.
   *
   * @param resumeAfter The last record fetched, or the number that the service gave instead; undefined before
   * the first.
   */
  next(resumeAfter: string | undefined): IteratorPosition {
    if (resumeAfter !== undefined && resumeAfter !== this.#foreign) {
      this.#asked = { type: "AFTER_SEQUENCE_NUMBER", sequenceNumber: resumeAfter };
      return this.#asked;
    }
    const nowMs = this.#nowMs();
    // A process that slept since its request would skip at the tip the records that arrived meanwhile.
    const { position = this.#position, untilMs = Infinity } = this.#instead ?? {};
    this.#asked = nowMs <= untilMs ? position : this.#position;
    this.#askedMs = nowMs;
    this.#instead = undefined;
    return this.#asked;
  }

  /**
   * Looks at records before they are delivered.
   *
   * @returns false when they are not to be delivered: reading restarts at another position.
   * @throws {TrimmedCheckpointError} when the checkpoint was trimmed and nothing is to be read then.
   */
  accepts(records: readonly KinesisRecord[]): boolean {
    const [first] = records;
    if (first === undefined) return true;
    this.#ensureAhead(first.sequenceNumber);
    if (!this.#isUnchecked) return true;
    this.#isUnchecked = false;
    if (first.sequenceNumber === this.#request.checkpoint.sequenceNumber) return true;
    return !this.#isLost(this.#request.checkpoint, { found: first.sequenceNumber });
  }

  /**
   * Looks at a refusal to open the position.
   *
   * @returns Whether there is another position to try immediately.
   * @throws {TrimmedCheckpointError} as {@linkcode StartPosition.accepts}.
   */
  survives(error: unknown): boolean {
    if (!isAwsError(error, "InvalidArgumentException")) return false;
    if ("sequenceNumber" in this.#asked && FOREIGN.test(error.message)) {
      this.#isUnchecked = false;
      this.#foreign = this.#asked.sequenceNumber;
      const isLatest = this.#isLost(positionAt(this.#foreign), { isForeign: true });
      if (!isLatest) this.#position = { type: "TRIM_HORIZON" };
      return true;
    }
    if (this.#isOwnTime(this.#asked)) {
      // Kinesis refuses our own timestamp only if it lies in the future. No record is newer, so reading from
      // LATEST loses nothing. If LATEST fails too, the timestamp is tried again; by then it may be past.
      this.#instead = { position: { type: "LATEST" }, untilMs: this.#askedMs + TIP_WITHIN_MS };
      this.#notice(
        "warning",
        "Its lease was created at LATEST by a worker whose clock is ahead of Kinesis's: read from the tip of the shard on",
      );
      return true;
    }
    if (!TRIMMED.test(error.message)) return false;
    let { checkpoint } = this.#request;
    if (this.#asked.type === "AFTER_SEQUENCE_NUMBER") {
      // DynamoDB Streams refuses it, when what followed was trimmed before it was read.
      checkpoint = positionAt(this.#foreign = this.#asked.sequenceNumber);
    } else if (!this.#isUnchecked) return false;
    this.#isUnchecked = false;
    if (!this.#isLost(checkpoint)) this.#position = { type: "TRIM_HORIZON" };
    return true;
  }

  /**
   * Records at or before the stored checkpoint are dropped. If that checkpoint is of another stream with
   * greater numbers, all records would be dropped, without an error.
   */
  #ensureAhead(found: string): void {
    const { shardId, checkpoint, mend = IN_LEASE_TABLE } = this.#request;
    if (this.#foreign === undefined || compare(positionAt(found), checkpoint) > 0) return;
    throw new TrimmedCheckpointError(
      `Cannot read shard ${shardId}: its checkpoint ${checkpoint.sequenceNumber} is of another stream, and greater than ` +
        `${found}, the first record here: ${mend}`,
    );
  }

  /** Whether a position is the time at which the lease was created. */
  #isOwnTime(position: IteratorPosition): boolean {
    return position.type === "AT_TIMESTAMP" && this.#request.createdAtLatest !== undefined;
  }

  /** @returns Whether reading restarts at the tip. */
  #isLost(
    checkpoint: ExtendedSequenceNumber,
    { found, isForeign = false }: { readonly found?: string; readonly isForeign?: boolean } = {},
  ): boolean {
    const { onTrimmedCheckpoint: outcome, emit } = this.#options;
    const { leaseKey, shardId, mend = IN_LEASE_TABLE } = this.#request;
    emit({ type: "checkpointTrimmed", leaseKey, shardId, checkpoint, found, isForeign, outcome });
    switch (outcome) {
      case "trim-horizon":
        return false;
      case "latest":
        this.#position = { type: "LATEST" };
        return true;
      case "stop":
        throw new TrimmedCheckpointError(
          `Cannot read shard ${shardId} on: its checkpoint ${checkpoint.sequenceNumber} ` +
            (isForeign ? "did not come from this stream (recreated?): " : "is no longer in the stream: ") +
            `${mend}, or set onTrimmedCheckpoint to another value`,
        );
    }
  }

  #nowMs(): number {
    return this.#options.system?.clock.monotonicMs() ?? 0;
  }

  #notice(level: "info" | "warning", text: string): void {
    this.#options.emit({ type: "notice", level, leaseKey: this.#request.leaseKey, text });
  }
}

/** Where a checkpoint is mended that no processor stores itself. */
const IN_LEASE_TABLE = "set the checkpoint in the lease table to TRIM_HORIZON or LATEST";

/** How a refusal says that the record was trimmed; other invalid arguments have nothing to do with age. */
const TRIMMED = /trim|expired|no longer|retention/i;

/** How Kinesis refuses a number of another stream. GetRecords and GetShardIterator use the same words. */
const FOREIGN = /did not come from this stream/i;

function startOf(request: RetrievalRequest): IteratorPosition {
  const { checkpoint: { sequenceNumber }, initialPosition, createdAtLatest, shardId } = request;
  switch (sequenceNumber) {
    case "TRIM_HORIZON":
      return { type: "TRIM_HORIZON" };
    case "LATEST":
      return createdAtLatest === undefined
        ? { type: "LATEST" }
        : { type: "AT_TIMESTAMP", timestampMs: createdAtLatest.epochMs - LATEST_MARGIN_MS };
    case "AT_TIMESTAMP":
      if (!(initialPosition instanceof Date)) {
        throw new RangeError(
          `Cannot read shard ${shardId}: its checkpoint is AT_TIMESTAMP, expected a Date as ` +
            `initialPositionInStream: got ${initialPosition}: set the same time as the worker that made the lease`,
        );
      }
      return { type: "AT_TIMESTAMP", timestampMs: initialPosition.getTime() };
    default:
      return { type: "AT_SEQUENCE_NUMBER", sequenceNumber };
  }
}
