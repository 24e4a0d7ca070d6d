/**
 * Writes a bill of materials (CycloneDX 1.6, JSON): every npm package that a program with kclite loads, with version, hash and what
 * it depends on, as deno.lock pins them. Packages of tests and benchmarks are not in it.
 *
 * ```sh
 * deno task sbom [--out kclite.cdx.json] [--smoke]
 * ```
 *
 * The same lock gives the same text: there is a time in it only where SOURCE_DATE_EPOCH says which. `--smoke` writes nothing.
 *
 * Source: the reference of CycloneDX 1.6; the specification of package URLs for npm.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { importsOf } from "../tests/support/source_text.ts";

const ROOT = new URL("../", import.meta.url);

/** What of deno.lock counts. */
export interface Lock {
  readonly version: string;
  /** `npm:hono@^4.13.0` to the version that it stands for. */
  readonly specifiers: Readonly<Record<string, string>>;
  readonly npm: Readonly<Record<string, LockedPackage>>;
}

/** A package in it, whose key is `name@version`, perhaps with `_` and its peers. */
export interface LockedPackage {
  readonly integrity: string;
  /** `name`, `name@version`, or `alias@npm:name@version`. */
  readonly dependencies?: readonly string[];
  readonly optionalDependencies?: readonly string[];
}

/** A package that the library names. */
export interface Root {
  /** e.g. `npm:hono@^4.13.0`. */
  readonly specifier: string;
  /** Whether it is loaded only where it is needed. */
  readonly isOptional: boolean;
}

/** What of deno.json counts. */
export interface Project {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly imports?: Readonly<Record<string, string>>;
}

/** One component of a bill. */
export interface Component {
  readonly type: "library";
  readonly "bom-ref": string;
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  readonly scope: "required" | "optional";
  readonly purl: string;
  readonly hashes: readonly { readonly alg: string; readonly content: string }[];
}

/** A bill of materials, as far as it is written here. */
export interface Bill {
  readonly bomFormat: "CycloneDX";
  readonly specVersion: "1.6";
  readonly serialNumber: string;
  readonly version: 1;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

/**
 * Makes the bill.
 *
 * @param epochS When it is made; left out where undefined.
 * @throws {Error} when the lock lacks a package, or has no hash of it.
 */
export async function billOf(
  lock: Lock,
  { project, roots, epochS }: {
    readonly project: Project;
    readonly roots: readonly Root[];
    readonly epochS?: number | undefined;
  },
): Promise<Bill> {
  if (lock.version !== "5") throw new Error(`Cannot read deno.lock: expected version 5: got ${lock.version}`);
  const optional = new Set<string>(), required = new Set<string>();
  for (const { specifier, isOptional } of roots) {
    collect(lock, lockedKey(lock, specifier), isOptional ? optional : required);
  }
  const keys = [...new Set([...required, ...optional])].toSorted();
  const components = keys.map((key) => component(lock, key, required.has(key) ? "required" : "optional"));
  const self = purlOf(project.name, project.version);
  const direct = roots.map(({ specifier }) => purlOfKey(lockedKey(lock, specifier)));
  const dependencies = [
    { ref: self, dependsOn: [...new Set(direct)].toSorted() },
    ...keys.map((key) => ({
      ref: purlOfKey(key),
      dependsOn: [...new Set(dependenciesOf(lock, key).map(purlOfKey))].toSorted(),
    })),
  ];
  const [group, name] = groupAndName(project.name);
  return {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    serialNumber: await serialNumberOf(JSON.stringify([project.version, components, dependencies])),
    version: 1,
    metadata: {
      ...(epochS === undefined ? {} : { timestamp: new Date(epochS * 1000).toISOString() }),
      component: {
        type: "library",
        "bom-ref": self,
        ...(group === undefined ? {} : { group }),
        name,
        version: project.version,
        licenses: [{ license: { id: project.license } }],
        purl: self,
      },
    },
    components,
    dependencies,
  };
}

/**
 * The packages that the entry points name, at any remove.
 *
 * @param read The text of a module, by its path from the root of the repository.
 * @throws {Error} for what is neither a file nor a package of npm.
 */
export async function rootsOf(
  { exports, imports = {} }: Project,
  read: (path: string) => Promise<string>,
): Promise<Root[]> {
  const names = new Map(Object.entries(imports));
  /** Whether each was reached by dynamic imports alone. */
  const files = new Map<string, boolean>(), packages = new Map<string, boolean>();
  // An entry point is loaded by whoever wants it.
  const waiting = Object.values(exports).map((path) => ({
    path: path.replace(/^\.\//, ""),
    isOptional: false,
  }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { path } = next;
    const before = files.get(path);
    if (before !== undefined && (!before || next.isOptional)) continue;
    files.set(path, next.isOptional);
    for (const { specifier, kind } of importsOf(await read(path))) {
      if (specifier === undefined || kind === "type" || specifier.startsWith("node:")) continue;
      const isOptional = next.isOptional || kind === "dynamic";
      if (/^\.\.?\//.test(specifier)) {
        waiting.push({ path: new URL(specifier, `file:///${path}`).pathname.slice(1), isOptional });
        continue;
      }
      const target = mapped(specifier, names);
      if (!target.startsWith("npm:")) {
        throw new Error(`Cannot list ${specifier} of ${path}: expected a package of npm: got ${target}`);
      }
      packages.set(target, (packages.get(target) ?? true) && isOptional);
    }
  }
  return [...packages].map(([specifier, isOptional]) => ({ specifier, isOptional }));
}

/** By the import map, where it names the package or the folder that it is in. */
function mapped(specifier: string, names: ReadonlyMap<string, string>): string {
  const exact = names.get(specifier);
  if (exact !== undefined) return exact;
  const [, name] = /^((?:@[^/]+\/)?[^/]+)\//.exec(specifier) ?? [];
  return (name === undefined ? undefined : names.get(name) ?? names.get(`${name}/`)) ?? specifier;
}

function lockedKey({ specifiers, npm }: Lock, specifier: string): string {
  // Without a path into the package, and without the slash that an import map may have.
  const [, wanted = specifier] = /^(npm:\/?(?:@[^/]+\/)?[^/]+)/.exec(specifier) ?? [];
  const version = new Map(Object.entries(specifiers)).get(wanted.replace("npm:/", "npm:"));
  const key = `${nameOf(wanted.replace(/^npm:\/?/, ""))}@${version}`;
  if (version === undefined || !Object.hasOwn(npm, key)) {
    throw new Error(`Cannot list ${specifier}: expected it in deno.lock: run deno install`);
  }
  return key;
}

function collect(lock: Lock, key: string, into: Set<string>): void {
  if (into.has(key)) return;
  into.add(key);
  for (const dependency of dependenciesOf(lock, key)) collect(lock, dependency, into);
}

function dependenciesOf({ npm }: Lock, key: string): string[] {
  const { dependencies = [], optionalDependencies = [] } = npm[key] ?? {};
  return [...dependencies, ...optionalDependencies].map((dependency) => {
    const wanted = dependency.replace(/^.+@npm:/, "");
    if (Object.hasOwn(npm, wanted)) return wanted;
    // A package of which there is one version goes without it.
    const found = Object.keys(npm).filter((other) => nameOf(other) === wanted);
    const [only] = found;
    if (only !== undefined && found.length === 1) return only;
    throw new Error(`Cannot list ${dependency} of ${key}: expected one in deno.lock: got ${found.length}`);
  });
}

function component({ npm }: Lock, key: string, scope: Component["scope"]): Component {
  const [group, name] = groupAndName(nameOf(key));
  return {
    type: "library",
    "bom-ref": purlOfKey(key),
    ...(group === undefined ? {} : { group }),
    name,
    version: versionOf(key),
    scope,
    purl: purlOfKey(key),
    hashes: [hashOf(key, npm[key]?.integrity ?? "")],
  };
}

function hashOf(key: string, integrity: string): Component["hashes"][number] {
  const [, bits, base64 = ""] = /^sha(1|256|384|512)-([\w+/]+=*)$/.exec(integrity) ?? [];
  if (bits === undefined) {
    throw new Error(`Cannot list ${key}: expected its hash in deno.lock: got ${integrity}`);
  }
  const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  return { alg: `SHA-${bits}`, content: bytes.toHex() };
}

function nameOf(key: string): string {
  const at = key.indexOf("@", 1);
  return at === -1 ? key : key.slice(0, at);
}

/** Without the peers that it was installed beside. */
function versionOf(key: string): string {
  return key.slice(nameOf(key).length + 1).replace(/_.*$/, "");
}

function purlOfKey(key: string): string {
  return purlOf(nameOf(key), versionOf(key));
}

function purlOf(name: string, version: string): string {
  return `pkg:npm/${name.replace("@", "%40")}@${encodeURIComponent(version)}`;
}

function groupAndName(name: string): readonly [string | undefined, string] {
  const [group, rest] = name.split("/");
  return rest === undefined ? [undefined, name] : [group, rest];
}

/** A UUID made of the content, so that another content has another one. */
async function serialNumberOf(content: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(content)));
  // Version 8 of RFC 9562: bits of one's own.
  const hex = digest.toHex().slice(0, 32).replace(/^(.{12})./, "$18").replace(/^(.{16})./, "$1a");
  return `urn:uuid:${hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")}`;
}

/** The bill of this repository as it stands. */
export async function billOfThis(): Promise<Bill> {
  const read = (path: string) => Deno.readTextFile(new URL(path, ROOT));
  const project: Project = JSON.parse(await read("deno.json"));
  const lock: Lock = JSON.parse(await read("deno.lock"));
  const epoch = Deno.env.get("SOURCE_DATE_EPOCH");
  const epochS = epoch === undefined ? undefined : Number(epoch);
  return billOf(lock, { project, roots: await rootsOf(project, read), epochS });
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      out: { type: "string", default: "kclite.cdx.json" },
      smoke: { type: "boolean", default: false },
    },
  });
  const bill = await billOfThis();
  if (!values.smoke) await Deno.writeTextFile(values.out, `${JSON.stringify(bill, undefined, 2)}\n`);
  console.log(`${values.out}: ${bill.components.length} packages`);
}
