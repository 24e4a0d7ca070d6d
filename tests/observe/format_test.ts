import { assertEquals } from "@std/assert";
import { bytesText, counted, durationText, numberText, shortPosition } from "../../src/observe/format.ts";

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
