/**
 * Consumes one leased shard, from waiting for its parents to the end: in reading order, one function a phase.
 *
 * Losing the lease (`held.lost`) outranks the end of the shard, which outranks an orderly stop
 * (`held.drain`). None of them interrupts a callback that is running.
 *
 * Source: KCL 3.5.1, `ShardConsumer`, `ConsumerStates`, `ProcessTask` and `ShutdownTask`.
 *
 * @module
 */

import { errorText, isOfClass, LeaseLostError, ProcessorRestartError, thrownError } from "../errors.ts";
import type { ProcessorCallback, ShardPhase } from "../events.ts";
import type { Lease } from "../lease/lease.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import { pause } from "../async/waiting.ts";
import type { ByteBudget } from "../retrieval/byte_budget.ts";
import type { Retrieval } from "../retrieval/retrieval.ts";
import { type InitialPosition, isShardEnd } from "../stream/sequence_number.ts";
import type { AggregateProblem } from "../stream/aggregation.ts";
import type { ChildShard } from "../stream/shard.ts";
import type { StreamOrigin } from "../stream/stream_identifier.ts";
import { callbackBackoffMs, type CallbackOutcome, runCallback } from "./callbacks.ts";
import { Checkpointer } from "./checkpointer.ts";
import { createChildLeases } from "./child_creation.ts";
import { aggregateRange, type DeliveryOptions, type Left, type Recipient, type Restart } from "./delivery.ts";
import type { HeldLease } from "./held_lease.ts";
import { beginProcessor } from "./own_position.ts";
import { type ParentsOptions, waitForParents } from "./parents.ts";
import type { RecordProcessor, RecordProcessorFactory, ShardStream } from "./record_processor.ts";
import {
  type DeliveryEnd,
  type DeliveryStarter,
  plainDelivery,
  type RecordsDelivery,
} from "./records_delivery.ts";
import { retrievalRequest } from "./retrieval_request.ts";
import { type LoadTransact, shardContext } from "./shard_context.ts";
import { slicesOf } from "./slices.ts";
import type { Setback, ShardStreaks } from "./streaks.ts";

/** What the consumer of a shard is made of. */
export interface ShardConsumerOptions extends DeliveryOptions, Pick<ParentsOptions, "shardEnds"> {
  readonly stream: ShardStream;
  /** The stream as leases name it; undefined if its creation time is not known. */
  readonly origin: StreamOrigin | undefined;
  readonly processor: RecordProcessorFactory;
  readonly retrieval: Retrieval;
  readonly initialPosition: InitialPosition;
  /** Where the leases of parents and children are. */
  readonly leaseStore: Pick<LeaseStore, "get" | "create" | "tableArn">;
  /** @default `ShardContext.transact` refuses */
  readonly loadTransact?: LoadTransact | undefined;
  /** Shared by all shards of the worker. */
  readonly budget: ByteBudget;
  /** How records reach the processor. @default {plainDelivery} */
  readonly startDelivery?: DeliveryStarter | undefined;
}

/** One processor's time on the shard. */
interface Turn extends Recipient {
  readonly delivery: RecordsDelivery;
  /** Aborts when the processor asks for a fresh one. */
  readonly failed: AbortSignal;
}

/** How consuming a shard ended. */
export type ConsumerEnd =
  /** SHARD_END is stored. */
  | "completed"
  /** In order, the lease handed over. */
  | "drained"
  /** The lease was lost, or given up. */
  | "lost";

/** How the delivery of a shard's pages ended. */
type Delivered =
  | { readonly type: "ended"; readonly childShards: readonly ChildShard[] }
  | DeliveryEnd;

/**
 * Consumes the shard of one acquired lease. Resolves when nothing more will happen; never rejects because of
 * the shard.
 */
export async function consumeShard(options: ShardConsumerOptions): Promise<ConsumerEnd> {
  const consumer = new ShardConsumer(options);
  try {
    return await consumer.run();
  } finally {
    consumer.enter("ended");
  }
}

class ShardConsumer {
  readonly #options: ShardConsumerOptions;
  readonly #held: HeldLease;
  /** Aborts on loss and on drain: ends every wait. */
  readonly #leave: AbortSignal;
  readonly #about: { readonly leaseKey: string; readonly shardId: string };
  readonly #streaks: ShardStreaks;
  #hasRead = false;
  /**
   * The lease when the present processor began. The processor gets its checkpoint, and reading starts there.
   * `#held.lease` may move on meanwhile, when a lost answer turns out to have been applied.
   */
  #lease: Lease;
  /** How a person moves the position of the present processor. */
  #mend: string | undefined;

  constructor(options: ShardConsumerOptions) {
    this.#options = options;
    this.#held = options.held;
    this.#streaks = options.streaks;
    this.#lease = options.held.lease;
    this.#leave = AbortSignal.any([options.held.lost, options.held.drain]);
    this.#about = { leaseKey: options.held.leaseKey, shardId: options.held.shardId };
  }

  enter(phase: ShardPhase): void {
    this.#options.emit({ type: "phaseChanged", ...this.#about, phase });
  }

  async run(): Promise<ConsumerEnd> {
    if (isShardEnd(this.#held.lease.checkpoint)) return "completed";
    if (this.#held.lease.parentShardIds.length > 0) this.enter("waitingOnParents");
    if (!await this.#waitForParents()) return await this.#leaveAlone();
    await this.#finishRest();
    while (await this.#goesOn()) {
      const outcome = await this.#runProcessor();
      if (outcome.type !== "restart") return outcome.type;
      const { attempt, retryInMs } = this.#count("restart");
      const { error } = outcome;
      this.#options.emit({ type: "processorRestarting", ...this.#about, attempt, error, retryInMs });
      await this.#streaks.rest(this.#options.system.clock, this.#leave);
      if (isShardEnd(this.#held.lease.checkpoint)) return this.#completed(); // its answer had been lost
    }
    return await this.#leaveAlone();
  }

  #waitForParents(): Promise<boolean> {
    const { system: { clock }, emit, leaseStore, shardEnds, delivery } = this.#options;
    return waitForParents({ held: this.#held, clock, emit, leaseStore, shardEnds, delivery }, this.#leave);
  }

  /**
   * Rests after a failure under an earlier hold before trying again. Health shows the shard meanwhile: it
   * does not wait for parents.
   */
  async #finishRest(): Promise<void> {
    const { clock } = this.#options.system;
    if (this.#streaks.restMs(clock) > 0) this.enter("initializing");
    await this.#streaks.rest(clock, this.#leave);
  }

  /** Counts one more failure in a row of its kind: the shard rests for longer each time. */
  #count(setback: Setback): { readonly attempt: number; readonly retryInMs: number } {
    const { system, delivery: { taskBackoffTimeMs } } = this.#options;
    this.#streaks.stored(this.#held.lease.checkpoint);
    const attempt = this.#streaks.count(setback);
    const retryInMs = callbackBackoffMs(attempt, taskBackoffTimeMs);
    this.#streaks.restFor(system.clock, retryInMs);
    return { attempt, retryInMs };
  }

  /** Whether to begin something on the shard: it is not to be left, and the lease is ours. */
  async #goesOn(): Promise<boolean> {
    return !this.#leave.aborted && await this.#isHeld() && !this.#leave.aborted;
  }

  /**
   * Whether the lease is ours, by the clock too: a process that was paused may not know yet that its lease
   * has ended.
   */
  async #isHeld(): Promise<boolean> {
    try {
      await this.#held.ensureHeld();
      return true;
    } catch (error) {
      if (error instanceof LeaseLostError) return false;
      throw error;
    }
  }

  /** For the time when there is no processor to call. */
  async #leaveAlone(): Promise<ConsumerEnd> {
    if (this.#held.lost.aborted) return "lost";
    await this.#held.handOver();
    return "drained";
  }

  /** One processor's time on the shard, from the stored checkpoint on. */
  async #runProcessor(): Promise<{ readonly type: ConsumerEnd } | Restart> {
    const { system, emit } = this.#options;
    this.#lease = this.#held.lease;
    const checkpointer = new Checkpointer(this.#held, system.clock, emit);
    const failure = new AbortController();
    const { held, stream, leaseStore, loadTransact } = this.#options;
    const context = shardContext({ held, stream, leaseStore, loadTransact, checkpointer, failure, system });
    let processor: RecordProcessor;
    try {
      processor = this.#options.processor(this.#held.shardId, this.#options.stream, this.#leave);
    } catch (error) {
      return { type: "restart", error: thrownError(error) };
    }
    const recipient = { processor, context, checkpointer };
    try {
      this.enter("initializing");
      const initialized = await this.#initialize(recipient);
      if (initialized.type === "left") return { type: await this.#leaveProcessor(recipient, undefined) };
      if (initialized.type === "restart") return initialized;
      return await this.#live(recipient, failure.signal);
    } finally {
      await this.#dispose(processor);
    }
  }

  async #dispose(processor: RecordProcessor): Promise<void> {
    try {
      await processor.dispose?.();
    } catch (error) {
      const text = `Its processor could not be disposed of: ${errorText(error)}`;
      this.#options.emit({ type: "notice", level: "error", leaseKey: this.#held.leaseKey, text });
    }
  }

  async #live(
    recipient: Recipient,
    failed: AbortSignal,
  ): Promise<{ readonly type: ConsumerEnd } | Restart> {
    const { startDelivery = plainDelivery } = this.#options;
    const delivery = startDelivery(recipient, this.#options, this.#leave);
    try {
      return await this.#process({ ...recipient, delivery, failed });
    } finally {
      await delivery.leave();
    }
  }

  async #process(turn: Turn): Promise<{ readonly type: ConsumerEnd } | Restart> {
    this.enter("processing");
    const delivered = await this.#deliver(turn);
    switch (delivered.type) {
      case "restart":
        return delivered;
      case "left":
        return { type: await this.#leaveProcessor(turn, turn.delivery) };
      case "givenUp":
        await turn.delivery.leave();
        await this.#held.giveUp();
        await this.#tellLost(turn);
        return { type: "lost" };
      case "ended":
        break;
    }

    this.enter("shardEnded");
    const { childShards } = delivered;
    this.#options.emit({ type: "shardEndReached", ...this.#about, childShards });
    const ended = await this.#endShard(turn, childShards);
    return ended.type === "left" ? { type: await this.#leaveProcessor(turn, turn.delivery) } : ended;
  }

  /** Until it succeeds, on the same processor. */
  async #initialize(recipient: Recipient): Promise<{ readonly type: "ready" } | Left | Restart> {
    const begin = async () => {
      this.#mend = await beginProcessor(recipient, this.#held, this.#options.emit);
    };
    while (await this.#goesOn()) {
      const outcome = await this.#call("initialize", 0, begin);
      if (outcome.ok) {
        this.#streaks.end("initialize");
        return { type: "ready" };
      }
      if (isOfClass(outcome.error, ProcessorRestartError)) return { type: "restart", error: outcome.error };
      this.#count("initialize");
      await this.#streaks.rest(this.#options.system.clock, this.#leave);
    }
    return { type: "left" };
  }

  /** Page by page, each in slices, to the end of the shard. */
  async #deliver({ processor, checkpointer, delivery, failed }: Turn): Promise<Delivered> {
    const signal = AbortSignal.any([this.#leave, failed, delivery.ended]);
    const { initialPosition, budget, system: { clock } } = this.#options;
    const onAggregateProblem = (problem: AggregateProblem) =>
      this.#options.emit({ type: "aggregateProblem", ...this.#about, ...problem });
    const already = { hasRead: this.#hasRead, streak: this.#streaks.reading, mend: this.#mend };
    const lease = { ...this.#lease, checkpoint: checkpointer.largest };
    const request = retrievalRequest(this.#held, lease, { initialPosition, ...already });
    this.#hasRead = true;
    try {
      for await (const page of this.#options.retrieval.read(request, signal)) {
        const { aggregates } = processor;
        const hashKeyRange = aggregateRange(this.#options);
        const slicing = { hashKeyRange, budget, onAggregateProblem, clock, aggregates };
        for await (const slice of slicesOf(page, checkpointer.largest, slicing, signal)) {
          const isEnd = slice.isLast && page.end !== undefined;
          let outcome = await delivery.deliver(page, slice);
          if (outcome.type === "next" && isEnd) outcome = await delivery.finish();
          if (outcome.type !== "next") return outcome;
          if (isEnd) return { type: "ended", childShards: page.end?.childShards ?? [] };
          signal.throwIfAborted();
        }
      }
      return {
        type: "restart",
        error: new Error(`Reading shard ${this.#held.shardId} stopped before its end`),
      };
    } catch (error) {
      if (this.#leave.aborted) return { type: "left" };
      if (delivery.ended.aborted) return delivery.ended.reason as DeliveryEnd;
      return { type: "restart", error: failed.aborted ? failed.reason : error };
    }
  }

  /** Children's leases first, then the processor, until SHARD_END is stored. */
  async #endShard(
    { processor, context, checkpointer }: Turn,
    children: readonly ChildShard[],
  ): Promise<{ readonly type: "completed" } | Left | Restart> {
    const { leaseStore, emit, system, delivery: { parentShardPollIntervalMs } } = this.#options;
    let areChildrenReady = children.length === 0, isWaiting = false;
    while (await this.#goesOn()) {
      try {
        const creation = { held: this.#held, children, isWaiting, leaseStore, emit, system };
        areChildrenReady ||= await createChildLeases(creation, this.#leave);
        isWaiting = !areChildrenReady;
        if (isWaiting) {
          // Nothing failed: the other parent of a merge is behind. Its lease is not to wait for a long rest.
          await pause(system.clock, parentShardPollIntervalMs, this.#leave);
          continue;
        }
      } catch (error) {
        if (this.#leave.aborted) break;
        const { attempt } = this.#count("shardEnd");
        emit({ type: "childLeasesFailed", ...this.#about, attempt, error });
        await this.#streaks.rest(system.clock, this.#leave);
        continue;
      }
      let isCalled = false;
      if (await this.#isHeld()) {
        // Not before: a bare checkpoint in shutdownRequested would end the shard, and its children would not
        // be read.
        checkpointer.reachShardEnd();
        const outcome = await this.#call("shardEnded", 0, () => processor.shardEnded(context));
        if (isShardEnd(checkpointer.last)) return { type: this.#completed() };
        if (!outcome.ok && isOfClass(outcome.error, ProcessorRestartError)) {
          return { type: "restart", error: outcome.error };
        }
        isCalled = true;
      }
      const { attempt } = this.#count("shardEnd");
      if (isCalled && !this.#held.lost.aborted) {
        emit({ type: "shardEndNotCheckpointed", ...this.#about, attempt });
      }
      await this.#streaks.rest(system.clock, this.#leave);
    }
    return { type: "left" };
  }

  #completed(): "completed" {
    this.#options.emit({ type: "shardCompleted", ...this.#about });
    return "completed";
  }

  /**
   * Leaves a processor that was called: in order while the lease is ours, else as lost.
   *
   * @param delivery Undefined before it is initialized.
   */
  async #leaveProcessor(recipient: Recipient, delivery: RecordsDelivery | undefined): Promise<ConsumerEnd> {
    const { processor, context } = recipient;
    let end: ConsumerEnd = "lost";
    await delivery?.leave();
    if (!this.#held.lost.aborted && delivery !== undefined) {
      this.enter("shutdownRequested");
      await this.#call("shutdownRequested", 0, () => processor.shutdownRequested?.(context));
    }
    if (!this.#held.lost.aborted) {
      end = "drained";
      await this.#held.handOver();
    }
    await this.#tellLost(recipient);
    return end;
  }

  async #tellLost({ processor, context }: Recipient): Promise<void> {
    this.enter("leaseLost");
    await this.#call("leaseLost", 0, () => processor.leaseLost?.(context));
  }

  #call(
    callback: ProcessorCallback,
    records: number,
    call: () => void | Promise<void> | undefined,
  ): Promise<CallbackOutcome> {
    const { system, emit } = this.#options;
    return runCallback({ held: this.#held, callback, records, clock: system.clock, emit }, call);
  }
}
