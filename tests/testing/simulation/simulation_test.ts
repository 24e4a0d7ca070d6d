/**
 * `simulate()` as its users meet it: with processors of their own, right ones and wrong ones.
 *
 * @module
 */

import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertNotEquals,
  assertRejects,
} from "@std/assert";
import type { RecordProcessor } from "../../../src/consumer/record_processor.ts";
import type { WorkerEvent } from "../../../src/events.ts";
import {
  ALL_FAULTS,
  type Fault,
  simulate,
  type SimulatedMachine,
  type SimulationOptions,
  violationText,
} from "../../../src/testing/mod.ts";
import { codeBlocks } from "../../support/readme.ts";

/** A processor that writes each payload to a database, which takes a while. */
type Make = (database: Set<string>, machine: SimulatedMachine) => RecordProcessor;

const rightProcessor: Make = (database, { clock }) => ({
  async processRecords({ records }, context) {
    for (const { data } of records) {
      await clock.sleep(20, context.signal);
      database.add(new TextDecoder().decode(data));
    }
    await context.checkpoint();
  },
  shardEnded: (context) => context.checkpoint(),
});

/** Says that the batch is done before it is. */
const hastyProcessor: Make = (database, machine) => ({
  ...rightProcessor(database, machine),
  async processRecords({ records }, context) {
    await context.checkpoint();
    for (const { data } of records) {
      await machine.clock.sleep(20, context.signal);
      database.add(new TextDecoder().decode(data));
    }
  },
});

/** Runs a processor, and tells what was put and never came to the database. */
async function lostBy(make: Make, more: Partial<SimulationOptions> = {}) {
  const put = new Set<string>(), database = new Set<string>();
  const result = await simulate({
    seed: 1,
    minutes: 3,
    options: { failoverTimeMs: 3000, onProcessError: "retry" },
    processor: (_, machine) => make(database, machine),
    payload(key, step) {
      put.add(`${key}/${step}`);
      return `${key}/${step}`;
    },
    ...more,
  });
  return { result, put, lost: [...put].filter((payload) => !database.has(payload)) };
}

Deno.test("simulate() runs a user's processor, and a right one loses nothing", async () => {
  for (const seed of [1, 2, 3]) {
    const { result, put, lost } = await lostBy(rightProcessor, { seed });
    assertEquals(result.violation, undefined, violationText(result));
    assertEquals([result.records, lost], [put.size, []]);
    assertGreater(put.size, 200);
  }
});

Deno.test("simulate() shows what a processor loses that checkpoints before it has written", async () => {
  let seed = 11, lost: readonly string[] = [];
  while (lost.length === 0 && seed < 25) ({ lost } = await lostBy(hastyProcessor, { seed: ++seed }));
  assertGreater(lost.length, 0);
  const { lost: lostWithoutFaults } = await lostBy(hastyProcessor, { seed, faults: [] });
  assertEquals(lostWithoutFaults, [], "it needs a crash at the wrong moment");
});

Deno.test("simulate() finds a processor that never checkpoints at the end of its shard", async () => {
  const { result } = await lostBy((database, machine) => ({
    ...rightProcessor(database, machine),
    shardEnded() {},
  }), { faults: ["reshards"] });
  assertEquals([result.violation?.invariant, result.settledMs], ["orderReturns", undefined]);
  assertMatch(result.violation?.detail ?? "", /SHARD_END is not stored/);
});

Deno.test("simulate() finds a processor that hangs, and tells where", async () => {
  const hanging = () =>
    lostBy((database, machine) => ({
      ...rightProcessor(database, machine),
      processRecords: () => machine.clock.sleep(machine.random() < 0.1 ? 1e9 : 1),
    }), { seed: 3, faults: [] });
  const { result } = await hanging();
  const [first = "", ...lines] = violationText(result).split("\n");
  assertMatch(
    first,
    /^seed 3, step \d+, [\d.]+ s: orderReturns shardId-\d{12}: \d+ of \d+ records were processed/,
  );
  const last = lines.findLast((line) => line.includes("processRecords")) ?? "";
  assertEquals(last.trimEnd().endsWith("processRecords"), true, `it is inside of it: ${last}`);
  assertEquals((await hanging()).result, result, "it breaks the rule again");
});

Deno.test("KinesisWorker gets on with a processor that keeps the event loop to itself for longer than a lease lives", async () => {
  const losses: string[] = [];
  for (const isCheckpointing of [true, false]) {
    let batches = 0;
    const { result, lost } = await lostBy((database, machine) => ({
      async processRecords({ records }, context) {
        await machine.block(4500);
        for (const { data } of records) database.add(new TextDecoder().decode(data));
        // One that does not checkpoint each batch depends on being given the next one.
        if (isCheckpointing || ++batches % 3 === 0) await context.checkpoint();
      },
      shardEnded: (context) => context.checkpoint(),
    }), {
      workers: 1,
      shards: 1,
      faults: [],
      minutes: 1,
      onEvent: (_, event) => void (event.type === "leaseLost" && losses.push(event.reason)),
    });
    assertEquals(result.violation, undefined, violationText(result));
    assertEquals([lost, losses], [[], []]);
  }
});

Deno.test("KinesisWorker counts the failures of a batch on, and waits longer, each time that it gives the lease up", async () => {
  const attempts: number[] = [], startsMs: number[] = [];
  await simulate({
    seed: 1,
    workers: 1,
    shards: 1,
    faults: [],
    minutes: 1,
    options: { onProcessError: "stop", failoverTimeMs: 3000, leaseCleanupIntervalMs: 1e9 },
    processor: (_, { clock }) => ({
      initialize: () => void startsMs.push(clock.monotonicMs()),
      processRecords() {
        throw new Error("poison");
      },
      shardEnded() {},
    }),
    onEvent: (_, event) => void (event.type === "batchFailed" && attempts.push(event.attempt)),
  });
  assertGreater(attempts.length, 5);
  assertEquals(attempts, attempts.map((_, index) => index + 1));
  const [, fourth = 0, fifth = 0] = startsMs.slice(2);
  assertGreater(fifth - fourth, 4000);
});

Deno.test("simulate() leaves away what is not in `faults`", async () => {
  const seen = async (faults: readonly Fault[]) => {
    const types = new Set<string>();
    const onEvent = (_: string, { type }: WorkerEvent) => types.add(type);
    const result = await simulate({ seed: 7, minutes: 3, faults, onEvent });
    assertEquals(result.violation, undefined, violationText(result));
    return types;
  };
  const fair = await seen([]), foul = await seen(ALL_FAULTS);
  for (const type of ["passFailed", "batchFailed", "shardEndReached", "leaseLost"]) {
    assertEquals([fair.has(type), foul.has(type)], [false, true], type);
  }
  assertEquals((await seen(["reshards"])).has("shardEndReached"), true);
});

Deno.test("simulate() tells the events of each worker by its id, and takes the numbers it is given", async () => {
  const workers = new Map<string, string[]>();
  const result = await simulate({
    seed: 1,
    minutes: 1,
    workers: 3,
    shards: 2,
    faults: [],
    options: { failoverTimeMs: 5000 },
    onEvent(workerId, { type }) {
      workers.set(workerId, [...workers.get(workerId) ?? [], type]);
    },
  });
  assertEquals(result.violation, undefined, violationText(result));
  assertEquals([...workers.keys()].toSorted(), ["w1", "w2", "w3"]);
  for (const types of workers.values()) {
    assertEquals([types[0], types.at(-1)], ["workerStarting", "workerStopped"]);
  }
  assertGreater(result.workerHours, 2.5 / 60);
  assertGreater(result.virtualMs, 60_000);
});

Deno.test("simulate() repeats a user's processor exactly, its chance and clock included", async () => {
  const run = (seed: number) => lostBy(rightProcessor, { seed }).then(({ result }) => result);
  const once = await run(11);
  assertEquals(await run(11), once);
  assertNotEquals((await run(12)).fingerprint, once.fingerprint);
});

Deno.test("simulate() refuses what it cannot use", async () => {
  const cases:
    readonly (readonly [Partial<SimulationOptions>, typeof TypeError | typeof RangeError, string])[] = [
      [{ seed: 1.5 }, TypeError, "expected seed to be a whole number: got 1.5"],
      [{ minutes: 0 }, RangeError, "minutes must be > 0: got 0"],
      [{ minutes: Infinity }, RangeError, "minutes must be > 0: got Infinity"],
      [{ workers: 0 }, RangeError, "workers must be an integer >= 1: got 0"],
      [{ shards: 1.5 }, RangeError, "shards must be an integer >= 1: got 1.5"],
      [{ faults: ["crash" as Fault] }, TypeError, "expected faults of network, outages"],
      [{ options: { failoverTimeMs: 5 } }, RangeError, "failoverTimeMs"],
    ];
  for (const [options, kind, text] of cases) {
    await assertRejects(() => simulate({ seed: 1, ...options }), kind, text);
  }
});

Deno.test("the example of src/testing/mod.ts runs", async () => {
  const folder = new URL("../../../src/testing/", import.meta.url);
  const source = await Deno.readTextFile(new URL("mod.ts", folder));
  const comment = source.slice(0, source.indexOf("*/")).replaceAll(/^ \* ?/gm, "");
  const [example] = codeBlocks(comment);
  assert(example !== undefined);
  await runExample(example.code.replaceAll('"./mod.ts"', JSON.stringify(new URL("mod.ts", folder).href)));
});

Deno.test("the example of docs/simulation.md runs, and fails with the mistake that it warns of", async () => {
  const root = new URL("../../../", import.meta.url);
  const [example] = codeBlocks(await Deno.readTextFile(new URL("docs/simulation.md", root)))
    .filter(({ info }) => info[0] === "ts");
  assert(example !== undefined);
  const href = (path: string) => JSON.stringify(new URL(path, root).href);
  assert(example.code.includes("seed <= 20"));
  const code = example.code.replaceAll('"@kclite/kclite/testing"', href("src/testing/mod.ts"));
  await runExample(code.replace("seed <= 20", "seed <= 3"));
  const lines = code.split("\n");
  const checkpoint = lines.findIndex((line) => line.includes("await context.checkpoint();"));
  const write = lines.findIndex((line) => line.includes("database.add"));
  assert(write !== -1 && write < checkpoint);
  const [moved = ""] = lines.splice(checkpoint, 1);
  lines.splice(write - 1, 0, moved);
  await assertRejects(() => runExample(lines.join("\n")), Error, "lost");
});

/** Runs a module of TypeScript. */
async function runExample(code: string): Promise<void> {
  const path = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(path, code);
    await import(new URL(`file://${path}`).href);
  } finally {
    await Deno.remove(path);
  }
}

Deno.test("simulate() has workers read many streams, whose shards have the same ids", async () => {
  const keys = new Set<string>();
  const result = await simulate({
    seed: 4,
    minutes: 3,
    streams: 3,
    shards: 1,
    onEvent: (_, event) => event.type === "leaseGained" && keys.add(event.leaseKey),
  });
  assertEquals(result.violation, undefined, violationText(result));
  const first = [...keys].filter((key) => key.endsWith(":shardId-000000000000"));
  assertEquals(new Set(first.map((key) => key.split(":")[1])), new Set(["stream-1", "stream-2", "stream-3"]));
});
