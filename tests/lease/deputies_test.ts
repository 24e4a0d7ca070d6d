import { assert, assertEquals } from "@std/assert";
import { isDeputy } from "../../src/lease/deputies.ts";
import type { Lease } from "../../src/lease/lease.ts";
import { positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";

type Held = Pick<Lease, "hashKeyRange" | "checkpoint">;

const begun = positionAt("TRIM_HORIZON");
const whole: Held = {
  hashKeyRange: { startingHashKey: "0", endingHashKey: `${(1n << 128n) - 1n}` },
  checkpoint: begun,
};
const tiny: Held = { hashKeyRange: { startingHashKey: "1", endingHashKey: "2" }, checkpoint: begun };

/** How many workers are deputies when the leases of a stream of equal shards are handed out in turn. */
function deputies(workers: number, shards: number): number {
  const width = (1n << 128n) / BigInt(shards);
  const held: Held[][] = Array.from({ length: workers }, () => []);
  for (let i = 0; i < shards; i++) {
    const start = BigInt(i) * width;
    const end = i === shards - 1 ? (1n << 128n) - 1n : start + width - 1n;
    const hashKeyRange = { startingHashKey: `${start}`, endingHashKey: `${end}` };
    held[i % workers]?.push({ hashKeyRange, checkpoint: begun });
  }
  return held.filter((leases) => isDeputy(leases)).length;
}

Deno.test("isDeputy() is true for everybody in a small fleet, whatever the number of shards", () => {
  for (let workers = 1; workers <= 8; workers++) {
    for (let shards = workers; shards <= 300; shards++) {
      assertEquals(deputies(workers, shards), workers, `${workers} workers, ${shards} shards`);
    }
  }
});

Deno.test("isDeputy() is true for some in a large fleet, for eight at the most", () => {
  for (const workers of [20, 100, 500, 501]) {
    const count = deputies(workers, 20 * workers);
    assert(count >= 4 && count <= 8, `${workers} workers: ${count}`);
  }
});

Deno.test("isDeputy() is true for who reads nothing", () => {
  assert(isDeputy([]));
  assertEquals(deputies(500, 1), 500);
});

Deno.test("isDeputy() passes over leases that are done, and counts those whose range is not known", () => {
  assert(isDeputy([whole]));
  assert(!isDeputy([tiny]));
  assert(!isDeputy([tiny, { ...whole, checkpoint: SHARD_END }]));
  assert(isDeputy([tiny, { ...tiny, hashKeyRange: undefined }]));
});
