import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { deadLetter, park } from "../../src/failures/mod.ts";
import type { WorkerOptions } from "../../src/options/options.ts";
import { settingsOf } from "../../src/options/settings.ts";

const needed = {
  applicationName: "app",
  streamName: "words",
  processor: () => ({ processRecords: () => {}, shardEnded: () => {} }),
};

function settings(more: Partial<WorkerOptions>): ReturnType<typeof settingsOf> {
  return settingsOf({ ...needed, ...more });
}

const sink = { name: "a list", store: () => Promise.resolve() };

Deno.test("failureSettings() is nothing unless an option asks for it, so that nothing is loaded", () => {
  assertEquals(settings({ onProcessError: "retry" }).failures, undefined);
});

Deno.test("failureSettings() fills in Lambda's defaults, and stops the shard where nothing else is said", () => {
  assertEquals(settings({ errors: {} }).failures, {
    errors: {
      attempts: Infinity,
      delay: undefined,
      maxAgeMs: Infinity,
      split: "none",
      partial: false,
      onExhausted: "stop",
      park: undefined,
      callTimeoutMs: Infinity,
    },
    batch: { size: 10_000, windowMs: 0, bytes: 6_291_456 },
    concurrency: { perShard: 1, order: "shard" },
    filter: undefined,
  });
  assertEquals(settings({ errors: {} }).delivery.isErrorRuleChosen, true);
});

Deno.test("failureSettings() keeps order by key, in batches of 100, where several calls may run", () => {
  const { batch, concurrency } = settings({ concurrency: { perShard: 10 } }).failures ?? {};
  assertEquals(concurrency, { perShard: 10, order: "key" });
  assertEquals(batch?.size, 100);
});

Deno.test("failureSettings() takes onProcessError as shorthand where errors is not given", () => {
  const rows = [
    [undefined, 0, "skip"],
    ["skip", 0, "skip"],
    ["retry", Infinity, "stop"],
    ["stop", 0, "stop"],
  ] as const;
  for (const [onProcessError, attempts, onExhausted] of rows) {
    const { errors } = settings({ batch: {}, onProcessError }).failures ?? {};
    assertEquals([errors?.attempts, errors?.onExhausted], [attempts, onExhausted], onProcessError);
  }
});

Deno.test("settingsOf() refuses errors beside onProcessError", () => {
  assertThrows(
    () => settings({ errors: {}, onProcessError: "retry" }),
    TypeError,
    "Cannot start worker: expected errors or onProcessError: got both",
  );
});

Deno.test("settingsOf() refuses what errors, batch, filter and concurrency cannot be, with its place", () => {
  const rows: readonly [Readonly<Record<string, unknown>>, string][] = [
    [{ errors: "retry" }, 'expected errors to be an object: got "retry"'],
    [{ errors: { retries: 3 } }, "no option errors.retries"],
    [{ errors: { retry: { attempts: -1 } } }, "errors.retry.attempts must be an integer >= 0: got -1"],
    [{ errors: { retry: { attempts: 1.5 } } }, "errors.retry.attempts must be an integer >= 0: got 1.5"],
    [{ errors: { retry: { delay: 100 } } }, "expected errors.retry.delay to be a function that gives"],
    [{ errors: { retry: { maxAgeMs: 0 } } }, "errors.retry.maxAgeMs must be >= 1: got 0"],
    [{ errors: { split: "half" } }, 'expected errors.split to be one of "none", "bisect": got "half"'],
    [{ errors: { partial: "true" } }, "expected errors.partial to be true or false"],
    [
      { errors: { onExhausted: "drop" } },
      'one of "stop", "skip", "deadLetter(sink)", "park({ then })": got "drop"',
    ],
    [{ errors: { onExhausted: sink } }, '"skip", park({ then }) or deadLetter(sink): got an object'],
    [{ errors: { onExhausted: { type: "deadLetter", sink: { name: "a" } } } }, "sink.store to be a function"],
    [
      { errors: { onExhausted: { type: "park", then: "park" } } },
      'onExhausted.then to be one of "skip", "deadLetter(sink)"',
    ],
    [
      { errors: { onExhausted: { type: "park", then: sink } } },
      'then to be "skip" or deadLetter(sink)',
    ],
    [
      { errors: { onExhausted: { type: "park", records: 0 } } },
      "onExhausted.records must be an integer 1 to",
    ],
    [
      { errors: { onExhausted: { type: "park", bytes: 0 } } },
      "errors.onExhausted.bytes must be >= 1: got 0",
    ],
    [{ errors: { onExhausted: { type: "park", keys: 1 } } }, "no option errors.onExhausted.keys"],
    [{ errors: { callTimeoutMs: 0 } }, "errors.callTimeoutMs must be >= 1: got 0"],
    [{ errors: { retry: { maxAgeMs: 5000 } } }, "a record that is too old stops its shard for good"],
    [{ batch: { size: 0 } }, "batch.size must be an integer 1 to 10000: got 0"],
    [{ batch: { windowMs: 300_001 } }, "batch.windowMs must be 0 to 300000: got 300001"],
    [{ batch: { bytes: Infinity } }, "batch.bytes must be a finite number >= 1: got Infinity"],
    [{ filter: "a" }, 'expected filter to be a function, a pattern or a list of patterns: got "a"'],
    [{ filter: [] }, "expected filter to be"],
    [{ concurrency: { perShard: 0 } }, "concurrency.perShard must be an integer 1 to 1000: got 0"],
    [
      { concurrency: { order: "partition" } },
      'expected concurrency.order to be one of "shard", "key", "none"',
    ],
    [
      { concurrency: { perShard: 2, order: "shard" } },
      'to be "key" or "none" beside perShard 2: got "shard"',
    ],
  ];
  for (const [options, says] of rows) {
    const error = assertThrows(() => settings(options), Error);
    assertStringIncludes(error.message, says);
  }
});

Deno.test("settingsOf() takes a dead letter made by deadLetter(), which refuses what is no sink", () => {
  const onExhausted = deadLetter(sink);
  assertEquals(settings({ errors: { onExhausted } }).failures?.errors.onExhausted, onExhausted);
  for (const bad of [undefined, null, {}, { name: "a" }, { store: sink.store }]) {
    assertThrows(() => deadLetter(bad as typeof sink), TypeError, "Cannot keep dead letters");
  }
});

Deno.test("failureSettings() parks keys within bounds, at once", () => {
  const concurrency = { order: "key" } as const;
  const retry = { maxAgeMs: 60_000 };
  const { errors } =
    settings({ concurrency, errors: { retry, onExhausted: park({ then: "skip" }) } }).failures ?? {};
  assertEquals([errors?.park, errors?.onExhausted, errors?.attempts], [
    { records: 1000, bytes: 8_388_608 },
    "skip",
    0,
  ]);
});

Deno.test("failureSettings() takes what follows parking, its bounds, and how often a record is tried before", () => {
  const then = deadLetter(sink);
  const { errors } = settings({
    concurrency: { perShard: 4 },
    errors: {
      retry: { attempts: 3, maxAgeMs: 60_000 },
      onExhausted: park({ then, records: 10, bytes: 1000 }),
    },
  }).failures ?? {};
  assertEquals([errors?.park, errors?.onExhausted, errors?.attempts], [
    { records: 10, bytes: 1000 },
    then,
    3,
  ]);
});

Deno.test("settingsOf() refuses parking without an end, or without keys", () => {
  const parked = (maxAgeMs: number | undefined, order: "key" | "shard" | "none") => () =>
    settings({
      concurrency: { order },
      errors: { retry: { maxAgeMs }, onExhausted: park({ then: "skip" }) },
    });
  assertThrows(parked(undefined, "key"), TypeError, "needs errors.retry.maxAgeMs: a parked record holds");
  assertThrows(parked(Infinity, "key"), TypeError, "needs errors.retry.maxAgeMs");
  assertThrows(parked(60_000, "shard"), TypeError, 'needs concurrency.order "key": got "shard"');
  assertThrows(parked(60_000, "none"), TypeError, 'needs concurrency.order "key": got "none"');
});
