/**
 * How the records of a worker reach its processors: one slice after the other, or by the policy that its
 * options ask for. The policy is handed in, so that no worker pays for one that it does not use.
 *
 * @module
 */

import type { DeliveryStarter } from "../consumer/records_delivery.ts";
import type { policyDeliveries } from "../failures/policy.ts";
import type { WorkerSettings } from "../options/setting_groups.ts";
import type { ByteBudget } from "../retrieval/byte_budget.ts";
import type { System } from "../system.ts";
import type { WorkerParts } from "./parts.ts";

/** Makes what starts a delivery, for shards that share memory and a way to call other services. */
export type Deliveries = (shared: {
  readonly budget: ByteBudget;
  readonly parts: Pick<WorkerParts, "credentials">;
  readonly system: System;
}) => DeliveryStarter | undefined;

/** The settings that a policy needs. */
export type PolicySettings = Pick<WorkerSettings, "failures" | "applicationName" | "clients">;

/**
 * Deliveries as the settings ask for them.
 *
 * @param policy Needed where one of the options `errors`, `batch`, `filter` and `concurrency` is set.
 * @throws {TypeError} when a pattern of `filter` is none.
 */
export function deliveriesBy(
  policy: typeof policyDeliveries | undefined,
  { failures, applicationName, clients }: PolicySettings,
  workerId: string,
): Deliveries {
  if (failures === undefined || policy === undefined) return () => undefined;
  const deliveries = policy(failures, { applicationName, workerId });
  return ({ budget, parts: { credentials }, system }) =>
    deliveries({
      budget,
      connection: {
        region: clients.region,
        credentials,
        system,
        endpointOf: (service) =>
          service === "kinesis"
            ? clients.kinesisEndpoint
            : service === "dynamodb"
            ? clients.dynamoDBEndpoint
            : undefined,
      },
    });
}
