// Pure.
/**
 * Decides when the leases of streams are deleted that the application does not read any more.
 *
 * A stream that is no longer listed may only be missing from the list of the present leader, e.g. a worker of
 * the last release. So its leases are kept for a while, and their shards are read meanwhile. If the stream is
 * listed again, its leases stay. Only the leader measures the time, and a new leader starts from zero.
 *
 * Source: KCL 3.5.1, `Scheduler`, `FormerStreamsLeasesDeletionStrategy`.
 *
 * @module
 */

import { parseIdentifier } from "../stream/stream_identifier.ts";

/** What becomes of the leases of a stream that is no longer listed. The names are KCL's. */
export type FormerStreamsLeasesDeletionStrategy =
  /** They stay, and are read to the end of their shards. */
  | "NO_STREAMS_LEASES_DELETION"
  /** They are deleted after the waiting period. */
  | "FORMER_STREAMS_AUTO_DETECTION_DEFERRED_DELETION"
  /** So are those of streams that the application names, and no others. */
  | "PROVIDED_STREAMS_DEFERRED_DELETION";

/** What the decision looks at; streams by identifier. */
export interface FormerStreamsView {
  readonly strategy: FormerStreamsLeasesDeletionStrategy;
  /** The streams that the application reads. */
  readonly tracked: ReadonlySet<string>;
  /** The names of those that it wants to read and cannot find: any stream of such a name may be the one. */
  readonly sought: ReadonlySet<string>;
  /** The streams that have leases. */
  readonly leased: Iterable<string>;
  /** The streams that the application names for deletion; only with `PROVIDED_STREAMS_DEFERRED_DELETION`. */
  readonly provided: ReadonlySet<string>;
  readonly waitMs: number;
  /** Monotonic. */
  readonly nowMs: number;
}

/** The result. */
export interface FormerStreams {
  /** Since when each former stream has been one, in monotonic ms: to be handed to the next decision. */
  readonly since: ReadonlyMap<string, number>;
  /** Streams whose leases are to be deleted now. A deletion that fails is decided again. */
  readonly due: readonly string[];
}

/**
 * Decides which former streams are due.
 *
 * @param before What the last decision remembered.
 */
export function formerStreams(before: ReadonlyMap<string, number>, view: FormerStreamsView): FormerStreams {
  const { strategy, tracked, sought, leased, provided, waitMs, nowMs } = view;
  const since = new Map<string, number>();
  if (strategy === "NO_STREAMS_LEASES_DELETION") return { since, due: [] };
  for (const stream of leased) {
    const isNamed = strategy === "FORMER_STREAMS_AUTO_DETECTION_DEFERRED_DELETION" || provided.has(stream);
    const isListed = tracked.has(stream) || sought.has(parseIdentifier(stream)?.streamName ?? stream);
    if (isNamed && !isListed) since.set(stream, before.get(stream) ?? nowMs);
  }
  const due = [...since].flatMap(([stream, sinceMs]) => nowMs - sinceMs >= waitMs ? [stream] : []);
  return { since, due };
}
