/**
 * A clock that does not move until a test moves it.
 *
 * @module
 */

import type { Clock } from "../../src/system.ts";

/**
 * A clock under the test's hand. Both of its clocks move together, but for {@linkcode FakeClock.setEpochMs}.
 */
export class FakeClock implements Clock {
  #epochMs: number;
  #monotonicMs = 0;
  readonly #sleepers = new Set<Sleeper>();

  /** @param epochMs Wall time at the start; 2026-01-30T12:00:00Z unless given. */
  constructor(epochMs: number = Date.UTC(2026, 0, 30, 12)) {
    this.#epochMs = epochMs;
  }

  epochMs(): number {
    return this.#epochMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  /**
   * Ends when {@linkcode FakeClock.advance} passes its time; 0 or less ends by itself after other tasks have
   * run.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (ms <= 0) return turn();
    return new Promise((resolve, reject) => {
      const end = () => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener("abort", stop);
      };
      const stop = () => {
        end();
        reject(signal?.reason);
      };
      const sleeper: Sleeper = {
        atMs: this.#monotonicMs + ms,
        wake() {
          end();
          resolve();
        },
      };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", stop, { once: true });
    });
  }

  /** How long each pending sleep has still to go, in ms, shortest first. */
  get pendingMs(): number[] {
    return [...this.#sleepers].map((sleeper) => sleeper.atMs - this.#monotonicMs).sort((a, b) => a - b);
  }

  /** Lets others run, what the runtime does elsewhere included (signing), until somebody sleeps. */
  async untilAsleep(): Promise<void> {
    for (let i = 0; i < 10_000 && this.#sleepers.size === 0; i++) await turn();
    if (this.#sleepers.size === 0) throw new Error("nobody sleeps");
  }

  /** Moves the wall clock alone, as when somebody sets it. */
  setEpochMs(epochMs: number): void {
    this.#epochMs = epochMs;
  }

  /** Moves time on, and wakes who is due, one after the other; others run after each of them. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#monotonicMs + ms;
    await turn();
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.#moveTo(next.atMs);
      next.wake();
      await turn();
    }
    this.#moveTo(untilMs);
  }

  /** Moves time on and wakes the sleepers that are due, in order; no other task runs before it returns. */
  jump(ms: number): void {
    const untilMs = this.#monotonicMs + ms;
    for (let next = this.#next(untilMs); next !== undefined; next = this.#next(untilMs)) {
      this.#moveTo(next.atMs);
      next.wake();
    }
    this.#moveTo(untilMs);
  }

  #next(untilMs: number): Sleeper | undefined {
    return [...this.#sleepers]
      .filter((sleeper) => sleeper.atMs <= untilMs)
      .toSorted((a, b) => a.atMs - b.atMs)[0];
  }

  #moveTo(monotonicMs: number): void {
    if (monotonicMs <= this.#monotonicMs) return;
    this.#epochMs += monotonicMs - this.#monotonicMs;
    this.#monotonicMs = monotonicMs;
  }
}

interface Sleeper {
  readonly atMs: number;
  readonly wake: () => void;
}

/** Lets everything that is ready run, timers of no delay included. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}
