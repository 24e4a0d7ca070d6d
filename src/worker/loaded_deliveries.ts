/**
 * Loads the room of failures where an option asks for it. In a file of its own: a bundler follows the import,
 * and a worker in slices must not reach it.
 *
 * @module
 */

import { type Deliveries, deliveriesBy, type PolicySettings } from "./deliveries.ts";

/**
 * Loads what the settings need.
 *
 * @throws {TypeError} when a pattern of `filter` is none.
 */
export async function loadDeliveries(settings: PolicySettings, workerId: string): Promise<Deliveries> {
  const { policyDeliveries } = settings.failures === undefined
    ? { policyDeliveries: undefined }
    : await import("../failures/policy.ts");
  return deliveriesBy(policyDeliveries, settings, workerId);
}
