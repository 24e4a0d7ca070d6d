/**
 * The policy as an option: for workers that cannot load it by themselves.
 *
 * @module
 */

import { failureSettings } from "../options/failure_checks.ts";
import { errorRule } from "../options/policy_text.ts";
import { policyDeliveries as deliveries } from "./policy.ts";

/** Delivers records as `errors`, `batch`, `filter` and `concurrency` say. What is in it is ours alone. */
export interface DeliveryPolicy {
  /** Its kind. */
  readonly type: "policyDeliveries";
}

/** What is in it. */
export interface PolicyEngine extends DeliveryPolicy {
  readonly deliveries: typeof deliveries;
  readonly settings: typeof failureSettings;
  readonly rule: typeof errorRule;
}

const engine: PolicyEngine = {
  type: "policyDeliveries",
  deliveries,
  settings: failureSettings,
  rule: errorRule,
};

/**
 * The option `policy` of an `EdgeWorker` of `@kclite/kclite/edge`: set it where `errors`, `batch`, `filter`
 * or `concurrency` is set. A `KinesisWorker` needs none.
 */
export const policyDeliveries: DeliveryPolicy = engine;
