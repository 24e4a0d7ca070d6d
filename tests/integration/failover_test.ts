import { assertEquals, assertGreater } from "@std/assert";
import { realSystem } from "../../src/system.ts";
import { TestBed, until } from "../support/fleet.ts";
import type { FleetLine } from "../support/fleet_process.ts";

const texts = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `r${from + i}`);

Deno.test("KinesisWorker takes over from a worker that was killed without notice, and loses nothing", async () => {
  await using bed = await TestBed.start(2);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "tests/support/fleet_process.ts",
      JSON.stringify({ ...bed.options, failoverTimeMs: 2000, workerIdentifier: "doomed" }),
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const seen: string[] = [];
  const reading = (async () => {
    let rest = "";
    for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) seen.push(...(JSON.parse(line) as FleetLine).texts ?? []);
    }
  })();
  await bed.stream.put(texts(0, 50));
  await until("the doomed worker has read", () => seen.includes("r0") && seen.includes("r49"));
  const survivor = bed.startWorker("survivor", { failoverTimeMs: 2000 });
  await until("the survivor is up", () => survivor.events.some((event) => event.type === "workerReady"));

  child.kill("SIGKILL");
  await Promise.all([child.status, reading]);
  await bed.stream.put(texts(50, 100));
  await until(
    "the survivor reads on",
    () => new Set([...seen, ...bed.texts].filter((text) => text.startsWith("r"))).size === 100,
  );
  assertEquals((await bed.leases()).map((lease) => lease.leaseOwner), ["survivor", "survivor"]);
});

Deno.test("KinesisWorker hands its leases to the others at once when it stops", async () => {
  await using bed = await TestBed.start(3);
  // If a lease had to expire, it would take ten times as long as is waited for.
  const failoverTimeMs = 600_000;
  const first = bed.startWorker("first", { failoverTimeMs });
  await until(
    "the first owns all",
    () => bed.notes.filter((note) => note.text === "<initialize>").length === 3,
  );
  const second = bed.startWorker("second", { failoverTimeMs });
  await until("the second owns some", () => bed.notes.some((note) => note.workerId === "second"));
  const before = bed.notes.length;
  const stopping = first.stop();
  await until(
    "the second owns all",
    () =>
      new Set(
        bed.notes.filter((note) => note.workerId === "second" && note.text === "<initialize>").map((n) =>
          n.shardId
        ),
      )
        .size === 3,
  );
  await stopping;
  const last = bed.notes.slice(before).filter((note) => note.workerId === "first").map((note) => note.text);
  assertGreater(last.length, 0);
  assertEquals(
    last.filter((text) => text === "<shutdownRequested>").length,
    last.filter((text) => text === "<leaseLost>").length,
  );
  assertEquals(second.events.some((event) => event.type === "leaseLost"), false);
});

Deno.test("KinesisWorker frees its leases and deletes its traces when the last worker stops", async () => {
  await using bed = await TestBed.start(2);
  const worker = bed.startWorker("only");
  await until("it owns both", () => bed.notes.length === 2);
  await worker.stop();
  const items = await bed.dynamodb().scan("app");
  assertEquals(
    items.map((item) => item.entityType).filter((type) => JSON.stringify(type) !== '{"S":"LEASE"}'),
    [
      { S: "CLIENT_VERSION_MIGRATION" },
    ],
  );
  assertEquals((await bed.leases()).map((lease) => lease.leaseOwner), [undefined, undefined]);
});

Deno.test("KinesisWorker that starts at LATEST skips nothing when it fails over before the first checkpoint", async () => {
  await using bed = await TestBed.start(1);
  await bed.stream.put(["too old"]);
  await realSystem.clock.sleep(1500); // more than the margin
  const seen: string[] = [];
  const latest = { initialPositionInStream: "LATEST" as const };
  const first = bed.startWorker("first", {
    ...latest,
    processor: () => ({
      processRecords: ({ records }) =>
        void seen.push(...records.map(({ data }) => new TextDecoder().decode(data))),
      shardEnded: (context) => context.checkpoint(),
    }),
  });
  await until("the shard is read", () => first.events.some((event) => event.type === "pageFetched"));
  await bed.stream.put(["a", "b"]);
  await until("the records are seen", () => seen.length === 2);
  await first.stop();
  assertEquals((await bed.leases()).map(({ checkpoint }) => checkpoint.sequenceNumber), ["LATEST"]);
  await bed.stream.put(["c"]); // while nobody reads
  bed.startWorker("second", latest);
  await until("all records are there", () => bed.texts.length >= 3);
  assertEquals(bed.texts, ["a", "b", "c"]);
  const [lease] = await bed.leases();
  assertEquals(lease?.latestEpochMs, undefined);
});
