// Pure.
/**
 * What an adapter needs of a worker, and how it writes down what a slice did.
 *
 * @module
 */

import type { SliceOptions, SliceResult } from "../slice_options.ts";

/**
 * A worker that runs in slices: an {@linkcode EdgeWorker}, or an object of yours around one, which may log
 * each result.
 */
export interface SliceWorker {
  /** Runs one slice. Throws only when an option is wrong. */
  runSlice(options: SliceOptions): Promise<SliceResult>;
}

/** A slice's result as JSON. Failures have their texts alone: an error may hold more than a log may show. */
export interface SliceSummary extends Omit<SliceResult, "failures"> {
  /** What went wrong, and in which step. */
  readonly failures: readonly { readonly step: string; readonly text: string }[];
}

/** The result without errors. */
export function sliceSummary({ outcome, nextInMs, shards, requests, failures }: SliceResult): SliceSummary {
  return {
    outcome,
    nextInMs,
    shards,
    requests,
    failures: failures.map(({ step, text }) => ({ step, text })),
  };
}
