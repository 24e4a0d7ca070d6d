/**
 * The house rules that a program can check. Each is a function from source text to complaints. So
 * `tidy_test.ts` can show that a rule is able to fail before it checks the repository.
 *
 * @module
 */

import { FOLDERS } from "./folders.ts";
import { plainWordProblems } from "./plain_words.ts";
import { settingsSpreads } from "./settings_spreads.ts";
import { codeOf, commentsOf, type ImportOf, importsOf, lineAt } from "./source_text.ts";

/** One module of the repository. */
export interface SourceFile {
  /** From the root of the repository, with slashes, e.g. `src/lease/lease.ts`. */
  readonly path: string;
  readonly text: string;
  /** `text` without the inside of comments and strings. */
  readonly code: string;
  readonly imports: readonly ImportOf[];
}

/** From all files to complaints, which read `file:line what is wrong: what is allowed`. */
export type Rule = (files: readonly SourceFile[]) => string[];

/** A file as the rules see it. */
export function sourceFile(path: string, text: string): SourceFile {
  return { path, text, code: codeOf(text), imports: importsOf(text) };
}

/** Imports inside src follow the folder table, and lead nowhere outside src. */
export const folderTable: Rule = eachFile((file) => {
  const from = folderOf(file.path);
  if (from === undefined) return [];
  const row = FOLDERS[from];
  if (row === undefined) return [`${file.path}:1 is in a folder that the import table does not know`];
  return file.imports.flatMap(({ line, specifier, kind }) => {
    if (specifier === undefined || !isRelative(specifier)) return [];
    const target = resolve(file.path, specifier);
    const to = folderOf(target);
    if (to === from || (to !== undefined && row.any.includes(to))) return [];
    const { types = [], lazily = [] } = row;
    if (kind === "type" && [...types, ...lazily].some((name) => name === to || name === target)) return [];
    if (kind === "dynamic" && to !== undefined && lazily.includes(to)) return [];
    const allowed = [
      ...row.any,
      ...types.map((name) => `${name} (import type)`),
      ...lazily.map((name) => `${name} (await import)`),
    ].join(", ");
    return [`${file.path}:${line} imports ${target}: ${from} may import only ${allowed || "itself"}`];
  });
});

/**
 * In src every import names a file by its relative path with extension, or an npm package inline with its
 * version. A bare name would need an import map, and that is not loaded when `mod.ts` is imported by URL.
 */
export const importsByUrl: Rule = eachFile((file) =>
  isShipped(file.path)
    ? file.imports.flatMap(({ line, specifier }) => {
      if (specifier === undefined) {
        if (folderOf(file.path) === "host") return []; // a user's module, or a package: see packageUsers()
        return [`${file.path}:${line} imports a computed name: expected a plain string`];
      }
      if (isRelative(specifier) && specifier.endsWith(".ts")) return [];
      if (/^npm:(@[\w.-]+\/)?[\w.-]+@[\^~]?\d/.test(specifier) || specifier.startsWith("node:")) return [];
      return [
        `${file.path}:${line} imports "${specifier}": expected a relative .ts path or npm:name@version inline`,
      ];
    })
    : []
);

/**
 * Examples are copied by users: they import the library by its name, which leads to its entry points alone,
 * and their own files.
 */
export const examplesImportByName: Rule = eachFile((file) =>
  file.path.startsWith("examples/")
    ? file.imports.flatMap(({ line, specifier }) => {
      if (specifier === undefined || !isRelative(specifier)) return [];
      const target = resolve(file.path, specifier);
      if (target.startsWith("examples/")) return [];
      return [`${file.path}:${line} imports ${target}: expected an entry point by name, as in deno.json`];
    })
    : []
);

/** `Deno`, `process`, `Buffer` and `node:` stay inside src/host and cli.ts. */
export const hostNames: Rule = eachFile((file) => {
  if (!isLibrary(file.path) || folderOf(file.path) === "host") return [];
  const named = matches(file, /(?<![.\w$])(?:Deno|process|Buffer)\b(?!\s*(?:\?:|:|\())/g);
  const imported = file.imports
    .filter(({ specifier }) => specifier?.startsWith("node:"))
    .map(({ line, specifier }) => ({ line, text: `${specifier}` }));
  return [...named, ...imported].map(({ line, text }) =>
    `${file.path}:${line} names ${text}: only src/host and cli.ts may`
  );
});

/**
 * Time, chance, timers and the global `fetch` are taken from `System` everywhere but in system.ts and
 * src/host.
 */
export const surroundings: Rule = eachFile((file) => {
  if (!isLibrary(file.path) || file.path === "src/system.ts" || folderOf(file.path) === "host") return [];
  return matches(file, SURROUNDINGS).map(({ line, text }) =>
    `${file.path}:${line} uses ${text}: take it from System {clock, random, fetch}`
  );
});

/**
 * Files that open with `// Pure.` hold no async code, time, chance or I/O, and at run time import only such
 * files and packages.
 */
export const purity: Rule = (files) => {
  const pure = new Set(files.filter((file) => isPure(file.text)).map((file) => file.path));
  return files.filter((file) => pure.has(file.path)).flatMap((file) => [
    ...matches(file, /(?<![.\w$])(?:async|await|console|crypto)\b/g).map(({ line, text }) =>
      `${file.path}:${line} uses ${text}: the file says that it is pure`
    ),
    ...matches(file, SURROUNDINGS).map(({ line, text }) =>
      `${file.path}:${line} uses ${text}: the file says that it is pure`
    ),
    ...file.imports.flatMap(({ line, specifier, kind }) => {
      if (kind === "type" || (specifier !== undefined && /^npm:/.test(specifier))) return [];
      if (specifier !== undefined && pure.has(resolve(file.path, specifier))) return [];
      return [
        `${file.path}:${line} imports ${specifier}: a pure file imports pure files, packages, or types`,
      ];
    }),
  ]);
};

/** Each module of the library opens with its doc, below `// Pure.` where it is. */
export const moduleDoc: Rule = eachFile((file) => {
  if (!isShipped(file.path)) return [];
  const start = file.text.replace(/^#!.*\n/, "").replace(/^\/\/ Pure\.\n/, "");
  const end = start.indexOf("*/");
  if (start.startsWith("/**") && end !== -1 && /@module\b/.test(start.slice(0, end))) return [];
  return [`${file.path}:1 does not open with a module doc: expected "/** … @module */"`];
});

/** Files of the library have at most 400 lines. */
export const fileLength: Rule = eachFile((file) => {
  const lines = file.text.trimEnd().split("\n").length;
  return isShipped(file.path) && lines > 400
    ? [`${file.path}:${lines} has ${lines} lines: at most 400; what is the second thing that it does?`]
    : [];
});

/**
 * Lines that end in a comment have at most 110 columns, but for rows of tables and quoted code, which cannot
 * be broken.
 */
export const commentWidth: Rule = eachFile((file) => {
  if (!COMMENTED.some((folder) => file.path.startsWith(folder)) || EXEMPT.includes(file.path)) return [];
  return commentsOf(file.text).flatMap(({ index, text }) =>
    text.replace(/```[^]*?```|^ *\* \|.*/gm, (code) => code.replace(/./g, "")).split("\n").flatMap(
      (part, below) => {
        const line = lineAt(file.text, index) + below;
        const before = below === 0 ? index - file.text.lastIndexOf("\n", index - 1) - 1 : 0;
        const columns = before + part.length;
        return columns > 110
          ? [`${file.path}:${line} has a comment up to column ${columns}: at most 110`]
          : [];
      },
    )
  );
});

/** Comments are in plain English: none of the words that are out. */
export const plainWords: Rule = eachFile((file) => {
  if (!COMMENTED.some((folder) => file.path.startsWith(folder)) || EXEMPT.includes(file.path)) return [];
  return commentParagraphs(file.text).flatMap(({ line, text }) =>
    plainWordProblems(text).map((problem) => `${file.path}:${line} ${problem}`)
  );
});

/** Nothing in src prints but the log that a worker has by default. */
export const noConsole: Rule = eachFile((file) =>
  isLibrary(file.path) && folderOf(file.path) !== "host" && file.path !== "src/observe/console_log.ts"
    ? matches(file, /(?<![.\w$])console\b/g).map(({ line }) =>
      `${file.path}:${line} prints: emit a WorkerEvent instead`
    )
    : []
);

/** No non-null `!`, no unexplained suppression, and none of `any`, which `deno lint` objects to. */
export const strictTypes: Rule = eachFile((file) =>
  isShipped(file.path)
    ? [
      ...matches(file, /(?<=[\w$)\]])!(?!=)/g).map(({ line }) =>
        `${file.path}:${line} asserts non-null with "!": test for it, or change the type`
      ),
      ...matches({ ...file, code: file.text }, /@ts-(?:ignore|nocheck)[^\n]*|deno-lint-ignore[^\n]*/g)
        .filter(({ text }) => !text.includes(" -- ") || text.includes("no-explicit-any"))
        .map(({ line, text }) =>
          `${file.path}:${line} has "${text}": expected a type, or a suppression that ends with " -- why"`
        ),
    ]
    : []
);

/** No module keeps state: nothing at the top level that can change. */
export const noModuleState: Rule = eachFile((file) =>
  isLibrary(file.path)
    ? matches(
      file,
      /^(?:export )?(?:(?:let|var)\s+[\w$]+|const [\w$]+(?:: [^=\n]+)? = new (?:Weak)?(?:Map|Set)(?:<[^(\n]*>)?\(\))/gm,
    )
      .map(({ line, text }) => `${file.path}:${line} keeps module state (${text}): hand it down instead`)
    : []
);

/**
 * Loading a module makes no signal, number by chance or request: workerd refuses a Worker that does so before
 * it is called.
 *
 * Source: developers.cloudflare.com/workers/runtime-apis/handlers, "Disallowed operation called within global
 * scope".
 */
export const quietLoading: Rule = eachFile((file) =>
  isLibrary(file.path)
    ? matches(
      file,
      /^(?:export )?const [^\n]*=(?!>|[^\n]*=>)[^\n]*\b(?:new AbortController|AbortSignal\.|new BroadcastChannel|crypto\.subtle)/gm,
    ).map(({ line }) =>
      `${file.path}:${line} makes a signal when it is loaded, which workerd refuses: make it in a function`
    )
    : []
);

/**
 * At the top of a module plain data, that is a number, a text, a list or a pattern, has a name in capitals.
 */
export const constantNames: Rule = eachFile((file) =>
  isLibrary(file.path)
    ? [
      ...file.code.matchAll(
        /^(?:export )?const ([a-z][\w$]*)(?:: [^=\n]+)? = (?:-?\d|["`\[/]|new Set\(\[)/gm,
      ),
    ].map((match) =>
      `${file.path}:${lineAt(file.text, match.index)} has the constant ${match[1]}: expected ${
        (match[1] ?? "").replaceAll(/(?<=[a-z\d])[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
      }`
    )
    : []
);

/**
 * A table of plain data is not indexed by a variable text: `TABLE["constructor"]` is found in every object.
 * The text is looked up in a Map, or with `ownValue()`.
 */
export const textsInMaps: Rule = eachFile((file) =>
  isShipped(file.path)
    ? [
      ...file.code.matchAll(
        /^(?:export )?const ([A-Z][A-Z\d_]*): Readonly<(?:Partial<)?\s*Record<\s*string,/gm,
      ),
    ]
      .flatMap(([, table]) =>
        matches(file, new RegExp(`(?<![\\w$])${table}\\[(?![\\d"])`, "g")).map(({ line }) =>
          `${file.path}:${line} indexes ${table} by a text: use a Map, or ownValue()`
        )
      )
    : []
);

/** A file imports from another file once: a type among values is named `type X`. */
export const oneImportEach: Rule = eachFile((file) => {
  const seen = new Set<string>();
  return file.imports.flatMap(({ line, specifier, kind }) => {
    const statement = file.code.split("\n")[line - 1] ?? "";
    if (specifier === undefined || kind === "dynamic" || !/^import (?:type )?\{|^\} from/.test(statement)) {
      return [];
    }
    if (!seen.has(specifier)) {
      seen.add(specifier);
      return [];
    }
    return [
      `${file.path}:${line} imports "${specifier}" a second time: expected one import, with "type X" in it`,
    ];
  });
});

/**
 * Who listens to events has one type; `emit` is what a part of the worker calls, `onEvent` what a user gives.
 */
export const eventListenerType: Rule = eachFile((file) =>
  isLibrary(file.path) && file.path !== "src/events.ts"
    ? matches(file, /\(event: WorkerEvent\) => void\b(?! \w)/g).map(({ line, text }) =>
      `${file.path}:${line} has the type ${text}: expected WorkerEventListener`
    )
    : []
);

/**
 * A part of the library gets the settings that it reads, by name: options, settings and groups of settings
 * are not spread into calls. A value of the same kind may be made of defaults and options.
 */
export const noSettingsSpread: Rule = eachFile((file) =>
  file.path.startsWith("src/")
    ? settingsSpreads(file.code).map(({ index, text }) =>
      `${file.path}:${lineAt(file.code, index)} spreads ${text}: hand on by name what the other part reads`
    )
    : []
);

/** Nothing is left to do. */
export const noLeftovers: Rule = eachFile((file) =>
  isShipped(file.path)
    ? matches({ ...file, code: file.text }, /\b(?:TODO|FIXME|XXX|HACK)\b/g).map(({ line, text }) =>
      `${file.path}:${line} says ${text}: do it, or open an issue`
    )
    : []
);

/** Every relative import leads to a file. */
export const importsExist: Rule = (files) => {
  const paths = new Set(files.map((file) => file.path));
  return files.flatMap((file) =>
    file.imports.flatMap(({ line, specifier }) => {
      if (specifier === undefined || !isRelative(specifier) || !specifier.endsWith(".ts")) return [];
      const target = resolve(file.path, specifier);
      return paths.has(target) ? [] : [`${file.path}:${line} imports ${target}: there is no such file`];
    })
  );
};

/**
 * Each npm package is named in exactly one file: of the library, or where the library names it not, of the
 * repository.
 */
export const packagesOnce: Rule = (files) => {
  const library = packageUsers(files.filter((file) => isShipped(file.path)));
  // An example stands for a program of its own.
  const own = files.filter((file) => !file.path.startsWith("examples/"));
  return [...packageUsers(own)].map(([name, paths]) => [name, library.get(name) ?? paths] as const)
    .filter(([, paths]) => paths.size > 1)
    .map(([name, paths]) => `${[...paths].join(" and ")} both name npm:${name}: one file may`);
};

/**
 * No file of src imports itself, by whatever way and for types only: what two files need of each other stands
 * in a third.
 */
export const noCircles: Rule = (files) => {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const done = new Set<string>();
  const complaints: string[] = [];
  const visit = (path: string, way: readonly string[]) => {
    const start = way.indexOf(path);
    if (start !== -1) {
      complaints.push(
        `${[...way.slice(start), path].join(" -> ")} is a circle: move what both need to a third file`,
      );
    }
    if (done.has(path) || start !== -1) return;
    for (const { specifier } of byPath.get(path)?.imports ?? []) {
      if (specifier !== undefined && isRelative(specifier)) visit(resolve(path, specifier), [...way, path]);
    }
    done.add(path);
  };
  for (const { path } of files) if (path.startsWith("src/")) visit(path, []);
  return complaints;
};

/** Two files of src never share a name, except mod.ts. So a name in a document or a stack names one file. */
export const baseNamesOnce: Rule = (files) => {
  const byName = Map.groupBy(
    files.map(({ path }) => path).filter((path) => path.startsWith("src/") && !path.endsWith("/mod.ts")),
    (path) => path.slice(path.lastIndexOf("/") + 1),
  );
  return [...byName.values()].filter((paths) => paths.length > 1).map((paths) =>
    `${paths.join(" and ")} share a name: expected each to say what it is`
  );
};

/**
 * The npm packages that the files name, each with the files that do. In shipped files every string `npm:…`
 * counts, since a computed import takes its package from one.
 */
export function packageUsers(files: readonly SourceFile[]): Map<string, ReadonlySet<string>> {
  const users = new Map<string, Set<string>>();
  for (const file of files) {
    const specifiers = isShipped(file.path)
      ? [...file.code.matchAll(/(["'`]) *\1/g)].map(({ index, 0: text }) =>
        file.text.slice(index + 1, index + text.length - 1)
      )
      : file.imports.map(({ specifier }) => specifier);
    for (const specifier of specifiers) {
      const name = specifier?.match(/^npm:((?:@[^/]+\/)?[^@/]+)/)?.[1];
      if (name !== undefined) users.set(name, (users.get(name) ?? new Set()).add(file.path));
    }
  }
  return users;
}

/** mod.ts lists names one by one and holds no code of its own. */
export const modReexportsOnly: Rule = eachFile((file) => {
  if (file.path !== "mod.ts") return [];
  const rest = file.code.replace(
    /export\s+(?:type\s+)?\{[\w\s,]*\}\s*from\s*(["']) *\1;?/g,
    (text) => text.replace(/[^\n]/g, " "),
  );
  const at = rest.search(/\S/);
  return at === -1
    ? []
    : [`mod.ts:${lineAt(file.code, at)} holds more than re-exports: expected export { … } from "./src/…"`];
});

/**
 * What loading mod.ts loads, transitively: neither src/host nor src/failures nor src/cloudwatch, nor hono,
 * nor Node's modules.
 */
export const modLoadsLittle: Rule = (files) =>
  loadsNot(
    "mod.ts",
    /^(?:npm:hono|npm:@aws-sdk\/|node:|src\/host\/|src\/failures\/|src\/cloudwatch\/|credentials\.ts)/,
    files,
  );

/**
 * Loading src/credentials/mod.ts loads neither Node's modules nor AWS's package before they are used: edge
 * runtimes have none.
 */
export const credentialsLoadLittle: Rule = (files) =>
  loadsNot("src/credentials/mod.ts", /^(?:npm:hono|npm:@aws-sdk\/|node:)/, files);

function loadsNot(entry: string, unwanted: RegExp, files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  const seen = new Set<string>();
  const complaints: string[] = [];
  const visit = (path: string, way: readonly string[]) => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const { specifier, kind } of byPath.get(path)?.imports ?? []) {
      if (kind !== "value" || specifier === undefined) continue;
      const target = isRelative(specifier) ? resolve(path, specifier) : specifier;
      if (unwanted.test(target)) {
        complaints.push(`${[...way, path, target].join(" -> ")}: loading ${entry} must not load this`);
      } else visit(target, [...way, path]);
    }
  };
  visit(entry, []);
  return complaints;
}

/** Where the rules about comments hold. */
const COMMENTED = ["src/", "tests/support/"];

/** Holds the words themselves. */
const EXEMPT = ["tests/support/plain_words.ts"];

const SURROUNDINGS =
  /(?<![\w$])(?:Date\.now|new Date\(\s*\)|performance\.now|Math\.random|AbortSignal\.timeout|crypto\.(?:randomUUID|getRandomValues))|(?<![.\w$])(?:setTimeout|setInterval)\b|(?<![.\w$])fetch\s*\(|globalThis\.fetch/g;

function eachFile(rule: (file: SourceFile) => string[]): Rule {
  return (files) => files.flatMap(rule);
}

/** `src/lease/x.ts` → `lease`, `src/x.ts` → `root`, anything outside src → undefined. */
function folderOf(path: string): string | undefined {
  if (!path.startsWith("src/")) return undefined;
  const folder = path.slice("src/".length, Math.max("src/".length, path.lastIndexOf("/")));
  return folder === "" ? "root" : folder;
}

/**
 * The comments of a module as running text, without code that they quote. Lines of `//` below one another are
 * one text.
 */
function commentParagraphs(source: string): { readonly line: number; readonly text: string }[] {
  const found: { line: number; text: string; end: number }[] = [];
  for (const { index, text } of commentsOf(source)) {
    const last = found.at(-1);
    const prose = text.replace(/^\/[/*]+|\*\/$|^\s*\*/gm, "").replace(/```[^]*?```|`[^`]*`/g, "");
    if (last !== undefined && text.startsWith("//") && source.slice(last.end, index).trim() === "") {
      last.text += ` ${prose}`;
      last.end = index + text.length;
    } else found.push({ line: lineAt(source, index), text: prose, end: index + text.length });
  }
  return found;
}

function isLibrary(path: string): boolean {
  return path.startsWith("src/") || path === "mod.ts";
}

function isShipped(path: string): boolean {
  return isLibrary(path) || path === "cli.ts";
}

function isPure(text: string): boolean {
  return text.startsWith("// Pure.");
}

function isRelative(specifier: string): boolean {
  return /^\.\.?\//.test(specifier);
}

function resolve(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

function matches(file: SourceFile, pattern: RegExp): { readonly line: number; readonly text: string }[] {
  return [...file.code.matchAll(pattern)].map((match) => ({
    line: lineAt(file.text, match.index),
    text: match[0],
  }));
}
