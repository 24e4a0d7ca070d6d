/** What the bench reads of another program. */

import { assertEquals } from "@std/assert";
import { processUseOf } from "../../bench/peers/program.ts";

Deno.test("processUseOf() finds the times behind a program's name with blanks and brackets, and the peak of its memory", () => {
  const stat = "42 (a (b) c) S 1 42 42 0 -1 4194560 900 0 3 0 1234 56 7 8 20 0 30 0 100 1 2";
  const status = "Name:\ta\nVmPeak:\t  999999 kB\nVmHWM:\t  204800 kB\nVmRSS:\t  1024 kB\n";
  assertEquals(processUseOf(stat, status), { userSeconds: 12.34, systemSeconds: 0.56, peakRssMiB: 200 });
});
