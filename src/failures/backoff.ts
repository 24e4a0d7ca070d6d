// Pure.
/**
 * The pauses between two tries.
 *
 * @module
 */

/** The first pause, and the longest, in ms. Ours: Lambda documents none. */
const FIRST_MS = 100, LONGEST_MS = 30_000;

/**
 * 100 ms, doubled with each failure in a row up to 30 s, of which a random part is waited for: full jitter.
 *
 * @param failures In a row, from 1.
 * @param random Uniform in [0, 1).
 */
export function backoffMs(failures: number, random: () => number): number {
  return Math.ceil(Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures - 1, 16)) * random());
}

/**
 * The pause before the next call: the user's own, or {@linkcode backoffMs} where that is none or fails.
 *
 * @param onOdd Called with what is wrong with the user's own.
 */
export function retryPauseMs(
  { delay, random, onOdd }: {
    readonly delay: ((failures: number, error: unknown) => number) | undefined;
    readonly random: () => number;
    readonly onOdd: (error: unknown) => void;
  },
  failures: number,
  error: unknown,
): number {
  if (delay === undefined) return backoffMs(failures, random);
  try {
    const ms: unknown = delay(failures, error);
    if (typeof ms === "number" && ms >= 0 && ms < Infinity) return ms;
    throw new RangeError(`Expected a number of at least 0: got ${typeof ms === "number" ? ms : typeof ms}`);
  } catch (odd) {
    onOdd(odd);
    return backoffMs(failures, random);
  }
}
