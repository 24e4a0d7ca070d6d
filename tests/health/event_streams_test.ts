/** Server-sent events on a clock that a test moves: what is sent, to whom, and when a browser is let go. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { EventStreams, MOST_STREAMS, type Parts } from "../../src/health/event_streams.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A page of two parts, one of which a test changes. */
class Bed {
  readonly clock: FakeClock = new FakeClock();
  text = "1";
  isOver = false;
  /** How often parts were made, and how often somebody began and ceased to watch. */
  made = 0;
  begun = 0;
  ended = 0;
  readonly streams: EventStreams<string> = new EventStreams<string>({
    clock: this.clock,
    partsOf: (view) => {
      this.made++;
      if (this.text === "broken") throw new Error("no page");
      return new Map([["view", view], ["text", this.text]]);
    },
    updateOf,
    onWatched: () => {
      this.begun++;
      return () => void this.ended++;
    },
    isOver: () => this.isOver,
  });

  open(view = "all"): Browser {
    const body = this.streams.open(view);
    assert(body !== undefined, "there are too many");
    return new Browser(body);
  }
}

function updateOf(before: Parts | undefined, after: Parts): unknown {
  const changed = [...after].filter(([id, html]) => before?.get(id) !== html);
  return changed.length === 0 ? undefined : Object.fromEntries(changed);
}

/** Reads when it is told to. */
class Browser {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader();
  }

  /** The next piece; undefined at the end. */
  async next(): Promise<string | undefined> {
    const { value } = await this.#reader.read();
    return value === undefined ? undefined : new TextDecoder().decode(value);
  }

  async go(): Promise<void> {
    await this.#reader.cancel();
  }
}

Deno.test("EventStreams sends the whole page first, and then what has changed", async () => {
  const bed = new Bed();
  const browser = bed.open();
  assertEquals(await browser.next(), 'retry: 3000\ndata: {"view":"all","text":"1"}\n\n');
  const next = browser.next();
  await bed.clock.advance(2000);
  bed.text = "2";
  await bed.clock.advance(2000);
  assertEquals(await next, 'data: {"text":"2"}\n\n');
  await browser.go();
});

Deno.test("EventStreams sends a comment after 15 s in which nothing changed", async () => {
  const bed = new Bed();
  const browser = bed.open();
  await browser.next();
  const next = browser.next();
  await bed.clock.advance(15_999);
  let isThere = false;
  next.then(() => isThere = true);
  await bed.clock.advance(0);
  assertEquals(isThere, false);
  await bed.clock.advance(1);
  assertEquals(await next, ":\n\n");
  await browser.go();
});

Deno.test("EventStreams runs, and makes pages, only while there is a browser; again when one comes back", async () => {
  const bed = new Bed();
  assertEquals([bed.clock.pendingMs, bed.begun], [[], 0]);
  for (const round of [1, 2]) {
    const [one, other] = [bed.open(), bed.open()];
    assertEquals([bed.begun, bed.streams.size], [round, 2]);
    await one.go();
    assertEquals(bed.ended, round - 1);
    await other.go();
    assertEquals([bed.ended, bed.streams.size], [round, 0]);
    await bed.clock.advance(0);
    assertEquals(bed.clock.pendingMs, []);
  }
});

Deno.test("EventStreams makes a page once for all browsers that see the same", async () => {
  const bed = new Bed();
  const browsers = Array.from({ length: 50 }, () => bed.open());
  const other = bed.open("second page");
  for (const browser of [...browsers, other]) await browser.next();
  const next = browsers.map((browser) => browser.next());
  bed.made = 0;
  bed.text = "2";
  await bed.clock.advance(2000);
  assertEquals(bed.made, 2);
  assertEquals(new Set(await Promise.all(next)), new Set(['data: {"text":"2"}\n\n']));
  await Promise.all([...browsers, other].map((browser) => browser.go()));
});

Deno.test("EventStreams queues one message for a browser that does not read, and lets it go after a minute", async () => {
  const bed = new Bed();
  const idle = bed.open();
  const reading = bed.open();
  await reading.next();
  for (let ms = 2000; ms <= 60_000; ms += 2000) {
    assertEquals(bed.streams.size, 2, `after ${ms - 2000} ms`);
    const next = reading.next();
    bed.text = `at ${ms}`;
    await bed.clock.advance(2000);
    assertEquals(await next, `data: {"text":"at ${ms}"}\n\n`);
  }
  assertEquals(bed.streams.size, 1);
  // What was queued went with it.
  await assertRejects(() => idle.next(), DOMException, "has not read");
  await reading.go();
});

Deno.test("EventStreams gives a browser that reads again what has changed meanwhile, in one message", async () => {
  const bed = new Bed();
  const browser = bed.open();
  for (const text of ["2", "3", "4"]) {
    bed.text = text;
    await bed.clock.advance(2000);
  }
  assertMatch(await browser.next() ?? "", /"text":"1"/);
  const next = browser.next();
  await bed.clock.advance(2000);
  assertEquals(await next, 'data: {"text":"4"}\n\n');
  await browser.go();
});

Deno.test("EventStreams refuses one browser too many, until one goes", async () => {
  const bed = new Bed();
  const browsers = Array.from({ length: MOST_STREAMS }, () => bed.open());
  assertEquals(bed.streams.open("all"), undefined);
  await browsers.pop()?.go();
  browsers.push(bed.open());
  await Promise.all(browsers.map((browser) => browser.go()));
});

Deno.test("EventStreams ends with the last state when nothing will change any more", async () => {
  const bed = new Bed();
  const browser = bed.open();
  await browser.next();
  const next = browser.next();
  bed.text = "stopped";
  bed.isOver = true;
  await bed.clock.advance(2000);
  assertEquals([await next, await browser.next()], ['data: {"text":"stopped"}\n\n', undefined]);
  const later = bed.open();
  assertMatch(await later.next() ?? "", /stopped/);
  assertEquals([await later.next(), bed.streams.size], [undefined, 0]);
  await bed.clock.advance(0);
  assertEquals(bed.clock.pendingMs, []);
});

Deno.test("EventStreams ends all when a page cannot be made, and begins again", async () => {
  const bed = new Bed();
  const browser = bed.open();
  await browser.next();
  const next = assertRejects(() => browser.next(), Error, "no page");
  bed.text = "broken";
  await bed.clock.advance(2000);
  await next;
  assertEquals([bed.streams.size, bed.ended, bed.clock.pendingMs], [0, 1, []]);
  bed.text = "mended";
  const again = bed.open();
  assertMatch(await again.next() ?? "", /mended/);
  await again.go();
});

Deno.test("EventStreams.close() ends every browser's stream and the loop", async () => {
  const bed = new Bed();
  const browsers = [bed.open(), bed.open()];
  for (const browser of browsers) await browser.next();
  await bed.streams.close();
  for (const browser of browsers) assertEquals(await browser.next(), undefined);
  assertEquals([bed.streams.size, bed.clock.pendingMs], [0, []]);
});
