/**
 * Puts the rules of lanes between a consumer and a processor whose calls may overlap, and between a worker
 * and what its options `errors` and `filter` name.
 *
 * @module
 */

import type {
  BatchResponse,
  PreparedCheckpoint,
  RecordProcessor,
  RecordsBatch,
  ShardContext,
} from "../../consumer/record_processor.ts";
import type { DeadLetterSink } from "../../failures/dead_letter.ts";
// A worker loads it when an option asks for it. What is loaded before takes no time of its own then, which no
// seed would decide.
import "../../failures/policy.ts";
import type { KinesisRecord } from "../../stream/record.ts";
import type { Callback, DeliveryRules, Visit } from "./delivery_rules.ts";
import type { FleetOptions } from "./fleet_options.ts";
import type { LaneCall, LaneOrder, LaneRules } from "./lane_rules.ts";
import type { LeaseRules } from "./lease_rules.ts";

/** What watching takes. */
export interface WatchedLanesOptions {
  /** The process that it runs in. */
  readonly machine: string;
  readonly rules: DeliveryRules;
  readonly lanes: LaneRules;
  readonly leases: LeaseRules;
  /** Whether answers count, as `errors.partial` says. */
  readonly isPartial: boolean;
}

/** Whether the options let records of a shard finish in another order than theirs, or not at all. */
export function haveLanes({ errors, batch, concurrency, filter }: FleetOptions): boolean {
  return [errors, batch, concurrency, filter].some((option) => option !== undefined);
}

/** The order that the options keep, and how many calls they allow at a time. */
export function lanesOf({ concurrency }: FleetOptions): {
  readonly order: LaneOrder;
  readonly perShard: number;
} {
  const { perShard = 1, order = perShard > 1 ? "key" : "shard" } = concurrency ?? {};
  return { perShard, order };
}

/**
 * The same options, with the sink and a filter function watched. Where keys are parked there is always one.
 *
 * @param machine The process that has these options.
 */
export function watchedOptions(options: FleetOptions, lanes: LaneRules, machine: string): FleetOptions {
  const { errors, filter } = options;
  const wanted = filter ?? (lanes.hasPark ? () => true : undefined);
  return {
    ...options,
    ...(errors === undefined
      ? {}
      : { errors: { ...errors, onExhausted: watchedAction(errors.onExhausted, lanes) } }),
    ...(typeof wanted === "function" ? { filter: watchedFilter(wanted, lanes, machine) } : {}),
  };
}

/** The same processor, watched. */
export function watchedLanes(processor: RecordProcessor, options: WatchedLanesOptions): RecordProcessor {
  return new WatchedLanes(processor, options);
}

type Action = NonNullable<FleetOptions["errors"]>["onExhausted"];

function watchedAction(action: Action, lanes: LaneRules): Action {
  if (typeof action !== "object") return action;
  if (action.type === "deadLetter") return { ...action, sink: watchedSink(action.sink, lanes) };
  const { then } = action;
  return typeof then === "object"
    ? { ...action, then: { ...then, sink: watchedSink(then.sink, lanes) } }
    : action;
}

function watchedSink(sink: DeadLetterSink, lanes: LaneRules): DeadLetterSink {
  return {
    name: sink.name,
    async store(letter, connection, signal) {
      await sink.store(letter, connection, signal);
      const { leaseKey, token } = letter.fencingToken;
      lanes.buried(leaseKey, token, letter.records);
    },
  };
}

function watchedFilter(filter: (record: KinesisRecord) => boolean, lanes: LaneRules, machine: string) {
  return (record: KinesisRecord): boolean => {
    const isWanted = filter(record);
    if (isWanted) lanes.taken(machine, record);
    else lanes.filtered(record);
    return isWanted;
  };
}

class WatchedLanes implements RecordProcessor {
  readonly checkpoints?: "auto";
  readonly #processor: RecordProcessor;
  readonly #options: WatchedLanesOptions;
  #visit: Visit | undefined;
  /** Calls of `processRecords` that run. */
  #running = 0;

  constructor(processor: RecordProcessor, options: WatchedLanesOptions) {
    this.#processor = processor;
    this.#options = options;
    if (processor.checkpoints !== undefined) this.checkpoints = processor.checkpoints;
  }

  async initialize(context: ShardContext): Promise<void> {
    await this.#during("initialize", context, () => this.#processor.initialize?.(context));
  }

  async processRecords(batch: RecordsBatch, context: ShardContext): Promise<void | BatchResponse | null> {
    const { rules, lanes } = this.#options;
    const visit = this.#begun(context);
    if (this.#running++ === 0) rules.enter(visit, "processRecords");
    else rules.mayBegin(visit, "processRecords");
    rules.handOver(visit, batch);
    const call = lanes.called(visit, batch);
    let done = 0;
    try {
      const answer = await this.#processor.processRecords(batch, this.#watched(context, call));
      done = this.#doneOf(batch, answer);
      return answer;
    } finally {
      lanes.ended(call, done);
      if (--this.#running === 0) rules.leave(visit);
    }
  }

  async shardEnded(context: ShardContext): Promise<void> {
    await this.#during("shardEnded", context, () => this.#processor.shardEnded(context));
  }

  async shutdownRequested(context: ShardContext): Promise<void> {
    await this.#during("shutdownRequested", context, () => this.#processor.shutdownRequested?.(context));
  }

  async leaseLost(context: ShardContext): Promise<void> {
    await this.#during("leaseLost", context, () => this.#processor.leaseLost?.(context));
  }

  async dispose(): Promise<void> {
    const context = this.#visit?.context;
    if (context === undefined) await this.#processor.dispose?.(); // it was never called
    else await this.#during("dispose", context, () => this.#processor.dispose?.());
    if (this.#visit !== undefined) this.#options.lanes.over(this.#visit);
  }

  #begun(context: ShardContext): Visit {
    if (this.#visit !== undefined) return this.#visit;
    const { rules, lanes, leases, machine } = this.#options;
    const visit = this.#visit = rules.begin(machine, context);
    lanes.begin(visit, leases.leaseOf(context.leaseKey));
    return visit;
  }

  async #during(
    callback: Callback,
    context: ShardContext,
    call: () => void | Promise<void> | undefined,
  ): Promise<void> {
    const { rules } = this.#options;
    const visit = this.#begun(context);
    rules.enter(visit, callback);
    try {
      await call();
    } finally {
      rules.leave(visit);
    }
  }

  /** How many records of a batch are done, from the first on, by what the call returned. */
  #doneOf({ records }: RecordsBatch, answer: void | BatchResponse | null): number {
    const failures = this.#options.isPartial ? answer?.batchItemFailures ?? [] : [];
    const failed = failures.map(({ itemIdentifier }) =>
      records.findIndex(({ sequenceNumber, subSequenceNumber }) =>
        itemIdentifier === `${sequenceNumber}:${subSequenceNumber}`
      )
    );
    return Math.max(0, Math.min(records.length, ...failed));
  }

  #watched(context: ShardContext, call: LaneCall): ShardContext {
    const { lanes } = this.#options;
    return {
      ...context,
      async checkpoint(at): Promise<void> {
        lanes.asked(call);
        await context.checkpoint(at);
      },
      async prepareCheckpoint(at, state): Promise<PreparedCheckpoint> {
        const prepared = await context.prepareCheckpoint(at, state);
        return {
          at: prepared.at,
          async checkpoint(): Promise<void> {
            lanes.asked(call);
            await prepared.checkpoint();
          },
        };
      },
    };
  }
}
