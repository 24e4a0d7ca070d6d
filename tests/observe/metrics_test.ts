import { assert, assertEquals, assertThrows } from "@std/assert";
import fc from "../support/fast_check.ts";
import { AwsServiceError } from "../../src/errors.ts";
import type { WorkerEvent } from "../../src/events.ts";
import { metricsText } from "../../src/observe/metrics.ts";
import { prometheusText } from "../../src/observe/prometheus.ts";
import { Totals } from "../../src/observe/totals.ts";
import { healthOf } from "../../src/observe/verdict.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { seeded } from "../support/seed.ts";
import { type ReadFamily, readPrometheus } from "./prometheus_reader.ts";
import { sample, SAMPLE_EVENTS } from "./sample_events.ts";

Deno.test("metricsText() is valid before anything has happened, with its counters at 0", () => {
  const families = read(new Totals(new FakeClock()));
  assertEquals(value(families, "kclite_healthy"), 0);
  assertEquals(value(families, "kclite_processed_records_total"), 0);
  assertEquals(value(families, "kclite_leases_lost_total", '{reason="expired"}'), 0);
  assertEquals(families.has("kclite_max_lag_seconds"), false, "an unknown lag must not read as 0");
});

Deno.test("metricsText() tells what the events add up to", () => {
  const clock = new FakeClock(1_700_000_000_000);
  const totals = new Totals(clock);
  const hear = (...events: WorkerEvent[]) => events.forEach(totals.listener);
  hear(
    SAMPLE_EVENTS.workerStarting,
    SAMPLE_EVENTS.workerReady,
    SAMPLE_EVENTS.leadershipGained,
    SAMPLE_EVENTS.assignmentPass,
    SAMPLE_EVENTS.leaseGained,
    SAMPLE_EVENTS.phaseChanged,
    SAMPLE_EVENTS.pageFetched,
    SAMPLE_EVENTS.callbackStarted,
    SAMPLE_EVENTS.callbackEnded,
    sample("batchProcessed", { millisBehindLatest: 2500 }),
    SAMPLE_EVENTS.checkpointed,
    SAMPLE_EVENTS.batchFailed,
    SAMPLE_EVENTS.leaseRenewed,
    SAMPLE_EVENTS.requestSent,
    SAMPLE_EVENTS.requestSent,
    sample("requestSent", { status: 400, code: "ThrottlingException" }),
    SAMPLE_EVENTS.requestRetried,
  );
  clock.jump(2000);
  const families = read(totals);
  const expected: Readonly<Record<string, number>> = {
    'kclite_info{application="orders",stream="orders-stream",table="orders-leases",worker="w1",version="0.1.0"}':
      1,
    "kclite_healthy": 1,
    "kclite_ready": 1,
    "kclite_leader": 1,
    "kclite_leases_held": 1,
    'kclite_shards{phase="processing"}': 1,
    'kclite_shards{phase="waitingOnParents"}': 0,
    "kclite_max_lag_seconds": 2.5,
    'kclite_shard_lag_seconds{shard="shardId-000000000000"}': 2.5,
    'kclite_shard_last_progress_timestamp_seconds{shard="shardId-000000000000"}': 1_700_000_000,
    'kclite_shard_processed_records_total{shard="shardId-000000000000"}': 10,
    "kclite_lease_held_seconds_total": 2,
    "kclite_dynamodb_requests_per_shard_hour": 5400,
    "kclite_fleet_workers": 2,
    "kclite_fleet_leases": 4,
    "kclite_fleet_expired_leases": 1,
    "kclite_fleet_unread_shards": 1,
    'kclite_fleet_max_lag_seconds{shard="shardId-000000000003"}': 4.2,
    "kclite_pages_fetched_total": 1,
    "kclite_fetched_bytes_total": 1000,
    "kclite_processed_records_total": 10,
    "kclite_processed_bytes_total": 1000,
    'kclite_callback_seconds_sum{callback="processRecords"}': 0.04,
    'kclite_callback_seconds_count{callback="processRecords"}': 1,
    'kclite_batches_failed_total{outcome="skipped"}': 1,
    "kclite_skipped_records_total": 10,
    'kclite_checkpoints_total{outcome="succeeded"}': 1,
    'kclite_lease_renewals_total{outcome="succeeded"}': 1,
    'kclite_requests_total{service="dynamodb",operation="UpdateItem",code="ok"}': 2,
    'kclite_requests_total{service="dynamodb",operation="UpdateItem",code="ThrottlingException"}': 1,
    'kclite_request_seconds_sum{service="dynamodb",operation="UpdateItem"}': 0.015,
    'kclite_requests_throttled_total{service="dynamodb",operation="UpdateItem"}': 1,
    'kclite_request_retries_total{service="dynamodb",operation="UpdateItem"}': 1,
  };
  const told = new Map([...families.values()].flatMap(({ samples }) => [...samples]));
  for (const [series, wanted] of Object.entries(expected)) assertEquals(told.get(series), wanted, series);
});

Deno.test("metricsText() tells how many items the leader cannot read as leases, each once, until it gives one away", () => {
  const totals = new Totals(new FakeClock());
  const unreadable = () => value(read(totals), "kclite_unreadable_leases");
  totals.listener(SAMPLE_EVENTS.leaseUnreadable);
  assertEquals(unreadable(), undefined, "a worker that does not lead does not know");
  totals.listener(SAMPLE_EVENTS.leadershipGained);
  assertEquals(unreadable(), 1);
  totals.listener(SAMPLE_EVENTS.leaseUnreadable);
  totals.listener(sample("leaseUnreadable", { leaseKey: "other" }));
  assertEquals(unreadable(), 2);
  totals.listener(sample("leaseAssigned", { leaseKey: "other" }));
  assertEquals(unreadable(), 1);
  totals.listener(SAMPLE_EVENTS.leaseGained);
  assertEquals(unreadable(), 0);
});

Deno.test("metricsText() has no lag of the fleet while the leader knows none, nor from a worker that does not lead", () => {
  const totals = new Totals(new FakeClock());
  const hasLag = () => read(totals).has("kclite_fleet_max_lag_seconds");
  totals.listener(sample("assignmentPass", { maxLagMs: undefined, maxLagLeaseKey: undefined }));
  assertEquals(hasLag(), false);
  totals.listener(SAMPLE_EVENTS.assignmentPass);
  assertEquals(hasLag(), true);
  totals.listener(SAMPLE_EVENTS.leadershipLost);
  assertEquals(hasLag(), false);
});

Deno.test("metricsText() drops a shard's series with its lease and keeps what the worker did", () => {
  const totals = new Totals(new FakeClock());
  totals.listener(SAMPLE_EVENTS.leaseGained);
  totals.listener(SAMPLE_EVENTS.batchProcessed);
  totals.listener(SAMPLE_EVENTS.leaseLost);
  const families = read(totals);
  assertEquals(families.has("kclite_shard_lag_seconds"), false);
  assertEquals(families.has("kclite_max_lag_seconds"), false, "the lag of a lost shard is another worker's");
  assertEquals(value(families, "kclite_processed_records_total"), 10);
  assertEquals(value(families, "kclite_leases_lost_total", '{reason="taken"}'), 1);
});

Deno.test("metricsText() keeps the number of series bounded, whatever the services answer", () => {
  const totals = new Totals(new FakeClock());
  for (let i = 0; i < 1000; i++) totals.listener(sample("requestSent", { code: `Code${i}`, status: 400 }));
  const requests = read(totals).get("kclite_requests_total");
  assertEquals(requests?.samples.size, 201);
  assertEquals(
    requests?.samples.get('kclite_requests_total{service="other",operation="other",code="other"}'),
    800,
  );
});

Deno.test("prometheusText() escapes labels and help, so that reading gives them back", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('"', "\\", "\n", "n", "{", "}", ",", "=", " ", "é") }),
      (text) => {
        const families = readPrometheus(prometheusText([
          {
            name: "a",
            help: `help ${text}`,
            type: "gauge",
            samples: [{ labels: { x: text, y: text }, value: 1.5 }],
          },
        ]));
        assertEquals(families.get("a")?.help, `help ${text}`);
        assertEquals(families.get("a")?.labels, [{ x: text, y: text }]);
      },
    ),
    seeded(),
  );
});

Deno.test("prometheusText() leaves out families without samples and writes infinities", () => {
  assertEquals(prometheusText([{ name: "a", help: "h", type: "gauge", samples: [] }]), "");
  const text = prometheusText([{ name: "a", help: "h", type: "gauge", samples: [{ value: Infinity }] }]);
  assertEquals(text, "# HELP a h\n# TYPE a gauge\na +Inf\n");
});

Deno.test("readPrometheus() objects to broken text, so the tests above can fail", () => {
  for (
    const broken of [
      "# HELP a h\n# TYPE a gauge\na 1",
      "# TYPE a gauge\na 1\n",
      '# HELP a h\n# TYPE a gauge\na{x="1} 1\n',
      '# HELP a h\n# TYPE a gauge\na{x="\\q"} 1\n',
      "# HELP a h\n# TYPE a gauge\na one\n",
      "# HELP a h\n# TYPE a gauge\na 1\na 1\n",
      "# HELP a h\n# TYPE a gauge\nb 1\n",
      "# HELP a h\n# TYPE a counter\na 1\n",
      "# HELP a h\n# TYPE a gauge\n",
    ]
  ) {
    assertThrows(() => readPrometheus(broken), SyntaxError);
  }
});

Deno.test("Totals: whatever events come in whatever order, the metrics stay valid and counters never fall", () => {
  const types = Object.keys(SAMPLE_EVENTS) as WorkerEvent["type"][];
  const keys = ["shardId-1", 'odd "key"\n', "shardId-3"];
  const step = fc.record({
    type: fc.constantFrom(...types),
    key: fc.constantFrom(...keys),
    ms: fc.integer({ min: 0, max: 700_000 }),
    error: fc.constantFrom(undefined, "text", null, Object.create(null), new Error("a\nb"), refusal()),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const clock = new FakeClock();
      const totals = new Totals(clock);
      let before = read(totals);
      for (const { type, key, ms, error } of steps) {
        clock.jump(ms);
        const about = "leaseKey" in SAMPLE_EVENTS[type] ? { leaseKey: key, shardId: key } : {};
        const failed = "error" in SAMPLE_EVENTS[type] ? { error } : {};
        totals.listener({ ...SAMPLE_EVENTS[type], ...about, ...failed } as WorkerEvent);
        const now = read(totals);
        for (const [name, { type: kind, samples }] of before) {
          if (kind !== "counter" || name.startsWith("kclite_shard_p")) continue;
          for (const [series, old] of samples) {
            const next = now.get(name)?.samples.get(series);
            assert(next !== undefined && next >= old, `${series} fell from ${old} to ${next}`);
          }
        }
        before = now;
      }
    }),
    { ...seeded(), numRuns: 50 },
  );
});

function read(totals: Totals): Map<string, ReadFamily> {
  const snapshot = totals.snapshot();
  return readPrometheus(metricsText(snapshot, healthOf(snapshot)));
}

function value(families: Map<string, ReadFamily>, name: string, labels = ""): number | undefined {
  return families.get(name)?.samples.get(name + labels);
}

function refusal(): AwsServiceError {
  return new AwsServiceError({
    service: "dynamodb",
    operation: "UpdateItem",
    code: "AccessDeniedException",
    status: 400,
    requestId: "1",
    retryable: false,
    detail: "no",
    body: undefined,
  });
}

Deno.test("metricsText() counts trimmed checkpoints by what became of the shard, from 0, and not as iterators", () => {
  const totals = new Totals(new FakeClock());
  const name = "kclite_checkpoints_trimmed_total";
  const counts = (families: Map<string, ReadFamily>) =>
    ["trim-horizon", "latest", "stop"].map((outcome) => value(families, name, `{outcome="${outcome}"}`));
  assertEquals(counts(read(totals)), [0, 0, 0]);
  totals.listener(SAMPLE_EVENTS.checkpointTrimmed);
  totals.listener(sample("checkpointTrimmed", { outcome: "stop" }));
  totals.listener(SAMPLE_EVENTS.iteratorExpired);
  assertEquals(counts(read(totals)), [1, 0, 1]);
  assertEquals(value(read(totals), "kclite_iterators_expired_total"), 1);
});

/** A worker whose one shard falls behind by half a minute each minute, of a stream that keeps a day. */
function fallingBehind(millisBehindLatest = 12 * 3_600_000): Totals {
  const clock = new FakeClock();
  const totals = new Totals(clock);
  totals.listener(SAMPLE_EVENTS.workerStarting);
  totals.listener(SAMPLE_EVENTS.streamDescribed);
  totals.listener(SAMPLE_EVENTS.leaseGained);
  for (let minute = 1; minute <= 20; minute++) {
    clock.jump(60_000);
    const behind = millisBehindLatest + minute * 30_000;
    totals.listener(sample("batchProcessed", { millisBehindLatest: behind, ms: 0 }));
  }
  return totals;
}

Deno.test("metricsText() tells when unread records are trimmed, and when at the present pace", () => {
  const families = read(fallingBehind());
  const label = '{shard="shardId-000000000000"}';
  assertEquals(value(families, "kclite_shard_trimmed_in_seconds", label), 42_600);
  assertEquals(value(families, "kclite_min_trimmed_in_seconds"), 42_600);
  assertEquals(value(families, "kclite_data_loss_in_seconds"), 85_200);
});

Deno.test("metricsText() has neither a forecast nor NaN for a lag that is no figure", () => {
  const snapshot = fallingBehind(NaN).snapshot();
  const text = metricsText(snapshot, healthOf(snapshot));
  assertEquals(/trimmed_in|data_loss|lag_seconds|NaN/.exec(text), null);
});

Deno.test("metricsText() without shardMetrics has no series of a shard, and keeps the largest lag", () => {
  const totals = fallingBehind();
  const hostile = 'a"} 1\nkclite_healthy 1 # \\';
  totals.listener(sample("leaseGained", { leaseKey: hostile, shardId: hostile }));
  totals.listener(sample("pageFetched", { leaseKey: hostile, shardId: hostile, millisBehindLatest: 5 }));
  const snapshot = totals.snapshot();
  const health = healthOf(snapshot);
  const all = metricsText(snapshot, health);
  const few = metricsText(snapshot, health, { shardMetrics: false });
  assertEquals(all.split("\n").filter((line) => line === "kclite_healthy 1"), []);
  assertEquals(/shard=/.exec(few), null);
  assertEquals(value(readPrometheus(few), "kclite_max_lag_seconds"), 43_800);
  assertEquals(value(readPrometheus(few), "kclite_min_trimmed_in_seconds"), 42_600);
  const ofShards = [...readPrometheus(all)].filter(([, { samples }]) =>
    [...samples.keys()].some((name) => name.includes("{shard="))
  );
  assertEquals(ofShards.length, 5);
});
