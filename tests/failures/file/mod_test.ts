import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { fileSink } from "../../../src/failures/file/mod.ts";
import { documentText } from "../../../src/failures/letters/document.ts";
import { connectionOf, letterOf, NEVER, recordOf } from "../letters/fixtures.ts";

const connection = connectionOf(() => Promise.reject(new Error("no request is expected")));
const letters = Array.from({ length: 20 }, (_, i) => letterOf({ records: [recordOf(`${i}`)] }));
const whole = { maxBytes: 16_777_216 };

async function folder(): Promise<string> {
  return await Deno.makeTempDir({ prefix: "kclite-letters-" });
}

Deno.test("fileSink() appends one line for each letter, of several shards and sinks at once", async () => {
  const path = `${await folder()}/dead.jsonl`;
  const sinks = [fileSink(path), fileSink(path)];
  await Promise.all(letters.map((letter, i) => sinks[i % 2]?.store(letter, connection, NEVER)));
  const lines = (await Deno.readTextFile(path)).split("\n");
  assertEquals(lines.pop(), "");
  assertEquals(lines.toSorted(), letters.map((letter) => documentText(letter, whole)).toSorted());
  if (Deno.build.os !== "windows") assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
});

Deno.test("fileSink() keeps records whatever their size, of batches of 6 MB at once too", async () => {
  const path = `${await folder()}/dead.jsonl`;
  const letter = letterOf({ records: [recordOf("1", new Uint8Array(6_000_000))] });
  await Promise.all([1, 2, 3].map(() => fileSink(path).store(letter, connection, NEVER)));
  // A writer that sees half of another's line begins a new one: an empty line may be between them.
  const lines = (await Deno.readTextFile(path)).split("\n").filter((line) => line !== "");
  assertEquals(lines.map((line) => JSON.parse(line).records[0].data.length), [8e6, 8e6, 8e6]);
});

Deno.test("fileSink() begins a new line after one that was left incomplete", async () => {
  const path = `${await folder()}/dead.jsonl`;
  await Deno.writeTextFile(path, '{"requestContext":');
  await fileSink(path).store(letterOf(), connection, NEVER);
  assertEquals((await Deno.readTextFile(path)).split("\n")[1], documentText(letterOf(), whole));
});

Deno.test("fileSink() writes again what went away with a file that was taken while it wrote", async () => {
  const path = `${await folder()}/dead.jsonl`;
  let isStored = false;
  const taking = (async () => {
    for (let taken = 0; taken < 3 && !isStored;) {
      await Deno.rename(path, `${path}.${taken}`).then(() => taken++, () => {});
    }
  })();
  await fileSink(path).store(letterOf(), connection, NEVER);
  isStored = true;
  await taking;
  assertEquals(await Deno.readTextFile(path), `${documentText(letterOf(), whole)}\n`);
});

Deno.test("fileSink() says what to do when it cannot write, and writes once it can", async () => {
  const path = `${await folder()}/sub/dead.jsonl`;
  const sink = fileSink(path);
  await assertRejects(() => sink.store(letterOf(), connection, NEVER), Error, "its folder does not exist");
  await Deno.mkdir(path.replace("/dead.jsonl", ""));
  await sink.store(letterOf(), connection, NEVER);
  assert((await Deno.readTextFile(path)).endsWith("}\n"));
  const inFolder = fileSink(path.replace("/dead.jsonl", "")).store(letterOf(), connection, NEVER);
  await assertRejects(() => inFolder, Error, "it is a folder");
  assertThrows(() => fileSink(""), TypeError, "expected a path");
});
