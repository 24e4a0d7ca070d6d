/**
 * Counts the requests of one slice, and keeps them within its limits. Some requests are kept for stopping:
 * what comes too late for the work waits until the slice stops. Once the slice is over nothing is sent any
 * more, whatever is still running.
 *
 * @module
 */

import { unlessAborted } from "../async/waiting.ts";
import type { System } from "../system.ts";

/** The limits. */
export interface RequestsOptions {
  readonly max: number;
  readonly concurrent: number;
  /** How many requests must be left for stopping. */
  readonly kept: () => number;
  /** How many of those must be left for the very last. */
  readonly last: number;
  /** Called when a request had to wait because only those for stopping are left. */
  readonly onLimit: () => void;
}

/** See the module. */
export class Requests {
  readonly #options: RequestsOptions;
  #phase: "work" | "stop" | "last" | "over" = "work";
  #count = 0;
  #inFlight = 0;
  #waiting: (() => void)[] = [];

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  /** How many were sent. */
  get count(): number {
    return this.#count;
  }

  /** The requests that were kept may be sent. */
  stop(): void {
    if (this.#phase === "work") this.#phase = "stop";
    this.#wake();
  }

  /** All of the requests may be sent. */
  finish(): void {
    if (this.#phase !== "over") this.#phase = "last";
    this.#wake();
  }

  /** Nothing may be sent any more. */
  end(): void {
    this.#phase = "over";
    this.#wake();
  }

  /** The same with each request within the limits. It counts as under way until its headers have come. */
  counting({ clock, random, fetch: send }: System): System {
    return {
      clock,
      random,
      fetch: (input, init) => {
        const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined);
        return this.run(() => {
          if (!signal) return send(input, init);
          return send(input, { ...init, signal: withoutReason(signal) });
        }, signal);
      },
    };
  }

  /** A part that sends its requests by other means, such as a store in memory: each call is one request. */
  counted<T extends object>(part: T): T {
    return aroundCalls(part, (_, send, signal) => this.run(send, signal));
  }

  /** Sends one request when there is room for it. @throws {Error} when there is none any more. */
  async run<T>(send: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    while (!this.#hasRoom()) {
      await unlessAborted(new Promise<void>((resolve) => this.#waiting.push(resolve)), signal);
    }
    this.#count++;
    this.#inFlight++;
    try {
      return await send();
    } finally {
      this.#inFlight--;
      this.#wake();
    }
  }

  #hasRoom(): boolean {
    const { max, concurrent, kept, last, onLimit } = this.#options;
    if (this.#phase === "over") throw new Error("Cannot send request: the slice is over");
    const mustStop = () => this.#phase === "work" && this.#count >= max - Math.max(kept(), last);
    if (mustStop()) onLimit();
    if (mustStop()) return false;
    if (this.#count >= (this.#phase === "last" ? max : max - last)) {
      throw new Error(`Cannot send request: maxSubrequests is ${max}, and they are used up: set it higher`);
    }
    return this.#inFlight < concurrent;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}

/**
 * Aborts with the platform's own error. workerd 1.20260426 takes any other reason for an exception of the
 * Worker's: where it ends a request whose body is still being sent, the cron counts as failed, though the
 * error was caught. Whoever waits for the request has the reason from their own signal.
 */
function withoutReason(signal: AbortSignal): AbortSignal {
  const controller = new AbortController();
  if (signal.aborted) controller.abort();
  signal.addEventListener("abort", () => controller.abort(), { once: true });
  return controller.signal;
}

/** The part, with something around each call of its methods, all of which return promises. */
export function aroundCalls<T extends object>(
  part: T,
  around: (
    method: string,
    call: () => Promise<unknown>,
    signal: AbortSignal | undefined,
  ) => Promise<unknown>,
): T {
  // Around nothing, since a proxy must show what its target has frozen.
  return new Proxy({} as T, {
    get(_, name) {
      const member: unknown = Reflect.get(part, name, part);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        const signal = args.at(-1);
        const call = () => Reflect.apply(member, part, args) as Promise<unknown>;
        return around(String(name), call, signal instanceof AbortSignal ? signal : undefined);
      };
    },
  });
}
