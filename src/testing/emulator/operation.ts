/**
 * What an operation of the emulator is: a function from input to answer, with the means to take time.
 *
 * @module
 */

import type { Clock } from "../../system.ts";
import { WORLD_EPOCH_MS } from "../model/simulated_stream.ts";
import type { AwsFault } from "./aws_faults.ts";
import type { Input } from "./input.ts";

/** Who has no account has this one. */
export const ACCOUNT_ID = "000000000000";

/** One call. */
export interface Call {
  readonly input: Input;
  /** What goes wrong with it, as far as it goes wrong within the answer. */
  readonly fault: AwsFault | undefined;
  /** Of the request. */
  readonly headers: Headers;
  /** Aborts when the emulator is closed. */
  readonly signal: AbortSignal;
}

/** An answer that does not end: the body of `application/vnd.amazon.eventstream`. */
export class StreamAnswer {
  readonly body: ReadableStream<Uint8Array>;

  constructor(body: ReadableStream<Uint8Array>) {
    this.body = body;
  }
}

/**
 * Does the work as a whole, at once. @returns the members of the answer, undefined for an empty one, or a
 * stream.
 *
 * @throws {ApiError} to refuse the call.
 */
export type Operation = (call: Call) => unknown;

/** Operations by name. */
export type Operations = Readonly<Record<string, Operation>>;

/** Time as the model counts it, from a clock. */
export class Timeline {
  readonly clock: Clock;
  readonly #offsetMs: number;

  constructor(clock: Clock) {
    this.clock = clock;
    this.#offsetMs = clock.epochMs() - WORLD_EPOCH_MS - clock.monotonicMs();
  }

  /** Ms since the epoch of the model. Never jumps. */
  get nowMs(): number {
    return Math.round(this.clock.monotonicMs() + this.#offsetMs);
  }

  /** The same, since 1970. */
  get epochMs(): number {
    return WORLD_EPOCH_MS + this.nowMs;
  }
}

/** Something that is made, changed and dropped, each of which takes a while. */
export class Lifecycle {
  readonly #timeline: Timeline;
  readonly #changeMs: number;
  #state: "CREATING" | "UPDATING" | "DELETING" = "CREATING";
  #untilMs: number;

  /** @param changeMs How long a change takes, from the creation on. */
  constructor(timeline: Timeline, changeMs: number, isReady: boolean) {
    this.#timeline = timeline;
    this.#changeMs = changeMs;
    this.#untilMs = timeline.nowMs + (isReady ? 0 : changeMs);
  }

  get status(): "CREATING" | "UPDATING" | "DELETING" | "ACTIVE" {
    const isBusy = this.#timeline.nowMs < this.#untilMs || this.#state === "DELETING";
    return isBusy ? this.#state : "ACTIVE";
  }

  /** Whether it was dropped, and that is over. */
  get isGone(): boolean {
    return this.#state === "DELETING" && this.#timeline.nowMs >= this.#untilMs;
  }

  change(state: "UPDATING" | "DELETING"): void {
    this.#state = state;
    this.#untilMs = this.#timeline.nowMs + this.#changeMs;
  }
}
