import { assert, assertEquals } from "@std/assert";
import { TestBed, until } from "../support/fleet.ts";
import type { FleetLine } from "../support/fleet_process.ts";

/** One restart and no kill, to show that `deno task fleet` works. */
const isSmoke = Deno.args.includes("--smoke");
/** Seconds of the rolling restart; `deno task fleet` runs it for a minute. */
const seconds = isSmoke ? 1 : Number(Deno.env.get("FLEET_SECONDS") ?? 9);

/** Starts a worker process whose lines go into `lines`. */
function startProcess(bed: TestBed, workerId: string, lines: FleetLine[]) {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "-A",
      "tests/support/fleet_process.ts",
      JSON.stringify({ ...bed.options, workerIdentifier: workerId }),
    ],
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reading = (async () => {
    let rest = "";
    for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      for (const part of parts) lines.push(JSON.parse(part));
    }
  })();
  return {
    workerId,
    async end(signal: Deno.Signal) {
      child.kill(signal);
      await Promise.all([child.status, reading]);
    },
  };
}

/** Batches of one shard that two workers processed at the same time, in words. */
function overlaps(lines: readonly FleetLine[]): string[] {
  const found: string[] = [];
  const inside = new Map<string, FleetLine>();
  for (const line of lines.toSorted((a, b) => a.atMs - b.atMs)) {
    const other = inside.get(line.shardId);
    if (line.what === "enter") {
      if (other !== undefined && other.workerId !== line.workerId) {
        found.push(
          `${line.shardId}: ${line.workerId} entered at ${line.atMs}, ${other.workerId} since ${other.atMs}`,
        );
      }
      inside.set(line.shardId, line);
    } else if (line.what === "leave" && other?.workerId === line.workerId) {
      inside.delete(line.shardId);
    }
  }
  return found;
}

Deno.test("overlaps() finds two workers inside one shard", () => {
  const line = (workerId: string, what: FleetLine["what"], atMs: number) => ({
    workerId,
    what,
    atMs,
    shardId: "s",
  });
  assertEquals(overlaps([line("a", "enter", 1), line("a", "leave", 2), line("b", "enter", 3)]), []);
  assertEquals(overlaps([line("a", "enter", 1), line("b", "enter", 2)]).length, 1);
});

Deno.test(`three worker processes under a rolling restart of ${seconds} s lose nothing and repeat nothing, and after a kill repeat only its batch`, async () => {
  await using bed = await TestBed.start(4);
  const lines: FleetLine[] = [];
  let started = 0;
  const fleet = Array.from({ length: 3 }, () => startProcess(bed, `w-${++started}`, lines));
  const stop = new AbortController();
  const put: string[] = [];
  const producing = (async () => {
    for (let n = 0; !stop.signal.aborted; n++) {
      const texts = Array.from({ length: 20 }, (_, i) => `${n}-${i}`);
      await bed.stream.put(texts);
      put.push(...texts);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  })();
  await until("all three own leases", () => new Set(lines.map((line) => line.workerId)).size === 3);

  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) {
    const oldest = fleet.shift();
    fleet.push(startProcess(bed, `w-${++started}`, lines));
    await until("the new one is in", async () => (await bed.leaseStore().list()).workers.length >= 3);
    await oldest?.end("SIGTERM");
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }
  const deliveredAfterRolling = lines.flatMap((line) => line.texts ?? []);
  assertEquals(
    deliveredAfterRolling.length,
    new Set(deliveredAfterRolling).size,
    "an orderly stop repeats nothing",
  );
  assertEquals(overlaps(lines), [], "two workers were inside one shard at once");
  if (isSmoke) {
    stop.abort();
    await producing;
    await Promise.all(fleet.map((worker) => worker.end("SIGTERM")));
    return;
  }

  const victim = fleet.shift();
  await victim?.end("SIGKILL");
  await new Promise((resolve) => setTimeout(resolve, 1000));
  stop.abort();
  await producing;
  await until("everything put is delivered", () => {
    const delivered = new Set(lines.flatMap((line) => line.texts ?? []));
    return put.every((text) => delivered.has(text));
  });
  assertEquals(overlaps(lines.filter((line) => line.workerId !== victim?.workerId)), []);
  // What comes twice was in a batch that the killed worker entered and did not leave.
  const unfinished = new Set(
    lines.filter((line, i) =>
      line.workerId === victim?.workerId && line.what === "enter" &&
      !lines.slice(i).some((later) =>
        later.workerId === line.workerId && later.shardId === line.shardId && later.what === "leave"
      )
    ).flatMap((line) => line.texts ?? []),
  );
  const seen = new Set<string>();
  for (const text of lines.flatMap((line) => line.texts ?? [])) {
    assert(!seen.has(text) || unfinished.has(text), `${text} came twice`);
    seen.add(text);
  }
  await Promise.all(fleet.map((worker) => worker.end("SIGTERM")));
});
