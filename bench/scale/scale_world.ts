/**
 * A fleet of any size in fair weather: real workers on virtual time, the simulation's lease table, and a stream of which
 * nothing but its shards is simulated, so that ten thousand of them are affordable.
 *
 * The rules of `src/testing` are left out: they look at single leases, and cost more than the fleet. What is watched
 * instead is which shards are read: a worker reads a shard from when it opens an iterator until its lease is gone.
 *
 * @module
 */

import type { Kinesis } from "../../src/aws/kinesis.ts";
import { DEFAULT_RETRY_POLICY, retryDelayMs } from "../../src/aws/retry.ts";
import { isAwsError } from "../../src/errors.ts";
import type { WorkerEvent } from "../../src/events.ts";
import type { Lease } from "../../src/lease/lease.ts";
import { MemoryCoordinatorStore } from "../../src/store/memory_coordinator_store.ts";
import { listingOf } from "../../src/store/table_listing.ts";
import { MAX_HASH_KEY } from "../../src/stream/hash_key.ts";
import type { Shard } from "../../src/stream/shard.ts";
import { Chance } from "../../src/testing/model/chance.ts";
import { Link, serviceFailure, Weather } from "../../src/testing/simulation/faults.ts";
import { SharedTable, type TableAccess } from "../../src/testing/simulation/shared_table.ts";
import { SimulatedLeaseStore } from "../../src/testing/simulation/simulated_lease_store.ts";
import { WORLD_EPOCH_MS } from "../../src/testing/model/simulated_stream.ts";
import { VirtualProcess } from "../../src/testing/simulation/virtual_process.ts";
import { VirtualTime } from "../../src/testing/simulation/virtual_time.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import { KinesisWorker } from "../../src/worker/worker.ts";
import { Bill } from "./scale_bill.ts";

/** What a world of this kind is made of. */
export interface ScaleWorldOptions {
  readonly shards: number;
  readonly seed: string;
  /** Of all workers. */
  readonly worker?: Partial<WorkerOptions> | undefined;
}

/** A worker. */
export interface ScaleMember {
  readonly workerId: string;
  readonly machine: VirtualProcess;
  readonly stop: () => void;
}

/** What a phase was like. */
export interface PhaseCounts {
  /** Leases gained by workers. */
  gained: number;
  /** How often a worker became leader. */
  leaders: number;
  /** Passes and renewals that failed, leases lost to others. */
  troubles: number;
  /** How long a shard that had been read was not, in ms: the longest. */
  longestGapMs: number;
}

/** DescribeStreamSummary: 20 calls a second for an account. Source: Kinesis quotas. */
const describesPerSecond = 20;
/** Shards on a page of ListShards. Source: API reference. */
const shardsPerPage = 1000;

/** Twenty items of 250 bytes, eventually consistent. */
const sampleUnits = 1;

/** The lease table, of which one lease costs no more than it does on DynamoDB. */
class SampledLeaseStore extends SimulatedLeaseStore {
  readonly #someLease: (signal?: AbortSignal) => Promise<Lease | undefined>;

  constructor(table: TableAccess, someLease: (signal?: AbortSignal) => Promise<Lease | undefined>) {
    super(table);
    this.#someLease = someLease;
  }

  override someLease(signal?: AbortSignal): Promise<Lease | undefined> {
    return this.#someLease(signal);
  }
}

/** See the module. */
export class ScaleWorld {
  readonly time: VirtualTime = new VirtualTime();
  readonly bill: Bill = new Bill();
  readonly table: SharedTable = new SharedTable(this.time, this.bill);
  readonly members: Map<string, ScaleMember> = new Map();
  readonly troubles: Map<string, number> = new Map();
  counts: PhaseCounts = noCounts();
  leader: string | undefined;
  readonly #options: ScaleWorldOptions;
  readonly #chance: Chance;
  readonly #weather: Weather;
  readonly #shards: readonly Shard[];
  /** By shard: the machine that reads it. */
  readonly #readers = new Map<string, string>();
  /** By shard: since when nobody has read it any more. */
  readonly #unreadSinceMs = new Map<string, number>();
  #described: number[] = [];
  #started = 0;

  constructor(options: ScaleWorldOptions) {
    this.#options = options;
    this.#chance = new Chance(options.seed);
    this.#weather = new Weather({
      time: this.time,
      faults: [],
      rates: { throttled: 0, refused: 0, answerLost: 0, slow: 0, late: 0, doubled: 0 },
      patienceMs: 2500,
    });
    this.#shards = shardsOf(options.shards);
  }

  /** Starts workers within so many ms. */
  start(count: number, withinMs: number): void {
    for (let i = 0; i < count; i++) {
      const workerId = `worker-${String(++this.#started).padStart(5, "0")}`;
      this.time.after(this.#chance.between(0, withinMs), () => this.#startOne(workerId));
    }
  }

  kill(member: ScaleMember): void {
    member.machine.kill();
    this.members.delete(member.workerId);
    for (const [shardId, reader] of this.#readers) {
      if (reader === member.workerId) this.#leave(shardId, reader);
    }
  }

  /** Whether every shard is read. */
  get isAllRead(): boolean {
    return this.#readers.size === this.#shards.length;
  }

  get unread(): number {
    return this.#shards.length - this.#readers.size;
  }

  /** The most shards that one worker reads more than another. */
  get spread(): number {
    const counts = new Map([...this.members.keys()].map((workerId) => [workerId, 0]));
    for (const reader of this.#readers.values()) counts.set(reader, (counts.get(reader) ?? 0) + 1);
    const sorted = [...counts.values()].toSorted((a, b) => a - b);
    return (sorted.at(-1) ?? 0) - (sorted[0] ?? 0);
  }

  get isBalanced(): boolean {
    return this.isAllRead && this.spread <= 1;
  }

  /** Lets time pass until something is so. @returns after how many ms it was; undefined: it was not in time. */
  async until(isSo: () => boolean, limitMs: number): Promise<number | undefined> {
    const startedMs = this.time.nowMs;
    let passedMs: number | undefined;
    let isOver = false;
    const look = () => {
      if (isSo()) passedMs = this.time.nowMs - startedMs;
      else if (this.time.nowMs - startedMs >= limitMs) isOver = true;
      else this.time.after(lookEveryMs, look);
    };
    this.time.after(0, look);
    await this.time.run(() => passedMs === undefined && !isOver);
    return passedMs;
  }

  /** Lets time pass. */
  async pass(ms: number): Promise<void> {
    await this.until(() => false, ms);
  }

  /** Ends it: nothing happens any more. */
  close(): void {
    for (const member of this.members.values()) member.machine.kill();
  }

  #startOne(workerId: string): void {
    const chance = this.#chance.fork(workerId);
    const machine = new VirtualProcess({
      name: workerId,
      time: this.time,
      chance: chance.fork("process"),
      epochMs: WORLD_EPOCH_MS,
    });
    const link = new Link(machine, this.#weather, chance.fork("link"));
    const items = this.bill.meter(this.table.over(link, { staleReads: 0 }), link);
    const stopping = new AbortController();
    const member = { workerId, machine, stop: () => stopping.abort(new Error("stopped")) };
    this.members.set(workerId, member);
    const worker = new KinesisWorker({
      log: false,
      // A read an hour: what costs here is leasing.
      idleTimeBetweenReadsMs: 3_600_000,
      initialPositionInStream: "TRIM_HORIZON",
      ...this.#options.worker,
      applicationName: "scale",
      streamName: "scale",
      workerIdentifier: workerId,
      system: machine.system,
      kinesis: this.#kinesis(link),
      leaseStore: new SampledLeaseStore(items, (signal) => this.#someLease(link, signal)),
      coordinatorStore: new MemoryCoordinatorStore(items),
      processor: () => ({ processRecords() {}, shardEnded: (context) => context.checkpoint() }),
      onEvent: (event) => this.#hear(workerId, event),
    });
    worker.run(stopping.signal).then(
      () => this.kill(member),
      (error) => {
        this.#trouble(`worker failed: ${error}`);
        this.kill(member);
      },
    );
  }

  #hear(workerId: string, event: WorkerEvent): void {
    switch (event.type) {
      case "leadershipGained":
        this.leader = workerId;
        this.counts.leaders++;
        return;
      case "leaseGained":
        this.counts.gained++;
        return;
      case "leaseReleased":
        return this.#leave(event.shardId, workerId);
      case "leaseLost":
        this.#trouble(`lease lost: ${event.reason}`);
        return this.#leave(event.shardId, workerId);
      case "leadershipLost":
        if (event.reason === "the worker is stopping") return;
        return this.#trouble(`leadership lost: ${event.reason.replaceAll(/\d+/g, "…")}`);
      case "passFailed":
        return this.#trouble(`${event.pass} failed`);
      case "initializationFailed":
      case "leaseRenewalFailed":
      case "fetchFailed":
        return this.#trouble(event.type);
    }
  }

  #trouble(what: string): void {
    this.counts.troubles++;
    this.troubles.set(what, (this.troubles.get(what) ?? 0) + 1);
  }

  #leave(shardId: string, reader: string): void {
    if (this.#readers.get(shardId) !== reader) return;
    this.#readers.delete(shardId);
    this.#unreadSinceMs.set(shardId, this.time.nowMs);
  }

  #enter(shardId: string, reader: string): void {
    const sinceMs = this.#unreadSinceMs.get(shardId);
    this.#unreadSinceMs.delete(shardId);
    if (sinceMs !== undefined) {
      this.counts.longestGapMs = Math.max(this.counts.longestGapMs, this.time.nowMs - sinceMs);
    }
    this.#readers.set(shardId, reader);
  }

  #kinesis(link: Link): Kinesis {
    const call = <T>(operation: string, signal: AbortSignal | undefined, serve: () => T) =>
      link.call("kinesis", operation, serve, signal);
    return {
      describeStreamSummary: (_, signal) =>
        retried(link, signal, () =>
          call("DescribeStreamSummary", signal, () => {
            this.#limitDescribes();
            return {
              streamName: "scale",
              streamArn: "arn:aws:kinesis:us-east-1:000000000000:stream/scale",
              streamStatus: "ACTIVE" as const,
              streamCreationEpochS: undefined,
              openShardCount: this.#shards.length,
            };
          })),
      listShards: async (_, _filter, signal) => {
        for (let page = 1; page < this.#shards.length / shardsPerPage; page++) {
          await call("ListShards", signal, () => undefined);
        }
        return await call("ListShards", signal, () => this.#shards);
      },
      getShardIterator: (_, shardId, _position, signal) =>
        call("GetShardIterator", signal, () => {
          if (link.machine.state === "running") this.#enter(shardId, link.machine.name);
          return shardId;
        }),
      getRecords: (_, iterator, _limit, signal) =>
        call("GetRecords", signal, () => ({
          records: [],
          bytes: 0,
          nextShardIterator: iterator,
          millisBehindLatest: 0,
          childShards: [],
        })),
    };
  }

  /** As DynamoDB has it: a page of some items. */
  #someLease(link: Link, signal: AbortSignal | undefined): Promise<Lease | undefined> {
    return link.call("dynamodb", "Scan", () => {
      this.bill.add(link.machine.name, "Scan (table)", { requests: 1, readUnits: sampleUnits });
      for (const item of this.table.items.values()) {
        const [lease] = listingOf([item]).leases;
        if (lease !== undefined) return lease;
      }
      return undefined;
    }, signal);
  }

  #limitDescribes(): void {
    const { nowMs } = this.time;
    this.#described = this.#described.filter((atMs) => atMs > nowMs - 1000);
    if (this.#described.length >= describesPerSecond) {
      throw serviceFailure("kinesis", "DescribeStreamSummary", "LimitExceededException");
    }
    this.#described.push(nowMs);
  }
}

/** How often it is looked whether something has come to be so, in virtual ms. */
const lookEveryMs = 100;

/** A phase that has just begun. */
export function noCounts(): PhaseCounts {
  return { gained: 0, leaders: 0, troubles: 0, longestGapMs: 0 };
}

/** As the client does, which lies below what is simulated. */
async function retried<T>(link: Link, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1;; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!isAwsError(error, "LimitExceededException")) throw error;
      const policy = DEFAULT_RETRY_POLICY;
      const delayMs = retryDelayMs({ policy, verdict: "throttled", attempt, chance: link.chance.next() });
      if (delayMs === undefined) throw error;
      await link.machine.clock.sleep(delayMs, signal);
    }
  }
}

function shardsOf(count: number): readonly Shard[] {
  const width = (MAX_HASH_KEY + 1n) / BigInt(count);
  return Array.from({ length: count }, (_, i) => {
    const start = BigInt(i) * width;
    const end = i === count - 1 ? MAX_HASH_KEY : start + width - 1n;
    return {
      shardId: `shardId-${String(i).padStart(12, "0")}`,
      parentShardId: undefined,
      adjacentParentShardId: undefined,
      hashKeyRange: { startingHashKey: `${start}`, endingHashKey: `${end}` },
      startingSequenceNumber: "49600000000000000000000000000000000000000000000000000001",
      endingSequenceNumber: undefined,
    };
  });
}
