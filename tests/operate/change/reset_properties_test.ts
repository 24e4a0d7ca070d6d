/**
 * Random histories of a stream that is split, merged and trimmed while a fleet reads it, or not. After a reset
 * to a time the fleet gets exactly what arrived from then on, parents before children.
 *
 * @module
 */

import { assert, assertEquals } from "@std/assert";
import { aggregateOf } from "../../../src/stream/aggregate_writer.ts";
import fc from "../../support/fast_check.ts";
import { OperateBed } from "../../support/operate_bed.ts";
import { seeded } from "../../support/seed.ts";
import { cleanUp, deliver, isInOrder, recordsFrom } from "./delivery_model.ts";

const step = fc.record({
  kind: fc.constantFrom("put", "put", "aggregate", "split", "merge", "read", "catchUp", "catchUp", "trim"),
  pick: fc.nat(1000),
  afterMs: fc.constantFrom(0, 1, 900, 60_000, 3_000_000),
});

Deno.test("reset to a time delivers exactly what arrived since, whatever was resharded, read and trimmed", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.array(step, { minLength: 8, maxLength: 24 }),
      fc.nat(1000),
      fc.constantFrom(-1, 0, 1),
      async (roots, steps, pick, aside) => {
        const { bed, times } = await worldOf(roots, steps);
        const atMs = (times[pick % times.length] ?? 0) + aside;
        const nowMs = bed.clock.epochMs();
        const untilMs = Math.min(atMs, nowMs);
        const { code, err, out } = await bed.run(
          [
            "reset",
            "--to",
            new Date(untilMs).toISOString(),
            "--execute",
            "--json",
            "--export",
            await newFile(),
          ],
        );
        assertEquals([code, err.includes("ERROR")], [0, false], `${out}${err}`);
        const expected = recordsFrom(bed, "words", untilMs);
        const delivered = await deliver(bed, "words");
        const sorted = (records: typeof delivered) => records.map(({ text }) => text).toSorted();
        assertEquals(sorted(delivered), sorted(expected));
        assert(isInOrder(delivered, bed.aws.stream("words").shards()), "parents before children");
        await isCovered(bed);
      },
    ),
    { numRuns: 40, ...seeded() },
  );
});

/** In a folder that is removed at the end of the process. */
let files = 0;
const folder = await Deno.makeTempDir({ prefix: "kclite-reset-" });
globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

function newFile(): Promise<string> {
  return Promise.resolve(`${folder}/${files++}.json`);
}

/** Each open shard has a lease in the end. */
async function isCovered(bed: OperateBed): Promise<void> {
  const { leases } = await bed.fleet.leaseStore.list();
  const leased = new Set(leases.map(({ shardId }) => shardId));
  for (const { shardId, endingSequenceNumber } of bed.aws.stream("words").shards()) {
    assert(endingSequenceNumber !== undefined || leased.has(shardId), `no lease for ${shardId}`);
  }
}

async function worldOf(
  roots: number,
  steps: readonly { readonly kind: string; readonly pick: number; readonly afterMs: number }[],
): Promise<{ readonly bed: OperateBed; readonly times: readonly number[] }> {
  const bed = new OperateBed({ streams: { words: roots } });
  const words = bed.aws.stream("words");
  const times: number[] = [bed.clock.epochMs()];
  await bed.table();
  for (const { shardId, hashKeyRange } of words.shards()) {
    await bed.lease({
      leaseKey: shardId,
      shardId,
      streamIdentifier: undefined,
      checkpoint: { sequenceNumber: "TRIM_HORIZON", subSequenceNumber: 0 },
      parentShardIds: [],
      hashKeyRange,
    });
  }
  for (const [index, { kind, pick, afterMs }] of steps.entries()) {
    const open = words.shards().filter(({ endingSequenceNumber }) => endingSequenceNumber === undefined)
      .toSorted((a, b) =>
        BigInt(a.hashKeyRange.startingHashKey) < BigInt(b.hashKeyRange.startingHashKey) ? -1 : 1
      );
    const at = pick % open.length;
    const shard = open[at], next = open[at + 1];
    if (shard === undefined) throw new Error("no open shard");
    const key = shard.hashKeyRange.startingHashKey;
    if (kind === "put") words.put(`${index}`, undefined, key);
    if (kind === "aggregate") {
      const texts = Array.from(
        { length: 1 + pick % 4 },
        (_, sub) => new TextEncoder().encode(`${index}.${sub}`),
      );
      words.put(aggregateOf("key", key, texts), "key", key);
    }
    if (kind === "split") words.split(shard.shardId);
    if (kind === "merge" && next !== undefined) words.merge(shard.shardId, next.shardId);
    if (kind === "read") await deliver(bed, "words", 1 + pick % 5);
    if (kind === "catchUp") {
      await deliver(bed, "words");
      await cleanUp(bed);
    }
    if (kind === "trim") {
      const any = words.shards()[pick % words.shards().length];
      const kept = any === undefined ? undefined : words.records(any.shardId)[pick % 3]?.sequenceNumber;
      const isOldest = any !== undefined &&
        ![any.parentShardId, any.adjacentParentShardId].some((id) =>
          words.shards().some(({ shardId }) => shardId === id)
        );
      if (any !== undefined && kept !== undefined && isOldest) words.trim(any.shardId, kept);
    }
    bed.clock.pass(afterMs);
    times.push(bed.clock.epochMs());
  }
  return { bed, times };
}
