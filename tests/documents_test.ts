/**
 * Keeps documents true: what they name is there. Each rule is first shown what it must object to.
 *
 * @module
 */

import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import {
  type DocumentRule,
  importsByName,
  importsExported,
  namesExist,
  publicNames,
  type Repository,
  tasksExist,
  testsExist,
  type TextFile,
} from "./support/documents.ts";
import { linksLeadSomewhere } from "./support/links.ts";
import { plainDocuments, sentences, shortSentences } from "./support/sentences.ts";
import { FOLDERS, foldersMarkdown, withFolders } from "./support/folders.ts";

const ROOT = new URL("..", import.meta.url);
const RULES: Readonly<Record<string, DocumentRule>> = {
  namesExist,
  publicNames,
  importsByName,
  importsExported,
  tasksExist,
  testsExist,
  shortSentences,
  plainDocuments,
  linksLeadSomewhere,
};
const read = (path: string) => Deno.readTextFile(new URL(path, ROOT));

/** A repository of a few files. */
function small(texts: Readonly<Record<string, string>>): Repository {
  const folders = Object.keys(texts).flatMap((path) =>
    path.split("/").map((_, i, parts) => parts.slice(0, i).join("/"))
  );
  return {
    files: Object.entries(texts).map(([path, text]) => ({ path, text })),
    paths: new Set([...Object.keys(texts), ...folders]),
    entries: { ".": "./mod.ts", "./health": "./src/health/mod.ts" },
    tasks: ["test"],
  };
}

const SOURCES = {
  "mod.ts": `/** Doc. @module */\nexport { shown, type Shown } from "./src/lease/gaps.ts";`,
  "src/lease/gaps.ts":
    `/** Makes one. */\nexport function shown(): void {}\nexport class Shown {\n  /** Ends it. */\n  close(): void {}\n}\n` +
    `export function notShown(): void {}\n`,
};

const TEN = "one two three four five six seven eight nine ten ";

/** Text of a document, and what is said about it; none: all is well. */
const CASES: readonly (readonly [rule: string, path: string, text: string, says: string])[] = [
  [
    "namesExist",
    "README.md",
    "In `./multilang`.",
    "README.md:1 names `./multilang`: deno.json exports no such entry point",
  ],
  ["namesExist", "README.md", "In `@kclite/kclite/health`, by `lease/gaps`, `src/lease`, `gaps.ts`.", ""],
  [
    "namesExist",
    "README.md",
    "See\n`lease/holes`.",
    "README.md:2 names `lease/holes`: there is no such file",
  ],
  ["namesExist", "README.md", "See `holes.ts`.", "there is no such file"],
  [
    "namesExist",
    "ARCHITECTURE.md",
    "`lease/gaps.shown()`, `gaps.notShown()`, `Shown.close()`, `shown()`",
    "",
  ],
  ["namesExist", "ARCHITECTURE.md", "`lease/gaps.areHoles()`", "src/lease/gaps.ts has no areHoles"],
  ["namesExist", "ARCHITECTURE.md", "`Shown.open()`", "Shown in src/lease/gaps.ts has no open"],
  ["namesExist", "ARCHITECTURE.md", "`areHoles()`", "no code has this name"],
  ["namesExist", "docs/a.md", "the option `failoverTimeMilis`", "no code has this name"],
  ["namesExist", "docs/a.md", "the metric `kclite_holes_filled_total`", "no code has this name"],
  ["namesExist", "docs/a.md", "the metric `kclite_shown`", ""],
  ["namesExist", "docs/a.md", "```ts\n`anything()`\n```\nand `plain` words, `a: b`", ""],
  ["namesExist", "src/lease/a.ts", "/** Wrap it in `goneName`. */", "src/lease/a.ts:1 names `goneName`"],
  ["namesExist", "src/lease/a.ts", "/**\n * As it is.\n *\n * Source: KCL 3.5.1, `LeaseRenewer`.\n */", ""],
  [
    "publicNames",
    "docs/a.md",
    "Call `notShown()`.",
    "docs/a.md:1 names `notShown()`: no entry point exports it",
  ],
  ["publicNames", "CONTRIBUTING.md", "Call `notShown()`, and users `shown()`.", ""],
  [
    "publicNames",
    "src/lease/gaps.ts",
    "/** As `notShown` does. */\nexport function shown() {}\nexport const notShown = 1;",
    "no entry point",
  ],
  [
    "publicNames",
    "src/lease/gaps.ts",
    "/** As `notShown` does. */\nfunction other() {}\nexport const notShown = 1;",
    "",
  ],
  [
    "tasksExist",
    "docs/a.md",
    "Run `deno task test` and\n    npx -y deno@2 task tset",
    "docs/a.md:2 names task tset",
  ],
  ["namesExist", "src/lease/a.ts", "/** See {@linkcode Gone}. */", "src/lease/a.ts:1 names `Gone`"],
  [
    "importsByName",
    "docs/a.md",
    '```ts\nimport { shown } from "../mod.ts";\n```',
    "docs/a.md:2 imports ../mod.ts: expected the library's name",
  ],
  [
    "importsByName",
    "docs/a.md",
    '```ts\nimport { a } from "@kclite/kclite";\nimport { b } from "./b.ts";\n```',
    "",
  ],
  [
    "importsByName",
    "src/a.ts",
    '/**\n * import { shown } from "./mod.ts";\n */',
    "src/a.ts:2 imports ./mod.ts",
  ],
  ["importsByName", "src/a.ts", 'import { shown } from "./mod.ts";', ""],
  [
    "importsExported",
    "docs/a.md",
    '```ts\nimport { shown, type Shwn } from "@kclite/kclite";\n```',
    "docs/a.md:2 imports Shwn: mod.ts exports none",
  ],
  [
    "importsExported",
    "docs/a.md",
    '```ts\nimport { Hidden } from "@kclite/kclite/multilang";\n```',
    "imports from ./multilang",
  ],
  ["importsExported", "docs/a.md", '```ts\nimport { shown, type Shown } from "@kclite/kclite";\n```', ""],
  ["tasksExist", "docs/a.md", "Run `task tset`.", "docs/a.md:1 names task tset"],
  ["tasksExist", "docs/a.md", "Each task of ours, `deno task test`.", ""],
  ["shortSentences", "README.md", `${TEN}${TEN}${TEN}eleven.`, "README.md:1 has a sentence of 31 words"],
  ["shortSentences", "README.md", `${TEN}${TEN}\n${TEN}eleven.`, "README.md:1 has a sentence of 31 words"],
  [
    "shortSentences",
    "README.md",
    `Text.\n\n- ${TEN}${TEN}${TEN}[eleven](a.md).`,
    "README.md:3 has a sentence",
  ],
  ["shortSentences", "README.md", `${TEN}${TEN}${TEN}.\n\n| ${TEN}${TEN}${TEN}${TEN} |\n`, ""],
  ["shortSentences", "README.md", `${TEN}${TEN}${TEN}.\n- ${TEN}\n- [${TEN}](of/a b c d e.md)\n`, ""],
  ["shortSentences", "README.md", `\`\`\`ts\n${TEN}${TEN}${TEN}${TEN}\n\`\`\`\n`, ""],
  ["shortSentences", "docs/a.md", `${"Short. ".repeat(20)}${TEN}${TEN}${TEN}eleven.`, ""],
  ["shortSentences", "docs/a.md", `${"Short. ".repeat(19)}${TEN}${TEN}${TEN}eleven.`, "docs/a.md:1 has"],
  ["shortSentences", "README.md", `${"Short. ".repeat(99)}${TEN}${TEN}${TEN}eleven.`, "has a sentence"],
  [
    "plainDocuments",
    "docs/a.md",
    "It is read so\nmany times.",
    'docs/a.md:1 says "so many": write the number',
  ],
  ["plainDocuments", "docs/a.md", "| a | The log tells of it |", 'docs/a.md:1 says "tells"'],
  ["plainDocuments", "docs/a.md", 'So long as it runs. Dead letters; `told()`. | "tells" |', 'says "tells"'],
  ["plainDocuments", "docs/a.md", 'So long as it runs. The dead letter; `told()`.\n\n| "log() tells" |', ""],
  ["linksLeadSomewhere", "docs/a.md", "See\n[b](b.md).", "docs/a.md:2 links to b.md: there is no docs/b.md"],
  [
    "linksLeadSomewhere",
    "docs/a.md",
    "# It is `So`, here\n[m](../mod.ts), [l](../src/lease/), [i](#it-is-so-here)",
    "",
  ],
  ["linksLeadSomewhere", "docs/a.md", "# Here\n[b](#there)", "docs/a.md has no heading #there"],
  ["linksLeadSomewhere", "docs/a.md", "[b](https://example.org/b)\n\n```md\n[b](b.md)\n```", ""],
  ["testsExist", "ARCHITECTURE.md", '| a | b | "it works" |\n', 'a test that is not there: "it works"'],
];

for (const [rule, path, text, says] of CASES) {
  Deno.test(`${rule}() ${says === "" ? "accepts" : "objects to"} ${JSON.stringify(text)}`, () => {
    const complaints = RULES[rule]?.(small({ ...SOURCES, [path]: text })) ?? ["no such rule"];
    if (says === "") assertEquals(complaints, []);
    else assertStringIncludes(complaints.join("\n"), says);
  });
}

Deno.test("sentences() end with a full stop and a space, and not after e.g.", () => {
  assertEquals(sentences("# A title\nSee `a.ts`, e.g. its end. kclite is 3.5!\n").map(({ text }) => text), [
    "A title",
    "See a.ts, e.g its end.",
    "kclite is 3.5!",
  ]);
});

for (const [name, rule] of Object.entries(RULES)) {
  Deno.test(`the documents keep ${name}()`, async () => {
    const whole = await repository();
    assertGreater(whole.files.length, 100);
    assertEquals(rule(whole).join("\n"), "");
  });
}

Deno.test("ARCHITECTURE.md has the table of folders that is kept: deno task docs writes it", async () => {
  const text = await read("ARCHITECTURE.md");
  assertEquals(withFolders(text), text);
  for (const folder of Object.keys(FOLDERS)) {
    assertStringIncludes(foldersMarkdown(), folder === "root" ? "`src/*.ts`" : `\`src/${folder}\``);
  }
  const wrong = text.replace(/(?<=\| `src\/lease` .*)stream(?=, src)/, "aws");
  assertEquals([wrong === text, withFolders(wrong) === text], [false, true]);
});

Deno.test("ARCHITECTURE.md draws no arrow between rooms that the table of folders forbids", async () => {
  const picture = /```mermaid\nflowchart TD\n([^]*?)```/.exec(await read("ARCHITECTURE.md"))?.[1] ?? "";
  const rooms = (side: string) => side.split(" & ").map((node) => /^\s*(\w+)/.exec(node)?.[1] ?? node);
  const arrows = picture.trim().split("\n").flatMap((line) => {
    const [from = "", to = ""] = line.split(" --> ");
    return rooms(from).flatMap((a) => rooms(to).map((b) => [a, b] as const));
  });
  assertGreater(arrows.length, 10);
  const forbidden = arrows.filter(([from, to]) => {
    const { any = [], types = [] } = FOLDERS[from] ?? {};
    return ![...any, ...types].includes(to);
  });
  assertEquals(forbidden, []);
  assert((await read("ARCHITECTURE.md")).split("\n").length <= 251);
});

/** Read once for all rules. */
let whole: Promise<Repository> | undefined;

/** Everything that is under version control or about to be, as far as documents speak of it. */
function repository(): Promise<Repository> {
  return whole ??= readRepository();
}

async function readRepository(): Promise<Repository> {
  const files: TextFile[] = [];
  const paths = new Set<string>();
  const walk = async (folder: string) => {
    for await (const { name, isDirectory } of Deno.readDir(new URL(folder, ROOT))) {
      if (
        (name.startsWith(".") && ![".ci", ".github"].includes(name)) ||
        ["node_modules", "target"].includes(name)
      ) continue;
      const path = `${folder.slice(2)}${name}`;
      paths.add(path);
      if (isDirectory) await walk(`${folder}${name}/`);
      else if (/\.(?:ts|mjs|py|java|md|json)$/.test(name)) files.push({ path, text: await read(path) });
    }
  };
  await walk("./");
  const { exports: entries, tasks } = JSON.parse(await read("deno.json"));
  return { files, paths, entries, tasks: Object.keys(tasks) };
}
