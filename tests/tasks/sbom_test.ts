import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { type Bill, billOf, billOfThis, type Lock, type Project, rootsOf } from "../../docs/generate_sbom.ts";
import { runCommand } from "../support/command.ts";

const ROOT = new URL("../../", import.meta.url);
const SHA512 = `sha512-${btoa("\0".repeat(64))}`;

const PROJECT: Project = {
  name: "@kclite/kclite",
  version: "1.2.3",
  license: "Apache-2.0",
  exports: { ".": "./mod.ts", "./cli": "./cli.ts" },
  imports: { "mapped": "npm:mapped@2" },
};

const FILES: ReadonlyMap<string, string> = new Map([
  ["mod.ts", `export { a } from "./src/a.ts"; import type { T } from "npm:only-types@1";`],
  [
    "src/a.ts",
    `import { b } from "npm:@scope/b@^1"; import process from "node:process"; import "mapped/sub";`,
  ],
  ["cli.ts", `import "./src/a.ts"; const c = await import("./src/lazy.ts");`],
  ["src/lazy.ts", `import "npm:lazy@3/deep";`],
]);

const LOCK: Lock = {
  version: "5",
  specifiers: {
    "npm:@scope/b@^1": "1.0.0_peer@4.0.0",
    "npm:mapped@2": "2.0.0",
    "npm:lazy@3": "3.0.0",
    "npm:test@1": "1.0.0",
  },
  npm: {
    "@scope/b@1.0.0_peer@4.0.0": { integrity: SHA512, dependencies: ["two@1.0.0", "peer"] },
    "mapped@2.0.0": { integrity: SHA512, dependencies: ["other@npm:two@2.0.0"] },
    "lazy@3.0.0": {
      integrity: `sha1-${btoa("\x01".repeat(20))}`,
      dependencies: ["peer"],
      optionalDependencies: ["circle"],
    },
    "circle@1.0.0": { integrity: SHA512, dependencies: ["lazy"] },
    "two@1.0.0": { integrity: SHA512 },
    "two@2.0.0": { integrity: SHA512 },
    "peer@4.0.0": { integrity: SHA512 },
    "test@1.0.0": { integrity: SHA512, dependencies: ["peer"] },
  },
};

async function bill(lock: Lock = LOCK, files = FILES): Promise<Bill> {
  const roots = await rootsOf(PROJECT, (path) => Promise.resolve(files.get(path) ?? ""));
  return billOf(lock, { project: PROJECT, roots });
}

Deno.test("billOf() lists what the entry points load, at any remove, and nothing else of the lock", async () => {
  const { components, dependencies } = await bill();
  assertEquals(components.map(({ purl, scope }) => `${purl} ${scope}`), [
    "pkg:npm/%40scope/b@1.0.0 required",
    "pkg:npm/circle@1.0.0 optional",
    "pkg:npm/lazy@3.0.0 optional",
    "pkg:npm/mapped@2.0.0 required",
    "pkg:npm/peer@4.0.0 required",
    "pkg:npm/two@1.0.0 required",
    "pkg:npm/two@2.0.0 required",
  ]);
  assertEquals(components[0]?.group, "@scope");
  assertEquals(components[0]?.name, "b");
  assertEquals(components[2]?.hashes, [{ alg: "SHA-1", content: "01".repeat(20) }]);
  assertEquals(dependencies.map(({ ref, dependsOn }) => [ref, ...dependsOn].join(" ")), [
    "pkg:npm/%40kclite/kclite@1.2.3 pkg:npm/%40scope/b@1.0.0 pkg:npm/lazy@3.0.0 pkg:npm/mapped@2.0.0",
    "pkg:npm/%40scope/b@1.0.0 pkg:npm/peer@4.0.0 pkg:npm/two@1.0.0",
    "pkg:npm/circle@1.0.0 pkg:npm/lazy@3.0.0",
    "pkg:npm/lazy@3.0.0 pkg:npm/circle@1.0.0 pkg:npm/peer@4.0.0",
    "pkg:npm/mapped@2.0.0 pkg:npm/two@2.0.0",
    "pkg:npm/peer@4.0.0",
    "pkg:npm/two@1.0.0",
    "pkg:npm/two@2.0.0",
  ]);
});

Deno.test("billOf() refuses a lock that lacks a package or its hash, and a package that is not npm's", async () => {
  const without = (key: string) => ({
    ...LOCK,
    npm: Object.fromEntries(Object.entries(LOCK.npm).filter(([k]) => k !== key)),
  });
  await assertRejects(
    () => bill(without("mapped@2.0.0")),
    Error,
    "Cannot list npm:mapped@2: expected it in deno.lock",
  );
  await assertRejects(() => bill(without("peer@4.0.0")), Error, "Cannot list peer of ");
  const noHash = { ...LOCK, npm: { ...LOCK.npm, "peer@4.0.0": { integrity: "" } } };
  await assertRejects(() => bill(noHash), Error, "Cannot list peer@4.0.0: expected its hash");
  const foreign = new Map([...FILES, ["cli.ts", `import "jsr:@std/assert@1";`]]);
  await assertRejects(
    () => bill(LOCK, foreign),
    Error,
    "Cannot list jsr:@std/assert@1 of cli.ts: expected a package of npm",
  );
  await assertRejects(() => bill({ ...LOCK, version: "6" }), Error, "expected version 5");
});

Deno.test("billOf() has another serial number for another content, and the same for the same", async () => {
  const { serialNumber } = await bill();
  assertMatch(serialNumber, /^urn:uuid:[\da-f]{8}-[\da-f]{4}-8[\da-f]{3}-a[\da-f]{3}-[\da-f]{12}$/);
  assertEquals((await bill()).serialNumber, serialNumber);
  const other = {
    ...LOCK,
    npm: { ...LOCK.npm, "peer@4.0.0": { integrity: `sha512-${btoa("\x01".repeat(64))}` } },
  };
  assert((await bill(other)).serialNumber !== serialNumber);
});

Deno.test("the bill of this repository has the shape of CycloneDX 1.6", async () => {
  const { bomFormat, specVersion, version, serialNumber, components, dependencies, metadata } =
    await billOfThis();
  assertEquals([bomFormat, specVersion, version], ["CycloneDX", "1.6", 1]);
  assertMatch(serialNumber, /^urn:uuid:[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/);
  const refs = new Set(components.map((component) => component["bom-ref"]));
  assertEquals(refs.size, components.length, "each component once");
  for (const { type, name, group, version, purl, hashes } of components) {
    assertEquals(type, "library");
    assertMatch(version, /^\d+\.\d+\.\d+/);
    assertEquals(
      purl,
      `pkg:npm/${group === undefined ? "" : `${group.replace("@", "%40")}/`}${name}@${version}`,
    );
    assertEquals(hashes.map(({ alg, content }) => [alg, content.length]), [["SHA-512", 128]]);
    assertMatch(hashes[0]?.content ?? "", /^[\da-f]+$/);
  }
  const self = (metadata["component"] as { readonly "bom-ref": string })["bom-ref"];
  assertEquals(dependencies.map(({ ref }) => ref).toSorted(), [...refs, self].toSorted());
  assertEquals(dependencies.flatMap(({ dependsOn }) => dependsOn).filter((ref) => !refs.has(ref)), []);
});

/** What Deno tells of a module and of packages. */
interface Info {
  readonly modules: readonly { readonly kind: string; readonly npmPackage?: string }[];
  readonly npmPackages: Readonly<Record<string, { readonly dependencies: readonly string[] }>>;
}

Deno.test("the bill of this repository has each package that Deno loads for mod.ts, cli.ts and the other entry points", async () => {
  const lock: Lock = JSON.parse(await Deno.readTextFile(new URL("deno.lock", ROOT)));
  const wanted = new Set<string>();
  for (const entry of ["mod.ts", "cli.ts", "src/health/mod.ts", "src/otel/mod.ts"]) {
    const { stdout } = await runCommand(Deno.execPath(), ["info", "--json", "--lock=deno.lock", entry], {
      cwd: ROOT.pathname,
    });
    const { modules, npmPackages }: Info = JSON.parse(stdout);
    const waiting = modules.flatMap(({ npmPackage }) => npmPackage ?? []);
    for (let key = waiting.pop(); key !== undefined; key = waiting.pop()) {
      if (wanted.has(key)) continue;
      wanted.add(key);
      waiting.push(...npmPackages[key]?.dependencies ?? []);
    }
  }
  assert(wanted.size >= 3, [...wanted].join());
  const hex = (integrity = "") => Uint8Array.fromBase64(integrity.replace("sha512-", "")).toHex();
  const { components } = await billOfThis();
  const found = components.map(({ group, name, version, hashes }) =>
    `${group === undefined ? "" : `${group}/`}${name}@${version} ${hashes[0]?.content}`
  );
  const listed = [...wanted].map((key) => `${key.replace(/_.*$/, "")} ${hex(lock.npm[key]?.integrity)}`);
  assertEquals(found.toSorted(), listed.toSorted());
});
