import { assertEquals, assertRejects } from "@std/assert";
import type { RecordProcessor, RecordProcessorFactory } from "../../../src/consumer/record_processor.ts";
import { documentText } from "../../../src/failures/letters/document.ts";
import {
  type LetterSource,
  redrive,
  type RedriveOptions,
  type RedriveStep,
} from "../../../src/failures/redrive/redrive.ts";
import { letterOf, NEVER, recordOf } from "../letters/fixtures.ts";

/** Letters in memory. */
class ListSource implements LetterSource {
  readonly name = "list";
  readonly texts: Map<string, string>;
  closed = 0;

  constructor(texts: readonly string[]) {
    this.texts = new Map(texts.map((text, i) => [`${i}`, text]));
  }

  async *letters() {
    for (const [place, text] of [...this.texts]) {
      yield { place, text, remove: () => Promise.resolve(void this.texts.delete(place)) };
    }
  }

  close(): Promise<void> {
    this.closed++;
    return Promise.resolve();
  }
}

const textOf = (data: string) => documentText(letterOf({ records: [recordOf("100", data)] }));
const dataOf = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Processors that note each callback, and do what the test says with the data. */
function noting(onData: (data: string) => unknown, more: Partial<RecordProcessor> = {}) {
  const calls: string[] = [];
  const make: RecordProcessorFactory = (shardId, { streamName }) => ({
    initialize: (context) =>
      void calls.push(`initialize ${streamName} ${shardId} ${context.fencingToken.token}`),
    async processRecords({ records: [record] }, context) {
      const data = dataOf(record?.data ?? new Uint8Array());
      calls.push(data);
      await context.checkpoint();
      return await onData(data) as void;
    },
    shardEnded: () => void calls.push("shardEnded"),
    shutdownRequested: async (context) => {
      calls.push("shutdownRequested");
      await (await context.prepareCheckpoint()).checkpoint();
    },
    leaseLost: () => void calls.push("leaseLost"),
    dispose: () => void calls.push("dispose"),
    ...more,
  });
  return { calls, make };
}

async function run(source: LetterSource, more: Partial<RedriveOptions>, signal: AbortSignal = NEVER) {
  const steps: RedriveStep[] = [];
  const counts = await redrive({
    source,
    processor: undefined,
    fetchRecords: () => Promise.reject(new RangeError("gone")),
    max: Infinity,
    onStep: (step) => steps.push(step),
    ...more,
  }, signal);
  return {
    counts,
    steps: steps.map((step) => `${step.place} ${step.type}${"reason" in step ? `: ${step.reason}` : ""}`),
  };
}

Deno.test("redrive() gives each letter to a processor of its own, and removes it when that has ended", async () => {
  const source = new ListSource([textOf("a"), textOf("b")]);
  const left: number[] = [];
  const { calls, make } = noting(() => {}, { dispose: () => void left.push(source.texts.size) });
  const { counts, steps } = await run(source, { processor: make });
  const life = (
    data: string,
  ) => ["initialize orders shardId-000000000001 7", data, "shutdownRequested", "leaseLost"];
  assertEquals(calls, [...life("a"), ...life("b")]);
  assertEquals(left, [2, 1]);
  assertEquals([source.texts.size, source.closed], [0, 1]);
  assertEquals(counts, { processed: 2, failed: 0, unreadable: 0, records: 2 });
  assertEquals(steps, ["0 processed", "1 processed"]);
});

Deno.test("redrive() keeps what fails, however it fails, and goes on behind it", async () => {
  const fails: Readonly<Record<string, () => unknown>> = {
    throws: () => {
      throw new TypeError("no");
    },
    undefined: () => {
      throw undefined;
    },
    partial: () => ({ batchItemFailures: [{ itemIdentifier: "100" }] }),
    good: () => ({ batchItemFailures: [] }),
    empty: () => ({}),
    null: () => null,
  };
  const source = new ListSource(Object.keys(fails).map(textOf));
  const { calls, make } = noting((data) => fails[data]?.());
  const { counts, steps } = await run(source, { processor: make });
  assertEquals([...source.texts.keys()], ["0", "1", "2"]);
  assertEquals(steps, [
    "0 failed: TypeError: no",
    "1 failed: undefined was thrown",
    "2 failed: the processor answered that 1 of 1 records failed",
    "3 processed",
    "4 processed",
    "5 processed",
  ]);
  assertEquals([counts.processed, counts.failed], [3, 3]);
  assertEquals(calls.filter((call) => call === "dispose").length, 6);
});

Deno.test("redrive() counts a letter as failed when the processor fails after its records", async () => {
  for (
    const more of [
      { shutdownRequested: () => Promise.reject(new Error("not flushed")) },
      { leaseLost: () => Promise.reject(new Error("not flushed")) },
      { dispose: () => Promise.reject(new Error("not flushed")) },
      { shutdownRequested: (context) => context.restart(new Error("not flushed")) },
      { initialize: () => Promise.reject(new Error("not flushed")) },
    ] satisfies Partial<RecordProcessor>[]
  ) {
    const source = new ListSource([textOf("a")]);
    const { steps } = await run(source, { processor: noting(() => {}, more).make });
    assertEquals([source.texts.size, steps], [1, ["0 failed: not flushed"]]);
  }
});

Deno.test("redrive() counts and keeps what is no dead letter, and a letter whose records are gone", async () => {
  const without = documentText(letterOf(), { records: "none" });
  const source = new ListSource(["{", without, textOf("a")]);
  const { counts, steps } = await run(source, { processor: noting(() => {}).make });
  assertEquals(steps, [
    "0 unreadable: expected JSON: got 1 characters of something else",
    "1 failed: RangeError: gone",
    "2 processed",
  ]);
  assertEquals([...source.texts.keys()], ["0", "1"]);
  assertEquals(counts, { processed: 1, failed: 1, unreadable: 1, records: 1 });
});

Deno.test("redrive() ends after `max` letters; without a processor it removes and fetches nothing", async () => {
  const source = new ListSource([textOf("a"), textOf("b"), textOf("c")]);
  assertEquals((await run(source, { max: 2 })).steps, ["0 read", "1 read"]);
  assertEquals((await run(source, { max: 0 })).steps, []);
  assertEquals([source.texts.size, source.closed], [3, 2]);
  await run(source, { max: 2, processor: noting(() => {}).make });
  assertEquals([...source.texts.keys()], ["2"]);
});

Deno.test("redrive() finishes the letter under way when it is interrupted, and closes the source", async () => {
  const source = new ListSource([textOf("a"), textOf("b")]);
  const stop = new AbortController();
  const { make } = noting(() => stop.abort(new Error("SIGINT")));
  const { counts } = await run(source, { processor: make }, stop.signal);
  assertEquals([counts.processed, source.closed, [...source.texts.keys()]], [1, 1, ["1"]]);
  // One that fetches is given up, and neither failed nor removed.
  const slow = new ListSource([documentText(letterOf(), { records: "none" })]);
  const other = new AbortController();
  const fetchRecords = (_: unknown, signal: AbortSignal) =>
    new Promise<never>((_, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      other.abort(new Error("SIGINT"));
    });
  const ended = await run(slow, { processor: make, fetchRecords }, other.signal);
  assertEquals([ended.steps, slow.closed, slow.texts.size], [[], 1, 1]);
});

Deno.test("redrive() throws when a letter cannot be removed, and still closes the source", async () => {
  const source = new ListSource([textOf("a")]);
  source.texts.delete = () => {
    throw new Error("denied");
  };
  await assertRejects(() => run(source, { processor: noting(() => {}).make }), Error, "denied");
  assertEquals(source.closed, 1);
});

Deno.test("redrive() refuses a processor that stores its position with its results, and closes the source", async () => {
  const source = new ListSource([textOf("a")]);
  const { make, calls } = noting(() => {});
  const processor = Object.assign(make, { stores: "transaction" } as const);
  const options = { source, processor, fetchRecords: () => Promise.resolve([]), max: 9, onStep() {} };
  await assertRejects(
    () => redrive(options, NEVER),
    TypeError,
    "expected a processor that may get records in any order: got one that stores its position with its results",
  );
  assertEquals([calls, source.closed, source.texts.size], [[], 1, 1]);
});
