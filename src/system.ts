/**
 * What the library takes from the machine it runs on: time, chance and `fetch`. They are handed down from the
 * top, so that a test can replace them. There is no module state anywhere in src.
 *
 * Two clocks, never mixed: `epochMs` is wall time (signing, AT_TIMESTAMP, item timestamps); `monotonicMs`
 * never jumps (expiry, pacing, time limits).
 *
 * @module
 */

/**
 * Time, as seen by one process.
 *
 * @experimental
 */
export interface Clock {
  /** Wall time in ms since 1970-01-01T00:00:00Z. May jump. */
  epochMs(): number;
  /** Ms since an arbitrary start. Never jumps, never goes back. */
  monotonicMs(): number;
  /**
   * Waits. The only timer in the library.
   *
   * @param ms How long, without an upper limit; 0 or less still yields to other tasks once.
   * @param signal When it aborts, the sleep rejects at once with the signal's reason.
   */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/**
 * Everything the library takes from its surroundings.
 *
 * @experimental
 */
export interface System {
  /** Time. */
  readonly clock: Clock;
  /** Uniform in [0, 1). Used for jitter and for random identifiers. */
  readonly random: () => number;
  /** Sends HTTP requests. */
  readonly fetch: typeof globalThis.fetch;
}

/** The real clock of this process, on Web standards alone. */
export const realClock: Clock = {
  epochMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  async sleep(ms, signal) {
    let restMs = ms > 0 ? ms : 0;
    do {
      const sliceMs = Math.min(restMs, LONGEST_TIMER_MS);
      await timer(sliceMs, signal);
      restMs -= sliceMs;
    } while (restMs > 0);
  },
};

/** The longest delay that a timer of JavaScript takes; a longer one would end after 1 ms. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

function timer(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(id);
      reject(signal?.reason);
    };
    const id = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** The real surroundings. `fetch` is looked up at each call, so that a later patch of it is seen. */
export const realSystem: System = {
  clock: realClock,
  random: () => Math.random(),
  fetch: (input, init) => globalThis.fetch(input, init),
};

/** The surroundings with another `fetch`, where there is one. It is called as a function, not as a method. */
export function withFetch(system: System, fetch: System["fetch"] | undefined): System {
  if (fetch === undefined) return system;
  const { clock, random } = system;
  return { clock, random, fetch: (input, init) => fetch(input, init) };
}

/** A version 4 UUID drawn from the given chance, so that a seeded run names its workers alike each time. */
export function randomUuid(random: () => number): string {
  const hex = (digits: number) => {
    let text = "";
    for (let i = 0; i < digits; i++) text += Math.floor(random() * 16).toString(16);
    return text;
  };
  const variant = "89ab"[Math.floor(random() * 4)];
  return `${hex(8)}-${hex(4)}-4${hex(3)}-${variant}${hex(3)}-${hex(12)}`;
}
