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

export { cloudflareDurableObject } from "./durable_object.ts";
export type { ConsumerState, DurableObjectConsumer, DurableObjectState } from "./durable_object.ts";
export { cloudflareRearm, cloudflareScheduled } from "./cloudflare_scheduled.ts";
export type { DurableObjectNamespace, ScheduledHandler } from "./cloudflare_scheduled.ts";
export { denoCron } from "./deno_cron.ts";
export { lambdaScheduled } from "./lambda_scheduled.ts";
export type { LambdaContext, LambdaSliceOptions } from "./lambda_scheduled.ts";
export { fetchHandler } from "./fetch_handler.ts";
export type { FetchHandlerOptions, RequestContext } from "./fetch_handler.ts";
export type { SliceSummary, SliceWorker } from "./slice_worker.ts";
export { webIdentityCredentials } from "./token_credentials.ts";
export type { WebIdentityOptions } from "./token_credentials.ts";
