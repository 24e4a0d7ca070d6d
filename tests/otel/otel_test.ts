/** Spans and metrics by the real SDK of OpenTelemetry, exported into memory. */

import { assert, assertEquals } from "@std/assert";
import { context, propagation, SpanKind, SpanStatusCode, trace } from "npm:@opentelemetry/api@^1.9.0";
import { AsyncLocalStorageContextManager } from "npm:@opentelemetry/context-async-hooks@^2.0.0";
import { W3CTraceContextPropagator } from "npm:@opentelemetry/core@^2.0.0";
import { MeterProvider, MetricReader } from "npm:@opentelemetry/sdk-metrics@^2.0.0";
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from "npm:@opentelemetry/sdk-trace-base@^2.0.0";
import { KinesisWorker, type RecordProcessorFactory, type WorkerEvent } from "../../mod.ts";
import { jsonField, type OtelListener, otelListener, type OtelOptions } from "../../src/otel/mod.ts";
import { simulatedAws } from "../../src/testing/mod.ts";
import { SAMPLE_EVENTS } from "../observe/sample_events.ts";

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
propagation.setGlobalPropagator(new W3CTraceContextPropagator());

/** What a producer put into its records, and what a processor throws: no attribute may hold any of it. */
const CANARY = "canary-4711";

/** Reads when asked, without timers. */
class ReaderByHand extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }
}

/** An SDK of its own for each test. */
class Sdk {
  readonly #spans = new InMemorySpanExporter();
  readonly #tracing = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(this.#spans)] });
  readonly #reader = new ReaderByHand();
  readonly #metering = new MeterProvider({ readers: [this.#reader] });
  readonly tracer = this.#tracing.getTracer("test");

  listener(more: OtelOptions = {}): OtelListener {
    return otelListener({ tracer: this.tracer, meter: this.#metering.getMeter("test"), ...more });
  }

  /** In the order in which they ended. */
  spans(): ReadableSpan[] {
    return this.#spans.getFinishedSpans();
  }

  /** Metrics by name: unit, and each point's attributes with its value, or the count of a histogram. */
  async metrics(): Promise<Record<string, { unit: string; points: [Record<string, unknown>, unknown][] }>> {
    const { resourceMetrics: { scopeMetrics } } = await this.#reader.collect();
    return Object.fromEntries(
      scopeMetrics.flatMap(({ metrics }) => metrics).map(({ descriptor, dataPoints }) => [
        descriptor.name,
        {
          unit: descriptor.unit,
          points: dataPoints.map(({ attributes, value }) => [
            attributes,
            typeof value === "number" ? value : value.count,
          ]),
        },
      ]),
    );
  }

  /** The exporter answers each span in a turn of its own. */
  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
}

/** Runs a worker on two records of one shard until its processor says stop. */
async function run(
  otel: OtelListener,
  processor: (stop: () => void) => RecordProcessorFactory,
  records: readonly string[] = ["one", "two"],
  onEvent: (event: WorkerEvent) => void = () => {},
): Promise<void> {
  const aws = simulatedAws({ streams: { orders: 1 } });
  for (const record of records) aws.stream("orders").put(record, CANARY);
  const stop = new AbortController();
  const worker = new KinesisWorker({
    applicationName: "shop",
    workerIdentifier: "worker-1",
    streamName: "orders",
    region: "us-east-1",
    credentials: { accessKeyId: CANARY, secretAccessKey: CANARY },
    initialPositionInStream: "TRIM_HORIZON",
    retrievalMode: "POLLING",
    onProcessError: "retry",
    taskBackoffTimeMs: 1,
    processor: processor(() => stop.abort()),
    system: aws.system,
    log: false,
    onEvent: (event) => {
      otel.onEvent(event);
      onEvent(event);
    },
  });
  await worker.run(stop.signal);
  otel.close();
}

Deno.test("otelListener() makes the spans of a run with a retry, checkpoints and a handoff", async () => {
  await using sdk = new Sdk();
  const otel = sdk.listener();
  let calls = 0;
  await run(
    otel,
    (stop) =>
      otel.around(() => ({
        async processRecords(_, shard) {
          if (++calls === 1) throw new RangeError(`cannot read ${CANARY}`);
          sdk.tracer.startSpan("mine").end();
          await shard.checkpoint();
          stop();
        },
        shardEnded: (shard) => shard.checkpoint(),
        shutdownRequested: (shard) => shard.checkpoint(),
      })),
  );
  const spans = sdk.spans();
  assertEquals(spans.map(({ name, kind, status }) => [name, SpanKind[kind], SpanStatusCode[status.code]]), [
    ["process orders", "CONSUMER", "ERROR"],
    ["mine", "INTERNAL", "UNSET"],
    ["checkpoint orders", "CLIENT", "UNSET"],
    ["process orders", "CONSUMER", "UNSET"],
    ["shutdownRequested orders", "INTERNAL", "UNSET"],
  ]);
  const [failed, mine, checkpoint, processed] = spans;
  const shared = {
    "messaging.system": "aws_kinesis",
    "messaging.destination.name": "orders",
    "messaging.destination.partition.id": "shardId-000000000000",
    "messaging.consumer.group.name": "shop",
    "messaging.client.id": "worker-1",
    "aws.kinesis.stream_name": "orders",
    "aws.kinesis.shard.id": "shardId-000000000000",
  };
  const { "kclite.first_sequence_number": first, "kclite.last_sequence_number": last, ...others } =
    processed?.attributes ?? {};
  assert(typeof first === "string" && typeof last === "string" && first < last);
  const lagMs = others["kclite.lag_ms"];
  assertEquals(others, {
    ...shared,
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
    "messaging.batch.message_count": 2,
    "kclite.lag_ms": lagMs,
    "kclite.fencing_token": others["kclite.fencing_token"],
    "kclite.attempt": 2,
  });
  assertEquals([failed?.attributes["error.type"], failed?.attributes["kclite.attempt"]], ["RangeError", 1]);
  assertEquals(checkpoint?.attributes, {
    ...shared,
    "messaging.operation.name": "checkpoint",
    "messaging.operation.type": "settle",
  });
  // What the processor starts, and its checkpoint, belong to the call; each call is a trace of its own.
  const id = processed?.spanContext().spanId;
  assertEquals([mine?.parentSpanContext?.spanId, checkpoint?.parentSpanContext?.spanId], [id, id]);
  assertEquals([failed?.parentSpanContext, processed?.parentSpanContext], [undefined, undefined]);
  assert(failed?.spanContext().traceId !== processed?.spanContext().traceId);
});

Deno.test("otelListener() lets no data, key, message or secret into spans and metrics", async () => {
  await using sdk = new Sdk();
  const otel = sdk.listener({ shardMetrics: true, traceContext: jsonField("traceparent") });
  let calls = 0;
  await run(
    otel,
    (stop) =>
      otel.around(() => ({
        processRecords() {
          if (++calls > 1) stop();
          throw new Error(`cannot read ${CANARY}`);
        },
        shardEnded: (shard) => shard.checkpoint(),
      })),
    [`{"secret":"${CANARY}"}`],
  );
  assert(sdk.spans().length >= 2);
  const spans = sdk.spans().map((
    { name, attributes, events, status, links },
  ) => [name, attributes, events, status, links]);
  assertEquals(JSON.stringify([spans, await sdk.metrics()]).includes(CANARY), false);
});

Deno.test("otelListener() makes metrics by the names of the conventions, without shards unless asked", async () => {
  for (const shardMetrics of [false, true]) {
    await using sdk = new Sdk();
    const otel = sdk.listener({ shardMetrics });
    for (
      const event of [
        { ...SAMPLE_EVENTS.workerStarting, streamName: "orders", applicationName: "shop" },
        { ...SAMPLE_EVENTS.leaseGained, leaseKey: "shardId-1", shardId: "shardId-1" },
        {
          ...SAMPLE_EVENTS.requestSent,
          service: "kinesis",
          operation: "GetRecords",
          code: undefined,
          ms: 20,
        },
        { ...SAMPLE_EVENTS.requestSent, service: "dynamodb", operation: "UpdateItem", ms: 3 },
        { ...SAMPLE_EVENTS.pageFetched, leaseKey: "shardId-1", millisBehindLatest: 1500 },
        { ...SAMPLE_EVENTS.pageFetched, leaseKey: "shardId-2", millisBehindLatest: 2500 },
        { ...SAMPLE_EVENTS.callbackStarted, leaseKey: "shardId-1", callback: "processRecords", records: 7 },
        {
          ...SAMPLE_EVENTS.callbackEnded,
          leaseKey: "shardId-1",
          callback: "processRecords",
          ms: 30,
          error: new TypeError("x"),
        },
        { ...SAMPLE_EVENTS.checkpointed, leaseKey: "shardId-1", ms: 4 },
      ] as const
    ) otel.onEvent(event);
    const found = await sdk.metrics();
    const about = (operation: string, shard?: string) => ({
      "messaging.system": "aws_kinesis",
      "messaging.operation.name": operation,
      ...(operation === "GetRecords" ? {} : { "messaging.destination.name": "orders" }),
      "messaging.consumer.group.name": "shop",
      ...(shardMetrics && shard !== undefined ? { "messaging.destination.partition.id": shard } : {}),
    });
    assertEquals(found, {
      "messaging.client.consumed.messages": {
        unit: "{message}",
        points: [[about("process", "shardId-1"), 7]],
      },
      "messaging.process.duration": {
        unit: "s",
        points: [[{ ...about("process", "shardId-1"), "error.type": "TypeError" }, 1]],
      },
      "messaging.client.operation.duration": {
        unit: "s",
        points: [[about("GetRecords"), 1], [about("checkpoint", "shardId-1"), 1]],
      },
      "kclite.consumer.lag": {
        unit: "s",
        points: shardMetrics
          ? [[about("process", "shardId-1"), 1.5], [about("process", "shardId-2"), 2.5]]
          : [[about("process"), 2.5]],
      },
    });
    otel.close();
  }
});

Deno.test("otelListener() links a batch to the traces of its records, up to a hundred, and none that is corrupt", async () => {
  await using sdk = new Sdk();
  const otel = sdk.listener({ traceContext: jsonField("traceparent") });
  const parent = (n: number) => `00-${`${n}`.padStart(32, "a")}-${`${n}`.padStart(16, "b")}-01`;
  const good = Array.from({ length: 103 }, (_, n) => JSON.stringify({ n, traceparent: parent(n) }));
  const bad = ['{"traceparent":"00-zz"}', '{"traceparent":7}', '{"traceparent', "[1]", '"traceparent"', ""];
  await run(
    otel,
    (stop) => otel.around(() => ({ processRecords: stop, shardEnded: (shard) => shard.checkpoint() })),
    [...bad, ...good],
  );
  const [span] = sdk.spans();
  assertEquals(span?.links.length, 100);
  assertEquals(span?.links[0]?.context.traceId, parent(0).split("-")[1]);
  assertEquals(span?.attributes["kclite.links_dropped"], 3);
});

Deno.test("otelListener() without around() makes spans of calls from events, as for programs", async () => {
  await using sdk = new Sdk();
  const otel = sdk.listener();
  await run(otel, (stop) => () => ({
    processRecords: stop,
    shardEnded: (shard) => shard.checkpoint(),
  }));
  const [span] = sdk.spans();
  assertEquals([span?.name, span?.attributes["messaging.batch.message_count"]], ["process orders", 2]);
});

Deno.test("OtelListener.around() changes nothing of a processor: what it returns, leaves out and says of itself", async () => {
  await using sdk = new Sdk();
  const otel = sdk.listener();
  const answer = { batchItemFailures: [{ itemIdentifier: "1" }] };
  let isDisposed = false;
  const make = otel.around(() => ({
    checkpoints: "auto",
    aggregates: "whole",
    processRecords: () => answer,
    shardEnded: () => {},
    dispose: () => void (isDisposed = true),
  }));
  const stream = { streamName: "orders", streamArn: undefined, streamIdentifier: undefined };
  const processor = make("shardId-1", stream);
  assertEquals(Object.keys(processor).toSorted(), [
    "aggregates",
    "checkpoints",
    "dispose",
    "processRecords",
    "shardEnded",
  ]);
  const shard = {
    ...stream,
    shardId: "shardId-1",
    leaseKey: "shardId-1",
    initialCheckpoint: { sequenceNumber: "TRIM_HORIZON", subSequenceNumber: 0 },
    pendingCheckpoint: undefined,
    pendingCheckpointState: undefined,
    fencingToken: { leaseKey: "shardId-1", token: 3 },
    signal: new AbortController().signal,
    checkpoint: () => Promise.resolve(),
    prepareCheckpoint: () => Promise.reject(new Error("not used")),
    transact: () => Promise.reject(new Error("not used")),
    restart: () => {},
  };
  const batch = { records: [], millisBehindLatest: 0, isAtShardEnd: false, childShards: [] };
  assertEquals(await processor.processRecords(batch, shard), answer);
  await processor.dispose?.();
  assert(isDisposed);
  const [span] = sdk.spans();
  assertEquals([span?.status.code, span?.attributes["error.type"]], [
    SpanStatusCode.ERROR,
    "BatchItemFailures",
  ]);
});

Deno.test("otelListener() does nothing where no SDK is registered", async () => {
  assertEquals(trace.getActiveSpan(), undefined);
  const otel = otelListener();
  let calls = 0;
  await run(otel, (stop) =>
    otel.around(() => ({
      async processRecords(_, shard) {
        calls++;
        await shard.checkpoint();
        stop();
      },
      shardEnded: (shard) => shard.checkpoint(),
    })));
  assertEquals(calls, 1);
});
