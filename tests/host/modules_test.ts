import { assertEquals } from "@std/assert";
import { loadProblem } from "../../src/host/modules.ts";

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
