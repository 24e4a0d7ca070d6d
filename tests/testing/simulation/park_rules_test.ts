/** What the rule about parked records lets pass, and the first thing that it does not. */

import { assertEquals, assertMatch } from "@std/assert";
import type { ShardContext } from "../../../src/consumer/record_processor.ts";
import type { Visit } from "../../../src/testing/simulation/delivery_rules.ts";
import { type ParkLimits, ParkRules } from "../../../src/testing/simulation/park_rules.ts";
import { VirtualTime } from "../../../src/testing/simulation/virtual_time.ts";
import { keyed } from "../../support/policy_bed.ts";

const VISIT: Visit = {
  machine: "w1",
  leaseKey: "s",
  context: {} as ShardContext,
  begunMs: 0,
  inside: undefined,
  last: undefined,
  leftMs: 0,
  next: 0,
  isStarted: true,
  batch: { from: 0, to: 0 },
};

/** A delivery that takes one slice of keys each virtual second. */
class Bed {
  readonly time = new VirtualTime();
  readonly rules: ParkRules;
  #place = 0;

  constructor(limits: Partial<ParkLimits>) {
    this.rules = new ParkRules(this.time, { attempts: 1, records: 1000, bytes: 1000, ...limits });
  }

  /** @returns what is wrong with it. */
  async take(keys: string): Promise<string | undefined> {
    const untilMs = this.time.nowMs + 1000;
    this.time.after(1000, () => {});
    await this.time.run(() => this.time.nowMs < untilMs);
    return [...keys].map((key) => this.rules.taken(VISIT, this.#place++, keyed(1, key))).find(Boolean);
  }

  fail(place: number, times: number): void {
    for (let i = 0; i < times; i++) {
      this.rules.called(VISIT, [place]);
      this.rules.failed(VISIT, [place]);
    }
  }
}

for (const limits of [{ records: 3 }, { bytes: 3 }]) {
  const [name] = Object.keys(limits);
  Deno.test(`parkedStaysBounded: one slice passes while the park is full in ${name}, and not a second one`, async () => {
    const bed = new Bed(limits);
    assertEquals(await bed.take("abaa"), undefined);
    bed.fail(0, 3);
    assertEquals(await bed.take("bcd"), undefined);
    assertMatch(await bed.take("e") ?? "", /^record 7 is taken while 3 records of 3 bytes are parked/);
  });
}

Deno.test("parkedStaysBounded: what has not failed too often, or is finished, or waits for another key, is not parked", async () => {
  const bed = new Bed({ records: 2 });
  assertEquals(await bed.take("abab"), undefined);
  bed.fail(0, 2);
  bed.rules.called(VISIT, [1, 3]);
  bed.rules.failed(VISIT, [1, 3]);
  for (let i = 0; i < 3; i++) assertEquals(await bed.take("c"), undefined);
  bed.fail(0, 1);
  assertEquals(await bed.take("c"), undefined);
  bed.rules.finished(VISIT, 0);
  for (let i = 0; i < 3; i++) assertEquals(await bed.take("c"), undefined);
});

Deno.test("parkedStaysBounded: a slice that came between two full parks is not counted twice", async () => {
  const bed = new Bed({ records: 2 });
  await bed.take("aabb");
  bed.fail(0, 3);
  assertEquals(await bed.take("c"), undefined);
  bed.rules.finished(VISIT, 0);
  bed.fail(2, 3);
  assertEquals(await bed.take("c"), undefined);
  assertMatch(await bed.take("c") ?? "", /2 records/);
});
