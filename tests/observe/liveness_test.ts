import { assertEquals } from "@std/assert";
import { AwsServiceError, CredentialsError, LeaseTableError } from "../../src/errors.ts";
import type { WorkerEvent } from "../../src/events.ts";
import { livenessOf } from "../../src/observe/liveness.ts";
import { Totals } from "../../src/observe/totals.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { serviceError } from "../support/scripted_kinesis.ts";
import { sample, SAMPLE_EVENTS } from "./sample_events.ts";

/** A running worker that hears events, each some ms after the one before. */
function codesAfter(...events: readonly (WorkerEvent | number)[]): readonly string[] {
  const clock = new FakeClock();
  const totals = new Totals(clock);
  const running = [SAMPLE_EVENTS.workerStarting, SAMPLE_EVENTS.workerReady, SAMPLE_EVENTS.eventLoopTurned];
  for (const event of [...running, ...events]) {
    if (typeof event === "number") clock.jump(event);
    else totals.listener(event);
  }
  return livenessOf(totals.snapshot()).faults.map(({ code }) => code);
}

Deno.test("livenessOf() tells of a callback that does not return, also of a shard that is no longer held", () => {
  const { leaseGained, callbackStarted, leaseLost, eventLoopTurned } = SAMPLE_EVENTS;
  const turns = Array(61).fill([5000, eventLoopTurned]).flat();
  assertEquals(codesAfter(leaseGained, callbackStarted, leaseLost, ...turns), ["callbackOverdue"]);
});

Deno.test("livenessOf() tells of the one call that does not return, while others beside it do", () => {
  const { leaseGained, eventLoopTurned } = SAMPLE_EVENTS;
  const started = (call: number) => sample("callbackStarted", { call });
  const ended = (call: number) => sample("callbackEnded", { call });
  const minutes = Array.from({ length: 6 }, (_, index) => {
    const call = index + 2;
    const turns = Array(11).fill([5000, eventLoopTurned]).flat();
    return [started(call), ...turns, 5000, ended(call)];
  }).flat();
  assertEquals(codesAfter(leaseGained, started(1), ...minutes, eventLoopTurned), ["callbackOverdue"]);
  assertEquals(codesAfter(leaseGained, started(1), ...minutes, ended(1), eventLoopTurned), []);
});

Deno.test("livenessOf() tells of a worker that a part of itself has ended, and not of one that others have", () => {
  const stopped = (error: unknown) => codesAfter(sample("workerStopped", { error }));
  assertEquals(stopped(new Error('The loop "discovery" of the worker has ended by itself')), ["loopEnded"]);
  const surroundings = [
    undefined,
    serviceError("AccessDeniedException"),
    new LeaseTableError("Cannot use lease table"),
    new CredentialsError("no keys"),
  ];
  for (const error of surroundings) assertEquals(stopped(error), [], String(error));
});

Deno.test("livenessOf() does not restart a worker that cannot start, nor one that leads badly", () => {
  const clock = new FakeClock();
  const totals = new Totals(clock);
  for (const event of [SAMPLE_EVENTS.workerStarting, SAMPLE_EVENTS.initializationFailed]) {
    totals.listener(event);
  }
  clock.jump(3_600_000);
  assertEquals(livenessOf(totals.snapshot()), { alive: true, faults: [] });
  totals.listener(sample("workerStopped", { error: new TypeError("Cannot use stream") }));
  assertEquals(livenessOf(totals.snapshot()).alive, true, "its options are no reason");
  const { passFailed, fleetAudited, leaseUnreadable, fetchFailed } = SAMPLE_EVENTS;
  assertEquals(codesAfter(passFailed, 30_000, passFailed, fleetAudited, leaseUnreadable, fetchFailed), []);
  const error = new AwsServiceError({ ...serviceError("ExpiredTokenException") });
  assertEquals(codesAfter(sample("passFailed", { error }), 50_000), []);
});
