/** `decoded()` and `eachDecoded()`: what a processor gets, and what becomes of records that cannot be read. */

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import type { RecordProcessorFactory } from "../../src/consumer/record_processor.ts";
import {
  decoded,
  type DecodedBatch,
  type Decoder,
  decoder,
  eachDecoded,
  json,
  RecordDecodeError,
  type StandardSchemaV1,
  text,
} from "../../src/decode/mod.ts";
import type { WorkerEvent } from "../../src/events.ts";
import { deadLetter, park } from "../../src/failures/mod.ts";
import type { ProcessingOptions } from "../../src/options/processing_options.ts";
import { ByteBudget } from "../../src/retrieval/byte_budget.ts";
import { type KinesisRecord, kinesisRecord } from "../../src/stream/record.ts";
import {
  type ConsumerBed,
  eventsOf,
  NotingProcessor,
  pageOf,
  startConsumer,
} from "../support/consumer_bed.ts";
import fc from "../support/fast_check.ts";
import { deliveriesOf, keyed, MemorySink } from "../support/policy_bed.ts";
import { seeded } from "../support/seed.ts";

const LETTERS = "letters" as unknown as "skip";
const UTF8 = new TextEncoder();

/** Record n holds n as JSON, or what stands in `bad`. */
const records = (count: number, bad: Readonly<Record<number, string>> = {}, key = "key") =>
  Array.from(
    { length: count },
    (_, at) => keyed(at + 1, key, { data: UTF8.encode(bad[at + 1] ?? `${at + 1}`) }),
  );

const aNumber: StandardSchemaV1<unknown, number> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof value === "number" ? { value } : { issues: [{ message: "no number", path: ["a", { key: 0 }] }] },
  },
};

interface Bed extends ConsumerBed {
  readonly sink: MemorySink;
}

function start(
  processor: RecordProcessorFactory,
  options?: ProcessingOptions,
  onProcessError: "retry" | "skip" = "retry",
): Bed {
  const sink = new MemorySink();
  const startDelivery = options === undefined ? {} : {
    startDelivery: deliveriesOf(options, sink)(new ByteBudget(268_435_456)),
  };
  return { ...startConsumer(new NotingProcessor(), { processor, onProcessError, ...startDelivery }), sink };
}

const storedOf = (bed: Bed) => bed.held.stored.map(({ sequenceNumber }) => sequenceNumber);

Deno.test("eachDecoded() gives values in order, and their records", async () => {
  const seen: string[] = [];
  const bed = start(eachDecoded({ decoder: json(), schema: aNumber }, (value, record, { shardId }) => {
    seen.push(`${value * 2} ${record.sequenceNumber} ${record.text()} ${shardId}`);
  }));
  bed.retrieval.feed(pageOf(records(2)));
  await bed.clock.advance(0);
  assertEquals(
    seen,
    ["2 1 1 shardId-1", "4 2 2 shardId-1"].map((line) => line.replace("shardId-1", bed.held.shardId)),
  );
  assertEquals(storedOf(bed), ["2"]);
  bed.held.lose();
  await bed.end;
});

Deno.test("decoded() processes what lies before a bad record, and gives that one up after one call of its own", async () => {
  const batches: string[] = [];
  const bed = start(
    decoded({ decoder: json(), schema: aNumber }, () => ({
      async processRecords(batch, context) {
        batches.push(textOf(batch));
        await context.checkpoint();
      },
      shardEnded: (context) => context.checkpoint(),
    })),
    { errors: { retry: { attempts: 5 }, onExhausted: LETTERS } },
  );
  bed.retrieval.feed(pageOf(records(6, { 3: "{", 5: '"five"' })));
  await bed.clock.advance(10_000);
  assertEquals(batches, ["1+2", "4", "6"]);
  assertEquals(bed.sink.numbers, ["3", "5"]);
  assertEquals(bed.sink.letters.map(({ condition, attempts }) => `${condition} ${attempts}`), [
    "DecodeFailed 1",
    "DecodeFailed 1",
  ]);
  const [first, second] = bed.sink.letters.map(({ error }) => error);
  assert(first instanceof RecordDecodeError && second instanceof RecordDecodeError);
  assertEquals(first.message, "Cannot decode record 3");
  assertEquals(`${second.cause}`, "TypeError: the schema does not fit: a.0: no number");
  assertEquals(bed.held.lease.checkpoint.sequenceNumber, "6");
  bed.held.lose();
  await bed.end;
});

Deno.test("decoded() lets no checkpoint pass a bad record, also by a context that was kept", async () => {
  const stored: string[] = [];
  for (const isKept of [false, true]) {
    let kept: { checkpoint(): Promise<void> } | undefined;
    const bed = start(decoded({ decoder: json() }, () => ({
      initialize(context) {
        kept = context;
      },
      async processRecords(_, context) {
        await (isKept ? kept : context)?.checkpoint();
      },
      shardEnded: (context) => context.checkpoint(),
    })));
    bed.retrieval.feed(pageOf(records(4, { 3: "{" })));
    await bed.clock.advance(60_000);
    stored.push(storedOf(bed).join());
    assertEquals(eventsOf(bed.events, "batchFailed").at(-1)?.first.sequenceNumber, "3");
    bed.held.lose();
    await bed.end;
  }
  assertEquals(stored, ["2", "2"]);
});

Deno.test("decoded() with onProcessError skip passes the bad record alone", async () => {
  const seen: unknown[] = [];
  const bed = start(eachDecoded({ decoder: json() }, (value) => seen.push(value)), undefined, "skip");
  bed.retrieval.feed(pageOf(records(3, { 2: "no JSON" })));
  await bed.clock.advance(0);
  assertEquals(eventsOf(bed.events, "batchFailed").map(({ outcome, records }) => [outcome, records]), [[
    "skipped",
    1,
  ]]);
  assertEquals([seen, bed.held.lease.checkpoint.sequenceNumber], [[1, 3], "3"]);
  bed.held.lose();
  await bed.end;
});

Deno.test("decoded() with onError skip leaves bad records out, says so, and passes them", async () => {
  const seen: unknown[] = [], events: WorkerEvent[] = [];
  const bed = start(eachDecoded({
    decoder: json(),
    onError: "skip",
    onEvent: (event) => events.push(event),
  }, (value) => seen.push(value)));
  bed.retrieval.feed(pageOf(records(4, { 2: "no JSON", 4: "neither" })));
  await bed.clock.advance(0);
  assertEquals(seen, [1, 3]);
  assertEquals(storedOf(bed), ["4"]);
  const texts = events.map((event) => event.type === "notice" ? event.text : event.type);
  assertEquals(texts.length, 2);
  assertStringIncludes(texts[0] ?? "", "Cannot decode record 2");
  assertStringIncludes(texts[0] ?? "", "expected JSON text: got 7 bytes of something else");
  bed.held.lose();
  await bed.end;
});

Deno.test("decoded() with onError raw gives bad records without a value", async () => {
  const seen: string[] = [];
  const bed = start(decoded({ decoder: json(), schema: aNumber, onError: "raw" }, () => ({
    checkpoints: "auto",
    processRecords({ records }) {
      for (const { value, decodeError, data } of records) {
        const known: number | undefined = value;
        seen.push(`${known} ${decodeError?.name} ${data.length}`);
      }
    },
    shardEnded: (context) => context.checkpoint(),
  })));
  bed.retrieval.feed(pageOf(records(2, { 2: "no JSON" })));
  await bed.clock.advance(0);
  assertEquals(seen, ["1 undefined 1", "undefined RecordDecodeError 7"]);
  bed.held.lose();
  await bed.end;
});

Deno.test("decoded() decodes a record once, however often its batch is tried", async () => {
  const count = new Map<string, number>();
  let calls = 0;
  const counting = decoder((_, { sequenceNumber }) =>
    count.set(sequenceNumber, (count.get(sequenceNumber) ?? 0) + 1)
  );
  const bed = start(decoded({ decoder: counting }, () => ({
    checkpoints: "auto",
    processRecords() {
      if (++calls < 3) throw new Error("the database is away");
    },
    shardEnded: (context) => context.checkpoint(),
  })));
  bed.retrieval.feed(pageOf(records(3)));
  await bed.clock.advance(60_000);
  assertEquals([calls, ...count.values()], [3, 1, 1, 1]);
  bed.held.lose();
  await bed.end;
});

Deno.test("decoded() tries again what may be read later: a registry that is down, a schema that hangs", async () => {
  for (const fault of ["down", "hangs"] as const) {
    let tries = 0;
    const flaky: Decoder<number> = {
      async decode(data) {
        if (++tries > 2) return { value: data.length };
        if (fault === "hangs") await new Promise(() => {});
        throw Object.assign(new Error("503"), { retryable: true });
      },
    };
    const seen: number[] = [];
    const processor = (bed: { current?: Bed }) =>
      eachDecoded({
        decoder: flaky,
        timeoutMs: 1000,
        system: {
          clock: { ...forward(bed) },
          random: () => 0.5,
          fetch: () => Promise.reject(new Error("none")),
        },
      }, (value) => seen.push(value));
    const holder: { current?: Bed } = {};
    const bed = holder.current = start(processor(holder), {
      errors: { retry: { attempts: 5 }, onExhausted: LETTERS },
    });
    bed.retrieval.feed(pageOf(records(1)));
    await bed.clock.advance(120_000);
    assertEquals([seen, tries, bed.sink.numbers], [[1], 3, []]);
    bed.held.lose();
    await bed.end;
  }
});

Deno.test("decoded() gives a record up whose schema throws or rejects, and goes on", async () => {
  const throws: (() => never | Promise<never>)[] = [
    () => {
      throw new Error("a bug of the schema");
    },
    () => Promise.reject(new Error("a bug of the schema")),
  ];
  for (const fault of throws) {
    const seen: unknown[] = [];
    const validate = (value: unknown) => value === 2 ? fault() : { value };
    const schema: StandardSchemaV1 = { "~standard": { version: 1, vendor: "test", validate } };
    const bed = start(eachDecoded({ decoder: json(), schema }, (value) => seen.push(value)), {
      errors: { retry: { attempts: 5 }, onExhausted: LETTERS },
    });
    bed.retrieval.feed(pageOf(records(3)));
    await bed.clock.advance(10_000);
    assertEquals([seen, bed.sink.numbers], [[1, 3], ["2"]]);
    const [letter] = bed.sink.letters;
    assertEquals([letter?.condition, letter?.attempts], ["DecodeFailed", 1]);
    assertEquals(`${(letter?.error as Error).cause}`, "Error: a bug of the schema");
    bed.held.lose();
    await bed.end;
  }
});

Deno.test("decoded() takes no answer of a schema for a value when it is none", async () => {
  for (const answer of [undefined, null]) {
    const seen: unknown[] = [];
    const validate = () => answer as unknown as { readonly value: unknown };
    const schema: StandardSchemaV1 = { "~standard": { version: 1, vendor: "test", validate } };
    const bed = start(eachDecoded({ decoder: json(), schema }, (value) => seen.push(value)), {
      errors: { onExhausted: LETTERS },
    });
    bed.retrieval.feed(pageOf(records(1)));
    await bed.clock.advance(1000);
    assertEquals([seen, bed.sink.letters.map(({ condition }) => condition)], [[], ["DecodeFailed"]]);
    bed.held.lose();
    await bed.end;
  }
});

Deno.test("decoded() tries a record again, then gives it up, when its schema never answers", async () => {
  const seen: unknown[] = [];
  let calls = 0;
  const validate = (value: unknown) => {
    if (value !== 2) return { value };
    calls++;
    return new Promise<never>(() => {});
  };
  const schema: StandardSchemaV1 = { "~standard": { version: 1, vendor: "test", validate } };
  const holder: { current?: Bed } = {};
  const system = {
    clock: forward(holder),
    random: () => 0.5,
    fetch: () => Promise.reject(new Error("none")),
  };
  const each = eachDecoded({ decoder: json(), schema, system }, (value) => seen.push(value));
  const bed = holder.current = start(each, { errors: { retry: { attempts: 2 }, onExhausted: LETTERS } });
  bed.retrieval.feed(pageOf(records(3)));
  await bed.clock.advance(29_999);
  assertEquals([seen, calls, bed.sink.numbers], [[], 1, []]);
  await bed.clock.advance(300_000);
  assertEquals([seen, calls, bed.sink.numbers], [[1, 3], 3, ["2"]]);
  assertEquals(bed.sink.letters.map(({ condition }) => condition), ["RetryAttemptsExhausted"]);
  bed.held.lose();
  await bed.end;
});

/** The clock of a bed that is made later. */
function forward(bed: { current?: Bed }) {
  return {
    epochMs: () => bed.current?.clock.epochMs() ?? 0,
    monotonicMs: () => bed.current?.clock.monotonicMs() ?? 0,
    sleep: (ms: number, signal?: AbortSignal) => bed.current?.clock.sleep(ms, signal) ?? Promise.resolve(),
  };
}

Deno.test("decoded() with park gives a bad record up at once: its key does not wait for it", async () => {
  const seen: unknown[] = [];
  const sink = new MemorySink();
  const bed = start(eachDecoded({ decoder: json() }, (value) => seen.push(value)), {
    errors: {
      retry: { maxAgeMs: 3_600_000 },
      onExhausted: park({ then: deadLetter(sink) }),
    },
    concurrency: { order: "key" },
  });
  const approximateArrivalTimestamp = bed.clock.epochMs();
  bed.retrieval.feed(
    pageOf(records(3, { 2: "{" }).map((record) => kinesisRecord({ ...record, approximateArrivalTimestamp }))),
  );
  await bed.clock.advance(1000);
  assertEquals([seen, sink.numbers], [[1, 3], ["2"]]);
  bed.held.lose();
  await bed.end;
});

Deno.test("decoded() leaves a record to the next owner when the lease is lost while it is decoded", async () => {
  const seen: unknown[] = [];
  const bed = start(eachDecoded({
    decoder: { decode: () => new Promise<never>(() => {}) },
    timeoutMs: 1e9,
  }, (value) => seen.push(value)));
  bed.retrieval.feed(pageOf(records(1)));
  await bed.clock.advance(1000);
  bed.held.lose();
  await bed.end;
  assertEquals([seen, eventsOf(bed.events, "batchFailed").length], [[], 0]);
});

Deno.test("decoded() passes each good record once and in order, and gives up each bad one, in any mixture", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.boolean(), { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 30 }),
      fc.constantFrom("none" as const, "bisect" as const),
      async (isBad, size, split) => {
        const seen: unknown[] = [];
        const bed = start(eachDecoded({ decoder: json() }, (value) => seen.push(value)), {
          errors: { split, onExhausted: LETTERS },
          batch: { size },
        });
        const bad = Object.fromEntries(isBad.flatMap((is, at) => is ? [[at + 1, "{"]] : []));
        bed.retrieval.feed(pageOf(records(isBad.length, bad)));
        await bed.clock.advance(10_000);
        bed.held.lose();
        await bed.end;
        const numbers = isBad.map((_, at) => at + 1);
        assertEquals(seen, numbers.filter((n) => !isBad[n - 1]));
        assertEquals(bed.sink.numbers, numbers.filter((n) => isBad[n - 1]).map(String));
        assertEquals(bed.held.lease.checkpoint.sequenceNumber, `${isBad.length}`);
      },
    ),
    { numRuns: 40, ...seeded() },
  );
});

Deno.test("text() reads UTF-8, and refuses bytes that are none", () => {
  const [record] = records(1);
  const signal = new AbortController().signal;
  const decode = (bytes: Uint8Array) => text().decode(bytes, record as KinesisRecord, signal);
  assertEquals(decode(UTF8.encode("größer")), { value: "größer" });
  assertEquals(decode(UTF8.encode("\uFFFD")), { value: "\uFFFD" });
  assertThrows(() => decode(Uint8Array.of(0xff)), TypeError);
});

Deno.test("decoded() refuses wrong options at once", () => {
  const processor = () => ({ processRecords: () => {}, shardEnded: () => {} });
  const refused = (options: unknown) => () => decoded(options as { decoder: Decoder<string> }, processor);
  assertThrows(refused({}), TypeError, "expected a decoder, such as json(): got undefined");
  assertThrows(refused({ decoder: json }), TypeError, "got function");
  assertThrows(refused({ decoder: json(), shema: aNumber }), TypeError, "schema");
  assertThrows(refused({ decoder: json(), schema: {} }), TypeError, "~standard");
  assertThrows(refused({ decoder: json(), onError: "log" }), TypeError, '"log"');
  assertThrows(refused({ decoder: json(), timeoutMs: 0 }), RangeError, "timeoutMs");
});

function textOf<T>({ records }: DecodedBatch<T>): string {
  return records.map(({ sequenceNumber }) => sequenceNumber).join("+");
}
