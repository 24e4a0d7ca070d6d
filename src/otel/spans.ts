/**
 * The spans of a worker: `process` for each call of `processRecords`, `checkpoint` for each checkpoint, and
 * one for each other callback.
 *
 * Reads have no spans: a page is read ahead, and its records are handed over later.
 *
 * @module
 */

import { namesFailedRecords } from "../consumer/failed_records.ts";
import type { RecordsBatch, ShardContext } from "../consumer/record_processor.ts";
import type { ProcessorCallback, WorkerEvent } from "../events.ts";
import type { Clock } from "../system.ts";
import {
  type AttributeValues,
  definedAttributes,
  errorType,
  type ShardFacts,
  spanAttributes,
  spanName,
  type WorkerFacts,
} from "./attributes.ts";
import { context, type Link, type Span, SpanKind, SpanStatusCode, trace, type Tracer } from "./api.ts";
import { type BatchLinks, linksOf, type TraceContextOf } from "./links.ts";
import type { CallSpans } from "./traced_processor.ts";

/** What spans need to know. */
export interface WorkerSpansOptions {
  readonly tracer: Tracer;
  readonly traceContext: TraceContextOf | undefined;
  readonly worker: () => WorkerFacts;
  /** Undefined for a lease of which nothing is known. */
  readonly shardOf: (leaseKey: string) => ShardFacts | undefined;
  /** Says when what has ended began. */
  readonly clock: Pick<Clock, "epochMs">;
}

/** See the module. */
export class WorkerSpans implements CallSpans {
  readonly #options: WorkerSpansOptions;
  /** Leases whose processors are called within spans, so that events make none of the same calls. */
  readonly #around = new Set<string>();
  /** Records of calls that run, by lease and call. */
  readonly #records = new Map<string, number>();
  /** Failures in a row of the batch that comes next, by lease. */
  readonly #failures = new Map<string, number>();

  constructor(options: WorkerSpansOptions) {
    this.#options = options;
  }

  /** Takes an event. */
  take(event: WorkerEvent): void {
    switch (event.type) {
      case "callbackStarted":
        this.#records.set(callOf(event), event.records);
        break;
      case "callbackEnded":
        if (event.callback === "processRecords" && !this.#around.has(event.leaseKey)) this.#ended(event);
        this.#records.delete(callOf(event));
        break;
      case "checkpointed":
        this.#checkpoint(event.leaseKey, event.ms, undefined);
        break;
      case "checkpointFailed":
        this.#checkpoint(event.leaseKey, 0, event.error);
        break;
      case "batchFailed":
        this.#failures.set(event.leaseKey, event.attempt);
        break;
      case "batchProcessed":
        this.#failures.delete(event.leaseKey);
        break;
      case "leaseLost":
      case "leaseReleased":
      case "shardCompleted":
        this.#around.delete(event.leaseKey);
        this.#failures.delete(event.leaseKey);
        break;
    }
  }

  /** A span of its own trace for a batch; its records are linked, since a batch has many parents. */
  readonly process: CallSpans["process"] = (batch, shard, call) => {
    const { traceContext } = this.#options;
    const found = traceContext === undefined ? NO_LINKS : linksOf(batch.records, traceContext);
    return this.#within("process", shard, {
      kind: SpanKind.CONSUMER,
      links: found.links,
      attributes: { ...batchAttributes(batch), ...this.#ofDelivery(shard), ...linkAttributes(found) },
    }, call);
  };

  /** A span of its own trace. */
  readonly callback: CallSpans["callback"] = (name, shard, call) =>
    this.#within(name, shard, { kind: SpanKind.INTERNAL, links: [], attributes: {} }, call);

  async #within<T>(
    operation: ProcessorCallback | "process",
    shard: ShardContext,
    { kind, links, attributes }: {
      readonly kind: SpanKind;
      readonly links: Link[];
      readonly attributes: AttributeValues;
    },
    call: () => T | Promise<T>,
  ): Promise<T> {
    this.#around.add(shard.leaseKey);
    const span = this.#start(operation, shard, kind, { links, attributes });
    try {
      const answer = await context.with(trace.setSpan(context.active(), span), call);
      if (operation === "process" && namesFailedRecords(answer)) fail(span, "BatchItemFailures");
      return answer;
    } catch (error) {
      fail(span, errorType(error));
      throw error;
    } finally {
      span.end();
    }
  }

  #start(
    operation: ProcessorCallback | "process",
    shard: ShardFacts,
    kind: SpanKind,
    more: { readonly links?: Link[]; readonly attributes: AttributeValues; readonly startTime?: number },
  ): Span {
    const { tracer, worker } = this.#options;
    const type = operation === "process" ? "process" : undefined;
    const attributes = { ...spanAttributes(operation, type, worker(), shard), ...more.attributes };
    return tracer.startSpan(spanName(operation, shard.streamName), {
      ...more,
      kind,
      root: true,
      attributes: definedAttributes(attributes),
    });
  }

  /** Of a processor that is not called within spans: a program, most often. */
  #ended(event: Extract<WorkerEvent, { readonly type: "callbackEnded" }>): void {
    const { leaseKey, ms, error } = event;
    const records = this.#records.get(callOf(event));
    const shard = this.#options.shardOf(leaseKey);
    if (shard === undefined) return;
    const span = this.#start("process", shard, SpanKind.CONSUMER, {
      attributes: { "messaging.batch.message_count": records },
      startTime: this.#options.clock.epochMs() - ms,
    });
    if (error !== undefined) fail(span, errorType(error));
    span.end();
  }

  /** A child of the call that has made it, where the runtime knows it; else a trace of its own. */
  #checkpoint(leaseKey: string, ms: number, error: unknown): void {
    const { tracer, worker, shardOf } = this.#options;
    const shard = shardOf(leaseKey);
    if (shard === undefined) return;
    const span = tracer.startSpan(spanName("checkpoint", shard.streamName), {
      kind: SpanKind.CLIENT,
      startTime: this.#options.clock.epochMs() - ms,
      attributes: definedAttributes(spanAttributes("checkpoint", "settle", worker(), shard)),
    });
    if (error !== undefined) fail(span, errorType(error));
    span.end();
  }

  #ofDelivery({ leaseKey, fencingToken }: ShardContext): AttributeValues {
    return {
      "kclite.fencing_token": fencingToken.token,
      "kclite.attempt": (this.#failures.get(leaseKey) ?? 0) + 1,
    };
  }
}

/** Names a call among those that run. */
function callOf(
  { leaseKey, call }: { readonly leaseKey: string; readonly call?: number | undefined },
): string {
  return `${call ?? ""} ${leaseKey}`;
}

const NO_LINKS: BatchLinks = { links: [], dropped: 0 };

function batchAttributes({ records, millisBehindLatest }: RecordsBatch): AttributeValues {
  const isSingle = records.length === 1;
  return {
    "messaging.batch.message_count": isSingle ? undefined : records.length,
    "messaging.message.id": isSingle ? records[0]?.sequenceNumber : undefined,
    "kclite.first_sequence_number": records[0]?.sequenceNumber,
    "kclite.last_sequence_number": records.at(-1)?.sequenceNumber,
    "kclite.lag_ms": millisBehindLatest,
  };
}

function linkAttributes({ dropped }: BatchLinks): AttributeValues {
  return dropped === 0 ? {} : { "kclite.links_dropped": dropped };
}

/** Without the message of an error: it may quote a record. */
function fail(span: Span, type: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute("error.type", type);
}
