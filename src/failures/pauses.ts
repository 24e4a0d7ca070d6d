/**
 * The waits of a shard's delivery: before a batch is called again, and until a window of time is over.
 *
 * @module
 */

import type { TaskGroup } from "../async/task_group.ts";
import { pause } from "../async/waiting.ts";
import type { System } from "../system.ts";
import { retryPauseMs } from "./backoff.ts";
import type { ErrorSettings } from "./failure_options.ts";
import type { Warnings } from "./warnings.ts";

/** A call that failed. */
export interface Failure {
  /** In a row, of what is called next. */
  readonly inARow: number;
  readonly error: unknown;
}

/** What waiting takes. */
export interface PausesOptions {
  readonly system: Pick<System, "clock" | "random">;
  readonly delay: ErrorSettings["delay"];
  readonly warnings: Warnings;
  readonly tasks: TaskGroup;
  /** Ends all pauses. */
  readonly over: AbortSignal;
}

/** See the module. */
export class Pauses {
  readonly #options: PausesOptions;
  #window: AbortController | undefined;

  constructor(options: PausesOptions) {
    this.#options = options;
    options.over.addEventListener("abort", () => this.#window?.abort(), { once: true });
  }

  /** Waits before a batch is called again. @returns false when the shard is to be left meanwhile. */
  beforeRetry({ inARow, error }: Failure): Promise<boolean> {
    const { system: { clock, random }, delay, warnings, over } = this.#options;
    const onOdd = (odd: unknown) => warnings.once("errors.retry.delay failed, and the default counts", odd);
    return pause(clock, retryPauseMs({ delay, random, onOdd }, inARow, error), over);
  }

  /** Wakes after `dueMs`, in place of any time before; undefined: not at all. */
  wakeIn(dueMs: number | undefined, wake: () => void): void {
    const { system: { clock }, tasks } = this.#options;
    this.#window?.abort();
    this.#window = undefined;
    if (dueMs === undefined) return;
    const { signal } = this.#window = new AbortController();
    tasks.run(async () => {
      if (await pause(clock, dueMs, signal)) wake();
    });
  }
}
