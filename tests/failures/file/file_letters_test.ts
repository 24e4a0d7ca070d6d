import { assert, assertEquals, assertRejects } from "@std/assert";
import { fileLetters } from "../../../src/failures/file/file_letters.ts";
import { fileSink } from "../../../src/failures/file/mod.ts";
import { connectionOf, letterOf, NEVER } from "../letters/fixtures.ts";

async function fileOf(text: string): Promise<string> {
  const path = `${await Deno.makeTempDir({ prefix: "kclite-letters-" })}/dead.jsonl`;
  await Deno.writeTextFile(path, text);
  return path;
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

Deno.test("fileLetters() gives each line, and puts back those that are not removed", async () => {
  const path = await fileOf("a\n\nb\nc\nd");
  const source = await fileLetters(path, false);
  assertEquals(await exists(path), false);
  const places: string[] = [];
  for await (const { place, text, remove } of source.letters(NEVER)) {
    places.push(`${place} ${text}`);
    if (text === "a" || text === "c") await remove?.();
  }
  await source.close();
  assertEquals(places, ["line 1 a", "line 3 b", "line 4 c", "line 5 d"]);
  assertEquals(await Deno.readTextFile(path), "b\nd\n");
  assertEquals(await exists(`${path}.redrive`), false);
});

Deno.test("fileLetters() leaves no file when everything was removed, and changes nothing in a dry run", async () => {
  const path = await fileOf("a\nb\n");
  const dry = await fileLetters(path, true);
  for await (const { remove } of dry.letters(NEVER)) await remove?.();
  await dry.close();
  assertEquals(await Deno.readTextFile(path), "a\nb\n");
  const source = await fileLetters(path, false);
  for await (const { remove } of source.letters(NEVER)) await remove?.();
  await source.close();
  assertEquals(await exists(path), false);
});

Deno.test("fileLetters() keeps letters that a worker appends meanwhile", async () => {
  const path = await fileOf("a\nb\n");
  const source = await fileLetters(path, false);
  const connection = connectionOf(() => Promise.reject(new Error("no request is expected")));
  for await (const { text, remove } of source.letters(NEVER)) {
    if (text === "a") await fileSink(path).store(letterOf(), connection, NEVER);
    if (text === "a") await remove?.();
  }
  await source.close();
  const [first = "", second] = (await Deno.readTextFile(path)).split("\n");
  assertEquals([JSON.parse(first).version, second], ["1.0", "b"]);
});

Deno.test("fileLetters() of a redrive that was killed says so, and its file can be redriven", async () => {
  const path = await fileOf("a\nb\n");
  const killed = await fileLetters(path, false);
  for await (const { text, remove } of killed.letters(NEVER)) if (text === "a") await remove?.();
  // What close() would have done has not been done; a worker has begun a new file.
  await Deno.writeTextFile(path, "c\n");
  await assertRejects(() => fileLetters(path, false), Error, "another redrive works on it, or was killed");
  assertEquals(await Deno.readTextFile(path), "c\n");
  const rest = await fileLetters(`${path}.redrive`, false);
  const texts: string[] = [];
  for await (const { text, remove } of rest.letters(NEVER)) {
    texts.push(text);
    await remove?.();
  }
  await rest.close();
  assertEquals(texts, ["b"]);
  await killed.close().catch(() => {}); // its file is gone
  assertEquals(await Deno.readTextFile(path), "c\n");
});

Deno.test("fileLetters() reads lines across the pieces of a large file", async () => {
  const lines = Array.from({ length: 5 }, (_, i) => `${i}`.repeat(700_001));
  const path = await fileOf(`${lines.join("\n")}\n`);
  const source = await fileLetters(path, false);
  const texts: string[] = [];
  for await (const { text, remove } of source.letters(NEVER)) {
    texts.push(text);
    if (!text.startsWith("3")) await remove?.();
  }
  await source.close();
  assertEquals(texts, lines);
  assertEquals(await Deno.readTextFile(path), `${lines[3]}\n`);
  await assertRejects(() => fileLetters(`${path}.not`, false), Error, "there is no such file");
});

Deno.test("fileLetters() puts back every byte of what it cannot read", async () => {
  const path = await fileOf("");
  const bytes = Uint8Array.of(0x23, 0x20, 0xff, 0xfe, 0x0a, 0x0a, 0x80, 0x0d, 0x0a, 0xc3); // not UTF-8
  await Deno.writeFile(path, bytes);
  const unread = await fileLetters(path, false);
  for await (const _ of unread.letters(NEVER)) continue;
  await unread.close();
  assertEquals(await Deno.readFile(path), bytes);
  const read = await fileLetters(path, false);
  for await (const { place, remove } of read.letters(NEVER)) if (place === "line 3") await remove?.();
  await read.close();
  assertEquals(await Deno.readFile(path), Uint8Array.of(0xc3, 0x0a));
});

Deno.test("fileLetters() puts many lines back in few writes", async () => {
  const path = await fileOf(`${"x".repeat(200)}\n`.repeat(30_000));
  const source = await fileLetters(path, false);
  for await (const { place, remove } of source.letters(NEVER)) {
    if (place === "line 1") await remove?.();
    if (place === "line 2") break;
  }
  const startedMs = performance.now();
  await source.close();
  assertEquals((await Deno.stat(path)).size, 29_999 * 201);
  // 30,000 writes that wait for the disk take a minute.
  assert(performance.now() - startedMs < 10_000);
});

Deno.test("fileLetters() refuses the file of a redrive that still runs, and takes that of one that was killed", async () => {
  const path = await fileOf("a\n");
  await (await fileLetters(path, false)).close();
  await Deno.rename(path, `${path}.redrive`);
  await Deno.writeTextFile(`${path}.redrive.pid`, `${Deno.ppid}\n`);
  await assertRejects(() => fileLetters(`${path}.redrive`, false), Error, `process ${Deno.ppid} redrives it`);
  await assertRejects(() => fileLetters(path, false), Error, "another redrive works on it, or was killed");
  await assertRejects(() => fileLetters(path, true), Error, "another redrive works on it, or was killed");
  await Deno.writeTextFile(`${path}.redrive.pid`, "999999999\n");
  const rest = await fileLetters(`${path}.redrive`, false);
  for await (const { remove } of rest.letters(NEVER)) await remove?.();
  await rest.close();
  assertEquals([...Deno.readDirSync(path.replace("dead.jsonl", ""))].length, 0);
});

for (const isDryRun of [true, false]) {
  Deno.test(`fileLetters() says that there is no file, or a folder, ${isDryRun ? "in a dry run" : "before it begins"}`, async () => {
    const path = await fileOf("a\n");
    await assertRejects(
      () => fileLetters(`${path}.not`, isDryRun),
      Error,
      "there is no such file, seen from /",
    );
    const folder = path.replace("/dead.jsonl", "");
    await assertRejects(() => fileLetters(folder, isDryRun), Error, "it is a folder: name a file in it");
  });
}
