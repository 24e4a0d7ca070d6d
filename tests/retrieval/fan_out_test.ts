import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import fc from "../support/fast_check.ts";
import type { SubscribeToShardEvent } from "../../src/aws/subscription.ts";
import type { WorkerEvent, WorkerEventListener } from "../../src/events.ts";
import { fanOut, MAX_SILENCE_MS, MAX_WORK_MS } from "../../src/retrieval/fan_out.ts";
import { ConsumerRegistration } from "../../src/retrieval/fan_out_registration.ts";
import type { CreatedAtLatest, ReadStreak, RecordsPage } from "../../src/retrieval/retrieval.ts";
import type { OnTrimmedCheckpoint } from "../../src/retrieval/start_position.ts";
import { type InitialPosition, positionAt } from "../../src/stream/sequence_number.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { eventWith, ScriptedConsumers, type SubscriptionStep } from "../support/scripted_consumers.ts";
import { ScriptedKinesis, serviceError, shardWith } from "../support/scripted_kinesis.ts";
import { seeded } from "../support/seed.ts";

const children = [{
  shardId: "s-1",
  parentShards: ["s-0"],
  hashKeyRange: { startingHashKey: "0", endingHashKey: "9" },
}];

/** The life of a subscription after which Kinesis ends it: nothing but an empty event now and then. */
const fiveMinutes = (continuation: number): SubscriptionStep[] =>
  Array.from({ length: 10 }, () => [{ waitMs: 30_000 }, eventWith([], continuation)]).flat();

/** A shard to be read by fan-out. Its clock stands still until `readAll` or the test moves it. */
function bed(
  checkpoint = positionAt("TRIM_HORIZON"),
  initialPosition: InitialPosition = new Date(Date.UTC(2026, 0, 1)),
  more: {
    readonly onTrimmedCheckpoint?: OnTrimmedCheckpoint;
    readonly createdAtLatest?: CreatedAtLatest;
    readonly streak?: ReadStreak;
  } = {},
) {
  const clock = new FakeClock();
  const kinesis = new ScriptedKinesis();
  kinesis.shards = [shardWith("s-0")];
  const consumers = new ScriptedConsumers(clock);
  const events: WorkerEvent[] = [];
  const stop = new AbortController();
  const system = { clock, random: () => 0, fetch };
  const stream = { streamName: "words", streamArn: "arn:words" };
  const emit: WorkerEventListener = (event) => void events.push(event);
  const consumerName = "app";
  const { onTrimmedCheckpoint = "trim-horizon", createdAtLatest, streak } = more;
  const registration = new ConsumerRegistration({ consumers, kinesis, stream, consumerName, system, emit });
  const source = fanOut({ consumers, kinesis, stream, registration, onTrimmedCheckpoint, system, emit });
  const request = { leaseKey: "s-0", shardId: "s-0", checkpoint, initialPosition, createdAtLatest, streak };
  const pages = source.read(request, stop.signal)[Symbol.asyncIterator]();
  return { clock, kinesis, consumers, events, stop, pages, registration };
}

type Bed = ReturnType<typeof bed>;

/** Runs until the promise settles, while time leaps from one sleep's end to the next. */
async function meanwhile<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  let isOver = false;
  const over = promise.finally(() => isOver = true);
  over.catch(() => {});
  for (let i = 0; i < 1000; i++) {
    await clock.advance(0);
    if (isOver) break;
    await clock.advance(Math.min(clock.pendingMs[0] ?? 0, 600_000));
  }
  assert(isOver, "nothing happens any more");
  return await over;
}

/** Takes pages until the end, or until there are so many. */
async function take({ clock, pages }: Bed, count = Infinity): Promise<RecordsPage[]> {
  const taken: RecordsPage[] = [];
  while (taken.length < count) {
    const { value, done } = await meanwhile(clock, pages.next());
    if (done) break;
    taken.push(value);
  }
  return taken;
}

async function leave({ clock, pages }: Bed): Promise<void> {
  await meanwhile(clock, Promise.resolve(pages.return?.()));
}

const numbersOf = (pages: readonly RecordsPage[]) =>
  pages.map((page) => page.records.map((record) => Number(record.sequenceNumber)));

const afterSequence = (n: number) => ({ type: "AFTER_SEQUENCE_NUMBER", sequenceNumber: `${n}` } as const);

Deno.test("fanOut() reads a shard to its end, the last records with the children", async () => {
  const shard = bed();
  shard.consumers.script.push([
    eventWith([1, 2]),
    eventWith([], 5),
    eventWith([6], null, { childShards: children }),
  ]);
  const pages = await take(shard);
  assertEquals(numbersOf(pages), [[1, 2], [], [6]]);
  assertEquals(pages.map((page) => page.end), [undefined, undefined, { childShards: children }]);
  assertEquals(shard.consumers.subscriptions.map((subscription) => subscription.isClosed), [true]);
  assertEquals(shard.consumers.subscriptions[0]?.consumerArn, "arn:app");
});

Deno.test("fanOut() subscribes at the checkpoint, not after it, and at sentinels as such", async () => {
  for (
    const [checkpoint, wanted] of [
      ["TRIM_HORIZON", { type: "TRIM_HORIZON" }],
      ["LATEST", { type: "LATEST" }],
      ["AT_TIMESTAMP", { type: "AT_TIMESTAMP", timestampMs: Date.UTC(2026, 0, 1) }],
      ["4711", { type: "AT_SEQUENCE_NUMBER", sequenceNumber: "4711" }],
    ] as const
  ) {
    const shard = bed(positionAt(checkpoint, 3));
    shard.consumers.script.push([eventWith([4712])]);
    await take(shard, 1);
    assertEquals(shard.consumers.subscriptions.map(({ position }) => position), [wanted]);
    await leave(shard);
  }
});

Deno.test("fanOut() goes on after the last continuation when five minutes are over, at once and without a gap", async () => {
  const shard = bed();
  shard.consumers.script.push(
    [eventWith([1]), ...fiveMinutes(4)],
    fiveMinutes(4),
    [eventWith([5], null, { childShards: children })],
  );
  assertEquals(numbersOf(await take(shard)).flat(), [1, 5]);
  const [first, second, third] = shard.consumers.subscriptions;
  assertEquals([second?.position, third?.position], [afterSequence(4), afterSequence(4)]);
  assertEquals([second?.atMs, third?.atMs], [(first?.atMs ?? 0) + 300_000, (first?.atMs ?? 0) + 600_000]);
  assertEquals(eventsOf(shard.events, "fetchFailed"), []);
});

Deno.test("fanOut() asks for the checkpoint again while no event has come", async () => {
  const shard = bed(positionAt("7", 2));
  shard.consumers.script.push([serviceError("InternalFailureException")], [{ waitMs: 50_000 }], [
    eventWith([7, 8]),
  ]);
  await take(shard, 1);
  const at7 = { type: "AT_SEQUENCE_NUMBER", sequenceNumber: "7" } as const;
  assertEquals(shard.consumers.subscriptions.map(({ position }) => position), [at7, at7, at7]);
  await leave(shard);
});

Deno.test("fanOut() delivers what came before a failure, then goes on after it", async () => {
  const shard = bed();
  shard.consumers.script.push(
    [eventWith([1]), eventWith([2]), serviceError("InternalFailureException")],
    [eventWith([3])],
  );
  assertEquals(numbersOf(await take(shard, 3)), [[1], [2], [3]]);
  assertEquals(shard.consumers.subscriptions[1]?.position, afterSequence(2));
  await leave(shard);
});

Deno.test("fanOut() asks for one event at a time, and for none while a page is in work", async () => {
  const shard = bed();
  shard.consumers.script.push([eventWith([1]), eventWith([2]), eventWith([3])]);
  await take(shard, 2);
  await shard.clock.advance(1000);
  assertEquals(shard.consumers.subscriptions[0]?.asked, 2);
  await leave(shard);
});

Deno.test("fanOut() backs off from failure to failure, up to half a minute, and forgets them with the first event", async () => {
  const shard = bed();
  const failure = serviceError("InternalFailureException");
  shard.consumers.script.push(
    ...Array(7).fill(failure),
    [eventWith([1]), { waitMs: 50_000 }, failure],
    failure,
    [
      eventWith([2]),
    ],
  );
  await take(shard, 2);
  assertEquals(
    eventsOf(shard.events, "fetchFailed").map((event) => event.retryInMs),
    [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 1000, 2000],
  );
  assertStrictEquals(eventsOf(shard.events, "fetchFailed")[0]?.error, failure);
  await leave(shard);
});

Deno.test("fanOut() waits 5 s when the shard has another subscriber, whether told at once or in the stream", async () => {
  const shard = bed();
  const inUse = serviceError("ResourceInUseException");
  shard.consumers.script.push(inUse, [{ waitMs: 9000 }, inUse], [eventWith([1])]);
  await take(shard, 1);
  assertEquals(shard.consumers.subscriptions.map(({ atMs }) => atMs), [0, 5000, 19_000]);
  await leave(shard);
});

Deno.test("fanOut() subscribes no sooner than 5 s after a success, which Kinesis would refuse", async () => {
  const shard = bed();
  shard.consumers.script.push([eventWith([1])], [eventWith([2]), serviceError("NetworkError")], [
    eventWith([3]),
  ]);
  await take(shard, 3);
  const times = shard.consumers.subscriptions.map(({ atMs }) => atMs);
  assertEquals(times, [0, 5000, 10_000]);
  await leave(shard);
});

Deno.test("fanOut() gives a silent subscription up after a minute, and closes it", async () => {
  const shard = bed();
  shard.consumers.script.push([eventWith([1]), "silence"], [eventWith([2])]);
  assertEquals(numbersOf(await take(shard, 2)), [[1], [2]]);
  const [first, second] = shard.consumers.subscriptions;
  assertEquals([first?.isClosed, second?.position], [true, afterSequence(1)]);
  assertEquals(second?.atMs, MAX_SILENCE_MS + 1000);
  await leave(shard);
});

Deno.test("fanOut() counts no silence while a page is in work, nor between events", async () => {
  const shard = bed();
  shard.consumers.script.push([
    eventWith([1]),
    { waitMs: 59_000 },
    eventWith([], 1),
    { waitMs: 59_000 },
    eventWith([2]),
  ]);
  await take(shard, 1);
  await shard.clock.advance(MAX_WORK_MS - 1);
  assertEquals(numbersOf(await take(shard, 2)), [[], [2]]);
  assertEquals(shard.consumers.subscriptions.length, 1);
  await leave(shard);
});

Deno.test("fanOut() closes a subscription whose page is long in work, and goes on after that page", async () => {
  const shard = bed();
  shard.consumers.script.push([eventWith([1]), eventWith([2])], [eventWith([2])]);
  await take(shard, 1);
  await shard.clock.advance(MAX_WORK_MS);
  assertEquals(shard.consumers.subscriptions[0]?.isClosed, true);
  await shard.clock.advance(10 * MAX_WORK_MS);
  assertEquals(shard.consumers.subscriptions.length, 1);
  assertEquals(numbersOf(await take(shard, 1)), [[2]]);
  assertEquals(shard.consumers.subscriptions[1]?.position, afterSequence(1));
  assertEquals(eventsOf(shard.events, "fetchFailed"), []);
  await leave(shard);
});

Deno.test("fanOut() closes its subscription at once when stopped with a page in work", async () => {
  const shard = bed();
  shard.consumers.script.push([eventWith([1]), "silence"]);
  await take(shard, 1);
  const reason = new Error("lease lost");
  shard.stop.abort(reason);
  await shard.clock.advance(0);
  assertStrictEquals(await assertRejects(() => shard.pages.next(), Error), reason);
  assertEquals([shard.consumers.subscriptions[0]?.isClosed, shard.clock.pendingMs], [true, []]);
});

Deno.test("fanOut() asks ListShards for the children that an end does not name", async () => {
  const shard = bed();
  shard.consumers.script.push([eventWith([1], null)]);
  shard.kinesis.shards = [
    shardWith("s-0", { endingSequenceNumber: "9" }),
    shardWith("s-1", { parentShardId: "s-0" }),
  ];
  const pages = await take(shard);
  assertEquals(numbersOf(pages), [[1]]);
  assertEquals(pages[0]?.end?.childShards.map(({ shardId }) => shardId), ["s-1"]);
});

for (
  const [what, bad] of Object.entries({
    "an end without children of a shard that is open": eventWith([2], null),
    "children of a shard that is not over": eventWith([2], 2, { childShards: children }),
    "children without parents": eventWith([2], null, {
      childShards: children.map((child) => ({ ...child, parentShards: [] })),
    }),
  })
) {
  Deno.test(`fanOut() does not believe ${what}, and reads on after the event before it`, async () => {
    const shard = bed();
    shard.consumers.script.push([eventWith([1]), bad], [eventWith([2])]);
    const pages = await take(shard, 2);
    assertEquals(numbersOf(pages), [[1], [2]]);
    assertEquals(shard.consumers.subscriptions[1]?.position, afterSequence(1));
    assertEquals(eventsOf(shard.events, "fetchFailed").length, 1);
    await leave(shard);
  });
}

Deno.test("fanOut() ends a shard that is listed no more when Kinesis knows no such resource", async () => {
  const shard = bed();
  shard.consumers.script.push([eventWith([1]), serviceError("ResourceNotFoundException")]);
  shard.kinesis.shards = [shardWith("s-9")];
  const pages = await take(shard);
  assertEquals(numbersOf(pages), [[1], []]);
  assertEquals(pages[1]?.end, { childShards: [] });
});

Deno.test("fanOut() ends a shard whose stream is gone", async () => {
  const shard = bed();
  shard.consumers.script.push(serviceError("ResourceNotFoundException"));
  shard.kinesis.listShards = () => Promise.reject(serviceError("ResourceNotFoundException"));
  assertEquals((await take(shard)).map((page) => page.end), [{ childShards: [] }]);
});

Deno.test("fanOut() takes a missing consumer for no end: it is registered anew, and reading goes on", async () => {
  const shard = bed();
  shard.consumers.script.push([eventWith([1]), serviceError("ResourceNotFoundException")], [eventWith([2])]);
  shard.consumers.descriptions = ["ACTIVE", "absent", "CREATING", "ACTIVE"];
  assertEquals(numbersOf(await take(shard, 2)), [[1], [2]]);
  assertEquals(shard.consumers.calls, [
    "describe app",
    "describe app",
    "register app",
    "describe app",
    "describe app",
  ]);
  assertEquals(shard.consumers.subscriptions[1]?.position, afterSequence(1));
  await leave(shard);
});

Deno.test("fanOut() tells of each page, and how long it was waited for", async () => {
  const shard = bed();
  shard.consumers.script.push([{ waitMs: 2000 }, eventWith([1, 2], 2, { millisBehindLatest: 77 })]);
  await take(shard, 1);
  const about = { leaseKey: "s-0", shardId: "s-0" };
  assertEquals(eventsOf(shard.events, "pageFetched"), [
    { type: "pageFetched", ...about, records: 2, bytes: 2, millisBehindLatest: 77, ms: 2000, isPushed: true },
  ]);
  await leave(shard);
});

for (
  const [when, script, descriptions] of [
    ["the consumer is being registered", [], ["CREATING"]],
    ["it backs off", [serviceError("InternalFailureException")], ["ACTIVE"]],
    ["an event is awaited", [["silence"]], ["ACTIVE"]],
  ] as const
) {
  Deno.test(`fanOut() stops at once with the signal's reason while ${when}`, async () => {
    const shard = bed();
    shard.consumers.script.push(...script as readonly (Error | SubscriptionStep[])[]);
    shard.consumers.descriptions = [...descriptions];
    const reason = new Error("lease lost");
    const next = shard.pages.next();
    const stopped = assertRejects(() => next, Error);
    await shard.clock.advance(500);
    shard.stop.abort(reason);
    assertStrictEquals(await stopped, reason);
    assertEquals(shard.clock.pendingMs, []);
    assert(shard.consumers.subscriptions.every((one) => one.isClosed || script[0] instanceof Error));
    const failures = script.filter((step) => step instanceof Error).length;
    assertEquals(eventsOf(shard.events, "fetchFailed").length, failures, "a stop is no failure");
  });
}

Deno.test("fanOut() refuses an AT_TIMESTAMP checkpoint without the time", async () => {
  const shard = bed(positionAt("AT_TIMESTAMP"), "LATEST");
  await assertRejects(() => shard.pages.next(), RangeError, "expected a Date as initialPositionInStream");
  assertEquals(shard.consumers.subscriptions, []);
});

Deno.test("fanOut() closes its subscription when the iteration is left", async () => {
  const shard = bed();
  shard.consumers.script.push([eventWith([1]), "silence"]);
  await take(shard, 1);
  await shard.pages.return?.();
  assertEquals(shard.consumers.subscriptions[0]?.isClosed, true);
  assertEquals(shard.clock.pendingMs, []);
});

// Any course of events: connections that end or fail anywhere, keep-alives, silences. Nothing is lost or repeated.

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant("records" as const), count: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("wait" as const), ms: fc.nat(70_000) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("failure" as const),
      code: fc.constantFrom("ResourceInUseException", "NetworkError"),
    }),
  },
);

Deno.test("fanOut() delivers every record once and in order, whatever becomes of its subscriptions", async () => {
  const total = 12;
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(step, { maxLength: 6 }), { maxLength: 8 }), async (courses) => {
      const shard = bed();
      const { consumers } = shard;
      const subscribe = consumers.subscribeToShard.bind(consumers);
      // As Kinesis does: what a subscription gives depends on where it starts.
      consumers.subscribeToShard = (input, signal) => {
        let last = input.position.type === "AFTER_SEQUENCE_NUMBER"
          ? Number(input.position.sequenceNumber)
          : 0;
        const give = (count: number): SubscribeToShardEvent => {
          const numbers = Array.from({ length: Math.min(count, total - last) }, (_, i) => last + i + 1);
          last += numbers.length;
          return last === total
            ? eventWith(numbers, null, { childShards: children })
            : eventWith(numbers, last);
        };
        const steps = (courses.shift() ?? [{ type: "records", count: total }]).map((step): SubscriptionStep =>
          step.type === "records"
            ? give(step.count)
            : step.type === "wait"
            ? { waitMs: step.ms }
            : serviceError(step.code)
        );
        consumers.script.push(steps);
        return subscribe(input, signal);
      };
      const numbers = numbersOf(await take(shard)).flat();
      assertEquals(numbers, Array.from({ length: total }, (_, i) => i + 1));
      assertEquals(shard.clock.pendingMs, []);
    }),
    { ...seeded(), numRuns: 40 },
  );
});

Deno.test('fanOut() tells of a trimmed checkpoint, and with "latest" subscribes anew at the tip', async () => {
  for (const onTrimmedCheckpoint of ["trim-horizon", "latest"] as const) {
    const shard = bed(positionAt("7"), "LATEST", { onTrimmedCheckpoint });
    shard.consumers.script.push([eventWith([], 7), eventWith([8]), "silence"], [eventWith([20]), "silence"]);
    const [, page] = await take(shard, 2);
    assertEquals(page?.records[0]?.sequenceNumber, onTrimmedCheckpoint === "latest" ? "20" : "8");
    assertEquals(
      shard.consumers.subscriptions.at(-1)?.position,
      {
        "trim-horizon": { type: "AT_SEQUENCE_NUMBER", sequenceNumber: "7" } as const,
        latest: { type: "LATEST" } as const,
      }[onTrimmedCheckpoint],
    );
    assertEquals(eventsOf(shard.events, "checkpointTrimmed").length, 1);
    await leave(shard);
  }
});

Deno.test('fanOut() with "stop" reads nothing when the checkpoint was trimmed', async () => {
  const shard = bed(positionAt("7"), "LATEST", { onTrimmedCheckpoint: "stop" });
  shard.consumers.script.push([eventWith([8]), "silence"]);
  await assertRejects(() => take(shard), RangeError, "no longer in the stream");
  assert(shard.consumers.subscriptions[0]?.isClosed);
});

Deno.test("fanOut() subscribes to LATEST from the time at which its lease was created", async () => {
  const createdAtLatest = { epochMs: 5000, isFirstRead: true };
  const shard = bed(positionAt("LATEST"), "LATEST", { createdAtLatest });
  shard.consumers.script.push(serviceError("InvalidArgumentException"), [eventWith([8]), "silence"]);
  await take(shard, 1);
  assertEquals(shard.consumers.subscriptions.map(({ position }) => position), [
    { type: "AT_TIMESTAMP", timestampMs: 4000 },
    { type: "LATEST" },
  ]);
  await leave(shard);
});

Deno.test("fanOut() does not count the time in work as one of waiting for the next page", async () => {
  const shard = bed();
  shard.consumers.script.push([eventWith([1]), { waitMs: 2000 }, eventWith([2])]);
  await take(shard, 1);
  await shard.clock.advance(5000); // the page is in work
  await take(shard, 1);
  assertEquals(eventsOf(shard.events, "pageFetched").map(({ ms }) => ms), [0, 2000]);
  await leave(shard);
});

Deno.test("fanOut() lets a subscription go that does not know of the signal, and waits until it is closed", async () => {
  const shard = bed();
  let isClosed = false;
  const deaf: AsyncIterableIterator<SubscribeToShardEvent> = {
    next: () => Promise.resolve({ value: eventWith([1]), done: false }),
    async return() {
      await shard.clock.sleep(0);
      isClosed = true;
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]: () => deaf,
  };
  shard.consumers.subscribeToShard = () => Promise.resolve(deaf);
  await take(shard, 1);
  await leave(shard);
  assertEquals(isClosed, true);
});

Deno.test("fanOut() goes on where an earlier reading failed, and begins anew with the first event", async () => {
  const streak = { failures: 2, repairs: 0 };
  const shard = bed(undefined, undefined, { streak });
  const failure = serviceError("InternalFailureException");
  shard.consumers.script.push(failure, [eventWith([1]), { waitMs: 50_000 }, failure], [
    eventWith([2]),
  ]);
  await take(shard, 2);
  assertEquals(eventsOf(shard.events, "fetchFailed").map((event) => event.retryInMs), [4000, 1000]);
  assertEquals(streak, { failures: 0, repairs: 0 });
  await leave(shard);
});

Deno.test("fanOut() takes the second position in a row that is refused for a failure, and slows down", async () => {
  const shard = bed(positionAt("LATEST"), "LATEST", {
    createdAtLatest: { epochMs: 5000, isFirstRead: true },
  });
  // The time is refused, then the tip in its place, which is no repair; then the time once more.
  shard.consumers.script.push(...Array(9).fill(serviceError("InvalidArgumentException")), [eventWith([8])]);
  await take(shard, 1);
  assertEquals(
    eventsOf(shard.events, "fetchFailed").map((event) => event.retryInMs),
    [1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000],
  );
  await leave(shard);
});

Deno.test("fanOut() starts over when a number, stored or read, did not come from this stream", async () => {
  const foreign = () => {
    const error = serviceError("InvalidArgumentException");
    error.message = "invalid because it did not come from this stream.";
    return error;
  };
  const shard = bed(positionAt("7"), "LATEST", { onTrimmedCheckpoint: "trim-horizon" });
  shard.consumers.script.push(foreign(), [eventWith([8]), foreign()], foreign(), [
    eventWith([20]),
    "silence",
  ]);
  const pages = await take(shard, 2);
  assertEquals(numbersOf(pages).flat(), [8, 20]);
  assertEquals(eventsOf(shard.events, "checkpointTrimmed").map(({ isForeign }) => isForeign), [true, true]);
  await leave(shard);
});
