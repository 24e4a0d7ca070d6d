/**
 * What a start would do: which leases it would create, and from where each shard would be read. Reads, and
 * writes nothing.
 *
 * @module
 */

import { forEachAtMost } from "../../async/task_group.ts";
import { withinTime } from "../../async/waiting.ts";
import type { TableDescription } from "../../aws/dynamodb.ts";
import { parseStreamArn } from "../../aws/endpoint.ts";
import type { IteratorPosition, StreamReference, StreamSummary } from "../../aws/kinesis.ts";
import { LeaseTableError } from "../../errors.ts";
import { areFirstLeasesUnfinished } from "../../lease/gaps.ts";
import type { Lease, NewLease } from "../../lease/lease.ts";
import { leasesToCreate, shardFilterOf } from "../../lease/shard_sync.ts";
import { statusProblem } from "../../store/lease_table.ts";
import {
  type ExtendedSequenceNumber,
  type InitialPosition,
  isSentinel,
  isShardEnd,
} from "../../stream/sequence_number.ts";
import { identifierText, NO_ACCOUNT_ID } from "../../stream/stream_identifier.ts";
import { decideFormat } from "../../fleet/fleet_format.ts";
import type { FleetAccess } from "../fleet_access.ts";
import { failureText, missingAction } from "../look_failure.ts";
import { lookAtTable, type TableLook } from "../table_look.ts";
import { CHECK_LIMIT_MS, failureOf } from "./check.ts";
import { formatText } from "./format_text.ts";
import type { WorkerSetup } from "./worker_setup.ts";

/** What becomes of the table. */
export type TablePlan =
  | { readonly action: "create" }
  | { readonly action: "use"; readonly format: string; readonly description: TableDescription | undefined }
  /** A worker would end with this. */
  | { readonly action: "refused"; readonly problem: string }
  /** It may not be looked at. */
  | { readonly action: "unknown"; readonly problem: string };

/** A shard that would be read. */
export interface ShardPlan {
  readonly leaseKey: string;
  readonly shardId: string;
  readonly streamName: string;
  /** Whether its lease is to be created. */
  readonly isNew: boolean;
  /** Who has the lease now. */
  readonly owner: string | undefined;
  readonly from: ExtendedSequenceNumber;
  /** When the record there arrived, in ms since 1970. Undefined: there is none, or it was not looked up. */
  readonly recordEpochMs: number | undefined;
}

/** A stream that would be read. */
export interface StreamPlan {
  readonly streamName: string;
  readonly summary: StreamSummary | undefined;
  readonly leasesToCreate: number;
  /** Leases of shards that have been read to their end. */
  readonly finishedLeases: number;
  /** Why its leases cannot be planned. */
  readonly problem: string | undefined;
}

/** The plan. */
export interface StartPlan {
  readonly table: TablePlan;
  readonly streams: readonly StreamPlan[];
  readonly shards: readonly ShardPlan[];
  /** Workers that report now. */
  readonly reportingWorkers: number;
  readonly notRead: readonly string[];
}

/** Shards whose record is looked up at most: each takes two calls of the five that a shard gives a second. */
export const MOST_RECORDS = 100;

/** Shards that are looked at side by side. */
const AT_ONCE = 8;

/** Plans. @throws the signal's reason alone. */
export async function startPlan(
  access: FleetAccess,
  setup: WorkerSetup,
  signal: AbortSignal,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<StartPlan> {
  const notRead: string[] = [];
  const { table, look } = await tablePlan(access, setup, notRead, signal);
  const streams: StreamPlan[] = [], shards: ShardPlan[] = [];
  // Without a look at the leases, new ones would seem to be needed everywhere.
  const isKnown = table.action === "create" || table.action === "use" && areLeasesSeen(look);
  for (const stream of setup.streams) {
    const planned = await streamPlan(access, setup, stream, isKnown ? look?.leases ?? [] : undefined, signal);
    streams.push(planned.stream);
    shards.push(...planned.shards);
  }
  const timed = await withRecords(access, setup, shards, { signal, onProgress, notRead });
  return { table, streams, shards: timed, reportingWorkers: reporting(look), notRead };
}

function areLeasesSeen(look: TableLook | undefined): boolean {
  return look !== undefined && look.failures.every(({ part }) => part !== "leases");
}

/** A report is made each half minute. */
const REPORT_MS = 120_000;

function reporting(look: TableLook | undefined): number {
  if (look === undefined) return 0;
  return look.workers.filter(({ lastUpdateEpochS }) =>
    lastUpdateEpochS !== undefined && look.startedEpochMs - lastUpdateEpochS * 1000 < REPORT_MS
  ).length;
}

async function tablePlan(
  access: FleetAccess,
  setup: WorkerSetup,
  notRead: string[],
  signal: AbortSignal,
): Promise<{ readonly table: TablePlan; readonly look: TableLook | undefined }> {
  try {
    // What does not answer this would not answer the rest either, try after try.
    const limit = { clock: access.system.clock, ms: CHECK_LIMIT_MS, signal };
    const found = await withinTime(limit, (ended) => access.dynamodb.describeTable(setup.tableName, ended));
    if (found === undefined) {
      return { table: { action: "create" }, look: undefined };
    }
  } catch (error) {
    signal.throwIfAborted();
    return { table: unknown(error), look: undefined };
  }
  let look: TableLook;
  try {
    look = await lookAtTable(access, {}, signal);
  } catch (error) {
    signal.throwIfAborted();
    const isRefused = error instanceof LeaseTableError;
    return { table: isRefused ? refused(error.message) : unknown(error), look: undefined };
  }
  notRead.push(...look.failures.map(failureText));
  const { description } = look;
  const problem = description === undefined ? undefined : statusProblem(description);
  if (problem !== undefined) return { table: refused(problem), look };
  try {
    const decision = await decideFormat(access, setup, undefined, signal);
    return {
      table: decision.type === "join"
        ? { action: "use", format: formatText(decision), description }
        : refused(`Cannot use lease table "${setup.tableName}": ${decision.reason}`),
      look,
    };
  } catch (error) {
    signal.throwIfAborted();
    return { table: unknown(error), look };
  }
}

function refused(problem: string): TablePlan {
  return { action: "refused", problem };
}

function unknown(error: unknown): TablePlan {
  return { action: "unknown", problem: problemOf(error) };
}

function problemOf(error: unknown): string {
  const { detail, mend } = failureOf(error);
  return `${detail}: ${mend}`;
}

/** @param all The leases of the table. Undefined: they are not known. */
async function streamPlan(
  { kinesis, system: { clock } }: FleetAccess,
  setup: WorkerSetup,
  reference: StreamReference,
  all: readonly Lease[] | undefined,
  signal: AbortSignal,
): Promise<{ readonly stream: StreamPlan; readonly shards: readonly ShardPlan[] }> {
  const { streamName } = reference;
  const { initialPosition, ignoreUnexpectedChildShards, isMany } = setup;
  let summary: StreamSummary | undefined;
  const ended = (problem: string) => ({
    stream: { streamName, summary, leasesToCreate: 0, finishedLeases: 0, problem },
    shards: [],
  });
  try {
    const limit = { clock, ms: CHECK_LIMIT_MS, signal };
    summary = await withinTime(limit, (ended) => kinesis.describeStreamSummary(reference, ended));
    if (all === undefined) return ended("its leases are not known");
    const streamIdentifier = isMany ? identifierOf(reference, summary) : undefined;
    const leases = all.filter((lease) => lease.streamIdentifier === streamIdentifier);
    const isFirstSync = areFirstLeasesUnfinished(leases);
    const begun = leases.flatMap(({ latestEpochMs }) => latestEpochMs === undefined ? [] : [latestEpochMs]);
    const begunAtLatestMs = isFirstSync && initialPosition === "LATEST" && begun.length > 0
      ? Math.min(...begun)
      : undefined;
    const position = begunAtLatestMs === undefined ? initialPosition : new Date(begunAtLatestMs);
    const shards = await kinesis.listShards(
      reference,
      isFirstSync ? shardFilterOf(position) : undefined,
      signal,
    );
    const plan = leasesToCreate({
      shards,
      leases,
      isFirstSync,
      initialPosition,
      begunAtLatestMs,
      streamIdentifier,
      ignoreUnexpectedChildShards,
    });
    const finished = leases.filter(({ checkpoint }) => isShardEnd(checkpoint)).length;
    const created = plan.type === "create" ? plan.leases : [];
    const stream: StreamPlan = {
      streamName,
      summary,
      leasesToCreate: created.length,
      finishedLeases: finished,
      problem: plan.type === "create" ? undefined : `its shards would be listed again: ${plan.problem}`,
    };
    const old = leases.filter(({ checkpoint }) => !isShardEnd(checkpoint));
    return {
      stream,
      shards: [
        ...old.map((lease) => shardPlan(lease, streamName, lease.checkpointOwner ?? lease.leaseOwner)),
        ...created.map((lease) => ({ ...shardPlan(lease, streamName, undefined), isNew: true })),
      ],
    };
  } catch (error) {
    signal.throwIfAborted();
    return ended(problemOf(error));
  }
}

function shardPlan(
  { leaseKey, shardId, checkpoint }: Pick<Lease | NewLease, "leaseKey" | "shardId" | "checkpoint">,
  streamName: string,
  owner: string | undefined,
): ShardPlan {
  return { leaseKey, shardId, streamName, owner, isNew: false, from: checkpoint, recordEpochMs: undefined };
}

function identifierOf({ streamName, streamArn }: StreamReference, summary: StreamSummary): string {
  const arn = streamArn ?? summary.streamArn;
  return identifierText({
    accountId: arn === undefined ? NO_ACCOUNT_ID : parseStreamArn(arn).accountId,
    streamName,
    creationEpochS: Math.floor(summary.streamCreationEpochS ?? 0),
  });
}

/** Adds when the record at each position arrived, as far as it may be read. */
async function withRecords(
  { kinesis }: FleetAccess,
  { streams, initialPosition }: WorkerSetup,
  shards: readonly ShardPlan[],
  { signal, onProgress, notRead }: {
    readonly signal: AbortSignal;
    readonly onProgress: (done: number, total: number) => void;
    readonly notRead: string[];
  },
): Promise<ShardPlan[]> {
  const found = new Map<string, number>();
  const asked = shards.slice(0, MOST_RECORDS);
  const failures = new Set<string>();
  let done = 0, isRefused = false;
  await forEachAtMost(asked, AT_ONCE, async ({ leaseKey, shardId, streamName, from }) => {
    const stream = streams.find((stream) => stream.streamName === streamName);
    const position = iteratorAt(from, initialPosition);
    if (stream === undefined || position === undefined || isRefused) return;
    try {
      const iterator = await kinesis.getShardIterator(stream, shardId, position, signal);
      const page = iterator === undefined ? undefined : await kinesis.getRecords(stream, iterator, 1, signal);
      const [record] = page?.records ?? [];
      if (record !== undefined) found.set(leaseKey, record.approximateArrivalTimestamp);
    } catch (error) {
      signal.throwIfAborted();
      // A refusal holds for all shards; a shard that is gone is one alone.
      isRefused ||= missingAction(error) !== undefined;
      failures.add(problemOf(error));
    }
    onProgress(++done, asked.length);
  });
  const [failure] = failures;
  if (failure !== undefined) notRead.push(`When some records arrived could not be read: ${failure}`);
  if (shards.length > MOST_RECORDS) {
    notRead.push(`When records arrived was looked up for the first ${MOST_RECORDS} shards only`);
  }
  return shards.map((shard) => ({ ...shard, recordEpochMs: found.get(shard.leaseKey) }));
}

function iteratorAt(
  { sequenceNumber }: ExtendedSequenceNumber,
  initialPosition: InitialPosition,
): IteratorPosition | undefined {
  switch (sequenceNumber) {
    case "LATEST":
      return undefined;
    case "TRIM_HORIZON":
      return { type: "TRIM_HORIZON" };
    case "AT_TIMESTAMP":
      return initialPosition instanceof Date
        ? { type: "AT_TIMESTAMP", timestampMs: initialPosition.getTime() }
        : undefined;
    default:
      return isSentinel({ sequenceNumber, subSequenceNumber: 0 })
        ? undefined
        : { type: "AT_SEQUENCE_NUMBER", sequenceNumber };
  }
}
