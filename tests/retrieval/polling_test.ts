import { assertEquals, assertRejects } from "@std/assert";
import type { AwsServiceError } from "../../src/errors.ts";
import type { WorkerEvent } from "../../src/events.ts";
import type { Pacing } from "../../src/retrieval/pacing.ts";
import { polling } from "../../src/retrieval/polling.ts";
import type { CreatedAtLatest, ReadStreak, RecordsPage } from "../../src/retrieval/retrieval.ts";
import type { OnTrimmedCheckpoint } from "../../src/retrieval/start_position.ts";
import {
  type ExtendedSequenceNumber,
  type InitialPosition,
  positionAt,
} from "../../src/stream/sequence_number.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { output, ScriptedKinesis, serviceError, shardWith } from "../support/scripted_kinesis.ts";
import { PACING } from "./fixtures.ts";

const children = [{
  shardId: "s-1",
  parentShards: ["s-0"],
  hashKeyRange: { startingHashKey: "0", endingHashKey: "9" },
}];

/** Reads until the end, or until `pages` pages have come, while the clock runs freely. */
async function readAll(
  kinesis: ScriptedKinesis,
  clock: FakeClock,
  options: {
    readonly pages?: number;
    readonly checkpoint?: ExtendedSequenceNumber;
    readonly initialPosition?: InitialPosition;
    readonly maxRecords?: number;
    readonly pacing?: Pacing;
    readonly onTrimmedCheckpoint?: OnTrimmedCheckpoint;
    readonly createdAtLatest?: CreatedAtLatest;
    readonly streak?: ReadStreak;
    readonly iterator?: string;
  } = {},
) {
  const events: WorkerEvent[] = [];
  const pages: RecordsPage[] = [];
  const stop = new AbortController();
  const reading = (async () => {
    const source = polling({
      kinesis,
      stream: { streamName: "words", streamArn: undefined },
      system: { clock, random: () => 0, fetch },
      emit: (event) => events.push(event),
      pacing: options.pacing ?? PACING,
      maxRecords: options.maxRecords ?? 10_000,
      onTrimmedCheckpoint: options.onTrimmedCheckpoint ?? "trim-horizon",
    });
    const request = {
      leaseKey: "s-0",
      shardId: "s-0",
      checkpoint: options.checkpoint ?? positionAt("TRIM_HORIZON"),
      initialPosition: options.initialPosition ?? "TRIM_HORIZON",
      createdAtLatest: options.createdAtLatest,
      streak: options.streak,
      iterator: options.iterator,
    };
    for await (const page of source.read(request, stop.signal)) {
      pages.push(page);
      if (pages.length === options.pages) return;
    }
  })();
  let isOver = false;
  const over = reading.finally(() => isOver = true);
  over.catch(() => {});
  for (let i = 0; i < 2000 && !isOver; i++) await clock.advance(100);
  if (!isOver) stop.abort(new Error("the test gave up waiting"));
  await over;
  return { pages, events };
}

function bed() {
  const clock = new FakeClock();
  return { clock, kinesis: new ScriptedKinesis(() => clock.monotonicMs()) };
}

/** The times between the starts of two reads. */
const restsOf = ({ reads }: ScriptedKinesis) =>
  reads.slice(1).map(({ atMs }, i) => atMs - (reads[i]?.atMs ?? 0));

const numbersOf = (pages: readonly RecordsPage[]) =>
  pages.map((page) => page.records.map((record) => Number(record.sequenceNumber)));

Deno.test("polling() reads a shard to its end, the last records with the children", async () => {
  const { clock, kinesis } = bed();
  kinesis.script.push(
    output([1, 2], "a"),
    output([], "b"),
    output([3], null, { childShards: children }),
  );
  const { pages } = await readAll(kinesis, clock);
  assertEquals(numbersOf(pages), [[1, 2], [], [3]]);
  assertEquals(pages.map((page) => page.end), [undefined, undefined, { childShards: children }]);
  assertEquals(kinesis.reads.map((read) => read.iterator), ["s-0#1", "a", "b"]);
});

Deno.test("polling() opens at the checkpoint, not after it, and at sentinels as such", async () => {
  const at = new Date(Date.UTC(2026, 0, 1));
  for (
    const [checkpoint, wanted] of [
      ["TRIM_HORIZON", { type: "TRIM_HORIZON" }],
      ["LATEST", { type: "LATEST" }],
      ["AT_TIMESTAMP", { type: "AT_TIMESTAMP", timestampMs: at.getTime() }],
      ["4711", { type: "AT_SEQUENCE_NUMBER", sequenceNumber: "4711" }],
    ] as const
  ) {
    const { clock, kinesis } = bed();
    await readAll(kinesis, clock, { pages: 1, checkpoint: positionAt(checkpoint), initialPosition: at });
    assertEquals(kinesis.iterators, [wanted]);
  }
});

Deno.test("polling() goes on from an iterator that it is given, and says with each page what follows it", async () => {
  const { clock, kinesis } = bed();
  kinesis.script.push(output([8], "a"), output([9], "b"));
  const { pages, events } = await readAll(kinesis, clock, {
    pages: 2,
    checkpoint: positionAt("7"),
    iterator: "kept",
  });
  assertEquals([numbersOf(pages), kinesis.iterators], [[[8], [9]], []]);
  assertEquals(kinesis.reads.map((read) => read.iterator), ["kept", "a"]);
  assertEquals(pages.map((page) => page.nextIterator), ["a", "b"]);
  assertEquals(eventsOf(events, "checkpointTrimmed"), [], "7 was seen by an earlier reading");
});

Deno.test("polling() opens at the checkpoint, and checks it, where a given iterator is no longer good", async () => {
  const { clock, kinesis } = bed();
  kinesis.script.push(serviceError("ExpiredIteratorException"), output([9], "b"), output([]));
  const { events } = await readAll(kinesis, clock, {
    pages: 1,
    checkpoint: positionAt("7"),
    iterator: "kept",
  });
  assertEquals(kinesis.iterators[0], { type: "AT_SEQUENCE_NUMBER", sequenceNumber: "7" });
  assertEquals(eventsOf(events, "checkpointTrimmed").length, 1);
});

Deno.test("polling() goes on after the last record fetched when an iterator expires, and loses none", async () => {
  const { clock, kinesis } = bed();
  kinesis.script.push(output([1, 2], "a"), serviceError("ExpiredIteratorException"), output([3]));
  const { pages, events } = await readAll(kinesis, clock, { pages: 2 });
  assertEquals(numbersOf(pages), [[1, 2], [3]]);
  assertEquals(kinesis.iterators[1], { type: "AFTER_SEQUENCE_NUMBER", sequenceNumber: "2" });
  assertEquals(eventsOf(events, "iteratorExpired").length, 1);
});

Deno.test("polling() opens at the checkpoint again when the iterator expires before any record came", async () => {
  const { clock, kinesis } = bed();
  kinesis.script.push(output([], "a"), serviceError("ExpiredIteratorException"), output([8]));
  await readAll(kinesis, clock, { pages: 2, checkpoint: positionAt("7", 2) });
  assertEquals(kinesis.iterators[1], { type: "AT_SEQUENCE_NUMBER", sequenceNumber: "7" });
});

Deno.test("polling() tries again with the same iterator when Kinesis fails, more slowly each time", async () => {
  const { clock, kinesis } = bed();
  const throttled = serviceError("ProvisionedThroughputExceededException", true);
  kinesis.script.push(output([1], "a"), throttled, throttled, output([2]));
  const { pages, events } = await readAll(kinesis, clock, { pages: 2 });
  assertEquals(numbersOf(pages), [[1], [2]]);
  assertEquals(kinesis.reads.map((read) => read.iterator), ["s-0#1", "a", "a", "a"]);
  assertEquals(eventsOf(events, "fetchFailed").map((event) => event.retryInMs), [1000, 2000]);
});

Deno.test("polling() goes on where an earlier reading failed, and begins anew with the first answer", async () => {
  const { clock, kinesis } = bed();
  const throttled = serviceError("ProvisionedThroughputExceededException", true);
  const streak = { failures: 2, repairs: 0 };
  kinesis.script.push(throttled, output([1], "a"), throttled, output([2]));
  const { events } = await readAll(kinesis, clock, { pages: 2, streak });
  assertEquals(eventsOf(events, "fetchFailed").map((event) => event.retryInMs), [4000, 1000]);
  assertEquals(streak, { failures: 0, repairs: 0 });
});

Deno.test("polling() takes the second iterator in a row that cannot be used for a failure, and slows down", async () => {
  for (const code of ["ExpiredIteratorException", "InvalidArgumentException"]) {
    const { clock, kinesis } = bed();
    for (let i = 0; i < 6; i++) kinesis.script.push(serviceError(code));
    kinesis.script.push(output([1], "a"), serviceError(code), output([2]));
    const streak = { failures: 0, repairs: 0 };
    const { pages, events } = await readAll(kinesis, clock, { pages: 2, streak });
    assertEquals(numbersOf(pages), [[1], [2]]);
    assertEquals(eventsOf(events, "fetchFailed").map((event) => event.retryInMs), [
      1000,
      2000,
      4000,
      8000,
      16_000,
    ]);
    assertEquals(kinesis.iterators.length, 6 + 1 + 1, "a new one each time");
    assertEquals(streak, { failures: 0, repairs: 0 });
  }
});

Deno.test("polling() starts no two reads closer than 200 ms, and rests the idle time at the tip", async () => {
  const { clock, kinesis } = bed();
  kinesis.script.push(
    output([1], "a", { millisBehindLatest: 5000 }),
    output([], "b", { millisBehindLatest: 4000 }),
    output([2], "c"),
    output([3], "d"),
  );
  await readAll(kinesis, clock, { pages: 5 });
  assertEquals(restsOf(kinesis), [200, 200, 1000, 1000]);
});

Deno.test("polling() rests longer and longer while a shard is quiet, a failure apart, and as before after a record", async () => {
  const { clock, kinesis } = bed();
  kinesis.script.push(output([1], "a"), ...Array.from({ length: 20 }, () => output([], "b")));
  kinesis.script.push(
    serviceError("InternalFailure", true),
    output([], "c"),
    output([2], "d"),
    output([], "e"),
  );
  await readAll(kinesis, clock, { pages: 25 });
  const rests = restsOf(kinesis);
  assertEquals(rests.slice(0, 3).map(Math.round), [1000, 1100, 1210]);
  assertEquals(rests.slice(15, 20).map(Math.round), [4000, 4000, 4000, 4000, 4000]);
  assertEquals(rests.slice(20).map(Math.round), [4000, 1000, 4000, 1000, 1100]);
});

Deno.test("polling() with fixed pacing rests the idle time behind, at the tip and on a quiet shard", async () => {
  const { clock, kinesis } = bed();
  kinesis.script.push(output([1], "a", { millisBehindLatest: 5000 }), output([2], "b"), output([], "c"));
  await readAll(kinesis, clock, { pages: 5, pacing: { ...PACING, idlePacing: "fixed" } });
  assertEquals(restsOf(kinesis), [1000, 1000, 1000, 1000]);
});

Deno.test("polling() keeps within 2 MiB a second", async () => {
  const { clock, kinesis } = bed();
  kinesis.script.push(output([1], "a", { millisBehindLatest: 1, bytes: 10 * 1024 * 1024 }));
  await readAll(kinesis, clock, { pages: 2 });
  assertEquals((kinesis.reads[1]?.atMs ?? 0) - (kinesis.reads[0]?.atMs ?? 0), 5000);
});

Deno.test("polling() takes a missing shard, or a deleted stream, as an end without children", async () => {
  const { clock, kinesis } = bed();
  kinesis.script.push(output([1]), serviceError("ResourceNotFoundException"));
  const { pages } = await readAll(kinesis, clock);
  assertEquals(pages.at(-1)?.end, { childShards: [] });
});

Deno.test("polling() tries again when a shard is not found that is listed, or of which nobody can tell", async () => {
  const { clock, kinesis } = bed();
  const listings = [
    () => Promise.resolve([shardWith("s-0", { endingSequenceNumber: "9" })]),
    () => Promise.reject(serviceError("LimitExceededException", true)),
  ];
  kinesis.listShards = () => listings.shift()?.() ?? Promise.resolve([]);
  const notFound = serviceError("ResourceNotFoundException");
  kinesis.script.push(output([1], "a"), notFound, notFound, output([2], "b"), notFound);
  const { pages, events } = await readAll(kinesis, clock);
  assertEquals(numbersOf(pages), [[1], [2], []]);
  assertEquals(eventsOf(events, "fetchFailed").length, 2);
  assertEquals(pages.at(-1)?.end, { childShards: [] });
});

Deno.test("polling() takes a stream that is gone as an end without children", async () => {
  const { clock, kinesis } = bed();
  kinesis.listShards = () => Promise.reject(serviceError("ResourceNotFoundException"));
  kinesis.iteratorScript.push(serviceError("ResourceNotFoundException"));
  const { pages } = await readAll(kinesis, clock);
  assertEquals(pages.map((page) => page.end), [{ childShards: [] }]);
});

Deno.test("polling() confirms an end that names no children by the shard list", async () => {
  const { clock, kinesis } = bed();
  kinesis.shards = [
    shardWith("s-0", { endingSequenceNumber: "9" }),
    shardWith("s-1", { parentShardId: "s-0" }),
    shardWith("s-2", { parentShardId: "s-9", adjacentParentShardId: "s-0" }),
  ];
  kinesis.script.push(output([1], null));
  const { pages } = await readAll(kinesis, clock);
  assertEquals(pages.length, 1);
  assertEquals(pages[0]?.end?.childShards.map((child) => [child.shardId, child.parentShards]), [
    ["s-1", ["s-0"]],
    ["s-2", ["s-9", "s-0"]],
  ]);
});

Deno.test("polling() does not believe in the end of a shard that is listed as open", async () => {
  const { clock, kinesis } = bed();
  kinesis.shards = [shardWith("s-0")];
  kinesis.script.push(output([1], null), output([2]));
  const { pages } = await readAll(kinesis, clock, { pages: 2 });
  assertEquals(pages.map((page) => page.end), [undefined, undefined]);
  assertEquals(kinesis.iterators[1], { type: "AFTER_SEQUENCE_NUMBER", sequenceNumber: "1" });
});

Deno.test("polling() waits a while for the children of a closed shard to be listed", async () => {
  const { clock, kinesis } = bed();
  const closed = shardWith("s-0", { endingSequenceNumber: "9" });
  let asked = 0;
  kinesis.listShards = () => {
    const isThere = ++asked >= 3;
    return Promise.resolve(isThere ? [closed, shardWith("s-1", { parentShardId: "s-0" })] : [closed]);
  };
  kinesis.script.push(output([1], null));
  const { pages } = await readAll(kinesis, clock);
  assertEquals(pages[0]?.end?.childShards.length, 1);
  assertEquals(asked, 3);
});

Deno.test("polling() does not lose the last records when their end cannot be confirmed at once", async () => {
  const { clock, kinesis } = bed();
  let asked = 0;
  kinesis.listShards = () => {
    if (++asked === 1) return Promise.reject(serviceError("InternalFailure", true));
    return Promise.resolve([
      shardWith("s-0", { endingSequenceNumber: "9" }),
      shardWith("s-1", { parentShardId: "s-0" }),
    ]);
  };
  const last = output([1, 2], null);
  kinesis.script.push(last, last);
  const { pages } = await readAll(kinesis, clock);
  assertEquals(numbersOf(pages), [[1, 2]]);
  assertEquals(pages[0]?.end?.childShards.length, 1);
});

Deno.test("polling() keeps its pace after an iterator that was long in coming", async () => {
  const { clock, kinesis } = bed();
  const open = kinesis.getShardIterator.bind(kinesis);
  kinesis.getShardIterator = async (stream, shardId, position) => {
    await clock.sleep(3000);
    return await open(stream, shardId, position);
  };
  const isBehind = { millisBehindLatest: 5000 };
  kinesis.script.push(output([1], "a", isBehind), output([2], "b", isBehind), output([3], "c", isBehind));
  await readAll(kinesis, clock, { pages: 3 });
  assertEquals(kinesis.reads.map((read) => read.atMs), [3000, 3200, 3400]);
});

Deno.test("polling() ends with the signal's reason, also while it rests", async () => {
  const { clock, kinesis } = bed();
  const stop = new AbortController();
  const source = polling({
    kinesis,
    stream: { streamName: "words", streamArn: undefined },
    system: { clock, random: () => 0, fetch },
    emit: () => {},
    pacing: PACING,
    maxRecords: 10,
    onTrimmedCheckpoint: "trim-horizon",
  });
  const request = {
    leaseKey: "s-0",
    shardId: "s-0",
    checkpoint: positionAt("LATEST"),
    initialPosition: "LATEST" as const,
  };
  const pages = source.read(request, stop.signal)[Symbol.asyncIterator]();
  await pages.next();
  const second = pages.next();
  await clock.advance(10);
  stop.abort(new Error("enough"));
  await assertRejects(() => second, Error, "enough");
});

Deno.test("polling() refuses an AT_TIMESTAMP checkpoint without the time", async () => {
  const { clock, kinesis } = bed();
  await assertRejects(
    () => readAll(kinesis, clock, { checkpoint: positionAt("AT_TIMESTAMP") }),
    RangeError,
    "expected a Date as initialPositionInStream",
  );
});

// Starts that are not what they seem.

const createdMs = Date.UTC(2026, 0, 30, 11);
const created = { epochMs: createdMs, isFirstRead: false };
const sinceCreation = { type: "AT_TIMESTAMP", timestampMs: createdMs - 1000 } as const;

Deno.test("polling() reads LATEST from the time at which its lease was created, until records have come", async () => {
  const { clock, kinesis } = bed();
  kinesis.script.push(output([]), serviceError("ExpiredIteratorException"), output([5]));
  kinesis.script.push(serviceError("ExpiredIteratorException"), output([6]));
  const { events } = await readAll(kinesis, clock, {
    pages: 3,
    checkpoint: positionAt("LATEST"),
    createdAtLatest: created,
  });
  assertEquals(kinesis.iterators, [
    sinceCreation,
    sinceCreation,
    { type: "AFTER_SEQUENCE_NUMBER", sequenceNumber: "5" },
  ]);
  assertEquals(
    eventsOf(events, "notice").map(({ level, text }) => [level, text.includes("2026-01-30T10:59:59")]),
    [
      ["info", true],
    ],
  );
});

Deno.test("polling() takes no notice of that time once there is a checkpoint", async () => {
  const { clock, kinesis } = bed();
  await readAll(kinesis, clock, { pages: 1, checkpoint: positionAt("7"), createdAtLatest: created });
  assertEquals(kinesis.iterators, [{ type: "AT_SEQUENCE_NUMBER", sequenceNumber: "7" }]);
});

Deno.test("polling() reads from the tip when that time has not come yet for Kinesis, and says so", async () => {
  const { clock, kinesis } = bed();
  kinesis.iteratorScript.push(serviceError("InvalidArgumentException"));
  const { events } = await readAll(kinesis, clock, {
    pages: 1,
    checkpoint: positionAt("LATEST"),
    createdAtLatest: created,
  });
  assertEquals(kinesis.iterators, [sinceCreation, { type: "LATEST" }]);
  assertEquals(eventsOf(events, "notice").at(-1)?.level, "warning");
});

Deno.test("polling() asks for that time again when the tip in its place cannot be opened", async () => {
  const { clock, kinesis } = bed();
  kinesis.iteratorScript.push(serviceError("InvalidArgumentException"), serviceError("InternalFailure"));
  await readAll(kinesis, clock, { pages: 1, checkpoint: positionAt("LATEST"), createdAtLatest: created });
  assertEquals(kinesis.iterators, [sinceCreation, { type: "LATEST" }, sinceCreation]);
});

Deno.test("polling() reads at once with an iterator for its own time that comes at once", async () => {
  const { clock, kinesis } = bed();
  kinesis.script.push(output([7]));
  await readAll(kinesis, clock, { pages: 1, checkpoint: positionAt("LATEST"), createdAtLatest: created });
  assertEquals(kinesis.reads.map(({ atMs }) => atMs), [0]);
});

Deno.test("polling() tells when the record at the checkpoint was trimmed, and reads on from the oldest", async () => {
  const { clock, kinesis } = bed();
  kinesis.script.push(output([], "a"), output([8, 9], "b"), output([10], "c"));
  const { pages, events } = await readAll(kinesis, clock, { pages: 3, checkpoint: positionAt("7") });
  assertEquals(numbersOf(pages), [[], [8, 9], [10]]);
  assertEquals(eventsOf(events, "checkpointTrimmed").map(({ found, outcome }) => [found, outcome]), [
    ["8", "trim-horizon"],
  ]);
});

Deno.test("polling() tells of no trimming when the record is there", async () => {
  const { clock, kinesis } = bed();
  kinesis.script.push(output([7, 9], "a"), output([10], "b"));
  const { events } = await readAll(kinesis, clock, {
    pages: 2,
    checkpoint: positionAt("7"),
    onTrimmedCheckpoint: "stop",
  });
  assertEquals(eventsOf(events, "checkpointTrimmed"), []);
});

Deno.test('polling() with "latest" delivers nothing from before the tip when the checkpoint was trimmed', async () => {
  const { clock, kinesis } = bed();
  kinesis.script.push(output([8, 9], "a"), output([20]));
  const { pages } = await readAll(kinesis, clock, {
    pages: 1,
    checkpoint: positionAt("7"),
    onTrimmedCheckpoint: "latest",
  });
  assertEquals(numbersOf(pages), [[20]]);
  assertEquals(kinesis.iterators[1], { type: "LATEST" });
});

Deno.test('polling() with "stop" reads nothing when the checkpoint was trimmed', async () => {
  const { clock, kinesis } = bed();
  kinesis.script.push(output([8, 9]));
  await assertRejects(
    () => readAll(kinesis, clock, { checkpoint: positionAt("7"), onTrimmedCheckpoint: "stop" }),
    RangeError,
    "its checkpoint 7 is no longer in the stream",
  );
});

Deno.test("polling() opens at the oldest record when Kinesis refuses a number as too old, and no other number", async () => {
  const refusal = (message: string) => {
    const error = serviceError("InvalidArgumentException");
    error.message = message;
    return error;
  };
  for (
    const [message, second] of [["the record has expired", "TRIM_HORIZON"], [
      "not of this stream",
      "AT_SEQUENCE_NUMBER",
    ]]
  ) {
    const { clock, kinesis } = bed();
    kinesis.iteratorScript.push(refusal(message ?? ""));
    kinesis.script.push(output([7]));
    const { events } = await readAll(kinesis, clock, { pages: 1, checkpoint: positionAt("7") });
    assertEquals(kinesis.iterators.map(({ type }) => type), ["AT_SEQUENCE_NUMBER", second]);
    assertEquals(eventsOf(events, "checkpointTrimmed").length, second === "TRIM_HORIZON" ? 1 : 0);
  }
});

Deno.test("polling() goes on after the last record when an iterator expires behind an empty page", async () => {
  const { clock, kinesis } = bed();
  kinesis.script.push(output([1, 2]), output([]), serviceError("ExpiredIteratorException"), output([3]));
  await readAll(kinesis, clock, { pages: 3 });
  assertEquals(kinesis.iterators.at(-1), { type: "AFTER_SEQUENCE_NUMBER", sequenceNumber: "2" });
});

Deno.test("polling() starts with a short pause again after a read that worked", async () => {
  const { clock, kinesis } = bed();
  const down = serviceError("InternalFailure", true);
  kinesis.script.push(down, down, down, output([1]), down, output([2]));
  const { events } = await readAll(kinesis, clock, { pages: 2 });
  assertEquals(eventsOf(events, "fetchFailed").map(({ retryInMs }) => retryInMs), [1000, 2000, 4000, 1000]);
});

Deno.test("polling() asks for as many records as make a page of some MiB, at most maxRecords", async () => {
  const { clock, kinesis } = bed();
  kinesis.script.push(output([1]));
  await readAll(kinesis, clock, { pages: 1, maxRecords: 17 });
  assertEquals(kinesis.reads.map(({ limit }) => limit), [17]);
  const { clock: later, kinesis: other } = bed();
  other.script.push({ ...output([1]), bytes: 2048 }, { ...output([2]), bytes: 100 }, output([3]));
  await readAll(other, later, { pages: 3 });
  assertEquals(other.reads.map(({ limit }) => limit), [3584, 1792, 10_000]);
});

Deno.test("polling() keeps its pace when it begins anew at the tip", async () => {
  const { clock, kinesis } = bed();
  kinesis.script.push(output([9]), output([20]));
  await readAll(kinesis, clock, { pages: 1, checkpoint: positionAt("7"), onTrimmedCheckpoint: "latest" });
  assertEquals(restsOf(kinesis), [200]);
});

Deno.test("polling() that is stopped in the middle of a call reports no failure", async () => {
  for (const call of ["getShardIterator", "getRecords"] as const) {
    const { clock, kinesis } = bed();
    const stop = new AbortController();
    const events: WorkerEvent[] = [];
    const hanging = () =>
      new Promise<never>((_, reject) =>
        stop.signal.addEventListener("abort", () => reject(stop.signal.reason))
      );
    Object.assign(kinesis, { [call]: hanging });
    const source = polling({
      kinesis,
      stream: { streamName: "words", streamArn: undefined },
      system: { clock, random: () => 0, fetch },
      emit: (event) => events.push(event),
      pacing: PACING,
      maxRecords: 10,
      onTrimmedCheckpoint: "trim-horizon",
    });
    const request = {
      leaseKey: "s-0",
      shardId: "s-0",
      checkpoint: positionAt("7"),
      initialPosition: "LATEST" as const,
    };
    const next = source.read(request, stop.signal)[Symbol.asyncIterator]().next();
    const stopped = assertRejects(() => next, Error, "lease lost");
    await clock.advance(100);
    stop.abort(new Error("lease lost"));
    await stopped;
    assertEquals(eventsOf(events, "fetchFailed"), []);
  }
});

for (const code of ["InvalidArgumentException", "ExpiredIteratorException"]) {
  Deno.test(`polling() replaces an iterator that is refused at once, but then backs off: ${code}`, async () => {
    const { clock, kinesis } = bed();
    const refused = serviceError(code);
    kinesis.script.push(
      output([1], "a"),
      refused,
      refused,
      refused,
      refused,
      output([2], "b"),
      refused,
      output([3]),
    );
    const { pages, events } = await readAll(kinesis, clock, { pages: 3 });
    assertEquals(numbersOf(pages), [[1], [2], [3]]);
    // Each time with an iterator of its own; the first without a rest, and so again after an answer that could be used.
    assertEquals(kinesis.reads.map((read) => read.iterator), [
      "s-0#1",
      "a",
      "s-0#2",
      "s-0#3",
      "s-0#4",
      "s-0#5",
      "b",
      "s-0#6",
    ]);
    assertEquals(restsOf(kinesis), [1000, 200, 1000, 2000, 4000, 1000, 200]);
    assertEquals(eventsOf(events, "fetchFailed").map((event) => event.retryInMs), [1000, 2000, 4000]);
  });
}

Deno.test("polling() takes another iterator after some answers in a row that cannot be read, and goes on where it was", async () => {
  const { clock, kinesis } = bed();
  const malformed = serviceError("MalformedResponse", true);
  const script = [
    output([1], "a"),
    malformed,
    malformed,
    malformed,
    output([2], "b"),
    malformed,
    malformed,
    output([3]),
  ];
  kinesis.script.push(...script);
  const { pages, events } = await readAll(kinesis, clock, { pages: 3 });
  assertEquals(numbersOf(pages), [[1], [2], [3]]);
  assertEquals(kinesis.reads.map((read) => read.iterator), ["s-0#1", "a", "a", "a", "s-0#2", "b", "b", "b"]);
  assertEquals(kinesis.iterators[1], { type: "AFTER_SEQUENCE_NUMBER", sequenceNumber: "1" });
  assertEquals(eventsOf(events, "fetchFailed").length, 5);
});

Deno.test("polling() of an open shard whose answers name no next iterator reports it and slows down, and delivers what comes", async () => {
  const { clock, kinesis } = bed();
  kinesis.shards = [shardWith("s-0")];
  kinesis.script.push(...[1, 2, 3, 4].map((n) => output([n], null, { millisBehindLatest: 1 })), output([5]));
  const { pages, events } = await readAll(kinesis, clock, { pages: 5 });
  assertEquals(numbersOf(pages), [[1], [2], [3], [4], [5]]);
  assertEquals(restsOf(kinesis), [200, 1000, 2000, 4000]);
  assertEquals(eventsOf(events, "fetchFailed").map((event) => event.retryInMs), [1000, 2000, 4000]);
});

/** As Kinesis refuses a number of a stream that was deleted. */
function foreign(): AwsServiceError {
  const error = serviceError("InvalidArgumentException");
  error.message =
    "StartingSequenceNumber 7 used in GetShardIterator on shard s in stream words under account 1 is " +
    "invalid because it did not come from this stream.";
  return error;
}

Deno.test("polling() has onTrimmedCheckpoint decide about a checkpoint that did not come from this stream", async () => {
  for (
    const [onTrimmedCheckpoint, type] of [["trim-horizon", "TRIM_HORIZON"], ["latest", "LATEST"]] as const
  ) {
    const { clock, kinesis } = bed();
    kinesis.iteratorScript.push(foreign());
    kinesis.script.push(output([8]));
    const { events, pages } = await readAll(kinesis, clock, {
      pages: 1,
      checkpoint: positionAt("7"),
      onTrimmedCheckpoint,
    });
    assertEquals(kinesis.iterators.map((position) => position.type), ["AT_SEQUENCE_NUMBER", type]);
    assertEquals(numbersOf(pages), [[8]]);
    assertEquals(
      eventsOf(events, "checkpointTrimmed").map(({ isForeign, outcome }) => [isForeign, outcome]),
      [
        [true, onTrimmedCheckpoint],
      ],
    );
  }
});

Deno.test('polling() with "stop" asks whether the stream was recreated', async () => {
  const { clock, kinesis } = bed();
  kinesis.iteratorScript.push(foreign());
  await assertRejects(
    () => readAll(kinesis, clock, { checkpoint: positionAt("7"), onTrimmedCheckpoint: "stop" }),
    RangeError,
    "its checkpoint 7 did not come from this stream (recreated?)",
  );
});

Deno.test("polling() starts over in a stream that is created anew while it is read", async () => {
  const { clock, kinesis } = bed();
  kinesis.iteratorScript.push("of the stream before", foreign());
  kinesis.script.push(output([8]), serviceError("ExpiredIteratorException"), output([20]));
  const { pages } = await readAll(kinesis, clock, { pages: 2, checkpoint: positionAt("TRIM_HORIZON") });
  assertEquals(kinesis.iterators.map(({ type }) => type), [
    "TRIM_HORIZON",
    "AFTER_SEQUENCE_NUMBER",
    "TRIM_HORIZON",
  ]);
  assertEquals(numbersOf(pages), [[8], [20]]);
});

Deno.test("polling() does not drop all records of a stream in silence whose numbers are smaller than the checkpoint", async () => {
  const { clock, kinesis } = bed();
  kinesis.iteratorScript.push(foreign());
  kinesis.script.push(output([5]));
  await assertRejects(
    () => readAll(kinesis, clock, { checkpoint: positionAt("7") }),
    RangeError,
    "is of another stream, and greater than 5",
  );
});

Deno.test("polling() reports each iterator that it was given, and how long that took", async () => {
  const { clock, kinesis } = bed();
  const ask = kinesis.getShardIterator.bind(kinesis);
  kinesis.getShardIterator = async (...args) => {
    await clock.sleep(25);
    return await ask(...args);
  };
  kinesis.script.push(output([1]), output([2], null, { childShards: children }));
  const { events } = await readAll(kinesis, clock);
  assertEquals(eventsOf(events, "iteratorGiven"), [
    { type: "iteratorGiven", leaseKey: "s-0", shardId: "s-0", ms: 25 },
  ]);
});
