import { assertEquals, assertMatch } from "@std/assert";
import type { WorkerEvent } from "../../src/events.ts";
import { FaultWatch } from "../../src/observe/fault_watch.ts";
import { healthLimits } from "../../src/observe/verdict.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { serviceError } from "../support/scripted_kinesis.ts";
import { sample, SAMPLE_EVENTS } from "./sample_events.ts";

/** A watch of a worker that holds one lease, and what it has said, each with its time in seconds. */
function watched(taskWarningMs?: number) {
  const clock = new FakeClock();
  const watch = new FaultWatch({ clock, limits: healthLimits(), taskWarningMs });
  const said: string[] = [];
  const look = () => {
    for (const event of watch.look()) {
      const more = event.type === "faultBegan"
        ? `${event.level} ${event.text}`
        : `after ${event.ms / 1000} s`;
      const { type, code, leaseKey } = event;
      said.push(`${clock.monotonicMs() / 1000} ${type} ${code} ${leaseKey?.slice(-1) ?? "-"} ${more}`);
    }
  };
  const hear = (...events: WorkerEvent[]) => events.forEach(watch.listener);
  hear(SAMPLE_EVENTS.workerStarting, SAMPLE_EVENTS.workerReady, SAMPLE_EVENTS.leaseGained);
  return {
    clock,
    said,
    hear,
    look,
    /** Lets seconds pass, with something that happens in each, and a look. */
    pass(seconds: number, each: () => void = () => {}) {
      for (let i = 0; i < seconds; i++) {
        clock.jump(1000);
        each();
        look();
      }
    },
  };
}

const alive = [SAMPLE_EVENTS.leaseRenewed, SAMPLE_EVENTS.pageFetched];

Deno.test("FaultWatch says a fault once, when it begins and when it ends", () => {
  const { said, hear, pass } = watched();
  hear(sample("phaseChanged", { phase: "processing" }));
  pass(20, () => hear(SAMPLE_EVENTS.pageFetched));
  pass(5, () => hear(...alive));
  assertEquals(said, [
    "11 faultBegan renewalOverdue 0 error The lease has not been renewed for 11.0 s.",
    "21 faultEnded renewalOverdue 0 after 10 s",
  ]);
});

Deno.test("FaultWatch says that a fault is over when its lease is no longer held, and says a new one anew", () => {
  const { said, hear, pass } = watched();
  pass(12);
  hear(SAMPLE_EVENTS.leaseLost);
  pass(1);
  hear(SAMPLE_EVENTS.leaseGained);
  pass(12);
  assertEquals(said.map((line) => line.split(" ").slice(0, 3).join(" ")), [
    "11 faultBegan renewalOverdue",
    "13 faultEnded renewalOverdue",
    "24 faultBegan renewalOverdue",
  ]);
});

Deno.test("FaultWatch says the faults of each lease and of the worker by themselves", () => {
  const { said, hear, pass } = watched();
  hear(sample("leaseGained", { leaseKey: "shardId-000000000001", shardId: "shardId-000000000001" }));
  pass(
    12,
    () => hear(sample("passFailed", { pass: "discovery" }), sample("passFailed", { pass: "cleanup" })),
  );
  assertEquals(said.map((line) => line.split(" ").slice(0, 4).join(" ")).toSorted(), [
    "11 faultBegan renewalOverdue 0",
    "11 faultBegan renewalOverdue 1",
    "12 faultBegan passFailing -",
  ]);
});

Deno.test("FaultWatch leaves the start and the end of a worker to lines of their own", () => {
  const { said, hear, pass } = watched();
  hear(SAMPLE_EVENTS.workerStarting);
  pass(5);
  hear(sample("initializationFailed", { attempt: 9 }));
  pass(2);
  hear(SAMPLE_EVENTS.workerStopped);
  pass(20);
  assertEquals(said, []);
});

Deno.test("FaultWatch warns of a callback that takes longer than it should, and calls it a fault at its limit", () => {
  const { said, hear, pass } = watched(5000);
  hear(SAMPLE_EVENTS.callbackStarted);
  pass(302, () => hear(...alive));
  hear(SAMPLE_EVENTS.callbackEnded);
  pass(1, () => hear(...alive));
  assertEquals(said, [
    "6 faultBegan callbackSlow 0 warning processRecords has been running for 6.0 s on 10 records.",
    "301 faultBegan callbackOverdue 0 error processRecords has not returned for 5 min 1 s.",
    "303 faultEnded callbackOverdue 0 after 2 s",
    "303 faultEnded callbackSlow 0 after 297 s",
  ]);
  const quiet = watched();
  quiet.hear(SAMPLE_EVENTS.callbackStarted);
  quiet.pass(200, () => quiet.hear(...alive));
  assertEquals(quiet.said, []);
});

Deno.test("FaultWatch warns of ten minutes of throttled reads, though some succeed", () => {
  const { said, hear, pass } = watched();
  const error = serviceError("ProvisionedThroughputExceededException", true);
  let second = 0;
  const throttled = () => {
    hear(...alive);
    if (second++ % 50 === 0) hear(sample("fetchFailed", { error }));
  };
  pass(700, throttled);
  assertEquals(said.length, 1);
  assertMatch(
    `${said[0]}`,
    /^6[0-5]\d faultBegan readsDisturbed 0 warning Reads have failed again and again, 13 times within 10 min: .*Provisioned/,
  );
  pass(70, () => hear(...alive));
  assertMatch(`${said[1]}`, /faultEnded readsDisturbed 0 after \d+ s$/);
});

Deno.test("FaultWatch says nothing of reads that are throttled now and then", () => {
  const { said, hear, pass } = watched();
  let second = 0;
  pass(1300, () => {
    hear(...alive);
    if (second++ % 70 === 0) hear(sample("fetchFailed", { error: serviceError("Throttling", true) }));
  });
  assertEquals(said, []);
});

Deno.test("FaultWatch says of reads that never succeed that they are broken, after a minute", () => {
  const { said, hear, pass } = watched();
  const error = serviceError("NetworkError", true);
  hear(sample("phaseChanged", { phase: "processing" }), sample("fetchFailed", { error }));
  pass(62, () => hear(SAMPLE_EVENTS.leaseRenewed, sample("fetchFailed", { error })));
  assertEquals(said.length, 1);
  assertMatch(
    `${said[0]}`,
    /^61 faultBegan readsFailing 0 error Reads have failed for 1 min 1 s: .*NetworkError/,
  );
});

Deno.test("FaultWatch warns while unread records come near to being trimmed, and says a fault when loss is certain", () => {
  const { clock, said, hear, look } = watched();
  const hour = 3_600_000;
  hear(SAMPLE_EVENTS.streamDescribed);
  const minutes = (count: number, lag: (minute: number) => number) => {
    for (let minute = 1; minute <= count; minute++) {
      clock.jump(60_000);
      hear(sample("batchProcessed", { millisBehindLatest: lag(minute), ms: 0 }), SAMPLE_EVENTS.leaseRenewed);
      look();
    }
  };
  minutes(40, () => 20 * hour);
  minutes(40, (minute) => 20 * hour + minute * 60_000);
  minutes(40, (minute) => 20 * hour - minute * 600_000);
  assertEquals(said.map((line) => line.split(" ").slice(0, 5).join(" ")), [
    "660 faultBegan trimmedUnreadSoon 0 warning",
    "2880 faultEnded trimmedUnreadSoon 0 after",
    "2880 faultBegan dataLossAhead 0 error",
    // The trend turns, and then the reader clearly catches up.
    "5040 faultEnded dataLossAhead 0 after",
    "5040 faultBegan trimmedUnreadSoon 0 warning",
    "5460 faultEnded trimmedUnreadSoon 0 after",
  ]);
});
