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

/** See the module. */
export class OwnCheckpoints {
  readonly #checkpoints: Checkpoints;
  readonly #clock: Clock;
  readonly #tasks: TaskGroup;
  readonly #lost: AbortSignal;
  #storedMs: number;
  #isWaiting = false;

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
    if (this.#isWaiting) return;
    this.#isWaiting = true;
    this.#tasks.run(async () => {
      const isDue = await pause(this.#clock, dueMs, over);
      this.#isWaiting = false;
      if (isDue) await this.now();
    });
  }
}
