/**
 * Finds what documents name and what is not there: in Markdown, and in the comments of the library that
 * `deno doc` shows. Each rule goes from text to complaints, so that `documents_test.ts` can show that it is
 * able to fail.
 *
 * Only what stands between backticks counts as a name. In comments, a paragraph that cites Java KCL or
 * another source may name what is there.
 *
 * @module
 */

import { lineAt } from "./source_text.ts";

/** A file of the repository. */
export interface TextFile {
  readonly path: string;
  readonly text: string;
}

/** What documents may name. */
export interface Repository {
  readonly files: readonly TextFile[];
  /** Every folder and file, from the root, without a slash at the end. */
  readonly paths: ReadonlySet<string>;
  /** From deno.json. */
  readonly entries: Readonly<Record<string, string>>;
  readonly tasks: readonly string[];
}

/** Variables made of a property's name; Java's setting; what engines may lack. */
const FOREIGN =
  /^(?:KCLITE_\w+|streamInfoMode|DataView\.getFloat16|maxPendingProcessRecordsInput|waitPeriodToDeleteFormerStreams|Maximum(?:RetryAttempts|RecordAgeInSeconds|BatchingWindowInSeconds)|BisectBatchOnFunctionError|FunctionResponseTypes|ReportBatchItemFailures|DestinationConfig\.OnFailure|BatchSize|ParallelizationFactor|FilterCriteria|TumblingWindowInSeconds|MetricsConfig|KMSKeyArn|ProvisionedPollerConfig|ScalingConfig|LoggingConfig)$/;

/** One span between backticks, with what is around it. */
interface Span {
  readonly place: string;
  readonly text: string;
  readonly mayBeForeign: boolean;
}

/** From a repository to complaints, which read `file:line what is wrong`. */
export type DocumentRule = (repository: Repository) => string[];

/** Every path, entry point, call and identifier that a document names is there. */
export const namesExist: DocumentRule = (repository) => {
  const words = wordsInCode(repository);
  return spansOf(repository).flatMap((span) => {
    const problem = isPath(span, repository)
      ? pathProblem(span, repository)
      : nameProblem(span, repository, words);
    return problem === undefined ? [] : [`${span.place} names \`${span.text}\`: ${problem}`];
  });
};

/** What users read names no function, class or constant of src that no entry point exports. */
export const publicNames: DocumentRule = (repository) => {
  const hidden = hiddenNames(repository);
  const spans = repository.files.filter(({ path }) => isForUsers(path)).flatMap((file) =>
    markdownSpans(file)
  );
  const docs = publicComments(repository).flatMap((comment) => commentSpans(comment));
  const complaints = [...spans, ...docs].flatMap(({ place, text }) => {
    const name = /^(\w+)(?:\(.*\))?$/.exec(text)?.[1] ?? "";
    const path = hidden.get(name);
    return path === undefined ? [] : [`${place} names \`${text}\`: no entry point exports it (${path} does)`];
  });
  return [...new Set(complaints)];
};

/** What an example imports from the library is exported there. */
export const importsExported: DocumentRule = ({ files, entries }) => {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return files.filter(({ path }) => path.endsWith(".md")).flatMap((file) =>
    [...file.text.matchAll(/^import (?:type )?\{([^}]*)\} from "@kclite\/kclite((?:\/\w+)+)?"/gm)].flatMap(
      (match) => {
        const [, list = "", entry = ""] = match;
        const place = `${file.path}:${lineAt(file.text, match.index)}`;
        const module = byPath.get(entries[`.${entry}`]?.slice(2) ?? "");
        if (module === undefined) {
          return [`${place} imports from .${entry}: deno.json exports no such entry point`];
        }
        const exported = exportsOf(module);
        return namesIn(list).filter((name) => !exported.includes(name)).map((name) =>
          `${place} imports ${name}: ${module.path} exports none`
        );
      },
    )
  );
};

/**
 * Examples in Markdown and in the comments of the library import it by its name: what a reader copies must be
 * found there.
 */
export const importsByName: DocumentRule = ({ files, entries }) => {
  const modules = Object.values(entries).map((path) => path.slice(path.lastIndexOf("/") + 1));
  return files.filter(({ path }) => path.endsWith(".md") || /^(?:src\/|mod\.ts|cli\.ts)/.test(path)).flatMap((
    file,
  ) =>
    [...file.text.matchAll(/^(?:| \* )(?:import|export) [^;"]*"(\.[^"]*\/([^"/]+))"/gm)].flatMap(
      ({ 0: text, 1: specifier, 2: module = "", index }) =>
        modules.includes(module) && (file.path.endsWith(".md") || text.startsWith(" * "))
          ? [`${file.path}:${lineAt(file.text, index)} imports ${specifier}: expected the library's name`]
          : [],
    )
  );
};

/** Every `deno task` that a document names is in deno.json. */
export const tasksExist: DocumentRule = ({ files, tasks }) =>
  files.filter(({ path }) => !path.startsWith("tests/")).flatMap((file) =>
    [...file.text.matchAll(/(?:\bdeno|\bdeno@2|`) ?task ([a-z][\w:-]*)/g)].flatMap((
      { 1: name = "", index },
    ) =>
      tasks.includes(name)
        ? []
        : [`${file.path}:${lineAt(file.text, index)} names task ${name}: deno.json has none`]
    )
  );

/** Every test that the table of invariants names is there. */
export const testsExist: DocumentRule = ({ files }) => {
  const tests = files.filter(({ path }) => path.endsWith("_test.ts")).map(({ text }) => text).join("\n");
  return files.filter(({ path }) => path === "ARCHITECTURE.md").flatMap((file) =>
    [...file.text.matchAll(/\| "([^"|]+)"\s*\|/g)].flatMap(({ 1: name = "", index }) =>
      tests.includes(name)
        ? []
        : [`${file.path}:${lineAt(file.text, index)} names a test that is not there: "${name}"`]
    )
  );
};

/**
 * Whether it is a path, and not a name in a file: `lease/gaps.ts`, `lease/gaps`, `./health`, but not
 * `lease/gaps.auditLeases()`.
 */
function isPath({ text }: Span, { paths }: Repository): boolean {
  if (/^[./\w@-]+\.(?:ts|md|mjs|json)$/.test(text)) return true;
  return text.includes("/") && fileNamed(/^([\w/]+)\./.exec(text)?.[1] ?? "", paths) === undefined;
}

/** A file, a folder or an entry point that is not there; undefined: it is, or the span is none. */
function pathProblem({ text }: Span, { paths, entries }: Repository): string | undefined {
  const entry = /^(?:\.|@kclite\/kclite)\/([a-z]+)$/.exec(text)?.[1];
  if (entry !== undefined) {
    return `./${entry}` in entries ? undefined : "deno.json exports no such entry point";
  }
  if (/^[\w-]+\.(?:ts|md|mjs)$/.test(text)) {
    return [...paths].some((path) => path === text || path.endsWith(`/${text}`))
      ? undefined
      : "there is no such file";
  }
  if (!/^[a-z][\w-]*(?:\/[\w.-]+)+\/?$/.test(text)) return undefined;
  const isOurs = [text.split("/")[0] ?? "", `src/${text.split("/")[0]}`].some((folder) => paths.has(folder));
  const bare = text.replace(/\/$/, "");
  const isFound = [bare, `src/${bare}`].some((path) => paths.has(path) || paths.has(`${path}.ts`));
  return !isOurs || isFound || fileNamed(bare, paths) !== undefined
    ? undefined
    : "there is no such file or folder";
}

/** A function, a member or an identifier that is not there. */
function nameProblem(
  span: Span,
  { files, paths }: Repository,
  words: ReadonlySet<string>,
): string | undefined {
  const { text, mayBeForeign } = span;
  const [, head = "", name = ""] = /^(?:([\w/]+)\.)?(?:[\w$]+\.)*([\w$]+)(?:\(.*\))?$/.exec(text) ?? [];
  if (name === "") return undefined;
  // `lease/gaps.areFirstLeasesUnfinished()` and `lease_write.assign()`: a file of src and what is in it.
  const path = fileNamed(head, paths);
  const file = files.find((file) => file.path === path);
  // `errors.retry`: the options of a worker have names of files.
  if (["errors", "retry", "batch"].includes(head) && words.has(name)) return undefined;
  if (file !== undefined) return holds(file, name) ? undefined : `${file.path} has no ${name}`;
  // `Checkpointer.undeliver()`: a class or an interface of src.
  const type = /^[A-Z]/.test(head) && !mayBeForeign ? declarationOf(head, files) : undefined;
  if (type !== undefined) return holds(type, name) ? undefined : `${head} in ${type.path} has no ${name}`;
  const isIdentifier = /\(.*\)$/.test(text) || /[a-z][A-Z]|^[A-Z][a-z]|[a-z]_[a-z]/.test(name);
  // The source has the names of metrics without their prefix.
  const metric = name.replace(/^kclite_/, "");
  if (!isIdentifier || mayBeForeign || words.has(name) || words.has(metric) || FOREIGN.test(text)) {
    return undefined;
  }
  return "no code has this name";
}

/** `lease/gaps` or `lease_write`; undefined: no file of src is meant. */
function fileNamed(name: string, paths: ReadonlySet<string>): string | undefined {
  if (!/^[a-z][a-z0-9_/]*$/.test(name)) return undefined;
  const found = [...paths].filter((path) => path.startsWith("src/") && path.endsWith(`/${name}.ts`));
  return found.length === 1 ? found[0] : undefined;
}

function declarationOf(name: string, files: readonly TextFile[]): TextFile | undefined {
  const declares = new RegExp(`^export (?:abstract )?(?:class|interface) ${name}\\b`, "m");
  return files.find(({ path, text }) => path.startsWith("src/") && declares.test(text));
}

function holds({ text }: TextFile, name: string): boolean {
  return new RegExp(`\\b${name}\\b`).test(withoutComments(text));
}

/** Values that a module of src exports and no entry point does, with the module's path. */
function hiddenNames({ files, entries }: Repository): ReadonlyMap<string, string> {
  const shown = new Set(
    files.filter(({ path }) => Object.values(entries).includes(`./${path}`)).flatMap(exportsOf),
  );
  const hidden = new Map<string, string>();
  // A word that is a field too, such as an option, may mean that one.
  const fields = new Set(
    files.flatMap(({ text }) => [...text.matchAll(/^ +(?:readonly )?(\w+)\??:/gm)].map(([, name]) => name)),
  );
  for (const { path, text } of files) {
    if (!path.startsWith("src/") || !path.endsWith(".ts")) continue;
    for (const [, name = ""] of text.matchAll(/^export (?:async )?(?:function|class|const) (\w+)/gm)) {
      if (!shown.has(name) && !fields.has(name) && /[a-z][A-Z]/.test(name)) hidden.set(name, path);
    }
  }
  return hidden;
}

/** Names that a module exports, its own and others'. */
function exportsOf({ text }: TextFile): string[] {
  const own = [...text.matchAll(/^export (?:async )?(?:function|class|const|interface|type) (\w+)/gm)];
  const others = [...text.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list = ""]) =>
    namesIn(list)
  );
  return [...own.map(([, name = ""]) => name), ...others];
}

/** `a, type B` as it stands between braces. */
function namesIn(list: string): string[] {
  return list.split(",").map((name) => name.trim().replace(/^type /, "").replace(/ as .*/, "")).filter(
    Boolean,
  );
}

/** The comments of all that entry points export, members included. */
function publicComments({ files, entries }: Repository): Comment[] {
  const byPath = new Map(files.map((file) => [file.path, file]));
  return Object.values(entries).map((path) => byPath.get(path.slice(2))).filter((file) => file !== undefined)
    .flatMap(
      (entry) => {
        const sources = [...entry.text.matchAll(/^export (?:type )?\{([^}]*)\} from "([^"]+)"/gm)];
        return [
          ...commentsOf(entry).filter(({ isModule }) => isModule),
          ...sources.flatMap(([, list = "", specifier = ""]) => {
            const path = new URL(specifier, `file:///${entry.path}`).pathname.slice(1);
            const file = byPath.get(path);
            const names = namesIn(list);
            return file === undefined ? [] : names.flatMap((name) => declaredComments(file, name));
          }),
        ];
      },
    );
}

/** The comment before a declaration, and those inside of it. */
function declaredComments(file: TextFile, name: string): Comment[] {
  const at = file.text.search(
    new RegExp(`^export (?:async |abstract )?(?:function|class|const|interface|type) ${name}\\b`, "m"),
  );
  if (at === -1) return [];
  // Only classes and interfaces have comments inside.
  const end = /^export (?:abstract )?(?:class|interface)/.test(file.text.slice(at))
    ? file.text.indexOf("\n}", at)
    : at;
  return commentsOf(file).filter(({ start, end: over }) =>
    (over <= at && file.text.slice(over, at).trim() === "") || (start > at && over < end)
  );
}

/** One doc comment. */
interface Comment {
  readonly path: string;
  readonly line: number;
  readonly start: number;
  readonly end: number;
  readonly text: string;
  readonly isModule: boolean;
}

function commentsOf({ path, text }: TextFile): Comment[] {
  return [...text.matchAll(/\/\*\*[^]*?\*\//g)].map((match) => ({
    path,
    line: lineAt(text, match.index),
    start: match.index,
    end: match.index + match[0].length,
    text: match[0].replace(/^\s*\* ?/gm, ""),
    isModule: match[0].includes("@module"),
  }));
}

function spansOf({ files }: Repository): Span[] {
  return files.flatMap((file) => {
    if (file.path.endsWith(".md")) return markdownSpans(file);
    const isShipped = /^(?:src\/.*|mod|cli)\.?\w*\.ts$/.test(file.path) ||
      ["mod.ts", "cli.ts"].includes(file.path);
    return isShipped ? commentsOf(file).flatMap((comment) => commentSpans(comment)) : [];
  });
}

function markdownSpans({ path, text }: TextFile): Span[] {
  const prose = text.replace(/^```[^]*?^```/gm, (block) => block.replace(/[^\n]/g, " "));
  return [...prose.matchAll(/(?<!`)`([^`\n]+)`(?!`)/g)].map(({ 1: span = "", index }) => ({
    place: `${path}:${lineAt(text, index)}`,
    text: span,
    mayBeForeign: false,
  }));
}

function commentSpans({ path, line, text }: Comment): Span[] {
  return text.replace(/^```[^]*?^```/gm, "").split(/\n\s*\n/).flatMap((paragraph) => {
    const mayBeForeign = /\bKCL\b|\bKPL\b|\bJava\b|\bSource:/.test(paragraph);
    const names = [...paragraph.matchAll(/`([^`\n]+)`|\{@link(?:code)? ([\w.]+)\}/g)];
    return names.map(([, span, link = ""]) => ({
      place: `${path}:${line}`,
      text: span ?? link,
      mayBeForeign,
    }));
  });
}

/** Every word of the repository's code and data, comments left out. */
function wordsInCode({ files }: Repository): ReadonlySet<string> {
  const words = new Set<string>();
  for (const { path, text } of files) {
    if (path.endsWith(".md")) continue;
    for (const [word] of withoutComments(text).matchAll(/[A-Za-z_$][\w$]*/g)) words.add(word);
  }
  return words;
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[^]*?\*\//g, " ").replace(/(^|\s)\/\/.*$/gm, " ");
}

/** Those who work on kclite read the others. */
function isForUsers(path: string): boolean {
  return path === "README.md" || path === "CHANGELOG.md" || path.startsWith("docs/");
}
