import { assert, assertEquals } from "@std/assert";
import {
  nextReadMs,
  type Pacing,
  quietReadsAfter,
  recordsToRead,
  retryReadMs,
} from "../../src/retrieval/pacing.ts";
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

Deno.test("recordsToRead() asks for pages of some 3.5 MiB, by the records of the last one", () => {
  const cases: readonly (readonly [{ records: number; bytes: number } | undefined, number, number])[] = [
    [undefined, 10_000, 3584],
    [undefined, 17, 17],
    [{ records: 3000, bytes: 3000 * 1024 }, 10_000, 3584],
    [{ records: 10_000, bytes: 10_000 * 100 }, 10_000, 10_000], // small: as many as there can be
    [{ records: 100, bytes: 100 * 100_000 }, 10_000, 1000], // large ones: the next may be small again
    [{ records: 100, bytes: 100 * 100_000 }, 500, 500],
    [{ records: 1, bytes: 2048 }, 10_000, 1792],
  ];
  for (const [last, most, wanted] of cases) assertEquals(recordsToRead(last, most, "adaptive"), wanted);
});

Deno.test("recordsToRead() asks for the most in fixed pacing, which reads one page for each rest", () => {
  assertEquals(recordsToRead(undefined, 10_000, "fixed"), 10_000);
  assertEquals(recordsToRead({ records: 100, bytes: 100 * 100_000 }, 5000, "fixed"), 5000);
});
