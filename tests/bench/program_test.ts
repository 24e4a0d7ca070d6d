/** What the bench reads of another program. */

import { assertEquals, assertRejects } from "@std/assert";
import { measureTurns, processUseOf, type Reading } from "../../bench/peers/program.ts";

const LIMITS = { warmUpMs: 9000, turnMs: 3000 };

/** A program that reads so many records a second, and takes a second of CPU time for each. No time passes. */
function reader(recordsASecond: number) {
  let reading: Reading = { records: 0, atMs: 0, userSeconds: 0, systemSeconds: 0, peakRssMiB: 100 };
  return (records: number, limitMs: number): Promise<Reading> => {
    const seconds = Math.min((records - reading.records) / recordsASecond, limitMs / 1000);
    reading = {
      ...reading,
      records: reading.records + seconds * recordsASecond,
      atMs: reading.atMs + seconds * 1000,
      userSeconds: reading.userSeconds + seconds,
    };
    return Promise.resolve(reading);
  };
}

Deno.test("processUseOf() finds the times behind a program's name with blanks and brackets, and the peak of its memory", () => {
  const stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 900 0 3 0 1234 56 7 8 20 0 30 0 100 1 2";
  const status = "Name:\ta\nVmPeak:\t  999999 kB\nVmHWM:\t  204800 kB\nVmRSS:\t  1024 kB\n";
  assertEquals(processUseOf(stat, status), { userSeconds: 12.34, systemSeconds: 0.56, peakRssMiB: 200 });
});

Deno.test("measureTurns() measures from the end of the warm-up, and has nothing to note when all was reached", async () => {
  const turn = { count: 2000, seconds: 2, userSeconds: 2, systemSeconds: 0, peakRssMiB: 100 };
  assertEquals(await measureTurns(2, { warmUp: 8000, count: 2000 }, reader(1000), LIMITS), {
    turns: [turn, turn],
    note: undefined,
  });
});

Deno.test("measureTurns() gives the figures of a program that is slow, and says what it did not reach", async () => {
  const { turns, note } = await measureTurns(2, { warmUp: 8000, count: 2000 }, reader(500), LIMITS);
  assertEquals(turns.map(({ count, seconds }) => [count, seconds]), [[1500, 3], [1500, 3]]);
  assertEquals(note, "warm-up ended by time at 4,500 of 8,000 records; 2 of 2 turns ended by time");
});

Deno.test("measureTurns() refuses a turn without a record", async () => {
  await assertRejects(
    () => measureTurns(1, { warmUp: 1, count: 1 }, reader(0), LIMITS),
    Error,
    "it read nothing for 3 s",
  );
});
