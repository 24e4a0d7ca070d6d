// Pure.
/**
 * What an iterator of ours holds: the service's own, and what must be remembered beside it. GetRecords of
 * DynamoDB Streams says neither of which shard it is, nor how far that is behind, and knows no times.
 *
 * @module
 */

/** A place in a shard. */
export interface Place {
  readonly shardId: string;
  /** The service's own. */
  readonly iterator: string;
  /** Changes before that time are passed over, in ms since 1970. Undefined: none are. */
  readonly sinceMs: number | undefined;
  /** The number of empty pages in a row. */
  readonly emptyPages: number;
}

/** As one text. */
export function placeText({ shardId, iterator, sinceMs, emptyPages }: Place): string {
  return [shardId, sinceMs ?? "", emptyPages, iterator].join(" ");
}

/** Undefined when the text is none of ours. */
export function parsePlace(text: string): Place | undefined {
  const [, shardId, since, empty, iterator] = /^(\S+) (\d*) (\d+) (.+)$/.exec(text) ?? [];
  if (shardId === undefined || iterator === undefined) return undefined;
  return {
    shardId,
    iterator,
    sinceMs: since === "" ? undefined : Number(since),
    emptyPages: Number(empty),
  };
}

/**
 * After this number of empty pages in a row, a shard counts as read up to its tip. One empty page alone
 * proves nothing: the service may need several to pass over a part without changes. Ours: some seconds at the
 * tip.
 */
export const EMPTY_PAGES_AT_TIP = 5;

/**
 * How far the end of a page is behind the newest change, in ms; undefined if that is not known. The service
 * does not say. After changes it is the age of the last one.
 *
 * @param emptyPages In a row, this one included; 0 for a page with changes.
 */
export function millisBehind(
  lastEpochMs: number | undefined,
  { emptyPages, nowMs }: { readonly emptyPages: number; readonly nowMs: number },
): number | undefined {
  if (lastEpochMs !== undefined) return Math.max(0, nowMs - lastEpochMs);
  return emptyPages >= EMPTY_PAGES_AT_TIP ? 0 : undefined;
}
