/**
 * The clients and stores of one slice: those of any worker, with each request counted.
 *
 * @module
 */

import type { RecordProcessorFactory } from "../consumer/record_processor.ts";
import type { WorkerEventListener } from "../events.ts";
import type { LeaseStore } from "../lease/lease_store.ts";
import type { SliceLock, SliceStore } from "../lease/coordinator_store.ts";
import type { WorkerOptions } from "../options/options.ts";
import type { WorkerSettings } from "../options/setting_groups.ts";
import type { ExtendedSequenceNumber } from "../stream/sequence_number.ts";
import type { System } from "../system.ts";
import type { TransactionParts } from "../transact/transactions.ts";
import type { Deliveries } from "../worker/deliveries.ts";
import { partsOf, type WorkerParts } from "../worker/parts.ts";
import type { FanOutParts } from "./enhanced_fan_out.ts";
import { aroundCalls, type Requests } from "./requests.ts";
import type { LeasesMode } from "./slice_options.ts";

/** An iterator that an earlier slice has left. */
export interface KeptIterator {
  readonly iterator: string;
  /** The checkpoint at which it continues. */
  readonly checkpoint: ExtendedSequenceNumber;
  /** Monotonic ms at which it came. */
  readonly sinceMs: number;
}

/** What slices of one worker share. */
export interface SliceHost {
  readonly workerId: string;
  readonly mode: LeasesMode;
  readonly options: WorkerOptions;
  readonly processor: RecordProcessorFactory;
  /** As slices take them. */
  readonly settings: WorkerSettings;
  /** When to look again at a shard that was just busy, and at one that is quiet, in ms. */
  readonly idleMs: readonly [number, number];
  readonly system: System;
  readonly emit: WorkerEventListener;
  /** Undefined where enhanced fan-out is not used. */
  readonly fanOut: FanOutParts | undefined;
  /** Undefined where processors may not call `context.transact`. */
  readonly transactions: TransactionParts | undefined;
  /** How records reach the processors of a slice. */
  readonly deliveries: Deliveries;
  /** The lock that the last slice may have left, if it could not give it back. */
  leftLock: SliceLock | undefined;
  /** Iterators from slice to slice, by lease key. */
  readonly kept: Map<string, KeptIterator>;
}

/** What one slice talks to. */
export interface SliceParts extends WorkerParts {
  readonly sliceStore: SliceStore;
  readonly system: System;
}

/**
 * Makes the parts of one slice.
 *
 * @param onResult Called with what each call to the lease table returned.
 */
export function sliceParts(
  { options, settings, system: uncounted, fanOut }: SliceHost,
  requests: Requests,
  { emit, onResult }: {
    readonly emit: WorkerEventListener;
    readonly onResult: (method: string, result: unknown) => void;
  },
): SliceParts {
  const system = requests.counting(uncounted);
  const counted = <T extends object>(part: T | undefined) => part && requests.counted(part);
  const { kinesis, leaseStore, coordinatorStore } = options;
  const given = {
    ...options,
    kinesis: counted(kinesis),
    leaseStore: counted(leaseStore),
    coordinatorStore: counted(coordinatorStore),
  };
  const parts = partsOf(given, settings, { system, emit }, fanOut?.signedKinesisConsumers);
  const watched = aroundCalls<LeaseStore>(parts.leaseStore, async (method, call) => {
    const result = await call();
    onResult(method, result);
    return result;
  });
  return { ...parts, leaseStore: watched, sliceStore: sliceStoreOf(parts), system };
}

/** The store of slice locks. @throws {TypeError} when the store that was given has none. */
export function sliceStoreOf({ coordinatorStore }: WorkerParts): SliceStore {
  const store = coordinatorStore as unknown as Partial<SliceStore>;
  if (typeof store.lockSlice === "function" && typeof store.unlockSlice === "function") {
    return store as SliceStore;
  }
  throw new TypeError(
    "Cannot start worker: expected coordinatorStore to have lockSlice() and unlockSlice(), for slices: got none: add them",
  );
}
