import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";
import { eventsOf, pageOf, recordWith } from "../support/consumer_bed.ts";
import { isGone } from "../support/command.ts";
import { appIn, startReal, wrappedAppIn } from "./real_bed.ts";

const SHARD = "shardId-000000000000";

function onUnix(name: string, fn: () => Promise<void>): void {
  Deno.test({ name, ignore: Deno.build.os === "windows", fn });
}

Deno.test("a real child processes its shard to the end, and ends with its stdin (promises 16, 17, 24)", async () => {
  using bed = startReal(appIn("count"));
  bed.retrieval.feed(pageOf([recordWith(1, "cat"), recordWith(2, "dog")]), pageOf([recordWith(3)], []));
  assertEquals(await bed.end, "completed");
  assertEquals(bed.held.stored, [positionAt("2"), positionAt("3"), SHARD_END]);
  const text = bed.notices.map((notice) => notice.replace(/process \d+/, "process")).join("\n");
  assertEquals(
    text,
    [
      `info ${SHARD} Child process stdout: 2 records, 6 bytes, key`,
      `info ${SHARD} Child process stdout: 1 records, 1 bytes, key`,
      `info ${SHARD} Child process ended with exit code 0`,
    ].join("\n"),
  );
});

Deno.test("a real child gets the daemon's working directory and environment (trap 22)", async () => {
  using bed = startReal(`${appIn("environment")} one  two`);
  bed.retrieval.feed(pageOf([recordWith(1)]));
  await bed.until("its environment", () => bed.notices.length > 0);
  const expected = { cwd: Deno.cwd(), path: Deno.env.get("PATH"), args: ["one", "two"] };
  assertStringIncludes(bed.notices[0] ?? "", JSON.stringify(expected));
  bed.held.draining.abort();
  await bed.end;
});

Deno.test("14 MB in and 14 MB out at the same time do not deadlock (trap 14)", async () => {
  using bed = startReal(appIn("loud"));
  const records = Array.from(
    { length: 11 },
    (_, i) => ({ ...recordWith(i + 1), data: new Uint8Array(1 << 20).fill(i) }),
  );
  bed.retrieval.feed(pageOf(records));
  await bed.until("its checkpoint", () => bed.held.stored.length === 1);
  assertEquals(bed.held.stored, [positionAt("11")]);
  await bed.until("its end", () => eventsOf(bed.events, "batchProcessed").length === 1);
  bed.held.draining.abort();
  await bed.end;
  assertEquals(bed.failures, []);
});

Deno.test("a killed child loses nothing: its shard goes on after the last checkpoint (promise 9)", async () => {
  using bed = startReal(appIn("count"));
  bed.retrieval.feed(pageOf([recordWith(1)]));
  await bed.until("the first checkpoint", () => bed.held.stored.length === 1);
  await new Deno.Command("kill", { args: ["-9", pidIn(bed.notices[0])] }).output();
  await bed.until("the restart", () => eventsOf(bed.events, "processorRestarting").length === 1);
  assertStringIncludes(bed.failures.join(), "ended with signal SIGKILL");
  bed.retrieval.feed(pageOf([recordWith(1), recordWith(2)]));
  await bed.clock.advance(500);
  await bed.until("the second checkpoint", () => bed.held.stored.length === 2);
  assertEquals(bed.held.stored, [positionAt("1"), positionAt("2")]);
  assertEquals(bed.retrieval.requests.map((request) => request.checkpoint.sequenceNumber), [
    "TRIM_HORIZON",
    "1",
  ]);
  bed.held.draining.abort();
  await bed.end;
});

Deno.test("a child that exits with 0 in the middle of a batch has failed (trap 24)", async () => {
  using bed = startReal(appIn("die"));
  bed.retrieval.feed(pageOf([recordWith(1)]));
  await bed.until("the restart", () => eventsOf(bed.events, "processorRestarting").length === 1);
  assertStringIncludes(bed.failures.join(), 'ended with exit code 0 during "processRecords"');
  bed.held.draining.abort();
  await bed.end;
});

Deno.test("a child that hangs is killed, and not left behind (traps 23, 28)", async () => {
  using bed = startReal(appIn("hang"), { timeoutMs: 3000, killWaitMs: 2000 });
  bed.retrieval.feed(pageOf([recordWith(1)]));
  await bed.until("the restart", () => eventsOf(bed.events, "processorRestarting").length === 1);
  assertStringIncludes(bed.failures.join(), "sent no message for 3000 ms");
  assertStringIncludes(bed.notices.join("\n"), "ended with signal SIGTERM");
  bed.held.draining.abort();
  await bed.end;
});

Deno.test("a child that lives on without stdin is killed after its time, and its shard released (trap 25)", async () => {
  using bed = startReal(appIn("linger"), { exitWaitMs: 300 });
  bed.retrieval.feed(pageOf([recordWith(1)]));
  await bed.until("the batch", () => eventsOf(bed.events, "batchProcessed").length === 1);
  bed.held.draining.abort();
  const startMs = performance.now();
  assertEquals(await bed.end, "drained");
  assertGreater(performance.now() - startMs, 290);
  assertEquals(bed.held.handedOver, 1);
  assertStringIncludes(bed.notices.join("\n"), "it gets a SIGTERM");
  assertEquals(bed.failures, []);
});

onUnix("a program behind a wrapper ends in order with it, without a signal (trap 23)", async () => {
  using bed = startReal(wrappedAppIn("words"));
  bed.retrieval.feed(pageOf([recordWith(1)]));
  await bed.until("the batch", () => eventsOf(bed.events, "batchProcessed").length === 1);
  bed.held.draining.abort();
  assertEquals(await bed.end, "drained");
  const [pid = 0] = pidsIn(bed.stderr());
  assert(pid > 0 && !bed.notices.join().includes(`process ${pid} `), "it is not the child itself");
  assert(await isGone(pid));
  assertStringIncludes(bed.stderr(), `${pid} <shutdownRequested>\n${pid} <leaseLost>\n`);
  assert(!bed.notices.join().includes("SIGTERM"), bed.notices.join("\n"));
});

onUnix("programs that hang behind a wrapper and heed no SIGTERM do not pile up (trap 23)", async () => {
  using bed = startReal(wrappedAppIn("stubborn"), { timeoutMs: 3000, killWaitMs: 500 });
  for (let restarts = 1; restarts <= 2; restarts++) {
    bed.retrieval.feed(pageOf([recordWith(1)]));
    await bed.until("the hanging", () => pidsIn(bed.stderr()).length === restarts);
    await bed.until("the restart", () => eventsOf(bed.events, "processorRestarting").length === restarts);
    await bed.clock.advance(60_000);
  }
  const pids = pidsIn(bed.stderr());
  assertEquals(pids.length, 2);
  for (const pid of pids) assert(await isGone(pid), `${pid} is there still: ${bed.notices.join("\n")}`);
  assertStringIncludes(bed.notices.join("\n"), "has ended and left programs behind: they get a SIGKILL");
  bed.held.draining.abort();
  await bed.end;
});

Deno.test("what a child writes to stderr comes through before its line ends (trap 26)", async () => {
  using bed = startReal(appIn("mutter"));
  bed.retrieval.feed(pageOf([recordWith(1)]));
  await bed.until("the text", () => bed.stderr() === "working without a newline");
  assertEquals(eventsOf(bed.events, "batchProcessed").length, 0, "it came late");
  bed.held.draining.abort();
  await bed.end;
  assertStringIncludes(bed.notices.join("\n"), "stderr: working without a newline");
});

Deno.test("a program that does not exist restarts its shard with back-off, and is named", async () => {
  using bed = startReal("kclite-test-nothing");
  await bed.until("the restart", () => eventsOf(bed.events, "processorRestarting").length === 1);
  assertStringIncludes(bed.failures.join(), `Cannot start "kclite-test-nothing" for shard ${SHARD}: `);
  bed.held.draining.abort();
  assertEquals(await bed.end, "drained");
});

/** The process ids that programs wrote before a text. */
function pidsIn(stderr: string): number[] {
  return [...new Set([...stderr.matchAll(/^(\d+) \S+$/gm)].map(([, pid]) => Number(pid)))];
}

function pidIn(notice: string | undefined): string {
  return notice?.match(/process (\d+)/)?.[1] ?? "";
}
