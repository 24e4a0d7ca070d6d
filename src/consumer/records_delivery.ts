/**
 * How the records of a shard reach one processor: a contract. A delivery may finish a slice before it takes
 * the next, as {@linkcode plainDelivery} does. Or it keeps records of several slices at hand, and calls the
 * processor when it finds best.
 *
 * @module
 */

import type { RecordsPage } from "../retrieval/retrieval.ts";
import {
  deliverSlice,
  type DeliveryOptions,
  type Left,
  type Recipient,
  type Restart,
  type SliceOutcome,
} from "./delivery.ts";
import { UNREAD_FAILURES } from "./failed_records.ts";
import type { Slice } from "./slices.ts";

/** How a delivery ends before the end of its shard. */
export type DeliveryEnd = Left | Restart | { readonly type: "givenUp" };

/** One processor's records, from its first slice to the last. Its methods are called one at a time. */
export interface RecordsDelivery {
  /**
   * Aborts when the delivery has ended by itself while the consumer waits for the next slice. Its reason is
   * the {@linkcode DeliveryEnd}.
   */
  readonly ended: AbortSignal;
  /**
   * Takes a slice. Resolves when the next slice may come; the records of this one may be unfinished.
   *
   * @throws {LeaseLostError} when the lease has expired by the clock.
   */
  deliver(page: RecordsPage, slice: Slice): Promise<SliceOutcome>;
  /** No slice follows: the shard has ended. Resolves when every record is finished, or the delivery ends. */
  finish(): Promise<SliceOutcome>;
  /**
   * The processor is to be left, in order or not. Begins no call any more, and resolves when no call is
   * running. What is finished may be checkpointed while the lease is held. Never rejects.
   */
  leave(): Promise<void>;
}

/**
 * Starts a delivery for one processor.
 *
 * @param leave Aborts when the shard is to be left: the lease is lost, or must be drained.
 */
export type DeliveryStarter = (
  recipient: Recipient,
  options: DeliveryOptions,
  leave: AbortSignal,
) => RecordsDelivery;

/** One slice after the other, as `onProcessError` says. */
export function plainDelivery(
  recipient: Recipient,
  options: DeliveryOptions,
  leave: AbortSignal,
): RecordsDelivery {
  let isWarned = false;
  const onUnread = () => {
    if (isWarned) return;
    isWarned = true;
    const { held: { leaseKey }, emit } = options;
    emit({ type: "notice", level: "warning", leaseKey, text: UNREAD_FAILURES });
  };
  return {
    ended: new AbortController().signal,
    deliver: (page, slice) => deliverSlice(page, slice, recipient, options, leave, onUnread),
    finish: () => Promise.resolve({ type: "next" }),
    leave: () => Promise.resolve(),
  };
}
