/**
 * The options about a worker's streams: one stream, or many that may change while it runs.
 *
 * @module
 */

import type { FormerStreamsLeasesDeletionStrategy } from "../lease/former_streams.ts";
import type { InitialPosition } from "../stream/sequence_number.ts";

/**
 * One of many streams. One of the first three must be given; of several the first wins. KCL: `StreamConfig`.
 */
export interface StreamConfig {
  /**
   * `account:stream:epoch`, as the lease table has it. For applications that share their table with Java
   * workers: whatever epoch those use, all must use the same. Without it the identifier is made from the
   * stream's ARN and creation time.
   */
  readonly streamIdentifier?: string | undefined;
  /** Needed for another account's stream. Must be in the worker's region. */
  readonly streamArn?: string | undefined;
  /** The stream's name. */
  readonly streamName?: string | undefined;
  /**
   * Where to start reading a shard of this stream that has no checkpoint yet.
   *
   * @default the worker's `initialPositionInStream`
   */
  readonly initialPositionInStream?: InitialPosition | undefined;
  /**
   * An enhanced fan-out consumer of this stream that is registered already.
   *
   * @default one with the worker's `consumerName` is found, or registered
   */
  readonly consumerArn?: string | undefined;
}

/** Streams, each by its name, its ARN, its `account:stream:epoch`, or a {@linkcode StreamConfig}. */
export type StreamList = readonly (string | StreamConfig)[];

/** Options about streams. One of `streamName`, `streamArn` and `streams` must be given. */
export interface StreamOptions {
  /** The stream to read. KCL: `streamName`. */
  streamName?: string | undefined;
  /**
   * The stream's ARN, needed to read another account's stream; its name wins over `streamName`. KCL:
   * `streamArn`.
   */
  streamArn?: string | undefined;
  /**
   * Many streams to read with one lease table, or a function that lists them, called again every
   * `newStreamCheckIntervalMs`. Streams may be added and removed while the worker runs. A stream keeps the
   * position and the consumer with which it was listed until a list leaves it out. KCL: `MultiStreamTracker`.
   * A table of one stream cannot become a table of many, or the reverse: use another `applicationName`. All
   * workers must list the same streams.
   */
  streams?: StreamList | (() => StreamList | Promise<StreamList>) | undefined;
  /**
   * How often a function in `streams` is called, in ms. Streams that could not be found are searched for at
   * the same interval. KCL: fixed.
   *
   * @default {60000}
   */
  newStreamCheckIntervalMs?: number | undefined;
  /**
   * What becomes of the leases of a stream that `streams` does not list any more.
   * `"NO_STREAMS_LEASES_DELETION"`: they stay, and are read to the end of their shards.
   * `"FORMER_STREAMS_AUTO_DETECTION_DEFERRED_DELETION"`: they are read for
   * `waitPeriodToDeleteFormerStreamsMs` more, and deleted. `"PROVIDED_STREAMS_DEFERRED_DELETION"`: so are
   * those that `streamIdentifiersForLeaseCleanup` names. KCL: `formerStreamsLeasesDeletionStrategy`. With the
   * leases go the checkpoints: a stream that is listed again later is read from its initial position.
   *
   * @default {"NO_STREAMS_LEASES_DELETION"}
   */
  formerStreamsLeasesDeletionStrategy?: FormerStreamsLeasesDeletionStrategy | undefined;
  /**
   * How long the leases of a former stream are kept, in ms. KCL: `waitPeriodToDeleteFormerStreams`. Must be
   * longer than a rolling deploy. Otherwise a worker of the last release that leads deletes the leases of
   * streams that only the next release knows.
   *
   * @default {3600000}
   */
  waitPeriodToDeleteFormerStreamsMs?: number | undefined;
  /** Names former streams, as `account:stream:epoch`. KCL: `streamIdentifiersForLeaseCleanup`. */
  streamIdentifiersForLeaseCleanup?: (() => readonly string[]) | undefined;
}
