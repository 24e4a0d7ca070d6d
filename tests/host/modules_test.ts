import { assertEquals, assertRejects } from "@std/assert";
import { loadModule, loadProblem } from "../../src/host/modules.ts";
import { withFolder } from "../support/folder.ts";

/** As Node.js 20.20.2 has them. */
function unknownExtension(extension: string): Error {
  const error = new TypeError(`Unknown file extension "${extension}" for /app/processor${extension}`);
  return Object.assign(error, { code: "ERR_UNKNOWN_FILE_EXTENSION" });
}

Deno.test("loadProblem() says that an old Node.js runs no TypeScript, and what to do", () => {
  for (const extension of [".ts", ".mts", ".cts", ".tsx"]) {
    assertEquals(
      loadProblem(unknownExtension(extension), "20.20.2"),
      "Node.js 20.20.2 runs no TypeScript: use Node.js 22.18 or newer, Deno or Bun, or compile the module to .js",
    );
  }
});

Deno.test("loadProblem() leaves all other errors as they are", () => {
  assertEquals(
    loadProblem(unknownExtension(".wat"), "20.20.2").includes(`Unknown file extension ".wat"`),
    true,
  );
  assertEquals(loadProblem(new Error("no tea")).includes("no tea"), true);
});

Deno.test("loadModule() loads CommonJS in a .js file, as Node.js does, and passes on the errors of a module", async () => {
  await withFolder({
    "common.js":
      `globalThis.loadedTimes = (globalThis.loadedTimes ?? 0) + 1;\nconst { sep } = require("node:path");\nexports.handler = () => sep;\n`,
    "whole.js": `module.exports = () => 1;\n`,
    "own.cjs": `exports.handler = () => 2;\n`,
    "module.js": `// not module.exports, nor require()\nexport const handler = () => 3;\n`,
    "broken.js": `throw new ReferenceError("nothing is not defined");\n`,
    "missing.js": `require("./nobody.js");\n`,
  }, async (folder) => {
    const load = (name: string) => loadModule(name, [folder]);
    const handler = async (name: string) => {
      const { handler } = await load(name);
      return typeof handler === "function" ? handler() : "no function";
    };
    Reflect.deleteProperty(globalThis, "loadedTimes");
    assertEquals(await handler("common.js"), "/");
    assertEquals(Reflect.get(globalThis, "loadedTimes"), 1);
    assertEquals(await handler("own.cjs"), 2);
    assertEquals(await handler("module.js"), 3);
    const { default: whole } = await load("whole.js");
    assertEquals(typeof whole === "function" && whole(), 1);
    await assertRejects(() => load("broken.js"), Error, "nothing is not defined");
    await assertRejects(() => load("missing.js"), Error, "nobody.js");
  });
});
