/**
 * Reads a shard by SubscribeToShard: Kinesis pushes, over a connection that it closes every five minutes.
 *
 * The next subscription continues AFTER the continuation sequence number of the last event that was delivered
 * and processed. So neither the planned end of a connection nor its loss skips or repeats anything. Before
 * the first event the initial position is used again. A checkpoint is read AT, since the rest of an aggregate
 * may be there.
 *
 * No event is read before the one before it is processed. The data under way meanwhile is bounded by the
 * connection's windows. A connection that has to wait for long is closed.
 *
 * Source: KCL 3.5.1, `FanOutRecordsPublisher`. Stricter here: ResourceNotFound is the end of a shard only
 * once ListShards agrees, since the missing resource may also be the consumer. ResourceInUse has its own
 * pause.
 *
 * @module
 */

import { isTimeLimit, linkedController, withinTime } from "../async/waiting.ts";
import type { IteratorPosition, Kinesis, StreamReference } from "../aws/kinesis.ts";
import type { KinesisConsumers } from "../aws/kinesis_consumers.ts";
import type { SubscribeToShardEvent } from "../aws/subscription.ts";
import { AwsServiceError, isAwsError } from "../errors.ts";
import type { WorkerEventListener } from "../events.ts";
import type { Clock, System } from "../system.ts";
import type { ConsumerRegistration } from "./fan_out_registration.ts";
import { nextSubscribeMs } from "./fan_out_pacing.ts";
import { MOST_REPAIRS, type RecordsPage, type Retrieval, type RetrievalRequest } from "./retrieval.ts";
import { confirmedEnd, isListed } from "./shard_end.ts";
import { type OnTrimmedCheckpoint, StartPosition, TrimmedCheckpointError } from "./start_position.ts";

/** What fan-out is made of. */
export interface FanOutOptions {
  readonly consumers: KinesisConsumers;
  /** Lists the shards of the stream when a shard seems to be over. */
  readonly kinesis: Kinesis;
  readonly stream: StreamReference;
  /** Shared by all shards of the stream. */
  readonly registration: ConsumerRegistration;
  readonly onTrimmedCheckpoint: OnTrimmedCheckpoint;
  readonly system: System;
  readonly emit: WorkerEventListener;
}

/**
 * After this much silence a subscription is given up, in ms. The service sends something every few seconds; a
 * broken connection may stay silent for ever. Time in which no event is requested does not count. Source: KCL
 * 3.5.1, `ShardConsumerSubscriber`.
 */
export const MAX_SILENCE_MS = 60_000;

/**
 * A subscription whose page is in work for this long is closed, in ms, and opened again when the next page is
 * requested. Shards share an HTTP/2 connection, and waiting bytes of one shard take up room that the others
 * need. Ours.
 */
export const MAX_WORK_MS = 30_000;

/** A reason made once: an abort without one makes an error, with its stack, for each page. */
const DONE = "the page is processed";

/** Retrieval by enhanced fan-out. */
export function fanOut(options: FanOutOptions): Retrieval {
  return { read: (request, signal) => read(options, request, signal) };
}

/** One subscription: where it starts, and when it was requested and accepted, in monotonic ms. */
interface Subscription {
  readonly shardId: string;
  readonly position: IteratorPosition;
  readonly sentMs: number;
  acceptedMs: number | undefined;
}

/** A page, and where reading continues once the page is processed. */
interface Delivery {
  readonly page: RecordsPage;
  readonly resumeAfter: string | undefined;
}

async function* read(
  options: FanOutOptions,
  request: RetrievalRequest,
  signal: AbortSignal,
): AsyncGenerator<RecordsPage, void, void> {
  const { emit, system: { clock, random } } = options;
  const about = { leaseKey: request.leaseKey, shardId: request.shardId };
  let resumeAfter: string | undefined;
  const { streak = { failures: 0, repairs: 0 } } = request;
  let notBeforeMs = clock.monotonicMs();
  // Computed before anything is tried: a position that cannot be found is not a passing failure.
  const start = new StartPosition(request, options);

  while (true) {
    await clock.sleep(notBeforeMs - clock.monotonicMs(), signal);
    const sentMs = clock.monotonicMs();
    const position = start.next(resumeAfter);
    const subscription: Subscription = { shardId: request.shardId, position, sentMs, acceptedMs: undefined };
    let failure: unknown;
    try {
      let askedMs = sentMs;
      for await (const { page, resumeAfter: next } of deliveries(options, subscription, signal)) {
        streak.failures = streak.repairs = 0;
        if (!start.accepts(page.records)) {
          resumeAfter = undefined;
          break;
        }
        const { records, bytes, millisBehindLatest } = page;
        const ms = clock.monotonicMs() - askedMs;
        const fetched = { records: records.length, bytes, millisBehindLatest, ms, isPushed: true };
        emit({ type: "pageFetched", ...about, ...fetched });
        yield page;
        if (page.end !== undefined) return;
        resumeAfter = next;
        askedMs = clock.monotonicMs();
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof TrimmedCheckpointError) throw error;
      if (!start.survives(error) || ++streak.repairs > MOST_REPAIRS) {
        failure = error;
        streak.failures++;
      }
    }
    const endedMs = clock.monotonicMs();
    const isInUse = isAwsError(failure, "ResourceInUseException");
    const { acceptedMs } = subscription;
    notBeforeMs = nextSubscribeMs(
      { sentMs, acceptedMs, endedMs, failures: streak.failures, isInUse },
      random(),
    );
    if (failure === undefined) continue;
    emit({ type: "fetchFailed", ...about, error: failure, retryInMs: Math.max(0, notBeforeMs - endedMs) });
  }
}

/** The pages of one subscription. */
async function* deliveries(
  options: FanOutOptions,
  subscription: Subscription,
  signal: AbortSignal,
): AsyncGenerator<Delivery, void, void> {
  const { registration, kinesis, stream, system: { clock } } = options;
  const { shardId } = subscription;
  const shardEnd = { kinesis, stream, clock };
  let consumerArn: string | undefined;
  try {
    consumerArn = await registration.arn(signal);
    for await (const event of events(options, subscription, consumerArn, signal)) {
      const { records, bytes, millisBehindLatest, continuationSequenceNumber, childShards } = event;
      const isOver = continuationSequenceNumber === undefined;
      if (
        childShards.length > 0 && (!isOver || childShards.some((child) => child.parentShards.length === 0))
      ) {
        throw subscriptionError(
          "MalformedResponse",
          "children of a shard that is not over, or without parents",
        );
      }
      const end = !isOver
        ? undefined
        : childShards.length > 0
        ? { childShards }
        : await confirmedEnd(shardEnd, shardId, signal);
      if (isOver && end === undefined) {
        throw subscriptionError("MalformedResponse", "an end without children, but the shard is open");
      }
      const page = { records, bytes, millisBehindLatest, end };
      yield { page, resumeAfter: continuationSequenceNumber };
    }
  } catch (error) {
    if (!isAwsError(error, "ResourceNotFoundException")) throw error;
    if (await isListed(shardEnd, shardId, signal)) {
      if (consumerArn !== undefined) registration.forget(consumerArn);
      throw error;
    }
    const page = { records: [], bytes: 0, millisBehindLatest: undefined, end: { childShards: [] } };
    yield { page, resumeAfter: undefined };
  }
}

/** The events of one subscription; leaving the iteration closes it, as does work that takes too long. */
async function* events(
  options: FanOutOptions,
  subscription: Subscription,
  consumerArn: string,
  signal: AbortSignal,
): AsyncGenerator<SubscribeToShardEvent, void, void> {
  const { consumers, system: { clock } } = options;
  const { shardId, position } = subscription;
  const { controller: closing, unlink } = linkedController(signal);
  let incoming: AsyncIterableIterator<SubscribeToShardEvent> | undefined;
  try {
    incoming = await consumers.subscribeToShard(
      { consumerArn, shardId, position },
      closing.signal,
    );
    subscription.acceptedMs = clock.monotonicMs();
    for (;;) {
      const { value, done } = await nextEvent(incoming, clock, closing.signal);
      if (done) return;
      const working = new AbortController();
      const parked = clock.sleep(MAX_WORK_MS, working.signal).then(() => closing.abort(), () => {});
      try {
        yield value;
      } finally {
        working.abort(DONE);
        await parked;
      }
      if (closing.signal.aborted) return;
    }
  } finally {
    unlink();
    closing.abort();
    await incoming?.return?.();
  }
}

/** @throws {AwsServiceError} when no event comes for {@linkcode MAX_SILENCE_MS}. */
async function nextEvent(
  incoming: AsyncIterator<SubscribeToShardEvent>,
  clock: Clock,
  signal: AbortSignal,
): Promise<IteratorResult<SubscribeToShardEvent>> {
  try {
    return await withinTime({ clock, ms: MAX_SILENCE_MS, signal }, () => incoming.next());
  } catch (error) {
    if (signal.aborted || !isTimeLimit(error)) throw error;
    throw subscriptionError("TimeoutError", `no event for ${MAX_SILENCE_MS} ms`);
  }
}

function subscriptionError(code: "MalformedResponse" | "TimeoutError", detail: string): AwsServiceError {
  return new AwsServiceError({
    service: "kinesis",
    operation: "SubscribeToShard",
    code,
    status: undefined,
    requestId: undefined,
    retryable: true,
    detail,
    body: undefined,
  });
}
