/**
 * The delivery of a worker with one of the options `errors`, `batch`, `filter` and `concurrency`. Loaded when
 * one of them is set, and not before.
 *
 * @module
 */

import type { DeliveryStarter } from "../consumer/records_delivery.ts";
import { AttemptsByLease } from "./attempts.ts";
import type { FailureSettings } from "./failure_options.ts";
import { filterOf } from "../filters/filter.ts";
import type { PolicySurroundings } from "./giving_up.ts";
import { PolicyDelivery } from "./policy_delivery.ts";

/**
 * Makes what starts deliveries by a policy. What failed before is remembered for all leases of the worker.
 *
 * @throws {TypeError} when the filter is none.
 */
export function policyDeliveries(
  settings: FailureSettings,
  { applicationName, workerId }: Pick<PolicySurroundings, "applicationName" | "workerId">,
): (shared: Pick<PolicySurroundings, "budget" | "connection">) => DeliveryStarter {
  const isWanted = settings.filter === undefined ? undefined : filterOf(settings.filter);
  const attemptsByLease = new AttemptsByLease();
  let calls = 0;
  const nextCall = () => ++calls;
  return ({ budget, connection }) => {
    const surroundings = { applicationName, workerId, connection, budget, isWanted };
    return (recipient, delivery, leave) => {
      const attempts = attemptsByLease.of(delivery.held.lease);
      return new PolicyDelivery({ recipient, delivery, settings, attempts, nextCall, leave, surroundings });
    };
  };
}
