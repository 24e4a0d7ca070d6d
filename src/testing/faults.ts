/**
 * What goes wrong between a process and the services it calls, decided call by call from chance.
 *
 * A call may be throttled, refused, never arrive, arrive long after its sender gave it up, be done and its answer lost, be
 * answered slowly, or be done twice because somebody below sent it again. During an outage nothing gets through.
 *
 * @module
 */

import { AwsServiceError } from "../errors.ts";
import type { Chance } from "./chance.ts";
import type { VirtualProcess } from "./virtual_process.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** The services of the world. */
export type Service = "kinesis" | "dynamodb";

/** Which part of the calls meets which fault, from 0 to 1 each. */
export interface FaultRates {
  readonly throttled: number;
  readonly refused: number;
  readonly answerLost: number;
  readonly slow: number;
  /** Arrives after its sender has given it up. */
  readonly late: number;
  /** Sent again below, as after an answer that was lost on the way: done twice, the second outcome told. */
  readonly doubled: number;
}

/** Nothing goes wrong. */
export const NO_FAULTS: FaultRates = {
  throttled: 0,
  refused: 0,
  answerLost: 0,
  slow: 0,
  late: 0,
  doubled: 0,
};

/** A caller's patience, in ms: what the clients of a worker with a failover time of 10 s have. */
const patienceMs = 2500;

/** The state of the network, shared by all. */
export class Weather {
  readonly #time: VirtualTime;
  readonly #outages = new Map<Service, number>();
  rates: FaultRates;

  constructor(time: VirtualTime, rates: FaultRates) {
    this.#time = time;
    this.rates = rates;
  }

  /** Nobody reaches the service for so long. */
  startOutage(service: Service, ms: number): void {
    this.#outages.set(service, this.#time.nowMs + ms);
  }

  isOut(service: Service): boolean {
    return this.#time.nowMs < (this.#outages.get(service) ?? 0);
  }

  /** From now on everything works. */
  clear(): void {
    this.#outages.clear();
    this.rates = NO_FAULTS;
  }
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

  /** Whether something of this probability happens now; never once the weather is fine. */
  happens(probability: number): boolean {
    return this.#weather.rates !== NO_FAULTS && this.chance.happens(probability);
  }

  /** Calls a service. `serve` runs at the server, as a whole. */
  call<T>(service: Service, operation: string, serve: () => T, signal?: AbortSignal): Promise<T> {
    const { machine, chance } = this;
    const thereMs = chance.between(2, 20), backMs = chance.between(2, 20);
    const usual = { thereMs, backMs, serve };
    const failed = (code: string) => serviceFailure(service, operation, code);
    if (this.#weather.isOut(service)) {
      const failure = failed("NetworkError");
      return machine.call(
        { thereMs, backMs: chance.between(20, patienceMs), serve: undefined, failure },
        signal,
      );
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
        return machine.call({ ...usual, backMs: chance.between(200, 9000) }, signal);
      case "late":
        // Nobody waits for it, but it comes.
        machine.call({ ...usual, thereMs: chance.between(patienceMs, 12_000) }, signal).catch(() => {});
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
    if (rates === NO_FAULTS) return undefined;
    let drawn = this.chance.next();
    for (const fault of FAULTS) {
      drawn -= rates[fault];
      if (drawn < 0) return fault;
    }
    return undefined;
  }
}

/** An error as the services give it. */
export function serviceFailure(service: Service, operation: string, code: string): AwsServiceError {
  return new AwsServiceError({
    service,
    operation,
    code,
    status: undefined,
    requestId: undefined,
    retryable: true,
    detail: "simulated",
    body: undefined,
  });
}

const FAULTS = ["throttled", "refused", "answerLost", "slow", "late", "doubled"] as const;
