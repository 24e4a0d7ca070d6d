/**
 * A platform that wakes a worker in ticks: some are lost, some come twice, some while the slice before still
 * runs. Each tick runs in the process of the tick before, or in a new one that remembers nothing. The clock
 * of these processes stands still while code runs, and moves with timers and answers only.
 *
 * @module
 */

import { EdgeWorker } from "../../edge/edge_worker.ts";
import { enhancedFanOut } from "../../edge/enhanced_fan_out.ts";
import type { EdgeOptions } from "../../edge/slice_options.ts";
import { policyDeliveries } from "../../failures/policy_option.ts";
import { transactions } from "../../transact/transactions.ts";
import type { Chance } from "../model/chance.ts";
import { Link } from "./faults.ts";
import type { TickLimits, TickRules, WatchedSlice } from "./tick_rules.ts";
import type { VirtualProcess } from "./virtual_process.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** How a world ticks. */
export interface Ticks {
  readonly leases: "hold" | "relay";
  /** Virtual ms between two ticks, from and to. */
  readonly everyMs: readonly [number, number];
  /** The budgets of slices, from and to, in ms. */
  readonly budgetMs: readonly [number, number];
}

/** What ticks need. */
export interface TickerOptions {
  readonly ticks: Ticks;
  readonly time: VirtualTime;
  readonly chance: Chance;
  readonly rules: TickRules;
  /** Whether anything may go wrong now. */
  readonly isFoul: () => boolean;
  /** Makes a process that remembers nothing, and the way of its worker to the services. */
  readonly newProcess: () => Link;
  /** The worker's options, over a way to the services. */
  readonly options: (link: Link) => Omit<EdgeOptions, "leases">;
  /** Called when it has stopped and its last slice is over. */
  readonly onEnd: () => void;
}

/** One process, and the worker in it. */
interface Isolate {
  readonly link: Link;
  readonly worker: EdgeWorker;
  /** Watches what its slice sends; undefined between slices. */
  slice: WatchedSlice | undefined;
  running: number;
  isSpent: boolean;
}

/** See the module. */
export class Ticker {
  readonly #options: TickerOptions;
  readonly #stopping = new AbortController();
  readonly #isolates = new Set<Isolate>();
  #last: Isolate;
  #isDead = false;

  constructor(options: TickerOptions) {
    this.#options = options;
    this.#last = this.#isolate();
    this.#schedule(0);
  }

  /** The process of the last tick. */
  get machine(): VirtualProcess {
    return this.#last.link.machine;
  }

  /** Whether one of its processes has this name. */
  hasMachine(name: string): boolean {
    return [...this.#isolates].some(({ link }) => link.machine.name === name);
  }

  /** A process must not be used again: another one has its worker's name. */
  spend(machine: string): void {
    for (const isolate of this.#isolates) if (isolate.link.machine.name === machine) isolate.isSpent = true;
  }

  /** No more ticks; the slice at hand ends in order. */
  stop(): void {
    this.machine.hear(() => this.#stopping.abort(new Error("the script stops it")));
    this.#lookAtEnd();
  }

  /** The end of all its processes, without a word. */
  kill(): void {
    this.#isDead = true;
    for (const { link } of this.#isolates) link.machine.kill();
  }

  #schedule(afterMs: number): void {
    const { time, chance, ticks: { everyMs: [least, most] }, isFoul } = this.#options;
    time.after(afterMs, () => {
      if (this.#isDead || this.#stopping.signal.aborted) return this.#lookAtEnd();
      const isLost = isFoul() && chance.happens(0.1);
      if (!isLost) this.#fire();
      if (isFoul() && chance.happens(0.15)) time.after(chance.between(0, 3000), () => this.#fire());
      this.#schedule(chance.between(least, most));
    });
  }

  #fire(): void {
    const { chance } = this.#options;
    if (this.#isDead || this.#stopping.signal.aborted) return;
    const { link: { machine }, isSpent } = this.#last;
    const isWarm = machine.state === "running" && !isSpent && chance.happens(0.5);
    if (!isWarm && machine.state !== "paused") this.#last = this.#isolate();
    const isolate = this.#last;
    // A second slice of one instance is busy without a request: it has nothing that could be watched.
    if (isolate.running > 0) return;
    isolate.link.machine.hear(() => this.#run(isolate));
  }

  async #run(isolate: Isolate): Promise<void> {
    const { chance, rules, ticks } = this.#options;
    if (isolate.running > 0) return;
    const limits: TickLimits = {
      budgetMs: Math.round(chance.between(...ticks.budgetMs)),
      reserveMs: chance.pick([500, 1000, 2000]) ?? 1000,
      maxSubrequests: 40 + chance.below(260),
      maxConcurrentFetches: 1 + chance.below(6),
      maxShards: 2 + chance.below(8),
      maxRecords: 1 + chance.below(200),
      signal: this.#stopping.signal,
    };
    const slice = isolate.slice = rules.begin(isolate.link.machine, limits);
    isolate.running++;
    try {
      slice.ended(await isolate.worker.runSlice(limits));
    } catch (error) {
      slice.rejected(error);
    } finally {
      isolate.running--;
      this.#lookAtEnd();
    }
  }

  #lookAtEnd(): void {
    const isRunning = [...this.#isolates].some(({ running, link }) =>
      running > 0 && link.machine.state !== "dead"
    );
    if (this.#isDead || !this.#stopping.signal.aborted || isRunning) return;
    this.#isDead = true;
    this.#options.onEnd();
  }

  #isolate(): Isolate {
    const { newProcess, options, ticks } = this.#options;
    for (const old of this.#isolates) {
      if (old.running > 0) continue;
      old.link.machine.kill();
      this.#isolates.delete(old);
    }
    const link = newProcess();
    const given = options(link);
    const watched = <T extends object>(part: T | undefined): T | undefined =>
      part && watchedPart(part, () => isolate.slice);
    const isolate: Isolate = {
      link,
      worker: new EdgeWorker({
        ...given,
        kinesis: watched(given.kinesis),
        leaseStore: watched(given.leaseStore),
        coordinatorStore: watched(given.coordinatorStore),
        leases: ticks.leases,
        policy: policyDeliveries,
        transactions,
        fanOut: enhancedFanOut,
      }),
      slice: undefined,
      running: 0,
      isSpent: false,
    };
    this.#isolates.add(isolate);
    return isolate;
  }
}

/** Each call counts for the slice at hand. */
function watchedPart<T extends object>(part: T, sliceOf: () => WatchedSlice | undefined): T {
  return new Proxy({} as T, {
    get(_, name) {
      const member: unknown = Reflect.get(part, name, part);
      if (typeof member !== "function") return member;
      return async (...args: unknown[]) => {
        const slice = sliceOf();
        slice?.sent();
        try {
          return await (Reflect.apply(member, part, args) as Promise<unknown>);
        } finally {
          slice?.answered();
        }
      };
    },
  });
}

/** How a world of a seed ticks. */
export function drawnTicks(chance: Chance): Ticks {
  const leases = chance.happens(0.6) ? "hold" : "relay";
  return {
    leases,
    everyMs: chance.pick([[1000, 8000], [4000, 15_000]]) ?? [4000, 15_000],
    budgetMs: [4000, 20_000],
  };
}
