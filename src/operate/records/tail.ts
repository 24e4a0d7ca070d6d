/**
 * Reads a stream without leases: some shards or all, from a time on or from the tip, and the children of
 * shards that end.
 *
 * Within a shard the order is kept, and a child is read after its parents. Each shard is read at half the
 * rate that Kinesis allows, since its consumers need the rest, and once a second at its tip.
 *
 * @module
 */

import { TaskGroup } from "../../async/task_group.ts";
import { linkedController } from "../../async/waiting.ts";
import type { Kinesis, ShardFilter, StreamReference } from "../../aws/kinesis.ts";
import { AwsServiceError, errorText } from "../../errors.ts";
import { ByteBudget } from "../../retrieval/byte_budget.ts";
import type { Pacing } from "../../retrieval/pacing.ts";
import { polling } from "../../retrieval/polling.ts";
import type { RecordsPage } from "../../retrieval/retrieval.ts";
import type { HashKeyRange } from "../../stream/hash_key.ts";
import type { KinesisRecord } from "../../stream/record.ts";
import { positionAt } from "../../stream/sequence_number.ts";
import { type ChildShard, isOpen, parentsOf, type Shard } from "../../stream/shard.ts";
import type { System } from "../../system.ts";
import { boundedReads } from "./bounded_reads.ts";
import { shardsNamed } from "./target.ts";
import { userRecords } from "./user_records.ts";

/** Where reading starts. */
export type TailStart = { readonly type: "earliest" | "latest" } | {
  readonly type: "time";
  readonly epochMs: number;
};

/** What is read. */
export interface TailOptions {
  readonly kinesis: Kinesis;
  readonly stream: StreamReference;
  readonly system: System;
  readonly from: TailStart;
  /** Ends each shard at the first record that arrived later. @default never */
  readonly toMs?: number | undefined;
  /** Whether a shard ends when its newest record is read. */
  readonly isUntilLatest: boolean;
  /** As people name them. Children of these are not read. @default all, and their children */
  readonly shards: readonly string[];
  /** The most user records. @default no limit */
  readonly maxRecords?: number | undefined;
  /** Called when something is tried again, or cannot be shown, for people. */
  readonly onTrouble: (text: string) => void;
}

/** Takes some records of a shard, in order. Reading waits until it has. */
export type TakeRecords = (shardId: string, records: readonly KinesisRecord[]) => Promise<void>;

/** Half of what Kinesis allows a shard, and once a second at its tip. */
const PACING: Pacing = {
  idlePacing: "adaptive",
  idleTimeBetweenReadsMs: 1000,
  maxIdleTimeBetweenReadsMs: 1000,
  maxReadsPerSecond: 2.5,
  maxReadBytesPerSecond: 1024 ** 2,
};

/** Answers that are in memory at once, of all shards together. One has 10 MiB at the most. */
const MOST_BYTES = 64 * 1024 ** 2;

/** A time is reached when the clock is past it by this, in ms: Kinesis's clock may be behind ours. */
const CLOCK_MARGIN_MS = 1000;

/**
 * Reads until its end, if it has one.
 *
 * @param signal Ends the reading.
 * @throws {RangeError} for shards that there are not, and for a start in the future.
 * @throws {AwsServiceError} for a failure that trying again does not mend; the signal's reason.
 */
export async function tailStream(
  options: TailOptions,
  take: TakeRecords,
  signal: AbortSignal,
): Promise<void> {
  const { from, system: { clock } } = options;
  if (from.type === "time" && from.epochMs > clock.epochMs()) {
    const time = new Date(from.epochMs).toISOString();
    throw new RangeError(`Cannot read from ${time} on: expected a time in the past: got one in the future`);
  }
  await new Tail(options, take, signal).run();
}

/** A shard that is read, as far as it matters. */
interface ReadShard {
  readonly shardId: string;
  readonly hashKeyRange: HashKeyRange | undefined;
}

class Tail {
  readonly #options: TailOptions;
  readonly #take: TakeRecords;
  readonly #signal: AbortSignal;
  readonly #end: AbortController;
  readonly #unlink: () => void;
  readonly #budget = new ByteBudget(MOST_BYTES);
  readonly #kinesis: Kinesis;
  readonly #known = new Set<string>();
  readonly #ended = new Set<string>();
  readonly #tasks = new TaskGroup((error) => this.#fail(error));
  readonly #startMs: number;
  #failure: { readonly error: unknown } | undefined;
  #left: number;

  constructor(options: TailOptions, take: TakeRecords, signal: AbortSignal) {
    this.#options = options;
    this.#take = take;
    this.#signal = signal;
    const { controller, unlink } = linkedController(signal);
    this.#end = controller;
    this.#unlink = unlink;
    this.#kinesis = boundedReads(options.kinesis, this.#budget);
    this.#left = options.maxRecords ?? Infinity;
    this.#startMs = options.system.clock.epochMs();
  }

  async run(): Promise<void> {
    try {
      const { shards, from } = this.#options;
      const roots = shards.length > 0 ? await this.#chosen() : await this.#roots();
      for (const { shardId } of roots) this.#known.add(shardId);
      for (const shard of roots) this.#start(shard, from);
      await this.#tasks.done();
    } finally {
      this.#unlink();
    }
    if (this.#failure !== undefined) throw this.#failure.error;
    this.#signal.throwIfAborted();
  }

  async #chosen(): Promise<readonly Shard[]> {
    const { stream, shards } = this.#options;
    return shardsNamed(await this.#kinesis.listShards(stream, undefined, this.#signal), shards);
  }

  /** Where a whole reading begins. What follows is found at the end of these. */
  async #roots(): Promise<readonly Shard[]> {
    const { stream, from } = this.#options;
    const listed = await this.#kinesis.listShards(stream, filterOf(from), this.#signal);
    // Some emulators list all shards whatever they are asked for.
    if (from.type === "latest") return listed.filter(isOpen);
    const ids = new Set(listed.map(({ shardId }) => shardId));
    return listed.filter((shard) => !parentsOf(shard).some((parent) => ids.has(parent)));
  }

  #start(shard: ReadShard, from: TailStart): void {
    this.#tasks.run(async () => {
      const children = await this.#read(shard, from);
      this.#ended.add(shard.shardId);
      if (this.#options.shards.length > 0) return;
      for (const child of children) {
        if (this.#known.has(child.shardId) || !await this.#isDue(child)) continue;
        if (this.#known.has(child.shardId)) continue;
        this.#known.add(child.shardId);
        this.#start(child, { type: "earliest" });
      }
    });
  }

  /** Whether all parents have ended that are read here, or will be. */
  async #isDue({ parentShards }: ChildShard): Promise<boolean> {
    const open = parentShards.filter((parent) => !this.#ended.has(parent));
    if (open.length === 0) return true;
    if (open.some((parent) => this.#known.has(parent))) return false;
    const shards = new Map(
      (await this.#kinesis.listShards(this.#options.stream, undefined, this.#end.signal))
        .map((shard) => [shard.shardId, shard]),
    );
    const isToCome = (shardId: string): boolean => {
      const shard = shards.get(shardId);
      return shard !== undefined &&
        parentsOf(shard).some((parent) => this.#known.has(parent) || isToCome(parent));
    };
    return !open.some((parent) => !this.#ended.has(parent) && isToCome(parent));
  }

  /** @returns the children to read next. */
  async #read({ shardId, hashKeyRange }: ReadShard, from: TailStart): Promise<readonly ChildShard[]> {
    const { stream, system, toMs = Infinity, onTrouble } = this.#options;
    const reading = polling({
      kinesis: this.#kinesis,
      stream,
      system,
      pacing: PACING,
      maxRecords: 10_000,
      onTrimmedCheckpoint: "trim-horizon",
      emit: (event) => {
        if (event.type !== "fetchFailed") return;
        if (event.error instanceof AwsServiceError && event.error.retryable) {
          const seconds = Math.max(1, Math.round(event.retryInMs / 1000));
          onTrouble(`Cannot read shard ${shardId}: ${errorText(event.error)}: tried again in ${seconds} s`);
        } else this.#fail(event.error);
      },
    });
    const request = {
      leaseKey: shardId,
      shardId,
      checkpoint: positionAt(POSITIONS[from.type]),
      initialPosition: from.type === "time" ? new Date(from.epochMs) : "LATEST" as const,
    };
    const opener = {
      hashKeyRange,
      clock: system.clock,
      onTrouble: (what: string) => onTrouble(`${shardId}: ${what}`),
    };
    for await (const page of reading.read(request, this.#end.signal)) {
      try {
        for await (const records of userRecords(page.records, opener, this.#end.signal)) {
          const late = records.findIndex(({ approximateArrivalTimestamp: ms }) => ms > toMs);
          await this.#give(shardId, late < 0 ? records : records.slice(0, late));
          if (late >= 0) return [];
        }
      } finally {
        this.#budget.give(page.bytes);
      }
      if (page.end !== undefined) return page.end.childShards;
      if (this.#isDone(page)) return [];
    }
    return [];
  }

  async #give(shardId: string, records: readonly KinesisRecord[]): Promise<void> {
    this.#end.signal.throwIfAborted();
    const given = records.slice(0, this.#left);
    this.#left -= given.length;
    if (given.length > 0) await this.#take(shardId, given);
    if (this.#left === 0) this.#end.abort(ENOUGH);
    this.#end.signal.throwIfAborted();
  }

  #isDone({ records, millisBehindLatest }: RecordsPage): boolean {
    const { toMs = Infinity, isUntilLatest, system: { clock } } = this.#options;
    // Some emulators do not say how far behind a page is. A page without records is then the tip.
    const behindMs = millisBehindLatest ?? (records.length === 0 ? 0 : Infinity);
    const reachedMs = clock.epochMs() - behindMs;
    if (isUntilLatest && (behindMs === 0 || reachedMs > this.#startMs + CLOCK_MARGIN_MS)) return true;
    return reachedMs > toMs + CLOCK_MARGIN_MS;
  }

  #fail(error: unknown): void {
    if (this.#end.signal.aborted) return;
    this.#failure = { error };
    this.#end.abort(error);
  }
}

/** Why reading stops when there are enough records. */
const ENOUGH = "enough";

const POSITIONS = { earliest: "TRIM_HORIZON", latest: "LATEST", time: "AT_TIMESTAMP" } as const;

function filterOf(from: TailStart): ShardFilter {
  switch (from.type) {
    case "earliest":
      return { type: "AT_TRIM_HORIZON" };
    case "latest":
      return { type: "AT_LATEST" };
    case "time":
      return { type: "AT_TIMESTAMP", timestampMs: from.epochMs };
  }
}
