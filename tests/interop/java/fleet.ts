/**
 * One stream or two, one lease table, and workers of both kinds on them, each in a process of its own.
 *
 * @module
 */

import type { Item } from "../../../src/aws/dynamodb.ts";
import type { TablePlace } from "../../../src/lease/coordinator_store.ts";
import { actualOwner, type Lease } from "../../../src/lease/lease.ts";
import { DynamoDBCoordinatorStore } from "../../../src/store/dynamodb_coordinator_store.ts";
import { DynamoDBLeaseStore } from "../../../src/store/dynamodb_lease_store.ts";
import { isShardEnd } from "../../../src/stream/sequence_number.ts";
import type { Shard } from "../../../src/stream/shard.ts";
import { realSystem } from "../../../src/system.ts";
import type { MetricDatum } from "../../../src/testing/mod.ts";
import { testCredentials, TestStream } from "../../support/test_stream.ts";
import { type InteropBed, javaWorker, versions } from "./bed.ts";
import type { Line } from "./deliveries.ts";
import type { FleetOptions, StartOptions } from "./fleet_options.ts";
import { eventually, pause, RunningProgram } from "./processes.ts";
import type { TappedRead, TappedWrite } from "./tap.ts";

/** A worker under way. */
export interface FleetWorker {
  readonly id: string;
  readonly kind: "java" | "kclite";
  readonly program: RunningProgram;
  /** Epoch ms, when it was told to end. */
  endedAt: number | undefined;
  readonly errorLines: string[];
}

/** When a record was put. */
export interface Put {
  readonly fromMs: number;
  readonly toMs: number;
}

/** How long locks last in these fleets, in ms; short, so that a run is. Java's own defaults are 10 s and 120 s. */
const timing = {
  javaAssignmentMs: 1000,
  javaLockMs: 8000,
  javaHeartbeatMs: 1500,
} as const;

/** What becomes of leases of streams that are no longer listed, while kclite leads. */
const formerStreams = {
  newStreamCheckIntervalMs: 1000,
  formerStreamsLeasesDeletionStrategy: "FORMER_STREAMS_AUTO_DETECTION_DEFERRED_DELETION",
  waitPeriodToDeleteFormerStreamsMs: 3000,
} as const;

/** A fleet. A producer puts numbered records under 40 partition keys, into each stream in turn. */
export class Fleet implements AsyncDisposable {
  /** The first of {@linkcode Fleet.streams}. */
  readonly stream: TestStream;
  readonly streams: readonly TestStream[];
  readonly lines: Line[] = [];
  readonly workers: FleetWorker[] = [];
  readonly #bed: InteropBed;
  readonly #options: FleetOptions;
  readonly #store: DynamoDBLeaseStore;
  readonly #coordinator: DynamoDBCoordinatorStore;
  /** The number of the next record. */
  #next = 0;
  /** When each record was put, by its number: epoch ms before the request and after its answer. */
  readonly puts: Map<string, Put> = new Map();
  readonly #dry = new Set<TestStream>();
  #isOver = false;
  #producer: Promise<void> | undefined;

  private constructor(
    bed: InteropBed,
    streams: readonly [TestStream, ...TestStream[]],
    options: FleetOptions,
  ) {
    const { dynamodb } = bed;
    this.stream = streams[0];
    this.streams = streams;
    this.#bed = bed;
    this.#options = options;
    this.#store = new DynamoDBLeaseStore({ tableName: options.name, dynamodb, system: realSystem });
    this.#coordinator = new DynamoDBCoordinatorStore({
      dynamodb,
      tableName: options.name,
      applicationName: options.name,
    });
    if (options.start === "TRIM_HORIZON") this.startPutting();
  }

  static async create(bed: InteropBed, options: FleetOptions): Promise<Fleet> {
    const { name, shards, isMany } = options;
    const create = (stream: string) => TestStream.create(bed.kinesisUrl, stream, shards);
    return new Fleet(
      bed,
      isMany === true ? [await create(`${name}-a`), await create(`${name}-b`)] : [await create(name)],
      options,
    );
  }

  /** Starts a worker and waits until it says that it runs. */
  async start(kind: FleetWorker["kind"], id: string, how: StartOptions = {}): Promise<FleetWorker> {
    const { command, args } = kind === "java" ? this.#javaCommand(id, how) : this.#kcliteCommand(id, how);
    const errorLines: string[] = [];
    const program = new RunningProgram(command, args, {
      onLine: (line) => void this.lines.push(JSON.parse(line)),
      onErrorLine: (line) => void errorLines.push(line),
    });
    const worker: FleetWorker = { id, kind, program, endedAt: undefined, errorLines };
    this.workers.push(worker);
    await this.eventually(`${id} has started`, () => {
      if (program.hasEnded) throw new Error(`${id} has ended: ${errorLines.slice(-5).join("\n")}`);
      return this.lines.some((line) => line.worker === id && line.event === "STARTED");
    }, { limitMs: 120_000, state: () => errorLines.slice(-5).join("\n") });
    return worker;
  }

  /** Stops a worker in order, or kills it; waits until it has ended. */
  async end(id: string, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    const worker = this.#worker(id);
    worker.endedAt = Date.now();
    await worker.program.end(signal);
  }

  /** Freezes a worker until others have all its leases. @returns Epoch ms at which it was let go on. */
  async freeze(id: string, others: Readonly<Record<string, number>>): Promise<number> {
    const worker = this.#worker(id);
    worker.program.signal("SIGSTOP");
    try {
      await this.untilOwned(others, 60_000);
      await Promise.all(Object.keys(others).map((other) => this.untilFlowing(other, 20_000)));
    } finally {
      worker.program.signal("SIGCONT");
    }
    return Date.now();
  }

  /** Has a kclite worker take the last of many streams off its list. */
  unlistLast(id: string): void {
    this.#worker(id).program.signal("SIGUSR2");
  }

  /** Names this fleet and its endpoints for a command of an operator, past the taps. */
  get target(): Readonly<Record<"name" | "kinesis" | "dynamodb" | "failoverTimeMs", string>> {
    const { name, pace: { failoverTimeMs } } = this.#options, { kinesisUrl: kinesis, cloudwatch } = this.#bed;
    return { name, kinesis, dynamodb: cloudwatch.url, failoverTimeMs: String(failoverTimeMs) };
  }

  /** See {@linkcode Pace.isSteady}. */
  get isSteady(): boolean {
    return this.#options.pace.isSteady;
  }

  /** Waits until something holds, for as long as this fleet's pace allows. @returns How long it took, in ms. */
  async eventually(...[what, holds, options]: Parameters<typeof eventually>): Promise<number> {
    const limitMs = options.limitMs * this.#options.pace.patience;
    return await eventually(what, holds, { ...options, limitMs });
  }

  /** Whether lines name shards as `stream/shardId`. */
  get isMany(): boolean {
    return this.streams.length > 1;
  }

  /** The name of the stream that a record belongs to. */
  streamOf(text: string): string {
    return this.streams[Number(text) % this.streams.length]?.streamName ?? "";
  }

  /** A lease's shard, as lines name it. */
  shardOf({ streamIdentifier, shardId }: Pick<Lease, "streamIdentifier" | "shardId">): string {
    return streamIdentifier === undefined ? shardId : `${streamIdentifier.split(":")[1]}/${shardId}`;
  }

  /** All shards of all streams, named as lines name them. */
  async shards(): Promise<readonly Shard[]> {
    const each = await Promise.all(this.streams.map(async (stream) => {
      const name = (shardId: string) => this.isMany ? `${stream.streamName}/${shardId}` : shardId;
      return (await stream.shards()).map((shard) => ({
        ...shard,
        shardId: name(shard.shardId),
        parentShardId: shard.parentShardId && name(shard.parentShardId),
        adjacentParentShardId: shard.adjacentParentShardId && name(shard.adjacentParentShardId),
      }));
    }));
    return each.flat();
  }

  /** Deliveries so far, in the order heard. */
  get records(): readonly Line[] {
    return this.lines.filter((line) => line.event === "record");
  }

  async leases(): Promise<readonly Lease[]> {
    const { leases, unreadable } = await this.#store.list();
    if (unreadable.length > 0) throw new Error(`kclite cannot read ${JSON.stringify(unreadable)}`);
    return leases;
  }

  /** Who holds the leader's lock, as kclite reads it. */
  async leader(place: TablePlace = "leaseTable"): Promise<string | undefined> {
    return (await this.#coordinator.readLock(place))?.ownerName;
  }

  /** Raw items of the table. */
  items(): Promise<readonly Item[]> {
    return this.#bed.dynamodb.scan(this.#options.name);
  }

  /** Writes an item past all rules, and past the taps. */
  async putItem(item: Item): Promise<void> {
    await this.#bed.dynamodb.putItem(this.#options.name, item, {});
  }

  /** What its workers have put into CloudWatch. */
  get metrics(): readonly MetricDatum[] {
    return this.#bed.cloudwatch.metrics?.(this.#options.name) ?? [];
  }

  /** What was written to this fleet's table. */
  get writes(): readonly TappedWrite[] {
    return this.#bed.taps.writes.filter((write) => write.table === this.#options.name);
  }

  /** What was looked at in this fleet's table. */
  get reads(): readonly TappedRead[] {
    return this.#bed.taps.reads.filter((read) => read.table === this.#options.name);
  }

  /** What workers say that should not be said by a healthy one, with its name. */
  troubles(): string[] {
    const told = this.lines.filter((line) =>
      troubleEvents.has(line.event) && (this.isSteady || line.event !== "checkpointFailed")
    )
      .map(({ worker, event, shardId, text }) => `${worker} ${event} ${shardId ?? ""} ${text ?? ""}`);
    const logged = this.workers.flatMap(({ id, errorLines }) =>
      errorLines.filter((line) => troubleLog.test(line)).map((line) => `${id} logs ${line}`)
    );
    return [...told, ...logged];
  }

  /** Waits until each worker of the list owns so many unfinished leases, or more, and nobody else owns any; no handoff is left. */
  async untilOwned(least: Readonly<Record<string, number>>, limitMs: number): Promise<number> {
    return await this.eventually(`leases owned by ${JSON.stringify(least)}`, async () => {
      const open = (await this.leases()).filter((lease) => !isShardEnd(lease.checkpoint));
      const counts = new Map(Object.keys(least).map((id) => [id, 0]));
      for (const { leaseOwner, checkpointOwner } of open) {
        const count = counts.get(leaseOwner ?? "");
        if (leaseOwner === undefined || count === undefined || checkpointOwner !== undefined) return false;
        counts.set(leaseOwner, count + 1);
      }
      return open.length > 0 && Object.entries(least).every(([id, count]) => (counts.get(id) ?? 0) >= count);
    }, { limitMs, state: () => this.#ownership() });
  }

  /** Waits until everything put by now is delivered. */
  async untilDelivered(limitMs: number): Promise<void> {
    const wanted = [...this.puts.keys()];
    const missing = () => {
      const seen = new Set(this.records.map((line) => line.text));
      return wanted.filter((text) => !seen.has(text));
    };
    await this.eventually(`all of ${wanted.length} records are delivered`, () => missing().length === 0, {
      limitMs,
      state: async () => `missing ${missing().length}, first ${missing()[0]}: ${await this.#ownership()}`,
    });
  }

  /** Waits until a worker has got a record that was put after this call. */
  async untilFlowing(id: string, limitMs: number): Promise<void> {
    const from = this.#next;
    await this.eventually(
      `${id} gets new records`,
      () => this.records.some((line) => line.worker === id && Number(line.text) >= from),
      {
        limitMs,
        state: () => this.#ownership(),
      },
    );
  }

  /** Starts the producer, if it is not running. */
  startPutting(): void {
    this.#producer ??= this.#produce();
  }

  /** Puts nothing more into one of the streams; resolves when nothing is under way. */
  async stopPuttingTo(stream: TestStream): Promise<void> {
    this.#dry.add(stream);
    const from = this.#next;
    await this.eventually("the producer goes on", () => this.#next > from + 8, { limitMs: 10_000 });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#producer?.catch(() => {});
    await Promise.all(this.workers.map((worker) => worker.program.end("SIGKILL")));
  }

  /** What kind of worker it is. */
  kindOf(id: string): FleetWorker["kind"] {
    return this.#worker(id).kind;
  }

  #worker(id: string): FleetWorker {
    const worker = this.workers.find((worker) => worker.id === id);
    if (worker === undefined) throw new Error(`there is no worker ${id}`);
    return worker;
  }

  async #produce(): Promise<void> {
    while (!this.#isOver) {
      const texts = Array.from({ length: 8 }, (_, i) => `${this.#next + i}`);
      for (const stream of this.streams) {
        if (this.#dry.has(stream)) continue;
        const own = texts.filter((text) => this.streamOf(text) === stream.streamName);
        const fromMs = Date.now();
        await stream.put(own, partitionKeyOf);
        for (const text of own) this.puts.set(text, { fromMs, toMs: Date.now() });
      }
      this.#next += texts.length;
      await pause(0.8 * this.#options.pace.readEveryMs);
    }
  }

  async #ownership(): Promise<string> {
    const leases = (await this.leases()).map((lease) => {
      const { checkpoint: { sequenceNumber }, leaseOwner, checkpointOwner, leaseCounter } = lease;
      const next = checkpointOwner === undefined ? "" : ` (to ${leaseOwner})`;
      return `${this.shardOf(lease)} ${
        actualOwner(lease) ?? "nobody"
      }${next} at ${sequenceNumber}, counter ${leaseCounter}`;
    });
    return `leader ${await this.leader()}; ${leases.join("; ")}`;
  }

  #javaCommand(
    id: string,
    { version = versions.kcl, application = this.#options.name }: StartOptions,
  ): { readonly command: string; readonly args: readonly string[] } {
    const settings = {
      workerId: id,
      application,
      [this.isMany ? "streams" : "stream"]: this.streams.map(({ streamName }) => streamName).join(","),
      kinesis: this.#bed.kinesisUrl,
      dynamodb: this.#bed.endpoints.java,
      strategy: this.#options.javaStrategy,
      failoverTimeMs: this.#options.pace.failoverTimeMs,
      leaseAssignmentIntervalMs: this.#options.javaAssignmentMs ?? timing.javaAssignmentMs,
      leaderLeaseMs: timing.javaLockMs,
      leaderHeartbeatMs: timing.javaHeartbeatMs,
      idleTimeBetweenReadsMs: this.#options.pace.readEveryMs,
      start: this.#options.start,
      ...(this.#options.hasMetrics === true ? { cloudwatch: this.#bed.cloudwatch.url } : {}),
    };
    const args = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    const worker = javaWorker(version);
    return { command: worker.command, args: [...worker.args, ...args] };
  }

  #kcliteCommand(
    id: string,
    { streams = this.streams.map(({ streamName }) => streamName), slices, application }: StartOptions,
  ): { readonly command: string; readonly args: readonly string[] } {
    const options = {
      workerIdentifier: id,
      applicationName: application ?? this.#options.name,
      ...(this.isMany ? { streams, ...formerStreams } : { streamName: this.#options.name }),
      region: "us-east-1",
      credentials: testCredentials,
      kinesisEndpoint: this.#bed.kinesisUrl,
      dynamoDBEndpoint: this.#bed.endpoints.kclite,
      initialPositionInStream: this.#options.start,
      failoverTimeMs: this.#options.pace.failoverTimeMs,
      idleTimeBetweenReadsMs: this.#options.pace.readEveryMs,
      leaseCleanupIntervalMs: 3000,
      ...(this.#options.hasMetrics === true ? { leaseAuditIntervalMs: 2000 } : {}),
    };
    const cloudwatch = this.#options.hasMetrics === true ? [this.#bed.cloudwatch.url] : [];
    const command = Deno.execPath();
    const script = (name: string) => ["run", "-A", new URL(name, import.meta.url).pathname];
    if (slices === undefined) {
      return { command, args: [...script("kclite_worker.ts"), JSON.stringify(options), ...cloudwatch] };
    }
    const { leases, failoverTimeMs = options.failoverTimeMs, ...ticks } = slices;
    const edgeOptions = JSON.stringify({ ...options, leases, failoverTimeMs });
    return { command, args: [...script("edge_worker.ts"), edgeOptions, JSON.stringify(ticks)] };
  }
}

const troubleEvents: ReadonlySet<string> = new Set([
  ...["leaseUnreadable", "checkpointFailed", "stopFailed", "complaint"],
]);
/** Java could not read an item, or failed in a way that it does not expect itself. */
const troubleLog = /deseriali|malformed|unparse|\bERROR\b|NullPointer|ClassCast|InvalidStateException/i;

/** The partition key of a record. */
export function partitionKeyOf(text: string): string {
  return `key-${Number(text) % 40}`;
}
