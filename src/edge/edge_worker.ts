/**
 * A worker that runs in bounded slices, for platforms where no process stays up.
 *
 * @module
 */

import type { EdgeOptions, SliceOptions, SliceResult } from "./slice_options.ts";

/** A worker in slices. One instance may run many slices, one after another. */
export class EdgeWorker {
  /** Names this worker in the lease table. */
  readonly workerIdentifier: string;

  /**
   * Checks the options; sends no request.
   *
   * @throws {TypeError} when an option is missing or of the wrong kind, {@linkcode RangeError} when a number
   * is out of range.
   */
  constructor(options: EdgeOptions) {
    this.workerIdentifier = options.workerIdentifier;
  }

  /**
   * Runs one slice.
   *
   * @throws {TypeError} or {@linkcode RangeError} when an option of the slice is wrong, and for nothing else.
   */
  runSlice(_options: SliceOptions): Promise<SliceResult> {
    return Promise.reject(new Error("Cannot run slice: not on this branch yet"));
  }

  /**
   * Runs slices until one is caught up, or the budget is used.
   *
   * @throws as {@linkcode runSlice}.
   */
  runUntilCaughtUp(options: SliceOptions): Promise<SliceResult> {
    return this.runSlice(options);
  }
}
