/**
 * One chaos run: the emulator, the proxies in front of it, the workers in processes of their own, and what is done to
 * them. Everything is on loopback and ends by itself.
 *
 * @module
 */

import { fileURLToPath } from "node:url";
import { realClock } from "../../src/system.ts";
import { pause } from "../../src/async/waiting.ts";
import { aggregateOf } from "../../src/stream/aggregate_writer.ts";
import { Chance } from "../../src/testing/model/chance.ts";
import { simulatedAws } from "../../src/testing/mod.ts";
import type { Shard } from "../../src/stream/shard.ts";
import { CliProcess } from "../support/cli_process.ts";
import { HONEST, type Lies, LyingProxy } from "./lying_proxy.ts";
import type { ResultsStore, RunFacts, Verdict } from "./results_store.ts";
import { signedOnly } from "./signed_aws.ts";

/** How a run goes. */
export interface ChaosOptions {
  readonly ms: number;
  readonly seed: number;
  readonly workers: number;
  /** Records put a second. */
  readonly rate: number;
  readonly shards: number;
  readonly failoverTimeMs: number;
  /** For properties files, and what else the run writes. */
  readonly folder: string;
}

/** What a run came to. */
export interface ChaosOutcome {
  readonly verdict: Verdict;
  /** Workers that ended by themselves, or not in order. */
  readonly troubles: readonly string[];
  /** What was done, with how often. */
  readonly done: Readonly<Record<string, number>>;
}

export const STREAM = "chaos";
const CREDENTIALS = { accessKeyId: "chaos", secretAccessKey: "chaos" };
export const REGION = "us-east-1";
/** For all that was put, once the last fault is over: some failover times, and the longest pauses after failures. */
const SETTLING_MS = 180_000;
const PUT_EVERY_MS = 50;
/** 128 + 15, as the command line exits once it has stopped in order. */
const STOPPED_BY_SIGTERM = 143;
/** As the leader's log says it. */
const HANDOFF = /: to be handed over from /g;
/** More open shards make a run slower and no harder. */
const MAX_OPEN_SHARDS = 12;
const STORM: Lies = { reset: 0.02, cut: 0.02, stall: 0.04, flip: 0.04 };
const MILD: Lies = { reset: 0.002, cut: 0.002, stall: 0.004, flip: 0.004 };

/** A first request that was damaged looks like wrong keys, which end a start at once; TLS would have broken the connection. */
const DAMAGED = "InvalidSignatureException";

/** One process and what became of it. */
class ChaosWorker {
  readonly process: CliProcess;
  readonly name: string;
  isPaused = false;

  constructor(name: string, process: CliProcess) {
    this.name = name;
    this.process = process;
  }

  /** @returns false when the process has ended by itself. */
  signal(signal: Deno.Signal): boolean {
    try {
      this.process.kill(signal);
      return true;
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      return false;
    }
  }
}

/** One run: the emulator, the proxies in front of it, the workers, and what is done to them. */
export class Chaos implements AsyncDisposable {
  readonly #options: ChaosOptions;
  readonly #chance: Chance;
  readonly #aws: ReturnType<typeof simulatedAws>;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #kinesis: LyingProxy;
  readonly #dynamodb: LyingProxy;
  readonly #results: ResultsStore;
  readonly #put = new Set<string>();
  readonly #done: Record<string, number> = {};
  readonly #troubles: string[] = [];
  readonly #processes: CliProcess[] = [];
  #workers: ChaosWorker[] = [];
  #started = 0;

  /** @param results Is disposed of by who made it, after the run. */
  constructor(options: ChaosOptions, aws: ReturnType<typeof simulatedAws>, results: ResultsStore) {
    this.#options = options;
    this.#aws = aws;
    this.#results = results;
    this.#chance = new Chance(`chaos ${options.seed}`);
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      signedOnly((request) => this.#aws.fetch(request), CREDENTIALS, REGION),
    );
    const proxy = (areAnswersChecked: boolean) =>
      new LyingProxy({
        upstreamPort: this.#server.addr.port,
        areAnswersChecked,
        longestStallMs: 4000,
        chance: this.#chance.fork("proxy"),
      });
    this.#kinesis = proxy(false);
    this.#dynamodb = proxy(true);
  }

  /** The whole run. */
  async run(): Promise<ChaosOutcome> {
    const stop = new AbortController();
    const producing = this.#produce(stop.signal);
    for (let i = 0; i < this.#options.workers; i++) this.#start();
    this.#lie(MILD);
    const endMs = realClock.monotonicMs() + this.#options.ms;
    while (realClock.monotonicMs() < endMs) {
      await pause(realClock, Math.min(this.#chance.between(1000, 5000), this.#options.ms / 5), stop.signal);
      await this.#act();
    }
    this.#calm();
    stop.abort();
    await producing;
    await this.#settle();
    await Promise.all(this.#workers.map((worker) => this.#stopInOrder(worker)));
    const verdict = await this.#results.judge(this.#facts());
    return { verdict, troubles: this.#troubles, done: this.#countsDone() };
  }

  #countsDone(): Readonly<Record<string, number>> {
    const sum = (fault: keyof Lies) => this.#proxies().reduce((sum, { counts }) => sum + counts[fault], 0);
    const handoffs = this.#processes.flatMap(({ output }) => output.match(HANDOFF) ?? []);
    return {
      ...this.#done,
      handoffs: handoffs.length,
      ...{ resets: sum("reset"), cuts: sum("cut"), stalls: sum("stall"), flips: sum("flip") },
    };
  }

  #proxies(): readonly LyingProxy[] {
    return [this.#kinesis, this.#dynamodb, ...this.#results.proxies];
  }

  #facts(): RunFacts {
    const closed = this.#aws.stream(STREAM).shards().filter((shard) =>
      shard.endingSequenceNumber !== undefined
    );
    return { put: this.#put, closedShards: closed.map(({ shardId }) => shardId) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { process } of this.#workers) await process[Symbol.asyncDispose]();
    await this.#kinesis[Symbol.asyncDispose]();
    await this.#dynamodb[Symbol.asyncDispose]();
    this.#aws.close();
    await this.#server.shutdown();
  }

  async #produce(signal: AbortSignal): Promise<void> {
    const stream = this.#aws.stream(STREAM);
    const startMs = realClock.monotonicMs();
    for (let n = 0; !signal.aborted;) {
      const due = (realClock.monotonicMs() - startMs) / 1000 * this.#options.rate;
      while (n < due) {
        // One put in twenty is an aggregate of five, as the KPL makes them.
        const texts = Array.from({ length: n % 20 === 0 ? 5 : 1 }, () => `${n++}`);
        const hashKey = `${BigInt(Math.floor(this.#chance.next() * 2 ** 52)) << 76n}`;
        const [text = ""] = texts;
        const payloads = texts.map((each) => new TextEncoder().encode(each));
        stream.put(texts.length === 1 ? text : aggregateOf(text, hashKey, payloads), text, hashKey);
        for (const each of texts) this.#put.add(each);
      }
      await pause(realClock, PUT_EVERY_MS, signal);
    }
  }

  /** One thing goes wrong, or is done to the fleet. */
  async #act(): Promise<void> {
    const acts: ResultsStore["acts"] = {
      kills: () => this.#kill(),
      namesakes: () => this.#startNamesake(),
      pauses: () => this.#pause(0.2, 3),
      zombies: () => this.#pause(1.5, 4),
      orderlyStops: () => this.#replace(),
      rollingRestarts: () => this.#roll(),
      outages: () => this.#outage(),
      storms: () => this.#storm(),
      throttles: () => this.#throttle(),
      splits: () => this.#split(),
      merges: () => this.#merge(),
      ...this.#results.acts,
    };
    // Those of the results are few, and come twice as often.
    const name = this.#chance.pick([...Object.keys(acts), ...Object.keys(this.#results.acts)]) ?? "";
    this.#done[name] = (this.#done[name] ?? 0) + 1;
    console.log(`${this.#put.size} records put; ${name}`);
    const end = await acts[name]?.();
    if (end !== undefined) this.#later(this.#options.failoverTimeMs, end);
  }

  /** A second process under the name of a live one, as of two replicas with one setting: the older one stays, idle. */
  #startNamesake(): void {
    const worker = this.#chance.pick(this.#workers.filter(({ isPaused }) => !isPaused));
    if (worker === undefined || this.#workers.length >= 2 * this.#options.workers) return;
    this.#start(worker.name);
  }

  #start(name = `w-${this.#started + 1}`): void {
    this.#started++;
    // One in three reads by enhanced fan-out.
    const retrievalMode = this.#started % 3 === 0 ? "FANOUT" : "POLLING";
    const settings = {
      executableName: fileURLToPath(this.#results.processor),
      applicationName: "chaos-app",
      streamName: STREAM,
      regionName: REGION,
      AwsCredentialsProvider: "EnvironmentVariableCredentialsProvider",
      initialPositionInStream: "TRIM_HORIZON",
      kinesisEndpoint: `http://127.0.0.1:${this.#kinesis.port}`,
      dynamoDBEndpoint: `http://127.0.0.1:${this.#dynamodb.port}`,
      failoverTimeMillis: `${this.#options.failoverTimeMs}`,
      idleTimeBetweenReadsInMillis: "250",
      onProcessError: "retry",
      shutdownGraceMillis: "20000",
      retrievalMode,
      workerIdentifier: name,
    };
    const path = `${this.#options.folder}/${this.#started}.properties`;
    Deno.writeTextFileSync(
      path,
      Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`).join(""),
    );
    const process = new CliProcess({
      deno: ["run", "-A", fileURLToPath(new URL("../../cli.ts", import.meta.url))],
      args: [path],
      cwd: this.#options.folder,
      env: {
        ...this.#results.env,
        AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
      },
    });
    this.#processes.push(process);
    this.#workers.push(new ChaosWorker(name, process));
  }

  /** One that is not paused, out of the fleet. */
  #takeOne(): ChaosWorker | undefined {
    const worker = this.#chance.pick(this.#workers.filter(({ isPaused }) => !isPaused));
    this.#workers = this.#workers.filter((other) => other !== worker);
    return worker;
  }

  async #kill(): Promise<void> {
    const worker = this.#takeOne();
    if (worker === undefined) return;
    this.#start();
    if (worker.signal("SIGKILL")) await worker.process.exitCode();
    else await this.#report(worker);
  }

  /** Long enough for a failover, or too short for one. @param from In failover times, as `to`. */
  #pause(from: number, to: number): void {
    const worker = this.#chance.pick(this.#workers.filter(({ isPaused }) => !isPaused));
    if (worker === undefined) return;
    if (!worker.signal("SIGSTOP")) return; // whoever stops it next reports that it has ended
    worker.isPaused = true;
    const ms = this.#chance.between(from, to) * this.#options.failoverTimeMs;
    this.#later(ms, () => this.#resume(worker));
  }

  #resume(worker: ChaosWorker): void {
    if (!worker.isPaused) return;
    worker.isPaused = false;
    worker.signal("SIGCONT");
  }

  async #replace(): Promise<void> {
    const worker = this.#takeOne();
    if (worker === undefined) return;
    this.#start();
    await this.#stopInOrder(worker);
  }

  async #roll(): Promise<void> {
    for (let i = this.#workers.length; i > 0; i--) await this.#replace();
  }

  /** Any exit code but SIGTERM's own, or no end within half a minute, is written down. */
  async #stopInOrder(worker: ChaosWorker): Promise<void> {
    this.#resume(worker);
    worker.signal("SIGTERM");
    await this.#report(worker);
  }

  async #report(worker: ChaosWorker): Promise<void> {
    const code = await worker.process.exitCode();
    if (code === STOPPED_BY_SIGTERM) return;
    if (code === 1 && worker.process.output.includes(DAMAGED)) {
      this.#done["startsRefused"] = (this.#done["startsRefused"] ?? 0) + 1;
      return;
    }
    const log = worker.process.output.trimEnd().split("\n").slice(-5).join("\n  ");
    this.#troubles.push(`${worker.name} ended with ${code}:\n  ${log}`);
  }

  #outage(): void {
    const all = this.#proxies();
    const chosen = this.#chance.happens(0.5) ? all : [this.#chance.pick(all) ?? this.#dynamodb];
    for (const proxy of chosen) proxy.isDown = true;
    this.#later(this.#chance.between(0.3, 3) * this.#options.failoverTimeMs, () => {
      for (const proxy of chosen) proxy.isDown = false;
    });
  }

  #storm(): void {
    this.#lie(STORM);
    this.#later(2 * this.#options.failoverTimeMs, () => this.#lie(MILD));
  }

  #throttle(): void {
    this.#aws.faults.next("*", { type: "throttled", probability: 0.4, times: Infinity });
    this.#aws.faults.next("*", { type: "internal", probability: 0.1, times: Infinity });
    this.#later(this.#options.failoverTimeMs, () => this.#aws.faults.clear());
  }

  #split(): void {
    const open = this.#openShards();
    const shard = this.#chance.pick(open);
    if (shard !== undefined && open.length < MAX_OPEN_SHARDS) this.#aws.stream(STREAM).split(shard.shardId);
  }

  #merge(): void {
    const open = this.#openShards();
    const at = this.#chance.below(open.length - 1);
    const [first, second] = [open[at], open[at + 1]];
    if (first !== undefined && second !== undefined && open.length > 2) {
      this.#aws.stream(STREAM).merge(first.shardId, second.shardId);
    }
  }

  #openShards(): readonly Shard[] {
    return this.#aws.stream(STREAM).shards()
      .filter((shard) => shard.endingSequenceNumber === undefined)
      .toSorted((a, b) =>
        BigInt(a.hashKeyRange.startingHashKey) < BigInt(b.hashKeyRange.startingHashKey) ? -1 : 1
      );
  }

  #lie(lies: Lies): void {
    for (const proxy of this.#proxies()) proxy.lies = lies;
  }

  readonly #waiting = new Set<() => void>();

  /** Does it after a time, or when the run calms down. */
  #later(ms: number, act: () => void): void {
    const once = () => {
      if (this.#waiting.delete(once)) act();
    };
    this.#waiting.add(once);
    const timer = setTimeout(once, ms);
    Deno.unrefTimer(timer);
  }

  #calm(): void {
    for (const end of this.#waiting) end();
    this.#lie(HONEST);
  }

  /** Until all that was put is processed. */
  async #settle(): Promise<void> {
    const limitMs = realClock.monotonicMs() + SETTLING_MS;
    while (realClock.monotonicMs() < limitMs) {
      if ((await this.#results.judge(this.#facts())).missing === 0) return;
      await pause(realClock, 1000, new AbortController().signal);
    }
  }
}
