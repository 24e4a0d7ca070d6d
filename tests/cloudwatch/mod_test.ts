import { assertEquals, assertGreater, assertStringIncludes, assertThrows } from "@std/assert";
import { KinesisWorker, type WorkerEvent } from "../../mod.ts";
import { cloudWatchMetrics, type CloudWatchOptions } from "../../src/cloudwatch/mod.ts";
import { realSystem, type System } from "../../src/system.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { servedSimulated, simulated } from "../support/simulated.ts";
import { testCredentials } from "../support/test_stream.ts";

const renewed: WorkerEvent = { type: "leaseRenewed", leaseKey: "shardId-0", ms: 5 };

function options(system: System, more: Partial<CloudWatchOptions> = {}): CloudWatchOptions {
  return {
    applicationName: "app",
    region: "us-east-1",
    credentials: testCredentials,
    workerIdentifier: "w-1",
    system,
    onEvent: () => {},
    ...more,
  };
}

Deno.test("cloudWatchMetrics() sends a worker's metrics into the namespace of its application", async () => {
  const { aws, system } = simulated();
  await using metrics = cloudWatchMetrics(options(system));
  metrics.listener(renewed);
  await metrics.close();
  const found = aws.metrics("app");
  assertGreater(found.length, 0);
  const workers = found.map(({ dimensions }) => dimensions["WorkerIdentifier"]);
  assertEquals(workers.filter((name) => name !== undefined && name !== "w-1"), []);
});

Deno.test("cloudWatchMetrics() learns the worker's name from its start, and takes another namespace", async () => {
  const { aws, system } = simulated();
  const metrics = cloudWatchMetrics(options(system, { workerIdentifier: undefined, namespace: "other" }));
  metrics.listener(renewed); // nobody's
  metrics.listener({
    type: "workerStarting",
    applicationName: "app",
    streamName: "words",
    tableName: "app",
    workerId: "w-2",
  });
  metrics.listener(renewed);
  await metrics.close();
  assertGreater(aws.metrics("other").length, 0);
  assertEquals(aws.metrics("app"), []);
});

Deno.test("cloudWatchMetrics() sends nothing by itself where a slice flushes", async () => {
  const { aws, system } = simulated();
  const clock = new FakeClock();
  const metrics = cloudWatchMetrics(options({ ...system, clock }, { autoFlush: false }));
  metrics.listener(renewed);
  await clock.advance(60_000);
  assertEquals([aws.metrics(), clock.pendingMs], [[], []]);
  await metrics.flush();
  assertGreater(aws.metrics("app").length, 0);
});

Deno.test("cloudWatchMetrics() reports what is refused, and how much", async () => {
  const { aws, system } = simulated();
  const lines: string[] = [];
  const onEvent = (event: WorkerEvent) => event.type === "notice" && void lines.push(event.text);
  const metrics = cloudWatchMetrics(options(system, { onEvent }));
  aws.faults.next("PutMetricData", { type: "refused", code: "AccessDeniedException" });
  metrics.listener(renewed);
  await metrics.flush();
  assertStringIncludes(lines.join(), "CloudWatch takes no metrics: ");
  assertGreater(metrics.dropped.get("refused") ?? 0, 0);
  await metrics.close();
});

Deno.test("cloudWatchMetrics() refuses options that cannot be", () => {
  const wrong = (more: object) =>
    assertThrows(() => cloudWatchMetrics(options(realSystem, more as Partial<CloudWatchOptions>))).message;
  const start = "Cannot send metrics: ";
  for (const namespace of ["", ":a", "AWS/a", "é", "a\n", "x".repeat(256)]) {
    assertStringIncludes(wrong({ namespace }), `${start}expected a namespace of 1 to 255`);
  }
  assertStringIncludes(wrong({ region: "" }), `${start}expected region: got none`);
  assertStringIncludes(wrong({ metricsLevel: "ALL" }), `${start}expected metricsLevel to be one of NONE,`);
  assertStringIncludes(
    wrong({ metricsEnabledDimensions: ["Shard"] }),
    "expected metricsEnabledDimensions to be",
  );
  assertStringIncludes(wrong({ metricsBufferTimeMs: NaN }), "must be a finite number >= 100: got NaN");
  assertStringIncludes(wrong({ metricsMaxQueueSize: 0 }), "must be a finite number >= 1: got 0");
  assertStringIncludes(
    wrong({ metricLevel: "NONE" }),
    "there is no option metricLevel: did you mean metricsLevel?",
  );
});

for (const fault of ["hung", "throttled", "500", "refused"] as const) {
  Deno.test(`a worker renews its leases and reads while PutMetricData is ${fault}`, async () => {
    await using bed = servedSimulated({ streams: { words: 2 } });
    let puts = 0;
    const fetch: System["fetch"] = async (input, init) => {
      puts++;
      const { signal } = new Request(input, init);
      if (fault === "hung") {
        return await new Promise((_, reject) => signal.onabort = () => reject(signal.reason));
      }
      const [status, code] = {
        throttled: [400, "ThrottlingException"],
        500: [500, "InternalServiceFault"],
        refused: [403, "AccessDenied"],
      }[fault] as [number, string];
      return Response.json({ __type: code, message: "no" }, { status });
    };
    const metrics = cloudWatchMetrics(
      options(realSystem, { workerIdentifier: undefined, fetch, metricsBufferTimeMs: 100 }),
    );
    const stop = new AbortController();
    const renewals: number[] = [], failures: WorkerEvent[] = [];
    let records = 0;
    const worker = new KinesisWorker({
      applicationName: "app",
      streamName: "words",
      region: "us-east-1",
      credentials: testCredentials,
      kinesisEndpoint: bed.url,
      dynamoDBEndpoint: bed.url,
      failoverTimeMs: 1000,
      initialPositionInStream: "TRIM_HORIZON",
      leaseAssignmentIntervalMs: 200,
      idleTimeBetweenReadsMs: 200,
      log: false,
      processor: () => ({
        async processRecords(batch, context) {
          records += batch.records.length;
          await context.checkpoint();
        },
        shardEnded: (context) => context.checkpoint(),
      }),
      onEvent(event) {
        metrics.listener(event);
        if (event.type === "leaseRenewed") renewals.push(performance.now());
        if (event.type === "leaseLost" || event.type === "leaseRenewalFailed") failures.push(event);
        if (renewals.length >= 8 && records >= 2 && puts > 0) stop.abort();
      },
    });
    for (const key of ["a", "b"]) bed.aws.stream("words").put(key);
    await worker.run(stop.signal);
    const startMs = performance.now();
    await metrics.close();
    assertEquals(failures, []);
    // Two leases, each a third of a second apart.
    const gaps = renewals.slice(1).map((ms, i) => ms - (renewals[i] ?? 0));
    assertEquals(gaps.filter((ms) => ms > 900), []);
    assertEquals(performance.now() - startMs < 3500, true);
  });
}
