import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import {
  fromLambdaHandler,
  type KinesisEvent,
  type LambdaContext,
  type LambdaHandler,
  type LambdaHandlerOptions,
} from "../../src/lambda/mod.ts";
import type { WorkerEvent } from "../../src/events.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import {
  type ConsumerChanges,
  eventsOf,
  pageOf,
  recordWith,
  startConsumer,
} from "../support/consumer_bed.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { aggregate, utf8 } from "../support/kpl.ts";

/** A consumer whose processor is a handler; the handler's time is under the test's hand too. */
function start(handler: LambdaHandler, options: LambdaHandlerOptions = {}, changes: ConsumerChanges = {}) {
  const callClock = new FakeClock();
  const notices: WorkerEvent[] = [];
  const processor = fromLambdaHandler(handler, {
    clock: callClock,
    onEvent: (e) => notices.push(e),
    ...options,
  });
  const bed = startConsumer(undefined, { processor, onProcessError: "retry", ...changes });
  return { ...bed, callClock, notices };
}

/** How the first call of a handler ended: what its failure said, or undefined. */
async function firstFailure(bed: ReturnType<typeof start>): Promise<string | undefined> {
  bed.retrieval.feed(pageOf([recordWith(1)], []));
  for (let turn = 0; turn < 50; turn++) {
    const [ended] = eventsOf(bed.events, "callbackEnded").filter(({ callback }) =>
      callback === "processRecords"
    );
    if (ended !== undefined) return ended.error === undefined ? undefined : `${ended.error}`;
    await bed.settle();
  }
  throw new Error("the call did not end");
}

const later = (run: () => void) => void Promise.resolve().then(() => Promise.resolve()).then(run);

/** Handlers of each style, and how their call ends. */
const STYLES: readonly {
  readonly style: string;
  readonly handler: LambdaHandler;
  readonly failure?: string;
}[] = [
  { style: "a promise", handler: async () => {} },
  { style: "a promise that rejects", handler: () => Promise.reject(new Error("no")), failure: "Error: no" },
  {
    style: "a promise that rejects with undefined",
    handler: () => Promise.reject(),
    failure: "Error: undefined was thrown",
  },
  {
    style: "an async function that throws null",
    handler: async () => {
      throw null;
    },
    failure: "null",
  },
  {
    style: "a plain function that throws undefined",
    handler: () => {
      throw undefined;
    },
    failure: "Error: undefined was thrown",
  },
  { style: "a plain return", handler: (event: KinesisEvent) => void event.Records.length },
  {
    style: "a callback, later",
    handler: (_event, _context, callback) => later(() => callback(null, "done")),
  },
  {
    style: "a callback with an error, later",
    handler: (_event, _context, callback) => later(() => callback(new Error("bad"))),
    failure: "Error: bad",
  },
  {
    style: "a callback with a text as the error",
    handler: (_e, _c, callback) => callback("text"),
    failure: "text",
  },
  { style: "context.succeed(), later", handler: (_event, context) => later(() => context.succeed("ok")) },
  {
    style: "context.fail() without an error, later",
    handler: (_event, context) => later(() => context.fail()),
    failure: "Error: context.fail() was called without an error",
  },
  { style: "context.done()", handler: (_event, context) => later(() => context.done(null, "ok")) },
  {
    style: "a callback that is called twice: the first call counts",
    handler: (_event, _context, callback) => {
      callback(null);
      callback(new Error("late"));
    },
  },
  {
    style: "a callback, and a throw behind it: the callback came first",
    handler: (_event, _context, callback) => {
      callback(null);
      throw new Error("late");
    },
  },
];

for (const { style, handler, failure } of STYLES) {
  Deno.test(`fromLambdaHandler() ends a call by ${style}`, async () => {
    const bed = start(handler);
    assertEquals(await firstFailure(bed), failure);
    bed.held.lose();
    await bed.clock.advance(60_000);
    await bed.end;
  });
}

Deno.test("fromLambdaHandler() gives event and context of Lambda, and the shard ends at SHARD_END", async () => {
  const calls: { event: KinesisEvent; context: LambdaContext }[] = [];
  const bed = start(
    async (event, context) => void calls.push({ event, context }),
    { functionName: "orders", memorySize: 512, timeoutMs: 5000 },
  );
  bed.retrieval.feed(pageOf([recordWith(1, "a"), recordWith(2, "b")], []));
  assertEquals(await bed.end, "completed");
  const [call] = calls;
  assert(call !== undefined && calls.length === 1);
  const { event: { Records }, context } = call;
  assertEquals(Records.map((record) => [record.kinesis.sequenceNumber, atob(record.kinesis.data)]), [
    ["1", "a"],
    ["2", "b"],
  ]);
  assertEquals(Records[0]?.eventSourceARN, "arn:aws:kinesis:us-east-1:000000000000:stream/words");
  assertEquals(Records[0]?.invokeIdentityArn, "arn:aws:iam::000000000000:role/orders");
  const { awsRequestId, logStreamName, signal, ...rest } = context;
  assertMatch(awsRequestId, /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  assertMatch(logStreamName, /^2026\/01\/30\/\[\$LATEST\][\da-f]{32}$/);
  assertEquals(signal.aborted, false);
  assertEquals(Object.entries(rest).filter(([, value]) => typeof value !== "function"), [
    ["functionName", "orders"],
    ["functionVersion", "$LATEST"],
    ["invokedFunctionArn", "arn:aws:lambda:us-east-1:000000000000:function:orders"],
    ["memoryLimitInMB", "512"],
    ["logGroupName", "/aws/lambda/orders"],
    ["callbackWaitsForEmptyEventLoop", true],
  ]);
  assertEquals(context.getRemainingTimeInMillis(), 5000);
  await bed.callClock.advance(5001);
  assertEquals(context.getRemainingTimeInMillis(), 0);
  assertEquals(bed.held.stored.map(({ sequenceNumber }) => sequenceNumber).at(-1), "SHARD_END");
});

Deno.test("fromLambdaHandler() takes the ARN of the stream for the account, and what the user says over it", async () => {
  let seen: KinesisEvent | undefined, arn: string | undefined;
  const stream = {
    streamName: "orders",
    streamArn: "arn:aws-cn:kinesis:cn-north-1:123456789012:stream/orders",
    streamIdentifier: undefined,
  };
  const handler: LambdaHandler = async (event, context) => {
    [seen, arn] = [event, context.invokedFunctionArn];
  };
  const once = async (options: LambdaHandlerOptions) => {
    const bed = start(handler, options, { stream });
    bed.retrieval.feed(pageOf([recordWith(1)], []));
    await bed.end;
    const [record] = seen?.Records ?? [];
    return [record?.eventSourceARN, record?.awsRegion, record?.invokeIdentityArn, arn];
  };
  assertEquals(await once({}), [
    stream.streamArn,
    "cn-north-1",
    "arn:aws-cn:iam::123456789012:role/kclite",
    "arn:aws-cn:lambda:cn-north-1:123456789012:function:kclite",
  ]);
  const own = { invokeIdentityArn: "arn:mine", functionArn: "arn:function" };
  assertEquals((await once(own)).slice(2), ["arn:mine", "arn:function"]);
});

Deno.test("fromLambdaHandler() gives aggregates whole, as Lambda does, and apart when asked to", async () => {
  const page = pageOf([{
    ...recordWith(7),
    data: aggregate(["a", "b"].map((text) => ({ partitionKey: text, data: utf8(text) }))),
  }], []);
  const idsOf = async (options: LambdaHandlerOptions) => {
    const ids: string[] = [];
    const bed = start(
      async ({ Records }) => void ids.push(...Records.map(({ eventID }) => eventID)),
      options,
    );
    bed.retrieval.feed(page);
    assertEquals(await bed.end, "completed");
    return { ids, first: ids.length };
  };
  assertEquals((await idsOf({})).ids, ["shardId-000000000000:7"]);
  assertEquals((await idsOf({ deaggregate: true })).ids, [
    "shardId-000000000000:7:0",
    "shardId-000000000000:7:1",
  ]);
});

Deno.test("fromLambdaHandler() waits for a call whose time is over: its signal aborts, it has failed, and no call overlaps", async () => {
  let running = 0, most = 0, calls = 0;
  const bed = start(async (_event, { signal }) => {
    calls++;
    most = Math.max(most, ++running);
    if (calls === 1) await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    running--;
  }, { timeoutMs: 1000 });
  bed.retrieval.feed(pageOf([recordWith(1)], []));
  await bed.settle();
  await bed.callClock.advance(999);
  assertEquals(eventsOf(bed.events, "batchFailed"), []);
  await bed.callClock.advance(1);
  await bed.settle();
  const [failed] = eventsOf(bed.events, "batchFailed");
  assertMatch(
    `${failed?.error}`,
    /^FunctionTimeoutError: [\da-f-]{36} Task timed out after 1\.00 seconds: it ended/,
  );
  await bed.clock.advance(60_000);
  assertEquals(await bed.end, "completed");
  assertEquals([calls, most], [2, 1]);
});

Deno.test("fromLambdaHandler() gives a call up that never settles, and says so", async () => {
  let calls = 0;
  const bed = start(() => ++calls === 1 ? new Promise(() => {}) : Promise.resolve(), {
    timeoutMs: 1000,
    abandonAfterMs: 5000,
  });
  bed.retrieval.feed(pageOf([recordWith(1)], []));
  await bed.settle();
  await bed.callClock.advance(5999);
  assertEquals(eventsOf(bed.events, "batchFailed"), []);
  await bed.callClock.advance(1);
  await bed.settle();
  const [failed] = eventsOf(bed.events, "batchFailed");
  assertStringIncludes(`${failed?.error}`, "did not end within 5000 ms more, and may still run");
  const [notice] = bed.notices;
  assert(notice?.type === "notice" && notice.level === "error");
  assertStringIncludes(notice.text, "A call was given up");
  await bed.clock.advance(60_000);
  assertEquals(await bed.end, "completed");
});

Deno.test("fromLambdaHandler() aborts the signal of a call when the lease is lost", async () => {
  let reason: unknown;
  const bed = start((_event, { signal }) =>
    new Promise<void>((resolve) =>
      signal.addEventListener("abort", () => {
        reason = signal.reason;
        resolve();
      })
    )
  );
  bed.retrieval.feed(pageOf([recordWith(1)]));
  await bed.settle();
  bed.held.lose();
  assertEquals(await bed.end, "lost");
  assertEquals(`${reason}`.startsWith("LeaseLostError"), true);
});

Deno.test("fromLambdaHandler() cuts a batch at the payload limit, and repeats only what did not go well", async () => {
  const calls: string[] = [];
  let failuresLeft = 1;
  const bed = start(async ({ Records }) => {
    const numbers = Records.map(({ kinesis }) => kinesis.sequenceNumber).join("+");
    calls.push(numbers);
    if (numbers.startsWith("3") && failuresLeft-- > 0) throw new Error("away");
  }, { maxPayloadBytes: 1200 });
  bed.retrieval.feed(pageOf([1, 2, 3, 4, 5].map((n) => recordWith(n, "x".repeat(60))), []));
  await bed.settle();
  await bed.clock.advance(60_000);
  assertEquals(await bed.end, "completed");
  assertEquals(calls, ["1+2", "3+4", "3+4", "5"]);
  assertEquals(bed.held.stored[0], positionAt("2"));
});

Deno.test("fromLambdaHandler() fails a record that is larger than an event may be, and names it", async () => {
  const bed = start(async () => {}, { maxPayloadBytes: 1024 }, { onProcessError: "skip" });
  bed.retrieval.feed(pageOf([recordWith(1), recordWith(2, "x".repeat(900)), recordWith(3)], []));
  await bed.end;
  const [failed] = eventsOf(bed.events, "batchFailed");
  assertMatch(
    `${failed?.error}`,
    /^RangeError: Cannot call Lambda function with record 2: its event must be <= 1024 bytes: got 1\d\d\d: set maxPayloadBytes/,
  );
});

/** What a processor of the handler answers to a batch of three records. */
async function answerOf(answers: readonly unknown[], options: LambdaHandlerOptions = {}) {
  const left = [...answers];
  const factory = fromLambdaHandler(async () => left.shift(), options);
  const processor = factory("shard", {
    streamName: "words",
    streamArn: undefined,
    streamIdentifier: undefined,
  });
  const batch = {
    records: [1, 2, 3].map((n) => recordWith(n, "x".repeat(60))),
    millisBehindLatest: 0,
    isAtShardEnd: false,
    childShards: [],
  };
  const context = {
    signal: new AbortController().signal,
    checkpoint: () => Promise.reject(new Error("not now")),
  };
  return await processor.processRecords(
    batch,
    context as unknown as Parameters<typeof processor.processRecords>[1],
  );
}

Deno.test("fromLambdaHandler() passes the handler's list on to the worker, and takes any other answer for success", async () => {
  const item = (itemIdentifier: string) => ({ itemIdentifier });
  assertEquals(await answerOf([{ batchItemFailures: [item("2")] }]), { batchItemFailures: [item("2")] });
  const successes = [undefined, null, "Successfully processed 3 records.", 3, {}, [], { statusCode: 200 }];
  for (const answer of [...successes, { batchItemFailures: null }, { batchItemFailures: [] }]) {
    assertEquals(await answerOf([answer]), null);
  }
  // As Lambda: what names no record means that all have failed. The worker knows that rule.
  for (const odd of ["2", 1, {}, true]) {
    assertEquals(await answerOf([{ batchItemFailures: odd }]), { batchItemFailures: [item("")] });
  }
  assertEquals(await answerOf([{ batchItemFailures: [null] }]) as unknown, { batchItemFailures: [null] });
});

Deno.test("fromLambdaHandler() goes on after a list in a cut batch, since only the worker knows whether the list counts", async () => {
  const lists = [{ batchItemFailures: [{ itemIdentifier: "1" }] }, {
    batchItemFailures: [{ itemIdentifier: "3" }],
  }];
  const answer = await answerOf(lists, { maxPayloadBytes: 1200 });
  assertEquals(answer, { batchItemFailures: [{ itemIdentifier: "1" }, { itemIdentifier: "3" }] });
});

Deno.test("fromLambdaHandler() refuses what is no handler, and options of no meaning", () => {
  for (const bad of [undefined, null, {}, "index.handler", Promise.resolve()]) {
    assertThrows(
      () => fromLambdaHandler(bad as unknown as LambdaHandler),
      TypeError,
      "expected the handler as a function",
    );
  }
  const handler = async () => {};
  const number = "Cannot host Lambda function: ";
  const refused: readonly [Record<string, unknown>, typeof Error, string][] = [
    [{ timeoutMs: 0 }, RangeError, `${number}timeoutMs must be from 1 to 900000: got 0`],
    [{ timeoutMs: 900_001 }, RangeError, "got 900001"],
    [{ timeoutMs: "3" }, TypeError, "got string"],
    [{ timeoutMs: NaN }, RangeError, "got NaN"],
    [{ memorySize: 0 }, RangeError, "memorySize must be >= 1: got 0"],
    [{ maxPayloadBytes: 10 }, RangeError, "maxPayloadBytes must be >= 1024: got 10"],
    [{ functionName: "" }, TypeError, "expected a text for functionName: got an empty text"],
    [{ deaggregate: "yes" }, TypeError, "deaggregate must be true or false: got string"],
    [{ abandonAfterMs: -1 }, RangeError, "abandonAfterMs must be >= 0: got -1"],
  ];
  for (const [options, kind, text] of refused) {
    assertThrows(() => fromLambdaHandler(handler, options as LambdaHandlerOptions), kind, text);
  }
});

Deno.test("fromLambdaHandler() names each call differently", async () => {
  const ids = new Set<string>();
  const bed = start(async (_event, { awsRequestId }) => void ids.add(awsRequestId), {
    maxPayloadBytes: 1024,
  });
  bed.retrieval.feed(pageOf(Array.from({ length: 40 }, (_, i) => recordWith(i + 1, "x".repeat(200))), []));
  await bed.end;
  assertEquals(ids.size, 40);
});
