/**
 * Hosted Lambda handlers under the worker's options `errors`, `batch` and `concurrency`: what Lambda's event
 * source mapping does for them.
 */

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { RecordProcessorFactory } from "../../src/consumer/record_processor.ts";
import { fromLambdaHandler, type KinesisEvent, type LambdaHandler } from "../../src/lambda/mod.ts";
import { fromLambdaBootstrap } from "../../src/lambda/lambda_bootstrap.ts";
import type { ProcessingOptions } from "../../src/options/processing_options.ts";
import { ByteBudget } from "../../src/retrieval/byte_budget.ts";
import { type KinesisRecord, kinesisRecord } from "../../src/stream/record.ts";
import { eventsOf, pageOf, recordWith, startConsumer } from "../support/consumer_bed.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { aggregate, utf8 } from "../support/kpl.ts";
import { deliveriesOf, MemorySink } from "../support/policy_bed.ts";
import { BatchProcessor, EventType, processPartialResponse } from "../support/powertools_batch.ts";
import { FakeBootstraps } from "./fake_bootstrap.ts";

/** `"letters"` in `onExhausted` stands for a dead letter in a list. */
type Options = ProcessingOptions & { errors?: { onExhausted?: unknown } };

/** Runs records to the end of their shard. @returns what was given up, and what was stored. */
async function run(
  processor: RecordProcessorFactory,
  options: Options,
  records: readonly KinesisRecord[],
  clocks: readonly FakeClock[] = [],
) {
  const sink = new MemorySink();
  const budget = new ByteBudget(268_435_456);
  const startDelivery = deliveriesOf(options, sink)(budget);
  const bed = startConsumer(undefined, { processor, budget, startDelivery });
  bed.retrieval.feed(pageOf(records, []));
  let end: string | undefined;
  void bed.end.then((text) => end = text);
  for (let i = 0; i < 600 && end === undefined; i++) {
    await Promise.all([bed.clock, ...clocks].map((clock) => clock.advance(1000)));
  }
  assertEquals(end, "completed");
  return { letters: sink.numbers, stored: bed.held.stored, events: bed.events };
}

const words = (...texts: readonly string[]) => texts.map((text, i) => recordWith(i + 1, text));
const numbersOf = ({ Records }: KinesisEvent) =>
  Records.map(({ kinesis }) => kinesis.sequenceNumber).join("+");

Deno.test("a hosted handler's batchItemFailures count with errors.partial: only from the lowest on comes again", async () => {
  const calls: string[] = [];
  const seen = new Set<string>();
  const handler: LambdaHandler = async (event) => {
    calls.push(numbersOf(event));
    const bad = event.Records.filter(({ kinesis }) =>
      atob(kinesis.data) === "bad" && !seen.has(kinesis.sequenceNumber)
    );
    for (const { kinesis } of bad) seen.add(kinesis.sequenceNumber);
    return {
      batchItemFailures: bad.toReversed().map(({ kinesis }) => ({ itemIdentifier: kinesis.sequenceNumber })),
    };
  };
  const { letters } = await run(
    fromLambdaHandler(handler),
    { errors: { partial: true } },
    words("a", "bad", "c", "bad"),
  );
  assertEquals([calls, letters], [["1+2+3+4", "2+3+4"], []]);
});

Deno.test("a hosted handler's list is ignored without errors.partial, as in Lambda", async () => {
  const calls: string[] = [];
  await run(
    fromLambdaHandler(async (event) => {
      calls.push(numbersOf(event));
      return { batchItemFailures: [{ itemIdentifier: "1" }] };
    }),
    { errors: {} },
    words("a", "b"),
  );
  assertEquals(calls, ["1+2"]);
});

Deno.test("a hosted handler whose list names no record of the batch has failed wholly, whatever is odd about it", async () => {
  for (const odd of [[{ itemIdentifier: "99" }], [{ itemIdentifier: null }], [null], [{ id: "1" }], "1"]) {
    const calls: string[] = [];
    const { letters } = await run(
      fromLambdaHandler(async (event) => {
        calls.push(numbersOf(event));
        return { batchItemFailures: odd };
      }),
      { errors: { partial: true, retry: { attempts: 1 }, onExhausted: "letters" as never } },
      words("a", "b"),
    );
    assertEquals([calls, letters], [["1+2", "1+2"], ["1+2"]]);
  }
});

Deno.test("a hosted handler that throws undefined, or never settles, is tried and given up by the policy", async () => {
  const clock = new FakeClock();
  let calls = 0;
  const hanging: LambdaHandler = () => {
    calls++;
    return new Promise(() => {});
  };
  const policy: Options = { errors: { retry: { attempts: 1 }, onExhausted: "letters" as never } };
  const options = { clock, timeoutMs: 2000, abandonAfterMs: 3000 };
  const hung = await run(fromLambdaHandler(hanging, options), policy, words("a"), [clock]);
  assertEquals([calls, hung.letters], [2, ["1"]]);
  const threw = await run(fromLambdaHandler(() => Promise.reject(undefined)), policy, words("a"));
  assertEquals(threw.letters, ["1"]);
});

Deno.test("a hosted handler gets batches of batch.size, and a failed one in halves with errors.split", async () => {
  const calls: string[] = [];
  const { letters } = await run(
    fromLambdaHandler(async (event) => {
      calls.push(numbersOf(event));
      if (event.Records.some(({ kinesis }) => atob(kinesis.data) === "poison")) throw new Error("poison");
    }),
    {
      batch: { size: 4 },
      errors: { retry: { attempts: 0 }, split: "bisect", onExhausted: "letters" as never },
    },
    words("a", "b", "c", "poison", "e", "f"),
  );
  assertEquals(calls[0], "1+2+3+4");
  assertEquals(letters, ["4"]);
  assertEquals(calls.at(-1), "5+6");
});

Deno.test("a hosted handler's batch that is cut at the payload limit repeats nothing that went well, under a policy too", async () => {
  const calls: string[] = [];
  let failuresLeft = 1;
  await run(
    fromLambdaHandler(async (event) => {
      calls.push(numbersOf(event));
      if (numbersOf(event).startsWith("3") && failuresLeft-- > 0) throw new Error("away");
    }, { maxPayloadBytes: 1200 }),
    { errors: {} },
    words(..."abcde".split("").map((letter) => letter.repeat(60))),
  );
  assertEquals(calls, ["1+2", "3+4", "3+4", "5"]);
});

Deno.test("a hosted handler gets whole aggregates under a policy, and names them by their sequence number", async () => {
  const seen: string[] = [];
  const whole = kinesisRecord({
    ...recordWith(2),
    data: aggregate(["x", "y", "z"].map((text) => ({ partitionKey: text, data: utf8(text) }))),
  });
  const { letters, stored } = await run(
    fromLambdaHandler(async (event) => {
      seen.push(numbersOf(event));
      return event.Records.some(({ kinesis }) => kinesis.sequenceNumber === "2")
        ? { batchItemFailures: [{ itemIdentifier: "2" }] }
        : {};
    }),
    { errors: { partial: true, retry: { attempts: 0 }, split: "bisect", onExhausted: "letters" as never } },
    [recordWith(1), whole, recordWith(3)],
  );
  assertEquals(letters, ["2"]);
  assertEquals([seen[0], seen.at(-1)], ["1+2+3", "3"]);
  // Past the aggregate means past its last user record, for whoever takes aggregates apart.
  assertEquals(stored.some((at) => at.sequenceNumber === "2" && at.subSequenceNumber === 2), true);
});

Deno.test("a handler of @aws-lambda-powertools/batch costs a poison record one dead letter, under a policy", async () => {
  const processed: string[] = [];
  const processor = new BatchProcessor(EventType.KinesisDataStreams);
  const recordHandler = async ({ kinesis }: { readonly kinesis: { readonly data: string } }) => {
    const text = atob(kinesis.data);
    if (text === "poison") throw new Error(text);
    processed.push(text);
  };
  const handler: LambdaHandler = (event, context) =>
    processPartialResponse(event as never, recordHandler as never, processor, { context: context as never });
  const { letters } = await run(
    fromLambdaHandler(handler),
    { errors: { partial: true, retry: { attempts: 1 }, split: "bisect", onExhausted: "letters" as never } },
    words("a", "b", "poison", "d"),
  );
  assertEquals(letters, ["3"]);
  assertEquals([...new Set(processed)], ["a", "b", "d"]);
});

Deno.test("a bootstrap runs as many programs as calls run at the same time, and keeps the order of keys", async () => {
  const clock = new FakeClock();
  const calls: string[] = [];
  let running = 0, most = 0;
  const programs = new FakeBootstraps(async (hands) => {
    for (;;) {
      const { id, records } = await hands.next();
      calls.push(records.join("+"));
      most = Math.max(most, ++running);
      await clock.sleep(500);
      running--;
      await hands.respond(id);
    }
  });
  const { spawn, serve } = programs;
  const requestId = () => crypto.randomUUID();
  const records = Array.from(
    { length: 12 },
    (_, i) => kinesisRecord({ ...recordWith(i + 1), partitionKey: `key ${i % 3}` }),
  );
  const { events } = await run(
    fromLambdaBootstrap("./bootstrap", { spawn, serve, requestId, taskRoot: "/", clock }),
    { batch: { size: 1 }, concurrency: { perShard: 3 }, errors: {} },
    records,
    [clock],
  );
  assertEquals([most, programs.children.length, programs.serving], [3, 3, 0]);
  for (let key = 0; key < 3; key++) {
    const own = calls.filter((number) => (Number(number) - 1) % 3 === key);
    assertEquals(own, own.toSorted((a, b) => Number(a) - Number(b)));
  }
  assertEquals(eventsOf(events, "batchFailed"), []);
});

Deno.test("a bootstrap that dies by a poison record costs one dead letter, and each attempt one program", async () => {
  const clock = new FakeClock();
  const programs = new FakeBootstraps(async (hands) => {
    for (;;) {
      const { id, records } = await hands.next();
      if (records.includes("2")) throw new Error("killed by the record");
      await hands.respond(id);
    }
  });
  const { spawn, serve } = programs;
  const requestId = () => crypto.randomUUID();
  const { letters, events } = await run(
    fromLambdaBootstrap("./bootstrap", { spawn, serve, requestId, taskRoot: "/", clock }),
    { batch: { size: 1 }, errors: { retry: { attempts: 2 }, onExhausted: "letters" as never } },
    words("a", "poison", "c"),
    [clock],
  );
  assertEquals([letters, programs.children.length, programs.serving], [["2"], 4, 0]);
  const [failed] = eventsOf(events, "batchFailed");
  assertStringIncludes(`${failed?.error}`, "ended with exit code 1");
});
