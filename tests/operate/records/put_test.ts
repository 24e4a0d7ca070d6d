/** @module */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { OperateBed } from "../../support/operate_bed.ts";

function bed(shards: number = 1): OperateBed {
  return new OperateBed({ streams: { words: shards } });
}

/** What the stream holds, shard by shard. */
function stored(world: OperateBed): readonly { readonly partitionKey: string; readonly text: string }[] {
  const words = world.aws.stream("words");
  return words.shards().flatMap(({ shardId }) =>
    words.records(shardId).map((record) => ({ partitionKey: record.partitionKey, text: record.text() }))
  );
}

const texts = (world: OperateBed) => stored(world).map(({ text }) => text);

/** Pieces of input; between two of them other tasks run. */
async function* pieces(...texts: readonly (string | Uint8Array)[]): AsyncGenerator<Uint8Array, void, void> {
  for (const text of texts) {
    await new Promise((resolve) => setTimeout(resolve, 0));
    yield typeof text === "string" ? new TextEncoder().encode(text) : text;
  }
}

Deno.test("put puts each line, in order, without its end and without empty lines", async () => {
  const world = bed();
  const { code, out, err } = await world.run(["put"], { input: "one\r\ntwo\n\n größer \nlast" });
  assertEquals([code, err], [0, ""]);
  assertEquals(texts(world), ["one", "two", " größer ", "last"]);
  assertEquals(out, "Put 4 records (20 bytes) into words, 1 shard, in 0.0 s. 1 empty line left out.\n");
});

Deno.test("put keeps bytes that are no text", async () => {
  const world = bed();
  await world.run(["put"], {
    more: { input: () => pieces(Uint8Array.of(0xff, 0, 0xc3), Uint8Array.of(10, 7)) },
  });
  const [first, second] = world.aws.stream("words").records("shardId-000000000000");
  assertEquals([[...first?.data ?? []], [...second?.data ?? []]], [[0xff, 0, 0xc3], [7]]);
});

Deno.test("put of nothing is done", async () => {
  const world = bed();
  const { code, out } = await world.run(["put"], { input: "" });
  assertEquals([code, out], [0, "Put 0 records (0 bytes) into words, 0 shards, in 0.0 s.\n"]);
});

Deno.test("put makes batches within the limits of a call", async () => {
  const world = bed(4);
  const calls: { readonly records: number; readonly bytes: number }[] = [];
  world.aws.faults.next("PutRecords", {
    type: "throttled",
    times: Infinity,
    when: (input) => {
      const records = input["Records"] as readonly { readonly Data: string }[];
      calls.push({
        records: records.length,
        bytes: records.reduce((sum, { Data }) => sum + Data.length * 3 / 4, 0),
      });
      return false;
    },
  });
  const small = "x\n".repeat(1200), large = `${"y".repeat(900_000)}\n`.repeat(12);
  const { code } = await world.run(["put"], { input: small + large + "end\n" });
  assertEquals(code, 0);
  assertEquals(stored(world).length, 1200 + 12 + 1);
  assertEquals(calls.map(({ records }) => records), [500, 500, 202, 2, 2, 2, 2, 3]);
  assert(calls.every(({ bytes }) => bytes <= 2 * 1024 ** 2), JSON.stringify(calls));
});

Deno.test("put takes one key for all, or a field of each line", async () => {
  const world = bed();
  await world.run(["put", "--partition-key", "one key"], { input: "a\nb\n" });
  await world.run(["put", "--key-field", "customer"], {
    input: '{"customer":"c-1"}\n{"customer":7}\n',
  });
  assertEquals(stored(world).map(({ partitionKey }) => partitionKey), ["one key", "one key", "c-1", "7"]);
  const both = await world.run(["put", "--partition-key", "k", "--key-field", "f"], { input: "a\n" });
  assertEquals(both.code, 2);
  assertStringIncludes(both.err, "Expected --partition-key or --key-field: got both");
});

Deno.test("put gives each line a key of its own by chance", async () => {
  const world = bed();
  await world.run(["put"], { input: "a\nb\nc\n" });
  assertEquals(new Set(stored(world).map(({ partitionKey }) => partitionKey)).size, 3);
});

Deno.test("put names the lines that have no key, puts the others, and exits 1", async () => {
  const world = bed();
  const input = [
    '{"k":"1"}',
    "no json",
    "[1]",
    "{}",
    '{"k":{}}',
    '{"k":""}',
    '{"toString":1}',
    '{"k":"2"}',
    '{"k":12345678901234567890}',
  ];
  const { code, err, out } = await world.run(["put", "--key-field", "k"], { input: input.join("\n") });
  assertEquals(code, 1);
  assertEquals(texts(world), ['{"k":"1"}', '{"k":"2"}']);
  assertEquals(err.trimEnd().split("\n").map((line) => line.replace(/^.*?Cannot/, "Cannot")), [
    "Cannot put line 2: it is not JSON",
    "Cannot put line 3: it is no JSON object",
    'Cannot put line 4: it has no field "k"',
    'Cannot put line 5: its field "k" is no text or number',
    'Cannot put line 6: its field "k" has 0 characters: a key has 1 to 256',
    'Cannot put line 7: it has no field "k"',
    'Cannot put line 9: its field "k" is a number that is rounded when it is read',
  ]);
  assertStringIncludes(out, "Put 2 records (18 bytes)");
  assertStringIncludes(out, "7 lines refused.");
});

Deno.test("put refuses a huge line with its number, and puts those around it", async () => {
  const world = bed();
  const mebibyte = new Uint8Array(1024 ** 2).fill(120);
  const huge = Array.from({ length: 11 }, () => mebibyte);
  const { code, err } = await world.run(["put"], {
    more: { input: () => pieces("one\n", ...huge, "\ntwo\n") },
  });
  assertEquals(code, 1);
  assertEquals(texts(world), ["one", "two"]);
  assertStringIncludes(err, "Cannot put line 2: it is longer than 10485760 bytes");
});

Deno.test("put refuses a line that the stream does not take, and puts those around it", async () => {
  const world = bed();
  world.aws.faults.next("PutRecords", {
    type: "refused",
    code: "ValidationException",
    message: "1 record exceeds the maximum record size",
    when: (input) =>
      (input["Records"] as readonly { readonly Data: string }[]).some(({ Data }) => Data.length > 1e6),
  });
  const { code, err } = await world.run(["put"], { input: `one\n${"x".repeat(2_000_000)}\ntwo\n` });
  assertEquals(code, 1);
  assertEquals(texts(world), ["one", "two"]);
  assertStringIncludes(err, "Cannot put line 2: kinesis PutRecords failed: ValidationException");
});

Deno.test("put puts again what a shard had no room for, each line once", async () => {
  const world = new OperateBed({ streams: { words: 1 }, isWriteLimited: true });
  const input = Array.from({ length: 3000 }, (_, n) => `line ${n}`).join("\n");
  const { code, out } = await world.run(["put", "--partition-key", "k"], { input });
  assertEquals(code, 0);
  assertEquals(texts(world).length, 3000);
  assertEquals(new Set(texts(world)).size, 3000);
  assertStringIncludes(out, "had to wait for room");
});

Deno.test("put ends with what trying again does not mend, and says where", async () => {
  const world = bed();
  world.aws.faults.next("PutRecords", {
    type: "refused",
    code: "AccessDeniedException",
    when: (input) => (input["Records"] as readonly unknown[]).length < 500,
  });
  const input = Array.from({ length: 700 }, (_, n) => `line ${n}`).join("\n");
  const { code, err, out } = await world.run(["put"], { input });
  assertEquals(code, 1);
  assertStringIncludes(err, "kinesis PutRecords failed: AccessDeniedException");
  assertEquals(texts(world).length, 500);
  assertStringIncludes(out, "Stopped at line 501, which is not put.");
});

Deno.test("put stops between two batches, and says how many were put", async () => {
  const world = bed();
  const stop = new AbortController();
  const input = async function* () {
    yield new TextEncoder().encode("one\ntwo\n");
    // No more comes. What has come is put after a while, and then it is stopped.
    while (texts(world).length < 2) await new Promise((resolve) => setTimeout(resolve, 0));
    stop.abort(new Error("Stopped by SIGINT"));
    await new Promise(() => {});
  };
  const { code, err, out } = await world.run(["put"], { signal: stop.signal, more: { input } });
  assertEquals([code, err, texts(world)], [0, "", ["one", "two"]]);
  assertStringIncludes(out, "Stopped at line 3, which is not put.");
});

Deno.test("put --json counts", async () => {
  const world = bed();
  const { out } = await world.run(["put", "--json"], { input: "one\n\ntwo\n" });
  assertEquals(JSON.parse(out), {
    putRecords: 2,
    putBytes: 6,
    emptyLines: 1,
    refusedLines: 0,
    isPartlyPut: false,
    retriedRecords: 0,
    shards: 1,
    stoppedAtLine: null,
    seconds: 0,
  });
});
