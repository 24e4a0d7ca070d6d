/**
 * The demo's workers: real `KinesisWorker`s of one process, which share a stream and a lease table in memory.
 *
 * A worker that is "killed" does not end in the sense of an operating system. From that moment on each of its requests fails and its
 * processors never return, so that the others can see of it what they see of a process that was killed: nothing.
 *
 * @module
 */

import { KinesisWorker, type RecordProcessor, type WorkerEvent } from "@kclite/kclite";
import { Totals } from "@kclite/kclite/health";
import type { SimulatedAws } from "@kclite/kclite/testing";
import type { Ledger } from "./ledger.ts";
import WordCounter, { numberOf } from "./words.ts";

/** Where a worker is in its life. */
export type WorkerState = "running" | "stopping" | "stopped" | "killed";

const NAMES = ["Ada", "Bea", "Cleo", "Dan", "Eva", "Finn", "Gus", "Hana", "Ivo", "Jun", "Kim"];

/** What all workers of the demo share. */
export interface FleetOptions {
  readonly aws: SimulatedAws;
  readonly ledger: Ledger;
  readonly failoverTimeMs: number;
}

/** One worker. */
export interface Member {
  readonly name: string;
  readonly totals: Totals;
  readonly state: WorkerState;
}

/** All workers that there are or were. */
export class Fleet {
  readonly #options: FleetOptions;
  readonly #members: DemoWorker[] = [];
  readonly #owners = new Map<string, DemoWorker>();
  readonly #finished = new Set<string>();

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  /** The workers that run, in the order in which they started. */
  get running(): readonly Member[] {
    return this.#members.filter(({ state }) => state === "running");
  }

  /** Starts one more worker. */
  start(): Member {
    const name = NAMES[this.#members.length] ?? `Worker ${this.#members.length + 1}`;
    const member = new DemoWorker(name, this.#options, (event) => this.#hear(member, event));
    this.#members.push(member);
    member.start();
    return member;
  }

  /** Stops a worker in order, and waits until it has. */
  async stop({ name }: Member): Promise<void> {
    await this.#members.find((member) => member.name === name)?.stop();
  }

  /** Kills a worker. */
  kill({ name }: Member): void {
    this.#members.find((member) => member.name === name)?.kill();
  }

  /** Ends all of them. @returns what made a worker fail. */
  async end(): Promise<readonly unknown[]> {
    await Promise.all(this.#members.map((member) => member.stop()));
    return this.#members.flatMap(({ failure }) => failure ?? []);
  }

  /** Who holds a shard's lease, as far as it is known; a killed worker until another has taken its place. */
  ownerOf(shardId: string): Member | undefined {
    return this.#owners.get(shardId);
  }

  /** The shards of a worker. */
  shardsOf({ name }: Member): readonly string[] {
    return [...this.#owners].filter(([, owner]) => owner.name === name).map(([shardId]) => shardId);
  }

  /** Whether a closed shard was read to its end. */
  isFinished(shardId: string): boolean {
    return this.#finished.has(shardId);
  }

  #hear(member: DemoWorker, event: WorkerEvent): void {
    if (member.state === "killed") return; // nobody would hear it
    switch (event.type) {
      case "leaseGained":
        this.#owners.set(event.shardId, member);
        break;
      case "shardCompleted":
        this.#finished.add(event.shardId);
        this.#leave(event.shardId, member);
        break;
      case "leaseLost":
      case "leaseReleased":
        this.#leave(event.shardId, member);
    }
  }

  #leave(shardId: string, member: DemoWorker): void {
    if (this.#owners.get(shardId) === member) this.#owners.delete(shardId);
  }
}

class DemoWorker implements Member {
  readonly name: string;
  readonly totals: Totals = new Totals();
  readonly #options: FleetOptions;
  readonly #stop = new AbortController();
  readonly #over = Promise.withResolvers<void>();
  readonly #worker: KinesisWorker;
  #running: Promise<void> | undefined;
  #state: WorkerState = "running";
  #failure: unknown;

  constructor(name: string, options: FleetOptions, onEvent: (event: WorkerEvent) => void) {
    this.name = name;
    this.#options = options;
    const { aws, failoverTimeMs } = options;
    this.#worker = new KinesisWorker({
      applicationName: "words-demo",
      workerIdentifier: name,
      streamName: "words",
      region: "us-east-1",
      credentials: { accessKeyId: "demo", secretAccessKey: "demo" },
      system: { ...aws.system, fetch: (input, init) => this.#fetch(input, init) },
      initialPositionInStream: "TRIM_HORIZON",
      onProcessError: "retry",
      failoverTimeMs,
      idleTimeBetweenReadsMs: 250,
      shutdownGraceMs: 5000,
      log: false, // the demo tells its story by itself
      onEvent: (event) => {
        this.totals.listener(event);
        onEvent(event);
      },
      processor: () => this.#processor(),
    });
  }

  start(): void {
    this.#running = this.#worker.run(this.#stop.signal).catch((error: unknown) => {
      if (this.#state !== "killed") this.#failure = error;
    });
  }

  get state(): WorkerState {
    return this.#state;
  }

  /** Why it ended, unless it was told to. */
  get failure(): unknown {
    return this.#failure;
  }

  kill(): void {
    this.#state = "killed";
  }

  /** Also gives a killed worker's promises an end. */
  async stop(): Promise<void> {
    if (this.#state === "running") this.#state = "stopping";
    this.#stop.abort();
    this.#over.resolve();
    await this.#running;
    if (this.#state === "stopping") this.#state = "stopped";
  }

  async #fetch(...[input, init]: Parameters<typeof fetch>): Promise<Response> {
    this.#failIfKilled();
    const response = await this.#options.aws.fetch(input as Request | URL | string, init);
    this.#failIfKilled();
    return response;
  }

  #failIfKilled(): void {
    if (this.#state === "killed") throw new TypeError("this worker was killed");
  }

  #processor(): RecordProcessor {
    const counter = new WordCounter();
    const { ledger, aws } = this.#options;
    return {
      processRecords: async (batch, context) => {
        if (this.#state === "killed") return await this.#over.promise;
        const atMs = aws.system.clock.monotonicMs();
        for (const record of batch.records) ledger.noteProcessed(numberOf(record), this.name, atMs);
        await counter.processRecords(batch, context);
      },
      shardEnded: (context) => counter.shardEnded(context),
      shutdownRequested: (context) => counter.shutdownRequested(context),
    };
  }
}
