/**
 * A worker in bounded slices, for edge and serverless platforms: Durable Objects, cron triggers, scheduled
 * functions.
 *
 * @module
 */

export { EdgeWorker } from "./edge_worker.ts";
export type {
  EdgeOptions,
  LeasesMode,
  SliceFailure,
  SliceOptions,
  SliceOutcome,
  SliceResult,
  SliceShard,
  SliceShardState,
} from "./slice_options.ts";
