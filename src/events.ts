/**
 * All events: metrics, health and the log are listeners to these. An event is a plain value, and its error
 * survives `JSON.stringify`; a listener must not throw and should return at once.
 *
 * @module
 */

import type { LeaseEvent } from "./lease_events.ts";
import type { RequestEvent } from "./request_events.ts";
import type { ShardEvent } from "./shard_events.ts";
import type { WorkerLifeEvent } from "./worker_events.ts";

export type { FleetFault, FleetFaultCode, LeaseEvent, LeaseLossReason } from "./lease_events.ts";
export type { RequestEvent } from "./request_events.ts";
export type { ProcessorCallback, ShardEvent, ShardPhase } from "./shard_events.ts";
export type { LoopPass, WorkerLifeEvent } from "./worker_events.ts";

/**
 * Everything that a worker reports. `shardId` and `leaseKey` differ only with many streams. See
 * docs/observing.md.
 */
export type WorkerEvent = WorkerLifeEvent | LeaseEvent | ShardEvent | RequestEvent;

/** A listener. It must not throw: the worker catches what it throws, goes on, and logs it once. */
export type WorkerEventListener = (event: WorkerEvent) => void;
