/**
 * Keeps the house rules. First every rule is shown something it must object to and something it must not; then all of
 * them check the repository.
 *
 * @module
 */

import { assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { PEERS } from "../bench/peers/all.ts";
import { codeOf, commentsOf, importsOf } from "./support/source_text.ts";
import { packageUsers, type SourceFile, sourceFile } from "./support/tidy_rules.ts";
import * as tidyRules from "./support/tidy_rules.ts";

const ROOT = new URL("..", import.meta.url);

const { sourceFile: _, packageUsers: __, ...RULES } = tidyRules;

/** `bad` must be complained about, with `says` in the words; `good` must not. */
interface RuleCase {
  readonly rule: keyof typeof RULES;
  readonly bad: Readonly<Record<string, string>>;
  readonly says: string;
  readonly good: Readonly<Record<string, string>>;
}

const CASES: readonly RuleCase[] = [
  {
    rule: "folderTable",
    bad: { "src/consumer/a.ts": `\nimport { x } from "../store/x.ts";` },
    says:
      "src/consumer/a.ts:2 imports src/store/x.ts: consumer may import only stream, root, async, lease, retrieval",
    good: { "src/consumer/a.ts": `import { x } from "../retrieval/x.ts";\nimport { y } from "./y.ts";` },
  },
  {
    rule: "folderTable",
    bad: { "src/lease/a.ts": `import type { X } from "../aws/kinesis.ts";` },
    says: "lease may import only",
    good: { "src/lease/a.ts": `import { AwsServiceError } from "../errors.ts";` },
  },
  {
    rule: "folderTable",
    bad: { "src/retrieval/a.ts": `import { Kinesis } from "../aws/kinesis.ts";` },
    says: "aws (import type)",
    good: { "src/retrieval/a.ts": `import type { Kinesis } from "../aws/kinesis.ts";` },
  },
  {
    rule: "folderTable",
    bad: { "src/properties/a.ts": `import type { Worker } from "../worker/worker.ts";` },
    says: "options (import type)",
    good: { "src/properties/a.ts": `import type { WorkerOptions } from "../options/options.ts";` },
  },
  {
    rule: "folderTable",
    bad: { "src/worker/a.ts": `import { x } from "../failures/x.ts";` },
    says: "failures (await import)",
    good: {
      "src/worker/a.ts": `import type { X } from "../failures/x.ts";\nawait import("../failures/x.ts");`,
    },
  },
  {
    rule: "folderTable",
    bad: { "src/testing/emulator/dynamodb/a.ts": `import { x } from "../../simulation/x.ts";` },
    says: "testing/emulator/dynamodb may import only",
    good: { "src/testing/emulator/dynamodb/a.ts": `import { x } from "../../model/x.ts";` },
  },
  {
    rule: "folderTable",
    bad: { "src/stream/a.ts": `export * from "../../tests/x.ts";` },
    says: "imports tests/x.ts: stream may import only itself",
    good: { "tests/a_test.ts": `import "../src/stream/x.ts";` },
  },
  {
    rule: "folderTable",
    bad: { "src/utils/a.ts": "" },
    says: "a folder that the import table does not know",
    good: { "src/events.ts": `import type { S } from "./stream/shard.ts";` },
  },
  {
    rule: "textsInMaps",
    bad: { "src/aws/a.ts": `const NAMES: Readonly<Record<string, string>> = { a: "b" };\nNAMES[name];` },
    says: "src/aws/a.ts:2 indexes NAMES by a text: use a Map, or ownValue()",
    good: {
      "src/aws/a.ts":
        `const NAMES: ReadonlyMap<string, string> = new Map([["a", "b"]]);\nconst B: Readonly<Record<Kind, number>> = C;\nB[kind];`,
    },
  },
  {
    rule: "importsByUrl",
    bad: { "src/aws/a.ts": `import { AwsClient } from "aws4fetch";` },
    says: `imports "aws4fetch": expected`,
    good: { "src/aws/a.ts": `import { AwsClient } from "npm:aws4fetch@^1.0.20";` },
  },
  {
    rule: "importsByUrl",
    bad: { "src/aws/a.ts": `await import(name);` },
    says: "imports a computed name",
    good: {
      "src/aws/a.ts": `await import("npm:aws4fetch@^1.0.20");`,
      "src/host/a.ts": `await import(pathOfTheUsersModule);`,
    },
  },
  {
    rule: "importsByUrl",
    bad: { "src/aws/a.ts": `import { a } from "./a";` },
    says: `imports "./a"`,
    good: { "tests/a.ts": `import { assert } from "@std/assert";` },
  },
  {
    rule: "examplesImportByName",
    bad: { "examples/a/a.ts": `import type { W } from "../../mod.ts";` },
    says: "examples/a/a.ts:1 imports mod.ts: expected an entry point by name",
    good: {
      "examples/a/a.ts":
        `import type { W } from "@kclite/kclite";\nimport "./b.ts";\nimport "../c/c.ts";\nimport "node:url";`,
      "tests/a_test.ts": `import "../mod.ts";`,
    },
  },
  {
    rule: "examplesImportByName",
    bad: { "examples/a/a.ts": `const { x } = await import("../../src/system.ts");` },
    says: "imports src/system.ts",
    good: {},
  },
  {
    rule: "hostNames",
    bad: { "src/aws/a.ts": `const home = Deno.env.get("HOME");` },
    says: "src/aws/a.ts:1 names Deno",
    good: {
      "src/aws/a.ts": `/** Deno first. */ const text = "Deno.env"; batch.process(); ({ process: 1 });`,
    },
  },
  {
    rule: "hostNames",
    bad: { "src/aws/a.ts": `const home = globalThis.x ?? process?.env;` },
    says: "names process",
    good: { "src/host/a.ts": `const home = process.env.HOME;` },
  },
  {
    rule: "hostNames",
    bad: { "src/aws/a.ts": "const bytes = `${Buffer.from(x)}`;" },
    says: "names Buffer",
    good: { "src/aws/a.ts": "const text = `Buffer.from`; const a: ArrayBuffer = b;" },
  },
  {
    rule: "hostNames",
    bad: { "src/aws/a.ts": `import { readFile } from "node:fs/promises";` },
    says: "names node:fs/promises",
    good: { "cli.ts": `import { parseArgs } from "node:util";` },
  },
  {
    rule: "surroundings",
    bad: { "src/lease/a.ts": `const now = Date.now();` },
    says: "uses Date.now",
    good: { "src/system.ts": `const now = Date.now();` },
  },
  {
    rule: "surroundings",
    bad: { "src/worker/a.ts": `setTimeout(f, 1);` },
    says: "uses setTimeout",
    good: {
      "src/worker/a.ts": `const now = clock.epochMs(); new Date(now); system.fetch(url); // Date.now()`,
    },
  },
  {
    rule: "surroundings",
    bad: { "src/aws/a.ts": `await fetch(url, { signal: AbortSignal.timeout(5) });` },
    says: "uses fetch(",
    good: { "src/aws/a.ts": `const { fetch } = system; AbortSignal.any([a, b]);` },
  },
  {
    rule: "purity",
    bad: { "src/lease/a.ts": `// Pure.\nexport async function f() {}` },
    says: "src/lease/a.ts:2 uses async",
    good: { "src/lease/a.ts": `// Pure.\n/** Never async. */\nexport function f(nowMs: number) {}` },
  },
  {
    rule: "purity",
    bad: { "src/lease/a.ts": `// Pure.\nexport const f = () => Math.random();` },
    says: "uses Math.random",
    good: { "src/lease/a.ts": `export const f = async () => {};` },
  },
  {
    rule: "purity",
    bad: { "src/lease/a.ts": `// Pure.\nimport { b } from "./b.ts";`, "src/lease/b.ts": "" },
    says: "imports ./b.ts: a pure file imports pure files, packages, or types",
    good: {
      "src/lease/a.ts": `// Pure.\nimport { b } from "./b.ts";\nimport type { C } from "./c.ts";`,
      "src/lease/b.ts": "// Pure.\n",
    },
  },
  {
    rule: "moduleDoc",
    bad: { "src/a.ts": `/** A thing. */\nexport const a = 1;\n/** @module */` },
    says: "src/a.ts:1 does not open with a module doc",
    good: {
      "src/a.ts": `// Pure.\n/**\n * A thing.\n *\n * @module\n */`,
      "cli.ts": `#!/usr/bin/env deno\n/** A program. @module */`,
    },
  },
  {
    rule: "fileLength",
    bad: { "src/a.ts": "\n".repeat(400) + "x" },
    says: "src/a.ts:401 has 401 lines",
    good: { "src/a.ts": "\n".repeat(399) + "x\n", "tests/a.ts": "x\n".repeat(500) },
  },
  {
    rule: "noConsole",
    bad: { "src/worker/a.ts": `console.warn("late");` },
    says: "src/worker/a.ts:1 prints",
    good: { "src/host/a.ts": `console.warn("late");`, "src/worker/a.ts": `// no console.warn here` },
  },
  {
    rule: "strictTypes",
    bad: { "src/a.ts": `// deno-lint-ignore no-explicit-any -- quicker\nconst a: any = 1;` },
    says: `src/a.ts:1 has "deno-lint-ignore no-explicit-any -- quicker"`,
    good: { "src/a.ts": `// @ts-ignore -- the types of this package are wrong: issue 1` },
  },
  {
    rule: "strictTypes",
    bad: { "src/a.ts": `\n\nitems[0]!.name;` },
    says: `src/a.ts:3 asserts non-null`,
    good: { "src/a.ts": `if (!a || a !== b && a != c) throw new Error("No!");` },
  },
  {
    rule: "strictTypes",
    bad: { "src/a.ts": `// deno-lint-ignore require-await\n` },
    says: `has "deno-lint-ignore require-await"`,
    good: { "src/a.ts": `// deno-lint-ignore require-await -- the contract is async\n` },
  },
  {
    rule: "noModuleState",
    bad: { "src/a.ts": `export let count = 0;` },
    says: "keeps module state (export let count)",
    good: { "src/a.ts": `function f() {\n  let count = 0;\n}\nconst NAMES = new Set(["a"]);` },
  },
  {
    rule: "noModuleState",
    bad: { "src/a.ts": `const cache: Map<string, Uint8Array> = new Map();` },
    says: "keeps module state",
    good: { "src/a.ts": `const sizes: Readonly<Record<string, number>> = {};` },
  },
  {
    rule: "quietLoading",
    bad: { "src/consumer/a.ts": "const NEVER: AbortSignal = new AbortController().signal;" },
    says: "src/consumer/a.ts:1 makes a signal when it is loaded",
    good: { "src/consumer/a.ts": "const never = () => new AbortController().signal;" },
  },
  {
    rule: "constantNames",
    bad: { "src/a.ts": `const limitMs = 2000;` },
    says: "src/a.ts:1 has the constant limitMs: expected LIMIT_MS",
    good: {
      "src/a.ts": `const LIMIT_MS = 2000;\nconst clock = { sleep };\nconst half = (n: number) => n / 2;`,
    },
  },
  {
    rule: "oneImportEach",
    bad: { "src/a.ts": `import { a } from "./b.ts";\nimport type { B } from "./b.ts";` },
    says: `src/a.ts:2 imports "./b.ts" a second time`,
    good: { "src/a.ts": `import { a, type B } from "./b.ts";\nexport type { C } from "./b.ts";` },
  },
  {
    rule: "eventListenerType",
    bad: { "src/a.ts": `type A = (event: WorkerEvent) => void;` },
    says: "expected WorkerEventListener",
    good: { "src/a.ts": `const a: WorkerEventListener = (event: WorkerEvent) => void events.push(event);` },
  },
  ...[
    "new Part({ ...this.#options, clock });",
    "part({\n  clock,\n  ...settings,\n});",
    "part(first, { deep: { ...options } });",
    "part([{ ...options }]);",
    "part(isNew ? { ...options } : undefined);",
    "new Part<Kind>({ ...(options as Kind) });",
    "this.#part({ ...this.#settings.leasing });",
    "part?.({ ...around.settings });",
    "const { delivery } = settings;\npart({ ...delivery });",
    "part(() => other({ ...options }));",
    "part({ ...defaults, ...options });",
    "const given = { ...this.#options, clock };",
    "class A {\n  #b() {\n    return { ...this.settings, clock };\n  }\n}",
  ].map((text): RuleCase => ({
    rule: "noSettingsSpread",
    bad: { "src/worker/a.ts": text },
    says: `spreads ${/\.\.\.\(?((?!defaults)[\w.#]+)/.exec(text)?.[1]}: hand on by name`,
    good: {
      "src/worker/a.ts": [
        "const all = { ...DEFAULTS, ...options };",
        "const make = () => ({ ...options, clock });",
        "part(() => { const own = { ...options }; });",
        "function f() {\n  return { ...options, streamName };\n}",
        "part({ leasing, options, settings: this.#settings });",
        "part([...options], ...settings);",
        "part({ ...about, ...options.stream });",
        "part({ ...(options.isTagged ? { tags } : {}) });",
        "new KinesisWorker({ ...options, onEvent });",
        "if (isNew) { make({ deep: [{ ...one }] }); }",
        "// part({ ...options })",
      ].join("\n"),
      "src/host/a.ts": "percentUsed({ ...reading, available });",
      "tests/a_test.ts": "part({ ...options });",
    },
  })),
  {
    rule: "baseNamesOnce",
    bad: { "src/lease/streams.ts": "", "src/fleet/streams.ts": "" },
    says: "src/lease/streams.ts and src/fleet/streams.ts share a name",
    good: {
      "src/lease/streams.ts": "",
      "src/testing/mod.ts": "",
      "src/a/mod.ts": "",
      "tests/streams.ts": "",
    },
  },
  ...[
    `// ${"x".repeat(108)}`,
    `/** ${"x".repeat(104)} */`,
    `/**\n * ${"x".repeat(108)}\n */`,
    `const a = 1; // ${"x".repeat(95)}`,
  ].map((text): RuleCase => ({
    rule: "commentWidth",
    bad: { "src/lease/a.ts": `\n${text}` },
    says: "has a comment up to column 111: at most 110",
    good: {
      "src/lease/a.ts": `// ${"x".repeat(107)}\nconst a = 1; // ${"x".repeat(94)}\n/**\n * ${
        "x".repeat(107)
      }\n */`,
      "src/lease/b.ts": `const a = "// ${"x".repeat(110)}";\nconst b = \`\n * ${"x".repeat(110)}\n\`;`,
      "src/lease/c.ts": `/**\n * | ${"x".repeat(110)} |\n *\n * \`\`\`ts\n * ${
        "x".repeat(110)
      }\n * \`\`\`\n */`,
      "examples/a.ts": `// ${"x".repeat(110)}`,
    },
  })),
  ...[
    "// Left to the heir.",
    "/** The pause, so\n * long as it is. So long it lasts. */",
    "// It was\n// told.",
    "const a = 1; // The dead.",
  ].map((text): RuleCase => ({
    rule: "plainWords",
    bad: { "src/worker/a.ts": `\n${text}` },
    says: "src/worker/a.ts:2 says",
    good: {
      "src/worker/a.ts":
        "// Told apart, so long as `told` is code.\n/** Dead letters. */\nconst told = 'so many';",
      "examples/a.ts": text,
    },
  })),
  {
    rule: "noLeftovers",
    bad: { "src/a.ts": `// ${"TO"}DO: later` },
    says: "src/a.ts:1 says",
    good: { "src/a.ts": `// Nothing to do.` },
  },
  {
    rule: "importsExist",
    bad: { "src/a.ts": `import "./b.ts";` },
    says: "imports src/b.ts: there is no such file",
    good: { "src/a.ts": `import "./b.ts";`, "src/b.ts": "" },
  },
  {
    rule: "noCircles",
    bad: {
      "src/a.ts": `import { b } from "./b.ts";`,
      "src/b.ts": `import { c } from "./c.ts";`,
      "src/c.ts": `import type { B } from "./b.ts";`,
    },
    says: "src/b.ts -> src/c.ts -> src/b.ts is a circle",
    good: {
      "src/a.ts": `import { b } from "./b.ts";\nimport { c } from "./c.ts";`,
      "src/b.ts": `import type { C } from "./c.ts";`,
      "src/c.ts": "",
    },
  },
  {
    rule: "packagesOnce",
    bad: { "src/a.ts": `import "npm:hono@^4.0.0";`, "src/b.ts": `import "npm:hono@^4.0.0/tiny";` },
    says: "src/a.ts and src/b.ts both name npm:hono",
    good: {
      "src/a.ts": `import "npm:@x/y@1.0.0/a";\nimport "npm:@x/y@1.0.0/b";`,
      "src/b.ts": `import "npm:@x/z@1";`,
      "tests/b_test.ts": `import "npm:@x/z@1";`,
    },
  },
  {
    rule: "packagesOnce",
    bad: {
      "src/host/a.ts": `const NAME = "npm:@x/y@1.0.0";\nawait import(NAME);`,
      "src/b.ts": `import "npm:@x/y@1.0.0";`,
    },
    says: "src/host/a.ts and src/b.ts both name npm:@x/y",
    good: { "src/host/a.ts": `// "npm:@x/y@1"\nconst NAME = "npm:@x/y@1.0.0";\nawait import(NAME);` },
  },
  {
    rule: "packagesOnce",
    bad: { "tests/a_test.ts": `import "npm:x@1.0.0";`, "tests/b_test.ts": `import "npm:x@1.0.0";` },
    says: "tests/a_test.ts and tests/b_test.ts both name npm:x",
    good: {
      "tests/support/x.ts": `export { default } from "npm:x@1.0.0";`,
      "tests/a_test.ts": `import "./support/x.ts";`,
    },
  },
  {
    rule: "modReexportsOnly",
    bad: { "mod.ts": `/** Doc. @module */\nexport * from "./src/a.ts";` },
    says: "mod.ts:2 holds more than re-exports",
    good: {
      "mod.ts":
        `/** Doc. @module */\nexport { a, type B } from "./src/a.ts";\nexport type { C } from "./c.ts";`,
    },
  },
  {
    rule: "credentialsLoadLittle",
    bad: { "src/credentials/mod.ts": `import "../host/a.ts";`, "src/host/a.ts": `import "node:http";` },
    says:
      "src/credentials/mod.ts -> src/host/a.ts -> node:http: loading src/credentials/mod.ts must not load this",
    good: {
      "src/credentials/mod.ts": `import "../host/a.ts";`,
      "src/host/a.ts": `await import("node:http");`,
    },
  },
  {
    rule: "modLoadsLittle",
    bad: { "mod.ts": `export { deadLetter } from "./src/failures/mod.ts";` },
    says: "mod.ts -> src/failures/mod.ts: loading mod.ts must not load this",
    good: { "mod.ts": `export type { BatchOptions } from "./src/failures/failure_options.ts";` },
  },
  {
    rule: "modLoadsLittle",
    bad: {
      "mod.ts": `export { a } from "./src/a.ts";`,
      "src/a.ts": `import { h } from "./observe/health.ts";`,
      "src/observe/health.ts": `import { Hono } from "npm:hono@^4.13.0";`,
    },
    says:
      "mod.ts -> src/a.ts -> src/observe/health.ts -> npm:hono@^4.13.0: loading mod.ts must not load this",
    good: {
      "mod.ts": `export { a } from "./src/a.ts";`,
      "src/a.ts":
        `import type { h } from "./observe/health.ts";\nconst c = () => import("npm:@aws-sdk/x@^3.0.0");`,
      "src/observe/health.ts": `import { Hono } from "npm:hono@^4.13.0";`,
    },
  },
];

for (const { rule, bad, says, good } of CASES) {
  Deno.test(`${rule}() objects: ${says}`, () => {
    assertStringIncludes(RULES[rule](parse(bad)).join("\n"), says);
    assertEquals(RULES[rule](parse(good)), []);
  });
}

Deno.test("every rule of tidy has a case", () => {
  const tried = new Set<string>(CASES.map(({ rule }) => rule));
  assertEquals(Object.keys(RULES).filter((name) => !tried.has(name)), []);
});

Deno.test("codeOf() blanks comments, strings, templates and regular expressions, and nothing else", () => {
  const cases: readonly (readonly [string, string])[] = [
    [`a // b\nc`, `a     \nc`],
    [`a /* b\n */ c`, `a     \n    c`],
    [`f("a\\"b", 'c')`, `f("    ", ' ')`],
    ["x = `a${b + `c${d}`}e` + f", "x = ` ${b + ` ${d}`} ` + f"],
    ["x = `${ {a: {}} }b`", "x = `${ {a: {}} } `"],
    [`if (/["'/]\\//.test(a)) b`, `if (/       /.test(a)) b`],
    [`a / b / c // d`, `a / b / c     `],
    [`return /"/g;`, `return / /g;`],
  ];
  for (const [source, expected] of cases) assertEquals(codeOf(source), expected);
});

Deno.test("commentsOf() finds each comment, and none in strings, templates or regular expressions", () => {
  const source = "a; // b\n/** c\n * d */\n// e\nf('// no', `/* no ${g /* h */} */`, /\\/\\*/);";
  assertEquals(commentsOf(source).map(({ text }) => text), ["// b", "/** c\n * d */", "// e", "/* h */"]);
  assertEquals(commentsOf(source).map(({ index }) => index), [3, 8, 22, 49]);
});

Deno.test("importsOf() finds each form of import, and none in comments or strings", () => {
  const source = `import a, { type B } from "./a.ts";
// import x from "./x.ts";
import type { C } from './c.ts';
export {
  d,
} from "./d.ts";
const text = 'import "./y.ts"', export_ = import.meta.url;
import "./e.ts";
const f = () => import("./f.ts");
const g = await import(text);
export const h = "./h.ts";
`;
  assertEquals(importsOf(source), [
    { line: 1, specifier: "./a.ts", kind: "value" },
    { line: 3, specifier: "./c.ts", kind: "type" },
    { line: 4, specifier: "./d.ts", kind: "value" },
    { line: 8, specifier: "./e.ts", kind: "value" },
    { line: 9, specifier: "./f.ts", kind: "dynamic" },
    { line: 10, specifier: undefined, kind: "dynamic" },
  ]);
});

for (const [name, rule] of Object.entries(RULES)) {
  Deno.test(`the repository keeps ${name}()`, async () => {
    const files = await repository();
    assertGreater(files.length, 10);
    assertEquals(rule(files).join("\n"), "");
  });
}

Deno.test("deno.jsr.json and deno.json import the same, but for @std", async () => {
  const [ours, jsr] = await Promise.all(["deno.json", "deno.jsr.json"].map(async (name) => {
    const { imports } = JSON.parse(await Deno.readTextFile(new URL(name, ROOT)));
    return Object.entries(imports).filter(([specifier]) => !specifier.startsWith("@std/"));
  }));
  assertEquals(ours, jsr);
});

Deno.test("deno.jsr.json and deno.json name the library and its entry points alike", async () => {
  const [ours, jsr] = await Promise.all(["deno.json", "deno.jsr.json"].map(async (name) => {
    const { name: library, exports } = JSON.parse(await Deno.readTextFile(new URL(name, ROOT)));
    return { library, exports };
  }));
  assertEquals(ours, jsr);
});

Deno.test("deno.json maps no package and names no lock: Deno downloads what stands there before any program", async () => {
  const { imports, lock } = JSON.parse(await Deno.readTextFile(new URL("deno.json", ROOT)));
  assertEquals(Object.values<string>(imports).filter((target) => !target.startsWith("./")), []);
  assertEquals(lock, false);
});

Deno.test("CONTRIBUTING.md explains every dependency, and no other", async () => {
  const contributing = await Deno.readTextFile(new URL("CONTRIBUTING.md", ROOT));
  const used = [
    ...packageUsers(await repository()).keys(),
    ...PEERS.flatMap(({ packages }) => packages).map(({ name }) => name),
  ];
  assertEquals(explainedPackages(contributing), used.toSorted());
});

Deno.test("deno.lock asks for nothing that is only measured beside kclite", async () => {
  const { specifiers } = JSON.parse(await Deno.readTextFile(new URL("deno.lock", ROOT)));
  const peers = PEERS.flatMap(({ packages }) => packages).map(({ name }) => `npm:${name}@`);
  assertGreater(Object.keys(specifiers).length, 0);
  assertEquals(
    Object.keys(specifiers).filter((specifier) => peers.some((peer) => specifier.startsWith(peer))),
    [],
  );
});

Deno.test("every case in tests/cases says in a comment what it is about", async () => {
  const silent: string[] = [];
  for await (const { name } of Deno.readDir(new URL("tests/cases/", ROOT))) {
    if (!name.endsWith(".json")) continue;
    const table = JSON.parse(await Deno.readTextFile(new URL(`tests/cases/${name}`, ROOT)));
    silent.push(...casesWithoutComment(table).map((index) => `${name} #${index}`));
  }
  assertEquals(silent, []);
});

Deno.test("casesWithoutComment() finds them in a list and in a table with a head; no cases at all is as bad", () => {
  assertEquals(casesWithoutComment([{ comment: "a" }, { comment: "" }, {}]), [1, 2]);
  assertEquals(casesWithoutComment({ comment: "all", cases: [{ comment: "a" }, {}] }), [1]);
  assertEquals(casesWithoutComment({}), [-1]);
});

Deno.test("explainedPackages() reads the first column of the table of packages", () => {
  const markdown = "| a |\n| --- |\n| b |\n\n| package | why |\n| --- | --- |\n| y, @x/x | good |\n\n| c |\n";
  assertEquals(explainedPackages(markdown), ["@x/x", "y"]);
});

/** The places of the cases that say nothing; -1 when there is no case. */
function casesWithoutComment(table: unknown): number[] {
  const cases: unknown = Array.isArray(table) ? table : (table as { readonly cases?: unknown }).cases;
  if (!Array.isArray(cases) || cases.length === 0) return [-1];
  return cases.flatMap((row, index) => typeof row.comment === "string" && row.comment !== "" ? [] : [index]);
}

/** The packages in the table of CONTRIBUTING.md, sorted. */
function explainedPackages(markdown: string): string[] {
  const table = markdown.match(/^\| package .*\n\|.*\n((?:\|.*\n)*)/m)?.[1] ?? "";
  return table.trim().split("\n").flatMap((row) => (row.split("|")[1] ?? "").trim().split(/,\s*/)).toSorted();
}

function parse(texts: Readonly<Record<string, string>>): SourceFile[] {
  return Object.entries(texts).map(([path, text]) => sourceFile(path, text));
}

/** Read once: to blank the comments of all files takes half a second. */
let read: Promise<readonly SourceFile[]> | undefined;

/** Every TypeScript file under version control or about to be, as far as the rules look. */
function repository(): Promise<readonly SourceFile[]> {
  return read ??= readRepository();
}

async function readRepository(): Promise<SourceFile[]> {
  const files: SourceFile[] = [];
  const walk = async (folder: string) => {
    for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
      if (isDirectory && !name.startsWith(".") && name !== "node_modules") await walk(`${folder}${name}/`);
      else if (name.endsWith(".ts")) {
        files.push(
          sourceFile(`${folder.slice(2)}${name}`, await Deno.readTextFile(new URL(`${folder}${name}`, ROOT))),
        );
      }
    }
  };
  await walk("./");
  return files.toSorted((a, b) => a.path < b.path ? -1 : 1);
}
