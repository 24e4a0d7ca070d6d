import { assert, assertEquals, assertGreater, assertStringIncludes, assertThrows } from "@std/assert";
import { AwsServiceError, type MultiLangProtocolError } from "../../src/errors.ts";
import { multiLangProcessor, splitCommand } from "../../src/multilang/multilang_processor.ts";
import { positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";
import { leaseWith, newLease } from "../lease/fixtures.ts";
import { eventsOf, pageOf, recordWith, startConsumer } from "../support/consumer_bed.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { FakeProgram, type Handler } from "./fake_program.ts";

const SHARD = "shardId-000000000000";

/** A shard consumer whose processor is a fake child. */
function start(
  on: Readonly<Record<string, Handler>> = {},
  options: { readonly shardId?: string; readonly checkpoint?: string; readonly timeoutMs?: number } = {},
) {
  const program = new FakeProgram(on);
  const clock = new FakeClock();
  const stopping = new AbortController();
  const failures: string[] = [];
  const notices: string[] = [];
  const unstartable: string[] = [];
  const { shardId = SHARD, checkpoint = "TRIM_HORIZON", timeoutMs } = options;
  const processor = multiLangProcessor({
    executableName: "app.py",
    spawn: program.spawn,
    clock,
    timeoutMs,
    stopping: stopping.signal,
    onEvent: (event) => event.type === "notice" && notices.push(`${event.leaseKey} ${event.text}`),
    onChildFailure: (error: MultiLangProtocolError, shardId) => failures.push(`${shardId}: ${error.message}`),
    onUnstartable: (error) => unstartable.push(error.message),
  });
  const lease = leaseWith({ leaseKey: shardId, shardId, checkpoint: positionAt(checkpoint) });
  const bed = startConsumer(undefined, { processor, lease });
  return { ...bed, program, childClock: clock, stopping, failures, notices, unstartable };
}

/** Waits for the first restart that the consumer tells of; its pause has begun by then. */
async function nextRestart(bed: ReturnType<typeof start>) {
  for (let turn = 0; turn < 100; turn++) {
    const [restart] = eventsOf(bed.events, "processorRestarting");
    if (restart !== undefined) return restart;
    await bed.settle();
  }
  throw new Error(`No restart came: ${bed.program.told}`);
}

Deno.test("multiLangProcessor() tells the child of its shard once, first, with the checkpoint (promise 7)", async () => {
  const bed = start({}, { checkpoint: "4960" });
  bed.retrieval.feed(pageOf([recordWith("4961"), recordWith("4962")]), pageOf([recordWith("4963")]));
  await bed.settle();
  bed.held.draining.abort();
  assertEquals(await bed.end, "drained");
  assertEquals(bed.program.told, [
    `0 initialize ${SHARD} 4960`,
    "0 processRecords 4961+4962",
    "0 processRecords 4963",
    "0 shutdownRequested",
    "0 leaseLost",
  ]);
  assert(bed.program.children[0]?.isInputClosed);
});

Deno.test("multiLangProcessor() runs one child for each shard (promise 8)", async () => {
  const program = new FakeProgram();
  const processor = multiLangProcessor({
    executableName: "app.py",
    spawn: program.spawn,
    clock: new FakeClock(),
  });
  const beds = ["a", "b", "c"].map((shardId) =>
    startConsumer(undefined, { processor, lease: leaseWith({ leaseKey: shardId, shardId }) })
  );
  for (const bed of beds) {
    bed.retrieval.feed(pageOf([recordWith(1)]));
    await bed.settle();
  }
  assertEquals(program.told.filter((line) => line.includes("initialize")), [
    "0 initialize a TRIM_HORIZON",
    "1 initialize b TRIM_HORIZON",
    "2 initialize c TRIM_HORIZON",
  ]);
  assertEquals(program.told.filter((line) => line.includes("processRecords")).length, 3);
  for (const bed of beds) {
    bed.held.draining.abort();
    await bed.end;
  }
});

Deno.test("multiLangProcessor() starts no child for a shard that has ended, or for a lost lease", async () => {
  const ended = start({}, { checkpoint: "SHARD_END" });
  assertEquals(await ended.end, "completed");
  assertEquals(ended.program.children.length, 0);

  const program = new FakeProgram();
  const processor = multiLangProcessor({
    executableName: "app.py",
    spawn: program.spawn,
    clock: new FakeClock(),
  });
  const lost = startConsumer(undefined, {
    processor,
    lease: leaseWith({ parentShardIds: ["parent"] }),
    leases: [newLease("parent")],
  });
  await lost.settle();
  lost.held.lose();
  assertEquals(await lost.end, "lost");
  assertEquals(program.children.length, 0);
});

Deno.test("multiLangProcessor() stores what the child says: everything, a record, a sub-record (promises 14, 17, 19)", async () => {
  const asked = [{}, { sequenceNumber: "4", subSequenceNumber: null }, {
    sequenceNumber: "5",
    subSequenceNumber: 1,
  }];
  let batch = 0;
  const bed = start({ processRecords: async (_, hand) => void await hand.checkpoint(asked[batch++]) });
  bed.retrieval.feed(
    pageOf([recordWith("1"), recordWith("2")]),
    pageOf([recordWith("3"), recordWith("4")]),
    pageOf([recordWith("5", "a", 0), recordWith("5", "b", 1), recordWith("5", "c", 2)]),
  );
  await bed.settle();
  assertEquals(bed.held.stored, [positionAt("2"), positionAt("4"), positionAt("5", 1)]);
  assertEquals(
    bed.program.replies.map(({ sequenceNumber, subSequenceNumber, error }) => [
      sequenceNumber,
      subSequenceNumber,
      error,
    ]),
    [[null, null, null], ["4", null, null], ["5", 1, null]],
  );
  bed.held.draining.abort();
  await bed.end;
});

Deno.test("multiLangProcessor() refuses positions out of range as IllegalArgumentException (promise 19)", async () => {
  const errors: (string | null)[] = [];
  const bed = start({
    processRecords: async (_, hand) => {
      for (const sequenceNumber of ["1", "9", "", "abc", "true", "SHARD_END", 4]) {
        errors.push(await hand.checkpoint({ sequenceNumber }));
      }
    },
  }, { checkpoint: "2" });
  bed.retrieval.feed(pageOf([recordWith("3"), recordWith("4")]));
  await bed.settle();
  assertEquals(errors, [...Array(6).fill("IllegalArgumentException"), null]);
  assertEquals(bed.held.stored, [positionAt("4")]);
  bed.held.draining.abort();
  await bed.end;
});

Deno.test("multiLangProcessor() restarts after the last checkpoint when the child dies: nothing is lost (promises 9, 15, 18)", async () => {
  let batches = 0;
  const bed = start({
    processRecords: async (message, hand) => {
      batches++;
      if (batches % 3 === 0) await hand.checkpoint();
      if (batches === 5) {
        hand.child.exit(undefined, "SIGKILL");
        await new Promise(() => {});
      }
      assert(Array.isArray(message.records));
    },
  });
  for (let number = 1; number <= 5; number++) bed.retrieval.feed(pageOf([recordWith(number)]));
  await bed.settle();
  assertEquals(bed.program.told.slice(-2), ["0 processRecords 4", "0 processRecords 5"]);
  const restart = await nextRestart(bed);
  assertEquals(bed.program.children.length, 1, "not before a pause");
  assertEquals([restart?.shardId, restart?.attempt, restart?.retryInMs], [SHARD, 1, 500]);
  assertStringIncludes(`${restart?.error}`, 'ended with signal SIGKILL during "processRecords"');
  // Read again from the checkpoint, AT and not AFTER.
  for (let number = 3; number <= 6; number++) bed.retrieval.feed(pageOf([recordWith(number)]));
  await bed.clock.advance(500);
  await bed.settle();
  assertEquals(bed.program.told.slice(6), [
    `1 initialize ${SHARD} 3`,
    "1 processRecords 4",
    "1 processRecords 5",
    "1 processRecords 6",
  ]);
  assertEquals(bed.failures.length, 1);
  bed.held.draining.abort();
  await bed.end;
});

Deno.test("multiLangProcessor() restarts a child that dies while idle, at once (trap 23)", async () => {
  const bed = start();
  await bed.settle();
  bed.program.children[0]?.exit(1);
  const restart = await nextRestart(bed);
  assertStringIncludes(`${restart?.error}`, "ended with exit code 1 between two actions");
  await bed.clock.advance(500);
  assertEquals(bed.program.told, [
    `0 initialize ${SHARD} TRIM_HORIZON`,
    `1 initialize ${SHARD} TRIM_HORIZON`,
  ]);
  assertEquals(bed.failures, [`${SHARD}: Child process 7 ended with exit code 1 between two actions`]);
  bed.held.draining.abort();
  await bed.end;
});

Deno.test("multiLangProcessor() restarts one shard while the others go on (trap 23)", async () => {
  const bad = start({ processRecords: (_, { child }) => child.say('{"action":"status"}\n') }, {
    shardId: "bad",
  });
  const good = start({}, { shardId: "good" });
  bad.retrieval.feed(pageOf([recordWith(1)]));
  good.retrieval.feed(pageOf([recordWith(1)]), pageOf([recordWith(2)]));
  assertEquals((await nextRestart(bad)).shardId, "bad");
  await good.settle();
  assertEquals(eventsOf(good.events, "processorRestarting"), []);
  assertEquals(good.program.told.length, 3);
  for (const bed of [bad, good]) bed.held.draining.abort();
  await Promise.all([bad.end, good.end]);
});

Deno.test("multiLangProcessor() backs off while a child cannot be started, and says why", async () => {
  const program = new FakeProgram();
  program.spawnErrors.push(new Error("ENOENT"), new Error("ENOENT"), new Error("ENOENT"));
  const failures: string[] = [];
  const processor = multiLangProcessor({
    executableName: "nope.py --x",
    spawn: program.spawn,
    clock: new FakeClock(),
    onChildFailure: (error) => failures.push(error.message),
  });
  const bed = startConsumer(undefined, { processor });
  await bed.clock.advance(500 + 1000 + 2000);
  assertEquals(program.children.length, 1);
  assertEquals(failures, Array(3).fill(`Cannot start "nope.py" for shard ${SHARD}: ENOENT`));
  assertEquals(eventsOf(bed.events, "processorRestarting").map(({ retryInMs }) => retryInMs), [
    500,
    1000,
    2000,
  ]);
  bed.held.draining.abort();
  await bed.end;
});

/** What starting a program throws. */
const startError = (code: string) => Object.assign(new Error(`spawn app.py ${code}`), { code });

for (
  const [code, isFinal] of [
    ["ENOENT", true],
    ["EACCES", true],
    ["ENOTDIR", true],
    ["ENOEXEC", true],
    ["EAGAIN", false],
    ["EMFILE", false],
    ["ENOMEM", false],
  ] as const
) {
  Deno.test(`multiLangProcessor() takes ${code} at the start for ${isFinal ? "final" : "a matter of time"}`, async () => {
    const bed = start();
    bed.program.spawnErrors.push(startError(code));
    await nextRestart(bed);
    assertEquals(bed.unstartable, isFinal ? bed.failures.map((text) => text.replace(`${SHARD}: `, "")) : []);
    assertStringIncludes(bed.failures.join(), code);
    bed.held.draining.abort();
    await bed.end;
  });
}

Deno.test("multiLangProcessor() waits for a program that has started before: it may be about to be replaced", async () => {
  const bed = start();
  await bed.settle();
  bed.program.spawnErrors.push(startError("ENOENT"));
  bed.program.children[0]?.exit(1);
  await bed.childClock.advance(1000);
  await bed.clock.advance(60_000);
  await bed.settle();
  assertStringIncludes(
    bed.failures.join(),
    "there is no such program: a name without a slash is looked for on PATH",
  );
  assertEquals([bed.unstartable, bed.program.children.length], [[], 2]);
  bed.held.draining.abort();
  await bed.end;
});

Deno.test("multiLangProcessor() kills a child that hangs, and restarts its shard (trap 28)", async () => {
  const bed = start({ processRecords: (_, { index }) => index === 0 ? new Promise(() => {}) : undefined }, {
    timeoutMs: 30_000,
  });
  const [page] = [pageOf([recordWith(1)])];
  bed.retrieval.feed(page);
  await bed.settle();
  const [first] = bed.program.children;
  assert(first !== undefined);
  first.endsWithInput = false;
  await bed.childClock.advance(30_000);
  await nextRestart(bed);
  assertEquals(first.signals, ["SIGTERM"]);
  bed.retrieval.feed(page);
  await bed.clock.advance(500);
  assertEquals(bed.program.told.at(-1), "1 processRecords 1");
  bed.held.draining.abort();
  await bed.end;
});

Deno.test("multiLangProcessor() tells a child of the end of its shard until it is checkpointed (promise 24, trap 29)", async () => {
  let times = 0;
  const errors: (string | null)[] = [];
  const bed = start({
    shardEnded: async (_, hand) => {
      times++;
      if (times === 1) return; // Forgotten.
      errors.push(await hand.checkpoint());
    },
  });
  bed.held.failures.push(
    new AwsServiceError({
      service: "dynamodb",
      operation: "UpdateItem",
      code: "ProvisionedThroughputExceededException",
      status: 400,
      requestId: undefined,
      retryable: true,
      detail: "slow down",
      body: undefined,
    }),
  );
  bed.retrieval.feed(pageOf([recordWith(1)], []));
  await bed.settle();
  assertEquals(eventsOf(bed.events, "shardEndNotCheckpointed").length, 1);
  await bed.clock.advance(500);
  await bed.clock.advance(1000);
  assertEquals(await bed.end, "completed");
  assertEquals(errors, ["ThrottlingException", null]);
  assertEquals(bed.program.told.filter((line) => line.includes("shardEnded")), Array(3).fill("0 shardEnded"));
  assertEquals(bed.held.stored, [SHARD_END]);
  assert(bed.program.children[0]?.isInputClosed);
});

Deno.test("multiLangProcessor() takes an explicit checkpoint at the last record for the end, even a repeated one (trap 29)", async () => {
  const explicit: Handler = async (_, hand) => void await hand.checkpoint({ sequenceNumber: "2" });
  const bed = start({ processRecords: explicit, shardEnded: explicit });
  bed.retrieval.feed(pageOf([recordWith(1), recordWith(2)]), pageOf([], []));
  assertEquals(await bed.end, "completed");
  assertEquals(bed.held.stored, [positionAt("2"), SHARD_END]);
});

Deno.test("multiLangProcessor() restarts the shard when its child dies at the end, and tells the next one (trap 29)", async () => {
  const bed = start({
    shardEnded: async (_, hand) => {
      if (hand.index > 0) return void await hand.checkpoint();
      hand.child.exit(1);
      await new Promise(() => {});
    },
  });
  bed.retrieval.feed(pageOf([recordWith(1)], []));
  await nextRestart(bed);
  bed.retrieval.feed(pageOf([recordWith(1)], []));
  await bed.clock.advance(500);
  assertEquals(await bed.end, "completed");
  assertEquals(bed.program.told.slice(-2), ["1 processRecords 1", "1 shardEnded"]);
});

const DIES: Handler = async (_, { child }) => {
  child.exit(1);
  await new Promise(() => {});
};
const QUESTION = /failed 2 times at their first "(\w+)": does the program speak the protocol of KCL 1\.x\?/;

Deno.test("multiLangProcessor() asks once for the protocol of KCL 1.x when two children die at their first shardEnded", async () => {
  const bed = start({ shardEnded: DIES });
  const asked = () => bed.notices.flatMap((notice) => QUESTION.exec(notice)?.[1] ?? []);
  for (const expected of [[], ["shardEnded"], ["shardEnded"]]) {
    bed.retrieval.feed(pageOf([recordWith(1)], []));
    await bed.clock.advance(60_000);
    await bed.childClock.advance(1000);
    await bed.settle();
    assertEquals(asked(), expected);
  }
  bed.held.draining.abort();
  await bed.end;
});

Deno.test("multiLangProcessor() asks no program that has answered before, nor for a death at an older action", async () => {
  for (
    const on of [
      {
        shardEnded: async (...[message, hand]: Parameters<Handler>) =>
          hand.index > 0 ? DIES(message, hand) : undefined,
      },
      { processRecords: DIES },
    ]
  ) {
    const bed = start(on);
    for (let turn = 0; turn < 4; turn++) {
      bed.retrieval.feed(pageOf([recordWith(1)], []));
      await bed.clock.advance(60_000);
      await bed.childClock.advance(1000);
      await bed.settle();
      // The next child, where this one has answered without a checkpoint.
      bed.program.children[turn]?.exit(1);
    }
    assertGreater(bed.program.children.length, 2);
    assertEquals(bed.notices.filter((notice) => notice.includes("KCL 1.x")), []);
    bed.held.draining.abort();
    await bed.end;
  }
});

Deno.test("multiLangProcessor() lets a child checkpoint when the worker stops, then takes its leave (trap 20, promise 22)", async () => {
  const errors: (string | null)[] = [];
  const checkpoint: Handler = async (_, hand) => void errors.push(await hand.checkpoint());
  const bed = start({ shutdownRequested: checkpoint, leaseLost: checkpoint });
  bed.retrieval.feed(pageOf([recordWith(1)]));
  await bed.settle();
  bed.held.draining.abort();
  assertEquals(await bed.end, "drained");
  assertEquals(bed.program.told.slice(-2), ["0 shutdownRequested", "0 leaseLost"]);
  assertEquals(errors, [null, "InvalidStateException"]); // trap 18
  assertEquals(bed.held.stored, [positionAt("1")]);
});

Deno.test("multiLangProcessor() answers ShutdownException once the lease is lost, and tells the child later (trap 33, promise 10)", async () => {
  const going = Promise.withResolvers<void>();
  const errors: (string | null)[] = [];
  const bed = start({
    processRecords: async (_, hand) => {
      await going.promise;
      errors.push(await hand.checkpoint());
    },
  });
  bed.retrieval.feed(pageOf([recordWith(1)]));
  await bed.settle();
  bed.held.lose();
  await bed.settle();
  assertEquals(bed.program.told.at(-1), "0 processRecords 1");
  going.resolve();
  assertEquals(await bed.end, "lost");
  assertEquals(errors, ["ShutdownException"]);
  assertEquals(bed.program.told.at(-1), "0 leaseLost");
  assertEquals(bed.held.stored, []);
});

Deno.test("multiLangProcessor() only notes a child that fails while it is told to stop", async () => {
  const bed = start({
    shutdownRequested: (_, { child }) => child.exit(1),
  });
  await bed.settle();
  bed.held.draining.abort();
  assertEquals(await bed.end, "drained");
  assertEquals(bed.held.handedOver, 1);
  assertStringIncludes(bed.notices.join("\n"), `${SHARD} Child process was not told "shutdownRequested": `);
});

Deno.test("multiLangProcessor() does not take a child's death by Ctrl-C for a failure (trap 31)", async () => {
  const bed = start({
    processRecords: async (_, { child }) => {
      child.exit(undefined, "SIGINT");
      await new Promise(() => {});
    },
  });
  bed.retrieval.feed(pageOf([recordWith(1)]));
  await bed.settle();
  bed.stopping.abort();
  bed.held.draining.abort();
  assertEquals(await bed.end, "drained");
  assertEquals(bed.failures, []);
  assertEquals(bed.program.children.length, 1);
  assertEquals(bed.held.stored, [], "its batch was not processed");
});

Deno.test("splitCommand() splits at spaces and at nothing else (trap 21)", () => {
  const commands: Readonly<Record<string, readonly string[]>> = {
    "app.py": ["app.py"],
    "node  app.js   --x ": ["node", "app.js", "--x"],
    " ./app 'a b' \"c\" \\d ~ $HOME *": ["./app", "'a", "b'", '"c"', "\\d", "~", "$HOME", "*"],
    "ls\t-d x": ["ls\t-d", "x"],
  };
  for (const [text, [program, ...args]] of Object.entries(commands)) {
    assertEquals<unknown>(splitCommand(text), { program, args });
  }
  assertThrows(() => splitCommand("  "), RangeError, "expected executableName");
});

Deno.test("multiLangProcessor() tells a child of many streams, in its environment, which one it serves", async () => {
  const streamArn = "arn:aws:kinesis:us-east-1:123456789012:stream/orders";
  const environments = await Promise.all(
    [undefined, streamArn].map(async (streamArn) => {
      const program = new FakeProgram();
      const processor = multiLangProcessor({
        executableName: "app.py",
        spawn: program.spawn,
        clock: new FakeClock(),
      });
      const stream = { streamName: "orders", streamArn, streamIdentifier: "123456789012:orders:5" };
      const bed = startConsumer(undefined, { processor, stream });
      await bed.settle();
      bed.held.draining.abort();
      await bed.end;
      return program.environments;
    }),
  );
  const names = { KINESIS_STREAM_NAME: "orders", KINESIS_STREAM_IDENTIFIER: "123456789012:orders:5" };
  assertEquals(environments, [[names], [{ ...names, KINESIS_STREAM_ARN: streamArn }]]);
  const one = start();
  await one.settle();
  assertEquals(one.program.environments, [{}]);
  one.held.draining.abort();
  await one.end;
});
