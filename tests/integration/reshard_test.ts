import { assert, assertEquals } from "@std/assert";
import { TestBed, until } from "../support/fleet.ts";

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `${from + i}`);

Deno.test("KinesisWorker delivers 10,000 records across a split and a merge: none lost, in order, children after parents", async () => {
  await using bed = await TestBed.start(4);
  const { stream, notes } = bed;
  // 50 partition keys, so that the order within a key is put to the test.
  const put = (from: number, to: number) =>
    stream.put(numbers(from, to), (text) => `key-${Number(text) % 50}`);

  await put(0, 2500);
  const first = bed.startWorker("w-1");
  await until("the first worker reads", () => bed.texts.length > 500);
  bed.startWorker("w-2");
  await put(2500, 5000);

  const [a, b, c] = await stream.openShards();
  assert(a !== undefined && b !== undefined && c !== undefined);
  await stream.split(a);
  await put(5000, 7500);
  await stream.merge(b, c);
  await put(7500, 10_000);

  await until("all records are delivered", () => new Set(bed.texts).size === 10_000);
  await until("the ended shards are finished", async () => {
    const leases = await bed.leases();
    return [a, b, c].every(({ shardId }) =>
      leases.find((lease) => lease.shardId === shardId)?.checkpoint.sequenceNumber === "SHARD_END"
    );
  });
  assertEquals(bed.texts.length, 10_000, "no worker died, so no record comes twice");

  // Order per key: across shards too, since children come after their parents.
  const lastOfKey = new Map<number, number>();
  for (const text of bed.texts) {
    const key = Number(text) % 50;
    assert(
      Number(text) > (lastOfKey.get(key) ?? -1),
      `record ${text} of key ${key} came after ${lastOfKey.get(key)}`,
    );
    lastOfKey.set(key, Number(text));
  }
  for (const shard of await stream.shards()) {
    for (const parent of [shard.parentShardId, shard.adjacentParentShardId]) {
      if (parent === undefined) continue;
      const ended = notes.findIndex((note) => note.shardId === parent && note.text === "<shardEnded>");
      const begun = notes.findIndex((note) => note.shardId === shard.shardId);
      assert(ended >= 0 && ended < begun, `${shard.shardId} began before its parent ${parent} ended`);
    }
  }

  const leases = await bed.leases();
  assertEquals(leases.find((lease) => lease.shardId === b.shardId)?.childShardIds.length, 1);
  assertEquals(leases.find((lease) => lease.shardId === a.shardId)?.childShardIds.length, 2);
  const unfinished = leases.filter((lease) =>
    lease.leaseOwner === "w-1" && lease.checkpoint.sequenceNumber !== "SHARD_END"
  );
  await first.stop();
  const kept = (await bed.leases()).filter((lease) => lease.leaseOwner === "w-1").map((lease) =>
    lease.leaseKey
  );
  assertEquals(
    unfinished.filter((lease) => kept.includes(lease.leaseKey)),
    [],
    "what it read is handed over",
  );
  // An assignment that the leader had begun may arrive after the stop: it is made anew when the lease has expired.
  await until("no lease is the stopped worker's", async () => {
    return (await bed.leases()).every((lease) => lease.leaseOwner !== "w-1");
  });
});
