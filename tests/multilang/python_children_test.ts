import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { positionAt, SHARD_END } from "../../src/stream/sequence_number.ts";
import { canRun } from "../support/command.ts";
import { eventsOf, pageOf, recordWith } from "../support/consumer_bed.ts";
import { type RealBed, startReal } from "./real_bed.ts";

const SHARD = "shardId-000000000000";
const hasPython = await canRun("python3");

function withPython(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: hasPython ? name : `${name} (skipped: there is no python3 on PATH)`,
    ignore: !hasPython,
    fn,
  });
}

const V1 = "python3 -B tests/multilang/children/v1_app.py";
const V3 = "python3 -B tests/multilang/children/v3_app.py";

/** What the program noted so far. */
function notesOf(bed: RealBed): unknown[] {
  return bed.stderr().split("\n").filter((line) => line.startsWith("[")).map((line) => JSON.parse(line));
}

withPython(
  "a v1 program gets its three calls, up to TERMINATE (promises 6, 11, 12, 13, 17, 22, 23, 24)",
  async () => {
    using bed = startReal(V1);
    bed.retrieval.feed(
      pageOf([recordWith("4961", "cat"), recordWith("4962", "checkpoint")]),
      pageOf([recordWith("4963", "dog")]),
      pageOf([], []),
    );
    assertEquals(await bed.end, "completed");
    assertEquals(notesOf(bed), [
      ["initialize", SHARD],
      ["record", "Y2F0", "4961", "key"],
      ["record", "Y2hlY2twb2ludA==", "4962", "key"],
      ["record", "ZG9n", "4963", "key"],
      ["shutdown", "TERMINATE"],
      ["checkpointed"],
    ]);
    assertEquals(bed.held.stored, [positionAt("4962"), SHARD_END]);
    assertStringIncludes(bed.notices.join("\n"), "stdout: noise on stdout");
  },
);

withPython(
  "a v1 program hears ZOMBIE when its lease is lost, and nothing of its checkpoint arrives (promises 22, 25)",
  async () => {
    using bed = startReal(V1);
    bed.retrieval.feed(pageOf([recordWith("1")]));
    await bed.until("the batch", () => eventsOf(bed.events, "batchProcessed").length === 1);
    bed.held.lose();
    assertEquals(await bed.end, "lost");
    assertEquals(notesOf(bed).slice(-2), [
      ["shutdown", "ZOMBIE"],
      ["refused", "Checkpointing is not allowed when the lease is lost"],
    ]);
    assertEquals(bed.held.stored, []);
  },
);

withPython(
  "a Python program that raises skips the records: the next batch comes, and none comes again (promise 21)",
  async () => {
    using bed = startReal(V1);
    bed.retrieval.feed(pageOf([recordWith("1", "raise")]), pageOf([recordWith("2", "checkpoint")]));
    await bed.until("a checkpoint", () => bed.held.stored.length === 1);
    assertEquals(bed.held.stored, [positionAt("2")]);
    assertEquals(notesOf(bed).length, 3);
    assertStringIncludes(bed.stderr(), "ValueError: as asked");
    bed.held.draining.abort();
    await bed.end;
    assertEquals(bed.failures, []);
  },
);

withPython("a sequence number that Python sends as an int keeps its 56 digits (trap 8)", async () => {
  using bed = startReal(V1);
  const sequenceNumber = "49590338271490256608559692538361571095921575989136588898";
  bed.retrieval.feed(pageOf([recordWith(sequenceNumber, "number")]));
  await bed.until("a checkpoint", () => bed.held.stored.length === 1);
  assertEquals(bed.held.stored, [positionAt(sequenceNumber)]);
  bed.held.draining.abort();
  await bed.end;
});

withPython(
  "a v3 program gets every call with its values, down to the sub-record (promises 14, 19; trap 20)",
  async () => {
    using bed = startReal(V3);
    bed.retrieval.feed(pageOf([recordWith("4961", "a", 0), recordWith("4961", "b", 1)]));
    await bed.until("the batch", () => eventsOf(bed.events, "batchProcessed").length === 1);
    bed.held.draining.abort();
    assertEquals(await bed.end, "drained");
    assertEquals(notesOf(bed), [
      ["initialize", SHARD, "TRIM_HORIZON", 0],
      ["records", 0, [["4961", 0, "key"], ["4961", 1, "key"]]],
      ["shutdown_requested"],
      ["lease_lost"],
    ]);
    assertEquals(bed.held.stored, [positionAt("4961", 1)]);
  },
);

withPython("a partition key of any characters survives a child under LC_ALL=C (trap 15)", async () => {
  using bed = startReal(`env LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0 ${V3}`);
  const partitionKey = 'é "ü"\u2028\u0085 猫 🐈 \n';
  bed.retrieval.feed(pageOf([{ ...recordWith("1"), partitionKey }]));
  await bed.until("the batch", () => eventsOf(bed.events, "batchProcessed").length === 1);
  bed.held.draining.abort();
  await bed.end;
  assertEquals(notesOf(bed)[1], ["records", 0, [["1", 0, partitionKey]]]);
});

withPython("Ctrl-C kills a Python child as it stops us: no crash is reported (trap 31)", async () => {
  const stopping = new AbortController();
  using bed = startReal(V1, { stopping: stopping.signal });
  bed.retrieval.feed(pageOf([recordWith("1")]));
  await bed.until("the batch", () => eventsOf(bed.events, "batchProcessed").length === 1);
  const pid = bed.notices.join().match(/process (\d+)/)?.[1] ?? "";
  await new Deno.Command("kill", { args: ["-INT", pid] }).output();
  await bed.until("the child's end", () => bed.stderr().includes("KeyboardInterrupt")); // It is faster than we are.
  stopping.abort();
  bed.held.draining.abort();
  assertEquals(await bed.end, "drained");
  assertEquals(bed.failures, []);
  assert(bed.stderr().includes("KeyboardInterrupt"));
});
