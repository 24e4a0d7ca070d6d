import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "../support/fast_check.ts";
import { ByteBudget } from "../../src/retrieval/byte_budget.ts";
import { READ_AHEAD_LIMITS, readAhead, type ReadAheadLimits } from "../../src/retrieval/read_ahead.ts";
import type { RecordsPage, Retrieval } from "../../src/retrieval/retrieval.ts";
import { positionAt } from "../../src/stream/sequence_number.ts";
import { pageOf, recordWith } from "../support/consumer_bed.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { seeded } from "../support/seed.ts";

const MIB = 1024 * 1024;
const request = {
  leaseKey: "s-0",
  shardId: "s-0",
  checkpoint: positionAt("TRIM_HORIZON"),
  initialPosition: "TRIM_HORIZON" as const,
};

/** A page of one record that claims to be of some size. */
function sizedPage(n: number, bytes: number, isLast = false): RecordsPage {
  return { ...pageOf([recordWith(n)], isLast ? [] : undefined), bytes };
}

/** These pages keep nothing in memory but what they claim. */
const memoryOf = ({ bytes }: RecordsPage) => bytes;

/** Gives pages, each after a while, and notes how many were asked for and whether it was let go. */
class Source implements Retrieval {
  given = 0;
  isClosed = false;
  failure: Error | undefined;
  readonly #clock: FakeClock;
  readonly #pages: readonly { readonly page: RecordsPage; readonly afterMs: number }[];

  constructor(clock: FakeClock, pages: readonly { readonly page: RecordsPage; readonly afterMs: number }[]) {
    this.#clock = clock;
    this.#pages = pages;
  }

  async *read(_: unknown, signal: AbortSignal): AsyncGenerator<RecordsPage> {
    try {
      for (const { page, afterMs } of this.#pages) {
        await this.#clock.sleep(afterMs, signal);
        this.given++;
        yield page;
      }
      if (this.failure !== undefined) throw this.failure;
    } finally {
      this.isClosed = true;
    }
  }
}

function bed(pages: readonly RecordsPage[], limits: Partial<ReadAheadLimits> = {}, budgetBytes = 256 * MIB) {
  const clock = new FakeClock();
  const source = new Source(clock, pages.map((page) => ({ page, afterMs: 100 })));
  const budget = new ByteBudget(budgetBytes);
  const stop = new AbortController();
  const ahead = readAhead(source, { limits: { ...READ_AHEAD_LIMITS, ...limits }, budget, memoryOf });
  const reading = ahead.read(request, stop.signal)[Symbol.asyncIterator]();
  const next = async () => {
    const result = reading.next();
    result.catch(() => {});
    await clock.advance(100);
    const { value, done } = await result;
    return done ? "over" : Number(value.records[0]?.sequenceNumber);
  };
  return { clock, source, budget, stop, reading, next };
}

const small = (count: number) => Array.from({ length: count }, (_, i) => sizedPage(i + 1, 1));

Deno.test("readAhead() gives the pages in order and once, and ends with its source", async () => {
  const { next, source, budget } = bed(small(3));
  assertEquals([await next(), await next(), await next(), await next()], [1, 2, 3, "over"]);
  assert(source.isClosed);
  assertEquals(budget.used, 0);
});

Deno.test("readAhead() reads four pages ahead of the one in work and no further, and goes on when one is taken", async () => {
  const { next, source, clock, reading } = bed(small(20));
  await next();
  await clock.advance(10_000);
  assertEquals(source.given, 5);
  await next();
  await clock.advance(10_000);
  assertEquals(source.given, 6);
  await reading.return?.();
});

Deno.test("readAhead() stops at so many records, or bytes, waiting", async () => {
  for (const [limits, bytes] of [[{ records: 2 }, 1], [{ bytes: 2 * MIB }, MIB]] as const) {
    const { next, source, clock, reading } = bed(
      Array.from({ length: 9 }, (_, i) => sizedPage(i + 1, bytes)),
      limits,
    );
    await next();
    await clock.advance(10_000);
    assertEquals(source.given, 3);
    await reading.return?.();
  }
});

Deno.test("readAhead() passes pages that are larger than every bound, one at a time", async () => {
  const pages = [sizedPage(1, 10 * MIB), sizedPage(2, 10 * MIB), sizedPage(3, 10 * MIB, true)];
  const { next, source, clock } = bed(pages, { bytes: MIB }, MIB);
  assertEquals(await next(), 1);
  await clock.advance(10_000);
  assertEquals(source.given, 1);
  assertEquals([await next(), await next(), await next()], [2, 3, "over"]);
});

Deno.test("readAhead() lets a shard read while another one's processor holds all of the worker's bytes", async () => {
  const clock = new FakeClock();
  const budget = new ByteBudget(MIB);
  const options = { limits: READ_AHEAD_LIMITS, budget, memoryOf };
  const stuck = new Source(clock, [{ page: sizedPage(1, 10 * MIB), afterMs: 1 }]);
  const other = new Source(clock, small(5).map((page) => ({ page, afterMs: 1 })));
  const signal = new AbortController().signal;
  const [a, b] = [stuck, other].map((source) =>
    readAhead(source, options).read(request, signal)[Symbol.asyncIterator]()
  );
  assert(a !== undefined && b !== undefined);
  const first = a.next();
  await clock.advance(10);
  await first;
  const numbers: string[] = [];
  for (let i = 0; i < 5; i++) {
    const page = b.next();
    await clock.advance(10);
    numbers.push((await page).value.records[0].sequenceNumber);
  }
  assertEquals(numbers, ["1", "2", "3", "4", "5"]);
  await a.return?.();
  await b.return?.();
  assertEquals(budget.used, 0);
});

Deno.test("readAhead() reads ahead again as soon as another shard gives bytes back", async () => {
  const clock = new FakeClock();
  const budget = new ByteBudget(10);
  budget.take(10); // another shard
  const source = new Source(clock, small(5).map((page) => ({ page, afterMs: 1 })));
  const pages = readAhead(source, { limits: READ_AHEAD_LIMITS, budget, memoryOf })
    .read(request, new AbortController().signal)[Symbol.asyncIterator]();
  const first = pages.next();
  await clock.advance(1000);
  await first;
  await clock.advance(1000);
  assertEquals(source.given, 1);
  budget.give(10);
  await clock.advance(1000);
  assertEquals(source.given, 5);
  await pages.return?.();
});

Deno.test("readAhead() throws what its source threw after the pages that it gave", async () => {
  const { next, source } = bed(small(2));
  source.failure = new Error("broken");
  assertEquals([await next(), await next()], [1, 2]);
  await assertRejects(next, Error, "broken");
});

Deno.test("readAhead() ends at once with the signal's reason, whatever waits, and lets its source go", async () => {
  for (const waiting of [true, false]) {
    const { next, source, stop, reading, budget, clock } = bed(small(20));
    await next();
    if (waiting) await clock.advance(10_000);
    else await next();
    const page = waiting ? undefined : reading.next();
    page?.catch(() => {});
    stop.abort(new Error("enough"));
    await assertRejects(() => page ?? reading.next(), Error, "enough");
    assert(source.isClosed);
    assertEquals(budget.used, 0);
  }
});

Deno.test("readAhead() hides the time of reading behind that of processing", async () => {
  const { clock, reading } = bed(small(10));
  for (let i = 0; i < 10; i++) {
    const page = reading.next();
    for (let ms = 0; ms < 100 && i === 0; ms += 10) await clock.advance(10);
    await page; // the first one has to be waited for, no other
    await clock.advance(100);
  }
  assertEquals(clock.monotonicMs(), 1100);
  await reading.return?.();
});

Deno.test("readAhead() of many shards loses, repeats and reorders nothing, and keeps its bounds, at any speeds", async () => {
  const sizes = fc.integer({ min: 0, max: 10 });
  const speeds = fc.integer({ min: 0, max: 50 });
  const shard = fc.record({
    pages: fc.array(fc.record({ bytes: sizes, afterMs: speeds, workMs: speeds }), { maxLength: 12 }),
  });
  const limits = { pages: 3, records: 3, bytes: 12 };
  await fc.assert(
    fc.asyncProperty(fc.array(shard, { minLength: 1, maxLength: 4 }), sizes, async (shards, budgetBytes) => {
      const clock = new FakeClock();
      const budget = new ByteBudget(budgetBytes);
      let most = 0;
      const signal = new AbortController().signal;
      const readings = shards.map(async ({ pages }) => {
        const source = new Source(
          clock,
          pages.map(({ bytes, afterMs }, i) => ({ page: sizedPage(i, bytes), afterMs })),
        );
        const seen: number[] = [];
        for await (const page of readAhead(source, { limits, budget, memoryOf }).read(request, signal)) {
          seen.push(Number(page.records[0]?.sequenceNumber));
          assert(source.given - seen.length <= limits.pages, "too many pages wait");
          most = Math.max(most, budget.used);
          await clock.sleep(pages[seen.length - 1]?.workMs ?? 0);
          most = Math.max(most, budget.used);
        }
        assertEquals(seen, pages.map((_, i) => i));
      });
      let isOver = false;
      const all = Promise.all(readings).finally(() => isOver = true);
      all.catch(() => {});
      for (let i = 0; i < 2000 && !isOver; i++) await clock.advance(clock.pendingMs[0] ?? 0);
      assert(isOver, "it stands still");
      await all;
      assertEquals(budget.used, 0);
      const pageOfEach = shards.map(({ pages }) => Math.max(0, ...pages.map(({ bytes }) => bytes)));
      const allowed = budgetBytes + pageOfEach.reduce((sum, bytes) => sum + bytes, 0);
      assert(most <= allowed, `${most} bytes in use, ${allowed} allowed`);
    }),
    { ...seeded(), numRuns: 30 },
  );
});

Deno.test("readAhead() expects the next page to be as large as the last one when it asks for room", async () => {
  const { next, source, clock, reading, budget } = bed(
    [1, 2, 3, 4].map((n) => sizedPage(n, 40)),
    {},
    100,
  );
  await next();
  await clock.advance(10_000);
  // One in work and one ahead take 80 bytes: a third of 40 would not fit.
  assertEquals([source.given, budget.used], [2, 80]);
  await reading.return?.();
});

Deno.test("readAhead() gives all the pages that came before a failure, however late they are taken", async () => {
  const { next, source, clock, reading } = bed(small(3));
  source.failure = new Error("the source is gone");
  await next();
  await clock.advance(10_000);
  assertEquals([await next(), await next()], [2, 3]);
  await assertRejects(() => reading.next(), Error, "the source is gone");
});

Deno.test("readAhead() keeps room for a page while it is read, so that shards do not all use the same", async () => {
  const clock = new FakeClock();
  const budget = new ByteBudget(350);
  const options = { limits: READ_AHEAD_LIMITS, budget, memoryOf };
  const sources = [1, 2].map(() =>
    new Source(clock, Array.from({ length: 5 }, (_, i) => ({ page: sizedPage(i + 1, 100), afterMs: 10 })))
  );
  const readings = sources.map((source) =>
    readAhead(source, options).read(request, new AbortController().signal)[Symbol.asyncIterator]()
  );
  const firsts = readings.map((reading) => reading.next());
  let most = 0;
  for (let ms = 0; ms < 100; ms++) {
    await clock.advance(1);
    most = Math.max(most, budget.used);
  }
  await Promise.all(firsts);
  // Two in work and one ahead; another one ahead would be too much, whichever shard asks first.
  assertEquals([most, sources.map(({ given }) => given).sort()], [300, [1, 2]]);
  for (const reading of readings) await reading.return?.();
  assertEquals(budget.used, 0);
});

Deno.test("readAhead() of many shards with no room at all lets each of them read on", async () => {
  const clock = new FakeClock();
  const options = { limits: READ_AHEAD_LIMITS, budget: new ByteBudget(0), memoryOf };
  const counts = await (async () => {
    const reading = Array.from({ length: 50 }, async () => {
      const source = new Source(
        clock,
        Array.from({ length: 5 }, (_, i) => ({ page: sizedPage(i + 1, MIB), afterMs: 10 })),
      );
      let count = 0;
      for await (const _ of readAhead(source, options).read(request, new AbortController().signal)) count++;
      return count;
    });
    const all = Promise.all(reading);
    for (let i = 0; i < 20; i++) await clock.advance(10);
    return await all;
  })();
  assertEquals(counts, Array.from({ length: 50 }, () => 5));
  assertEquals(options.budget.used, 0);
});
