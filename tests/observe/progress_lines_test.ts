import { assertEquals } from "@std/assert";
import { bytesText, counted, durationText, numberText, shortPosition } from "../../src/observe/format.ts";
import { progressLines } from "../../src/observe/progress_lines.ts";
import { Totals } from "../../src/observe/totals.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { sample, SAMPLE_EVENTS } from "./sample_events.ts";

Deno.test("progressLines() sums up, then tells each held shard, with rates since the last look", () => {
  const clock = new FakeClock();
  const totals = new Totals(clock);
  totals.listener(SAMPLE_EVENTS.workerReady);
  totals.listener(SAMPLE_EVENTS.leadershipGained);
  for (const leaseKey of ["shard-b", "shard-a"]) {
    totals.listener(sample("leaseGained", { leaseKey }));
    totals.listener(sample("phaseChanged", { leaseKey }));
  }
  assertEquals(progressLines(totals.snapshot(), undefined), [
    "w1 (leader): 2 shards, lag unknown, 0 records so far",
    "- shard-a  processing        lag unknown                         at 4967",
    "- shard-b  processing        lag unknown                         at 4967",
  ]);
  const before = totals.snapshot();
  clock.jump(2000);
  totals.listener(
    sample("batchProcessed", { leaseKey: "shard-a", records: 5000, bytes: 4096, millisBehindLatest: 1200 }),
  );
  totals.listener(sample("batchFailed", { leaseKey: "shard-b", records: 3 }));
  assertEquals(progressLines(totals.snapshot(), before), [
    "w1 (leader): 2 shards, lag 1.2 s, 2,500 records/s, 2.0 KiB/s, 5,000 records so far, 3 SKIPPED",
    "- shard-a  processing        lag 1.2 s          2,500 records/s  at 4967",
    "- shard-b  processing        lag unknown            0 records/s  at 4967",
  ]);
});

Deno.test("progressLines() counts a shard held anew from zero", () => {
  const clock = new FakeClock();
  const totals = new Totals(clock);
  totals.listener(SAMPLE_EVENTS.leaseGained);
  totals.listener(sample("batchProcessed", { records: 1000 }));
  const before = totals.snapshot();
  clock.jump(500);
  totals.listener(SAMPLE_EVENTS.leaseLost);
  totals.listener(SAMPLE_EVENTS.leaseGained);
  clock.jump(500);
  totals.listener(sample("batchProcessed", { records: 40 }));
  assertEquals(progressLines(totals.snapshot(), before)[1]?.includes(" 40 records/s"), true);
});

Deno.test("durationText() chooses its unit by what it shows", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "0 ms"],
    [999.4, "999 ms"],
    [999.6, "1.0 s"],
    [59_949, "59.9 s"],
    [59_950, "1 min"],
    [303_300, "5 min 3 s"],
    [3_599_400, "59 min 59 s"],
    [3_599_600, "1 h"],
    [12_000_000, "3 h 20 min"],
    [86_399_000, "1 d"],
    [180_000_000, "2 d 2 h"],
  ];
  for (const [ms, text] of cases) assertEquals(durationText(ms), text);
});

Deno.test("bytesText(), numberText() and counted() write figures for people", () => {
  assertEquals([0, 1023, 1024, 1_048_524, 1_048_525, 5e9].map(bytesText), [
    "0 B",
    "1023 B",
    "1.0 KiB",
    "1023.9 KiB",
    "1.0 MiB",
    "4.7 GiB",
  ]);
  assertEquals([0, 999, 1000, 1234567.4].map(numberText), ["0", "999", "1,000", "1,234,567"]);
  assertEquals([counted(1, "shard"), counted(0, "shard"), counted(2000, "lease")], [
    "1 shard",
    "0 shards",
    "2,000 leases",
  ]);
});

Deno.test("shortPosition() keeps sentinels whole and the last digits of a sequence number", () => {
  const at = (sequenceNumber: string, subSequenceNumber = 0) => ({ sequenceNumber, subSequenceNumber });
  assertEquals(shortPosition(at("TRIM_HORIZON")), "TRIM_HORIZON");
  assertEquals(
    shortPosition(at("49670000000000000000000000000000000000000000000829348951")),
    "…0000829348951",
  );
  assertEquals(shortPosition(at("4967", 12)), "4967/12");
});
