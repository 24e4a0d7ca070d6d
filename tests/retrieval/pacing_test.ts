import { assert, assertEquals } from "@std/assert";
import { nextReadMs, type Pacing, quietReadsAfter, retryReadMs } from "../../src/retrieval/pacing.ts";
import cases from "../cases/pacing.json" with { type: "json" };
import quietReadsCases from "../cases/quiet_reads.json" with { type: "json" };
import { PACING } from "./fixtures.ts";

for (const { comment, last, pacing, nextMs } of cases) {
  Deno.test(`nextReadMs(): ${comment}`, () => {
    const millisBehindLatest = last.millisBehindLatest ?? undefined;
    const next = nextReadMs({ ...last, millisBehindLatest }, { ...PACING, ...pacing as Partial<Pacing> });
    assertEquals(next, nextMs);
  });
}

for (const { comment, before, quietReads, ...read } of quietReadsCases) {
  Deno.test(`quietReadsAfter(): ${comment}`, () => {
    const millisBehindLatest = read.millisBehindLatest ?? undefined;
    assertEquals(quietReadsAfter({ ...read, millisBehindLatest }, before), quietReads);
  });
}

Deno.test("nextReadMs() rests no longer than the idle time and a tenth of the silence, and asks a quiet shard 900 times an hour", () => {
  let nowMs = 0, reads = 0;
  while (nowMs < 3_600_000) {
    const read = { records: 0, millisBehindLatest: 0, limit: 10_000, bytes: 0, startedMs: nowMs };
    const next = nextReadMs({ ...read, quietReads: ++reads }, PACING);
    // The last record came one idle time before the first quiet read.
    const silenceMs = nowMs + PACING.idleTimeBetweenReadsMs;
    assert(next - nowMs <= PACING.idleTimeBetweenReadsMs + silenceMs / 10 + 5, `after ${silenceMs} ms`);
    nowMs = next;
  }
  assert(reads >= 900 && reads < 920, `${reads} reads`);
});

Deno.test("retryReadMs() doubles the idle time with each failure, up to 30 s", () => {
  assertEquals([1, 2, 3, 6, 50].map((failures) => retryReadMs(failures, PACING, 0)), [
    1000,
    2000,
    4000,
    30_000,
    30_000,
  ]);
  assertEquals(retryReadMs(1, PACING, 1), 750);
  // Five a second, the failed one included.
  assertEquals(retryReadMs(1, { ...PACING, idleTimeBetweenReadsMs: 200, maxReadsPerSecond: 5 }, 1), 200);
});
