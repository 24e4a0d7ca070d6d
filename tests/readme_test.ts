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

Deno.test("the README's examples compile, the first one also after its changes for AWS", async () => {
  const blocks = examples(README);
  assertGreater(blocks.length, 0);
  const files = Object.fromEntries(
    blocks.map(({ line, code }) => [`readme_line_${line}.ts`, `${code}\nexport {};\n`]),
  );
  const programs = { ...files, "hello_on_aws.ts": `${helloOnAws()}\nexport {};\n` };
  await withFolder({ ...programs, "deno.json": configFor(blocks) }, async (folder) => {
    const args = ["check", "--quiet", ...Object.keys(programs)];
    const { code, stderr } = await runCommand(Deno.execPath(), args, { cwd: folder, timeoutMs: 120_000 });
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

/** The example that contains this text. */
function exampleWith(text: string): string {
  const example = examples(README).find(({ code }) => code.includes(text));
  assert(example !== undefined, `README.md has no example with ${text}`);
  return example.code;
}

Deno.test("the README's first example runs as pasted, and prints each word once", async () => {
  const hello = exampleWith("simulatedAws(");
  const blocks = examples(README);
  await withFolder({ "hello.ts": hello, "deno.json": configFor(blocks) }, async (cwd) => {
    const { code, stdout, stderr } = await runCommand(Deno.execPath(), ["run", "-A", "-q", "hello.ts"], {
      cwd,
    });
    assertEquals(code, 0, stderr);
    assertEquals(stdout.trim().split("\n").map((line) => line.split(" ")[1]).sort(), ["one", "three", "two"]);
  });
});

/** The first example with the README's changes for AWS. Every line that goes must be there. */
function helloOnAws(): string {
  let hello = exampleWith("simulatedAws(");
  const diff = codeBlocks(README).find(({ info: [language] }) => language === "diff");
  assert(diff !== undefined, "README.md has no changes to the first example");
  const added: string[] = [];
  let at = 0;
  for (const line of diff.code.split("\n")) {
    const text = line.slice(1);
    if (line.startsWith("+")) {
      hello = `${hello.slice(0, at)}${text}\n${hello.slice(at)}`;
      at += text.length + 1;
      added.push(text);
    } else {
      at = `${hello}\n`.indexOf(`${text}\n`);
      assertGreater(at, -1, `The first example has no line ${text}`);
      hello = hello.slice(0, at) + hello.slice(at + text.length + 1);
    }
  }
  assertGreater(added.length, 0);
  return hello;
}

Deno.test("the README's first example processes records after its changes for AWS", async () => {
  const hello = helloOnAws();
  assert(!hello.includes("aws."), hello);
  const { reports } = await runBesideEmulators(hello, () => Promise.resolve());
  assertEquals(reports.filter(({ type }) => type !== "batchProcessed"), []);
});

Deno.test("the README's complete program serves health, logs JSON and ends in order by SIGTERM", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const main = exampleWith("healthApp(").replace("port: 8080", `port: ${port}`);
  const { reports, stderr, code } = await runBesideEmulators(main, async () => {
    for (const path of ["live", "ready"]) {
      const answer = await fetch(`http://127.0.0.1:${port}/${path}`);
      assertEquals([path, answer.status], [path, 200], await answer.text());
    }
  });
  assertEquals(reports.filter(({ type }) => type !== "batchProcessed"), []);
  assertEquals(code, 0, stderr);
  assertGreater(stderr.split("\n").filter((line) => line.startsWith('{"time":')).length, 2, stderr);
});

/** What a program did until it was stopped. */
interface Run {
  readonly reports: readonly { readonly type: string; readonly records: number }[];
  readonly stderr: string;
  readonly code: number;
}

/** Runs a program of the README beside emulators. Stops it once it has all records and `then` is done. */
async function runBesideEmulators(program: string, then: () => Promise<void>): Promise<Run> {
  const files = {
    "main.ts": program,
    "library.ts": LIBRARY_BESIDE_EMULATORS,
    "deno.json": configFor(
      examples(README),
      (path) => path === "./mod.ts" ? "./library.ts" : new URL(path, ROOT).href,
    ),
  };
  return await withFolder(files, (folder) =>
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
      let isStopped = false;
      let failure: unknown;
      for await (const text of child.stderr.pipeThrough(new TextDecoderStream())) {
        stderr += text;
        const records = batches(stderr).reduce((sum, batch) => sum + batch.records, 0);
        if (records < SMOKE_TEXTS.length || isStopped) continue;
        isStopped = true;
        await then().catch((error) => failure = error);
        child.kill("SIGTERM");
      }
      const { code } = await child.status;
      clearTimeout(timeLimit);
      if (failure !== undefined) throw failure;
      const reports = batches(stderr);
      assertEquals(reports.reduce((sum, { records }) => sum + records, 0), SMOKE_TEXTS.length, stderr);
      return { reports, stderr, code };
    }));
}

Deno.test("the README's import map names every file that a program imports, by the tag of this version", async () => {
  const block = codeBlocks(README).find(({ info: [language] }) => language === "json");
  const { imports } = JSON.parse(block?.code ?? "{}");
  const { version } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  for (const name of Object.keys(libraryImports(examples(README), CONFIG))) {
    assert(name in imports, `the import map has no ${name}`);
  }
  for (const [name, url] of Object.entries<string>(imports)) {
    const path = CONFIG.exports[name.replace(CONFIG.name, ".")] ?? "a file that is not exported";
    assert(
      url.endsWith(`/v${version}/${path.slice(2)}`),
      `${name} is ${url}: expected v${version} and ${path}`,
    );
  }
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
    exports: { ".": "./mod.ts", "./health": "./src/health/mod.ts" },
  };
  assertEquals(libraryImports([{ line: 1, info: ["ts"], code }], published), {
    "@kclite/kclite": "./mod.ts",
    "jsr:@kclite/kclite@0.1.0/health": "./src/health/mod.ts",
    "npm:@kclite/kclite@^0.1.0": "./mod.ts",
    "https://example.org/kclite/v0.1.0/mod.ts": "./mod.ts",
    "./mod.ts": "./mod.ts",
  });
});
