/**
 * How the records of one shard arrive, as a contract: an async iterable of pages. Polling and enhanced
 * fan-out implement it.
 *
 * The end of a shard is a page with `end`, never merely the end of the iteration. The iterable finishes only
 * after such a page, or by throwing.
 *
 * @module
 */

import type { KinesisRecord } from "../stream/record.ts";
import type { ExtendedSequenceNumber, InitialPosition } from "../stream/sequence_number.ts";
import type { ChildShard } from "../stream/shard.ts";

/** Some records of one shard, in order, as Kinesis sent them. */
export interface RecordsPage {
  readonly records: readonly KinesisRecord[];
  /** Payload bytes of `records`. */
  readonly bytes: number;
  /** How far behind the tip the shard is read, in ms; undefined if it is not known. */
  readonly millisBehindLatest: number | undefined;
  /**
   * Set on the last page of a shard: it is closed and all of it was read. No children: trimmed, or the stream
   * was deleted.
   */
  readonly end: { readonly childShards: readonly ChildShard[] } | undefined;
  /** An iterator that goes on after this page, for {@linkcode RetrievalRequest.iterator}; polling has one. */
  readonly nextIterator?: string | undefined;
}

/** What is read, and from where. */
export interface RetrievalRequest {
  readonly leaseKey: string;
  readonly shardId: string;
  /**
   * The checkpoint to resume from. A sequence number is read AT, not AFTER, since more user records of the
   * same aggregate may follow. The consumer drops records at or before it.
   */
  readonly checkpoint: ExtendedSequenceNumber;
  /** What an AT_TIMESTAMP checkpoint means; the time is not stored in the lease. */
  readonly initialPosition: InitialPosition;
  /**
   * Set when the lease was created at LATEST and stores the time: a LATEST checkpoint then means that time.
   */
  readonly createdAtLatest?: CreatedAtLatest | undefined;
  /**
   * An iterator of an earlier reading, of which everything up to the checkpoint was delivered. Where it is no
   * longer good, the checkpoint counts.
   */
  readonly iterator?: string | undefined;
  /**
   * How a person moves the checkpoint, where it is not that of the lease table.
   *
   * @default in the lease table
   */
  readonly mend?: string | undefined;
  /** What has failed in a row before; if not given, the reading begins with no failures. */
  readonly streak?: ReadStreak | undefined;
}

/**
 * What has failed in a row while a shard was read. The reader counts here, and an answer to a read ends it.
 */
export interface ReadStreak {
  failures: number;
  /** Iterators or subscriptions that could not be used, and were immediately opened again. */
  repairs: number;
}

/** How many times in a row reading restarts immediately; after that it is a failure like any other. Ours. */
export const MOST_REPAIRS = 1;

/** The making of a lease that starts at LATEST. */
export interface CreatedAtLatest {
  /** Wall time, in ms, of the worker that created the lease. */
  readonly epochMs: number;
  /** Whether no worker can have read the shard under this lease before. */
  readonly isFirstRead: boolean;
}

/** A source of pages. */
export interface Retrieval {
  /**
   * Reads a shard until its end. Failures of Kinesis are retried inside, with events, for as long as it
   * takes.
   *
   * @param signal Ends the reading; the iteration then throws its reason.
   */
  read(request: RetrievalRequest, signal: AbortSignal): AsyncIterable<RecordsPage>;
}
