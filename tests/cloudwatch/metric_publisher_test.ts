import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { StatisticDatum } from "../../src/aws/metric_data.ts";
import { MetricPublisher, type PublisherOptions } from "../../src/cloudwatch/metric_publisher.ts";
import type { MetricPoint } from "../../src/cloudwatch/metric_point.ts";
import { MetricTally } from "../../src/cloudwatch/metric_tally.ts";
import { AwsServiceError, CredentialsError } from "../../src/errors.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** What CloudWatch answers to one request. */
type Answer = "ok" | "hang" | Error;

/** A publisher on a clock of its own, and a CloudWatch that answers as it is told; `ok` when nothing is left. */
class PublisherBed {
  readonly clock: FakeClock = new FakeClock();
  readonly tally: MetricTally;
  readonly publisher: MetricPublisher;
  readonly answers: Answer[] = [];
  /** The names in each request that was sent, and when. */
  readonly sent: { atMs: number; namespace: string; data: readonly StatisticDatum[] }[] = [];
  readonly lines: string[] = [];

  constructor(options: Partial<PublisherOptions> = {}, maxQueueSize = 10_000) {
    this.tally = new MetricTally({ level: "DETAILED", dimensions: ["ALL"], maxQueueSize });
    this.publisher = new MetricPublisher({
      cloudWatch: {
        putMetricData: async (namespace, data, signal) => {
          this.sent.push({ atMs: this.clock.monotonicMs(), namespace, data });
          const answer = this.answers.shift() ?? "ok";
          if (answer === "hang") await this.clock.sleep(1e9, signal);
          if (answer instanceof Error) throw answer;
        },
      },
      namespace: "app",
      tally: this.tally,
      clock: this.clock,
      bufferTimeMs: 10_000,
      fullSize: 1000,
      isAutomatic: true,
      notice: (level, text) => void this.lines.push(`${level}: ${text}`),
      ...options,
    });
  }

  add(name: string, value = 1): void {
    const dimensions: MetricPoint["dimensions"] = { Operation: "x" };
    this.publisher.add({ name, unit: "Count", importance: "SUMMARY", dimensions, value });
  }

  /** `10000: a=2 b=1`. */
  get requests(): string[] {
    return this.sent.map(({ atMs, data }) =>
      `${atMs}: ${data.map(({ name, sum }) => `${name}=${sum}`).join(" ")}`
    );
  }
}

const failure = (code: string, status: number, retryable = false) =>
  new AwsServiceError({
    service: "monitoring",
    operation: "PutMetricData",
    code,
    status,
    requestId: undefined,
    retryable,
    detail: "said so",
    body: undefined,
  });
const throttled = failure("ThrottlingException", 400, true);

Deno.test("MetricPublisher flushes a buffer time after the first value, and then waits for the next one", async () => {
  const bed = new PublisherBed();
  await bed.clock.advance(60_000);
  bed.add("a");
  await bed.clock.advance(9_999);
  bed.add("a");
  assertEquals(bed.requests, []);
  await bed.clock.advance(1);
  assertEquals(bed.requests, ["70000: a=2"]);
  // Nothing waits, so that a process can end.
  assertEquals(bed.clock.pendingMs, []);
  await bed.clock.advance(60_000);
  bed.add("b");
  await bed.clock.advance(10_000);
  assertEquals(bed.requests, ["70000: a=2", "140000: b=1"]);
  assertEquals(bed.sent[0]?.namespace, "app");
});

Deno.test("MetricPublisher flushes at once when a request is full, in requests of 1000", async () => {
  const bed = new PublisherBed();
  for (let i = 0; i < 1000; i++) bed.add(`m${i}`);
  await bed.clock.advance(1);
  assertEquals(bed.sent.map(({ atMs, data }) => [atMs, data.length]), [[0, 1000]]);
  for (let i = 0; i < 2500; i++) bed.add(`m${i}`);
  await bed.clock.advance(1);
  assertEquals(bed.sent.map(({ data }) => data.length), [1000, 1000, 1000, 500]);
});

Deno.test("MetricPublisher.close() sends what there is, and takes no more", async () => {
  const bed = new PublisherBed();
  bed.add("a");
  await bed.publisher.close();
  assertEquals(bed.requests, ["0: a=1"]);
  bed.add("b");
  await bed.publisher.close();
  await bed.clock.advance(60_000);
  assertEquals([bed.requests.length, bed.tally.dropped.get("closed"), bed.clock.pendingMs], [1, 1, []]);
});

Deno.test("MetricPublisher.close() ends within two seconds while CloudWatch hangs, and says what was lost", async () => {
  const bed = new PublisherBed();
  bed.answers.push("hang", "hang");
  bed.add("a");
  await bed.clock.advance(10_000); // this request hangs
  bed.add("b");
  const closed = bed.publisher.close();
  await bed.clock.advance(2000);
  await closed;
  assertEquals(bed.requests, ["10000: a=1"]);
  assertEquals(bed.lines, ["warning: 2 metrics were not sent to CloudWatch before the end"]);
  assertEquals([bed.tally.dropped.get("unsent"), bed.clock.pendingMs], [2, []]);
});

Deno.test("MetricPublisher puts back what could not be sent, which joins what comes next", async () => {
  const bed = new PublisherBed();
  bed.answers.push(throttled);
  bed.add("a");
  await bed.clock.advance(10_000);
  bed.add("a", 5);
  bed.add("b");
  await bed.clock.advance(10_000);
  assertEquals(bed.requests, ["10000: a=1", "20000: a=6 b=1"]);
  assertEquals([bed.lines, bed.tally.dropped.size], [[], 0]);
});

Deno.test("MetricPublisher drops at the second failure, says so once, and says when it works again", async () => {
  const bed = new PublisherBed();
  bed.answers.push(...Array(6).fill(failure("InternalServiceFault", 500, true)));
  for (let pass = 0; pass < 7; pass++) {
    bed.add("a");
    await bed.clock.advance(10_000);
  }
  assertEquals(bed.requests.map((request) => request.replace(/^\d+: /, "")), [
    "a=1",
    "a=2",
    "a=1",
    "a=2",
    "a=1",
    "a=2",
    "a=1",
  ]);
  assertEquals(bed.tally.dropped.get("unsent"), 6);
  assertEquals(bed.lines.map((line) => line.slice(0, 44)), [
    "warning: Metrics do not reach CloudWatch: Aw",
    "info: CloudWatch takes metrics again",
  ]);
});

Deno.test("MetricPublisher does not hurry after a failure, however full it is", async () => {
  const bed = new PublisherBed({ fullSize: 2 });
  bed.answers.push(throttled);
  for (const name of ["a", "b", "c"]) bed.add(name);
  await bed.clock.advance(1);
  for (const name of ["a", "b", "c", "d"]) bed.add(name);
  await bed.clock.advance(9_998);
  assertEquals(bed.sent.length, 1);
  await bed.clock.advance(1);
  assertEquals(bed.requests.at(-1), "10000: a=2 b=2 c=2 d=1");
});

Deno.test("MetricPublisher gives up a request that hangs, and tries it once more", async () => {
  const bed = new PublisherBed();
  bed.answers.push("hang");
  bed.add("a");
  await bed.clock.advance(29_999);
  assertEquals(bed.requests, ["10000: a=1"]);
  await bed.clock.advance(1);
  assertEquals(bed.requests, ["10000: a=1", "30000: a=1"]);
});

for (
  const [what, error] of [
    ["AccessDenied", failure("AccessDenied", 403)],
    ["a service that is no CloudWatch", failure("UnknownOperationException", 400)],
    ["no credentials", new CredentialsError("Cannot find credentials")],
  ] as const
) {
  Deno.test(`MetricPublisher says once that it is refused, and tries every five minutes: ${what}`, async () => {
    const bed = new PublisherBed();
    bed.answers.push(error, error);
    for (let pass = 0; pass < 200; pass++) {
      bed.add("a");
      await bed.clock.advance(5000);
    }
    assertEquals(bed.sent.slice(0, 4).map(({ atMs }) => atMs), [10_000, 320_000, 630_000, 640_000]);
    assertEquals(bed.lines.length, 2);
    assertStringIncludes(bed.lines[0] ?? "", "error: CloudWatch takes no metrics: ");
    assertStringIncludes(
      bed.lines[0] ?? "",
      "allow the action cloudwatch:PutMetricData, or set metricsLevel to NONE",
    );
    assertEquals(bed.lines[1], "info: CloudWatch takes metrics again");
    // What is sent after it is of the last ten seconds, not of five minutes.
    assertEquals(bed.requests[2], "630000: a=2");
    assertEquals(bed.tally.dropped.get("refused"), 4);
  });
}

Deno.test("MetricPublisher halves what is too large, and drops what is too large alone", async () => {
  const bed = new PublisherBed();
  const tooLarge = failure("RequestEntityTooLarge", 413);
  for (const name of ["a", "b", "c"]) bed.add(name);
  bed.answers.push(tooLarge, tooLarge, tooLarge);
  await bed.clock.advance(10_000);
  assertEquals(bed.requests.map((request) => request.slice(7)), [
    "a=1 b=1 c=1",
    "a=1 b=1",
    "a=1",
    "b=1",
    "c=1",
  ]);
  assertEquals(bed.tally.dropped.get("refused"), 1);
  assertStringIncludes(bed.lines.join(), "warning: CloudWatch refuses 1 metrics, which are dropped: ");
});

Deno.test("MetricPublisher drops data that CloudWatch calls wrong at once, and sends others", async () => {
  const bed = new PublisherBed();
  for (let i = 0; i < 1500; i++) bed.add(`m${i}`);
  bed.answers.push(failure("InvalidParameterValueException", 400));
  await bed.clock.advance(10_000);
  assertEquals(bed.sent.map(({ data }) => data.length), [1000, 500]);
  assertEquals([bed.tally.dropped.get("refused"), bed.lines.length], [1000, 1]);
});

Deno.test("MetricPublisher says that values are dropped, every ten minutes at the most", async () => {
  const bed = new PublisherBed({}, 2);
  for (let pass = 0; pass < 61; pass++) {
    for (const name of ["a", "b", "c"]) bed.add(name);
    bed.add("a", NaN);
    await bed.clock.advance(10_000);
  }
  assertEquals(bed.lines, [
    "warning: Values of metrics were dropped since the start: 1 for more metrics than metricsMaxQueueSize " +
    "allows, 1 for numbers that CloudWatch does not take",
    "warning: Values of metrics were dropped since the start: 61 for more metrics than metricsMaxQueueSize " +
    "allows, 61 for numbers that CloudWatch does not take",
  ]);
});

Deno.test("MetricPublisher.flush() alone sends where nothing is automatic, and keeps what its signal cuts off", async () => {
  const bed = new PublisherBed({ isAutomatic: false });
  bed.add("a");
  assertEquals(bed.clock.pendingMs, []);
  bed.answers.push("hang");
  const stop = new AbortController();
  const flushed = bed.publisher.flush(stop.signal);
  await bed.clock.untilAsleep();
  stop.abort();
  await flushed;
  await bed.publisher.flush(AbortSignal.abort());
  assertEquals(bed.requests, ["0: a=1"]);
  await bed.publisher.flush();
  assertEquals(bed.requests, ["0: a=1", "0: a=1"]);
  assert(bed.tally.dropped.size === 0 && bed.tally.size === 0);
});
