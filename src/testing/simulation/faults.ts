/**
 * What goes wrong between a process and the services it calls, decided call by call from chance.
 *
 * A call may be throttled or refused, never arrive, or arrive long after its sender gave up. It may be done
 * with its answer lost, be answered slowly, or be done twice because a lower layer sent it again. During an
 * outage nothing gets through. In a storm faults are much more frequent, so that rare combinations occur.
 *
 * @module
 */

import { AwsServiceError } from "../../errors.ts";
import type { Chance } from "../model/chance.ts";
import type { VirtualProcess } from "./virtual_process.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** The services of the world. */
export type Service = "kinesis" | "dynamodb";

/** The kinds of things that go wrong, or merely happen, in a world. */
export type Fault =
  /** Single calls are throttled, refused, lost, late, slow or done twice. */
  | "network"
  /** A service is out for seconds. */
  | "outages"
  /** Scans and queries of the lease table show the past. */
  | "staleReads"
  /**
   * Expired iterators, short and empty pages, listings that are behind, ends without children, broken
   * subscriptions.
   */
  | "kinesis"
  /**
   * Answers with fields that are missing or wrong, which count as malformed; iterators that are refused, or
   * bring nothing else.
   */
  | "answers"
  /** Workers stop in order, and are started again. */
  | "deploys"
  /** Workers are killed, and started again. */
  | "crashes"
  /** Processes are paused for up to a minute, from outside or because a processor computes for long. */
  | "pauses"
  /** Wall clocks are wrong, and are set. */
  | "clocks"
  /** Shards split and merge. */
  | "reshards"
  /** What has been processed is trimmed from the stream. */
  | "trims"
  /** The simulation's own processor is slow, fails, and checkpoints as it likes. */
  | "processor"
  /** A second process starts under the name of a worker that runs. */
  | "namesakes"
  /**
   * Now and then ListShards is refused to all, from the beginning until long after all other faults have
   * ended.
   */
  | "refusals"
  /** Now and then the table holds leases of an earlier stream of the same name. */
  | "formerLeases"
  /** An operator drains workers, and lets them work again. */
  | "drains";

/** All of them. */
export const ALL_FAULTS: readonly Fault[] = [
  "network",
  "outages",
  "staleReads",
  "kinesis",
  "deploys",
  "crashes",
  "pauses",
  "clocks",
  "reshards",
  "trims",
  "processor",
  "namesakes",
  "answers",
  "refusals",
  "formerLeases",
  "drains",
];

/** Which part of the calls meets which fault, from 0 to 1 each. */
export interface FaultRates {
  readonly throttled: number;
  readonly refused: number;
  readonly answerLost: number;
  readonly slow: number;
  /** Arrives after its sender has given it up. */
  readonly late: number;
  /** Sent again by a lower layer, as after a lost answer: done twice, and the second outcome is returned. */
  readonly doubled: number;
}

/** What a weather is made of. */
export interface WeatherOptions {
  readonly time: VirtualTime;
  readonly faults: readonly Fault[];
  /** Counts only where `faults` has `"network"`. */
  readonly rates: FaultRates;
  /** How long a caller waits for an answer, in ms. */
  readonly patienceMs: number;
}

/** The state of the network, shared by all. */
export class Weather {
  readonly patienceMs: number;
  readonly #time: VirtualTime;
  readonly #outages = new Map<Service, number>();
  #storm: Storm | undefined;
  readonly #rates: FaultRates;
  #faults: ReadonlySet<Fault>;
  #listsFromMs = 0;

  constructor({ time, faults, rates, patienceMs }: WeatherOptions) {
    this.#time = time;
    this.#faults = new Set(faults);
    this.#rates = rates;
    this.patienceMs = patienceMs;
  }

  /** Whether things of this kind go wrong in this world, and still do. */
  has(fault: Fault): boolean {
    return this.#faults.has(fault);
  }

  /** What goes wrong with single calls; undefined: nothing. */
  get rates(): FaultRates | undefined {
    if (!this.has("network")) return undefined;
    return this.isStormy ? { ...this.#rates, ...this.#storm?.rates } : this.#rates;
  }

  /** Whether much more goes wrong than usual. */
  get isStormy(): boolean {
    return this.#storm !== undefined && this.#time.nowMs < this.#storm.untilMs;
  }

  /** For this time in ms, this part of the calls meets each of these faults. */
  startStorm(faults: readonly (keyof FaultRates)[], part: number, ms: number): void {
    const rates = Object.fromEntries(faults.map((fault) => [fault, part]));
    this.#storm = { untilMs: this.#time.nowMs + ms, rates };
  }

  /** No process reaches the service for this time in ms. */
  startOutage(service: Service, ms: number): void {
    this.#outages.set(service, this.#time.nowMs + ms);
  }

  /** Until then shards cannot be listed; outlasts {@linkcode Weather.clear}. */
  refuseListings(untilMs: number): void {
    this.#listsFromMs = untilMs;
  }

  /** Whether ListShards is refused. */
  get isListingRefused(): boolean {
    return this.#time.nowMs < this.#listsFromMs;
  }

  isOut(service: Service): boolean {
    return this.#time.nowMs < (this.#outages.get(service) ?? 0);
  }

  /** From now on everything works. */
  clear(): void {
    this.#outages.clear();
    this.#storm = undefined;
    this.#faults = new Set();
  }
}

interface Storm {
  readonly untilMs: number;
  readonly rates: Partial<FaultRates>;
}

/** One process's way to the services. */
export class Link {
  readonly machine: VirtualProcess;
  readonly chance: Chance;
  readonly #weather: Weather;

  constructor(machine: VirtualProcess, weather: Weather, chance: Chance) {
    this.machine = machine;
    this.chance = chance;
    this.#weather = weather;
  }

  /** Whether something of this kind and probability happens now; never once the weather is fine. */
  happens(fault: Fault, probability: number): boolean {
    return this.#weather.has(fault) && this.chance.happens(probability);
  }

  /** Whether a read shows the past. */
  isStale(probability: number): boolean {
    return this.happens("staleReads", this.#weather.isStormy ? 0.5 : probability);
  }

  /** Whether ListShards is refused. */
  get isListingRefused(): boolean {
    return this.#weather.isListingRefused;
  }

  /** Whether nothing gets through to the service. */
  isCut(service: Service): boolean {
    return this.#weather.isOut(service);
  }

  /** Calls a service. `serve` runs at the server, as a whole. */
  call<T>(service: Service, operation: string, serve: () => T, signal?: AbortSignal): Promise<T> {
    const { machine, chance } = this;
    const { patienceMs } = this.#weather;
    const thereMs = chance.between(2, 20), backMs = chance.between(2, 20);
    const usual = { thereMs, backMs, serve };
    const failed = (code: string) => serviceFailure(service, operation, code);
    if (this.isCut(service)) {
      const failure = failed("NetworkError");
      return machine.call(
        { thereMs, backMs: chance.between(20, patienceMs), serve: undefined, failure },
        signal,
      );
    }
    if (this.happens("answers", BAD_ANSWERS)) {
      return machine.call({ ...usual, failure: failed("MalformedResponse") }, signal);
    }
    switch (this.#fault()) {
      case undefined:
        return machine.call(usual, signal);
      case "throttled": {
        const failure = failed("ProvisionedThroughputExceededException");
        return machine.call({ ...usual, serve: undefined, failure }, signal);
      }
      case "refused":
        return machine.call({ ...usual, serve: undefined, failure: failed("NetworkError") }, signal);
      case "answerLost":
        return machine.call({ ...usual, backMs: patienceMs, failure: failed("TimeoutError") }, signal);
      case "slow":
        return machine.call({ ...usual, backMs: chance.between(0.08, 3.6) * patienceMs }, signal);
      case "late":
        // The caller does not wait for it, but the call arrives.
        machine.call({ ...usual, thereMs: chance.between(1, 5) * patienceMs }, signal).catch(() => {});
        return machine.call(
          { thereMs: patienceMs, backMs: 0, serve: undefined, failure: failed("TimeoutError") },
          signal,
        );
      case "doubled":
        return machine.call({
          ...usual,
          serve: () => {
            serve();
            return serve();
          },
        }, signal);
    }
  }

  #fault(): keyof FaultRates | undefined {
    const { rates } = this.#weather;
    if (rates === undefined) return undefined;
    let drawn = this.chance.next();
    for (const fault of CALL_FAULTS) {
      drawn -= rates[fault];
      if (drawn < 0) return fault;
    }
    return undefined;
  }
}

/** An error as the services give it. @param retryable Whether trying again may help. */
export function serviceFailure(
  service: Service,
  operation: string,
  code: string,
  retryable = true,
): AwsServiceError {
  return new AwsServiceError({
    service,
    operation,
    code,
    status: undefined,
    requestId: undefined,
    retryable,
    detail: "simulated",
    body: undefined,
  });
}

/** The part of the answers with a wrong field. The requested work is done nevertheless. */
const BAD_ANSWERS = 0.005;

/** What may go wrong with a call. */
export const CALL_FAULTS = ["throttled", "refused", "answerLost", "slow", "late", "doubled"] as const;
