/**
 * Counts the requests of one slice, and keeps them within its limits. Some requests are kept for stopping:
 * what comes too late for the work waits until the slice stops. Once the slice is over nothing is sent any
 * more, whatever is still running.
 *
 * @module
 */

import { unlessAborted } from "../async/waiting.ts";

/** The limits. */
export interface RequestsOptions {
  readonly max: number;
  readonly concurrent: number;
  /** How many requests must be left for stopping. */
  readonly kept: () => number;
  /** Called when a request had to wait because only those for stopping are left. */
  readonly onLimit: () => void;
}

/** See the module. */
export class Requests {
  readonly #options: RequestsOptions;
  #phase: "work" | "stop" | "over" = "work";
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

  /** Nothing may be sent any more. */
  end(): void {
    this.#phase = "over";
    this.#wake();
  }

  /** `fetch` within the limits. It counts as under way until its headers have come. */
  fetch(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
    return (input, init) => {
      const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined);
      return this.run(() => fetch(input, init), signal);
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
    const { max, concurrent, kept, onLimit } = this.#options;
    if (this.#phase === "over") throw new Error("Cannot send request: the slice is over");
    if (this.#count >= max) {
      throw new Error(
        `Cannot send request: maxSubrequests is ${max}, and all of them were sent: set it higher`,
      );
    }
    if (this.#phase === "work" && this.#count >= max - kept()) {
      onLimit();
      return this.#phase !== "work" as string && this.#inFlight < concurrent;
    }
    return this.#inFlight < concurrent;
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
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
  return new Proxy(part, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return (...args: unknown[]) => {
        const signal = args.at(-1);
        const call = () => Reflect.apply(member, target, args) as Promise<unknown>;
        return around(String(name), call, signal instanceof AbortSignal ? signal : undefined);
      };
    },
  });
}
