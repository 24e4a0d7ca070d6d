import { assertEquals } from "@std/assert";
import { ProgressMeter } from "../../src/worker/progress_meter.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("ProgressMeter.read() has the lag as Kinesis reported it, older by the batch, and growing once it is old", async () => {
  const clock = new FakeClock();
  const meter = new ProgressMeter(clock);
  assertEquals(meter.read(), { lagMs: undefined, recordsPerSecond: undefined });
  await clock.advance(2000);
  meter.note({ records: 1, millisBehindLatest: 500, ms: 2000 });
  assertEquals(meter.read().lagMs, 500);
  await clock.advance(8000);
  meter.note({ records: 1, millisBehindLatest: undefined, ms: 0 });
  assertEquals(meter.read().lagMs, 500, "ten seconds old");
  await clock.advance(1);
  assertEquals(meter.read().lagMs, 10_501, "nothing newer is known");
  meter.note({ records: 0, millisBehindLatest: 0, ms: 0 });
  assertEquals(meter.read().lagMs, 0);
});

Deno.test("ProgressMeter.read() averages records a second over windows of three seconds at least", async () => {
  const clock = new FakeClock();
  const meter = new ProgressMeter(clock);
  const rate = () => meter.read().recordsPerSecond;
  meter.note({ records: 30, millisBehindLatest: 0, ms: 0 });
  await clock.advance(2999);
  assertEquals(rate(), undefined, "a burst is no rate");
  await clock.advance(1);
  assertEquals(rate(), 10);
  meter.note({ records: 60, millisBehindLatest: 0, ms: 0 });
  await clock.advance(1000);
  assertEquals(rate(), 10, "the window is not over");
  await clock.advance(2000);
  assertEquals(rate(), 15, "20 in the newest window, 10 before");
  await clock.advance(3000);
  assertEquals(rate(), 7.5, "what was counted once is not counted again");
});
