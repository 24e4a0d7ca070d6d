import { assert, assertEquals, assertThrows } from "@std/assert";
import { AwsServiceError } from "../../src/errors.ts";
import type { WorkerEvent } from "../../src/events.ts";
import { Totals } from "../../src/observe/totals.ts";
import { type HealthLimits, healthLimits, healthOf } from "../../src/observe/verdict.ts";
import cases from "../cases/health.json" with { type: "json" };
import { FakeClock } from "../support/fake_clock.ts";
import { SAMPLE_EVENTS } from "./sample_events.ts";

/** A sample event at a time, with fields changed; errors are written as text or as a code of AWS. */
interface CaseEvent extends Record<string, unknown> {
  readonly atMs: number;
  readonly type: string;
  readonly times?: number;
  readonly awsError?: string;
  readonly error?: string;
}

interface HealthCase {
  readonly comment: string;
  readonly limits?: Partial<HealthLimits>;
  readonly events: readonly CaseEvent[];
  readonly atMs: number;
  readonly faults: readonly string[];
  readonly says?: string;
  readonly ready: boolean;
}

for (const { comment, limits, events, atMs, faults, says, ready } of cases as readonly HealthCase[]) {
  Deno.test(`healthOf(): ${comment}`, () => {
    const clock = new FakeClock();
    const totals = new Totals(clock);
    for (const event of events) {
      clock.jump(event.atMs - clock.monotonicMs());
      for (let i = 0; i < (event.times ?? 1); i++) totals.listener(workerEvent(event));
    }
    clock.jump(atMs - clock.monotonicMs());
    const health = healthOf(totals.snapshot(), healthLimits(limits));
    assertEquals(health.faults.map(({ code }) => code), [...faults]);
    assertEquals(health.healthy, faults.length === 0);
    assertEquals(health.ready, ready);
    if (says !== undefined) assertEquals(health.faults[0]?.text, says);
  });
}

Deno.test("healthOf() names the lease of a shard's fault, and none for the worker's", () => {
  const clock = new FakeClock();
  const totals = new Totals(clock);
  totals.listener(SAMPLE_EVENTS.leaseGained);
  clock.jump(10_001);
  const leases = healthOf(totals.snapshot()).faults.map(({ code, leaseKey }) => [code, leaseKey]);
  assertEquals(leases, [["notStarted", undefined], ["renewalOverdue", "shardId-000000000000"]]);
});

Deno.test("healthLimits() refuses limits that nothing can keep", () => {
  assertThrows(
    () => healthLimits({ stallLimitMs: 0 }),
    RangeError,
    "stallLimitMs must be a number above 0: got 0",
  );
  assertThrows(
    () => healthLimits({ dataLossLimitMs: 0 }),
    RangeError,
    "dataLossLimitMs must be a number above 0",
  );
  assertEquals(healthLimits({ dataLossLimitMs: undefined }).dataLossLimitMs, undefined);
  assertThrows(() => healthLimits({ failuresInARow: NaN }), RangeError, "got NaN");
  assertEquals(healthLimits({ failoverTimeMs: undefined }).failoverTimeMs, 10_000);
});

function workerEvent({ atMs: _at, times: _times, awsError, type, ...changes }: CaseEvent): WorkerEvent {
  assert(type in SAMPLE_EVENTS, `no event has the type ${type}`);
  const sample = SAMPLE_EVENTS[type as WorkerEvent["type"]];
  const given = changes.error === undefined ? {} : { error: new Error(changes.error) };
  const aws = awsError === undefined ? {} : { error: refusal(awsError) };
  return { ...sample, ...changes, ...given, ...aws } as WorkerEvent;
}

function refusal(code: string): AwsServiceError {
  const retryable = code === "ProvisionedThroughputExceededException";
  return new AwsServiceError({
    service: "kinesis",
    operation: "GetRecords",
    code,
    status: 400,
    requestId: undefined,
    retryable,
    detail: "no",
    body: undefined,
  });
}
