import { assert, assertEquals, assertMatch } from "@std/assert";
import { AwsServiceError, LeaseLostError } from "../../src/errors.ts";
import type { WorkerEvent } from "../../src/events.ts";
import { type LogLine, logLine } from "../../src/observe/log_lines.ts";
import { quietLog } from "../../src/observe/quiet_log.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { sample, SAMPLE_EVENTS } from "./sample_events.ts";

/** Every event's line as `level text`; undefined where it has none. */
const LINES: { readonly [Type in WorkerEvent["type"]]: string | undefined } = {
  workerStarting:
    "info Starting worker w1 of orders with kclite 0.1.0: stream orders-stream, lease table orders-leases",
  errorRule:
    "warning When processRecords throws, its records are SKIPPED, and the next checkpoint passes them " +
    '(onProcessError is "skip", the default and KCL\'s rule; with "retry" the batch comes again)',
  passEnded: undefined,
  eventLoopTurned: undefined,
  coverageAudited: undefined,
  leasesDiscovered: undefined,
  iteratorGiven: undefined,
  mergeParentMissing: undefined,
  leaderSeen: undefined,
  fleetAudited: undefined,
  aggregateProblem:
    "warning shardId-000000000000: aggregated record 4967 was dropped with its 3 user records: user record 1 of 3 belongs to " +
    "another shard. The KPL's daemon sends them again, other producers do not: foreignAggregates = deliver keeps them",
  childLeasesFailed:
    "warning shardId-000000000000: the leases of its child shards could not be created (attempt 1): no luck",
  initializationFailed: "warning Attempt 1 of 20 to start failed, next try in 1.0 s: no luck",
  streamAdded: "info 123456789012:orders:1700000000: stream is read",
  streamRemoved: "info 123456789012:orders:1700000000: stream is not listed any more, or not there",
  streamDescribed: undefined,
  tableCreated: "info Created lease table orders-leases",
  workerReady: "info Worker w1 is ready",
  superseded:
    "error Superseded: another process has started as worker worker-1 (generation 1769774406000, this one is " +
    "1769774400000): this one reads, leads and writes nothing any more, and stays up idle: stop one of them, or give " +
    "each a workerIdentifier of its own",
  workerStopping: "info Stopping, with 1 lease to hand over",
  workerStopped: "info Stopped",
  passFailed: "warning Will try again: discovery failed: no luck",
  passRecovered: "info discovery works again",
  leadershipGained: "info Worker w1 leads the fleet",
  leadershipLost: "info Worker w1 no longer leads the fleet: taken",
  shardsSynced: "info 4 shards listed, 1 lease created",
  leaseCreated: "debug shardId-000000000000: lease created, to be read from 4967",
  leaseDeleted: "info shardId-000000000000: lease deleted, its shard is done and its children are under way",
  leaseAssigned: "debug shardId-000000000000: assigned to w2",
  handoffStarted: "info shardId-000000000000: to be handed over from w1 to w2",
  assignmentPass: "info Assigned 1 lease of 4 to 2 workers, 1 expired",
  leaseUnreadable: "error shardId-000000000000: cannot read its item in the lease table: no checkpoint: " +
    "nobody reads its shard until the item is mended or deleted",
  leaseGained: "info shardId-000000000000: lease gained at 4967",
  leaseRenewed: undefined,
  leaseRenewalFailed: "warning shardId-000000000000: renewal failed: no luck",
  leaseLost: "warning shardId-000000000000: lease lost: another worker owns it now",
  leaseReleased: "info shardId-000000000000: lease released",
  phaseChanged: "debug shardId-000000000000: processing",
  shardBlocked: "info shardId-000000000000: waits for the end of shardId-000000000009",
  pageFetched: "debug shardId-000000000000: read 10 records in 30 ms, 0 ms behind",
  fetchFailed: "warning shardId-000000000000: read failed, next try in 1.0 s: no luck",
  checkpointTrimmed:
    "error shardId-000000000000: checkpoint 4967 is no longer in the stream, records may be LOST: " +
    "read on from the oldest record",
  iteratorExpired: "debug shardId-000000000000: iterator expired, asking for a new one",
  callbackStarted: undefined,
  callbackEnded: undefined,
  batchProcessed: "debug shardId-000000000000: processed 10 records in 40 ms, 0 ms behind",
  batchFailed: "error shardId-000000000000: processRecords failed on 10 records from 4968 to 4977/3, " +
    "they are SKIPPED: no luck at words.ts:12:9",
  recordsGivenUp: "warning shardId-000000000000: 2 records from 4968 to 4969 are a dead letter in " +
    "arn:aws:sqs:eu-central-1:123456789012:letters: tried in 4 calls",
  deadLetterFailed:
    "error shardId-000000000000: arn:aws:sqs:eu-central-1:123456789012:letters did not store a " +
    "dead letter (attempt 2), next try in 200 ms; its records wait: no luck",
  shardStopped:
    "error shardId-000000000000: STOPPED at 2 records from 4968 to 4969; its lease is given up in " +
    "5 min, and the shard tried again: no luck at words.ts:12:9",
  processorRestarting:
    "warning shardId-000000000000: processor restarts in 500 ms (1 restart in a row): no luck",
  checkpointed: "debug shardId-000000000000: checkpoint at 4967",
  checkpointFailed: "warning shardId-000000000000: checkpoint at 4967 failed: no luck",
  shardEndReached: "info shardId-000000000000: read to its end, " +
    "continued by shardId-000000000001 and shardId-000000000002",
  shardCompleted: "info shardId-000000000000: completed",
  shardEndNotCheckpointed: "error shardId-000000000000: shardEnded did not checkpoint (call 1): " +
    "the child shards cannot start until it does; it will be called again",
  faultBegan: "error shardId-000000000000: fault noProgress: Nothing has happened for 1 min.",
  faultEnded: "warning shardId-000000000000: noProgress is over after 12.0 s",
  notice: "info shardId-000000000000: hello",
  requestSent: undefined,
  requestRetried: "debug dynamodb UpdateItem: ThrottlingException, attempt 2 in 50 ms",
  clockSkewLearned:
    "warning The clock of this machine is 1 min 30 s ahead of that of AWS; requests are signed with theirs",
  credentialsRefreshed: "debug Credentials refreshed from environment",
  credentialsRefreshFailed: "warning Credentials could not be refreshed: no luck",
};

for (const type of Object.keys(LINES) as WorkerEvent["type"][]) {
  Deno.test(`logLine() puts ${type} into words`, () => {
    assertEquals(asText(logLine(SAMPLE_EVENTS[type])), LINES[type]);
  });
}

Deno.test("logLine() says what becomes of a batch", () => {
  const words = (["skipped", "retrying", "leaseGivenUp", "split", "givenUp"] as const).map((outcome) =>
    logLine(sample("batchFailed", { outcome, attempt: 3 }))?.text
  );
  assertMatch(`${words[0]}`, /from 4968 to 4977\/3, they are SKIPPED: no luck at words.ts:12:9$/);
  assertMatch(`${words[1]}`, /they will be tried again \(attempt 3\): no luck at words.ts:12:9$/);
  assertMatch(`${words[3]}`, /they go on in two parts: no luck at words.ts:12:9$/);
  assertMatch(`${words[4]}`, /they are given up \(attempt 3\): no luck at words.ts:12:9$/);
  assertMatch(`${words[2]}`, /the lease is given up: no luck at words.ts:12:9$/);
});

Deno.test("logLine() speaks of one record as one, and of none as done", () => {
  const at = { sequenceNumber: "4968", subSequenceNumber: 0 };
  const one = { records: 1, first: at, last: at, attempt: 2 };
  const failed = (["skipped", "retrying", "givenUp", "parked"] as const).map((outcome) =>
    asText(logLine(sample("batchFailed", { ...one, outcome })))
  );
  const about = "error shardId-000000000000: processRecords failed on record 4968,";
  assertEquals(failed, [
    `${about} it is SKIPPED: no luck at words.ts:12:9`,
    `${about} it will be tried again (attempt 2): no luck at words.ts:12:9`,
    `${about} it is given up (attempt 2): no luck at words.ts:12:9`,
    `${about} its key is parked, and it is tried again by itself (attempt 2): no luck at words.ts:12:9`,
  ]);
  assertEquals(
    asText(logLine(sample("batchFailed", { ...one, records: 0, outcome: "retrying" }))),
    "error shardId-000000000000: processRecords failed after it had checkpointed all of its records: " +
      "none is tried again: no luck at words.ts:12:9",
  );
  assertEquals(
    asText(logLine(sample("recordsGivenUp", { ...one, outcome: "skipped", attempts: 1 }))),
    "error shardId-000000000000: record 4968 is SKIPPED: tried in 1 call",
  );
  assertMatch(`${asText(logLine(sample("shardStopped", one)))}`, /STOPPED at record 4968; its lease/);
});

Deno.test("logLine() says that a policy counts, and warns of no default then", () => {
  assertEquals(
    asText(logLine(sample("errorRule", { rule: "policy", isChosen: true, policy: "is not tried again" }))),
    "info When processRecords fails, its batch is not tried again",
  );
});

Deno.test("logLine() says why records are given up, and shouts when they are lost", () => {
  const words = (["RetryAttemptsExhausted", "RecordAgeExceeded", "DecodeFailed"] as const).map((condition) =>
    asText(logLine(sample("recordsGivenUp", { condition, outcome: "skipped", attempts: 1 })))
  );
  const about = "error shardId-000000000000: 2 records from 4968 to 4969 are SKIPPED";
  assertEquals(words, [`${about}: tried in 1 call`, `${about}: too old`, `${about}: not readable`]);
});

Deno.test("logLine() does not call records skipped when it was their checkpoint that failed", () => {
  const words = [awsError("AccessDeniedException", false), new LeaseLostError("a", "taken")].map((error) =>
    logLine(sample("batchFailed", { error }))?.text
  );
  assertMatch(
    `${words[0]}`,
    /to 4977\/3, for a checkpoint could not be stored; they are not delivered again to this processor, and a later checkpoint covers them, processed or not: /,
  );
  assertMatch(`${words[1]}`, /could not be stored; .*, but to that of the lease's next owner: /);
});

Deno.test("logLine() tells an error that stops the worker once", () => {
  assertEquals(logLine(sample("initializationFailed", { retryInMs: undefined })), undefined);
  assertEquals(
    asText(logLine(sample("workerStopped", { error: new TypeError("x") }))),
    "error Stopped because of TypeError: x",
  );
});

Deno.test("logLine() is silent about what changes nothing", () => {
  assertEquals(logLine(sample("assignmentPass", { assigned: 0 })), undefined);
  assertEquals(logLine(sample("pageFetched", { records: 0 })), undefined);
  assertEquals(logLine(sample("shardsSynced", { created: 0 }))?.level, "debug");
});

Deno.test("logLine() leaves throttled reads to the debug level, and names refused ones", () => {
  assertEquals(
    logLine(sample("fetchFailed", { error: awsError("ThrottlingException", true) }))?.level,
    "debug",
  );
  assertEquals(
    logLine(sample("fetchFailed", { error: awsError("AccessDeniedException", false) }))?.level,
    "warning",
  );
});

Deno.test("logLine() tells of a request that nobody answers; quietLog() not more than once a minute", () => {
  const silent = sample("requestRetried", { operation: "GetItem", code: "TimeoutError" });
  assertEquals(
    asText(logLine(silent)),
    "warning dynamodb GetItem was not answered in time, attempt 2 in 50 ms",
  );
  const lines: LogLine[] = [];
  const listen = quietLog(new FakeClock(), (line) => void lines.push(line));
  for (const event of [silent, silent, SAMPLE_EVENTS.requestRetried, SAMPLE_EVENTS.requestRetried]) {
    listen(event);
  }
  assertEquals(lines.map(({ level }) => level), ["warning", "debug", "debug"]);
});

Deno.test("quietLog() writes once a minute and shard that aggregates are dropped", async () => {
  const clock = new FakeClock();
  const lines: LogLine[] = [];
  const listen = quietLog(clock, (line) => void lines.push(line));
  const dropped = SAMPLE_EVENTS.aggregateProblem;
  for (const event of [dropped, dropped, sample("aggregateProblem", { leaseKey: "s-2" }), dropped]) {
    listen(event);
  }
  await clock.advance(60_000);
  listen(dropped);
  assertEquals(lines.map(({ text }) => [text.slice(0, 3), / \(and .*/.exec(text)?.[0]]), [
    ["sha", undefined],
    ["s-2", undefined],
    ["sha", " (and 2 more like it before)"],
  ]);
  const cut = sample("aggregateProblem", { outcome: "cutShort", lost: 1, detail: "it names no key" });
  for (const event of [cut, cut]) listen(event);
  assertEquals(
    lines.slice(3).map(asText),
    Array(2).fill(
      "error shardId-000000000000: aggregated record 4967 was cut short, and 1 user record lost: it names no key",
    ),
  );
});

Deno.test("logLine() names a callback that threw, but a batch only once", () => {
  const error = new Error("boom");
  error.stack = "Error: boom\n    at async shardEnded (/app/words.ts:3:5)";
  assertEquals(
    asText(logLine(sample("callbackEnded", { callback: "shardEnded", error }))),
    "error shardId-000000000000: shardEnded threw: boom at words.ts:3:5",
  );
  assertEquals(logLine(sample("callbackEnded", { callback: "processRecords", error })), undefined);
});

Deno.test("logLine() keeps every event on one line, whatever is in it", () => {
  const hostile = "a\nb\r\u001b[31mc\u2028d\u0000";
  for (const event of Object.values(SAMPLE_EVENTS)) {
    const about = "leaseKey" in event ? { leaseKey: hostile, shardId: hostile } : {};
    const error = "error" in event ? { error: new Error(hostile.repeat(5000)) } : {};
    const text = logLine({ ...event, ...about, ...error } as WorkerEvent)?.text ?? "";
    // deno-lint-ignore no-control-regex -- what must not be there
    assert(!/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text), `${event.type}: ${JSON.stringify(text)}`);
    assert(text.length <= 1600, `${event.type}: ${text.length} characters`);
  }
});

Deno.test("logLine() shows no secret, even where AWS quotes one in its refusal", () => {
  const detail = "The Canonical String for this request should have been 'POST\n/\n\nhost:kinesis\n" +
    "x-amz-security-token:FwoGZXIvYXdzEXAMPLE//////\n' Credential=AKIAIOSFODNN7EXAMPLE/20260130, " +
    'Signature=fe5f80f77d5fa3beca038a248ff027, {"SecretAccessKey": "wJalrXUtnFEMI/K7MDENG", "SessionToken":"abc"}';
  const text = `${
    logLine(sample("fetchFailed", { error: awsError("SignatureDoesNotMatch", false, detail) }))?.text
  }`;
  for (const secret of ["FwoGZXIv", "IOSFODNN7", "fe5f80f7", "wJalrXU", "abc"]) {
    assert(!text.includes(secret), `${secret} is in: ${text}`);
  }
  assert(text.includes("SignatureDoesNotMatch") && text.includes("Canonical String"), text);
});

Deno.test("logLine() survives errors that cannot be put into words", () => {
  const own = new Error("own cause");
  own.cause = own;
  for (const error of [Object.create(null), own, Symbol("x"), undefined]) {
    assertMatch(`${logLine(sample("passFailed", { error }))?.text}`, /^Will try again: discovery failed: ./);
  }
});

Deno.test("quietLog() says a repeated failure once a minute, with how many it held back", () => {
  const clock = new FakeClock();
  const lines: string[] = [];
  const listener = quietLog(clock, ({ text }) => lines.push(text));
  for (let i = 0; i < 3; i++) {
    for (const leaseKey of ["a", "b"]) {
      listener(sample("leaseRenewalFailed", { leaseKey, error: awsError("NetworkError", true, `try ${i}`) }));
    }
    clock.jump(20_000);
  }
  listener(sample("leaseRenewalFailed", { leaseKey: "b", error: awsError("NetworkError", true, "again") }));
  assertEquals(lines.length, 2);
  assertMatch(`${lines[0]}`, /^a: renewal failed: .*try 0$/);
  assertMatch(`${lines[1]}`, /^b: renewal failed: .*again \(and 5 more like it before\)$/);
});

Deno.test("quietLog() says that a pass works again only where it has said that it fails", () => {
  const clock = new FakeClock();
  const lines: string[] = [];
  const listener = quietLog(clock, ({ text }) => lines.push(text));
  for (let i = 0; i < 3; i++) {
    listener(SAMPLE_EVENTS.passFailed);
    listener(SAMPLE_EVENTS.passRecovered);
  }
  const once = ["Will try again: discovery failed: no luck", "discovery works again"];
  assertEquals(lines, once);
  clock.jump(60_000);
  listener(SAMPLE_EVENTS.passFailed);
  listener(SAMPLE_EVENTS.passRecovered);
  assertEquals(lines.slice(2), [`${once[0]} (and 2 more like it before)`, once[1]]);
});

Deno.test("quietLog() holds back neither another failure nor what happens to records and leases", () => {
  const lines: string[] = [];
  const listener = quietLog(new FakeClock(), ({ text }) => lines.push(text));
  const events: readonly WorkerEvent[] = [
    sample("passFailed", { error: awsError("NetworkError", true) }),
    sample("passFailed", { error: awsError("ThrottlingException", true) }),
    sample("passFailed", { pass: "leadership", error: awsError("NetworkError", true) }),
    SAMPLE_EVENTS.batchFailed,
    SAMPLE_EVENTS.batchFailed,
    SAMPLE_EVENTS.leaseLost,
    SAMPLE_EVENTS.leaseLost,
    SAMPLE_EVENTS.notice,
    SAMPLE_EVENTS.notice,
  ];
  events.forEach(listener);
  assertEquals(lines.length, events.length);
});

function asText(line: LogLine | undefined): string | undefined {
  return line === undefined ? undefined : `${line.level} ${line.text}`;
}

function awsError(code: string, retryable: boolean, detail = "no"): AwsServiceError {
  return new AwsServiceError({
    service: "dynamodb",
    operation: "UpdateItem",
    code,
    status: 400,
    requestId: undefined,
    retryable,
    detail,
    body: undefined,
  });
}
