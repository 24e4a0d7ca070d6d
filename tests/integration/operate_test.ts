/** The commands that move leases, as real processes on a fleet that works. */

import { assertEquals, assertMatch } from "@std/assert";
import { actualOwner } from "../../src/lease/lease.ts";
import { TestBed, until } from "../support/fleet.ts";

/** Runs `kclite ARGS` to its end. */
async function kclite(
  bed: TestBed,
  args: readonly string[],
): Promise<{ code: number; out: string; err: string }> {
  const { stream: { streamName, url }, dynamoDBUrl } = bed;
  const target = ["--application", "app", "--stream", streamName, "--region", "us-east-1"];
  const endpoints = ["--set", `kinesisEndpoint=${url}`, "--set", `dynamoDBEndpoint=${dynamoDBUrl}`];
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "--no-check",
      "cli.ts",
      ...args,
      ...target,
      ...endpoints,
      "--set",
      "failoverTimeMillis=10000",
    ],
    env: { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test", NO_COLOR: "1" },
  }).output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

Deno.test("kclite drain empties a worker and kclite handoff moves a lease while records come, and none is lost or repeated", async () => {
  await using bed = await TestBed.start(6);
  const workers = ["w-1", "w-2", "w-3"].map((id) => bed.startWorker(id));
  const owned = async () => {
    const counts: Record<string, number> = { "w-1": 0, "w-2": 0, "w-3": 0 };
    for (const lease of await bed.leases()) {
      const owner = actualOwner(lease);
      if (owner !== undefined) counts[owner] = (counts[owner] ?? 0) + 1;
    }
    return counts;
  };
  const stop = new AbortController();
  const put: string[] = [];
  const producing = (async () => {
    for (let n = 0; !stop.signal.aborted; n++) {
      const texts = Array.from({ length: 10 }, (_, i) => `${n}-${i}`);
      await bed.stream.put(texts);
      put.push(...texts);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  await until("all shards are read", () => new Set(bed.notes.map(({ shardId }) => shardId)).size === 6);
  await until("each worker has two", async () => Object.values(await owned()).every((count) => count === 2));

  const drained = await kclite(bed, ["drain", "w-1", "--timeout", "60s"]);
  assertEquals(drained.code, 0, drained.err + drained.out);
  assertMatch(drained.out, /w-1 has nothing to read after \d+ s: 2 leases moved/);
  assertEquals(await owned(), { "w-1": 0, "w-2": 3, "w-3": 3 });

  const lease = (await bed.leases()).find(({ leaseOwner }) => leaseOwner === "w-2");
  const refused = await kclite(bed, ["handoff", lease?.leaseKey ?? "", "--to", "w-1"]);
  assertEquals(refused.code, 1);
  assertMatch(refused.err, /w-1 is being drained/);
  const moved = await kclite(bed, ["handoff", lease?.leaseKey ?? "", "--to", "w-3"]);
  assertEquals(moved.code, 0, moved.err + moved.out);
  assertMatch(moved.out, /w-3 renews it/);

  const [first] = workers;
  await first?.stop();
  stop.abort();
  await producing;
  await until("everything put is delivered", () => {
    const texts = new Set(bed.texts);
    return put.every((text) => texts.has(text));
  });
  assertEquals(bed.texts.length, put.length, "nothing came twice");
  assertEquals((await bed.leaseStore().list()).workers.map(({ workerId }) => workerId).toSorted(), [
    "w-2",
    "w-3",
  ]);
});
