// Pure.
/**
 * What the printed lines of a fleet's workers prove, or disprove: one owner at a time, order, parents before children.
 *
 * @module
 */

import type { Shard } from "../../../src/stream/shard.ts";

/** What a worker printed. */
export interface Line {
  /** Epoch ms; all processes share the machine's clock. */
  readonly at: number;
  readonly worker: string;
  /** `record`, a callback of the processor, `STARTED`, or what the workers tell of trouble. */
  readonly event: string;
  readonly shardId: string | null;
  /** A record's number; else what there is to say. */
  readonly text: string | null;
}

/** One processor's time on a shard. */
export interface Session {
  readonly worker: string;
  readonly shardId: string;
  readonly startedAt: number;
  /** When it was last given a record, or its start. */
  lastRecordAt: number;
  /** When it was last heard of. */
  lastAt: number;
}

/** The sessions of all shards, in the order of their starts. */
export function sessionsOf(lines: readonly Line[]): Session[] {
  const sessions: Session[] = [];
  const current = new Map<string, Session>();
  for (const { at, worker, event, shardId } of lines) {
    if (shardId === null) continue;
    const key = `${worker}/${shardId}`;
    if (event === "initialize") {
      const session = { worker, shardId, startedAt: at, lastRecordAt: at, lastAt: at };
      sessions.push(session);
      current.set(key, session);
    }
    const session = current.get(key);
    if (session === undefined) continue;
    session.lastAt = at;
    if (event === "record") session.lastRecordAt = at;
  }
  return sessions.toSorted((a, b) => a.startedAt - b.startedAt);
}

/** The cases in which a worker was given a record of a shard after another had begun with that shard. */
export function overlaps(lines: readonly Line[]): string[] {
  const sessions = sessionsOf(lines);
  return sessions.flatMap((earlier, i) =>
    sessions.slice(i + 1)
      .filter((later) => later.shardId === earlier.shardId && earlier.lastRecordAt > later.startedAt)
      .map((later) =>
        `${earlier.worker} got records of ${later.shardId} until ${
          earlier.lastRecordAt - later.startedAt
        } ms ` +
        `after ${later.worker} had begun`
      )
  );
}

/**
 * What a worker that was frozen did after it was let go on, in the sessions that it had before: the records it was
 * given, and for how long, in ms.
 */
export function afterThaw(
  lines: readonly Line[],
  worker: string,
  thawedAt: number,
): { readonly records: number; readonly ms: number } {
  const renewed = new Set<string | null>();
  let records = 0, ms = 0;
  for (const line of lines.filter((line) => line.worker === worker && line.at >= thawedAt)) {
    if (line.event === "initialize") renewed.add(line.shardId);
    if (line.event !== "record" || renewed.has(line.shardId)) continue;
    records++;
    ms = Math.max(ms, line.at - thawedAt);
  }
  return { records, ms };
}

/** The records that were delivered more than once. */
export function duplicates(lines: readonly Line[]): string[] {
  const seen = new Set<string | null>();
  return lines.filter((line) => line.event === "record" && seen.size === seen.add(line.text).size)
    .map((line) => `${line.text}`);
}

/** The records that came under another stream's name; for fleets whose lines name shards as `stream/shardId`. */
export function misplaced(lines: readonly Line[], streamOf: (text: string) => string): string[] {
  return lines.flatMap(({ event, shardId, text }) =>
    event === "record" && text !== null && !`${shardId}`.startsWith(`${streamOf(text)}/`)
      ? [`${text} of ${streamOf(text)} came as one of ${shardId}`]
      : []
  );
}

/** The records that came before an earlier one of the same key; for fleets in which nobody was killed. */
export function outOfOrder(lines: readonly Line[], keyOf: (text: string) => string): string[] {
  const last = new Map<string, number>();
  return inTime(lines).flatMap(({ event, text }) => {
    if (event !== "record" || text === null) return [];
    const key = keyOf(text), before = last.get(key) ?? -1;
    last.set(key, Math.max(before, Number(text)));
    return Number(text) < before ? [`${text} of ${key} came after ${before}`] : [];
  });
}

/** The shards that were begun before the end of a parent was told. */
export function beforeParents(lines: readonly Line[], shards: readonly Shard[]): string[] {
  const first = (shardId: string, event: string) =>
    inTime(lines).find((line) => line.shardId === shardId && line.event === event)?.at;
  return shards.flatMap((shard) =>
    [shard.parentShardId, shard.adjacentParentShardId].flatMap((parent) => {
      const begun = first(shard.shardId, "initialize");
      if (parent === undefined || begun === undefined) return [];
      const ended = first(parent, "shardEnded");
      return ended === undefined || begun < ended
        ? [`${shard.shardId} began before ${parent} had ended`]
        : [];
    })
  );
}

/** Lines of several processes are heard a little out of order. */
function inTime(lines: readonly Line[]): Line[] {
  return lines.toSorted((a, b) => a.at - b.at);
}
