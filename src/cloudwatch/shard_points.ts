// Pure.
/**
 * Values of the metrics of shards: reading, processing, checkpoints.
 *
 * MillisBehindLatest is easy to get wrong. A page that was read ahead shows the position of reading, not of
 * processing. So the figure of a page with records is reported once they are processed, or have failed. While
 * a batch fails again and again, no later page counts, and the figure grows with time.
 *
 * Source: KCL 3.5.1, `ProcessTask`, `ShutdownTask`, `KinesisDataFetcher`.
 *
 * @module
 */

import { AwsServiceError } from "../errors.ts";
import type { WorkerEvent } from "../events.ts";
import type { Clock } from "../system.ts";
import type { MetricId } from "./metric_names.ts";
import type { Dimensions, MetricWriter } from "./metric_writer.ts";

/** How shards are named, and time. */
export interface ShardPointsOptions {
  /** Whether metrics of a shard name its stream. */
  readonly isMultiStream: boolean;
  readonly clock: Pick<Clock, "monotonicMs"> | undefined;
}

type EventOf<Type extends WorkerEvent["type"]> = Extract<WorkerEvent, { readonly type: Type }>;

/** What names a shard in an event. */
interface About {
  readonly leaseKey: string;
  readonly shardId: string;
}

/** How far behind the tip a page was, and when it came. */
interface Behind {
  readonly millis: number;
  readonly atMs: number;
}

/** What is known of a shard that is consumed. */
interface ShardState {
  /** The dimensions of its ProcessTask, and of its ShutdownTask. */
  readonly processing: Dimensions;
  readonly shutdown: Dimensions;
  /** Whether the processor is being left: checkpoints are ShutdownTask's then. */
  isLeaving: boolean;
  /** Calls of `processRecords` that run. */
  calls: number;
  /** Of the newest page whose records have not been processed yet. */
  behind: Behind | undefined;
  /** Of the batch that has failed and comes again. */
  stuck: Behind | undefined;
}

/** See the module. */
export class ShardPoints {
  readonly #options: ShardPointsOptions;
  readonly #writer: MetricWriter;
  readonly #shards = new Map<string, ShardState>();

  constructor(options: ShardPointsOptions, writer: MetricWriter) {
    this.#options = options;
    this.#writer = writer;
  }

  /** One event. What is not about the work on a shard changes nothing. */
  add(event: WorkerEvent): void {
    switch (event.type) {
      case "phaseChanged":
        return this.#phaseChanged(event);
      case "iteratorGiven":
        this.#add("ProcessTask/KinesisDataFetcher.getShardIterator.Success", event, 1);
        return this.#add("ProcessTask/KinesisDataFetcher.getShardIterator.Time", event, event.ms);
      case "pageFetched":
        return this.#pageFetched(event);
      case "iteratorExpired":
        this.#add("ProcessTask/KinesisDataFetcher.getRecords.Success", event, 0);
        return this.#expired(event);
      case "fetchFailed":
        return this.#fetchFailed(event);
      case "callbackStarted":
        if (event.callback === "processRecords") this.#shard(event).calls++;
        return;
      case "callbackEnded":
        return this.#callbackEnded(event);
      case "batchProcessed":
        this.#processed(event, event.records, event.bytes);
        return this.#caughtUp(event, event.millisBehindLatest);
      case "batchFailed":
        return this.#batchFailed(event);
      case "recordsGivenUp":
        this.#shard(event).stuck = undefined;
        this.#processed(event, event.records, 0);
        if (event.outcome === "skipped") this.#add("ProcessTask/RecordsSkipped", event, event.records);
        return;
      case "processorRestarting":
        return this.#add("ProcessTask/Success", event, 0);
      case "checkpointed":
        this.#updated(event, "Success", 1);
        return this.#updated(event, "Time", event.ms);
      case "checkpointFailed":
        return this.#updated(event, "Success", 0);
    }
  }

  #phaseChanged(event: EventOf<"phaseChanged">): void {
    const state = this.#shard(event);
    state.isLeaving = LEAVING.includes(event.phase);
    if (event.phase === "ended") this.#shards.delete(event.leaseKey);
    else this.#shards.set(event.leaseKey, state);
  }

  #pageFetched(event: EventOf<"pageFetched">): void {
    if (event.isPushed !== true) {
      this.#add("ProcessTask/KinesisDataFetcher.getRecords.Success", event, 1);
      this.#add("ProcessTask/KinesisDataFetcher.getRecords.Time", event, event.ms);
    }
    const state = this.#shard(event);
    const isIdle = state.calls === 0 && state.stuck === undefined;
    // No call came of the page before: all of its records were filtered out, or it was read ahead.
    if (isIdle && state.behind !== undefined) this.#report(event, state.behind.millis);
    const millis = event.millisBehindLatest;
    if (event.records > 0) {
      state.behind = millis === undefined ? undefined : { millis, atMs: this.#nowMs() };
    } else if (isIdle) {
      this.#processed(event, 0, 0);
      this.#add("ProcessTask/Success", event, 1);
      this.#add("ProcessTask/Time", event, 0);
      this.#caughtUp(event, millis);
    }
  }

  /** GetRecords and GetShardIterator alone: fan-out fails too, as does the look for parents. */
  #fetchFailed(event: EventOf<"fetchFailed">): void {
    if (!(event.error instanceof AwsServiceError)) return;
    const { operation } = event.error;
    if (operation === "GetRecords") {
      this.#add("ProcessTask/KinesisDataFetcher.getRecords.Success", event, 0);
    }
    if (operation === "GetShardIterator") {
      this.#add("ProcessTask/KinesisDataFetcher.getShardIterator.Success", event, 0);
    }
  }

  #callbackEnded(event: EventOf<"callbackEnded">): void {
    switch (event.callback) {
      case "initialize":
        return this.#writer.add("InitializeTask/RecordProcessor.initialize.Time", event.ms);
      case "shardEnded":
      case "leaseLost":
        return this.#writer.add("ShutdownTask/RecordProcessor.shutdown.Time", event.ms);
      case "processRecords": {
        const state = this.#shard(event);
        state.calls = Math.max(0, state.calls - 1);
        this.#add("ProcessTask/RecordProcessor.processRecords.Time", event, event.ms);
        this.#add("ProcessTask/Success", event, 1); // as in KCL, whatever the user's code throws
        this.#add("ProcessTask/Time", event, event.ms);
        if (event.error === undefined) return;
        return this.#add("ProcessTask/RecordProcessor.processRecords.Failures", event, 1);
      }
      case "shutdownRequested":
        return;
    }
  }

  #batchFailed(event: EventOf<"batchFailed">): void {
    const state = this.#shard(event);
    if (event.outcome === "skipped") {
      this.#processed(event, event.records, 0);
      this.#add("ProcessTask/RecordsSkipped", event, event.records);
      return this.#caughtUp(event, state.behind?.millis);
    }
    const stuck = state.stuck ??= state.behind;
    if (stuck === undefined) return;
    this.#report(event, Math.round(stuck.millis + this.#nowMs() - stuck.atMs));
  }

  /** Records were processed. @param millis How far behind they were; undefined: Kinesis has not said. */
  #caughtUp(about: About, millis: number | undefined): void {
    const state = this.#shard(about);
    state.behind = state.stuck = undefined;
    if (millis !== undefined) this.#report(about, millis);
  }

  #report(about: About, millis: number): void {
    this.#add("ProcessTask/MillisBehindLatest", about, millis);
    this.#writer.add("ApplicationTracker/MillisBehindLatest", millis);
  }

  #processed(about: About, records: number, bytes: number): void {
    this.#add("ProcessTask/RecordsProcessed", about, records);
    this.#add("ProcessTask/DataBytesProcessed", about, bytes);
  }

  #updated(about: About, what: "Success" | "Time", value: number): void {
    const { isLeaving, processing, shutdown } = this.#shard(about);
    if (isLeaving) this.#writer.addWith(`ShutdownTask/UpdateLease.${what}`, shutdown, value);
    else this.#writer.addWith(`ProcessTask/UpdateLease.${what}`, processing, value);
  }

  /** KCL names no shard. */
  #expired(about: About): void {
    const { ShardId: _, ...dimensions } = this.#shard(about).processing;
    this.#writer.addWith("ProcessTask/ExpiredIterator", dimensions, 1);
  }

  #add(id: MetricId & `ProcessTask/${string}`, about: About, value: number): void {
    this.#writer.addWith(id, this.#shard(about).processing, value);
  }

  /** Kept from the first phase of a consumer to its last. */
  #shard({ leaseKey, shardId }: About): ShardState {
    const known = this.#shards.get(leaseKey);
    if (known !== undefined) return known;
    // With many streams a key is `account:stream:epoch:shardId`.
    const isNamed = this.#options.isMultiStream && leaseKey.endsWith(`:${shardId}`);
    const stream = isNamed ? { StreamId: leaseKey.slice(0, -shardId.length - 1) } : {};
    return {
      processing: { Operation: "ProcessTask", ...stream, ShardId: shardId },
      shutdown: { Operation: "ShutdownTask", ...stream, ShardId: shardId },
      isLeaving: false,
      calls: 0,
      behind: undefined,
      stuck: undefined,
    };
  }

  #nowMs(): number {
    return this.#options.clock?.monotonicMs() ?? 0;
  }
}

/** Phases in which KCL runs ShutdownTask. */
const LEAVING: readonly EventOf<"phaseChanged">["phase"][] = ["shutdownRequested", "shardEnded", "leaseLost"];
