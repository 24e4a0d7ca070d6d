/**
 * Looks at all that explains one lease: the table twice, its stream, and its shard at the checkpoint.
 *
 * @module
 */

import { isShardEnd } from "../stream/sequence_number.ts";
import { type Glimpse, glimpseOf } from "./describe.ts";
import type { ExplainInput, ExplainSubject } from "./explain.ts";
import type { FleetAccess } from "./fleet_access.ts";
import { lookAtStreams, type StreamLook } from "./lag_look.ts";
import { failureOf } from "./look_failure.ts";
import { probeShard, type ShardProbe } from "./shard_probe.ts";
import { lookAtTable, type LookOptions, type TableLook } from "./table_look.ts";

/** How it is looked. */
export interface ExplainLookOptions extends LookOptions {
  /** The key of a lease, or the end of it. */
  readonly name: string;
  /** Between the two looks. A live owner renews each third of the failover time. */
  readonly betweenMs: number;
  readonly initialTimestampMs: number | undefined;
  readonly maxLeasesForWorker: number | undefined;
}

/** The keys that a message names. */
const SHOWN_KEYS = 5;

/**
 * Looks.
 *
 * @param leaseNamed Finds the lease that is meant, where some match. @throws {RangeError} when many do
 */
export async function lookToExplain(
  fleet: FleetAccess,
  options: ExplainLookOptions,
  leaseNamed: (leases: TableLook["leases"], name: string) => { readonly leaseKey: string },
  signal: AbortSignal,
): Promise<ExplainInput> {
  const { name, maxRcu, onProgress, betweenMs, initialTimestampMs, maxLeasesForWorker } = options;
  const look = () => lookAtTable(fleet, { maxRcu, onProgress }, signal);
  const before: Glimpse = glimpseOf(await look());
  await fleet.system.clock.sleep(betweenMs, signal);
  const now = await look();
  const notRead = new Set<string>();
  const isLease = name !== "" && now.leases.some(({ leaseKey }) => leaseKey.endsWith(name));
  const leaseKey = isLease ? leaseNamed(now.leases, name).leaseKey : undefined;
  const lease = now.leases.find((lease) => lease.leaseKey === leaseKey);
  const streams = await lookAtStreams(fleet, lease === undefined ? now.leases : [lease], notRead, signal);
  const { subject, stream } = lease === undefined ? shardIn(streams, name) : {
    subject: { type: "lease" as const, leaseKey: lease.leaseKey },
    stream: streams.find(({ streamIdentifier }) => streamIdentifier === lease.streamIdentifier),
  };
  let probe: ShardProbe | undefined;
  if (lease !== undefined && stream !== undefined && !isShardEnd(lease.checkpoint)) {
    const { kinesis, system: { clock } } = fleet;
    probe = await probeShard({ kinesis, stream: stream.stream, clock, initialTimestampMs }, lease, signal);
    if (probe.type === "failed") notRead.add(failureOf("The shard", probe.error));
  }
  const keys = now.leases.map(({ leaseKey }) => leaseKey);
  const nearest = subject.type === "unknown" ? nearestKeys(keys, name) : [];
  return { subject, before, now, stream, probe, maxLeasesForWorker, nearest, notRead: [...notRead] };
}

/** @throws {RangeError} when the name is of several shards. */
function shardIn(
  streams: readonly StreamLook[],
  name: string,
): { readonly subject: ExplainSubject; readonly stream: StreamLook | undefined } {
  const all = streams.flatMap((stream) => (stream.shards ?? []).map(({ shardId }) => ({ stream, shardId })));
  const exact = all.filter(({ shardId }) => shardId === name);
  const found = exact.length > 0 || name === "" ? exact : all.filter(({ shardId }) => shardId.endsWith(name));
  const [only] = found;
  if (only === undefined) return { subject: { type: "unknown", name }, stream: undefined };
  if (found.length === 1) return { subject: { type: "shard", shardId: only.shardId }, stream: only.stream };
  const shown = found.slice(0, SHOWN_KEYS).map(({ stream, shardId }) =>
    `${stream.stream.streamName} ${shardId}`
  );
  throw new RangeError(
    `Cannot find lease "${name}": expected one shard: got ${found.length} without a lease: ${
      shown.join(", ")
    }`,
  );
}

/** Those that end like the name, as far as they do. */
function nearestKeys(keys: readonly string[], name: string): readonly string[] {
  const shared = (key: string) => {
    let count = 0;
    while (count < Math.min(key.length, name.length) && key.at(-1 - count) === name.at(-1 - count)) count++;
    return count;
  };
  return keys.toSorted((a, b) => shared(b) - shared(a) || (a < b ? -1 : 1)).slice(0, SHOWN_KEYS);
}
