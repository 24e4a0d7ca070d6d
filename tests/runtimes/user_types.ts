/**
 * Type-checks `user_program.ts` in a project of its own, as users do: their compiler goes by their options, of which ours are the
 * strictest.
 *
 * @module
 */

import { runCommand } from "../support/command.ts";
import { withFolder } from "../support/folder.ts";
import config from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url);

/** The program with its imports as `nameOf` has them, from the names in deno.json: `.`, `./health`, … */
export async function userProgram(nameOf: (entry: string, path: string) => string): Promise<string> {
  let text = await Deno.readTextFile(new URL("user_program.ts", import.meta.url));
  for (const [entry, path] of Object.entries(config.exports)) {
    const ours = `"../../${path.slice(2)}"`;
    if (!text.includes(ours)) {
      throw new Error(`user_program.ts does not import ${path}, which is ${entry} of the package`);
    }
    text = text.replace(ours, JSON.stringify(nameOf(entry, path)));
  }
  return text;
}

/** Options of users' Deno projects, by what they are. */
const DENO_PROJECTS: readonly (readonly [string, unknown])[] = [
  ["Deno's own options", {}],
  ["the types of the DOM beside Deno's", { lib: ["deno.window", "dom"] }],
];

/**
 * The program on a copy of the library, in Deno projects. Each takes ten seconds, so that this is no test.
 *
 * @throws {Error} with what the compiler complained about.
 */
export async function checkInDeno(): Promise<void> {
  const text = await userProgram((_, path) => new URL(path, ROOT).href);
  for (const [name, compilerOptions] of DENO_PROJECTS) {
    const files = { "deno.json": JSON.stringify({ compilerOptions }), "main.ts": text };
    await withFolder(files, async (cwd) => {
      const { code, stderr } = await runCommand(Deno.execPath(), ["check", "main.ts"], {
        cwd,
        timeoutMs: 120_000,
      });
      if (code !== 0) throw new Error(`${name}: deno check ended with ${code}:\n${stderr}`);
    });
  }
}

/** A CommonJS program, which TypeScript takes as `nodenext` alone. */
const COMMONJS = `import kclite = require("@kclite/kclite");
import testing = require("@kclite/kclite/testing");
import cli = require("@kclite/kclite/cli");
export const main: typeof cli.main = cli.main;
export const worker: typeof kclite.KinesisWorker = kclite.KinesisWorker;
export const { simulate } = testing;
`;

/** The program in the package's README. */
async function readmeProgram(): Promise<string> {
  const text = await Deno.readTextFile(new URL("docs/npm.md", ROOT));
  const [, program] = /```js\n([^]*?)```/.exec(text) ?? [];
  if (program === undefined) throw new Error("docs/npm.md has no program in JavaScript");
  return program;
}

/** How TypeScript finds a package's types; each with the types of the Web, and with those of Node.js instead. */
const PROJECTS = [
  { module: "nodenext", moduleResolution: "nodenext" },
  { module: "esnext", moduleResolution: "bundler" },
].flatMap((resolution) => [
  { ...resolution, target: "es2022", types: [] },
  { ...resolution, target: "esnext", lib: ["esnext"], types: ["node"] },
]);

/**
 * The program on the package that is installed in the folder, by TypeScript itself.
 *
 * @throws {Error} with what the compiler complained about.
 */
export async function checkInTypeScript(folder: string): Promise<void> {
  const text = await userProgram((entry) => `@kclite/kclite${entry.slice(1)}`);
  await Deno.writeTextFile(`${folder}/main.ts`, text);
  await Deno.writeTextFile(`${folder}/commonjs.cts`, COMMONJS);
  await Deno.writeTextFile(`${folder}/readme.mts`, await readmeProgram());
  for (const project of PROJECTS) {
    const compilerOptions = { ...project, strict: true, noEmit: true };
    const files = [
      "main.ts",
      ...(project.module === "nodenext" ? ["commonjs.cts"] : []),
      ...(project.types.length > 0 ? ["readme.mts"] : []),
    ];
    await Deno.writeTextFile(`${folder}/tsconfig.json`, JSON.stringify({ compilerOptions, files }));
    const { code, stdout, stderr } = await runCommand("npx", ["tsc", "-p", "."], {
      cwd: folder,
      timeoutMs: 120_000,
    });
    if (code !== 0) {
      throw new Error(`${JSON.stringify(project)}: tsc ended with ${code}:\n${stdout}${stderr}`);
    }
  }
}
