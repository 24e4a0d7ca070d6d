/**
 * Waiting that a signal ends.
 *
 * @module
 */

/** Waits. @returns whether the whole time has passed, and `signal` did not end it. */
export function pause(ms: number, signal?: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve(!signal?.aborted);
    };
    const timer = setTimeout(end, Math.max(0, ms));
    if (signal?.aborted) end();
    signal?.addEventListener("abort", end);
  });
}
