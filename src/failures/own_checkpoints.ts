/**
 * When the worker makes a checkpoint by itself. Each costs a write, so they are paced, and several in a short
 * time become one.
 *
 * @module
 */

import type { TaskGroup } from "../async/task_group.ts";
import { pause } from "../async/waiting.ts";
import type { Clock } from "../system.ts";
import type { Checkpoints } from "./checkpoints.ts";

/**
 * How long our own checkpoints may wait, in ms: where many calls end all the time, and where records are only
 * filtered. Ours: a renewal of the lease costs as much, every three seconds.
 */
export const CALLS_CHECKPOINT_MS = 1000, FILTER_CHECKPOINT_MS = 5000;

/** See the module. */
export class OwnCheckpoints {
  readonly #checkpoints: Checkpoints;
  readonly #clock: Clock;
  readonly #tasks: TaskGroup;
  readonly #lost: AbortSignal;
  #storedMs: number;
  /** When the next one is to be made, in monotonic ms. */
  #dueAtMs = Infinity;

  /** @param lost Aborts when the lease is lost. */
  constructor(
    { checkpoints, clock, tasks, lost }: {
      readonly checkpoints: Checkpoints;
      readonly clock: Clock;
      readonly tasks: TaskGroup;
      readonly lost: AbortSignal;
    },
  ) {
    this.#checkpoints = checkpoints;
    this.#clock = clock;
    this.#tasks = tasks;
    this.#lost = lost;
    this.#storedMs = clock.monotonicMs();
  }

  /** Stores what is acknowledged, as long as the lease is ours. */
  async now(): Promise<void> {
    if (this.#lost.aborted || !this.#checkpoints.isBehind) return;
    this.#storedMs = this.#clock.monotonicMs();
    await this.#checkpoints.store();
  }

  /**
   * Stores what is acknowledged, no earlier than `paceMs` after the last time.
   *
   * @param over Cuts the wait short: what is left is stored when the processor is left.
   */
  soon(paceMs: number, over: AbortSignal): void {
    if (!this.#checkpoints.isBehind) return;
    const dueMs = this.#storedMs + paceMs - this.#clock.monotonicMs();
    if (dueMs <= 0) return this.#tasks.run(() => this.now());
    // What is only filtered waits for longer than what a call has finished.
    const dueAtMs = this.#storedMs + paceMs;
    if (dueAtMs >= this.#dueAtMs) return;
    this.#dueAtMs = dueAtMs;
    this.#tasks.run(async () => {
      const isDue = await pause(this.#clock, dueMs, over);
      if (this.#dueAtMs === dueAtMs) this.#dueAtMs = Infinity;
      if (isDue) await this.now();
    });
  }
}
