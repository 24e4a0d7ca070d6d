import { assertEquals } from "@std/assert";
import { type LaneItem, Lanes } from "../../src/failures/lanes.ts";
import type { ProcessingOrder } from "../../src/failures/failure_options.ts";
import fc from "../support/fast_check.ts";
import { seeded } from "../support/seed.ts";

function lanesOf(order: ProcessingOrder, keys: string, bytes = 1): Lanes<LaneItem> {
  const lanes = new Lanes<LaneItem>(order);
  [...keys].forEach((key, index) => lanes.add({ index, key, bytes }));
  return lanes;
}

function take(
  lanes: Lanes<LaneItem>,
  size: number,
): { readonly text: string; readonly keys: readonly string[] } {
  const { items, keys } = lanes.take((_, taken) => taken.length < size);
  return { text: items.map(({ index, key }) => `${index}${key}`).join(" "), keys };
}

Deno.test("Lanes.take() takes the oldest records whose keys are free, several of one key in order", () => {
  const lanes = lanesOf("key", "aabca");
  assertEquals(take(lanes, 3).text, "0a 1a 2b");
  assertEquals(take(lanes, 3).text, "3c");
  assertEquals(take(lanes, 3).text, "");
  lanes.release(["a", "b"]);
  assertEquals(take(lanes, 3).text, "4a");
});

Deno.test("Lanes.take() passes a younger record of a busy key by, too", () => {
  const lanes = lanesOf("key", "aba");
  assertEquals(take(lanes, 1).text, "0a");
  assertEquals(take(lanes, 9).text, "1b");
});

Deno.test("Lanes.take() with order shard gives one call at a time, with none any", () => {
  const shard = lanesOf("shard", "abc");
  const { text, keys } = take(shard, 2);
  assertEquals([text, take(shard, 2).text], ["0a 1b", ""]);
  shard.release(keys);
  assertEquals(take(shard, 2).text, "2c");
  const none = lanesOf("none", "aaa");
  assertEquals([take(none, 2).text, take(none, 2).text], ["0a 1a", "2a"]);
});

Deno.test("Lanes counts what may start, and what waits behind a busy key", () => {
  const lanes = lanesOf("key", "aab", 10);
  assertEquals([lanes.waiting, lanes.startable], [3, { records: 3, bytes: 30 }]);
  const { keys } = take(lanes, 1);
  assertEquals([lanes.waiting, lanes.startable, lanes.oldest?.index], [2, { records: 1, bytes: 10 }, 2]);
  lanes.release(keys);
  assertEquals([lanes.startable, lanes.oldest?.index], [{ records: 2, bytes: 20 }, 1]);
});

Deno.test("Lanes takes every record once, in order of its key, whatever is taken and released when", () => {
  const steps = fc.array(fc.tuple(fc.constantFrom(..."abcd"), fc.integer({ min: 1, max: 4 }), fc.boolean()));
  fc.assert(
    fc.property(steps, (given) => {
      const lanes = new Lanes<LaneItem>("key");
      const taken: LaneItem[] = [];
      let busy: (readonly string[])[] = [];
      const next = (size: number) => {
        const { items, keys } = lanes.take((_, others) => others.length < size);
        for (const key of keys) assertEquals(busy.flat().includes(key), false);
        taken.push(...items);
        busy.push(keys);
        return items.length;
      };
      given.forEach(([key, size, isReleased], index) => {
        lanes.add({ index, key, bytes: 1 });
        next(size);
        if (isReleased) lanes.release(busy.shift() ?? []);
      });
      for (let left = 1; left > 0;) {
        for (const keys of busy) lanes.release(keys);
        busy = [];
        left = next(3);
      }
      assertEquals(taken.length, given.length);
      for (const key of "abcd") {
        const indexes = taken.filter((item) => item.key === key).map(({ index }) => index);
        assertEquals(indexes, indexes.toSorted((a, b) => a - b));
      }
    }),
    seeded(),
  );
});
