/**
 * Soak: two workers in processes of their own, one that polls and one with enhanced fan-out, share a stream of the emulator
 * under a steady load. Its shards are split and merged over and over, and what ended is trimmed. Their memory must be flat once
 * they are warm, and no record may be lost.
 *
 *     deno task soak [--minutes 10] [--rate 300] [--reshard-ms 1000] [--cleanup-ms 1000] [--pauses] [--limit-mib 10]
 *       [--seed 1] [--smoke]
 *
 * With `--pauses` both workers stand still for 3 to 15 s now and then, each for itself or both at once: their leases and the
 * leader's lock run out, and they wake up in the middle of what they did.
 *
 * The last line is one of JSON. The exit code is 1 when a record was lost, when resident memory or heap of a worker grew by
 * more than the limit, or when a worker ended by itself. `--smoke` runs for seconds: it judges the records and no memory.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { pause } from "../../src/async/waiting.ts";
import { aggregateOf } from "../../src/stream/aggregate_writer.ts";
import type { Shard } from "../../src/stream/shard.ts";
import { realClock } from "../../src/system.ts";
import { Chance } from "../../src/testing/model/chance.ts";
import { type AttributeValue, type Item, simulatedAws } from "../../src/testing/mod.ts";
import { seedOf } from "../support/seed.ts";
import { testCredentials } from "../support/test_stream.ts";
import { type Growth, growthOf } from "./flatness.ts";
import { Soaked } from "./soaked.ts";
import type { SoakedWorker } from "./worker.ts";

/** How a run goes. */
interface SoakOptions {
  readonly ms: number;
  readonly rate: number;
  readonly reshardMs: number;
  readonly cleanupMs: number;
  readonly seed: number;
  readonly sampleMs: number;
  readonly hasPauses: boolean;
}

const STREAM = "soak";
const APPLICATION = "soak-app";
const SHARDS = 6;
const MODES = ["POLLING", "FANOUT"] as const;
const PUT_EVERY_MS = 100;
const RECORD_BYTES = 512;
/** Shards that are done and still listed: what is done before them is trimmed. */
const COMPLETED_SHARDS = 30;
/**
 * Once no more comes: what is not read counts as lost when no other record was read and no shard was done for this time. All may
 * take longer. Pauses leave generations of shards behind, and each must be read before the next.
 */
const SETTLING_MS = 60_000;
/** From the end of a worker's pause to its next, and how long a pause takes: shorter and longer than a lease lives. */
const PAUSE_EVERY_MS = [5000, 20_000] as const;
const PAUSE_MS = [3000, 15_000] as const;

/** One run. */
class Soak implements AsyncDisposable {
  readonly #options: SoakOptions;
  readonly #chance: Chance;
  readonly #aws = simulatedAws({ streams: { [STREAM]: SHARDS } });
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #workers: readonly Soaked[];
  /** Records that were put and not read, with their shard. */
  readonly #missing = new Map<string, string>();
  /** Shards that are done, and not trimmed. */
  readonly #completed = new Set<string>();
  #put = 0;
  #read = 0;
  /** When a record was read that had not been read before, or a shard was done. */
  #progressMs = realClock.monotonicMs();
  #reshards = 0;

  constructor(options: SoakOptions) {
    this.#options = options;
    this.#chance = new Chance(`soak ${options.seed}`);
    this.#server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, this.#aws.fetch);
    const url = `http://127.0.0.1:${this.#server.addr.port}`;
    this.#workers = MODES.map((retrievalMode) =>
      new Soaked({
        url,
        sampleMs: options.sampleMs,
        options: workerOptions(url, retrievalMode, options.cleanupMs),
      }, {
        onRecord: (text) => {
          this.#read++;
          if (this.#missing.delete(text)) this.#progressMs = realClock.monotonicMs();
        },
        onCompleted: (shardId) => {
          this.#completed.add(shardId);
          this.#progressMs = realClock.monotonicMs();
        },
      })
    );
  }

  /** @returns what went wrong, for people. */
  async run(limitMiB: number): Promise<readonly string[]> {
    const { ms, sampleMs, reshardMs } = this.#options;
    const stop = new AbortController();
    const going = [
      this.#every(PUT_EVERY_MS, stop.signal, () => this.#produce()),
      this.#every(reshardMs, stop.signal, () => this.#reshard()),
      this.#every(sampleMs, stop.signal, () => this.#report()),
      ...this.#options.hasPauses ? this.#workers.map((worker) => this.#pauseOften(worker, stop.signal)) : [],
    ];
    await pause(realClock, ms, stop.signal);
    stop.abort();
    await Promise.all(going);
    const settledMs = await this.#settle();
    const troubles = this.#workers.flatMap(({ hasEnded }, i) =>
      hasEnded ? [`${MODES[i]} ended by itself`] : []
    );
    for (const text of this.#unread()) console.log(text);
    await Promise.all(this.#workers.map((worker) => worker.stop()));
    if (this.#put === 0 || this.#reshards === 0) troubles.push("nothing was put, or no shard was split");
    if (this.#missing.size > 0) {
      const some = [...this.#missing.keys()].slice(0, 5).join(", ");
      troubles.push(`${this.#missing.size} records were lost, among them ${some}`);
    }
    const growths = this.#workers.map(({ samples }) => growthOf(samples));
    if (limitMiB < Infinity) {
      growths.forEach((growth, i) => troubles.push(...growthProblems(growth, limitMiB, MODES[i] ?? "")));
    }
    console.log(JSON.stringify({
      minutes: ms / 60_000,
      put: this.#put,
      read: this.#read,
      lost: this.#missing.size,
      reshards: this.#reshards,
      leases: this.#leases().size,
      settledS: tenths(settledMs / 1000),
      workers: Object.fromEntries(growths.map(({ rssMiB, heapMiB }, i) => {
        const last = this.#workers[i]?.samples.at(-1);
        return [MODES[i], {
          rssMiB: tenths(last?.rssMiB),
          heapMiB: tenths(last?.heapMiB),
          rssGrowthMiB: tenths(rssMiB),
          heapGrowthMiB: tenths(heapMiB),
        }];
      })),
    }));
    return troubles;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const worker of this.#workers) await worker[Symbol.asyncDispose]();
    this.#aws.close();
    await this.#server.shutdown();
  }

  /** Waits until all is read, or nothing new is read any more. @returns how long that took, in ms. */
  async #settle(): Promise<number> {
    const startedMs = this.#progressMs = realClock.monotonicMs();
    const over = new AbortController();
    const reports = this.#every(this.#options.sampleMs, over.signal, () => this.#report());
    const isOver = () =>
      this.#missing.size === 0 || this.#workers.some((worker) => worker.hasEnded) ||
      realClock.monotonicMs() - this.#progressMs > SETTLING_MS;
    while (!isOver()) await pause(realClock, 100, over.signal);
    over.abort();
    await reports;
    return this.#progressMs - startedMs;
  }

  async #pauseOften(worker: Soaked, signal: AbortSignal): Promise<void> {
    const chance = this.#chance.fork("pauses");
    while (await pause(realClock, chance.between(...PAUSE_EVERY_MS), signal)) {
      if (worker.hasEnded) return;
      const ms = chance.between(...PAUSE_MS);
      console.log(`A worker stands still for ${Math.round(ms)} ms`);
      worker.signal("SIGSTOP");
      await pause(realClock, ms, signal);
      worker.signal("SIGCONT");
    }
  }

  async #every(ms: number, signal: AbortSignal, act: () => void): Promise<void> {
    for (let atMs = realClock.monotonicMs(); !signal.aborted;) {
      act();
      atMs += ms;
      await pause(realClock, atMs - realClock.monotonicMs(), signal);
    }
  }

  /** One put in twenty is an aggregate of five. */
  #produce(): void {
    const stream = this.#aws.stream(STREAM);
    const end = this.#put + this.#options.rate * PUT_EVERY_MS / 1000;
    while (this.#put < end) {
      const texts = Array.from({ length: this.#put % 20 === 0 ? 5 : 1 }, () => `${this.#put++}`);
      const hashKey = `${BigInt(Math.floor(this.#chance.next() * 2 ** 52)) << 76n}`;
      const [text = ""] = texts;
      const payloads = texts.map((each) => new TextEncoder().encode(each.padEnd(RECORD_BYTES)));
      const [payload = new Uint8Array()] = payloads;
      const data = payloads.length === 1 ? payload : aggregateOf(text, hashKey, payloads);
      const { shardId } = stream.put(data, text, hashKey);
      for (const each of texts) this.#missing.set(each, shardId);
    }
  }

  /** Splits and merges in turns, so that there are always about as many shards; trims what is long done. */
  #reshard(): void {
    const stream = this.#aws.stream(STREAM);
    const open = openShards(stream.shards());
    const at = this.#chance.below(open.length - 1);
    const [first, second] = [open[at], open[at + 1]];
    if (first === undefined || second === undefined) return;
    if (open.length > SHARDS) stream.merge(first.shardId, second.shardId);
    else stream.split(first.shardId);
    this.#reshards++;
    for (const shardId of this.#completed) {
      if (this.#completed.size <= COMPLETED_SHARDS) break;
      this.#completed.delete(shardId);
      stream.trim(shardId);
    }
  }

  /** By lease key; none before the first record was read, since the table may not exist yet. */
  #leases(): ReadonlyMap<string, Item> {
    if (this.#read === 0) return new Map();
    const leases = this.#aws.table(APPLICATION).items().filter((item) => item["checkpoint"] !== undefined);
    return new Map(leases.map((item) => [textOf(item["leaseKey"]), item]));
  }

  /** Shards with records that were not read, and the leases of these shards. */
  #unread(): readonly string[] {
    const leases = this.#leases();
    return [...Map.groupBy(this.#missing, ([, shardId]) => shardId)].map(([shardId, unread]) => {
      const lease = leases.get(shardId);
      const stand = lease === undefined
        ? "without a lease"
        : `at ${textOf(lease["checkpoint"])}, owner ${textOf(lease["leaseOwner"])}`;
      return `${unread.length} in ${shardId}, ${stand}`;
    });
  }

  #report(): void {
    const texts = this.#workers.map(({ samples }, i) => {
      const { rssMiB, heapMiB, shards } = samples.at(-1) ?? { rssMiB: NaN, heapMiB: NaN, shards: 0 };
      return `${MODES[i]} ${tenths(rssMiB)} MiB, heap ${tenths(heapMiB)} MiB, ${shards} shards`;
    });
    const counts = [
      `${this.#put} put, ${this.#missing.size} not read, ${this.#reshards} reshards`,
      `${this.#leases().size} leases`,
    ];
    console.log([...counts, ...texts].join("; "));
  }
}

function workerOptions(
  url: string,
  retrievalMode: (typeof MODES)[number],
  leaseCleanupIntervalMs: number,
): SoakedWorker["options"] {
  return {
    applicationName: APPLICATION,
    workerIdentifier: retrievalMode,
    streamName: STREAM,
    region: "us-east-1",
    credentials: testCredentials,
    kinesisEndpoint: url,
    dynamoDBEndpoint: url,
    initialPositionInStream: "TRIM_HORIZON",
    retrievalMode,
    // Leases are deleted oldest first, a generation of shards in each pass. With KCL's minute between passes, leases of this
    // stream, whose shards live for seconds, would pile up in the table, and in the memory of their owners.
    leaseCleanupIntervalMs,
  };
}

function openShards(shards: readonly Shard[]): readonly Shard[] {
  const start = ({ hashKeyRange }: Shard) => BigInt(hashKeyRange.startingHashKey);
  return shards.filter((shard) => shard.endingSequenceNumber === undefined)
    .toSorted((a, b) => start(a) < start(b) ? -1 : 1);
}

function growthProblems({ rssMiB, heapMiB }: Growth, limitMiB: number, worker: string): readonly string[] {
  return Object.entries({ "resident memory": rssMiB, heap: heapMiB }).flatMap(([name, grown]) =>
    grown <= limitMiB ? [] : [`${worker}: ${name} grew by ${tenths(grown)} MiB: expected at most ${limitMiB}`]
  );
}

function textOf(value: AttributeValue | undefined): string {
  return value !== undefined && "S" in value ? value.S : "none";
}

function tenths(value: number | undefined): number {
  return Math.round((value ?? NaN) * 10) / 10;
}

async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string", default: "10" },
      rate: { type: "string", default: "300" },
      "reshard-ms": { type: "string", default: "1000" },
      "limit-mib": { type: "string", default: "10" },
      "cleanup-ms": { type: "string", default: "1000" },
      pauses: { type: "boolean", default: false },
      seed: { type: "string", default: "1" },
      smoke: { type: "boolean", default: false },
    },
  });
  const limitMiB = values.smoke ? Infinity : Number(values["limit-mib"]);
  await using soak = new Soak({
    ms: values.smoke ? 2500 : Number(values.minutes) * 60_000,
    rate: Number(values.rate),
    reshardMs: values.smoke ? 1000 : Number(values["reshard-ms"]),
    cleanupMs: Number(values["cleanup-ms"]),
    seed: seedOf(values.seed),
    sampleMs: values.smoke ? 1000 : 5000,
    hasPauses: values.pauses,
  });
  const troubles = await soak.run(limitMiB);
  for (const trouble of troubles) console.log(trouble);
  return troubles.length === 0 ? 0 : 1;
}

if (import.meta.main) Deno.exitCode = await main(Deno.args);
