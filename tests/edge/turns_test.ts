import { assertEquals, assertRejects } from "@std/assert";
import { Turns, type TurnsOptions } from "../../src/edge/turns.ts";
import { FakeClock } from "../support/fake_clock.ts";

const MIB = 1_048_576;

/** Shards that fetch in turns; notes who got one. */
class Bed {
  readonly clock = new FakeClock();
  readonly got: string[] = [];
  readonly denied: string[] = [];
  readonly turns: Turns;
  readonly #over = new AbortController();
  readonly #waits: Promise<void>[] = [];

  constructor(options: Partial<TurnsOptions> = {}) {
    this.turns = new Turns({
      clock: this.clock,
      untilMs: 60_000,
      slots: 1,
      maxBufferedBytes: 32 * MIB,
      onDenied: (leaseKey) => void this.denied.push(leaseKey),
      ...options,
    });
  }

  ask(...keys: readonly string[]): void {
    for (const key of keys) {
      this.#waits.push(this.turns.next(key, this.#over.signal).then(() => void this.got.push(key), () => {}));
    }
  }

  async fetched(key: string, page: { bytes?: number; behindMs?: number } = {}): Promise<void> {
    this.turns.fetched(key, { bytes: page.bytes ?? 0, behindMs: page.behindMs });
    await this.clock.advance(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await Promise.all(this.#waits);
  }
}

Deno.test("Turns gives each shard its first fetch before any gets its second, the furthest behind first", async () => {
  await using bed = new Bed();
  for (const key of ["a", "b", "c"]) bed.turns.expect(key);
  bed.ask("a", "b");
  await bed.clock.advance(0);
  assertEquals(bed.got, ["a"]);
  await bed.fetched("a", { behindMs: 10 });
  bed.ask("a");
  await bed.fetched("b", { behindMs: 99 });
  bed.ask("b");
  await bed.clock.advance(0);
  assertEquals(bed.got, ["a", "b"], "c has not had its first");
  bed.ask("c");
  await bed.fetched("c", { behindMs: 50 });
  assertEquals(bed.got, ["a", "b", "c", "b"], "b is further behind than a");
  bed.ask("c");
  await bed.fetched("b");
  assertEquals(bed.got, ["a", "b", "c", "b", "c"], "c is further behind than a");
  await bed.fetched("c");
  assertEquals(bed.got.at(-1), "a");
});

Deno.test("Turns does not wait for ever for the first fetch of a shard whose processor hangs", async () => {
  await using bed = new Bed();
  bed.turns.expect("hung");
  bed.ask("a");
  await bed.clock.advance(0);
  await bed.fetched("a");
  bed.ask("a");
  await bed.clock.advance(1999);
  assertEquals(bed.got, ["a"]);
  await bed.clock.advance(2);
  assertEquals(bed.got, ["a", "a"]);
});

Deno.test("Turns lets no more into memory than allowed, but always one page", async () => {
  await using bed = new Bed({ slots: 10, maxBufferedBytes: 25 * MIB });
  for (const key of ["a", "b", "c", "d"]) bed.turns.expect(key);
  bed.ask("a", "b", "c", "d");
  await bed.clock.advance(0);
  assertEquals(bed.got, ["a", "b"]);
  await bed.fetched("a", { bytes: 10 * MIB });
  await bed.fetched("b", { bytes: 10 * MIB });
  assertEquals(bed.got, ["a", "b"], "both are still being processed");
  bed.turns.left("a");
  await bed.clock.advance(0);
  assertEquals(bed.got, ["a", "b", "c"]);
  await using small = new Bed({ slots: 10, maxBufferedBytes: 1 });
  small.ask("a", "b");
  await small.clock.advance(0);
  assertEquals(small.got, ["a"]);
});

Deno.test("Turns that are closed, or over by the clock, are denied", async () => {
  await using bed = new Bed();
  bed.ask("a", "b");
  bed.turns.expect("c");
  await bed.clock.advance(0);
  bed.turns.close();
  assertEquals(bed.denied, ["b", "c"], "a is busy");
  await bed.fetched("a");
  bed.ask("a");
  assertEquals([bed.denied, bed.got], [["b", "c", "a"], ["a"]]);
  await using late = new Bed({ untilMs: 1000 });
  await late.clock.advance(1000);
  late.ask("a");
  assertEquals([late.denied, late.got], [["a"], []]);
});

Deno.test("Turns.next() throws the signal's reason", async () => {
  const bed = new Bed({ slots: 0 });
  const stop = new AbortController();
  const next = bed.turns.next("a", stop.signal);
  bed.turns.fetched("b", { bytes: 1, behindMs: 0 });
  stop.abort(new Error("left"));
  await next.catch(() => {});
  await assertRejects(() => bed.turns.next("c", stop.signal), Error, "left");
});
