// Pure.
/**
 * Finds what a command is to read or to write: one stream, and some of its shards.
 *
 * @module
 */

import type { StreamReference } from "../../aws/kinesis.ts";
import type { Shard } from "../../stream/shard.ts";

/** The stream of a configuration that may name none or many. @throws {RangeError} unless it names one. */
export function oneStream(streams: readonly StreamReference[]): StreamReference {
  const [stream, ...others] = streams;
  if (stream !== undefined && others.length === 0) return stream;
  throw new RangeError(
    `Cannot choose a stream: expected one: got ${streams.length}: name it with --stream NAME`,
  );
}

/**
 * The shards that people name: by id, by its end, or by its number.
 *
 * @throws {RangeError} when a name is of no shard, or of several.
 */
export function shardsNamed(shards: readonly Shard[], names: readonly string[]): readonly Shard[] {
  return [...new Set(names.map((name) => shardNamed(shards, name)))];
}

function shardNamed(shards: readonly Shard[], name: string): Shard {
  const byId = (id: string) => shards.find(({ shardId }) => shardId === id);
  const exact = byId(name) ??
    (/^\d{1,12}$/.test(name) ? byId(`shardId-${name.padStart(12, "0")}`) : undefined);
  if (exact !== undefined) return exact;
  const [found, ...others] = shards.filter(({ shardId }) => shardId.endsWith(name));
  if (found !== undefined && others.length === 0) return found;
  const listed = (found === undefined ? shards : [found, ...others]).map(({ shardId }) => shardId);
  const more = listed.length > MOST_LISTED ? `, and ${listed.length - MOST_LISTED} more` : "";
  throw new RangeError(
    `Cannot find shard ${JSON.stringify(name)}: expected ${found === undefined ? "" : "only "}one of ` +
      `${listed.slice(0, MOST_LISTED).join(", ") || "no shards"}${more}`,
  );
}

/** In a message. */
const MOST_LISTED = 10;
