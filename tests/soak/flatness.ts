// Pure.
/**
 * Whether memory is flat: what a process uses at the end, beside what it used once it was warm. One sample says little, since a
 * process may just have read a large page; so medians of several are compared.
 *
 * @module
 */

/** The memory of a process. */
export interface MemorySample {
  /** Before a collection. */
  readonly rssMiB: number;
  /** After a collection, of JavaScript's objects and of the buffers that they hold. */
  readonly heapMiB: number;
  /** Shards that the worker's totals know, ended ones among them. */
  readonly shards: number;
}

/** How memory grew from when it was warm, in MiB; less than 0: it shrank. */
export interface Growth {
  readonly rssMiB: number;
  readonly heapMiB: number;
}

/**
 * Of the time of a run, what counts as the way to a warm process: code is compiled, and totals have as many ended shards as they
 * keep.
 */
const WARM_UP = 0.4;
/** Samples of the beginning and of the end that are compared, as a part of those of the warm process. */
const COMPARED = 0.25;

/** Of samples in equal steps of time. NaN: there are too few to say. */
export function growthOf(samples: readonly MemorySample[]): Growth {
  const warm = samples.slice(Math.ceil(samples.length * WARM_UP));
  const count = Math.floor(warm.length * COMPARED);
  const early = warm.slice(0, count), late = warm.slice(warm.length - count);
  const grown = (of: (sample: MemorySample) => number) => median(late.map(of)) - median(early.map(of));
  return { rssMiB: grown(({ rssMiB }) => rssMiB), heapMiB: grown(({ heapMiB }) => heapMiB) };
}

/** The median; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const [low, high] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return ((low ?? NaN) + (high ?? NaN)) / 2;
}
