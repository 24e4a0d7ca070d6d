/**
 * How the records of a worker reach its processors. Loads the room of failures where an option asks for it,
 * so that no other worker pays for it.
 *
 * @module
 */

import type { DeliveryStarter } from "../consumer/records_delivery.ts";
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

/**
 * Loads what the settings need.
 *
 * @throws {TypeError} when a pattern of `filter` is none.
 */
export async function loadDeliveries(
  { failures, applicationName, clients }: Pick<
    WorkerSettings,
    "failures" | "applicationName" | "clients"
  >,
  workerId: string,
): Promise<Deliveries> {
  if (failures === undefined) return () => undefined;
  const { policyDeliveries } = await import("../failures/policy.ts");
  const deliveries = policyDeliveries(failures, { applicationName, workerId });
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
