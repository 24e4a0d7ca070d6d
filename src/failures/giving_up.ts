/**
 * Gives records up, as `onExhausted` says. A dead letter is stored before its records count as finished.
 * While its sink is down they stay where they are, and the log says so.
 *
 * @module
 */

import { isTimeLimit, pause, withinTime } from "../async/waiting.ts";
import type { DeliveryOptions } from "../consumer/delivery.ts";
import type { ShardStream } from "../consumer/record_processor.ts";
import { thrownError } from "../errors.ts";
import type { ByteBudget } from "../retrieval/byte_budget.ts";
import type { KinesisRecord } from "../stream/record.ts";
import { backoffMs } from "./backoff.ts";
import { positionOf } from "./failed_call.ts";
import type { DeadLetterCondition, DeadLetterSink, SinkConnection } from "./dead_letter.ts";
import type { ErrorSettings } from "./failure_options.ts";

/** How long a sink may take for one letter, in ms, until it is tried again. Ours. */
const STORE_LIMIT_MS = 60_000;

/** How long a shard rests that was stopped, in ms. Ours. */
const STOPPED_REST_MS = 300_000;

/** Records that are given up, and why. */
export interface GivenUp {
  /** One at least. */
  readonly records: readonly KinesisRecord[];
  readonly condition: DeadLetterCondition;
  /** Calls with these records. */
  readonly attempts: number;
  readonly error: unknown;
}

/** What the policy of a worker needs to know. */
export interface PolicySurroundings {
  readonly applicationName: string;
  readonly workerId: string;
  readonly connection: SinkConnection;
  /** Shared by all shards of the worker. */
  readonly budget: ByteBudget;
  /** Whether a record is delivered; undefined: all are. */
  readonly isWanted: ((record: KinesisRecord) => boolean) | undefined;
}

/** What giving up takes. */
export interface GivingUpOptions {
  readonly surroundings: PolicySurroundings;
  readonly stream: ShardStream;
  readonly delivery: Pick<DeliveryOptions, "held" | "system" | "emit">;
}

/**
 * Resolves when the records count as finished.
 *
 * @param signal Aborts when the shard is to be left.
 * @returns false when the shard is to be left first: the records are not given up, and come again.
 */
export async function giveUp(
  { records, condition, attempts, error }: GivenUp,
  onExhausted: Exclude<ErrorSettings["onExhausted"], "stop">,
  options: GivingUpOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { held, emit } = options.delivery;
  const first = records[0], last = records.at(-1);
  if (first === undefined || last === undefined) return true;
  const sink = onExhausted === "skip" ? undefined : onExhausted.sink;
  if (sink !== undefined && !await isStored({ records, condition, attempts, error }, sink, options, signal)) {
    return false;
  }
  emit({
    type: "recordsGivenUp",
    leaseKey: held.leaseKey,
    shardId: held.shardId,
    records: records.length,
    first: positionOf(first),
    last: positionOf(last),
    condition,
    attempts,
    outcome: sink === undefined ? "skipped" : "deadLettered",
    sink: sink?.name,
    error,
  });
  return true;
}

/**
 * Lets a shard rest that is stopped. Its lease is kept meanwhile: no other worker shall try the same before.
 *
 * @returns false when the shard is to be left first.
 */
export async function standStill(
  records: readonly KinesisRecord[],
  error: unknown,
  { held: { leaseKey, shardId }, system: { clock }, emit }: GivingUpOptions["delivery"],
  signal: AbortSignal,
): Promise<boolean> {
  const first = records[0], last = records.at(-1);
  if (first === undefined || last === undefined) return false;
  const range = { records: records.length, first: positionOf(first), last: positionOf(last) };
  emit({ type: "shardStopped", leaseKey, shardId, ...range, retryInMs: STOPPED_REST_MS, error });
  return await pause(clock, STOPPED_REST_MS, signal);
}

async function isStored(
  { records, condition, attempts, error }: GivenUp,
  sink: DeadLetterSink,
  { surroundings: { applicationName, workerId, connection }, stream, delivery }: GivingUpOptions,
  signal: AbortSignal,
): Promise<boolean> {
  const { held: { leaseKey, shardId, fencingToken }, system, emit } = delivery;
  const letter = {
    streamName: stream.streamName,
    streamArn: stream.streamArn,
    streamIdentifier: stream.streamIdentifier,
    condition,
    applicationName,
    workerId,
    shardId,
    fencingToken: { leaseKey, token: fencingToken },
    attempts,
    error,
    records,
    givenUpEpochMs: system.clock.epochMs(),
  };
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      await withinTime(
        { clock: system.clock, ms: STORE_LIMIT_MS, signal },
        (limited) => sink.store(letter, connection, limited),
      );
      return true;
    } catch (thrown) {
      if (signal.aborted) return false;
      const error = isTimeLimit(thrown)
        ? new Error(`${sink.name} did not store the dead letter within ${STORE_LIMIT_MS} ms`, {
          cause: thrown,
        })
        : thrownError(thrown);
      const retryInMs = backoffMs(attempt, system.random);
      emit({ type: "deadLetterFailed", leaseKey, shardId, sink: sink.name, attempt, retryInMs, error });
      await pause(system.clock, retryInMs, signal);
    }
  }
  return false;
}
