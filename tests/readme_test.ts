/**
 * Keeps the promises of README.md: its examples compile, and its worker works. `documents_test.ts` looks after the rest.
 */

import { assert, assertEquals, assertGreater, assertThrows } from "@std/assert";
import { runCommand } from "./support/command.ts";
import { type CodeBlock, codeBlocks, examples, libraryImports, type PublishedAs } from "./support/readme.ts";
import { SMOKE_TEXTS, withSmokeBed } from "./support/smoke_bed.ts";

const ROOT = new URL("..", import.meta.url);
const README = await Deno.readTextFile(new URL("README.md", ROOT));
const CONFIG: PublishedAs = JSON.parse(
  await Deno.readTextFile(new URL("deno.json", ROOT)),
);

/** Puts files into a new folder for as long as `body` runs. */
async function withFolder<T>(
  files: Readonly<Record<string, string>>,
  body: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(`${folder}/${name}`, text);
    return await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** A deno.json in which the library's names mean this checkout. */
function configFor(
  blocks: readonly CodeBlock[],
  moduleOf = (path: string) => new URL(path, ROOT).href,
): string {
  const imports = Object.entries(libraryImports(blocks, CONFIG)).map((
    [name, path],
  ) => [name, moduleOf(path)]);
  return JSON.stringify({
    lock: false,
    nodeModulesDir: "none",
    imports: Object.fromEntries(imports),
    compilerOptions: { strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true },
  });
}

Deno.test("the README's examples compile", async () => {
  const blocks = examples(README);
  assertGreater(blocks.length, 0);
  const files = Object.fromEntries(
    blocks.map(({ line, code }) => [`readme_line_${line}.ts`, `${code}\nexport {};\n`]),
  );
  await withFolder({ ...files, "deno.json": configFor(blocks) }, async (folder) => {
    const { code, stderr } = await runCommand(Deno.execPath(), ["check", "--quiet", ...Object.keys(files)], {
      cwd: folder,
    });
    assertEquals(code, 0, stderr);
  });
});

/**
 * Everything that the library exports, with a worker that finds itself beside emulators and reports, one line of JSON an
 * event, when a batch was processed or failed.
 */
const LIBRARY_BESIDE_EMULATORS = `
export * from ${JSON.stringify(new URL("mod.ts", ROOT).href)};
import { KinesisWorker as Worker } from ${JSON.stringify(new URL("mod.ts", ROOT).href)};
export class KinesisWorker extends Worker {
  constructor(options) {
    const { streamName, kinesisEndpoint, dynamoDBEndpoint } = JSON.parse(Deno.env.get("EMULATORS"));
    super({
      ...options,
      ...{ streamName, kinesisEndpoint, dynamoDBEndpoint },
      streamArn: undefined,
      region: "us-east-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
      initialPositionInStream: "TRIM_HORIZON",
      onEvent(event) {
        options.onEvent?.(event);
        const { type, records } = event;
        if (type.startsWith("batch")) console.error(JSON.stringify({ type, records, error: String(event.error) }));
      },
    });
  }
}`;

Deno.test("the README's worker processes records without failing", async () => {
  const blocks = examples(README);
  const example = blocks.find(({ code }) => code.includes("new KinesisWorker("));
  assert(example !== undefined, "README.md has no example with new KinesisWorker(");
  const files = {
    "main.ts": example.code,
    "library.ts": LIBRARY_BESIDE_EMULATORS,
    "deno.json": configFor(blocks, (path) => path === "./mod.ts" ? "./library.ts" : new URL(path, ROOT).href),
  };
  const reports = await withFolder(files, (folder) =>
    withSmokeBed(async (emulators) => {
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-check", "--quiet", "-A", "main.ts"],
        cwd: folder,
        env: { EMULATORS: JSON.stringify(emulators), NO_COLOR: "1" },
        stdin: "null",
        stdout: "null",
        stderr: "piped",
      }).spawn();
      const timeLimit = setTimeout(() => child.kill("SIGKILL"), 30_000);
      let stderr = "";
      let records = 0;
      for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
        stderr += text;
        records = batches(stderr).reduce((sum, batch) => sum + batch.records, 0);
        if (records >= SMOKE_TEXTS.length) break;
      }
      if (records >= SMOKE_TEXTS.length) child.kill("SIGKILL"); // else it has ended by itself
      await child.status;
      clearTimeout(timeLimit);
      assertEquals(records, SMOKE_TEXTS.length, stderr);
      return batches(stderr);
    }));
  assertEquals(reports.filter(({ type }) => type !== "batchProcessed"), []);
});

function batches(stderr: string): { readonly type: string; readonly records: number }[] {
  const whole = stderr.slice(0, stderr.lastIndexOf("\n") + 1);
  return whole.split("\n").filter((line) => line.startsWith('{"type":"batch')).map((line) =>
    JSON.parse(line)
  );
}

Deno.test("codeBlocks() finds blocks with their line and words, and objects to one that never ends", () => {
  const markdown = "text\n```ts ignore\na\n```\n\n- item\n  ~~~sh\n  b\n    c\n  ~~~\n";
  assertEquals(codeBlocks(markdown), [
    { line: 2, info: ["ts", "ignore"], code: "a" },
    { line: 7, info: ["sh"], code: "b\n  c" },
  ]);
  assertThrows(() => codeBlocks("a\n\n```ts\nb"), SyntaxError, "Line 3");
});

Deno.test("examples() are TypeScript that is not to be ignored", () => {
  const markdown = "```ts\na\n```\n```ts ignore\nb\n```\n```sh\nc\n```\n```typescript\nd\n```\n";
  assertEquals(examples(markdown).map(({ code }) => code), ["a", "d"]);
});

Deno.test("libraryImports() knows the library by name, by URL and by path, and nothing else", () => {
  const code = `import "@kclite/kclite";
import "jsr:@kclite/kclite@0.1.0/health";
import "npm:@kclite/kclite@^0.1.0";
import "https://example.org/kclite/v0.1.0/mod.ts";
import "./mod.ts";
import "npm:hono@^4.0.0";
import "https://example.org/other.ts";`;
  const published = {
    name: "@kclite/kclite",
    exports: { ".": "./mod.ts", "./health": "./src/observe/health.ts" },
  };
  assertEquals(libraryImports([{ line: 1, info: ["ts"], code }], published), {
    "@kclite/kclite": "./mod.ts",
    "jsr:@kclite/kclite@0.1.0/health": "./src/observe/health.ts",
    "npm:@kclite/kclite@^0.1.0": "./mod.ts",
    "https://example.org/kclite/v0.1.0/mod.ts": "./mod.ts",
    "./mod.ts": "./mod.ts",
  });
});
