/**
 * OpenTelemetry: spans and metrics of a worker, by the conventions for messaging.
 *
 * ```ts ignore
 * import { otelListener } from "@kclite/kclite/otel";
 *
 * const otel = otelListener();
 * const worker = new KinesisWorker({
 *   ...options,
 *   processor: otel.around(() => new Orders()), // spans of its code become children of `process`
 *   onEvent: otel.onEvent,
 * });
 * ```
 *
 * It needs the package `@opentelemetry/api`, and an SDK that the program registers. In Deno `OTEL_DENO=true`
 * is enough. Without an SDK every call does nothing. See docs/otel.md.
 *
 * @module
 */

import type { RecordProcessorFactory } from "../consumer/record_processor.ts";
import type { WorkerEvent, WorkerEventListener } from "../events.ts";
import { parseIdentifier } from "../stream/stream_identifier.ts";
import { realClock } from "../system.ts";
import { VERSION } from "../version.ts";
import { type Meter, metrics, trace, type Tracer } from "./api.ts";
import type { ShardFacts, WorkerFacts } from "./attributes.ts";
import { Instruments } from "./instruments.ts";
import type { TraceContextOf } from "./links.ts";
import { WorkerSpans } from "./spans.ts";
import { tracedProcessor } from "./traced_processor.ts";

export { jsonField, type TraceCarrier, type TraceContextOf } from "./links.ts";

/** Options of {@linkcode otelListener}. */
export interface OtelOptions {
  /**
   * Makes spans.
   *
   * @default that of the registered SDK, named `kclite`
   */
  readonly tracer?: Tracer | undefined;
  /**
   * Makes instruments.
   *
   * @default that of the registered SDK, named `kclite`
   */
  readonly meter?: Meter | undefined;
  /**
   * Finds the trace in which a record was put, for a link from the batch to it. `jsonField("traceparent")`
   * reads a field of JSON records.
   *
   * @default no link: no record is read
   */
  readonly traceContext?: TraceContextOf | undefined;
  /**
   * Whether metrics have `messaging.destination.partition.id`, the shard. Each shard then has series of its
   * own. Spans always have it.
   *
   * @default {false}
   */
  readonly shardMetrics?: boolean | undefined;
}

/** What a worker is given. */
export interface OtelListener {
  /** For the option `onEvent`. */
  readonly onEvent: WorkerEventListener;
  /**
   * For the option `processor`: the same processors, each call within a span. Without it there are spans of
   * calls too, but none of their own code below them.
   */
  readonly around: (processor: RecordProcessorFactory) => RecordProcessorFactory;
  /** Ends the observation of the lag. Spans and other metrics end by themselves. */
  readonly close: () => void;
}

/** Source: the version of the conventions whose names are used. */
const SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0";

/** Makes spans and metrics of one worker. */
export function otelListener(options: OtelOptions = {}): OtelListener {
  const how = { schemaUrl: SCHEMA_URL };
  const {
    tracer = trace.getTracerProvider().getTracer("kclite", VERSION, how),
    meter = metrics.getMeter("kclite", VERSION, how),
    traceContext,
    shardMetrics: hasShards = false,
  } = options;
  const known = new KnownFacts();
  const worker = () => known.worker;
  const shardOf = (leaseKey: string) => known.shardOf(leaseKey);
  const instruments = new Instruments({ meter, hasShards, worker, shardOf });
  const spans = new WorkerSpans({ tracer, traceContext, worker, shardOf, clock: realClock });
  return {
    onEvent(event) {
      known.take(event);
      instruments.take(event);
      spans.take(event);
    },
    around: (processor) =>
      Object.assign(
        (...given: Parameters<RecordProcessorFactory>) => tracedProcessor(processor(...given), spans),
        { payloads: processor.payloads, stores: processor.stores },
      ),
    close: () => instruments.close(),
  };
}

/** What events have said of the worker and its shards. */
class KnownFacts {
  #worker: WorkerFacts = { applicationName: undefined, workerId: undefined };
  #streamName: string | undefined;
  readonly #shardIds = new Map<string, string>();

  get worker(): WorkerFacts {
    return this.#worker;
  }

  take(event: WorkerEvent): void {
    if (event.type === "workerStarting") {
      const { applicationName, workerId, streamName } = event;
      this.#worker = { applicationName, workerId };
      this.#streamName = streamName;
    } else if (event.type === "leaseGained") this.#keep(event.leaseKey, event.shardId);
  }

  /** Only where a key does not end in its shard's id: else the map would grow with every reshard. */
  #keep(leaseKey: string, shardId: string): void {
    if (shardIdIn(leaseKey) === shardId) this.#shardIds.delete(leaseKey);
    else this.#shardIds.set(leaseKey, shardId);
  }

  /** With many streams the lease's key says of which one it is. */
  shardOf(leaseKey: string): ShardFacts | undefined {
    const identifier = parseIdentifier(leaseKey.slice(0, Math.max(0, leaseKey.lastIndexOf(":"))));
    const streamName = identifier?.streamName ?? this.#streamName;
    if (streamName === undefined) return undefined;
    return {
      streamName,
      shardId: this.#shardIds.get(leaseKey) ?? shardIdIn(leaseKey),
    };
  }
}

function shardIdIn(leaseKey: string): string {
  return leaseKey.slice(leaseKey.lastIndexOf(":") + 1);
}
