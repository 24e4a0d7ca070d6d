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

/** Makes what starts a delivery, on the memory that the shards of the worker share. */
export type Deliveries = (budget: ByteBudget) => DeliveryStarter | undefined;

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
  { workerId, parts: { credentials }, system }: {
    readonly workerId: string;
    readonly parts: Pick<WorkerParts, "credentials">;
    readonly system: System;
  },
): Promise<Deliveries> {
  if (failures === undefined) return () => undefined;
  const { policyDeliveries } = await import("../failures/policy.ts");
  return policyDeliveries(failures, {
    applicationName,
    workerId,
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
