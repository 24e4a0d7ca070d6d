/**
 * Loads the rooms that not every program needs: failures where an option asks for it, transactions when one
 * is made. In a file of its own: a bundler follows the imports, and a worker in slices must not reach them.
 *
 * @module
 */

import { type Deliveries, deliveriesBy, type PolicySettings } from "./deliveries.ts";
import type { transact } from "../transact/transact.ts";

/** Loads what `ShardContext.transact` does. */
export async function loadTransact(): Promise<typeof transact> {
  return (await import("../transact/transact.ts")).transact;
}

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
