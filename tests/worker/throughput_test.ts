import { assertEquals } from "@std/assert";
import { Throughput } from "../../src/worker/throughput.ts";
import { FakeClock } from "../support/fake_clock.ts";

const KB = 1024;

Deno.test("Throughput.perSecond() gives KB a second of the time since the last call", async () => {
  const clock = new FakeClock();
  const meter = new Throughput(clock, undefined);
  meter.count(20 * KB);
  meter.count(10 * KB);
  await clock.advance(10_000);
  assertEquals(meter.perSecond(), 3);
});

Deno.test("Throughput.perSecond() averages, the newest with half of the weight", async () => {
  const clock = new FakeClock();
  const meter = new Throughput(clock, 8);
  meter.count(4 * KB);
  await clock.advance(2000);
  assertEquals(meter.perSecond(), 5, "8 was measured before, 2 now");
  await clock.advance(1000);
  assertEquals(meter.perSecond(), 2.5, "what was counted once is not counted again");
  meter.count(10 * KB);
  await clock.advance(4000);
  assertEquals(meter.perSecond(), 2.5, "10 KB in four seconds, not in seven");
});

Deno.test("Throughput.perSecond() rounds to six decimals", async () => {
  const clock = new FakeClock();
  const meter = new Throughput(clock, undefined);
  meter.count(KB);
  await clock.advance(3000);
  assertEquals(meter.perSecond(), 0.333333);
});

Deno.test("Throughput.perSecond() says nothing while nothing was ever measured, and goes by what was at no time", async () => {
  const clock = new FakeClock();
  const meter = new Throughput(clock, undefined);
  await clock.advance(1000);
  assertEquals(meter.perSecond(), undefined);
  meter.count(2 * KB);
  await clock.advance(1000);
  assertEquals(meter.perSecond(), 1, "an interval without records counts as time");
  meter.count(KB);
  assertEquals(meter.perSecond(), 1);
});
