/** What the npm package says about itself. Packing itself: `packed.ts`. */

import { assertEquals, assertThrows } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import { neededDeclarations } from "./declarations.ts";
import {
  OPTIONAL_PEERS,
  packageJson,
  withAbsoluteLinks,
  withOptionalPeers,
  withoutNpmSpecifiers,
} from "./package_json.ts";

Deno.test("withOptionalPeers() asks for the version or a later one, and lets npm leave it out", () => {
  assertEquals(withOptionalPeers({ name: "a", dependencies: { hono: "^4.0.0" } }, ["npm:@x/y@3.1.0"]), {
    name: "a",
    dependencies: { hono: "^4.0.0" },
    peerDependencies: { "@x/y": "^3.1.0" },
    peerDependenciesMeta: { "@x/y": { optional: true } },
  });
});

Deno.test("withOptionalPeers() refuses a package that npm would install all the same", () => {
  const json = { dependencies: { "@x/y": "^3.1.0" } };
  assertThrows(() => withOptionalPeers(json, ["npm:@x/y@3.1.0"]), Error, "to be optional: got a dependency");
  assertThrows(() => withOptionalPeers(json, ["npm:@x/y"]), RangeError, "expected npm:name@version");
});

Deno.test("OPTIONAL_PEERS are those that withOptionalPeers() can write", () => {
  assertEquals(Object.keys(withOptionalPeers({}, OPTIONAL_PEERS).peerDependencies ?? {}), [
    "@aws-sdk/credential-providers",
  ]);
});

Deno.test("packageJson() names each entry point of deno.json with its types, and the command", () => {
  const json = packageJson(config, { hono: "^4.0.0", "@opentelemetry/api": "^1.9.0" });
  const { ".": library, "./health": health } = json.exports as Record<string, unknown>;
  assertEquals(library, { types: "./mod.d.ts", default: "./mod.js" });
  assertEquals(health, { types: "./src/health/mod.d.ts", default: "./src/health/mod.js" });
  assertEquals(
    Object.keys(json.exports as Record<string, unknown>),
    [...Object.keys(config.exports), "./package.json"],
  );
  assertEquals([json.bin, json.engines], [{ kclite: "cli.js" }, { node: ">=22" }]);
  assertEquals(json.dependencies, { hono: "^4.0.0" });
  const { peerDependencies, peerDependenciesMeta } = json;
  assertEquals((peerDependencies as Record<string, unknown>)["@opentelemetry/api"], "^1.9.0");
  assertEquals((peerDependenciesMeta as Record<string, unknown>)["@opentelemetry/api"], { optional: true });
});

Deno.test("withoutNpmSpecifiers() writes imports as npm knows them, minified ones too, and leaves other texts alone", () => {
  const minified = `import{H}from"npm:hono@^4.13.0";import c from "npm:@x/y@1/z";const P="npm:@a/b@3.1.0";`;
  assertEquals(withoutNpmSpecifiers(minified), {
    text: `import{H}from"hono";import c from "@x/y/z";const P="npm:@a/b@3.1.0";`,
    dependencies: { hono: "^4.13.0", "@x/y": "1" },
  });
  assertEquals(withoutNpmSpecifiers(`type A = import("npm:hono@^4.13.0").Hono;`), {
    text: `type A = import("hono").Hono;`,
    dependencies: { hono: "^4.13.0" },
  });
});

Deno.test("withAbsoluteLinks() leads every link to the repository, at the tag of the version", () => {
  const links = "[a](OPTIONS.md) [b](../README.md#use) [c](https://x.y/z)";
  const base = "https://github.com/kclite/kclite/blob/v1.2.3";
  assertEquals(
    withAbsoluteLinks(links, "docs/npm.md", "1.2.3"),
    `[a](${base}/docs/OPTIONS.md) [b](${base}/README.md#use) [c](https://x.y/z)`,
  );
});

/** The declarations that users of `mod.ts` need of these files. */
async function needed(sources: Readonly<Record<string, string>>): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries(
    await neededDeclarations(["./mod.ts"], (path) => Promise.resolve(sources[path] ?? "missing")),
  );
}

Deno.test("neededDeclarations() keeps what an entry point's types lead to, and nothing else", async () => {
  const declared = await needed({
    "mod.ts": `/** The library. @module */\nexport { open } from "./open.ts";\n`,
    "open.ts": `/** Inside. @module */\nimport type { Door, Key as Opener } from "./door.ts";
/** Opens. */
export function open(key: Opener): Door { return key; }
/** Shuts. */
export function shut(window: import("./window.ts").Window): void {}\n`,
    "door.ts": `import type { Wood } from "./wood.ts";
/** A door. */
export interface Door { readonly key?: Key }
/** A key. */
export type Key = object;
/** Nobody's. */
export type Hinge = Wood;\n`,
    "wood.ts": "export type Wood = 1;\n",
    "window.ts": "export type Window = 1;\n",
  });
  assertEquals(declared, {
    "mod.ts": `/** The library. @module */\nexport { open } from "./open.ts";\n`,
    "open.ts": `import type { Door, Key as Opener } from "./door.ts";
/** Opens. */
export declare function open(key: Opener): Door;\n`,
    "door.ts": `/** A door. */
export interface Door {
    readonly key?: Key;
}
/** A key. */
export type Key = object;\n`,
  });
});

Deno.test("neededDeclarations() follows stars, namespaces, inline imports and files that import each other", async () => {
  const declared = await needed({
    "mod.ts": `export * from "./all.ts";\nexport { b } from "./one.ts";\n`,
    "all.ts": `import * as one from "./one.ts";\nexport const a: one.A = 1;\n`,
    "one.ts": `import type { a } from "./all.ts";
export type A = 1;
export const b: import("./two.ts").B<typeof a> = 2;\n`,
    "two.ts": "export type B<T> = T | 2;\n",
  });
  assertEquals(Object.keys(declared).sort(), ["all.ts", "mod.ts", "one.ts", "two.ts"]);
  assertEquals(declared["two.ts"], "export type B<T> = T | 2;\n");
});
