/**
 * Where the reading of a shard starts, and what becomes of a start that is no longer there.
 *
 * A checkpoint LATEST names no place: whoever opens it later, after a failover, would skip what came in between. So a
 * lease that was created at LATEST keeps the time of its creation (an attribute of ours, which Java leaves alone), and is
 * read from that time on until its first checkpoint.
 *
 * A stored sequence number is read AT, so the first record to come is that very record, or it has been trimmed: Kinesis
 * then goes on with the oldest that it has, without a word. Records that nobody processed may be lost with it.
 *
 * Source: the GetShardIterator and SubscribeToShard pages of the Kinesis API reference.
 *
 * @module
 */

import type { IteratorPosition } from "../aws/kinesis.ts";
import { isAwsError } from "../errors.ts";
import type { WorkerEvent } from "../events.ts";
import type { KinesisRecord } from "../stream/record.ts";
import type { RetrievalRequest } from "./retrieval.ts";

/**
 * What becomes of a shard whose checkpoint was trimmed: read on from the oldest record, from the newest, or not at all.
 */
export type OnTrimmedCheckpoint = "trim-horizon" | "latest" | "stop";

/** What a start is made from. */
export interface StartPositionOptions {
  readonly onTrimmedCheckpoint: OnTrimmedCheckpoint;
  readonly emit: (event: WorkerEvent) => void;
}

/**
 * A lease created at LATEST is read from so many ms before its time, since the clock of the worker that created it may be
 * ahead of Kinesis's. Ours.
 */
export const LATEST_MARGIN_MS = 1000;

/** The checkpoint of a shard was trimmed, and nothing is to be read then. */
export class TrimmedCheckpointError extends RangeError {
  override readonly name = "TrimmedCheckpointError";
}

/** The start of one reading of one shard. */
export class StartPosition {
  readonly #request: RetrievalRequest;
  readonly #options: StartPositionOptions;
  #position: IteratorPosition;
  /** What is asked for next, once, in place of it. */
  #instead: IteratorPosition | undefined;
  /** What was asked for last. */
  #asked: IteratorPosition;
  #hasToldTip = false;
  /** Whether the record at the checkpoint has still to be seen. */
  #isUnchecked: boolean;

  /** @throws {RangeError} when the checkpoint is a time that nobody knows. */
  constructor(request: RetrievalRequest, options: StartPositionOptions) {
    this.#request = request;
    this.#options = options;
    this.#position = this.#asked = startOf(request);
    this.#isUnchecked = this.#position.type === "AT_SEQUENCE_NUMBER";
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
   * @param resumeAfter The last record fetched, or what the service says instead; undefined before there is any.
   */
  next(resumeAfter: string | undefined): IteratorPosition {
    if (resumeAfter !== undefined) return { type: "AFTER_SEQUENCE_NUMBER", sequenceNumber: resumeAfter };
    this.#asked = this.#instead ?? this.#position;
    this.#instead = undefined;
    return this.#asked;
  }

  /** Whether a position is the time at which the lease was created. */
  isOwnTime(position: IteratorPosition): boolean {
    return position.type === "AT_TIMESTAMP" && this.#request.createdAtLatest !== undefined;
  }

  /** Says, once, that the shard is waited for at its tip. */
  tellTip(): void {
    if (this.#hasToldTip) return;
    this.#hasToldTip = true;
    this.#notice(
      "info",
      "Kinesis gives no iterator for the time at which its lease was created: waiting at the tip for a record",
    );
  }

  /**
   * Looks at records before they are delivered.
   *
   * @returns false when they are not to be delivered: reading starts anew, elsewhere.
   * @throws {TrimmedCheckpointError} when the checkpoint was trimmed and nothing is to be read then.
   */
  accepts(records: readonly KinesisRecord[]): boolean {
    const [first] = records;
    if (!this.#isUnchecked || first === undefined) return true;
    this.#isUnchecked = false;
    if (first.sequenceNumber === this.#request.checkpoint.sequenceNumber) return true;
    return !this.#isLost(first.sequenceNumber);
  }

  /**
   * Looks at a refusal to open the position.
   *
   * @returns Whether there is another position to try at once.
   * @throws {TrimmedCheckpointError} as {@linkcode StartPosition.accepts}.
   */
  survives(error: unknown): boolean {
    if (!isAwsError(error, "InvalidArgumentException")) return false;
    if (this.isOwnTime(this.#asked)) {
      // A time of our own making can be wrong in one way only: it has not come yet for Kinesis. So nothing is there to be
      // missed, for once: if the tip cannot be opened either, the time is asked for again, which may have come by then.
      this.#instead = { type: "LATEST" };
      this.#notice(
        "warning",
        "Its lease was created at LATEST by a worker whose clock is ahead of Kinesis's: read from the tip of the shard on",
      );
      return true;
    }
    if (!this.#isUnchecked || !TRIMMED.test(error.message)) return false;
    this.#isUnchecked = false;
    if (!this.#isLost(undefined)) this.#position = { type: "TRIM_HORIZON" };
    return true;
  }

  /** @returns Whether reading starts anew at the tip. */
  #isLost(found: string | undefined): boolean {
    const { onTrimmedCheckpoint: outcome, emit } = this.#options;
    const { leaseKey, shardId, checkpoint } = this.#request;
    emit({ type: "checkpointTrimmed", leaseKey, shardId, checkpoint, found, outcome });
    switch (outcome) {
      case "trim-horizon":
        return false;
      case "latest":
        this.#position = { type: "LATEST" };
        return true;
      case "stop":
        throw new TrimmedCheckpointError(
          `Cannot read shard ${shardId} on: its checkpoint ${checkpoint.sequenceNumber} is no longer in the stream: ` +
            "set the checkpoint in the lease table to TRIM_HORIZON or LATEST, or onTrimmedCheckpoint to another value",
        );
    }
  }

  #notice(level: "info" | "warning", text: string): void {
    this.#options.emit({ type: "notice", level, leaseKey: this.#request.leaseKey, text });
  }
}

/** How a refusal says that the record is gone; any other invalid argument is no matter of age. */
const TRIMMED = /trim|expired|no longer|retention/i;

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
