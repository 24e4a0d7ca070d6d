/**
 * A worker in bounded slices, for edge and serverless platforms: Durable Objects, cron triggers, scheduled
 * functions.
 *
 * @module
 */

export { EdgeWorker } from "./edge_worker.ts";
export { type EnhancedFanOut, enhancedFanOut } from "./enhanced_fan_out.ts";
export type { DeliveryPolicy } from "../failures/policy_option.ts";
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

export type { SliceLock, SliceRow, SliceStore } from "../lease/coordinator_store.ts";
export { cloudflareDurableObject } from "./adapters/durable_object.ts";
export type { ConsumerState, DurableObjectConsumer, DurableObjectState } from "./adapters/durable_object.ts";
export { cloudflareRearm, cloudflareScheduled } from "./adapters/cloudflare_scheduled.ts";
export type { DurableObjectNamespace, ScheduledHandler } from "./adapters/cloudflare_scheduled.ts";
export { denoCron } from "./adapters/deno_cron.ts";
export { lambdaScheduled } from "./adapters/lambda_scheduled.ts";
export type { LambdaContext, LambdaSliceOptions } from "./adapters/lambda_scheduled.ts";
export { fetchHandler } from "./adapters/fetch_handler.ts";
export type { FetchHandlerOptions, RequestContext } from "./adapters/fetch_handler.ts";
export type { SliceSummary, SliceWorker } from "./adapters/slice_worker.ts";
export { webIdentityCredentials } from "./adapters/token_credentials.ts";
export type { WebIdentityOptions } from "./adapters/token_credentials.ts";
