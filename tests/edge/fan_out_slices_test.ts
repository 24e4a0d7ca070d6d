/** Slices that read by enhanced fan-out, end to end on the emulator, in its own time. */

import { assertEquals, assertLess } from "@std/assert";
import { enhancedFanOut } from "../../src/edge/mod.ts";
import type { EdgeOptions, SliceOptions, SliceResult } from "../../src/edge/slice_options.ts";
import type { RecordProcessor } from "../../src/consumer/record_processor.ts";
import { MAX_HASH_KEY } from "../../src/stream/hash_key.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { EdgeBed } from "./edge_bed.ts";

const limits: SliceOptions = { budgetMs: 60_000, reserveMs: 2000 };
const FIRST = "shardId-000000000000";

/** Edge workers with enhanced fan-out, and the subscriptions that they have asked for. */
function fanOutBed(shards = 1, options: Partial<EdgeOptions> = {}) {
  const clock = new FakeClock();
  const bed = new EdgeBed({ shards, clock, retrievalMode: "FANOUT", fanOut: enhancedFanOut, ...options });
  const stream = bed.aws.stream("words");
  const subscriptions: (AbortSignal | null | undefined)[] = [];
  const { system } = bed.aws;
  const watching = {
    ...system,
    fetch: (input: RequestInfo | URL, init?: RequestInit) => {
      const target = new Headers(init?.headers ?? (input instanceof Request ? input.headers : undefined))
        .get("x-amz-target");
      if (target?.endsWith(".SubscribeToShard")) {
        subscriptions.push(init?.signal ?? (input instanceof Request ? input.signal : undefined));
      }
      return system.fetch(input, init);
    },
  };
  /** Runs one slice of an instance that knows nothing, while time goes by. */
  async function slice(more: Partial<SliceOptions> = {}, changes: Partial<EdgeOptions> = {}) {
    const startedMs = clock.monotonicMs();
    bed.asked();
    const result = await passing(
      clock,
      bed.worker({ system: watching, ...changes }).runSlice({ ...limits, ...more }),
    );
    return { ...result, asked: bed.asked(), ms: clock.monotonicMs() - startedMs };
  }
  /** The subscriptions that nobody has closed. */
  const open = () => subscriptions.filter((signal) => signal?.aborted !== true).length;
  return { bed, clock, stream, slice, open, subscriptions };
}

/** Turns of the event loop in which nothing may be signed before time goes on. */
const QUIET_TURNS = 3;

/** Waits while virtual time goes by: from sleeper to sleeper, and never while a request is being signed. */
async function passing<T>(clock: FakeClock, what: Promise<T>): Promise<T> {
  let isOver = false;
  const done = () => isOver = true;
  what.then(done, done);
  using signing = new Signing();
  while (!isOver) {
    for (let quiet = 0; quiet < QUIET_TURNS && !isOver; quiet = signing.pending > 0 ? 0 : quiet + 1) {
      await turn();
    }
    clock.jump(isOver ? 0 : clock.pendingMs[0] ?? 0);
  }
  return await what;
}

/** Counts what the runtime signs on threads of its own, which takes real time. */
class Signing {
  pending = 0;
  readonly #names = ["digest", "importKey", "sign"] as const;

  constructor() {
    for (const name of this.#names) {
      const method = crypto.subtle[name] as (...args: unknown[]) => Promise<unknown>;
      Object.defineProperty(crypto.subtle, name, {
        configurable: true,
        value: async (...args: unknown[]) => {
          this.pending++;
          try {
            return await Reflect.apply(method, crypto.subtle, args);
          } finally {
            this.pending--;
          }
        },
      });
    }
  }

  [Symbol.dispose](): void {
    for (const name of this.#names) Reflect.deleteProperty(crypto.subtle, name);
  }
}

/** A turn of the event loop, as {@linkcode FakeClock.sleep} takes one where there is nothing to wait for. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

const statesOf = ({ shards }: SliceResult) => shards.map(({ records, state }) => [records, state]);

Deno.test("EdgeWorker.runSlice() with FANOUT reads each shard to its tip, and the next slice goes on there", async () => {
  const { bed, stream, slice, open, subscriptions } = fanOutBed(2);
  for (const text of ["a", "b", "c"]) stream.put(text, text);
  const first = await slice();
  assertEquals([first.outcome, first.failures], ["caughtUp", []]);
  assertEquals(bed.texts.toSorted(), ["a", "b", "c"]);
  assertEquals(first.shards.map(({ state }) => state), ["caughtUp", "caughtUp"]);
  assertEquals(first.shards.reduce((sum, { records }) => sum + records, 0), 3);
  assertEquals([first.asked["SubscribeToShard"], first.asked["GetRecords"]], [2, undefined]);
  assertEquals(first.asked["RegisterStreamConsumer"], 1);
  // A slice that is over has no connection, and does not last until its budget is used.
  assertEquals([open(), subscriptions.length], [0, 2]);
  assertLess(first.ms, 30_000);

  stream.put("d", "d");
  const second = await slice();
  assertEquals([second.outcome, second.failures], ["caughtUp", []]);
  assertEquals(bed.texts.slice(3), ["d"]);
  // The consumer of the slice before is found again.
  assertEquals([second.asked["SubscribeToShard"], second.asked["RegisterStreamConsumer"]], [2, undefined]);
  assertEquals(open(), 0);
});

Deno.test("EdgeWorker.runSlice() with FANOUT reads a shard to its end, and its children in the same or the next slice", async () => {
  const { bed, stream, slice, open } = fanOutBed();
  stream.put("1", "key");
  stream.split(FIRST);
  stream.put("11", "left", "0");
  stream.put("12", "right", `${MAX_HASH_KEY}`);
  const results = [await slice()];
  while (bed.texts.length < 3 && results.length < 3) results.push(await slice());
  assertEquals(results.flatMap(({ failures }) => failures), []);
  assertEquals(bed.texts[0], "1");
  assertEquals(bed.texts.toSorted(), ["1", "11", "12"]);
  assertEquals(statesOf(results[0] ?? await slice())[0], [1, "ended"]);
  assertEquals(open(), 0);
});

Deno.test("EdgeWorker.runSlice() with FANOUT ends by maxRecords, by its signal and within its budget, with no subscription left", async () => {
  for (const ending of ["records", "stopped", "budget"] as const) {
    const { bed, clock, stream, slice, open } = fanOutBed();
    // An event has at most 1000 of them, so the shard is at its tip after five.
    const texts = Array.from({ length: 4500 }, (_, i) => `${i}`);
    for (const text of texts) stream.put(text, "key");
    const stop = new AbortController();
    const processor = (): RecordProcessor => ({
      ...bed.processor(),
      async processRecords(batch, context) {
        await bed.processor().processRecords(batch, context);
        if (ending === "budget") await clock.sleep(20_000, context.signal).catch(() => {});
        if (ending === "stopped" && bed.texts.length >= 2000) stop.abort();
      },
    });
    const more = ending === "records" ? { maxRecords: 1500 } : { signal: stop.signal };
    const result = await slice(more, { processor });
    assertEquals([result.outcome, result.shards.map(({ state }) => state)], [ending, ["behind"]]);
    assertEquals(open(), 0);
    assertLess(result.ms, 58_100);
    // What was handed over is stored, so nothing comes twice.
    assertEquals(bed.texts, texts.slice(0, ending === "budget" ? 3000 : 2000));
    assertEquals((await slice()).outcome, "caughtUp");
    assertEquals(bed.texts, texts);
  }
});

Deno.test("EdgeWorker.runSlice() with FANOUT ends in time beside a processor that hangs, which keeps no subscription", async () => {
  const { bed, stream, slice, open, subscriptions } = fanOutBed(2);
  for (const [text, hash] of [["hangs", "0"], ["passes", `${MAX_HASH_KEY}`]] as const) {
    stream.put(text, "key", hash);
  }
  const processor = (shardId: string): RecordProcessor => ({
    ...bed.processor(),
    ...(shardId === FIRST ? { processRecords: () => new Promise<void>(() => {}) } : {}),
  });
  const result = await slice({}, { processor });
  assertEquals(result.outcome, "budget");
  assertEquals(result.shards.find(({ shardId }) => shardId === FIRST)?.state, "hung");
  assertEquals(result.shards.find(({ shardId }) => shardId !== FIRST)?.state, "caughtUp");
  assertLess(result.ms, limits.budgetMs - 2000 + 100);
  assertEquals([open(), subscriptions.length], [0, 2]);
  await slice();
  assertEquals(bed.texts.toSorted(), ["hangs", "passes"]);
});

Deno.test("EdgeWorker.runSlice() with FANOUT reads more shards than may have a request under way", async () => {
  const { bed, stream, slice } = fanOutBed(5);
  const texts = Array.from({ length: 40 }, (_, i) => `w${i}`);
  for (const text of texts) stream.put(text, text);
  bed.crowd = { operation: "SubscribeToShard", size: 2 };
  const result = await slice({ maxConcurrentFetches: 2 });
  assertEquals([result.outcome, result.failures], ["caughtUp", []]);
  assertEquals(bed.texts.toSorted(), texts.toSorted());
  // Under way until the headers have come: the pages of five subscriptions come beside each other.
  assertEquals(bed.mostInFlight, 2);
  assertEquals(result.asked["SubscribeToShard"], 5);
});
