/**
 * The package.json of the npm package, made from deno.json and from what the code imports.
 *
 * @module
 */

import { PROFILE_PACKAGE } from "../../src/host/profile_credentials.ts";

/** Where the project lives. Links of packed documents lead there. */
export const REPOSITORY = "https://github.com/kclite/kclite";

/** Packages that a user installs who needs them, as `npm:name@version`. */
export const OPTIONAL_PEERS: readonly string[] = [PROFILE_PACKAGE];

/** Packages that one entry point imports, and no other: they are optional peers too. */
export const OPTIONAL_IMPORTS: readonly string[] = ["@opentelemetry/api"];

/** What a package.json says, as far as it matters here. */
export interface PackageJson {
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly [key: string]: unknown;
}

/** What deno.json says, as far as it matters here. */
export interface DenoJson {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** Paths of TypeScript files by entry point: `.`, `./health`, … */
  readonly exports: Readonly<Record<string, string>>;
}

/**
 * The package.json, with every entry point and its types.
 *
 * Each entry point has one condition besides `types`: Node.js 22.12 or newer loads it by `require` too.
 *
 * @param dependencies Ranges by name.
 */
export function packageJson(
  { name, version, license, exports }: DenoJson,
  dependencies: Readonly<Record<string, string>>,
): PackageJson {
  const entries = Object.entries(exports).map(([entry, path]) => {
    const stem = path.replace(/\.ts$/, "");
    return [entry, { types: `${stem}.d.ts`, default: `${stem}.js` }] as const;
  });
  const byEntry = Object.fromEntries(entries);
  const json = {
    name,
    version,
    description: "A Kinesis Client Library without Java: it consumes Amazon Kinesis data streams",
    keywords: ["aws", "kinesis", "kcl", "multilang", "stream", "consumer"],
    license,
    homepage: `${REPOSITORY}#readme`,
    repository: { type: "git", url: `git+${REPOSITORY}.git` },
    bugs: { url: `${REPOSITORY}/issues` },
    type: "module",
    engines: { node: ">=22" },
    bin: { kclite: "cli.js" },
    ...(byEntry["."] === undefined ? {} : { main: byEntry["."].default, types: byEntry["."].types }),
    exports: { ...byEntry, "./package.json": "./package.json" },
    files: ["**/*.js", "**/*.d.ts", "bin/kclite"],
    dependencies: Object.fromEntries(
      Object.entries(dependencies).filter(([name]) => !OPTIONAL_IMPORTS.includes(name)),
    ),
  };
  const imported = OPTIONAL_IMPORTS.flatMap((name) => {
    const range = dependencies[name];
    return range === undefined ? [] : [`npm:${name}@${range.replace(/^\^/, "")}`];
  });
  return withOptionalPeers(json, [...OPTIONAL_PEERS, ...imported]);
}

/**
 * The package.json with packages as optional peers, of the given version or a later one of its major: npm does not install them by itself.
 *
 * @throws {Error} when one is a dependency too, which npm would install.
 */
export function withOptionalPeers(json: PackageJson, specifiers: readonly string[]): PackageJson {
  const peers = specifiers.map((specifier) => {
    const [, name = "", version = ""] = /^npm:(.+)@(\d[^@]*)$/.exec(specifier) ?? [];
    if (name === "") throw new RangeError(`Cannot pack: expected npm:name@version: got ${specifier}`);
    if (json.dependencies?.[name] !== undefined) {
      throw new Error(`Cannot pack: expected ${name} to be optional: got a dependency: name it in no import`);
    }
    return { name, range: `^${version}` };
  });
  return {
    ...json,
    peerDependencies: Object.fromEntries(peers.map(({ name, range }) => [name, range])),
    peerDependenciesMeta: Object.fromEntries(peers.map(({ name }) => [name, { optional: true }])),
  };
}

/** A file for npm: `from "npm:hono@^4.13.0"` is `from "hono"`, and the range is a dependency. */
export function withoutNpmSpecifiers(
  text: string,
): { readonly text: string; readonly dependencies: Readonly<Record<string, string>> } {
  const dependencies: Record<string, string> = {};
  const replaced = text.replace(
    /(\bfrom\s*|\bimport\s*\(?\s*)"npm:((?:@[^/"]+\/)?[^@/"]+)@([^/"]+)((?:\/[^"]*)?)"/g,
    (_, before: string, name: string, range: string, rest: string) => {
      dependencies[name] = range;
      return `${before}"${name}${rest}"`;
    },
  );
  return { text: replaced, dependencies };
}

/**
 * Markdown whose links lead to the repository, for a copy of the file that stands alone.
 *
 * @param path Of the file in the repository.
 * @param version The links lead to the tag of this version.
 */
export function withAbsoluteLinks(markdown: string, path: string, version: string): string {
  return markdown.replace(/\]\((?![a-z]+:)([^)\s]+)\)/g, (_, target: string) => {
    const { pathname, hash } = new URL(target, `file:///${path}`);
    return `](${REPOSITORY}/blob/v${version}${pathname}${hash})`;
  });
}
