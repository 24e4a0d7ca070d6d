/**
 * Notes what a slice has handed to processors. Only this says what an iterator leaves behind: events are
 * about calls, which may end in another order than their records came.
 *
 * @module
 */

import { type DeliveryStarter, plainDelivery } from "../consumer/records_delivery.ts";
import type { SliceShards } from "./slice_shards.ts";

/** The same deliveries, followed. */
export function followedDelivery(
  start: DeliveryStarter | undefined,
  shards: Pick<SliceShards, "begins" | "handedOver">,
): DeliveryStarter {
  return (recipient, options, leave) => {
    const delivery = (start ?? plainDelivery)(recipient, options, leave);
    shards.begins(options.held.leaseKey, delivery);
    return {
      ended: delivery.ended,
      deliver(page, slice) {
        shards.handedOver(page, slice, options.held.leaseKey);
        return delivery.deliver(page, slice);
      },
      finish: () => delivery.finish(),
      leave: () => delivery.leave(),
    };
  };
}
