/**
 * What a processor throws is a stranger's: looking at it may throw.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { errorText } from "../../src/errors.ts";
import { eventsOf, NotingProcessor, pageOf, recordWith, startConsumer } from "../support/consumer_bed.ts";
import { HOSTILE_ERRORS } from "../support/hostile_errors.ts";

/** Ends a shard, whatever its processor throws. */
class HostileProcessor extends NotingProcessor {
  readonly error: unknown;

  constructor(error: unknown) {
    const once = () => {
      if (!this.#hasThrown) throw (this.#hasThrown = true, error);
    };
    super({ initialize: once, processRecords: () => Promise.reject(error) });
    this.error = error;
  }

  #hasThrown = false;

  override dispose(): void {
    super.dispose();
    throw this.error;
  }
}

for (const [what, error] of Object.entries(HOSTILE_ERRORS)) {
  Deno.test(`consumeShard() survives callbacks that throw ${what}, and says what it can`, async () => {
    const bed = startConsumer(new HostileProcessor(error));
    bed.retrieval.feed(pageOf([recordWith(1)]), pageOf([recordWith(2)], []));
    await bed.settle();
    await bed.clock.advance(500);
    assertEquals(await bed.end, "completed");
    const calls = [
      "initialize",
      "initialize",
      "processRecords 1",
      "processRecords 2",
      "shardEnded",
      "dispose",
    ];
    assertEquals(bed.processor.calls, calls);
    // An event whose error is undefined would be one of success.
    const failures = eventsOf(bed.events, "callbackEnded").filter((event) => event.error !== undefined);
    assertEquals(failures.map(({ callback }) => callback), [
      "initialize",
      "processRecords",
      "processRecords",
    ]);
    assert(failures.every((event) => errorText(event.error) !== ""));
    assertMatch(
      eventsOf(bed.events, "notice").at(-1)?.text ?? "",
      /^Its processor could not be disposed of: ./,
    );
  });
}

Deno.test("consumeShard() starts again when its factory throws nothing", async () => {
  let made = 0;
  const processor = new NotingProcessor();
  const bed = startConsumer(processor, {
    processor: () => {
      if (made++ === 0) throw undefined;
      return processor;
    },
  });
  bed.retrieval.feed(pageOf([], []));
  await bed.settle();
  await bed.clock.advance(500);
  assertEquals(await bed.end, "completed");
  assertEquals(errorText(eventsOf(bed.events, "processorRestarting")[0]?.error), "undefined was thrown");
});
