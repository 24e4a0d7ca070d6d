/**
 * Metrics of OpenTelemetry from the events of a worker.
 *
 * @module
 */

import type { WorkerEvent } from "../events.ts";
import {
  definedAttributes,
  errorType,
  metricAttributes,
  type ShardFacts,
  type WorkerFacts,
} from "./attributes.ts";
import type { Counter, Histogram, Meter, ObservableGauge, ObservableResult } from "./api.ts";

/** Source: OpenTelemetry semantic conventions, messaging metrics, buckets of durations in seconds. */
const SECONDS = [.005, .01, .025, .05, .075, .1, .25, .5, .75, 1, 2.5, 5, 7.5, 10];

/** Operations that move records. All others are seen as requests alone. */
const CLIENT_OPERATIONS: ReadonlySet<string> = new Set(["GetRecords", "SubscribeToShard"]);

/** What the instruments need to know. */
export interface InstrumentsOptions {
  readonly meter: Meter;
  /** Whether metrics have the shard's id. */
  readonly hasShards: boolean;
  readonly worker: () => WorkerFacts;
  /** Undefined for a lease of which nothing is known. */
  readonly shardOf: (leaseKey: string) => ShardFacts | undefined;
}

/** The instruments. */
export class Instruments {
  readonly #options: InstrumentsOptions;
  readonly #consumed: Counter;
  readonly #processing: Histogram;
  readonly #operations: Histogram;
  readonly #lag: ObservableGauge;
  readonly #observe: (result: ObservableResult) => void;
  readonly #lagsMs = new Map<string, number>();

  constructor(options: InstrumentsOptions) {
    this.#options = options;
    const { meter } = options;
    const advice = { explicitBucketBoundaries: SECONDS };
    this.#consumed = meter.createCounter("messaging.client.consumed.messages", {
      unit: "{message}",
      description: "Records given to the processor, after de-aggregation",
    });
    this.#processing = meter.createHistogram("messaging.process.duration", {
      unit: "s",
      description: "Time of calls of processRecords",
      advice,
    });
    this.#operations = meter.createHistogram("messaging.client.operation.duration", {
      unit: "s",
      description: "Time of reads and checkpoints",
      advice,
    });
    this.#lag = meter.createObservableGauge("kclite.consumer.lag", {
      unit: "s",
      description: "How far behind the tip held shards are",
    });
    this.#observe = (result) => this.#observeLag(result);
    this.#lag.addCallback(this.#observe);
  }

  /** Takes an event. */
  take(event: WorkerEvent): void {
    switch (event.type) {
      case "callbackStarted":
        if (event.callback === "processRecords" && event.records > 0) {
          this.#consumed.add(event.records, this.#attributes("process", event.leaseKey));
        }
        break;
      case "callbackEnded":
        if (event.callback === "processRecords") {
          this.#processing.record(event.ms / 1000, {
            ...this.#attributes("process", event.leaseKey),
            ...(event.error === undefined ? {} : { "error.type": errorType(event.error) }),
          });
        }
        break;
      case "requestSent":
        if (CLIENT_OPERATIONS.has(event.operation)) {
          this.#operations.record(event.ms / 1000, {
            ...this.#attributes(event.operation, undefined),
            ...(event.code === undefined ? {} : { "error.type": event.code }),
          });
        }
        break;
      case "checkpointed":
        this.#operations.record(event.ms / 1000, this.#attributes("checkpoint", event.leaseKey));
        break;
      case "pageFetched":
      case "batchProcessed":
        if (event.millisBehindLatest !== undefined) {
          this.#lagsMs.set(event.leaseKey, event.millisBehindLatest);
        }
        break;
      case "leaseLost":
      case "leaseReleased":
      case "shardCompleted":
        this.#lagsMs.delete(event.leaseKey);
        break;
    }
  }

  /** Observes no more. */
  close(): void {
    this.#lag.removeCallback(this.#observe);
  }

  #attributes(operation: string, leaseKey: string | undefined): Record<string, string | number | boolean> {
    const { hasShards, worker, shardOf } = this.#options;
    const shard = leaseKey === undefined ? undefined : shardOf(leaseKey);
    const facts = hasShards
      ? shard ?? {}
      : { ...(shard === undefined ? {} : { streamName: shard.streamName }) };
    return definedAttributes(metricAttributes(operation, worker(), facts));
  }

  /** Of each shard, or of each stream the largest. */
  #observeLag(result: ObservableResult): void {
    const { hasShards } = this.#options;
    const largest = new Map<string, { readonly ms: number; readonly leaseKey: string }>();
    for (const [leaseKey, ms] of this.#lagsMs) {
      const group = hasShards ? leaseKey : this.#options.shardOf(leaseKey)?.streamName ?? "";
      if (ms >= (largest.get(group)?.ms ?? 0)) largest.set(group, { ms, leaseKey });
    }
    for (const { ms, leaseKey } of largest.values()) {
      result.observe(ms / 1000, this.#attributes("process", leaseKey));
    }
  }
}
