/**
 * Plans the lease table of a new application: the leases of another one at their positions, or leases at a
 * time, also on another stream. The application that is copied may run: it is only read.
 *
 * @module
 */

import { forEachAtMost } from "../../async/task_group.ts";
import type { Kinesis, StreamReference } from "../../aws/kinesis.ts";
import type { TableDescription } from "../../aws/dynamodb.ts";
import type { Lease } from "../../lease/lease.ts";
import { newClientVersion } from "../../lease/table_format.ts";
import { DynamoDBCoordinatorStore } from "../../store/dynamodb_coordinator_store.ts";
import { DynamoDBLeaseStore } from "../../store/dynamodb_lease_store.ts";
import { compare, isShardEnd, positionAt } from "../../stream/sequence_number.ts";
import type { FleetAccess } from "../fleet_access.ts";
import { copied } from "./lease_export.ts";
import { leasedStreams, listedStream, markOf } from "./fleet_streams.ts";
import { lastSubSequenceNumber } from "./position_search.ts";
import type { TargetPosition } from "./positions.ts";
import { resetPlanOf, shardPositions } from "./reset.ts";
import { type LeaseChange, planReset } from "./reset_plan.ts";

/** What is asked for. */
export interface CloneRequest {
  /** Undefined: at the positions of the leases. */
  readonly at: TargetPosition | undefined;
  /** Undefined: the stream of the leases. */
  readonly toStream: StreamReference | undefined;
  readonly onProgress?: ((done: number, total: number) => void) | undefined;
}

/** A plan; all its changes make leases. */
export interface ClonePlan {
  readonly changes: readonly LeaseChange[];
  readonly arrivals: ReadonlyMap<string, number>;
  /** From when on another stream is read. Undefined: `earliest`, or positions of the same stream. */
  readonly fromMs: number | undefined;
}

/**
 * Plans.
 *
 * @throws {RangeError} when the positions cannot be carried over.
 */
export async function clonePlanOf(
  fleet: FleetAccess,
  leases: readonly Lease[],
  request: CloneRequest,
  signal: AbortSignal,
): Promise<ClonePlan> {
  const { at, toStream, onProgress } = request;
  if (toStream === undefined) {
    if (at === undefined) return { changes: leases.map(copied), arrivals: new Map(), fromMs: undefined };
    // Only their streams count: the plan is for a table without leases.
    const { streams } = await leasedStreams(fleet, leases, signal);
    const plans = [];
    for (const { stream, streamIdentifier } of streams) {
      if (streamIdentifier !== undefined) {
        throw new RangeError(
          `Cannot clone a table of many streams to a time: expected one stream: got ${streamIdentifier}: ` +
            "clone it at its positions, then reset the clone",
        );
      }
      plans.push(
        await resetPlanOf(
          { ...fleet, streams: [stream] },
          [],
          { target: at, shards: [], onProgress },
          signal,
        ),
      );
    }
    return {
      changes: plans.flatMap(({ changes }) => changes),
      arrivals: new Map(plans.flatMap(({ arrivals }) => [...arrivals])),
      fromMs: at.type === "time" ? at.epochMs : undefined,
    };
  }
  const target = at ?? await oldestUnread(fleet, leases, request, signal);
  const listed = await listedStream(fleet, toStream, signal);
  const positions = await shardPositions(fleet, listed, {
    chosen: listed.shards,
    target,
    atMs: fleet.system.clock.epochMs(),
    onDone: () => {},
  }, signal);
  const streamOrigin = markOf(listed);
  const arrivals = new Map(
    [...positions].flatMap(([shardId, position]) =>
      position.type === "after" && position.arrivalMs !== undefined
        ? [[shardId, position.arrivalMs] as const]
        : []
    ),
  );
  return {
    changes: planReset({
      shards: listed.shards,
      leases: [],
      positions,
      streamIdentifier: undefined,
      streamOrigin,
    }),
    arrivals,
    fromMs: target.type === "time" ? target.epochMs : undefined,
  };
}

/**
 * Makes the table of the new application, which says first that its fleet is one of KCL 3: workers would take
 * a table of leases alone for one of KCL 2, and refuse it.
 *
 * @param like The table that it is billed like.
 */
export async function makeTable(
  fleet: Pick<FleetAccess, "dynamodb" | "system">,
  tableName: string,
  like: TableDescription | undefined,
  signal: AbortSignal,
): Promise<DynamoDBLeaseStore> {
  const leaseStore = newLeaseStore(fleet, tableName, like);
  await leaseStore.ensureTable(signal);
  const { dynamodb, system: { clock } } = fleet;
  await new DynamoDBCoordinatorStore({ dynamodb, tableName, applicationName: tableName })
    .createMigration("leaseTable", newClientVersion("kclite-clone", clock.epochMs()), signal);
  return leaseStore;
}

/**
 * The table of the new application.
 *
 * @param like The table that it is billed like.
 */
export function newLeaseStore(
  { dynamodb, system }: Pick<FleetAccess, "dynamodb" | "system">,
  tableName: string,
  like: TableDescription | undefined,
): DynamoDBLeaseStore {
  const throughput = like?.billingMode === "PROVISIONED" ? like.provisionedThroughput : undefined;
  return new DynamoDBLeaseStore({
    dynamodb,
    system,
    tableName,
    billingMode: throughput === undefined
      ? "PAY_PER_REQUEST"
      : { readCapacity: throughput.read, writeCapacity: throughput.write },
  });
}

/**
 * The time from which on another stream with the same records must be read, so that nothing is lost: when the
 * oldest unread record of all shards arrived. The shards of two streams do not correspond, so one time serves
 * all, and some records come again.
 */
async function oldestUnread(
  fleet: FleetAccess,
  leases: readonly Lease[],
  { onProgress }: CloneRequest,
  signal: AbortSignal,
): Promise<TargetPosition> {
  const unfinished = leases.filter(({ checkpoint }) => !isShardEnd(checkpoint));
  if (unfinished.length === 0) {
    throw new RangeError(
      "Cannot tell a time from the leases: expected an unfinished one: got none: use --at",
    );
  }
  if (new Set(unfinished.map(({ streamIdentifier }) => streamIdentifier)).size > 1) {
    throw new RangeError("Cannot clone to one stream: expected leases of one stream: got several: use --at");
  }
  const { streams: [source] } = await leasedStreams(fleet, unfinished, signal);
  const nowMs = fleet.system.clock.epochMs();
  const times: number[] = [];
  let done = 0;
  await forEachAtMost(unfinished, SHARDS_AT_ONCE, async (lease) => {
    signal.throwIfAborted();
    const unreadMs = source === undefined
      ? undefined
      : await firstUnreadMs(fleet.kinesis, source.stream, lease, signal);
    times.push(unreadMs ?? nowMs);
    onProgress?.(++done, unfinished.length);
  });
  const oldestMs = times.reduce((least, time) => Math.min(least, time), nowMs);
  return oldestMs === EARLIEST ? { type: "earliest" } : { type: "time", epochMs: oldestMs };
}

/** For sockets, as in a reset. Ours. */
const SHARDS_AT_ONCE = 16;

/** Older than any record. */
const EARLIEST = -Infinity;

/**
 * When the first record after a checkpoint arrived, in ms since 1970. Undefined: there is none yet.
 *
 * @throws {RangeError} for a lease at AT_TIMESTAMP: the time is known to its workers only.
 */
async function firstUnreadMs(
  kinesis: Kinesis,
  stream: StreamReference,
  { leaseKey, shardId, checkpoint, latestEpochMs }: Lease,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { sequenceNumber } = checkpoint;
  switch (sequenceNumber) {
    case "TRIM_HORIZON":
      return EARLIEST;
    case "LATEST":
      return latestEpochMs;
    case "AT_TIMESTAMP":
      throw new RangeError(
        `Cannot tell the time of lease "${leaseKey}": expected a sequence number: got AT_TIMESTAMP, which ` +
          "means what its workers are configured to: use --at",
      );
  }
  const position = { type: "AT_SEQUENCE_NUMBER", sequenceNumber } as const;
  let iterator = await kinesis.getShardIterator(stream, shardId, position, signal);
  for (let isFirst = true; iterator !== undefined;) {
    const page = await kinesis.getRecords(stream, iterator, 10, signal);
    for (const record of page.records) {
      if (isFirst && record.sequenceNumber !== sequenceNumber) return EARLIEST; // it was trimmed
      isFirst = false;
      const whole = positionAt(record.sequenceNumber, lastSubSequenceNumber(record));
      if (compare(whole, checkpoint) > 0) return record.approximateArrivalTimestamp;
    }
    iterator = page.records.length === 0 && !page.millisBehindLatest ? undefined : page.nextShardIterator;
  }
  return undefined;
}
