/**
 * Signals that stop the program: the first one in order, the second one immediately.
 *
 * @module
 */

import process from "node:process";

/**
 * Exit codes of a program that a signal ended: 128 and the signal's number, as shells and the JVM have it.
 */
const EXIT_CODES = { SIGTERM: 143, SIGINT: 130, SIGHUP: 129 } as const;

/**
 * Signals closer together than this count as one, in ms. A terminal sends Ctrl-C to every process of the
 * group. A task runner among them (`deno task`, `npm run`) passes it on once more.
 */
const ECHO_MS = 500;

/** The signals that are listened to. */
export type StopSignal = keyof typeof EXIT_CODES;

/** What the signals request. */
export interface StopRequest {
  /** Aborts with the first signal. */
  readonly signal: AbortSignal;
  /** The exit code for the first signal; undefined before it. */
  exitCode(): number | undefined;
}

/**
 * Starts listening.
 *
 * @param onSignal Called with the first signal, once the request is made. If it throws, nothing changes.
 * @param onSecond Called with any later one: ends the program, with this exit code.
 */
export function listenToSignals(
  onSignal: (name: StopSignal) => void,
  onSecond: (exitCode: number) => void,
): StopRequest {
  const stop = new AbortController();
  let exitCode: number | undefined;
  let firstMs = 0;
  for (const name of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    process.on(name, () => {
      const nowMs = performance.now();
      if (exitCode !== undefined) return nowMs - firstMs < ECHO_MS ? undefined : onSecond(EXIT_CODES[name]);
      firstMs = nowMs;
      exitCode = EXIT_CODES[name];
      stop.abort(new Error(`Stopped by ${name}`));
      try {
        onSignal(name);
      } catch {
        // A line that cannot be written must not end the program before its leases are handed over.
      }
    });
  }
  return { signal: stop.signal, exitCode: () => exitCode };
}
