import { assertEquals, assertRejects } from "@std/assert";
import type { Kinesis, StreamSummary } from "../../src/aws/kinesis.ts";
import { AwsServiceError, CredentialsError, LeaseTableError } from "../../src/errors.ts";
import { KinesisWorker } from "../../src/worker/worker.ts";
import { newClientVersion } from "../../src/lease/table_format.ts";
import { settingsOf } from "../../src/options/settings.ts";
import { Streams } from "../../src/fleet/streams.ts";
import { startUp } from "../../src/worker/start_up.ts";
import { eventsOf } from "../support/consumer_bed.ts";
import { MemoryBed } from "../support/memory_bed.ts";
import { serviceError } from "../support/scripted_kinesis.ts";

const signal = new AbortController().signal;
const summary: StreamSummary = {
  streamName: "words",
  streamArn: "arn:aws:kinesis:eu-central-1:123456789012:stream/words",
  streamStatus: "ACTIVE",
  streamCreationEpochS: 1,
  openShardCount: 1,
};

type Describe = (memory: MemoryBed, signal?: AbortSignal) => Promise<StreamSummary>;

function bed(
  describe: Describe = () => Promise.resolve(summary),
  spoil: (memory: MemoryBed) => void = () => {},
) {
  const memory = new MemoryBed();
  const calls: string[] = [];
  const { store } = memory;
  const ensureTable = store.ensureTable.bind(store);
  store.ensureTable = (signal) => {
    calls.push("ensure");
    return ensureTable(signal);
  };
  store.adoptTable = () => {
    calls.push("adopt");
    return Promise.resolve();
  };
  spoil(memory);
  const { finding, starting, table } = settingsOf({
    applicationName: "app",
    streamName: "words",
    maxInitializationAttempts: 3,
    processor: () => ({ processRecords() {}, shardEnded() {} }),
  });
  const kinesis = { describeStreamSummary: (_stream, signal) => describe(memory, signal) } as Kinesis;
  const streams = new Streams({ finding, kinesis, clock: memory.clock, emit: memory.emit });
  const started = startUp({
    starting,
    table,
    wanted: finding.streams,
    workerId: "me",
    streams,
    leaseStore: store,
    coordinatorStore: memory.coordinator,
    system: memory.system,
    emit: memory.emit,
  }, signal);
  started.catch(() => {});
  return { memory, calls, started, streams, clock: memory.clock };
}

Deno.test("startUp() prepares the table and takes the stream's ARN along", async () => {
  const { calls, started, streams, memory } = bed();
  await started;
  assertEquals(streams.tracked.map(({ reference }) => reference), [{
    streamName: "words",
    streamArn: summary.streamArn,
  }]);
  assertEquals(calls, ["ensure", "adopt"]);
  assertEquals(memory.table.items().map((item) => item.leaseKey), [{ S: "Migration3.0" }]);
});

Deno.test("startUp() does not read the whole table, of which each of many workers would read all", async () => {
  const { memory, started } = bed(async (memory) => {
    await memory.coordinator.createMigration("leaseTable", newClientVersion("other", 0));
    await memory.lease("shardId-000000000000", "other");
    return summary;
  });
  let lists = 0;
  const list = memory.store.list.bind(memory.store);
  memory.store.list = (signal) => {
    lists++;
    return list(signal);
  };
  const { someLease } = memory.store;
  memory.store.someLease = async (signal) => {
    const before = lists;
    const lease = await someLease.call(memory.store, signal);
    lists = before; // a store in memory has no other way
    return lease;
  };
  await started;
  assertEquals(lists, 0);
});

Deno.test("startUp() joins a fleet whose first worker writes Migration3.0 and leases meanwhile", async () => {
  const { memory, started } = bed();
  const someLease = memory.store.someLease.bind(memory.store);
  memory.store.someLease = async (signal) => {
    await memory.coordinator.createMigration("leaseTable", newClientVersion("other", 0));
    await memory.lease("shardId-000000000000", "other");
    return await someLease(signal);
  };
  assertEquals((await started).mayLead, true);
});

Deno.test("startUp() leaves the table of a fleet that it must not join as it was", async () => {
  const { calls, started } = bed(async (memory) => {
    await memory.lease("shardId-000000000000", "java");
    return summary;
  });
  await assertRejects(() => started, LeaseTableError, "KCL 2.x");
  assertEquals(calls, ["ensure"]);
});

Deno.test("startUp() does not wait for ever for a server that never answers", async () => {
  const { started, clock, memory } = bed((_memory, signal) =>
    new Promise((_, reject) => signal?.addEventListener("abort", () => reject(signal.reason), { once: true }))
  );
  await clock.advance(3 * 20_000 + 2 * 1000);
  await assertRejects(() => started, Error, "within 20000 ms");
  assertEquals(eventsOf(memory.events, "initializationFailed").map((event) => event.retryInMs), [
    1000,
    1000,
    undefined,
  ]);
});

Deno.test("startUp() says what it waits for when that takes more than some seconds", async () => {
  const never = new Promise<never>(() => {});
  const waits: readonly [string, Describe, (memory: MemoryBed) => void][] = [
    ['stream "words" to be described', () => never, () => {}],
    ['lease table "app" to be usable', () => Promise.resolve(summary), (memory) => {
      memory.store.ensureTable = () => never;
    }],
    ['lease table "app" to show what fleet it has', () => Promise.resolve(summary), (memory) => {
      memory.store.someLease = () => never;
    }],
  ];
  for (const [what, describe, spoil] of waits) {
    const { clock, memory } = bed(describe, spoil);
    await clock.advance(4999);
    assertEquals(eventsOf(memory.events, "notice"), []);
    await clock.advance(1);
    assertEquals(eventsOf(memory.events, "notice"), [{
      type: "notice",
      level: "warning",
      leaseKey: undefined,
      text: `Still waiting for ${what}, for 5 s by now`,
    }]);
  }
});

Deno.test("startUp() does not try again what this process is not permitted to do", async () => {
  const cause = Object.assign(new Error("Requires net access"), { name: "NotCapable" });
  const error = new AwsServiceError({ ...serviceError("NotCapable"), detail: "not sent" }, { cause });
  const { started, memory } = bed(() => Promise.reject(error));
  await assertRejects(() => started, AwsServiceError, "NotCapable");
  assertEquals(eventsOf(memory.events, "initializationFailed").map(({ retryInMs }) => retryInMs), [
    undefined,
  ]);
});

Deno.test("KinesisWorker tries its first report again as it does all else of its start", async () => {
  for (const failures of [2, 3]) {
    const memory = new MemoryBed();
    let asked = 0;
    const write = memory.coordinator.writeWorkerMetrics.bind(memory.coordinator);
    memory.coordinator.writeWorkerMetrics = (...args) =>
      ++asked <= failures ? Promise.reject(serviceError("InternalServerError", true)) : write(...args);
    const worker = new KinesisWorker({
      log: false,
      applicationName: "app",
      streamName: "words",
      maxInitializationAttempts: 3,
      processor: () => ({ processRecords() {}, shardEnded() {} }),
      system: memory.system,
      kinesis: { describeStreamSummary: () => Promise.resolve(summary) } as unknown as Kinesis,
      leaseStore: memory.store,
      coordinatorStore: memory.coordinator,
      onEvent: memory.emit,
    });
    const stop = new AbortController();
    const running = worker.run(stop.signal);
    running.catch(() => {});
    await memory.clock.advance(2500);
    assertEquals(eventsOf(memory.events, "workerReady").length, failures === 2 ? 1 : 0);
    const told = eventsOf(memory.events, "initializationFailed").map((event) => event.retryInMs);
    assertEquals(told, failures === 2 ? [1000, 1000] : [1000, 1000, undefined]);
    stop.abort();
    await memory.clock.advance(10_000);
    if (failures === 2) await running;
    else await assertRejects(() => running, Error, "InternalServerError");
  }
});

Deno.test("startUp() that is stopped tries nothing again, and reports no failure", async () => {
  const stop = new AbortController();
  const memory = new MemoryBed();
  const kinesis = { describeStreamSummary: () => Promise.reject(stop.signal.reason) } as unknown as Kinesis;
  const { finding, starting, table } = settingsOf({
    applicationName: "app",
    streamName: "words",
    processor: () => ({ processRecords() {}, shardEnded() {} }),
  });
  const streams = new Streams({ finding, kinesis, clock: memory.clock, emit: memory.emit });
  stop.abort(new Error("stop"));
  const started = startUp({
    starting,
    table,
    wanted: finding.streams,
    workerId: "me",
    streams,
    leaseStore: memory.store,
    coordinatorStore: memory.coordinator,
    system: memory.system,
    emit: memory.emit,
  }, stop.signal);
  await assertRejects(() => started, Error, "stop");
  assertEquals(memory.events, []);
});

Deno.test("startUp() waits for a stream that is not there yet, and for a table that is in use, but for no right", async () => {
  for (
    const [code, attempts] of [["ResourceNotFoundException", 3], ["ResourceInUseException", 3], [
      "AccessDeniedException",
      1,
    ]] as const
  ) {
    const { started, clock, memory } = bed(() => Promise.reject(serviceError(code)));
    await clock.advance(10_000);
    await assertRejects(() => started, Error, code);
    assertEquals(eventsOf(memory.events, "initializationFailed").length, attempts, code);
  }
});

Deno.test("startUp() tries again where credentials are set up and not there yet, and not where none are", async () => {
  const late = new CredentialsError("the agent cannot be reached", { reason: "notAnswering" });
  let asked = 0;
  const waiting = bed(() => ++asked < 3 ? Promise.reject(late) : Promise.resolve(summary));
  await waiting.clock.advance(2000);
  await waiting.started;
  assertEquals(asked, 3);
  for (const reason of ["notConfigured", "refused"] as const) {
    asked = 0;
    const error = new CredentialsError("none", { reason });
    const { started } = bed(() => (asked++, Promise.reject(error)));
    assertEquals(await started.catch((error) => error), error);
    assertEquals(asked, 1);
  }
});
