// Pure.
/**
 * The mark in a lease that names its stream. If an application reads only one stream, the lease key names
 * none. And shard ids start from 0 again in a stream that was deleted and created again under its name.
 *
 * Source: ours; KCL's write table has no such row. Java leaves the attribute alone.
 *
 * @module
 */

import { originText, parseOrigin, type StreamOrigin } from "../stream/stream_identifier.ts";
import type { Lease } from "./lease.ts";
import type { LeaseWrite } from "./lease_write.ts";

/** The leader notes of which stream a lease is. No heartbeat. */
export function setStreamOrigin(lease: Lease, origin: StreamOrigin): LeaseWrite {
  return {
    operation: "setStreamOrigin",
    leaseKey: lease.leaseKey,
    set: { kcliteStream: originText(origin) },
    add: {},
    remove: [],
    when: { exists: true },
  };
}

/**
 * What a lease says of its stream. `"unknown"` if it bears no mark, or the stream's creation time is not
 * known.
 */
export function originOf(
  { streamOrigin }: Pick<Lease, "streamOrigin">,
  origin: StreamOrigin | undefined,
): "same" | "earlier" | "otherName" | "unknown" {
  const mark = parseOrigin(streamOrigin);
  if (mark === undefined || origin === undefined) return "unknown";
  if (mark.streamName !== origin.streamName) return "otherName";
  return mark.creationEpochS === origin.creationEpochS ? "same" : "earlier";
}

/**
 * Whether a lease may be of the stream as it is now. The hash keys of another stream's lease say nothing of a
 * shard's: records would be taken for those of another shard, and dropped.
 */
export function mayBeOfStream(
  lease: Pick<Lease, "streamOrigin">,
  origin: StreamOrigin | undefined,
): boolean {
  return ["same", "unknown"].includes(originOf(lease, origin));
}
