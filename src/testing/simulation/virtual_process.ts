/**
 * A process in virtual time: a clock of its own, calls to servers, and the ways in which processes fail. A
 * killed process never receives anything again. A paused process receives everything that it missed at once,
 * when it continues, and does not know that it slept.
 *
 * All that sets code of the process going comes through {@linkcode VirtualProcess.hear}: timers, answers,
 * signals.
 *
 * @module
 */

import { AwsServiceError } from "../../errors.ts";
import type { Clock, System } from "../../system.ts";
import type { Chance } from "../model/chance.ts";
import type { VirtualTime } from "./virtual_time.ts";

/** What a process is made of. */
export interface VirtualProcessOptions {
  /** Names the process in reports; a worker that is started again has the same id in another process. */
  readonly name: string;
  readonly time: VirtualTime;
  readonly chance: Chance;
  /** Wall time at virtual ms 0, as this process's clock has it. */
  readonly epochMs: number;
  /**
   * Whether its clock stands still while code runs, and moves with timers and answers only, as in Workers.
   *
   * @default {false}
   */
  readonly standsStill?: boolean | undefined;
}

/** A call to a server. */
export interface VirtualCall<T> {
  /** Ms until the server does it. */
  readonly thereMs: number;
  /** Ms from then until the process receives the answer. */
  readonly backMs: number;
  /** What the server does, as a whole, at that moment. Undefined: the call never reaches it. */
  readonly serve: (() => T) | undefined;
  /** What the process receives instead of the server's result. */
  readonly failure?: Error | undefined;
}

/** See the module. */
export class VirtualProcess {
  readonly name: string;
  readonly clock: Clock;
  readonly system: System;
  readonly #time: VirtualTime;
  #epochMs: number;
  #state: "running" | "paused" | "dead" = "running";
  #awakeSinceMs: number;
  /** The virtual ms that a clock which stands still shows. */
  #shownMs: number;
  /** Whether the next timer is the end of a computation, of which such a clock knows nothing. */
  #isComputing = false;
  #missed: (() => void)[] = [];

  constructor(options: VirtualProcessOptions) {
    const { name, time, chance, epochMs, standsStill = false } = options;
    this.name = name;
    this.#time = time;
    this.#awakeSinceMs = this.#shownMs = time.nowMs;
    this.#epochMs = epochMs;
    // A monotonic clock starts anywhere.
    const startMs = Math.floor(chance.between(0, 1e6)) - time.nowMs;
    this.clock = {
      epochMs: () => this.#epochMs + (standsStill ? this.#shownMs : time.nowMs),
      monotonicMs: () => startMs + (standsStill ? this.#shownMs : time.nowMs),
      sleep: (ms, signal) => this.#sleep(ms, signal),
    };
    this.system = {
      clock: this.clock,
      random: () => chance.next(),
      fetch: () => Promise.reject(new TypeError("there is no network in virtual time")),
    };
  }

  get state(): "running" | "paused" | "dead" {
    return this.#state;
  }

  /** Virtual ms since which it runs without a pause. */
  get awakeSinceMs(): number {
    return this.#awakeSinceMs;
  }

  /** Delivers something to the process now, or when it continues; never, once it has died. */
  hear(something: () => void): void {
    if (this.#state === "running") {
      if (!this.#isComputing) this.#shownMs = this.#time.nowMs;
      this.#isComputing = false;
      something();
    } else if (this.#state === "paused") this.#missed.push(something);
  }

  /** The end, without a word. */
  kill(): void {
    this.#state = "dead";
    this.#missed = [];
  }

  /** Stops the process in its tracks. */
  pause(): void {
    if (this.#state === "running") this.#state = "paused";
  }

  /**
   * Blocks the event loop, as a long computation does. Nothing else is delivered meanwhile, and the waiter
   * for this continues first.
   */
  block(ms: number): Promise<void> {
    this.pause();
    this.#isComputing = true;
    this.#time.after(ms, () => this.resume());
    return this.#sleep(0);
  }

  /** Continues after a pause. What was missed is delivered in order, each when the one before has ended. */
  resume(): void {
    if (this.#state !== "paused") return;
    const missed = this.#missed;
    this.#missed = [];
    this.#state = "running";
    this.#awakeSinceMs = this.#time.nowMs;
    for (const something of missed) this.#time.after(0, () => this.hear(something));
  }

  /** Sets the wall clock forward or back. */
  moveWallClock(ms: number): void {
    this.#epochMs += ms;
  }

  /** Calls a server. An abort ends the waiting, not the call. */
  call<T>(call: VirtualCall<T>, signal?: AbortSignal): Promise<T> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const stop = () => reject(signal?.reason);
      signal?.addEventListener("abort", stop, { once: true });
      const answer = (tell: () => void) =>
        this.#time.after(call.backMs, () =>
          this.hear(() => {
            signal?.removeEventListener("abort", stop);
            tell();
          }));
      this.#time.after(call.thereMs, () => {
        const { serve, failure } = call;
        try {
          const served = serve?.();
          answer(() => failure === undefined ? resolve(served as T) : reject(failure));
        } catch (error) {
          // Anything else is a mistake of the simulation itself, and ends it.
          if (!(error instanceof AwsServiceError)) throw error;
          answer(() => reject(failure ?? error));
        }
      });
    });
  }

  #sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (ms === Infinity) ms = 1e12;
    return new Promise((resolve, reject) => {
      const stop = () => {
        callOff();
        reject(signal?.reason);
      };
      const callOff = this.#time.after(ms, () =>
        this.hear(() => {
          signal?.removeEventListener("abort", stop);
          resolve();
        }));
      signal?.addEventListener("abort", stop, { once: true });
    });
  }
}
