import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { fromLambdaBootstrap, type LambdaBootstrapOptions } from "../../src/lambda/lambda_bootstrap.ts";
import {
  type ConsumerChanges,
  eventsOf,
  pageOf,
  recordWith,
  startConsumer,
} from "../support/consumer_bed.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { type BootstrapHands, FakeBootstraps } from "./fake_bootstrap.ts";

const requestId = () => crypto.randomUUID();
const hang = () => new Promise<never>(() => {});

/** A consumer whose processor is a fake bootstrap. */
function start(
  run: (hands: BootstrapHands) => Promise<void>,
  options: Partial<LambdaBootstrapOptions> = {},
  changes: ConsumerChanges = {},
) {
  const programs = new FakeBootstraps(run);
  const programClock = new FakeClock();
  const notices: string[] = [];
  const processor = fromLambdaBootstrap("./bootstrap -v", {
    spawn: programs.spawn,
    serve: programs.serve,
    requestId: () => crypto.randomUUID(),
    taskRoot: "/task",
    clock: programClock,
    onEvent: (event) => event.type === "notice" && notices.push(`${event.leaseKey} ${event.text}`),
    ...options,
  });
  const bed = startConsumer(undefined, { processor, onProcessError: "retry", ...changes });
  return {
    ...bed,
    programs,
    programClock,
    notices,
    /** Lets both sides run for a while, the consumer's pauses included. */
    async pass(seconds: number) {
      for (let i = 0; i < seconds * 10; i++) {
        await programClock.advance(100);
        await bed.clock.advance(100);
      }
    },
  };
}

/** Why the consumer tried again, in order. */
function failures(bed: ReturnType<typeof start>): string[] {
  return [
    ...eventsOf(bed.events, "callbackEnded").flatMap(({ callback, error }) =>
      error === undefined ? [] : [`${callback} ${error}`]
    ),
  ].map((text) => text.replaceAll(/[\da-f]{8}-[\da-f-]{27}/g, "ID"));
}

/** A bootstrap that does its job. */
async function serveAll(hands: BootstrapHands, onCall: (records: readonly string[]) => unknown = () => null) {
  for (;;) {
    const { id, records } = await hands.next();
    await hands.respond(id, await onCall(records));
  }
}

Deno.test("fromLambdaBootstrap() starts the program once for a shard, with Lambda's variables, and ends it with the shard", async () => {
  const calls: string[] = [];
  const bed = start((hands) => serveAll(hands, (records) => calls.push(records.join("+"))), {
    handler: "app.handler",
    functionName: "orders",
    memorySize: 256,
  });
  bed.retrieval.feed(pageOf([recordWith(1), recordWith(2)]), pageOf([recordWith(3)], []));
  await bed.pass(1);
  assertEquals(await bed.end, "completed");
  assertEquals(calls, ["1+2", "3"]);
  assertEquals(bed.programs.children.map(({ signals, isReleased }) => [signals, isReleased]), [[
    ["SIGTERM"],
    true,
  ]]);
  assertEquals(bed.programs.serving, 0);
  const { AWS_LAMBDA_LOG_STREAM_NAME: logStream = "", ...environment } = bed.programs.environments[0] ?? {};
  assertMatch(logStream, /^2026\/01\/30\/\[\$LATEST\][\da-f]{32}$/);
  assertEquals(environment, {
    AWS_LAMBDA_RUNTIME_API: "127.0.0.1:1",
    _HANDLER: "app.handler",
    LAMBDA_TASK_ROOT: "/task",
    LAMBDA_RUNTIME_DIR: "/task",
    AWS_LAMBDA_FUNCTION_NAME: "orders",
    AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256",
    AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/orders",
    AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
    AWS_REGION: "us-east-1",
    AWS_DEFAULT_REGION: "us-east-1",
    TZ: ":UTC",
  });
});

Deno.test("fromLambdaBootstrap() reports what the program prints, with its process and its shard", async () => {
  const bed = start(async (hands) => {
    hands.child.say("hello\n");
    hands.child.complain("oh\n");
    await serveAll(hands);
  });
  bed.retrieval.feed(pageOf([recordWith(1)], []));
  await bed.pass(1);
  await bed.end;
  const shard = "shardId-000000000000 Process 7: ";
  assertEquals(bed.notices.filter((text) => text.includes(": ")), [`${shard}hello`, `${shard}oh`]);
});

Deno.test("fromLambdaBootstrap() tries a program again with growing pauses that never asks, and calls no batch meanwhile", async () => {
  const bed = start(async (hands) => hands.start < 2 ? await hang() : await serveAll(hands));
  bed.retrieval.feed(pageOf([recordWith(1)], []));
  await bed.pass(9);
  assertEquals([bed.programs.children.length, failures(bed)], [1, []]);
  await bed.pass(40);
  assertEquals(await bed.end, "completed");
  const problem =
    'initialize NotTakenError: Bootstrap "./bootstrap", process 7, cannot be used: it did not ask for an ' +
    "invocation within 10 s";
  assertEquals(failures(bed), [problem, problem]);
  assertEquals(bed.programs.children.map(({ signals }) => signals[0]), ["SIGKILL", "SIGKILL", "SIGTERM"]);
  assertEquals(bed.programs.serving, 0);
});

Deno.test("fromLambdaBootstrap() gives a slow program as long as its function's timeout for its start", async () => {
  const bed = start(async (hands) => {
    await bed.programClock.sleep(50_000);
    await serveAll(hands);
  }, { timeoutMs: 60_000 });
  bed.retrieval.feed(pageOf([recordWith(1)], []));
  await bed.pass(55);
  assertEquals(await bed.end, "completed");
  assertEquals([bed.programs.children.length, failures(bed)], [1, []]);
});

Deno.test("fromLambdaBootstrap() tries a program again that dies or reports an error in init", async () => {
  const bed = start(async (hands) => {
    if (hands.start === 0) return;
    if (hands.start === 1) {
      await hands.api("/init/error", {
        method: "POST",
        body: `{"errorType":"ImportError","errorMessage":"no app"}`,
      });
      await hang();
    }
    await serveAll(hands);
  });
  bed.retrieval.feed(pageOf([recordWith(1)], []));
  await bed.pass(20);
  assertEquals(await bed.end, "completed");
  const cannot =
    'initialize NotTakenError: Bootstrap "./bootstrap", process 7, cannot be used: it failed before it ' +
    "asked for an invocation: ";
  assertEquals(
    failures(bed),
    [
      `${cannot}Runtime.ExitError: Process 7 ended with exit code 0 (cause: Runtime.ExitError: Process 7 ended with exit code 0)`,
      `${cannot}ImportError: no app (cause: ImportError: no app)`,
    ].map((text) => text.replace(/ \(cause.*/, "")),
  );
});

Deno.test("fromLambdaBootstrap() kills a program at the deadline, and starts another for the next call", async () => {
  const bed = start(async (hands) => {
    const { id } = await hands.next();
    if (hands.start === 0) await hang();
    await hands.respond(id);
    await serveAll(hands);
  }, { timeoutMs: 2000 });
  bed.retrieval.feed(pageOf([recordWith(1)], []));
  await bed.pass(10);
  assertEquals(await bed.end, "completed");
  assertEquals(failures(bed), [
    "processRecords FunctionTimeoutError: ID Task timed out after 2.00 seconds: process 7 was killed",
  ]);
  assertEquals(bed.programs.children.map(({ signals }) => signals[0]), ["SIGKILL", "SIGTERM"]);
});

Deno.test("fromLambdaBootstrap() fails the call in which a program dies, with its exit code", async () => {
  const bed = start(
    async (hands) => {
      await hands.next();
      if (hands.start === 0) throw new Error("crash");
      await hang();
    },
    {},
    { onProcessError: "stop" },
  );
  bed.retrieval.feed(pageOf([recordWith(1)]));
  await bed.pass(1);
  assertEquals(await bed.end, "lost");
  assertEquals(failures(bed), ["processRecords Runtime.ExitError: Process 7 ended with exit code 1"]);
  assertEquals(bed.programs.serving, 0);
});

Deno.test("fromLambdaBootstrap() takes a fresh program where the idle one has died, and fails no call for it", async () => {
  const calls: string[] = [];
  const bed = start((hands) => serveAll(hands, (records) => calls.push(`${hands.start}: ${records}`)));
  bed.retrieval.feed(pageOf([recordWith(1)]));
  await bed.pass(1);
  bed.programs.children[0]?.exit(undefined, "SIGSEGV");
  bed.retrieval.feed(pageOf([recordWith(2)], []));
  await bed.pass(1);
  assertEquals(await bed.end, "completed");
  assertEquals([calls, failures(bed)], [["0: 1", "1: 2"], []]);
});

Deno.test("fromLambdaBootstrap() takes a fresh program where one answers and does not ask again", async () => {
  const calls: string[] = [];
  const bed = start(async (hands) => {
    const { id, records } = await hands.next();
    calls.push(`${hands.start}: ${records}`);
    await hands.respond(id);
    await hang();
  });
  bed.retrieval.feed(pageOf([recordWith(1)]), pageOf([recordWith(2)], []));
  await bed.pass(30);
  assertEquals(await bed.end, "completed");
  assertEquals([calls, failures(bed)], [["0: 1", "1: 2"], []]);
  assertStringIncludes(
    bed.notices.join("\n"),
    "Process 7 got no invocation: it did not ask for an invocation within 10 s",
  );
});

Deno.test("fromLambdaBootstrap() restarts the shard where no fresh program can be started, without a call that fails for its records", async () => {
  const bed = start(async (hands) => {
    if (hands.start === 1) return;
    const { id } = await hands.next();
    await hands.respond(id); // and ends: a program for one call
  });
  bed.retrieval.feed(pageOf([recordWith(1)]), pageOf([recordWith(2)]), pageOf([], []));
  await bed.pass(30);
  const [restarting] = eventsOf(bed.events, "processorRestarting");
  assertStringIncludes(`${restarting?.error}`, "ProcessorRestartError: Bootstrap");
  assertEquals(eventsOf(bed.events, "batchFailed"), []);
  assertEquals(await bed.end, "completed");
});

Deno.test("fromLambdaBootstrap() is not harmed by a program that answers twice, or for another id", async () => {
  const statuses: number[] = [], calls: string[] = [];
  const bed = start(async (hands) => {
    for (;;) {
      const { id, records } = await hands.next();
      calls.push(records.join("+"));
      statuses.push(await hands.respond("00000000-0000-4000-8000-000000000000"));
      statuses.push(await hands.respond(id), await hands.respond(id));
    }
  });
  bed.retrieval.feed(pageOf([recordWith(1)]), pageOf([recordWith(2)], []));
  await bed.pass(1);
  assertEquals(await bed.end, "completed");
  assertEquals(calls, ["1", "2"]);
  assertEquals(statuses, [400, 202, 400, 400, 202, 400]);
});

Deno.test("fromLambdaBootstrap() gives calls that run at the same time a program each, and uses the programs again", async () => {
  const programs = new FakeBootstraps(async (hands) => {
    for (;;) {
      const { id, records } = await hands.next();
      if (hands.start < 3) await gate.promise;
      await hands.respond(id, { batchItemFailures: records.map((itemIdentifier) => ({ itemIdentifier })) });
    }
  });
  const gate = Promise.withResolvers<void>();
  const clock = new FakeClock();
  const { spawn, serve } = programs;
  const processor = fromLambdaBootstrap("./bootstrap", { spawn, serve, requestId, taskRoot: "/", clock })(
    "shard",
    { streamName: "words", streamArn: undefined, streamIdentifier: undefined },
  );
  const context = { leaseKey: "shard", signal: new AbortController().signal } as unknown as Parameters<
    typeof processor.processRecords
  >[1];
  await processor.initialize?.(context);
  const call = (n: number) =>
    processor.processRecords(
      { records: [recordWith(n)], millisBehindLatest: 0, isAtShardEnd: false, childShards: [] },
      context,
    );
  const three = [call(1), call(2), call(3)];
  for (let i = 0; i < 20; i++) await clock.advance(1);
  gate.resolve();
  const answers = await Promise.all(three);
  assertEquals(
    answers,
    ["1", "2", "3"].map((itemIdentifier) => ({ batchItemFailures: [{ itemIdentifier }] })),
  );
  await Promise.all([call(4), call(5)]);
  assertEquals(programs.children.length, 3);
  await processor.dispose?.();
  await Promise.all(programs.children.map(({ exited }) => exited));
  assertEquals(programs.serving, 0);
});

Deno.test("fromLambdaBootstrap() ends a program that ignores SIGTERM, and the programs that it started", async () => {
  const bed = start(async (hands) => {
    hands.child.mortalTo = ["SIGKILL"];
    hands.child.rest = [["SIGKILL"]];
    await serveAll(hands);
  });
  bed.retrieval.feed(pageOf([recordWith(1)], []));
  await bed.pass(10);
  assertEquals(await bed.end, "completed");
  assertEquals(bed.programs.children[0]?.signals, ["SIGTERM", "SIGKILL"]);
  assertStringIncludes(bed.notices.join("\n"), "got SIGKILL");
});

Deno.test("fromLambdaBootstrap() closes its server when the program cannot be started", async () => {
  const programs = new FakeBootstraps(hang);
  const missing = Object.assign(new Error("spawn ENOENT"), { code: "ENOENT" });
  const spawn = () => Promise.reject(missing);
  const bed = start(hang, { spawn, serve: programs.serve });
  await bed.settle();
  bed.held.lose();
  await bed.pass(1);
  assertEquals(await bed.end, "lost");
  assertEquals(programs.serving, 0);
  assertStringIncludes(
    `${failures(bed)[0]}`,
    'initialize NotTakenError: Cannot start bootstrap "./bootstrap": spawn ENOENT',
  );
});

Deno.test("fromLambdaBootstrap() refuses an empty command", () => {
  const { spawn, serve } = new FakeBootstraps(hang);
  assertThrows(
    () => fromLambdaBootstrap("  ", { spawn, serve, requestId, taskRoot: "/" }),
    RangeError,
    "expected executableName",
  );
  assert(fromLambdaBootstrap("a", { spawn, serve, requestId, taskRoot: "/" }));
});
