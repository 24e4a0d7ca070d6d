import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { decodeBase64, encodeBase64 } from "../../src/aws/payload_slab.ts";
import { pageMemory, recordMemory } from "../../src/retrieval/page_memory.ts";
import { type KinesisRecord, kinesisRecord } from "../../src/stream/record.ts";
import { runCommand } from "../support/command.ts";
import { recordWith } from "../support/consumer_bed.ts";

const withData = (record: KinesisRecord, data: Uint8Array) => kinesisRecord({ ...record, data });
const memoryOf = (records: readonly KinesisRecord[]) => pageMemory({ records, bytes: 0 });

Deno.test("pageMemory() counts the memory that views keep alive, once", () => {
  const answer = new ArrayBuffer(1_000_000);
  const records = [0, 1, 2].map((n) => withData(recordWith(n), new Uint8Array(answer, n * 10, 1)));
  const own = records.map((record) => recordMemory(withData(record, new Uint8Array()))).reduce((a, b) =>
    a + b
  );
  assertEquals(memoryOf(records), 1_000_000 + own);
});

Deno.test("pageMemory() counts the base64 texts that are kept beside their payloads", () => {
  const texts = [1000, 2000].map((bytes) => encodeBase64(new Uint8Array(bytes)));
  const [plain = 0, kept = 0] = [false, true].map((keepsTexts) =>
    memoryOf(decodeBase64(texts, keepsTexts).views.map((view, n) => withData(recordWith(n), view)))
  );
  const characters = texts.join("").length;
  assert(kept - plain >= characters && kept - plain < characters + 100, `${kept - plain} for ${characters}`);
});

Deno.test("pageMemory() is never less than the payloads that a page claims", () => {
  assertEquals(pageMemory({ records: [], bytes: 500 }), 500);
});

Deno.test("pageMemory() says what the heap says, of small and large records, in JSON and CBOR", async () => {
  const program = fileURLToPath(new URL("page_memory.ts", import.meta.url));
  const args = ["run", "-A", "-q", "--v8-flags=--expose-gc", program];
  const { code, stdout, stderr } = await runCommand(Deno.execPath(), args, { timeoutMs: 300_000 });
  assertEquals(code, 0, stderr);
  const lines: { kind: string; format: string; found: number; said: number }[] = stdout.trim().split("\n")
    .map((line) => JSON.parse(line));
  assertEquals(lines.length, 15);
  for (const { kind, format, found, said } of lines) {
    assert(said > 0.85 * found && said < 1.2 * found, `${kind}, ${format}: said ${said}, found ${found}`);
  }
});
